/* linux/time.c: the system calls that tell the time and wait for it. */
#include "linux/time.h"

#include "core/clock.h"
#include "linux/adjtime.h"
#include "linux/cputime.h"
#include "linux/path.h"
#include "linux/syscall.h"
#include "linux/task.h"
#include "linux/timerfd.h"
#include "linux/timers.h"

enum { COARSE_NS = 4000000, TICK_NS = 10000000, CAP_SYS_TIME = 25, CAP_WAKE_ALARM = 35 };

/* Threads that sleep until a point of the real-time clock: they look again when it is set. */
struct realtime_sleep {
    struct list link;
    struct thread *thread;
};
static struct {
    struct spinlock lock;
    struct list sleepers;
} realtime = {.sleepers = LIST_INIT(realtime.sleepers)};

/* --- structures --- */

int time_from_timespec(const struct timespec *ts, nsec_t *ns)
{
    if (ts->sec < 0 || ts->nsec < 0 || ts->nsec >= NSEC_PER_SEC)
        return -EINVAL;
    *ns = ts->sec >= NSEC_FOREVER / NSEC_PER_SEC ? NSEC_FOREVER : ts->sec * NSEC_PER_SEC + ts->nsec;
    return 0;
}

struct timespec time_to_timespec(nsec_t ns)
{
    return (struct timespec){ns / NSEC_PER_SEC, ns % NSEC_PER_SEC};
}

int time_get(uintptr_t from, nsec_t *ns)
{
    struct timespec ts;

    return user_read(&ts, from, sizeof(ts)) < 0 ? -EFAULT : time_from_timespec(&ts, ns);
}

int time_put(uintptr_t to, nsec_t ns)
{
    struct timespec ts = time_to_timespec(ns);

    return user_write(to, &ts, sizeof(ts));
}

int time_get_micro(uintptr_t from, nsec_t *ns)
{
    struct timespec ts;

    if (user_read(&ts, from, sizeof(ts)) < 0)
        return -EFAULT;
    if (ts.nsec < 0 || ts.nsec >= USEC_PER_SEC)
        return -EINVAL;
    ts.nsec *= NSEC_PER_USEC;
    return time_from_timespec(&ts, ns);
}

int time_put_micro(uintptr_t to, nsec_t ns)
{
    struct timespec ts = {ns / NSEC_PER_SEC, ns % NSEC_PER_SEC / NSEC_PER_USEC};

    return user_write(to, &ts, sizeof(ts));
}

int time_deadline(uintptr_t from, nsec_t *deadline)
{
    nsec_t ns;
    int error = time_get(from, &ns);

    if (!error)
        *deadline = nsec_add(clock_monotonic(), ns);
    return error;
}

nsec_t time_realtime_to_monotonic(nsec_t realtime)
{
    nsec_t left = realtime - clock_realtime();

    if (realtime == NSEC_FOREVER)
        return NSEC_FOREVER;
    return left <= 0 ? 0 : nsec_add(clock_monotonic(), left);
}

nsec_t time_clock_offset(int clock)
{
    return clock_realtime_offset() + (clock == CLOCK_TAI ? adjtime_tai_offset() : 0);
}

int time_sleep(unsigned flags, nsec_t deadline, bool is_realtime)
{
    struct realtime_sleep sleep = {.thread = current};
    uint64_t irq;
    int error;

    if (!is_realtime || deadline == NSEC_FOREVER)
        return wait_sleep(flags, deadline);
    irq = spin_lock_irq(&realtime.lock);
    list_add(&realtime.sleepers, &sleep.link);
    spin_unlock_irq(&realtime.lock, irq);
    error = wait_sleep(flags, time_realtime_to_monotonic(deadline));
    irq = spin_lock_irq(&realtime.lock);
    list_del(&sleep.link);
    spin_unlock_irq(&realtime.lock, irq);
    return error;
}

static void wake_realtime_sleepers(void)
{
    uint64_t irq = spin_lock_irq(&realtime.lock);

    list_for_each_entry (struct realtime_sleep, sleep, &realtime.sleepers, link)
        thread_wake(sleep->thread);
    spin_unlock_irq(&realtime.lock, irq);
}

/* --- clocks --- */

/* Negative clock numbers: ~id << 3 | thread << 2 | kind (uapi linux/time.h, posix-timers). */
enum { CPUCLOCK_KIND = 3, CPUCLOCK_THREAD = 4, CPUCLOCK_FD = 3 };
enum { CPUCLOCK_BOTH, CPUCLOCK_USER, CPUCLOCK_RUNTIME };

bool time_clock_is_cpu(int clock)
{
    return clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID || clock < 0;
}

int time_cpu_clock_target(int clock, struct process **process, struct task **task)
{
    int id = ~(clock >> 3);

    *process = current_process();
    *task = NULL;
    if (clock == CLOCK_PROCESS_CPUTIME_ID)
        return 0;
    if (clock == CLOCK_THREAD_CPUTIME_ID) {
        *task = current_task();
        return 0;
    }
    if ((clock & CPUCLOCK_KIND) == CPUCLOCK_FD)
        return -EINVAL;
    if (clock & CPUCLOCK_THREAD) {
        *task = id ? task_find(id) : current_task();
        return *task && (*task)->process == *process ? 0 : -EINVAL;
    }
    if (id)
        *process = process_find(id);
    return *process ? 0 : -EINVAL;
}

/* Program and kernel time together are the run time. */
nsec_t time_cpu_locked(int clock, struct process *process, struct task *task)
{
    if (clock < 0 && (clock & CPUCLOCK_KIND) == CPUCLOCK_USER)
        return task ? task_times_locked(task).user : process_times_locked(process).user;
    return task ? thread_runtime(&task->thread) : process_runtime(process);
}

static int read_cpu_clock(int clock, nsec_t *ns)
{
    struct process *process;
    struct task *task;
    uint64_t flags;
    int error;

    rcu_read_lock();
    error = time_cpu_clock_target(clock, &process, &task);
    if (!error) {
        flags = spin_lock_irq(&process->signal_lock);
        *ns = time_cpu_locked(clock, process, task);
        spin_unlock_irq(&process->signal_lock, flags);
    }
    rcu_read_unlock();
    return error;
}

int time_read_clock(int clock, nsec_t *ns)
{
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_REALTIME_ALARM:
        *ns = clock_realtime();
        return 0;
    case CLOCK_TAI:
        *ns = clock_realtime() + adjtime_tai_offset();
        return 0;
    case CLOCK_MONOTONIC_RAW:
        *ns = clock_monotonic_raw();
        return 0;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
    case CLOCK_BOOTTIME_ALARM:
        *ns = clock_monotonic();
        return 0;
    default:
        return time_clock_is_cpu(clock) ? read_cpu_clock(clock, ns) : -EINVAL;
    }
}

SYSCALL(clock_gettime, 2, SYSCALL_WHOLE, "")
{
    nsec_t ns;
    int error = time_read_clock((int)a0, &ns);

    return error ?: time_put(a1, ns);
}

SYSCALL(clock_getres, 2, SYSCALL_WHOLE, "")
{
    int clock = (int)a0;
    nsec_t ns;
    int error = time_read_clock(clock, &ns);

    if (error || !a1)
        return error;
    return time_put(
        a1, clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE ? COARSE_NS : 1);
}

void time_clock_was_set(void)
{
    wake_realtime_sleepers();
    timerfd_clock_was_set();
    timers_clock_was_set();
}

int time_set_clock(nsec_t now)
{
    int error;

    if (!capable(CAP_SYS_TIME))
        return -EPERM;
    if (now == NSEC_FOREVER || now < clock_monotonic())
        return -EINVAL; /* the machine would have been started before 1970 */
    error = clock_set_realtime(now);
    adjtime_clock_was_set();
    time_clock_was_set();
    return error;
}

SYSCALL(clock_settime, 2, SYSCALL_WHOLE, "")
{
    nsec_t ns;
    int error;

    if ((int)a0 != CLOCK_REALTIME)
        return -EINVAL;
    error = time_get(a1, &ns);
    return error ?: time_set_clock(ns);
}

/* struct timezone: the kernel only keeps it (and warps a clock that shows local time). */
struct zone {
    int32_t minutes_west, dst_time;
};
static struct zone zone;

SYSCALL(gettimeofday, 2, SYSCALL_WHOLE, "")
{
    if (a0 && time_put_micro(a0, clock_realtime()) < 0)
        return -EFAULT;
    return a1 ? user_write(a1, &zone, sizeof(zone)) : 0;
}

/* The first call tells it without a time: then the clock has been local time so far (man 2). */
static int set_zone(const struct zone *set, bool with_time)
{
    static bool told;
    bool first = !told;

    if (set->minutes_west > 15 * 60 || set->minutes_west < -15 * 60)
        return -EINVAL;
    zone = *set;
    told = true;
    if (!first || with_time || !zone.minutes_west)
        return 0;
    return time_set_clock(clock_realtime() + zone.minutes_west * 60ll * NSEC_PER_SEC);
}

SYSCALL(settimeofday, 2, SYSCALL_WHOLE, "")
{
    struct zone set;
    nsec_t ns;
    int error;

    error = a0 ? time_get_micro(a0, &ns) : 0;
    if (error)
        return error;
    if (a1 && user_read(&set, a1, sizeof(set)) < 0)
        return -EFAULT;
    if (!capable(CAP_SYS_TIME))
        return -EPERM;
    error = a1 ? set_zone(&set, a0) : 0;
    return error || !a0 ? error : time_set_clock(ns);
}

SYSCALL(time, 1, SYSCALL_WHOLE, "")
{
    int64_t now = clock_realtime() / NSEC_PER_SEC;

    return a0 && user_put64(a0, (uint64_t)now) < 0 ? -EFAULT : now;
}

SYSCALL(times, 1, SYSCALL_WHOLE, "")
{
    struct cpu_times own = process_times(current_process()), children;
    int64_t tms[4];

    mutex_lock(&tasks_lock);
    children = current_process()->children_use.time;
    mutex_unlock(&tasks_lock);
    tms[0] = own.user / TICK_NS;
    tms[1] = own.system / TICK_NS;
    tms[2] = children.user / TICK_NS;
    tms[3] = children.system / TICK_NS;
    if (a0 && user_write(a0, tms, sizeof(tms)) < 0)
        return -EFAULT;
    return clock_monotonic() / TICK_NS;
}

/* --- sleeping --- */

/* Until the real-time clock (or TAI, so much before it) shows the time, even if it is set
 * meanwhile. */
static int sleep_realtime(nsec_t until)
{
    int error;

    while (clock_realtime() < until) {
        thread_set_state(THREAD_INTERRUPTIBLE);
        error = time_sleep(WAIT_INTERRUPTIBLE, until, true);
        thread_set_state(THREAD_RUNNABLE);
        if (error == -EINTR)
            return clock_realtime() >= until ? 0 : error;
    }
    return 0;
}

/* Until the clock of CPU time shows it: by guesses of when that can be at the earliest. */
static int sleep_cpu_clock(int clock, nsec_t until)
{
    enum { SHORTEST_NS = 1000000 };
    nsec_t now, left;
    int error;

    for (;;) {
        error = time_read_clock(clock, &now);
        if (error || now >= until)
            return error;
        left = MAX((until - now) / (nsec_t)ncpus, (nsec_t)SHORTEST_NS);
        error = thread_sleep_until(nsec_add(clock_monotonic(), left), true);
        if (error)
            return error;
    }
}

static int sleep_until(int clock, nsec_t until)
{
    if (time_clock_is_cpu(clock))
        return sleep_cpu_clock(clock, until);
    if (clock == CLOCK_TAI)
        return sleep_realtime(until == NSEC_FOREVER ? until : until - adjtime_tai_offset());
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_ALARM)
        return sleep_realtime(until);
    return thread_sleep_until(until, true);
}

static int64_t sleep_restart(struct task *task);

/* A relative sleep was broken off: tell what is left, and go on with it if no handler runs.
 * restart_args: clock, time, address for the rest. */
static int64_t broken_off(struct task *task, int clock, nsec_t until, uintptr_t rest)
{
    nsec_t now;

    (void)time_read_clock(clock, &now);
    if (rest && time_put(rest, MAX(until - now, (nsec_t)0)) < 0)
        return -EFAULT;
    task->restart = sleep_restart;
    task->restart_args[0] = (uint64_t)clock;
    task->restart_args[1] = (uint64_t)until;
    task->restart_args[2] = rest;
    return -ERESTART_RESTARTBLOCK;
}

static int64_t sleep_restart(struct task *task)
{
    int clock = (int)task->restart_args[0];
    nsec_t until = (nsec_t)task->restart_args[1];
    int error = sleep_until(clock, until);

    return error == -EINTR ? broken_off(task, clock, until, task->restart_args[2]) : error;
}

static int64_t sleep_relative(int clock, nsec_t span, uintptr_t rest)
{
    nsec_t now, until;
    int error;

    if (clock == CLOCK_REALTIME || clock == CLOCK_TAI || clock == CLOCK_REALTIME_ALARM)
        clock = CLOCK_MONOTONIC; /* setting the clock does not change a span */
    error = time_read_clock(clock, &now);
    if (error)
        return error;
    until = nsec_add(now, span);
    error = sleep_until(clock, until);
    return error == -EINTR ? broken_off(current_task(), clock, until, rest) : error;
}

SYSCALL(nanosleep, 2, SYSCALL_WHOLE, "")
{
    nsec_t span;
    int error = time_get(a0, &span);

    return error ?: sleep_relative(CLOCK_MONOTONIC, span, a1);
}

SYSCALL(clock_nanosleep, 4, SYSCALL_WHOLE, "")
{
    int clock = (int)a0, error;
    nsec_t ns;

    if (time_read_clock(clock, &ns) < 0)
        return -EINVAL;
    if (clock == CLOCK_THREAD_CPUTIME_ID || clock == CLOCK_MONOTONIC_RAW ||
        clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE)
        return -EOPNOTSUPP;
    error = time_get(a2, &ns);
    if (error)
        return error;
    if (time_clock_is_alarm(clock) && !capable(CAP_WAKE_ALARM))
        return -EPERM;
    if (!(a1 & TIMER_ABSTIME))
        return sleep_relative(clock, ns, a3);
    error = sleep_until(clock, ns);
    return error == -EINTR ? -ERESTARTNOHAND : error;
}

SYSCALL(restart_syscall, 0, SYSCALL_WHOLE, "")
{
    struct task *task = current_task();
    int64_t (*restart)(struct task *) = task->restart;

    task->restart = NULL;
    return restart ? restart(task) : -EINTR;
}
