/* linux/timers.c: POSIX timers, interval timers and the CPU-time limit of a process.
 *
 * All are one kind of timer that queues a signal when its clock reaches a time. A repeating one is
 * armed again when its signal is taken, and then counts the periods that have passed (overruns):
 * however short its period is, it interrupts the machine no more often than the program looks. */
#include "linux/timers.h"

#include "core/clock.h"
#include "linux/path.h"
#include "linux/syscall.h"
#include "linux/task.h"
#include "linux/time.h"
#include "mm/heap.h"

enum { ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF, ITIMERS };
enum { SIGEV_SIGNAL = 0, SIGEV_NONE = 1, SIGEV_THREAD = 2, SIGEV_THREAD_ID = 4 };
enum { CAP_WAKE_ALARM = 35, CLOCK_PROCESS_USER_TIME = ~0 << 3 | 1 };
enum { CPU_CHECK_NS = 1000000, IGNORED_PERIOD_NS = 1000000, OVERRUN_MAX = INT32_MAX };

struct alarm {
    struct list link; /* POSIX timers: in timers->posix */
    struct timer timer;
    struct process *process;
    struct queued_signal signal;
    int id, clock;
    int target;               /* SIGEV_THREAD_ID: who gets the signal; 0: the process */
    int count_pid, count_tid; /* whose CPU time is counted, by number; 0: the process's own */
    bool silent;
    nsec_t interval, expiry; /* expiry: on the monotonic clock, or the CPU-time clock */
    nsec_t shift;            /* of the clock, where the expiry was a point of it: expiry + shift */
    bool follows;            /* the real-time clock: it is in `followers`, under follow_lock */
    struct list follow;
    /* Under process->signal_lock: */
    bool active;                  /* it counts; taken() may arm it again */
    unsigned generation, pending; /* of the setting; of the setting whose signal is queued */
    int64_t overrun, last_overrun;
};

struct process_timers {
    struct mutex lock; /* over settings and the list */
    struct list posix;
    int next_id;
    struct alarm *itimers[ITIMERS];
    struct timer cpu_limit;
    struct process *process;
};

/* --- clocks of CPU time, readable from interrupts --- */

/* With signal_lock held, and of this process; -1: the thread is gone. */
static nsec_t cpu_time_locked(const struct alarm *alarm)
{
    struct task *task = NULL;

    if (alarm->count_tid) {
        task = task_find(alarm->count_tid); /* the lock keeps readers of RCU going */
        if (!task || task->process != alarm->process)
            return -1;
    }
    return time_cpu_locked(alarm->clock, alarm->process, task);
}

/* Of another process; -1: it is gone. */
static nsec_t cpu_time_of_other(const struct alarm *alarm)
{
    struct process *process;
    uint64_t flags;
    nsec_t ns = -1;

    rcu_read_lock();
    process = process_find(alarm->count_pid);
    if (process) {
        flags = spin_lock_irq(&process->signal_lock);
        ns = time_cpu_locked(alarm->clock, process, NULL);
        spin_unlock_irq(&process->signal_lock, flags);
    }
    rcu_read_unlock();
    return ns;
}

static nsec_t cpu_time(const struct alarm *alarm)
{
    uint64_t flags;
    nsec_t ns;

    if (alarm->count_pid)
        return cpu_time_of_other(alarm);
    flags = spin_lock_irq(&alarm->process->signal_lock);
    ns = cpu_time_locked(alarm);
    spin_unlock_irq(&alarm->process->signal_lock, flags);
    return ns;
}

static bool counts_cpu(const struct alarm *alarm)
{
    return time_clock_is_cpu(alarm->clock);
}

/* When a CPU-time clock that must go on for `left` can be there at the earliest. */
static nsec_t earliest(nsec_t left)
{
    return nsec_add(clock_monotonic(), MAX(left / (nsec_t)ncpus, (nsec_t)CPU_CHECK_NS));
}

static nsec_t now_of(const struct alarm *alarm)
{
    return counts_cpu(alarm) ? cpu_time(alarm) : clock_monotonic();
}

/* Arm it for its expiry; `now` is its clock's. Nobody else may be doing so. */
static void arm(struct alarm *alarm, nsec_t now)
{
    if (alarm->expiry == NSEC_FOREVER)
        return;
    timer_start(&alarm->timer, counts_cpu(alarm) ? earliest(alarm->expiry - now) : alarm->expiry);
}

/* Move the expiry behind now by whole periods; how many. */
static int64_t forward(struct alarm *alarm, nsec_t now)
{
    int64_t periods;

    if (now < alarm->expiry)
        return 0;
    periods = (now - alarm->expiry) / alarm->interval + 1;
    alarm->expiry += periods * alarm->interval;
    return periods;
}

/* --- expiry --- */

static int send(struct alarm *alarm)
{
    struct task *task = NULL;
    int result = 0;

    rcu_read_lock();
    if (alarm->target)
        task = task_find(alarm->target);
    if (!alarm->target || task)
        result = signal_send_entry(alarm->process, task, &alarm->signal);
    rcu_read_unlock();
    return result;
}

static void alarm_fire(struct timer *timer)
{
    enum { QUEUED, PENDING, IGNORED };
    struct alarm *alarm = container_of(timer, struct alarm, timer);
    nsec_t now = now_of(alarm);

    if (!alarm->active || now < 0)
        return;
    if (now < alarm->expiry) {
        arm(alarm, now);
        return;
    }
    alarm->pending = alarm->generation;
    if (alarm->silent || send(alarm) == IGNORED) {
        if (!alarm->interval)
            return;
        alarm->overrun += forward(alarm, now);
        if (!counts_cpu(alarm))
            timer_start(timer, MAX(alarm->expiry, nsec_add(now, IGNORED_PERIOD_NS)));
        else
            arm(alarm, now);
    }
}

/* The signal leaves the queue, signal_lock is held: tell the overruns, go on counting. */
static void alarm_taken(struct queued_signal *signal, struct siginfo *info)
{
    struct alarm *alarm = container_of(signal, struct alarm, signal);
    nsec_t now;

    if (alarm->active && alarm->pending == alarm->generation && alarm->interval) {
        /* Another process's lock must not be taken under this one's: the timer looks. */
        now = alarm->count_pid    ? alarm->expiry
              : counts_cpu(alarm) ? cpu_time_locked(alarm)
                                  : clock_monotonic();
        alarm->overrun += MAX(forward(alarm, now) - 1, 0l);
        arm(alarm, now);
    }
    alarm->last_overrun = MIN(alarm->overrun, (int64_t)OVERRUN_MAX);
    alarm->overrun = 0;
    if (info->code == SI_TIMER)
        info->timer.overrun = (int32_t)alarm->last_overrun;
}

/* --- setting --- */

static struct alarm *alarm_create(struct process *process, int clock, int signo, int code)
{
    struct alarm *alarm = kzalloc(sizeof(*alarm));

    if (!alarm)
        return NULL;
    alarm->process = process;
    alarm->clock = clock;
    alarm->signal.info.signo = signo;
    alarm->signal.info.code = code;
    alarm->signal.taken = alarm_taken;
    list_init(&alarm->link);
    list_init(&alarm->signal.link);
    list_init(&alarm->follow);
    timer_init(&alarm->timer, alarm_fire);
    return alarm;
}

/* Stop counting: neither fire() nor taken() arms it again. Under timers->lock. */
static void alarm_stop(struct alarm *alarm)
{
    uint64_t flags = spin_lock_irq(&alarm->process->signal_lock);

    alarm->active = false;
    alarm->generation++;
    spin_unlock_irq(&alarm->process->signal_lock, flags);
    timer_cancel(&alarm->timer);
}

/* --- points of the real-time clock: they move when it is set --- */

static struct mutex follow_lock; /* after timers->lock; over the list and settings in it */
static struct list followers = LIST_INIT(followers);

/* Under follow_lock. The alarm stands still while its expiry moves. */
static void move_expiry(struct alarm *alarm)
{
    nsec_t shift = time_clock_offset(alarm->clock);
    uint64_t flags = spin_lock_irq(&alarm->process->signal_lock);
    bool active = alarm->active, armed, resting;

    alarm->active = false;
    spin_unlock_irq(&alarm->process->signal_lock, flags);
    armed = timer_cancel(&alarm->timer);
    flags = spin_lock_irq(&alarm->process->signal_lock);
    alarm->active = active;
    alarm->expiry = MAX(alarm->expiry + alarm->shift - shift, (nsec_t)1);
    alarm->shift = shift;
    resting = alarm->interval && !alarm->signal.queued && !alarm->silent;
    spin_unlock_irq(&alarm->process->signal_lock, flags);
    if (active && (armed || resting))
        arm(alarm, clock_monotonic());
}

void timers_clock_was_set(void)
{
    mutex_lock(&follow_lock);
    list_for_each_entry (struct alarm, alarm, &followers, follow)
        if (alarm->expiry != NSEC_FOREVER)
            move_expiry(alarm);
    mutex_unlock(&follow_lock);
}

/* Under timers->lock, the alarm stands still. */
static void unfollow(struct alarm *alarm)
{
    if (!alarm->follows)
        return;
    mutex_lock(&follow_lock);
    list_del(&alarm->follow);
    alarm->follows = false;
    mutex_unlock(&follow_lock);
}

static void alarm_free(struct alarm *alarm)
{
    if (!alarm)
        return;
    unfollow(alarm);
    alarm_stop(alarm);
    signal_withdraw(alarm->process, &alarm->signal);
    list_del(&alarm->link);
    kfree(alarm);
}

/* What is left until it expires next; 0: it does not. Under timers->lock. */
static nsec_t alarm_left(struct alarm *alarm)
{
    nsec_t now = now_of(alarm), left;

    if (!alarm->active || now < 0)
        return 0;
    left = alarm->expiry - now;
    if (left > 0)
        return left;
    if (alarm->interval)
        return alarm->interval - (now - alarm->expiry) % alarm->interval;
    return timer_armed(&alarm->timer) ? 1 : 0;
}

/* expiry 0: off. A point of the clock's is followed by the caller. */
static void alarm_set(struct alarm *alarm, nsec_t expiry, nsec_t interval)
{
    uint64_t flags;

    unfollow(alarm);
    alarm_stop(alarm);
    alarm->expiry = expiry;
    alarm->interval = interval;
    alarm->overrun = 0;
    if (!expiry)
        return;
    flags = spin_lock_irq(&alarm->process->signal_lock);
    alarm->active = true;
    spin_unlock_irq(&alarm->process->signal_lock, flags);
    arm(alarm, now_of(alarm));
}

/* --- the process's set of them --- */

static void cpu_limit_fire(struct timer *timer);

static struct process_timers *timers_of(struct process *process)
{
    struct process_timers *timers;

    mutex_lock(&process->lock);
    timers = process->posix_timers;
    if (!timers && (timers = kzalloc(sizeof(*timers)))) {
        list_init(&timers->posix);
        timers->process = process;
        timer_init(&timers->cpu_limit, cpu_limit_fire);
        process->posix_timers = timers;
    }
    mutex_unlock(&process->lock);
    return timers;
}

static void free_posix(struct process_timers *timers)
{
    mutex_lock(&timers->lock);
    while (!list_empty(&timers->posix))
        alarm_free(list_first(&timers->posix, struct alarm, link));
    mutex_unlock(&timers->lock);
}

void timers_exec(struct process *process)
{
    if (process->posix_timers)
        free_posix(process->posix_timers);
}

void timers_process_exit(struct process *process)
{
    struct process_timers *timers = process->posix_timers;

    if (!timers)
        return;
    free_posix(timers);
    for (unsigned i = 0; i < ITIMERS; i++)
        alarm_free(timers->itimers[i]);
    timer_cancel(&timers->cpu_limit);
    process->posix_timers = NULL;
    kfree(timers);
}

/* --- RLIMIT_CPU --- */

static void cpu_limit_fire(struct timer *timer)
{
    struct process_timers *timers = container_of(timer, struct process_timers, cpu_limit);
    struct process *process = timers->process;
    uint64_t soft = process->limits[LIMIT_CPU][0], hard = process->limits[LIMIT_CPU][1];
    uint64_t flags = spin_lock_irq(&process->signal_lock);
    nsec_t used = process_runtime(process), next;
    struct siginfo info;

    spin_unlock_irq(&process->signal_lock, flags);
    if (soft == LIMIT_INFINITY)
        return;
    if ((uint64_t)(used / NSEC_PER_SEC) >= hard) {
        process_kill(process, SIGKILL);
        return;
    }
    next = MAX((nsec_t)soft * NSEC_PER_SEC, process->cpu_limit_warned);
    if (used >= next) {
        signal_simple(&info, SIGXCPU);
        (void)signal_send_process(process, &info);
        next = process->cpu_limit_warned = used + NSEC_PER_SEC;
    }
    timer_start(timer, earliest(next - used));
}

void timers_cpu_limit_changed(struct process *process)
{
    struct process_timers *timers = timers_of(process);

    if (!timers)
        return;
    timer_cancel(&timers->cpu_limit);
    process->cpu_limit_warned = 0;
    if (process->limits[LIMIT_CPU][0] != LIMIT_INFINITY)
        timer_start(&timers->cpu_limit, clock_monotonic());
}

/* --- interval timers --- */

static const struct {
    int clock, signo;
} itimer_kinds[ITIMERS] = {
    [ITIMER_REAL] = {CLOCK_MONOTONIC, SIGALRM},
    [ITIMER_VIRTUAL] = {CLOCK_PROCESS_USER_TIME, SIGVTALRM},
    [ITIMER_PROF] = {CLOCK_PROCESS_CPUTIME_ID, SIGPROF},
};

struct setting {
    nsec_t interval, value;
};

/* set NULL: only tell the old setting. */
static int itimer(unsigned which, const struct setting *set, struct setting *old)
{
    struct process_timers *timers = timers_of(current_process());
    struct alarm *alarm;

    *old = (struct setting){};
    if (!timers)
        return -ENOMEM;
    mutex_lock(&timers->lock);
    alarm = timers->itimers[which];
    bool real = which == 0; /* ITIMER_REAL forgets its interval when it stands, the others do not */
    if (!alarm && set && (set->value || (set->interval && !real)))
        alarm = timers->itimers[which] = alarm_create(current_process(), itimer_kinds[which].clock,
                                                      itimer_kinds[which].signo, SI_KERNEL);
    if (alarm) {
        *old = (struct setting){alarm->interval, alarm_left(alarm)};
        if (!old->value && real)
            old->interval = 0;
        if (set)
            alarm_set(alarm, set->value ? nsec_add(now_of(alarm), set->value) : 0, set->interval);
    }
    mutex_unlock(&timers->lock);
    return !alarm && set && set->value ? -ENOMEM : 0;
}

/* Rounded up to microseconds, so that what runs does not read as zero. */
static int put_itimerval(uintptr_t to, const struct setting *s)
{
    nsec_t value = nsec_add(s->value, NSEC_PER_USEC - 1);

    return time_put_micro(to, s->interval) < 0 || time_put_micro(to + 16, value) < 0 ? -EFAULT : 0;
}

SYSCALL(getitimer, 2, SYSCALL_WHOLE, "")
{
    struct setting now;
    int error;

    if (a0 >= ITIMERS)
        return -EINVAL;
    error = itimer((unsigned)a0, NULL, &now);
    return error ?: put_itimerval(a1, &now);
}

SYSCALL(setitimer, 3, SYSCALL_WHOLE, "")
{
    struct setting set = {}, old;
    int error = 0;

    if (a1)
        error = time_get_micro(a1, &set.interval) ?: time_get_micro(a1 + 16, &set.value);
    if (error)
        return error;
    if (a0 >= ITIMERS)
        return -EINVAL;
    error = itimer((unsigned)a0, &set, &old);
    return error || !a2 ? error : put_itimerval(a2, &old);
}

SYSCALL(alarm, 1, SYSCALL_WHOLE, "")
{
    struct setting set = {.value = (nsec_t)(uint32_t)a0 * NSEC_PER_SEC}, old;

    if (itimer(ITIMER_REAL, &set, &old) < 0)
        return 0;
    /* To the nearest second, and at least one while it runs (man 2 alarm, Linux). */
    if (old.value && old.value < NSEC_PER_SEC)
        return 1;
    return nsec_add(old.value, NSEC_PER_SEC / 2) / NSEC_PER_SEC;
}

/* --- POSIX timers --- */

/* struct sigevent as the program has it (64 bytes). */
struct sigevent {
    uint64_t value;
    int32_t signo, notify, tid, pad[11];
};
_Static_assert(sizeof(struct sigevent) == 64, "uapi");

static int check_timer_clock(int clock)
{
    nsec_t ns;

    if (time_read_clock(clock, &ns) < 0)
        return -EINVAL;
    switch (clock) {
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_MONOTONIC_COARSE:
        return -EOPNOTSUPP;
    case CLOCK_REALTIME_ALARM: /* the machine never sleeps: nothing more than the others */
    case CLOCK_BOOTTIME_ALARM:
        return capable(CAP_WAKE_ALARM) ? 0 : -EPERM;
    default:
        return 0;
    }
}

static int check_event(const struct sigevent *event)
{
    bool known = true;

    switch (event->notify) {
    case SIGEV_NONE:
        return 0;
    case SIGEV_SIGNAL | SIGEV_THREAD_ID: {
        struct task *task;

        rcu_read_lock();
        task = task_find(event->tid);
        known = task && task->process == current_process();
        rcu_read_unlock();
    }
        __attribute__((fallthrough));
    case SIGEV_SIGNAL:
    case SIGEV_THREAD: /* for the libc: the kernel sends the signal */
        return known && event->signo >= 1 && event->signo <= SIGRTMAX ? 0 : -EINVAL;
    default:
        return -EINVAL;
    }
}

static struct alarm *find(struct process_timers *timers, int id)
{
    list_for_each_entry (struct alarm, alarm, &timers->posix, link)
        if (alarm->id == id)
            return alarm;
    return NULL;
}

/* Under timers->lock. */
static void add_timer(struct process_timers *timers, struct alarm *alarm)
{
    while (find(timers, timers->next_id))
        timers->next_id = timers->next_id == INT32_MAX ? 0 : timers->next_id + 1;
    alarm->id = timers->next_id++;
    list_add_tail(&timers->posix, &alarm->link);
}

/* Whose CPU time it counts. */
static void count_for(struct alarm *alarm)
{
    struct process *process;
    struct task *task = NULL;

    rcu_read_lock();
    if (counts_cpu(alarm) && time_cpu_clock_target(alarm->clock, &process, &task) == 0) {
        alarm->count_tid = task ? task->tid : 0;
        alarm->count_pid = process != alarm->process ? process->pid : 0;
    }
    rcu_read_unlock();
}

SYSCALL(timer_create, 3, SYSCALL_WHOLE, "")
{
    struct sigevent event = {.signo = SIGALRM, .notify = SIGEV_SIGNAL};
    struct process_timers *timers;
    struct alarm *alarm;
    int clock = (int)a0, error = check_timer_clock(clock);

    if (error)
        return error;
    if (a1 && user_read(&event, a1, sizeof(event)) < 0)
        return -EFAULT;
    error = check_event(&event);
    if (error)
        return error;
    timers = timers_of(current_process());
    alarm = timers ? alarm_create(current_process(), clock, event.signo, SI_TIMER) : NULL;
    if (!alarm)
        return -EAGAIN;
    alarm->silent = event.notify == SIGEV_NONE;
    alarm->target = event.notify == SIGEV_THREAD_ID ? event.tid : 0;
    count_for(alarm);
    mutex_lock(&timers->lock);
    add_timer(timers, alarm);
    alarm->signal.info.timer.tid = alarm->id;
    alarm->signal.info.timer.value = a1 ? event.value : (uint64_t)alarm->id;
    if (user_put32(a2, (uint32_t)alarm->id) < 0) {
        alarm_free(alarm);
        error = -EFAULT;
    }
    mutex_unlock(&timers->lock);
    return error;
}

/* Find a timer of the process and lock them all; NULL: -EINVAL, nothing is locked. */
static struct alarm *lock_timer(int id)
{
    struct process_timers *timers = current_process()->posix_timers;
    struct alarm *alarm;

    if (!timers)
        return NULL;
    mutex_lock(&timers->lock);
    alarm = find(timers, id);
    if (!alarm)
        mutex_unlock(&timers->lock);
    return alarm;
}

static void unlock_timers(void)
{
    struct process_timers *timers = current_process()->posix_timers;

    mutex_unlock(&timers->lock);
}

static int put_itimerspec(uintptr_t to, const struct setting *s)
{
    return time_put(to, s->interval) < 0 || time_put(to + 16, s->value) < 0 ? -EFAULT : 0;
}

static bool is_realtime(const struct alarm *alarm)
{
    return alarm->clock == CLOCK_REALTIME || alarm->clock == CLOCK_TAI ||
           alarm->clock == CLOCK_REALTIME_ALARM;
}

/* A point of a clock that can be set. follow_lock: no step goes unseen between the two. */
static void set_followed(struct alarm *alarm, nsec_t point, nsec_t interval)
{
    alarm_set(alarm, 0, 0);
    mutex_lock(&follow_lock);
    alarm->shift = time_clock_offset(alarm->clock);
    alarm_set(alarm, point == NSEC_FOREVER ? point : MAX(point - alarm->shift, (nsec_t)1),
              interval);
    alarm->follows = true;
    list_add(&followers, &alarm->follow);
    mutex_unlock(&follow_lock);
}

static void posix_set(struct alarm *alarm, const struct setting *set, bool absolute)
{
    if (!set->value)
        alarm_set(alarm, 0, 0);
    else if (!absolute)
        alarm_set(alarm, nsec_add(now_of(alarm), set->value), set->interval);
    else if (is_realtime(alarm))
        set_followed(alarm, set->value, set->interval);
    else
        alarm_set(alarm, set->value, set->interval);
}

SYSCALL(timer_settime, 4, SYSCALL_WHOLE, "")
{
    struct setting set, old;
    struct alarm *alarm;
    int error;

    if (!a2)
        return -EINVAL;
    error = time_get(a2, &set.interval) ?: time_get(a2 + 16, &set.value);
    if (error)
        return error;
    alarm = lock_timer((int)a0);
    if (!alarm)
        return -EINVAL;
    old = (struct setting){alarm->interval, alarm_left(alarm)};
    posix_set(alarm, &set, a1 & TIMER_ABSTIME);
    unlock_timers();
    return a3 ? put_itimerspec(a3, &old) : 0;
}

SYSCALL(timer_gettime, 2, SYSCALL_WHOLE, "")
{
    struct alarm *alarm = lock_timer((int)a0);
    struct setting now;

    if (!alarm)
        return -EINVAL;
    now = (struct setting){alarm->interval, alarm_left(alarm)};
    unlock_timers();
    return put_itimerspec(a1, &now);
}

SYSCALL(timer_getoverrun, 1, SYSCALL_WHOLE, "")
{
    struct alarm *alarm = lock_timer((int)a0);
    int64_t overrun;

    if (!alarm)
        return -EINVAL;
    overrun = alarm->last_overrun;
    unlock_timers();
    return overrun;
}

SYSCALL(timer_delete, 1, SYSCALL_WHOLE, "")
{
    struct alarm *alarm = lock_timer((int)a0);

    if (!alarm)
        return -EINVAL;
    alarm_free(alarm);
    unlock_timers();
    return 0;
}
