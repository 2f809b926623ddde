#include "linux/seccomp_notify.h"

#include "core/random.h"
#include "core/waitqueue.h"
#include "lib/string.h"
#include "linux/fd.h"
#include "linux/pollwait.h"
#include "linux/task.h"
#include "mm/heap.h"
#include "mm/uaccess.h"

#define NOTIF_RECV      0xc0502100u
#define NOTIF_SEND      0xc0182101u
#define NOTIF_ID_VALID  0x40082102u
#define NOTIF_ID_VALID2 0x80082102u /* with the direction that it had at first */
#define NOTIF_SET_FLAGS 0x40082104u
#define NOTIF_ADDFD     0x2103u /* type and number; its size may grow */
#define IOCTL_WRITE     0x40000000u
enum { CONTINUE = 1, ADDFD_SETFD = 1, ADDFD_SEND = 2, ADDFD_SIZE = 24, SYNC_WAKE_UP = 1 };

struct seccomp_notifier {
    atomic_uint refs;
    struct mutex lock;     /* over all below, and the requests */
    struct list requests;  /* oldest first */
    struct waitqueue wait; /* there is something for the listener */
    uint64_t next_id;
    atomic_uint asked; /* requests in the state ASKED */
    bool closed;       /* nobody listens */
    bool orphaned;     /* nobody asks */
    bool killable;
};

enum state { ASKED, RECEIVED, ANSWERED };

/* A descriptor on its way into the asking task. On the listener's stack. */
struct gift {
    struct list link;
    struct file *file;
    unsigned flags;
    int fd;
    bool cloexec;
    int result;
    atomic_bool done;
    struct waitqueue wait;
};

/* On the asking task's stack. */
struct request {
    struct list link;
    struct task *task;
    const struct seccomp_call *call;
    enum state state;
    uint64_t id;
    int64_t value;
    int32_t error;
    uint32_t flags;
    struct list gifts;
    atomic_bool kicked; /* something has happened */
    struct waitqueue wait;
};

static void notifier_put(struct seccomp_notifier *notifier)
{
    if (atomic_fetch_sub_explicit(&notifier->refs, 1, memory_order_acq_rel) == 1)
        kfree(notifier);
}

void seccomp_notifier_gone(struct seccomp_notifier *notifier)
{
    if (!notifier)
        return;
    mutex_lock(&notifier->lock);
    notifier->orphaned = true;
    mutex_unlock(&notifier->lock);
    waitqueue_wake(&notifier->wait, 0, POLLHUP);
    notifier_put(notifier);
}

/* With the lock; the request stays where it is as long as that is held. */
static void kick(struct request *request)
{
    atomic_store(&request->kicked, true);
    wake_all(&request->wait);
    wake_all(&request->task->process->exit_wait); /* where those wait that only death disturbs */
}

static void set_state(struct seccomp_notifier *notifier, struct request *request, enum state state)
{
    if (request->state == ASKED)
        atomic_fetch_sub(&notifier->asked, 1);
    if (state == ASKED)
        atomic_fetch_add(&notifier->asked, 1);
    request->state = state;
}

/* --- who asks --- */

static void accept_gift(struct request *request, struct gift *gift)
{
    if (gift->flags & ADDFD_SETFD)
        gift->result = fd_install_at(gift->fd, gift->file, gift->cloexec);
    else
        gift->result = fd_install(gift->file, gift->cloexec, 0);
    if (gift->result >= 0)
        gift->file = NULL; /* the table has it */
    if (gift->flags & ADDFD_SEND) {
        if (gift->result < 0) {
            request->state = RECEIVED;
        } else {
            request->value = gift->result;
            request->error = 0;
            request->flags = 0;
        }
    }
}

static void hand_back(struct gift *gift)
{
    list_del(&gift->link);
    list_init(&gift->link);
    atomic_store(&gift->done, true);
    wake_all(&gift->wait);
}

/* Sleep until something happens; with the lock, which is released meanwhile. -EINTR. */
static int await(struct seccomp_notifier *notifier, struct request *request)
{
    bool killable = notifier->killable && request->state >= RECEIVED;
    struct process *process = current_process();
    int error = 0;

    mutex_unlock(&notifier->lock);
    if (!killable)
        error = WAIT_EVENT(&request->wait, atomic_load(&request->kicked), WAIT_INTERRUPTIBLE,
                           NSEC_FOREVER);
    else
        (void)WAIT_EVENT(&process->exit_wait,
                         atomic_load(&request->kicked) || atomic_load(&current->work) & WORK_EXIT,
                         0, NSEC_FOREVER);
    mutex_lock(&notifier->lock);
    if (atomic_exchange(&request->kicked, false))
        return 0;
    /* The listener may just have taken it: then only death disturbs. */
    if (!killable && notifier->killable && request->state >= RECEIVED &&
        !(atomic_load(&current->work) & WORK_EXIT))
        return 0;
    return error || killable ? -EINTR : 0;
}

static void wait_for_answer(struct seccomp_notifier *notifier, struct request *request)
{
    while (request->state != ANSWERED || !list_empty(&request->gifts)) {
        if (await(notifier, request) < 0) {
            request->error = -ERESTARTSYS;
            request->flags = 0;
            break;
        }
        while (!list_empty(&request->gifts)) {
            struct gift *gift = list_first(&request->gifts, struct gift, link);

            accept_gift(request, gift);
            hand_back(gift);
        }
    }
    while (!list_empty(&request->gifts)) {
        struct gift *gift = list_first(&request->gifts, struct gift, link);

        gift->result = -ESRCH;
        hand_back(gift);
    }
}

bool seccomp_notify(struct seccomp_notifier *notifier, const struct seccomp_call *call,
                    int64_t *result)
{
    struct request request = {.task = current_task(), .call = call, .error = -ENOSYS};

    list_init(&request.gifts);
    waitqueue_init(&request.wait);
    mutex_lock(&notifier->lock);
    if (!notifier->closed) {
        request.error = 0;
        request.id = notifier->next_id++;
        list_add_tail(&notifier->requests, &request.link);
        atomic_fetch_add(&notifier->asked, 1);
        waitqueue_wake(&notifier->wait, 0, POLLIN);
        wait_for_answer(notifier, &request);
        set_state(notifier, &request, ANSWERED);
        list_del(&request.link);
    }
    mutex_unlock(&notifier->lock);
    *result = request.error ?: request.value;
    return request.flags & CONTINUE;
}

/* --- who answers --- */

static struct request *find(struct seccomp_notifier *notifier, uint64_t id)
{
    list_for_each_entry (struct request, request, &notifier->requests, link)
        if (request->id == id)
            return request;
    return NULL;
}

static struct request *first_asked(struct seccomp_notifier *notifier)
{
    list_for_each_entry (struct request, request, &notifier->requests, link)
        if (request->state == ASKED)
            return request;
    return NULL;
}

struct notification { /* struct seccomp_notif */
    uint64_t id;
    uint32_t pid, flags;
    struct seccomp_call call;
};
struct response { /* struct seccomp_notif_resp */
    uint64_t id;
    int64_t value;
    int32_t error;
    uint32_t flags;
};
struct addfd { /* struct seccomp_notif_addfd */
    uint64_t id;
    uint32_t flags, srcfd, newfd, newfd_flags;
};
_Static_assert(sizeof(struct notification) == 80 && sizeof(struct response) == 24, "uapi");
_Static_assert(sizeof(struct addfd) == ADDFD_SIZE, "uapi");

static int64_t receive(struct seccomp_notifier *notifier, uintptr_t to)
{
    struct notification out, zero = {};
    struct request *request;

    if (user_read(&out, to, sizeof(out)) < 0)
        return -EFAULT;
    if (memcmp(&out, &zero, sizeof(out)) != 0)
        return -EINVAL;
    if (WAIT_EVENT(&notifier->wait, notifier->orphaned || atomic_load(&notifier->asked),
                   WAIT_INTERRUPTIBLE, NSEC_FOREVER) < 0)
        return -EINTR;
    mutex_lock(&notifier->lock);
    request = first_asked(notifier);
    if (request) {
        out = (struct notification){request->id, (uint32_t)request->task->tid, 0, *request->call};
        set_state(notifier, request, RECEIVED);
    }
    mutex_unlock(&notifier->lock);
    if (!request)
        return -ENOENT;
    waitqueue_wake(&notifier->wait, 0, POLLOUT);
    if (user_write(to, &out, sizeof(out)) == 0)
        return 0;
    mutex_lock(&notifier->lock);
    request = find(notifier, out.id);
    if (request && request->state == RECEIVED)
        set_state(notifier, request, ASKED);
    mutex_unlock(&notifier->lock);
    waitqueue_wake(&notifier->wait, 0, POLLIN);
    return -EFAULT;
}

static int64_t answer(struct seccomp_notifier *notifier, uintptr_t from)
{
    struct request *request;
    struct response in;
    int error = 0;

    if (user_read(&in, from, sizeof(in)) < 0)
        return -EFAULT;
    if (in.flags & ~(uint32_t)CONTINUE || (in.flags & CONTINUE && (in.error || in.value)))
        return -EINVAL;
    mutex_lock(&notifier->lock);
    request = find(notifier, in.id);
    if (!request) {
        error = -ENOENT;
    } else if (request->state != RECEIVED) {
        error = -EINPROGRESS;
    } else {
        request->state = ANSWERED;
        request->value = in.value;
        request->error = in.error;
        request->flags = in.flags;
        kick(request);
    }
    mutex_unlock(&notifier->lock);
    return error;
}

static int64_t is_valid(struct seccomp_notifier *notifier, uintptr_t from)
{
    const struct request *request;
    uint64_t id;
    bool valid;

    if (user_get64(from, &id) < 0)
        return -EFAULT;
    mutex_lock(&notifier->lock);
    request = find(notifier, id);
    valid = request && request->state == RECEIVED;
    mutex_unlock(&notifier->lock);
    return valid ? 0 : -ENOENT;
}

static int offer(struct seccomp_notifier *notifier, uint64_t id, struct gift *gift)
{
    struct request *request;
    int error = 0;

    mutex_lock(&notifier->lock);
    request = find(notifier, id);
    if (!request)
        error = -ENOENT;
    else if (request->state != RECEIVED)
        error = -EINPROGRESS;
    else if (gift->flags & ADDFD_SEND && !list_empty(&request->gifts))
        error = -EBUSY;
    if (!error) {
        if (gift->flags & ADDFD_SEND)
            request->state = ANSWERED;
        list_add_tail(&request->gifts, &gift->link);
        kick(request);
    }
    mutex_unlock(&notifier->lock);
    return error;
}

static int64_t give(struct seccomp_notifier *notifier, uint64_t id, struct gift *gift)
{
    int error = offer(notifier, id, gift);

    if (!error &&
        WAIT_EVENT(&gift->wait, atomic_load(&gift->done), WAIT_INTERRUPTIBLE, NSEC_FOREVER) < 0) {
        mutex_lock(&notifier->lock); /* it is done by now, or never */
        if (!atomic_load(&gift->done)) {
            list_del(&gift->link);
            error = -EINTR;
        }
        mutex_unlock(&notifier->lock);
    } else if (!error) {
        mutex_lock(&notifier->lock); /* whoever told us does not need it any more */
        mutex_unlock(&notifier->lock);
    }
    if (gift->file)
        file_put(gift->file);
    return error ?: gift->result;
}

static int64_t add_fd(struct seccomp_notifier *notifier, uintptr_t from, size_t size)
{
    struct addfd in;
    struct gift gift = {};
    uint8_t byte;

    if (size < ADDFD_SIZE || size >= PAGE_SIZE)
        return -EINVAL;
    if (user_read(&in, from, sizeof(in)) < 0)
        return -EFAULT;
    for (size_t i = sizeof(in); i < size; i++)
        if (user_read(&byte, from + i, 1) < 0 || byte)
            return user_read(&byte, from + i, 1) < 0 ? -EFAULT : -E2BIG;
    if (in.newfd_flags & ~(uint32_t)O_CLOEXEC || in.flags & ~(uint32_t)(ADDFD_SETFD | ADDFD_SEND) ||
        (in.newfd && !(in.flags & ADDFD_SETFD)))
        return -EINVAL;
    gift.file = fd_get((int)in.srcfd);
    if (!gift.file)
        return -EBADF;
    gift.flags = in.flags;
    gift.fd = (int)in.newfd;
    gift.cloexec = in.newfd_flags & O_CLOEXEC;
    waitqueue_init(&gift.wait);
    return give(notifier, in.id, &gift);
}

static int64_t notifier_ioctl(struct file *file, unsigned request, uintptr_t arg)
{
    struct seccomp_notifier *notifier = file->data;

    if ((request & 0xffff) == NOTIF_ADDFD && request & IOCTL_WRITE)
        return add_fd(notifier, arg, request >> 16 & 0x3fff);
    switch (request) {
    case NOTIF_RECV:
        return receive(notifier, arg);
    case NOTIF_SEND:
        return answer(notifier, arg);
    case NOTIF_ID_VALID:
    case NOTIF_ID_VALID2:
        return is_valid(notifier, arg);
    case NOTIF_SET_FLAGS: /* a hint to the scheduler, which hands over anyway */
        return arg & ~(uintptr_t)SYNC_WAKE_UP ? -EINVAL : 0;
    default:
        return -EINVAL;
    }
}

static unsigned notifier_poll(struct file *file, struct poll_table *table)
{
    struct seccomp_notifier *notifier = file->data;
    unsigned events = 0;

    poll_wait(table, &notifier->wait);
    mutex_lock(&notifier->lock);
    list_for_each_entry (struct request, request, &notifier->requests, link)
        events |= request->state == ASKED ? POLLIN : request->state == RECEIVED ? POLLOUT : 0;
    if (notifier->orphaned)
        events |= POLLHUP;
    mutex_unlock(&notifier->lock);
    return events;
}

/* Calls that nobody answers fail as if there were no such call. */
static void notifier_release(struct file *file)
{
    struct seccomp_notifier *notifier = file->data;

    mutex_lock(&notifier->lock);
    notifier->closed = true;
    list_for_each_entry (struct request, request, &notifier->requests, link) {
        if (request->state == ANSWERED)
            continue;
        set_state(notifier, request, ANSWERED);
        request->error = -ENOSYS;
        request->value = 0;
        kick(request);
    }
    mutex_unlock(&notifier->lock);
    notifier_put(notifier);
}

static const struct file_ops notifier_ops = {
    .ioctl = notifier_ioctl,
    .poll = notifier_poll,
    .release = notifier_release,
};

int seccomp_notifier_create(bool killable, struct seccomp_notifier **made, struct file **file)
{
    struct seccomp_notifier *notifier = kzalloc(sizeof(*notifier));
    int error;

    if (!notifier)
        return -ENOMEM;
    atomic_init(&notifier->refs, 2);
    list_init(&notifier->requests);
    waitqueue_init(&notifier->wait);
    random_bytes((uint8_t *)&notifier->next_id, sizeof(notifier->next_id));
    notifier->killable = killable;
    error =
        file_anonymous("anon_inode:seccomp notify", &notifier_ops, 0600, O_RDWR, notifier, file);
    if (error) {
        kfree(notifier);
        return error;
    }
    *made = notifier;
    return 0;
}
