/* linux/time.c: the system calls that tell the time and wait for it. */
#include "linux/time.h"

#include "core/clock.h"
#include "linux/path.h"
#include "linux/syscall.h"
#include "linux/task.h"
#include "linux/timerfd.h"

enum { COARSE_NS = 4000000, TICK_NS = 10000000, CAP_SYS_TIME = 25 };

/* Sleepers on the real-time clock look again when it is set. */
static struct waitqueue clock_set_wait = {.waiters = LIST_INIT(clock_set_wait.waiters)};
static atomic_uint clock_set_count;

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

/* --- clocks --- */

/* Negative clock numbers: ~id << 3 | thread << 2 | kind (uapi linux/time.h, posix-timers). */
enum { CPUCLOCK_KIND = 3, CPUCLOCK_THREAD = 4, CPUCLOCK_FD = 3 };

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

static int read_cpu_clock(int clock, nsec_t *ns)
{
    struct process *process;
    struct task *task;
    uint64_t flags;
    int error;

    rcu_read_lock();
    error = time_cpu_clock_target(clock, &process, &task);
    if (!error && task) {
        *ns = thread_runtime(&task->thread);
    } else if (!error) {
        flags = spin_lock_irq(&process->signal_lock);
        *ns = process_runtime(process);
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
    case CLOCK_TAI: /* nobody has told the offset: as Linux without NTP */
        *ns = clock_realtime();
        return 0;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
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

static int set_clock(nsec_t now)
{
    int error;

    if (!capable(CAP_SYS_TIME))
        return -EPERM;
    if (now == NSEC_FOREVER || now < clock_monotonic())
        return -EINVAL; /* the machine would have been started before 1970 */
    error = clock_set_realtime(now);
    atomic_fetch_add_explicit(&clock_set_count, 1, memory_order_release);
    wake_all(&clock_set_wait);
    timerfd_clock_was_set();
    return error;
}

SYSCALL(clock_settime, 2, SYSCALL_WHOLE, "")
{
    nsec_t ns;
    int error;

    if ((int)a0 != CLOCK_REALTIME)
        return -EINVAL;
    error = time_get(a1, &ns);
    return error ?: set_clock(ns);
}

SYSCALL(gettimeofday, 2, SYSCALL_WHOLE, "")
{
    static const int32_t zone[2];

    if (a0 && time_put_micro(a0, clock_realtime()) < 0)
        return -EFAULT;
    return a1 ? user_write(a1, zone, sizeof(zone)) : 0;
}

SYSCALL(settimeofday, 2, SYSCALL_PARTIAL, "the kernel's time zone stays UTC")
{
    nsec_t ns;
    int error;

    if (a0) {
        error = time_get_micro(a0, &ns);
        return error ?: set_clock(ns);
    }
    return capable(CAP_SYS_TIME) ? 0 : -EPERM;
}

SYSCALL(time, 1, SYSCALL_WHOLE, "")
{
    int64_t now = clock_realtime() / NSEC_PER_SEC;

    return a0 && user_put64(a0, (uint64_t)now) < 0 ? -EFAULT : now;
}

SYSCALL(times, 1, SYSCALL_PARTIAL, "all run time counts as the program's, none as the kernel's")
{
    nsec_t ns = 0;
    int64_t tms[4] = {};

    (void)time_read_clock(CLOCK_PROCESS_CPUTIME_ID, &ns);
    tms[0] = ns / TICK_NS;
    mutex_lock(&tasks_lock);
    tms[2] = current_process()->children_use.run_ns / TICK_NS;
    mutex_unlock(&tasks_lock);
    if (a0 && user_write(a0, tms, sizeof(tms)) < 0)
        return -EFAULT;
    return clock_monotonic() / TICK_NS;
}

/* --- adjtimex --- */

struct timex {
    uint32_t modes, pad0;
    int64_t offset, freq, maxerror, esterror;
    int32_t status, pad1;
    int64_t constant, precision, tolerance;
    int64_t sec, usec, tick, ppsfreq, jitter;
    int32_t shift, pad2;
    int64_t stabil, jitcnt, calcnt, errcnt, stbcnt;
    int32_t tai, reserved[11];
};
_Static_assert(sizeof(struct timex) == 208, "uapi");

enum {
    ADJ_SETOFFSET = 0x100,
    ADJ_NANO = 0x2000,
    ADJ_OFFSET_SINGLESHOT = 0x8001,
    ADJ_OFFSET_SS_READ = 0xa001
};
enum { STA_UNSYNC = 0x40, STA_NANO = 0x2000, TIME_ERROR = 5 };

static int64_t adjust(uintptr_t at)
{
    struct timex tx;
    nsec_t now, unit;
    int error;

    if (user_read(&tx, at, sizeof(tx)) < 0)
        return -EFAULT;
    if (tx.modes && tx.modes != ADJ_OFFSET_SS_READ && !capable(CAP_SYS_TIME))
        return -EPERM;
    if (tx.modes & ADJ_SETOFFSET && tx.modes != ADJ_OFFSET_SINGLESHOT) {
        unit = tx.modes & ADJ_NANO ? 1 : NSEC_PER_USEC;
        if (tx.usec < 0 || tx.usec * unit >= NSEC_PER_SEC)
            return -EINVAL;
        error = set_clock(clock_realtime() + tx.sec * NSEC_PER_SEC + tx.usec * unit);
        if (error)
            return error;
    }
    now = clock_realtime();
    unit = tx.modes & ADJ_NANO ? 1 : NSEC_PER_USEC;
    tx = (struct timex){
        .modes = tx.modes,
        .maxerror = 16000000,
        .esterror = 16000000,
        .status = STA_UNSYNC | (unit == 1 ? STA_NANO : 0),
        .constant = 2,
        .precision = 1,
        .tolerance = 32768000,
        .tick = 10000,
        .sec = now / NSEC_PER_SEC,
        .usec = now % NSEC_PER_SEC / unit,
    };
    return user_write(at, &tx, sizeof(tx)) < 0 ? -EFAULT : TIME_ERROR;
}

SYSCALL(adjtimex, 1, SYSCALL_PARTIAL, "sets the time by ADJ_SETOFFSET; does not steer the clock")
{
    return adjust(a0);
}

SYSCALL(clock_adjtime, 2, SYSCALL_PARTIAL,
        "sets the time by ADJ_SETOFFSET; does not steer the clock")
{
    return (int)a0 == CLOCK_REALTIME ? adjust(a1) : (int)a0 < 0 ? -EINVAL : -EOPNOTSUPP;
}

/* --- sleeping --- */

/* Until the real-time clock shows the time, even if it is set meanwhile. */
static int sleep_realtime(nsec_t until)
{
    for (;;) {
        unsigned seen = atomic_load_explicit(&clock_set_count, memory_order_acquire);
        int error = WAIT_EVENT(&clock_set_wait,
                               atomic_load_explicit(&clock_set_count, memory_order_acquire) != seen,
                               WAIT_INTERRUPTIBLE, time_realtime_to_monotonic(until));

        if (clock_realtime() >= until)
            return 0;
        if (error == -EINTR)
            return error;
    }
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
    if (clock == CLOCK_REALTIME || clock == CLOCK_TAI || clock == CLOCK_REALTIME_ALARM)
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
