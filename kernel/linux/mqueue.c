/* linux/mqueue.c: POSIX message queues (man 7 mq_overview).
 *
 * A queue is known by its name until it is unlinked, and lives as long as somebody has it open. The
 * one that makes room or brings a message ends the wait of the one that needed it, so nobody can
 * come between. */
#include "core/boot.h"
#include "fs/file.h"
#include "fs/procfs.h"
#include "lib/string.h"
#include "linux/ipc.h"
#include "linux/path.h"
#include "linux/syscall.h"
#include "linux/time.h"
#include "mm/heap.h"
#include "net/netlink.h"
#include "net/socket.h"

enum { PRIORITIES = 32768, HARD_MAX_MESSAGES = 65536, HARD_MAX_SIZE = 16 * 1024 * 1024 };
enum { SIGEV_SIGNAL, SIGEV_NONE, SIGEV_THREAD };
enum { QUEUE_FILE_SIZE = 80, MESSAGE_COST = 48 + 48 /* what Linux counts for each */ };

enum { NOTIFY_COOKIE = 32 };

struct mq_message {
    struct list link;
    unsigned priority;
    size_t size;
    char bytes[];
};
struct mq_waiter {
    struct list link;
    struct thread *thread;
    struct mq_message *message; /* a sender's; what a receiver got */
    atomic_bool done;
};
struct mqueue {
    struct mutex lock;
    struct inode *inode; /* whose last reference ends it; the name holds one */
    struct list link;    /* in `queues` */
    char name[NAME_MAX + 1];
    uint32_t user; /* who made it */
    uint64_t max_messages, max_size, count, bytes, cost;
    struct list messages; /* highest priority first, then oldest */
    struct list senders, receivers;
    struct waitqueue pollers;
    struct {     /* mq_notify(2) */
        int pid; /* 0: nobody */
        int kind, signo;
        uint64_t value;
        struct file *file; /* SIGEV_THREAD: the netlink socket that gets the cookie, or NULL */
        char cookie[NOTIFY_COOKIE];
    } notify;
};
/* linux/mqueue.h of the program: the last byte of the cookie tells what has happened. */
enum { NOTIFY_WOKENUP = 1, NOTIFY_REMOVED = 2 };
struct mq_attr {
    int64_t flags, max_messages, max_size, count, reserved[4];
};
struct mq_sigevent {
    uint64_t value;
    int32_t signo, kind, rest[12];
};

static struct mutex names_lock; /* over queues */
static struct list queues = LIST_INIT(queues);
static unsigned nqueues;
static struct ipc_limit queues_max = {256, INT32_MAX};
static struct ipc_limit msg_max = {10, HARD_MAX_MESSAGES}, size_max = {8192, HARD_MAX_SIZE};
static struct ipc_limit msg_default = {10, HARD_MAX_MESSAGES}, size_default = {8192, HARD_MAX_SIZE};
static const struct file_ops mqueue_ops;

static struct mqueue *mqueue_of(struct file *file)
{
    return file->ops == &mqueue_ops ? file->data : NULL;
}

/* --- names --- */

/* With names_lock. */
static struct mqueue *find(const char *name)
{
    list_for_each_entry (struct mqueue, queue, &queues, link)
        if (queue->inode->nlink && strcmp(queue->name, name) == 0)
            return queue;
    return NULL;
}

static void destroy(struct inode *inode)
{
    struct mqueue *queue = inode->data;

    mutex_lock(&names_lock);
    list_del(&queue->link);
    nqueues--;
    mutex_unlock(&names_lock);
    list_for_each_safe (link, next, &queue->messages)
        kfree(list_entry(link, struct mq_message, link));
    kfree(queue);
    file_anonymous_destroy(inode);
}

static int set_attributes(struct inode *inode, const struct attributes *attr)
{
    inode_set(inode, attr);
    return 0;
}

static const struct inode_ops queue_inode = {.setattr = set_attributes, .destroy = destroy};

static int read_name(uintptr_t from, char name[NAME_MAX + 1])
{
    ssize_t len = user_read_string(name, from, NAME_MAX + 1);

    if (len < 0)
        return (int)len;
    if (len == 0)
        return -ENOENT;
    return strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ? -EACCES : 0;
}

static int check_attributes(const struct mq_attr *attr)
{
    bool free = capable(CAP_SYS_RESOURCE);

    if (attr->max_messages <= 0 || attr->max_size <= 0 ||
        attr->max_messages > (free ? HARD_MAX_MESSAGES : (int64_t)msg_max.value) ||
        attr->max_size > (free ? HARD_MAX_SIZE : (int64_t)size_max.value))
        return -EINVAL;
    return 0;
}

/* Against RLIMIT_MSGQUEUE: what the user's queues may grow to. With names_lock. */
static bool within_limit(uint64_t cost)
{
    uint64_t limit = current_process()->limits[LIMIT_MSGQUEUE][0];

    list_for_each_entry (struct mqueue, queue, &queues, link)
        if (queue->user == current_task()->cred.uid)
            cost += queue->cost;
    return cost <= limit;
}

/* With names_lock. */
static int create(const char *name, int flags, uint32_t mode, const struct mq_attr *attr,
                  struct file **opened)
{
    int err = check_attributes(attr);
    uint64_t cost = (uint64_t)attr->max_messages * (MESSAGE_COST + (uint64_t)attr->max_size);
    char label[NAME_MAX + 2];

    if (nqueues >= queues_max.value && !capable(CAP_SYS_RESOURCE))
        return -ENOSPC;
    if (err)
        return err;
    if (!within_limit(cost))
        return -EMFILE;
    struct mqueue *queue = kzalloc(sizeof(*queue));
    if (!queue)
        return -ENOMEM;
    snprintf(label, sizeof(label), "/%s", name);
    err = file_anonymous(label, &mqueue_ops, S_IFREG | (mode & 07777 & ~current_task()->fs->umask),
                         flags, queue, opened);
    if (err) {
        kfree(queue);
        return err;
    }
    queue->inode = (*opened)->inode;
    queue->inode->ops = &queue_inode;
    queue->inode->file_ops = &mqueue_ops;
    queue->inode->size = QUEUE_FILE_SIZE;
    inode_get(queue->inode);
    strlcpy(queue->name, name, sizeof(queue->name));
    queue->user = current_task()->cred.uid;
    queue->max_messages = (uint64_t)attr->max_messages;
    queue->max_size = (uint64_t)attr->max_size;
    queue->cost = cost;
    list_init(&queue->messages);
    list_init(&queue->senders);
    list_init(&queue->receivers);
    waitqueue_init(&queue->pollers);
    list_add_tail(&queues, &queue->link);
    nqueues++;
    return 0;
}

/* With names_lock. */
static int open_queue(struct mqueue *queue, int flags, int kept, struct file **opened)
{
    static const uint8_t wants[3] = {4, 2, 6};
    char label[NAME_MAX + 2];

    if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
        return -EEXIST;
    if ((flags & O_ACCMODE) == O_ACCMODE)
        return -EINVAL;
    int err = inode_permission(queue->inode, wants[flags & O_ACCMODE]);
    if (err)
        return err;
    inode_get(queue->inode);
    snprintf(label, sizeof(label), "/%s", queue->name);
    err = file_of_inode(label, queue->inode, kept, opened);
    if (!err)
        (*opened)->data = queue;
    return err;
}

SYSCALL(mq_open, 4, SYSCALL_WHOLE, "")
{
    int flags = (int)a1, kept = flags & (O_ACCMODE | O_NONBLOCK | O_APPEND);
    struct file *file = NULL;
    char name[NAME_MAX + 1];
    struct mq_attr attr = {.max_messages = (int64_t)MIN(msg_max.value, msg_default.value),
                           .max_size = (int64_t)MIN(size_max.value, size_default.value)};

    if (a3 && user_read(&attr, a3, sizeof(attr)) < 0)
        return -EFAULT;
    int err = read_name(a0, name);
    if (err)
        return err;
    int fd = fd_reserve(0);
    if (fd < 0)
        return fd;
    mutex_lock(&names_lock);
    struct mqueue *queue = find(name);
    if (queue)
        err = open_queue(queue, flags, kept, &file);
    else
        err = flags & O_CREAT ? create(name, kept, (uint32_t)a2, &attr, &file) : -ENOENT;
    mutex_unlock(&names_lock);
    return fd_finish(fd, err, file, true);
}

SYSCALL(mq_unlink, 1, SYSCALL_WHOLE, "")
{
    const struct credentials *cred = &current_task()->cred;
    char name[NAME_MAX + 1];
    int err = read_name(a0, name);

    if (err)
        return err;
    mutex_lock(&names_lock);
    struct mqueue *queue = find(name);
    if (!queue)
        err = -ENOENT;
    else if (cred->fsuid != queue->inode->uid && cred->fsuid != 0 && !capable(CAP_FOWNER))
        err = -EPERM; /* their folder is sticky */
    else
        queue->inode->nlink = 0;
    mutex_unlock(&names_lock);
    if (!err)
        inode_put(queue->inode);
    return err;
}

/* --- messages; all with the queue's lock --- */

static void store(struct mqueue *queue, struct mq_message *message)
{
    struct list *at = queue->messages.prev;

    while (at != &queue->messages &&
           list_entry(at, struct mq_message, link)->priority < message->priority)
        at = at->prev;
    list_add(at, &message->link);
    queue->count++;
    queue->bytes += message->size;
}

static struct mq_message *take(struct mqueue *queue)
{
    struct mq_message *message = list_first(&queue->messages, struct mq_message, link);

    list_del(&message->link);
    queue->count--;
    queue->bytes -= message->size;
    return message;
}

/* The longest waiting of those with the highest real-time priority is first. */
static void enqueue(struct list *waiters, struct mq_waiter *waiter)
{
    struct list *at = waiters->prev;

    while (at != waiters && list_entry(at, struct mq_waiter, link)->thread->rt_priority <
                                waiter->thread->rt_priority)
        at = at->prev;
    list_add(at, &waiter->link);
}

static void finish(struct mq_waiter *waiter)
{
    struct thread *thread = waiter->thread;

    list_del(&waiter->link);
    atomic_store_explicit(&waiter->done, true, memory_order_release);
    thread_wake(thread);
}

/* Nobody is to be notified any more: the last byte of the cookie says why. */
static void end_notify(struct mqueue *queue, char why)
{
    struct file *file = queue->notify.file;

    queue->notify.pid = 0;
    queue->notify.file = NULL;
    if (!file)
        return;
    queue->notify.cookie[NOTIFY_COOKIE - 1] = why;
    netlink_deliver(file, queue->notify.cookie, NOTIFY_COOKIE);
    file_put(file);
}

static void notify(struct mqueue *queue)
{
    struct siginfo info = {
        .signo = queue->notify.signo,
        .code = SI_MESGQ,
        .kill = {.pid = current_process()->pid,
                 .uid = current_task()->cred.uid,
                 .value = queue->notify.value},
    };
    int pid = queue->notify.pid;

    end_notify(queue, NOTIFY_WOKENUP);
    if (!pid || queue->notify.kind != SIGEV_SIGNAL || !info.signo)
        return;
    rcu_read_lock();
    struct process *process = process_find(pid);
    if (process)
        (void)signal_send_process(process, &info);
    rcu_read_unlock();
}

/* There is room: give it to the receiver that waits, or keep it. */
static void deliver(struct mqueue *queue, struct mq_message *message)
{
    if (!list_empty(&queue->receivers)) {
        struct mq_waiter *waiter = list_first(&queue->receivers, struct mq_waiter, link);
        waiter->message = message;
        finish(waiter);
        return;
    }
    store(queue, message);
    if (queue->count == 1)
        notify(queue);
    waitqueue_wake(&queue->pollers, 0, POLLIN | POLLRDNORM);
}

/* The first message; a sender that waits gets the room. */
static struct mq_message *receive(struct mqueue *queue)
{
    struct mq_message *message = take(queue);

    if (!list_empty(&queue->senders)) {
        struct mq_waiter *waiter = list_first(&queue->senders, struct mq_waiter, link);
        store(queue, waiter->message);
        finish(waiter);
    } else {
        waitqueue_wake(&queue->pollers, 0, POLLOUT | POLLWRNORM);
    }
    return message;
}

static int wait_for(struct mqueue *queue, struct list *waiters, struct mq_waiter *waiter,
                    nsec_t deadline)
{
    int err = 0;

    enqueue(waiters, waiter);
    mutex_unlock(&queue->lock);
    while (!err) {
        thread_set_state(THREAD_INTERRUPTIBLE);
        if (atomic_load_explicit(&waiter->done, memory_order_acquire))
            break;
        err = time_sleep(WAIT_INTERRUPTIBLE, deadline, true);
    }
    thread_set_state(THREAD_RUNNABLE);
    mutex_lock(&queue->lock);
    if (waiter->done)
        return 0;
    list_del(&waiter->link);
    return err == -EINTR ? -ERESTARTSYS : err;
}

/* --- mq_timedsend, mq_timedreceive --- */

static int read_deadline(uintptr_t from, nsec_t *deadline)
{
    nsec_t until;

    *deadline = NSEC_FOREVER;
    if (!from)
        return 0;
    int err = time_get(from, &until);
    if (!err)
        *deadline = until;
    return err;
}

static int copy_in(uintptr_t from, size_t size, unsigned priority, struct mq_message **made)
{
    struct mq_message *message = kmalloc(sizeof(*message) + size);

    if (!message)
        return -ENOMEM;
    message->priority = priority;
    message->size = size;
    *made = message;
    if (user_read(message->bytes, from, size) == 0)
        return 0;
    kfree(message);
    return -EFAULT;
}

static int send_locked(struct mqueue *queue, struct mq_message *message, bool nonblock,
                       nsec_t deadline)
{
    struct mq_waiter waiter = {.thread = current, .message = message};

    if (queue->count < queue->max_messages) {
        deliver(queue, message);
        return 0;
    }
    return nonblock ? -EAGAIN : wait_for(queue, &queue->senders, &waiter, deadline);
}

static int do_send(struct file *file, uintptr_t from, size_t size, unsigned priority,
                   nsec_t deadline)
{
    struct mqueue *queue = mqueue_of(file);
    struct mq_message *message;

    if (!queue || !file_writable(file))
        return -EBADF;
    if (size > queue->max_size)
        return -EMSGSIZE;
    int err = copy_in(from, size, priority, &message);
    if (err)
        return err;
    mutex_lock(&queue->lock);
    err = send_locked(queue, message, file->flags & O_NONBLOCK, deadline);
    mutex_unlock(&queue->lock);
    if (err)
        kfree(message);
    return err;
}

SYSCALL(mq_timedsend, 5, SYSCALL_WHOLE, "")
{
    nsec_t deadline;
    int err = read_deadline(a4, &deadline);

    if (err)
        return err;
    if ((unsigned)a3 >= PRIORITIES)
        return -EINVAL;
    struct fd_ref ref = fd_borrow((int)a0);
    if (!ref.file)
        return -EBADF;
    err = do_send(ref.file, a1, a2, (unsigned)a3, deadline);
    fd_return(ref);
    return err;
}

static int receive_locked(struct mqueue *queue, bool nonblock, nsec_t deadline,
                          struct mq_message **message)
{
    struct mq_waiter waiter = {.thread = current};

    if (queue->count) {
        *message = receive(queue);
        return 0;
    }
    int err = nonblock ? -EAGAIN : wait_for(queue, &queue->receivers, &waiter, deadline);
    *message = waiter.message;
    return err;
}

static int64_t do_receive(struct file *file, uintptr_t to, size_t size, uintptr_t priority_to,
                          nsec_t deadline)
{
    struct mqueue *queue = mqueue_of(file);
    struct mq_message *message;

    if (!queue || !file_readable(file))
        return -EBADF;
    if (size < queue->max_size)
        return -EMSGSIZE;
    mutex_lock(&queue->lock);
    int64_t result = receive_locked(queue, file->flags & O_NONBLOCK, deadline, &message);
    mutex_unlock(&queue->lock);
    if (result)
        return result;
    result = (int64_t)message->size;
    if ((priority_to && user_put32(priority_to, message->priority) < 0) ||
        user_write(to, message->bytes, message->size) < 0)
        result = -EFAULT;
    kfree(message);
    return result;
}

SYSCALL(mq_timedreceive, 5, SYSCALL_WHOLE, "")
{
    nsec_t deadline;
    int64_t result = read_deadline(a4, &deadline);

    if (result)
        return result;
    struct fd_ref ref = fd_borrow((int)a0);
    if (!ref.file)
        return -EBADF;
    result = do_receive(ref.file, a1, a2, a3, deadline);
    fd_return(ref);
    return result;
}

/* --- mq_notify, mq_getsetattr --- */

static int check_event(const struct mq_sigevent *event)
{
    if (event->kind != SIGEV_SIGNAL && event->kind != SIGEV_NONE && event->kind != SIGEV_THREAD)
        return -EINVAL;
    if (event->kind == SIGEV_SIGNAL && (unsigned)event->signo > SIGRTMAX)
        return -EINVAL;
    if (event->kind != SIGEV_THREAD)
        return 0;
    return 0;
}

/* SIGEV_THREAD: value is the address of a cookie, signo a netlink socket, on which glibc's thread
 * waits for it (man 3 mq_notify). */
static int get_cookie(const struct mq_sigevent *event, char *cookie, struct file **file)
{
    if (user_read(cookie, event->value, NOTIFY_COOKIE) < 0)
        return -EFAULT;
    *file = fd_get(event->signo);
    if (!*file)
        return -EBADF;
    int err = !socket_of(*file) ? -ENOTSOCK : netlink_is(*file) ? 0 : -EINVAL;
    if (err)
        file_put(*file);
    return err;
}

/* file: a reference that is taken over where it is used. */
static int set_notify(struct mqueue *queue, const struct mq_sigevent *event, struct file *file,
                      const char *cookie)
{
    int me = current_process()->pid, err = 0;

    mutex_lock(&queue->lock);
    if (!event) {
        if (queue->notify.pid == me)
            end_notify(queue, NOTIFY_REMOVED);
    } else if (queue->notify.pid) {
        err = -EBUSY;
    } else {
        queue->notify.pid = me;
        queue->notify.kind = event->kind;
        queue->notify.signo = event->signo;
        queue->notify.value = event->value;
        queue->notify.file = file;
        if (file)
            memcpy(queue->notify.cookie, cookie, NOTIFY_COOKIE);
    }
    mutex_unlock(&queue->lock);
    return err;
}

SYSCALL(mq_notify, 2, SYSCALL_WHOLE, "")
{
    struct mq_sigevent event;

    if (a1 && user_read(&event, a1, sizeof(event)) < 0)
        return -EFAULT;
    int err = a1 ? check_event(&event) : 0;
    char cookie[NOTIFY_COOKIE];
    struct file *file = NULL;
    if (!err && a1 && event.kind == SIGEV_THREAD)
        err = get_cookie(&event, cookie, &file);
    if (err)
        return err;
    struct fd_ref ref = fd_borrow((int)a0);
    struct mqueue *queue = ref.file ? mqueue_of(ref.file) : NULL;
    err = queue ? set_notify(queue, a1 ? &event : NULL, file, cookie) : -EBADF;
    if (err && file)
        file_put(file);
    if (ref.file)
        fd_return(ref);
    return err;
}

static void exchange(struct file *file, const struct mq_attr *set, struct mq_attr *old)
{
    struct mqueue *queue = mqueue_of(file);

    mutex_lock(&queue->lock);
    *old = (struct mq_attr){
        .flags = file->flags & O_NONBLOCK,
        .max_messages = (int64_t)queue->max_messages,
        .max_size = (int64_t)queue->max_size,
        .count = (int64_t)queue->count,
    };
    mutex_unlock(&queue->lock);
    if (set && set->flags & O_NONBLOCK)
        atomic_fetch_or(&file->flags, O_NONBLOCK);
    else if (set)
        atomic_fetch_and(&file->flags, ~(unsigned)O_NONBLOCK);
}

SYSCALL(mq_getsetattr, 3, SYSCALL_WHOLE, "")
{
    struct mq_attr set, old;

    if (a1 && user_read(&set, a1, sizeof(set)) < 0)
        return -EFAULT;
    if (a1 && set.flags & ~(int64_t)O_NONBLOCK)
        return -EINVAL;
    struct fd_ref ref = fd_borrow((int)a0);
    if (!ref.file)
        return -EBADF;
    int err = mqueue_of(ref.file) ? 0 : -EBADF;
    if (!err)
        exchange(ref.file, a1 ? &set : NULL, &old);
    fd_return(ref);
    return err || !a2 ? err : user_write(a2, &old, sizeof(old));
}

/* --- the file --- */

static unsigned mqueue_poll(struct file *file, struct poll_table *table)
{
    struct mqueue *queue = file->data;

    poll_wait(table, &queue->pollers);
    mutex_lock(&queue->lock);
    unsigned now = (queue->count ? POLLIN | POLLRDNORM : 0) |
                   (queue->count < queue->max_messages ? POLLOUT | POLLWRNORM : 0);
    mutex_unlock(&queue->lock);
    return now;
}

/* The state as text. */
static ssize_t mqueue_read(struct file *file, struct io *io, off_t *pos)
{
    struct mqueue *queue = file->data;
    char text[QUEUE_FILE_SIZE];

    mutex_lock(&queue->lock);
    int pid = queue->notify.pid;
    size_t len = (size_t)snprintf(
        text, sizeof(text), "QSIZE:%-10lu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n", queue->bytes,
        pid ? queue->notify.kind : 0, pid && !queue->notify.kind ? queue->notify.signo : 0, pid);
    mutex_unlock(&queue->lock);
    if (*pos < 0 || (size_t)*pos >= len)
        return 0;
    size_t n = MIN(io->left, len - (size_t)*pos);
    size_t moved = io_put(io, text + *pos, n);
    *pos += (off_t)moved;
    return n && !moved ? -EFAULT : (ssize_t)moved;
}

/* A close by the process that is to be notified ends that. */
static int mqueue_flush(struct file *file)
{
    set_notify(file->data, NULL, NULL, NULL);
    return 0;
}

/* Once more, by /proc/PID/fd. */
static int mqueue_open(struct inode *inode, struct file *file)
{
    file->data = inode->data;
    return 0;
}

static const struct file_ops mqueue_ops = {
    .open = mqueue_open,
    .read = mqueue_read,
    .poll = mqueue_poll,
    .flush = mqueue_flush,
    .seek = file_seek_generic,
};

static const struct pseudo_entry limits[] = {
    IPC_LIMIT("queues_max", queues_max),        IPC_LIMIT("msg_max", msg_max),
    IPC_LIMIT("msgsize_max", size_max),         IPC_LIMIT("msg_default", msg_default),
    IPC_LIMIT("msgsize_default", size_default),
};
static struct pseudo_entry folder = {
    .name = "mqueue",
    .mode = S_IFDIR | 0555,
    .table = limits,
    .ntable = ARRAY_SIZE(limits),
};

static int mqueue_start(void)
{
    pseudo_register(proc_folder("sys/fs"), &folder);
    return 0;
}
BOOT_STEP(PHASE_FS, "message queues", mqueue_start);
