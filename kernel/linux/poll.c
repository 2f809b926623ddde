/* linux/poll.c: poll(2), ppoll(2), and the wait behind them and select(2). */
#include "linux/iov.h"
#include "linux/pollwait.h"
#include "linux/syscall.h"
#include "linux/time.h"

/* --- waiting
 * ---------------------------------------------------------------------------------------------- */

/* Under the queue's lock. */
static bool notify(struct waiter *waiter, unsigned events)
{
    struct poll_hook *hook = container_of(waiter, struct poll_hook, waiter);
    struct poll_wait *wait = waiter->data;
    if (events && !(events & hook->wanted))
        return false;
    atomic_store(&wait->triggered, true);
    thread_wake(wait->thread);
    return true;
}

static struct poll_hook *new_hook(struct poll_wait *wait)
{
    if (wait->n < POLL_HOOKS_FIRST)
        return &wait->first[wait->n++];
    struct poll_hooks *more = wait->more;
    if (!more || more->n == POLL_HOOKS_MORE) {
        more = kmalloc(sizeof(*more));
        if (!more)
            return NULL;
        more->n = 0;
        more->next = wait->more;
        wait->more = more;
    }
    return &more->hooks[more->n++];
}

static void hook_queue(struct poll_table *table, struct waitqueue *queue)
{
    struct poll_wait *wait = container_of(table, struct poll_wait, table);
    struct poll_hook *hook = new_hook(wait);
    if (!hook) {
        wait->err = -ENOMEM;
        return;
    }
    *hook = (struct poll_hook){
        .waiter = {.thread = wait->thread, .notify = notify, .data = wait},
        .queue = queue,
        .wanted = wait->wanted,
    };
    if (wait->ref.counted) {
        hook->file = wait->ref.file;
        file_get(hook->file);
    }
    waitqueue_add(queue, &hook->waiter);
}

void poll_wait_begin(struct poll_wait *wait, bool may_sleep)
{
    wait->table.wait = hook_queue;
    wait->thread = current;
    atomic_init(&wait->triggered, false);
    wait->hooked = !may_sleep;
    wait->err = 0;
    wait->n = 0;
    wait->more = NULL;
}

static void unhook(struct poll_hook *hooks, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        waitqueue_remove(hooks[i].queue, &hooks[i].waiter);
        if (hooks[i].file)
            file_put(hooks[i].file);
    }
}

void poll_wait_end(struct poll_wait *wait)
{
    unhook(wait->first, wait->n);
    while (wait->more) {
        struct poll_hooks *more = wait->more;
        wait->more = more->next;
        unhook(more->hooks, more->n);
        kfree(more);
    }
}

unsigned poll_wait_look(struct poll_wait *wait, int fd, unsigned events)
{
    wait->ref = fd_borrow(fd);
    if (!wait->ref.file)
        return POLLNVAL;
    events |= POLLERR | POLLHUP;
    wait->wanted = events;
    unsigned now = file_poll(wait->ref.file, wait->hooked ? NULL : &wait->table) & events;
    fd_return(wait->ref);
    if (now)
        wait->hooked = true; /* there will be no sleep */
    return now;
}

int poll_wait_sleep(struct poll_wait *wait, nsec_t deadline)
{
    wait->hooked = true;
    if (wait->err)
        return wait->err;
    if (thread_interrupted(current))
        return -ERESTARTNOHAND;
    if (deadline <= 0 || (deadline != NSEC_FOREVER && deadline <= clock_monotonic()))
        return 0;
    thread_set_state(THREAD_INTERRUPTIBLE);
    if (!atomic_load(&wait->triggered))
        wait_sleep(WAIT_INTERRUPTIBLE, deadline);
    thread_set_state(THREAD_RUNNABLE);
    atomic_store(&wait->triggered, false);
    return 1;
}

/* --- poll
 * -------------------------------------------------------------------------------------------------
 */

struct pollfd {
    int32_t fd;
    uint16_t events, revents;
};

/* How many of the files have something to say; -ERESTARTNOHAND, -ENOMEM. deadline 0: just look. */
static int wait_for(struct pollfd *fds, unsigned n, nsec_t deadline)
{
    struct poll_wait wait;
    int count = 0, more = 1;
    poll_wait_begin(&wait, deadline != 0);
    while (!count && more > 0) {
        for (unsigned i = 0; i < n; i++) {
            fds[i].revents = 0;
            if (fds[i].fd < 0)
                continue;
            fds[i].revents = (uint16_t)poll_wait_look(&wait, fds[i].fd, fds[i].events);
            count += fds[i].revents != 0;
        }
        if (!count)
            more = poll_wait_sleep(&wait, deadline);
    }
    poll_wait_end(&wait);
    return count ? count : more;
}

enum { POLLFDS_SMALL = 32 };

static int64_t poll_until(uintptr_t addr, unsigned n, nsec_t deadline)
{
    struct pollfd small[POLLFDS_SMALL], *fds = small;
    if (n > current_process()->limits[LIMIT_NOFILE][0] || n > FDS_MAX)
        return -EINVAL;
    if (n > POLLFDS_SMALL) {
        fds = kmalloc(n * sizeof(*fds));
        if (!fds)
            return -ENOMEM;
    }
    int64_t result = user_read(fds, addr, n * sizeof(*fds));
    if (!result)
        result = wait_for(fds, n, deadline);
    for (unsigned i = 0; i < n && result >= 0; i++) {
        uintptr_t at = addr + i * sizeof(*fds) + offsetof(struct pollfd, revents);
        if (user_write(at, &fds[i].revents, sizeof(fds[i].revents)) < 0)
            result = -EFAULT;
    }
    if (fds != small)
        kfree(fds);
    return result;
}

static int64_t poll_again(struct task *task);

static int64_t poll_restartable(uintptr_t addr, unsigned n, nsec_t deadline)
{
    int64_t result = poll_until(addr, n, deadline);
    if (result != -ERESTARTNOHAND)
        return result;
    struct task *task = current_task();
    task->restart = poll_again;
    task->restart_args[0] = addr;
    task->restart_args[1] = n;
    task->restart_args[2] = (uint64_t)deadline;
    return -ERESTART_RESTARTBLOCK;
}

/* restart_syscall(2): the deadline is still the first one. */
static int64_t poll_again(struct task *task)
{
    return poll_restartable(task->restart_args[0], (unsigned)task->restart_args[1],
                            (nsec_t)task->restart_args[2]);
}

SYSCALL(poll, 3, SYSCALL_WHOLE, "")
{
    int timeout_ms = (int)a2;
    nsec_t deadline = NSEC_FOREVER;
    if (timeout_ms == 0)
        deadline = 0;
    else if (timeout_ms > 0)
        deadline = clock_monotonic() + timeout_ms * 1000000ll;
    return poll_restartable(a0, (unsigned)a1, deadline);
}

SYSCALL(ppoll, 5, SYSCALL_WHOLE, "")
{
    nsec_t timeout = NSEC_FOREVER;
    uint64_t mask;
    int err = a2 ? time_get(a2, &timeout) : 0;
    if (err)
        return err;
    if (a3 && a4 != sizeof(mask))
        return -EINVAL;
    if (a3 && user_get64(a3, &mask) < 0)
        return -EFAULT;
    nsec_t deadline = timeout ? nsec_add(clock_monotonic(), timeout) : 0;
    if (a3)
        signal_set_temporary_mask(mask);
    int64_t result = poll_until(a0, (unsigned)a1, deadline);
    if (a3)
        signal_restore_mask(result == -ERESTARTNOHAND);
    if (a2 && current_personality(PERSONALITY_STICKY_TIMEOUTS))
        return result == -ERESTARTNOHAND ? -EINTR : result;
    if (a2 && timeout) {
        nsec_t left = deadline - clock_monotonic();
        time_put(a2, left > 0 ? left : 0); /* as on Linux the result counts for more */
    }
    return result;
}
