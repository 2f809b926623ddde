/* linux/sysv_msg.c: System V message queues (man 2 msgget, msgop, msgctl).
 *
 * A sender hands its message over to a fitting receiver that sleeps, else it goes into the queue;
 * senders that find the queue full sleep in the order in which they came. A wait ends by the one
 * that wakes it writing the result under the lock. */
#include "core/boot.h"
#include "lib/string.h"
#include "linux/ipc.h"
#include "linux/path.h"
#include "linux/syscall.h"
#include "mm/heap.h"

enum { MSG_NOERROR = 010000, MSG_EXCEPT = 020000, MSG_COPY = 040000 };
enum { MSG_STAT = 11, MSG_INFO, MSG_STAT_ANY };
enum { MSGMNI = 32000, MSGMAX = 8192, MSGMNB = 16384, MSGPOOL = MSGMNI * MSGMNB / 1024 };
enum { MSGSSZ = 16, MSGSEG = 0xffff };

struct message {
    struct list link;
    int64_t type;
    size_t size;
    char bytes[];
};
struct queue {
    struct ipc_object ipc; /* first */
    struct list messages, receivers, senders;
    uint64_t bytes, count, max_bytes;
    int64_t stime, rtime, ctime;
    int last_sender, last_receiver;
};

struct want { /* what a receiver asks for */
    int64_t type;
    enum { ANY, EQUAL, NOT_EQUAL, LESS_EQUAL, NUMBER } mode;
    size_t size;
    bool cut;
};
struct receiver {
    struct list link;
    struct thread *thread;
    struct want want;
    struct message *message;
    atomic_int done; /* 0: waits; else 1 or a negative errno */
};
struct sender {
    struct list link;
    struct thread *thread;
    size_t size;
    atomic_int done; /* 1: look again; or a negative errno */
};

/* struct msqid64_ds, msginfo */
struct msg_stat {
    struct ipc_perm perm;
    int64_t stime, rtime, ctime;
    uint64_t bytes, count, max_bytes;
    int32_t last_sender, last_receiver;
    uint64_t unused[2];
};
struct msg_info {
    int32_t pool, map, max, mnb, mni, ssz, tql;
    uint16_t seg;
};

static struct ipc_table queues = {.limit = MSGMNI};
static struct ipc_limit msgmax = {MSGMAX, INT32_MAX}, msgmnb = {MSGMNB, INT32_MAX};
static struct ipc_limit msgmni = {MSGMNI, IPC_IDS_MAX};

static struct queue *queue_find(int id)
{
    return (struct queue *)ipc_find(&queues, id);
}

/* --- msgget --- */

static int make(struct ipc_get *get, struct ipc_object **made)
{
    struct queue *queue = kzalloc(sizeof(*queue));

    if (!queue)
        return -ENOMEM;
    list_init(&queue->messages);
    list_init(&queue->receivers);
    list_init(&queue->senders);
    queue->max_bytes = msgmnb.value;
    queue->ctime = ipc_now();
    queues.limit = (unsigned)msgmni.value;
    int err = ipc_add(&queues, &queue->ipc, get->key, get->flags);
    if (err < 0)
        kfree(queue);
    else
        *made = &queue->ipc;
    return err;
}

static int check(struct ipc_get *get, struct ipc_object *object)
{
    return 0;
}

SYSCALL(msgget, 2, SYSCALL_WHOLE, "")
{
    struct ipc_get get = {make, check, (int32_t)a0, (unsigned)a1, 0};
    return ipc_get(&queues, &get);
}

/* --- the queue; all with the lock --- */

static bool fits(const struct want *want, int64_t type)
{
    switch (want->mode) {
    case EQUAL:
        return type == want->type;
    case NOT_EQUAL:
        return type != want->type;
    case LESS_EQUAL:
        return type <= want->type;
    default:
        return true;
    }
}

static void finish_receiver(struct receiver *receiver, int result)
{
    struct thread *thread = receiver->thread;

    list_del(&receiver->link);
    atomic_store_explicit(&receiver->done, result, memory_order_release);
    thread_wake(thread);
}

static void wake_senders(struct queue *queue, int result)
{
    list_for_each_safe (link, next, &queue->senders) {
        struct sender *sender = list_entry(link, struct sender, link);
        struct thread *thread = sender->thread;
        list_del(&sender->link);
        atomic_store_explicit(&sender->done, result, memory_order_release);
        thread_wake(thread);
    }
}

static void account(struct queue *queue, bool sent)
{
    if (sent) {
        queue->last_sender = current_process()->pid;
        queue->stime = ipc_now();
    } else {
        queue->last_receiver = current_process()->pid;
        queue->rtime = ipc_now();
    }
}

/* To a receiver that waits for it. */
static bool hand_over(struct queue *queue, struct message *message)
{
    list_for_each_safe (link, next, &queue->receivers) {
        struct receiver *receiver = list_entry(link, struct receiver, link);
        if (!fits(&receiver->want, message->type))
            continue;
        if (receiver->want.size < message->size && !receiver->want.cut) {
            finish_receiver(receiver, -E2BIG);
            continue;
        }
        receiver->message = message;
        queue->last_receiver = ((struct task *)receiver->thread)->process->pid;
        queue->rtime = ipc_now();
        finish_receiver(receiver, 1);
        return true;
    }
    return false;
}

static void put_message(struct queue *queue, struct message *message)
{
    account(queue, true);
    if (hand_over(queue, message))
        return;
    list_add_tail(&queue->messages, &message->link);
    queue->bytes += message->size;
    queue->count++;
}

static struct message *find_message(struct queue *queue, const struct want *want)
{
    struct message *best = NULL;
    int64_t number = 0;

    list_for_each_entry (struct message, message, &queue->messages, link) {
        if (want->mode == NUMBER) {
            if (number++ == want->type)
                return message;
            continue;
        }
        if (!fits(want, message->type))
            continue;
        if (want->mode != LESS_EQUAL)
            return message;
        if (!best || message->type < best->type)
            best = message;
    }
    return best;
}

/* -ENOMSG, -E2BIG. */
static int take_message(struct queue *queue, const struct want *want, struct message **taken)
{
    struct message *message = find_message(queue, want);

    if (!message)
        return -ENOMSG;
    if (want->size < message->size && !want->cut)
        return -E2BIG;
    list_del(&message->link);
    queue->bytes -= message->size;
    queue->count--;
    account(queue, false);
    wake_senders(queue, 1);
    *taken = message;
    return 0;
}

static void remove_queue(struct queue *queue)
{
    list_for_each_safe (link, next, &queue->receivers)
        finish_receiver(list_entry(link, struct receiver, link), -EIDRM);
    wake_senders(queue, -EIDRM);
    list_for_each_safe (link, next, &queue->messages)
        kfree(list_entry(link, struct message, link));
    ipc_remove(&queues, &queue->ipc);
    kfree(queue);
}

/* Sleep until *done is not 0, the lock released; 0, -EINTR. */
static int sleep_for(atomic_int *done)
{
    int err = 0;

    mutex_unlock(&queues.lock);
    while (!err) {
        thread_set_state(THREAD_INTERRUPTIBLE);
        if (atomic_load_explicit(done, memory_order_acquire))
            break;
        err = wait_sleep(WAIT_INTERRUPTIBLE, NSEC_FOREVER);
    }
    thread_set_state(THREAD_RUNNABLE);
    mutex_lock(&queues.lock);
    return atomic_load_explicit(done, memory_order_acquire) ? 0 : err;
}

/* --- msgsnd --- */

static bool has_room(const struct queue *queue, size_t size)
{
    return size + queue->bytes <= queue->max_bytes && queue->count + 1 <= queue->max_bytes;
}

static int send_locked(int id, struct message *message, unsigned flags)
{
    for (;;) {
        struct queue *queue = queue_find(id);
        if (!queue)
            return -EINVAL;
        int err = ipc_permission(&queue->ipc, IPC_WRITE);
        if (err)
            return err;
        if (has_room(queue, message->size)) {
            put_message(queue, message);
            return 0;
        }
        if (flags & IPC_NOWAIT)
            return -EAGAIN;
        struct sender sender = {.thread = current, .size = message->size};
        list_add_tail(&queue->senders, &sender.link);
        err = sleep_for(&sender.done);
        if (err) {
            list_del(&sender.link);
            return -ERESTARTNOHAND;
        }
        if (sender.done < 0)
            return sender.done;
    }
}

SYSCALL(msgsnd, 4, SYSCALL_WHOLE, "")
{
    uint64_t type;

    if (user_get64(a1, &type) < 0)
        return -EFAULT;
    if (a2 > msgmax.value || (int64_t)a2 < 0 || (int)a0 < 0 || (int64_t)type < 1)
        return -EINVAL;
    struct message *message = kmalloc(sizeof(*message) + a2);
    if (!message)
        return -ENOMEM;
    message->type = (int64_t)type;
    message->size = a2;
    int err = user_read(message->bytes, a1 + sizeof(type), a2);
    if (!err) {
        mutex_lock(&queues.lock);
        err = send_locked((int)a0, message, (unsigned)a3);
        mutex_unlock(&queues.lock);
    }
    if (err)
        kfree(message);
    return err;
}

/* --- msgrcv --- */

static struct want want_of(int64_t type, size_t size, unsigned flags)
{
    struct want want = {.type = type, .size = size, .cut = flags & MSG_NOERROR};

    if (flags & MSG_COPY) {
        want.mode = NUMBER;
    } else if (type == 0) {
        want.mode = ANY;
    } else if (type < 0) {
        want.mode = LESS_EQUAL;
        want.type = type == INT64_MIN ? INT64_MAX : -type;
    } else {
        want.mode = flags & MSG_EXCEPT ? NOT_EQUAL : EQUAL;
    }
    return want;
}

/* A copy of one that stays. */
static int copy_message(struct queue *queue, const struct want *want, struct message **copied)
{
    struct message *message = find_message(queue, want);

    if (!message)
        return -ENOMSG;
    if (want->size < message->size)
        return want->cut ? -EINVAL : -E2BIG;
    *copied = kmalloc(sizeof(*message) + message->size);
    if (!*copied)
        return -ENOMEM;
    memcpy(*copied, message, sizeof(*message) + message->size);
    return 0;
}

/* One attempt; -EAGAIN: IPC_SET has woken us to look again. */
static int receive_once(int id, const struct want *want, unsigned flags, struct message **taken)
{
    struct queue *queue = queue_find(id);

    if (!queue)
        return -EINVAL;
    int err = ipc_permission(&queue->ipc, IPC_READ);
    if (err)
        return err;
    if (want->mode == NUMBER)
        return copy_message(queue, want, taken);
    err = take_message(queue, want, taken);
    if (err != -ENOMSG || flags & IPC_NOWAIT)
        return err;
    struct receiver receiver = {.thread = current, .want = *want};
    list_add_tail(&queue->receivers, &receiver.link);
    err = sleep_for(&receiver.done);
    if (err) {
        list_del(&receiver.link);
        return -ERESTARTNOHAND;
    }
    *taken = receiver.message;
    return receiver.done < 0 ? receiver.done : 0;
}

static int receive_locked(int id, const struct want *want, unsigned flags, struct message **taken)
{
    int err;

    do
        err = receive_once(id, want, flags, taken);
    while (err == -EAGAIN);
    return err;
}

/* MSG_COPY: Linux reads what it is going to write over. */
static int probe(uintptr_t from, size_t n)
{
    void *copy = kmalloc(n + 1);
    int err = copy ? user_read(copy, from, n) : -ENOMEM;

    kfree(copy);
    return err;
}

SYSCALL(msgrcv, 5, SYSCALL_WHOLE, "")
{
    unsigned flags = (unsigned)a4;
    struct message *message = NULL;

    if ((int)a0 < 0 || (int64_t)a2 < 0)
        return -EINVAL;
    if (flags & MSG_COPY && (flags & MSG_EXCEPT || !(flags & IPC_NOWAIT)))
        return -EINVAL;
    int err = flags & MSG_COPY ? probe(a1, MIN(a2, msgmax.value)) : 0;
    if (err)
        return err;
    struct want want = want_of((int64_t)a3, a2, flags);
    mutex_lock(&queues.lock);
    err = receive_locked((int)a0, &want, flags, &message);
    mutex_unlock(&queues.lock);
    if (err)
        return err;
    size_t n = MIN(message->size, a2);
    if (user_put64(a1, (uint64_t)message->type) < 0 ||
        user_write(a1 + sizeof(int64_t), message->bytes, n) < 0)
        err = -EFAULT;
    kfree(message);
    return err < 0 ? err : (int64_t)n;
}

/* --- msgctl --- */

static int64_t do_info(int cmd, uintptr_t to)
{
    struct msg_info info = {
        .pool = MSGPOOL,
        .map = (int)msgmnb.value,
        .max = (int)msgmax.value,
        .mnb = (int)msgmnb.value,
        .mni = (int)msgmni.value,
        .ssz = MSGSSZ,
        .tql = (int)msgmnb.value,
        .seg = MSGSEG,
    };

    mutex_lock(&queues.lock);
    int highest = ipc_highest(&queues);
    if (cmd == MSG_INFO) {
        info.pool = (int)queues.used;
        info.map = info.tql = 0;
        for (unsigned i = 0; i < queues.size; i++) {
            struct queue *queue = (struct queue *)queues.slots[i];
            info.map += queue ? (int)queue->count : 0;
            info.tql += queue ? (int)queue->bytes : 0;
        }
    }
    mutex_unlock(&queues.lock);
    return user_write(to, &info, sizeof(info)) < 0 ? -EFAULT : MAX(highest, 0);
}

static int64_t do_stat(int id, int cmd, uintptr_t to)
{
    struct ipc_object *found;
    struct msg_stat stat;
    int64_t result = 0;

    mutex_lock(&queues.lock);
    int err = ipc_look(&queues, id, cmd != IPC_STAT, cmd != MSG_STAT_ANY, &found);
    if (!err) {
        const struct queue *queue = (struct queue *)found;
        stat = (struct msg_stat){
            .stime = queue->stime,
            .rtime = queue->rtime,
            .ctime = queue->ctime,
            .bytes = queue->bytes,
            .count = queue->count,
            .max_bytes = queue->max_bytes,
            .last_sender = queue->last_sender,
            .last_receiver = queue->last_receiver,
        };
        ipc_perm_out(found, &stat.perm);
        result = cmd == IPC_STAT ? 0 : found->id;
    }
    mutex_unlock(&queues.lock);
    if (!err)
        err = user_write(to, &stat, sizeof(stat));
    return err < 0 ? err : result;
}

static int set_queue(struct queue *queue, const struct msg_stat *set)
{
    if (set->max_bytes > msgmnb.value && !capable(CAP_SYS_RESOURCE))
        return -EPERM;
    int err = ipc_perm_set(&queue->ipc, &set->perm);
    if (err)
        return err;
    queue->max_bytes = set->max_bytes;
    queue->ctime = ipc_now();
    /* Who waits may not be allowed any more, or not be able to. */
    list_for_each_safe (link, next, &queue->receivers)
        finish_receiver(list_entry(link, struct receiver, link), -EAGAIN);
    wake_senders(queue, 1);
    return 0;
}

static int change(struct queue *queue, int cmd, const struct msg_stat *set)
{
    if (!ipc_is_owner(&queue->ipc))
        return -EPERM;
    if (cmd == IPC_SET)
        return set_queue(queue, set);
    remove_queue(queue);
    return 0;
}

SYSCALL(msgctl, 3, SYSCALL_WHOLE, "")
{
    int id = (int)a0, cmd = (int)a1;
    struct msg_stat set = {};

    if (id < 0 || cmd < 0)
        return -EINVAL;
    switch (cmd) {
    case IPC_INFO:
    case MSG_INFO:
        return do_info(cmd, a2);
    case IPC_STAT:
    case MSG_STAT:
    case MSG_STAT_ANY:
        return do_stat(id, cmd, a2);
    case IPC_SET:
        if (user_read(&set, a2, sizeof(set)) < 0)
            return -EFAULT;
        break;
    case IPC_RMID:
        break;
    default:
        return -EINVAL;
    }
    mutex_lock(&queues.lock);
    struct queue *queue = queue_find(id);
    int err = queue ? change(queue, cmd, &set) : -EINVAL;
    mutex_unlock(&queues.lock);
    return err;
}

/* --- /proc --- */

static int show(struct text *text, const struct pseudo *self)
{
    text_printf(text, "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  "
                      "cuid  cgid      stime      rtime      ctime\n");
    mutex_lock(&queues.lock);
    for (unsigned i = 0; i < queues.size; i++) {
        const struct queue *q = (struct queue *)queues.slots[i];
        if (!q)
            continue;
        text_printf(text, "%10d %10d  %4o  %10lu %10lu %5u %5u %5u %5u %5u %5u %10lu %10lu %10lu\n",
                    q->ipc.key, q->ipc.id, q->ipc.mode, q->bytes, q->count,
                    (unsigned)q->last_sender, (unsigned)q->last_receiver, q->ipc.uid, q->ipc.gid,
                    q->ipc.cuid, q->ipc.cgid, (uint64_t)q->stime, (uint64_t)q->rtime,
                    (uint64_t)q->ctime);
    }
    mutex_unlock(&queues.lock);
    return 0;
}

static struct pseudo_entry limits[] = {
    IPC_LIMIT("msgmax", msgmax),
    IPC_LIMIT("msgmnb", msgmnb),
    IPC_LIMIT("msgmni", msgmni),
};
static struct pseudo_entry list = PSEUDO_FILE("msg", show);

static int msg_start(void)
{
    ipc_register(limits, ARRAY_SIZE(limits), &list);
    return 0;
}
BOOT_STEP(PHASE_FS, "System V message queues", msg_start);
