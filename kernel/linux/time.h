/* linux/time.h: between the program's time structures and nanoseconds. Threads only. */
#pragma once

#include "fs/vfs.h"
#include "lib/types.h"

enum {
    CLOCK_REALTIME,
    CLOCK_MONOTONIC,
    CLOCK_PROCESS_CPUTIME_ID,
    CLOCK_THREAD_CPUTIME_ID,
    CLOCK_MONOTONIC_RAW,
    CLOCK_REALTIME_COARSE,
    CLOCK_MONOTONIC_COARSE,
    CLOCK_BOOTTIME,
    CLOCK_REALTIME_ALARM,
    CLOCK_BOOTTIME_ALARM,
    CLOCK_TAI = 11,
};
enum { TIMER_ABSTIME = 1 };
enum { NSEC_PER_USEC = 1000, NSEC_PER_SEC = 1000000000, USEC_PER_SEC = 1000000 };

/* A timespec in program memory: 0, -EFAULT, -EINVAL (negative, or a nanosecond field out of range).
 * Huge values become NSEC_FOREVER. */
int time_get(uintptr_t from, nsec_t *ns);
int time_put(uintptr_t to, nsec_t ns);
/* The same for timeval (microseconds). */
int time_get_micro(uintptr_t from, nsec_t *ns);
int time_put_micro(uintptr_t to, nsec_t ns);
struct timespec time_to_timespec(nsec_t ns);
/* A timespec that is valid for a wait; -EINVAL. */
int time_from_timespec(const struct timespec *ts, nsec_t *ns);
/* A relative timeout in program memory as a deadline of the monotonic clock. */
int time_deadline(uintptr_t from, nsec_t *deadline);
/* a + b without overflow: NSEC_FOREVER at most. Neither is negative. */
static inline nsec_t nsec_add(nsec_t a, nsec_t b)
{
    return a > NSEC_FOREVER - b ? NSEC_FOREVER : a + b;
}
/* A point of the real-time clock on the monotonic one, as things stand. */
nsec_t time_realtime_to_monotonic(nsec_t realtime);

/* How much that clock is ahead of the monotonic one: real time or TAI. */
nsec_t time_clock_offset(int clock);

/* wait_sleep() whose deadline is a point of the real-time clock, if is_realtime: when that is set
 * it returns 0, as if woken. */
int time_sleep(unsigned flags, nsec_t deadline, bool is_realtime);
/* Set the real-time clock, for the current task: -EPERM, -EINVAL. */
int time_set_clock(nsec_t now);
/* It was stepped: all who wait for points of it look again. */
void time_clock_was_set(void);

/* CPU-time clocks (also by process or thread id: negative clock numbers) and all others.
 * -EINVAL. */
int time_read_clock(int clock, nsec_t *ns);
bool time_clock_is_cpu(int clock);
static inline bool time_clock_is_alarm(int clock)
{
    return clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM;
}
/* The process and (or NULL: all its threads) the task whose CPU time the clock counts. Under
 * rcu_read_lock. -EINVAL. */
struct process;
struct task;
int time_cpu_clock_target(int clock, struct process **process, struct task **task);
/* What the clock shows for that task, or (NULL) process, whose signal_lock is held. */
nsec_t time_cpu_locked(int clock, struct process *process, struct task *task);
