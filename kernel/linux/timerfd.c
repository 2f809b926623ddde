#include "linux/timerfd.h"

#include "core/timer.h"
#include "lib/string.h"
#include "linux/path.h"
#include "linux/syscall.h"
#include "linux/time.h"
#include "mm/heap.h"

enum {
    TFD_TIMER_ABSTIME = 1,
    TFD_TIMER_CANCEL_ON_SET = 2,
    CAP_WAKE_ALARM = 35,
    TFD_IOC_SET_TICKS = 0x40085400,
};

/* After its time has come a timer rests until somebody reads: the ticks in between are counted
 * then, so that an unread timer costs nothing. */
struct timerfd {
    struct timer timer;
    struct mutex mutex;   /* over setting and reading: all but fire() */
    struct spinlock lock; /* over ticks, expired */
    struct waitqueue wait;
    struct list link; /* in realtime_timers */
    int clock;
    unsigned settime_flags;
    nsec_t point;    /* what was asked for on the real-time clock, where it is absolute */
    nsec_t deadline; /* monotonic; 0: not set */
    nsec_t interval;
    uint64_t ticks;
    bool expired, cancelled;
};

static struct kcache timerfd_cache = {.name = "timerfd", .size = sizeof(struct timerfd)};
static struct mutex realtime_lock;
static struct list realtime_timers = LIST_INIT(realtime_timers); /* of CLOCK_REALTIME(_ALARM) */

static void fire(struct timer *timer)
{
    struct timerfd *tfd = container_of(timer, struct timerfd, timer);
    uint64_t flags = spin_lock_irq(&tfd->lock);
    tfd->expired = true;
    tfd->ticks++;
    spin_unlock_irq(&tfd->lock, flags);
    waitqueue_wake(&tfd->wait, 0, POLLIN);
}

/* Bring a periodic timer that has expired up to the present: count what went by, start it again.
 * Under the mutex. */
static void catch_up(struct timerfd *tfd)
{
    uint64_t flags = spin_lock_irq(&tfd->lock);
    bool again = tfd->expired && tfd->interval;
    if (again) {
        nsec_t late = clock_monotonic() - tfd->deadline;
        uint64_t missed = late > 0 ? (uint64_t)(late / tfd->interval) : 0;
        tfd->ticks += missed;
        tfd->deadline += (nsec_t)(missed + 1) * tfd->interval;
        tfd->expired = false;
    }
    spin_unlock_irq(&tfd->lock, flags);
    if (again)
        timer_start(&tfd->timer, tfd->deadline);
}

/* --- reading
 * ---------------------------------------------------------------------------------------------- */

static bool something_to_read(const struct timerfd *tfd)
{
    return *(volatile const uint64_t *)&tfd->ticks || tfd->cancelled;
}

/* The ticks since the last read; 0: another reader was faster; -ECANCELED. */
static int64_t take(struct timerfd *tfd)
{
    mutex_lock(&tfd->mutex);
    catch_up(tfd);
    uint64_t flags = spin_lock_irq(&tfd->lock);
    int64_t ticks = tfd->cancelled ? -ECANCELED : (int64_t)tfd->ticks;
    tfd->ticks = 0;
    tfd->cancelled = false;
    spin_unlock_irq(&tfd->lock, flags);
    mutex_unlock(&tfd->mutex);
    return ticks;
}

static ssize_t timerfd_read(struct file *file, struct io *io, off_t *pos)
{
    struct timerfd *tfd = file->data;
    int64_t ticks;
    if (io->left < sizeof(ticks))
        return -EINVAL;
    while (!(ticks = something_to_read(tfd) ? take(tfd) : 0)) {
        if (file->flags & O_NONBLOCK || io->nowait)
            return -EAGAIN;
        if (WAIT_EVENT(&tfd->wait, something_to_read(tfd), WAIT_INTERRUPTIBLE, NSEC_FOREVER) < 0)
            return -ERESTARTSYS;
    }
    if (ticks < 0)
        return ticks;
    return io_put(io, &ticks, sizeof(ticks)) == sizeof(ticks) ? (ssize_t)sizeof(ticks) : -EFAULT;
}

static unsigned timerfd_poll(struct file *file, struct poll_table *table)
{
    struct timerfd *tfd = file->data;
    poll_wait(table, &tfd->wait);
    return something_to_read(tfd) ? POLLIN : 0;
}

/* --- setting
 * ---------------------------------------------------------------------------------------------- */

static bool is_realtime(const struct timerfd *tfd)
{
    return tfd->clock == CLOCK_REALTIME || tfd->clock == CLOCK_REALTIME_ALARM;
}

/* struct itimerspec. */
struct setting {
    struct timespec interval, value;
};

static struct setting current_setting(const struct timerfd *tfd)
{
    nsec_t left = 0;
    if (tfd->deadline && !tfd->expired) {
        left = tfd->deadline - clock_monotonic();
        left = left > 0 ? left : 1; /* due, but it has not been told yet */
    }
    return (struct setting){time_to_timespec(tfd->interval), time_to_timespec(left)};
}

/* When a timer at `point` of the real-time clock is due. A point gone by is due now. */
static nsec_t realtime_deadline(nsec_t point)
{
    nsec_t deadline = time_realtime_to_monotonic(point);
    return deadline > 0 ? deadline : 1;
}

static void set(struct timerfd *tfd, nsec_t value, nsec_t interval, unsigned flags)
{
    timer_cancel(&tfd->timer);
    uint64_t irq = spin_lock_irq(&tfd->lock);
    tfd->ticks = 0;
    tfd->expired = tfd->cancelled = false;
    tfd->interval = interval;
    tfd->settime_flags = flags;
    tfd->point = 0;
    if (!value) {
        tfd->deadline = 0;
    } else if (!(flags & TFD_TIMER_ABSTIME)) {
        tfd->deadline = nsec_add(clock_monotonic(), value);
    } else if (is_realtime(tfd)) {
        tfd->point = value;
        tfd->deadline = realtime_deadline(value);
    } else {
        tfd->deadline = value;
    }
    nsec_t deadline = tfd->deadline;
    spin_unlock_irq(&tfd->lock, irq);
    if (deadline)
        timer_start(&tfd->timer, deadline);
}

void timerfd_clock_was_set(void)
{
    mutex_lock(&realtime_lock);
    list_for_each_entry (struct timerfd, tfd, &realtime_timers, link) {
        mutex_lock(&tfd->mutex);
        if (tfd->point && !tfd->expired) {
            timer_cancel(&tfd->timer);
            if (!tfd->expired) {
                tfd->deadline = realtime_deadline(tfd->point);
                timer_start(&tfd->timer, tfd->deadline);
            }
        }
        bool cancel = tfd->point && tfd->settime_flags & TFD_TIMER_CANCEL_ON_SET;
        tfd->cancelled |= cancel;
        mutex_unlock(&tfd->mutex);
        if (cancel)
            waitqueue_wake(&tfd->wait, 0, POLLIN);
    }
    mutex_unlock(&realtime_lock);
}

/* --- the file
 * --------------------------------------------------------------------------------------------- */

static void timerfd_release(struct file *file)
{
    struct timerfd *tfd = file->data;
    if (is_realtime(tfd)) {
        mutex_lock(&realtime_lock);
        list_del(&tfd->link);
        mutex_unlock(&realtime_lock);
    }
    timer_cancel(&tfd->timer);
    kcache_free(&timerfd_cache, tfd);
}

static int64_t timerfd_ioctl(struct file *file, unsigned cmd, uintptr_t arg)
{
    struct timerfd *tfd = file->data;
    uint64_t ticks;
    if (cmd != TFD_IOC_SET_TICKS)
        return -ENOTTY;
    if (user_get64(arg, &ticks) < 0)
        return -EFAULT;
    if (!ticks)
        return -EINVAL;
    uint64_t flags = spin_lock_irq(&tfd->lock);
    tfd->ticks = ticks;
    spin_unlock_irq(&tfd->lock, flags);
    waitqueue_wake(&tfd->wait, 0, POLLIN);
    return 0;
}

static int timerfd_fdinfo(struct file *file, char *buf, size_t size)
{
    struct timerfd *tfd = file->data;
    mutex_lock(&tfd->mutex);
    struct setting now = current_setting(tfd);
    int len = snprintf(buf, size,
                       "clockid: %d\nticks: %lu\nsettime flags: 0%o\nit_value: (%ld, %ld)\n"
                       "it_interval: (%ld, %ld)\n",
                       tfd->clock, tfd->ticks, tfd->settime_flags, now.value.sec, now.value.nsec,
                       now.interval.sec, now.interval.nsec);
    mutex_unlock(&tfd->mutex);
    return len;
}

static const struct file_ops timerfd_ops = {
    .seek = file_seek_nowhere,
    .read = timerfd_read,
    .poll = timerfd_poll,
    .release = timerfd_release,
    .ioctl = timerfd_ioctl,
    .fdinfo = timerfd_fdinfo,
};

static int open_timerfd(int clock, int flags, struct file **file)
{
    struct timerfd *tfd = kcache_alloc(&timerfd_cache);
    if (!tfd)
        return -ENOMEM;
    timer_init(&tfd->timer, fire);
    waitqueue_init(&tfd->wait);
    tfd->clock = clock;
    int err = file_anonymous("anon_inode:[timerfd]", &timerfd_ops, 0600,
                             O_RDWR | (flags & O_NONBLOCK), tfd, file);
    if (err) {
        kcache_free(&timerfd_cache, tfd);
    } else if (is_realtime(tfd)) {
        mutex_lock(&realtime_lock);
        list_add(&realtime_timers, &tfd->link);
        mutex_unlock(&realtime_lock);
    }
    return err;
}

SYSCALL(timerfd_create, 2, SYSCALL_WHOLE, "")
{
    int clock = (int)a0, flags = (int)a1;
    bool alarm = clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM;
    if (flags & ~(O_NONBLOCK | O_CLOEXEC) ||
        (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME && !alarm))
        return -EINVAL;
    if (alarm && !capable(CAP_WAKE_ALARM))
        return -EPERM;
    int fd = fd_reserve(0);
    if (fd < 0)
        return fd;
    struct file *file = NULL;
    int err = open_timerfd(clock, flags, &file);
    return fd_finish(fd, err, file, flags & O_CLOEXEC);
}

static int64_t settime(struct timerfd *tfd, unsigned flags, const struct setting *new,
                       uintptr_t old_addr)
{
    nsec_t value, interval;
    int err = time_from_timespec(&new->value, &value);
    if (!err)
        err = time_from_timespec(&new->interval, &interval);
    if (err)
        return err;
    mutex_lock(&tfd->mutex);
    catch_up(tfd);
    struct setting old = current_setting(tfd);
    set(tfd, value, interval, flags);
    mutex_unlock(&tfd->mutex);
    return old_addr ? user_write(old_addr, &old, sizeof(old)) : 0;
}

SYSCALL(timerfd_settime, 4, SYSCALL_WHOLE, "")
{
    struct setting new;
    unsigned flags = (unsigned)a1;
    if (user_read(&new, a2, sizeof(new)) < 0)
        return -EFAULT;
    nsec_t unused;
    if (flags & ~(unsigned)(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET) ||
        time_from_timespec(&new.value, &unused) || time_from_timespec(&new.interval, &unused))
        return -EINVAL;
    struct fd_ref ref = fd_borrow((int)a0);
    if (!ref.file)
        return -EBADF;
    int64_t result = -EINVAL;
    if (ref.file->ops == &timerfd_ops)
        result = settime(ref.file->data, flags, &new, a3);
    fd_return(ref);
    return result;
}

SYSCALL(timerfd_gettime, 2, SYSCALL_WHOLE, "")
{
    struct fd_ref ref = fd_borrow((int)a0);
    if (!ref.file)
        return -EBADF;
    int64_t result = -EINVAL;
    if (ref.file->ops == &timerfd_ops) {
        struct timerfd *tfd = ref.file->data;
        mutex_lock(&tfd->mutex);
        catch_up(tfd);
        struct setting now = current_setting(tfd);
        mutex_unlock(&tfd->mutex);
        result = user_write(a1, &now, sizeof(now));
    }
    fd_return(ref);
    return result;
}
