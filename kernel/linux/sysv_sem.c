/* linux/sysv_sem.c: System V semaphores (man 2 semget, semop, semctl).
 *
 * A wait ends by the one that changes the values: it carries out the waiting operations that have
 * become possible, oldest first, and wakes their threads with the result. */
#include "core/boot.h"
#include "lib/string.h"
#include "linux/ipc.h"
#include "linux/ipc_exit.h"
#include "linux/path.h"
#include "linux/syscall.h"
#include "linux/time.h"
#include "mm/heap.h"

enum { SEM_UNDO = 0x1000 };
enum {
    GETPID = 11,
    GETVAL,
    GETALL,
    GETNCNT,
    GETZCNT,
    SETVAL,
    SETALL,
    SEM_STAT,
    SEM_INFO,
    SEM_STAT_ANY
};
enum { SEMVMX = 32767, SEMAEM = SEMVMX, SEMMSL = 32000, SEMOPM = 500, SEMMNI = 32000 };
enum { SEMMNS = SEMMSL * SEMMNI, SEMUSZ = 20, OPS_SMALL = 8 };

struct operation { /* struct sembuf */
    uint16_t number;
    int16_t change, flags;
};
struct semaphore {
    int value, pid; /* who changed it last */
};
struct sem_set {
    struct ipc_object ipc; /* first */
    int64_t otime, ctime;
    struct list waiters, undos;
    unsigned n;
    struct semaphore sems[];
};
/* What a process' end takes back of a set. */
struct undo {
    struct list link; /* in the set */
    const struct process *process;
    int16_t adjust[];
};
struct sem_waiter {
    struct list link;
    struct thread *thread;
    int pid;
    const struct operation *ops, *blocking;
    unsigned n;
    struct undo *undo;
    atomic_int result; /* 1: waits; else what the call returns */
};

/* struct semid64_ds, seminfo */
struct sem_stat {
    struct ipc_perm perm;
    int64_t otime;
    uint64_t unused1;
    int64_t ctime;
    uint64_t unused2, n, unused[2];
};
struct sem_info {
    int32_t map, mni, mns, mnu, msl, opm, ume, usz, vmx, aem;
};

static struct ipc_table sets = {.limit = SEMMNI};
static uint64_t sems_total; /* under sets.lock */
static atomic_uint undos_total;
static uint64_t limits[4] = {SEMMSL, SEMMNS, SEMOPM, SEMMNI}; /* as in /proc/sys/kernel/sem */
enum { LIMIT_MSL, LIMIT_MNS, LIMIT_OPM, LIMIT_MNI };

static struct sem_set *set_find(int id)
{
    return (struct sem_set *)ipc_find(&sets, id);
}

/* --- semget --- */

static int make(struct ipc_get *get, struct ipc_object **made)
{
    unsigned n = (unsigned)get->size;

    if (n == 0)
        return -EINVAL;
    if (sems_total + n > limits[LIMIT_MNS])
        return -ENOSPC;
    struct sem_set *set = kzalloc(sizeof(*set) + n * sizeof(set->sems[0]));
    if (!set)
        return -ENOMEM;
    list_init(&set->waiters);
    list_init(&set->undos);
    set->n = n;
    set->ctime = ipc_now();
    sets.limit = (unsigned)limits[LIMIT_MNI];
    int err = ipc_add(&sets, &set->ipc, get->key, get->flags);
    if (err < 0) {
        kfree(set);
        return err;
    }
    sems_total += n;
    *made = &set->ipc;
    return 0;
}

static int check(struct ipc_get *get, struct ipc_object *object)
{
    return get->size > ((struct sem_set *)object)->n ? -EINVAL : 0;
}

SYSCALL(semget, 3, SYSCALL_WHOLE, "")
{
    struct ipc_get get = {make, check, (int32_t)a0, (unsigned)a2, (uint32_t)a1};
    if ((int)a1 < 0 || (uint64_t)(int)a1 > limits[LIMIT_MSL])
        return -EINVAL;
    return ipc_get(&sets, &get);
}

/* --- operations; all with the lock --- */

static void take_back(struct sem_set *set, struct sem_waiter *w, const struct operation *upto)
{
    for (const struct operation *op = upto; op-- > w->ops;) {
        set->sems[op->number].value -= op->change;
        if (op->flags & SEM_UNDO)
            w->undo->adjust[op->number] += op->change;
    }
}

/* 0; 1: not now; -ERANGE. */
static int try_one(struct sem_set *set, struct sem_waiter *w, const struct operation *op)
{
    struct semaphore *sem = &set->sems[op->number];
    int value = sem->value + op->change;

    if ((!op->change && sem->value) || value < 0)
        return 1;
    if (value > SEMVMX)
        return -ERANGE;
    if (op->flags & SEM_UNDO) {
        int adjust = w->undo->adjust[op->number] - op->change;
        if (adjust < -SEMAEM - 1 || adjust > SEMAEM)
            return -ERANGE;
        w->undo->adjust[op->number] = (int16_t)adjust;
    }
    sem->value = value;
    return 0;
}

/* All or none of them: 0, 1 (must wait), -EAGAIN (may not), -ERANGE. */
static int try_all(struct sem_set *set, struct sem_waiter *w)
{
    for (const struct operation *op = w->ops; op < w->ops + w->n; op++) {
        int result = try_one(set, w, op);
        if (!result)
            continue;
        take_back(set, w, op);
        w->blocking = op;
        return result == 1 && op->flags & IPC_NOWAIT ? -EAGAIN : result;
    }
    for (unsigned i = 0; i < w->n; i++)
        set->sems[w->ops[i].number].pid = w->pid;
    set->otime = ipc_now();
    return 0;
}

static bool alters(const struct operation *ops, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (ops[i].change)
            return true;
    return false;
}

static void finish(struct sem_waiter *w, int result)
{
    struct thread *thread = w->thread;

    list_del(&w->link);
    atomic_store_explicit(&w->result, result, memory_order_release);
    thread_wake(thread);
}

/* Carry out one of those that wait; false: none can. */
static bool run_one_waiter(struct sem_set *set)
{
    list_for_each_safe (link, next, &set->waiters) {
        struct sem_waiter *w = list_entry(link, struct sem_waiter, link);
        bool change = alters(w->ops, w->n);
        int result = try_all(set, w);
        if (result == 1)
            continue;
        finish(w, result);
        if (!result && change)
            return true;
    }
    return false;
}

static void run_waiters(struct sem_set *set)
{
    while (run_one_waiter(set))
        ;
}

static struct undo *undo_of(struct sem_set *set, const struct process *process)
{
    list_for_each_entry (struct undo, undo, &set->undos, link)
        if (undo->process == process)
            return undo;
    struct undo *undo = kzalloc(sizeof(*undo) + set->n * sizeof(undo->adjust[0]));
    if (!undo)
        return NULL;
    undo->process = process;
    list_add_tail(&set->undos, &undo->link);
    atomic_fetch_add(&undos_total, 1);
    return undo;
}

static void undo_free(struct undo *undo)
{
    list_del(&undo->link);
    kfree(undo);
    atomic_fetch_sub(&undos_total, 1);
}

static void apply_undo(struct sem_set *set, struct undo *undo, int pid)
{
    for (unsigned i = 0; i < set->n; i++) {
        struct semaphore *sem = &set->sems[i];
        if (!undo->adjust[i])
            continue;
        sem->value = MAX(0, MIN(sem->value + undo->adjust[i], (int)SEMVMX));
        sem->pid = pid;
    }
    undo_free(undo);
    set->otime = ipc_now();
    run_waiters(set);
}

void sem_process_exit(struct process *process)
{
    if (!atomic_load(&undos_total))
        return;
    mutex_lock(&sets.lock);
    for (unsigned i = 0; i < sets.size; i++) {
        struct sem_set *set = (struct sem_set *)sets.slots[i];
        if (!set)
            continue;
        list_for_each_safe (link, next, &set->undos) {
            struct undo *undo = list_entry(link, struct undo, link);
            if (undo->process == process) {
                apply_undo(set, undo, process->pid);
                break;
            }
        }
    }
    mutex_unlock(&sets.lock);
}

bool sem_has_undo(const struct process *process)
{
    bool has = false;

    mutex_lock(&sets.lock);
    for (unsigned i = 0; i < sets.size; i++) {
        struct sem_set *set = (struct sem_set *)sets.slots[i];
        if (!set)
            continue;
        list_for_each_entry (struct undo, undo, &set->undos, link)
            has |= undo->process == process;
    }
    mutex_unlock(&sets.lock);
    return has;
}

/* --- semop --- */

static int check_operations(const struct sem_set *set, const struct sem_waiter *w)
{
    for (unsigned i = 0; i < w->n; i++)
        if (w->ops[i].number >= set->n)
            return -EFBIG;
    return ipc_permission(&set->ipc, alters(w->ops, w->n) ? IPC_WRITE : IPC_READ);
}

static bool wants_undo(const struct sem_waiter *w)
{
    for (unsigned i = 0; i < w->n; i++)
        if (w->ops[i].flags & SEM_UNDO)
            return true;
    return false;
}

/* Wait for w->result, the lock released. */
static int wait_for(struct sem_waiter *w, nsec_t deadline)
{
    int err = 0;

    mutex_unlock(&sets.lock);
    while (!err) {
        thread_set_state(THREAD_INTERRUPTIBLE);
        if (atomic_load_explicit(&w->result, memory_order_acquire) != 1)
            break;
        err = wait_sleep(WAIT_INTERRUPTIBLE, deadline);
    }
    thread_set_state(THREAD_RUNNABLE);
    mutex_lock(&sets.lock);
    if (w->result != 1)
        return w->result;
    list_del(&w->link);
    return err == -ETIMEDOUT ? -EAGAIN : -EINTR;
}

static int operate(int id, struct sem_waiter *w, nsec_t deadline)
{
    struct sem_set *set = set_find(id);

    if (!set)
        return -EINVAL;
    if (wants_undo(w)) { /* first: its end then counts as an operation */
        w->undo = undo_of(set, current_process());
        if (!w->undo)
            return -ENOMEM;
    }
    int result = check_operations(set, w);
    if (result)
        return result;
    result = try_all(set, w);
    if (result == 1) {
        list_add_tail(&set->waiters, &w->link);
        return wait_for(w, deadline);
    }
    if (!result && alters(w->ops, w->n))
        run_waiters(set);
    return result;
}

/* bad: what is wrong with the deadline. */
static int64_t do_semop(int id, uintptr_t from, unsigned n, nsec_t deadline, int bad)
{
    struct operation small[OPS_SMALL], *ops = small;
    struct sem_waiter w = {.thread = current, .pid = current_process()->pid, .n = n, .result = 1};
    int result;

    if (n > limits[LIMIT_OPM])
        return -E2BIG;
    if (n < 1)
        return -EINVAL;
    if (n > OPS_SMALL && !(ops = kmalloc(n * sizeof(*ops))))
        return -ENOMEM;
    w.ops = ops;
    result = user_read(ops, from, n * sizeof(*ops));
    if (!result)
        result = bad;
    if (!result) {
        mutex_lock(&sets.lock);
        result = operate(id, &w, deadline);
        mutex_unlock(&sets.lock);
    }
    if (ops != small)
        kfree(ops);
    return result;
}

SYSCALL(semop, 3, SYSCALL_WHOLE, "")
{
    return do_semop((int)a0, a1, (unsigned)a2, NSEC_FOREVER, 0);
}

SYSCALL(semtimedop, 4, SYSCALL_WHOLE, "")
{
    nsec_t deadline = NSEC_FOREVER;
    int err = a3 ? time_deadline(a3, &deadline) : 0;
    return err == -EFAULT ? err : do_semop((int)a0, a1, (unsigned)a2, deadline, err);
}

/* --- semctl --- */

static int64_t do_info(int cmd, uintptr_t to)
{
    struct sem_info info = {
        .map = SEMMNS,
        .mni = (int)limits[LIMIT_MNI],
        .mns = (int)limits[LIMIT_MNS],
        .mnu = SEMMNS,
        .msl = (int)limits[LIMIT_MSL],
        .opm = (int)limits[LIMIT_OPM],
        .ume = SEMOPM,
        .usz = SEMUSZ,
        .vmx = SEMVMX,
        .aem = SEMAEM,
    };

    mutex_lock(&sets.lock);
    int highest = ipc_highest(&sets);
    if (cmd == SEM_INFO) {
        info.usz = (int)sets.used;
        info.aem = (int)sems_total;
    }
    mutex_unlock(&sets.lock);
    return user_write(to, &info, sizeof(info)) < 0 ? -EFAULT : MAX(highest, 0);
}

static int64_t do_stat(int id, int cmd, uintptr_t to)
{
    struct ipc_object *found;
    struct sem_stat stat;
    int64_t result = 0;

    mutex_lock(&sets.lock);
    int err = ipc_look(&sets, id, cmd != IPC_STAT, cmd != SEM_STAT_ANY, &found);
    if (!err) {
        const struct sem_set *set = (struct sem_set *)found;
        stat = (struct sem_stat){.otime = set->otime, .ctime = set->ctime, .n = set->n};
        ipc_perm_out(found, &stat.perm);
        result = cmd == IPC_STAT ? 0 : found->id;
    }
    mutex_unlock(&sets.lock);
    if (!err)
        err = user_write(to, &stat, sizeof(stat));
    return err < 0 ? err : result;
}

static int count_waiters(const struct sem_set *set, unsigned number, bool for_zero)
{
    int count = 0;

    list_for_each_entry (struct sem_waiter, w, &set->waiters, link)
        count += w->blocking->number == number && for_zero == !w->blocking->change;
    return count;
}

/* The set with a permission, or an error. With the lock. */
static int set_for(int id, unsigned want, struct sem_set **set)
{
    *set = set_find(id);
    return *set ? ipc_permission(&(*set)->ipc, want) : -EINVAL;
}

static int64_t get_one(struct sem_set *set, unsigned number, int cmd)
{
    if (number >= set->n)
        return -EINVAL;
    switch (cmd) {
    case GETVAL:
        return set->sems[number].value;
    case GETPID:
        return set->sems[number].pid;
    default:
        return count_waiters(set, number, cmd == GETZCNT);
    }
}

static void assign(struct sem_set *set, unsigned number, int value)
{
    set->sems[number].value = value;
    set->sems[number].pid = current_process()->pid;
    list_for_each_entry (struct undo, undo, &set->undos, link)
        undo->adjust[number] = 0;
}

static int64_t set_one(struct sem_set *set, unsigned number, int value)
{
    assign(set, number, value);
    set->ctime = ipc_now();
    run_waiters(set);
    return 0;
}

static int64_t one(int id, unsigned number, int cmd, int value)
{
    struct sem_set *set;

    if (cmd == SETVAL && (value < 0 || value > SEMVMX))
        return -ERANGE;
    mutex_lock(&sets.lock);
    int64_t result = set_for(id, cmd == SETVAL ? IPC_WRITE : IPC_READ, &set);
    if (cmd == SETVAL && set && number >= set->n)
        result = -EINVAL;
    if (!result)
        result = cmd == SETVAL ? set_one(set, number, value) : get_one(set, number, cmd);
    mutex_unlock(&sets.lock);
    return result;
}

static int64_t get_all(int id, uintptr_t to)
{
    struct sem_set *set;
    uint16_t *values = NULL;
    size_t n = 0;

    mutex_lock(&sets.lock);
    int err = set_for(id, IPC_READ, &set);
    if (!err) {
        n = set->n;
        values = kmalloc(n * sizeof(*values));
        err = values ? 0 : -ENOMEM;
    }
    for (size_t i = 0; i < n && !err; i++)
        values[i] = (uint16_t)set->sems[i].value;
    mutex_unlock(&sets.lock);
    if (!err)
        err = user_write(to, values, n * sizeof(*values));
    kfree(values);
    return err;
}

static int read_values(uintptr_t from, uint16_t *values, size_t n)
{
    if (user_read(values, from, n * sizeof(*values)) < 0)
        return -EFAULT;
    for (size_t i = 0; i < n; i++)
        if (values[i] > SEMVMX)
            return -ERANGE;
    return 0;
}

static int64_t set_all(int id, uintptr_t from)
{
    struct sem_set *set;

    mutex_lock(&sets.lock);
    int err = set_for(id, IPC_WRITE, &set);
    size_t n = err ? 0 : set->n;
    mutex_unlock(&sets.lock);
    if (err)
        return err;
    uint16_t *values = kmalloc(n * sizeof(*values));
    if (!values)
        return -ENOMEM;
    err = read_values(from, values, n);
    if (!err) {
        mutex_lock(&sets.lock);
        err = set_find(id) == set ? 0 : -EIDRM; /* numbers are not used twice that soon */
        for (unsigned i = 0; i < n && !err; i++)
            assign(set, i, values[i]);
        if (!err) {
            set->ctime = ipc_now();
            run_waiters(set);
        }
        mutex_unlock(&sets.lock);
    }
    kfree(values);
    return err;
}

static void remove_set(struct sem_set *set)
{
    list_for_each_safe (link, next, &set->waiters)
        finish(list_entry(link, struct sem_waiter, link), -EIDRM);
    list_for_each_safe (link, next, &set->undos)
        undo_free(list_entry(link, struct undo, link));
    sems_total -= set->n;
    ipc_remove(&sets, &set->ipc);
    kfree(set);
}

static int64_t change(int id, int cmd, uintptr_t from)
{
    struct sem_stat stat = {};

    if (cmd == IPC_SET && user_read(&stat, from, sizeof(stat)) < 0)
        return -EFAULT;
    mutex_lock(&sets.lock);
    struct sem_set *set = set_find(id);
    int err = set ? ipc_is_owner(&set->ipc) ? 0 : -EPERM : -EINVAL;
    if (!err && cmd == IPC_SET) {
        err = ipc_perm_set(&set->ipc, &stat.perm);
        if (!err)
            set->ctime = ipc_now();
    } else if (!err) {
        remove_set(set);
    }
    mutex_unlock(&sets.lock);
    return err;
}

SYSCALL(semctl, 4, SYSCALL_WHOLE, "")
{
    int id = (int)a0, cmd = (int)a2;

    if (id < 0)
        return -EINVAL;
    switch (cmd) {
    case IPC_INFO:
    case SEM_INFO:
        return do_info(cmd, a3);
    case IPC_STAT:
    case SEM_STAT:
    case SEM_STAT_ANY:
        return do_stat(id, cmd, a3);
    case GETALL:
        return get_all(id, a3);
    case SETALL:
        return set_all(id, a3);
    case GETVAL:
    case GETPID:
    case GETNCNT:
    case GETZCNT:
    case SETVAL:
        return one(id, (unsigned)a1, cmd, (int)a3);
    case IPC_SET:
    case IPC_RMID:
        return change(id, cmd, a3);
    default:
        return -EINVAL;
    }
}

/* --- /proc --- */

static int show(struct text *text, const struct pseudo *self)
{
    text_printf(text, "       key      semid perms      nsems   uid   gid  cuid  cgid      otime"
                      "      ctime\n");
    mutex_lock(&sets.lock);
    for (unsigned i = 0; i < sets.size; i++) {
        const struct sem_set *s = (struct sem_set *)sets.slots[i];
        if (s)
            text_printf(text, "%10d %10d  %4o %10u %5u %5u %5u %5u %10lu %10lu\n", s->ipc.key,
                        s->ipc.id, s->ipc.mode, s->n, s->ipc.uid, s->ipc.gid, s->ipc.cuid,
                        s->ipc.cgid, (uint64_t)s->otime, (uint64_t)s->ctime);
    }
    mutex_unlock(&sets.lock);
    return 0;
}

static int show_limits(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%lu\t%lu\t%lu\t%lu\n", limits[0], limits[1], limits[2], limits[3]);
    return 0;
}

/* Up to four numbers; what is not given stays. */
static int store_limits(const struct pseudo *self, const char *text, size_t len)
{
    static const uint64_t most[4] = {65535, INT32_MAX, SEMOPM, IPC_IDS_MAX};
    uint64_t values[4];
    unsigned n = 0;

    memcpy(values, limits, sizeof(values));
    while (*text && n < 4) {
        if (*text == ' ' || *text == '\t' || *text == '\n') {
            text++;
            continue;
        }
        values[n] = 0;
        for (; *text >= '0' && *text <= '9'; text++)
            values[n] = MIN(values[n] * 10 + (uint64_t)(*text - '0'), (uint64_t)INT32_MAX + 1);
        if (values[n] > most[n] || (*text && !strchr(" \t\n", *text)))
            return -EINVAL;
        n++;
    }
    memcpy(limits, values, sizeof(values));
    return n ? 0 : -EINVAL;
}

static struct pseudo_entry limit_file = {
    .name = "sem",
    .mode = S_IFREG | 0644,
    .show = show_limits,
    .store = store_limits,
};
static struct pseudo_entry list = PSEUDO_FILE("sem", show);

static int sem_start(void)
{
    ipc_register(&limit_file, 1, &list);
    return 0;
}
BOOT_STEP(PHASE_FS, "System V semaphores", sem_start);
