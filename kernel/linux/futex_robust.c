/* linux/futex_robust.c: robust futexes: what a thread held when it ended (man 2 get_robust_list).
 */
#include "linux/futex.h"
#include "linux/futex_queue.h"
#include "linux/ptrace.h"
#include "linux/syscall.h"

enum { LIST_LIMIT = 2048, HEAD_SIZE = 24 };

/* struct robust_list_head as the program has it. */
struct head {
    uint64_t first;
    int64_t futex_offset;
    uint64_t pending;
};

/* The word of one entry: mark it if the task owns it, wake a waiter. */
static int owner_died(const struct task *task, uintptr_t word, bool pi, bool pending)
{
    uint32_t value, now;

    if (word % 4 || user_get32(word, &value) < 0)
        return -EFAULT;
    /* It was unlocked, but the wake-up may be missing: it cannot do harm. */
    if (pending && !pi && !value) {
        futex_wake_word(word);
        return 0;
    }
    for (;;) {
        int result;

        if ((value & FUTEX_TID_MASK) != (uint32_t)task->tid)
            return 0;
        now = (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
        result = user_cmpxchg32(word, &value, now);
        if (result < 0)
            return result;
        if (result == 0)
            break;
    }
    if (!pi && value & FUTEX_WAITERS)
        futex_wake_word(word);
    return 0;
}

static void walk_list(struct task *task)
{
    uintptr_t at = task->robust_list;
    struct head head;
    uint64_t entry, next;

    if (user_read(&head, at, sizeof(head)) < 0)
        return;
    entry = head.first;
    for (int n = 0; (entry & ~1ull) != at && n < LIST_LIMIT; n++) {
        int error = user_get64(entry & ~1ull, &next);

        if ((entry ^ head.pending) & ~1ull &&
            owner_died(task, (entry & ~1ull) + (uint64_t)head.futex_offset, entry & 1, false) < 0)
            return;
        if (error)
            return;
        entry = next;
    }
    if (head.pending & ~1ull)
        (void)owner_died(task, (head.pending & ~1ull) + (uint64_t)head.futex_offset,
                         head.pending & 1, true);
}

void futex_task_exit(struct task *task)
{
    if (task->robust_list)
        walk_list(task);
    task->robust_list = 0;
    futex_pi_exit(task);
}

SYSCALL(set_robust_list, 2, SYSCALL_WHOLE, "")
{
    if (a1 != HEAD_SIZE)
        return -EINVAL;
    current_task()->robust_list = a0;
    return 0;
}

SYSCALL(get_robust_list, 3, SYSCALL_WHOLE, "")
{
    struct task *task;
    uint64_t list = 0;
    int error = 0;

    rcu_read_lock();
    task = a0 ? task_find((int)a0) : current_task();
    if (!task)
        error = -ESRCH;
    else if (ptrace_access(task, true) < 0)
        error = -EPERM;
    else
        list = task->robust_list;
    rcu_read_unlock();
    if (error)
        return error;
    return user_put64(a2, HEAD_SIZE) < 0 || user_put64(a1, list) < 0 ? -EFAULT : 0;
}
