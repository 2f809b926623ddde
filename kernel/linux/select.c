/* linux/select.c: select(2), pselect6(2). */
#include "linux/iov.h"
#include "linux/pollwait.h"
#include "linux/syscall.h"
#include "linux/time.h"

#include "lib/string.h"

enum {
    READ_SET = POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR,
    WRITE_SET = POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR,
    EXCEPT_SET = POLLPRI,
};
static const unsigned set_events[3] = {READ_SET, WRITE_SET, EXCEPT_SET};

/* The three sets asked for and the three found, each nwords long. */
struct sets {
    unsigned n, nwords;
    uint64_t *asked[3], *found[3];
    uint64_t *big, small[6 * 4];
};

static bool is_set(const uint64_t *set, unsigned fd)
{
    return set[fd / 64] >> fd % 64 & 1;
}

/* One round over all descriptors: how many bits were found; -EBADF. */
static int look(struct poll_wait *wait, const struct sets *sets)
{
    int count = 0;
    for (unsigned fd = 0; fd < sets->n; fd++) {
        unsigned events = 0;
        for (int i = 0; i < 3; i++)
            if (is_set(sets->asked[i], fd))
                events |= set_events[i];
        if (!events)
            continue;
        unsigned now = poll_wait_look(wait, (int)fd, events);
        if (now & POLLNVAL && fd_get_cloexec((int)fd) < 0) /* O_PATH: open all the same */
            return -EBADF;
        for (int i = 0; i < 3; i++) {
            if (now & (set_events[i] | POLLNVAL) && is_set(sets->asked[i], fd)) {
                sets->found[i][fd / 64] |= 1ull << fd % 64;
                count++;
            }
        }
    }
    return count;
}

static int wait_for(const struct sets *sets, nsec_t deadline)
{
    struct poll_wait wait;
    int count = 0, more = 1;
    poll_wait_begin(&wait, deadline != 0);
    while (!count && more > 0) {
        count = look(&wait, sets);
        if (!count)
            more = poll_wait_sleep(&wait, deadline);
    }
    poll_wait_end(&wait);
    return count ? count : more;
}

static int sets_alloc(struct sets *sets)
{
    sets->nwords = ALIGN_UP(sets->n, 64u) / 64;
    uint64_t *words = sets->small;
    sets->big = NULL;
    if (sets->nwords * 6 > ARRAY_SIZE(sets->small)) {
        words = sets->big = kmalloc(sets->nwords * 6 * sizeof(uint64_t));
        if (!words)
            return -ENOMEM;
    }
    memset(words, 0, sets->nwords * 6 * sizeof(uint64_t));
    for (int i = 0; i < 3; i++) {
        sets->asked[i] = words + (unsigned)i * sets->nwords;
        sets->found[i] = words + (unsigned)(i + 3) * sets->nwords;
    }
    return 0;
}

static int sets_read(struct sets *sets, const uintptr_t addrs[3])
{
    for (int i = 0; i < 3; i++)
        if (addrs[i] && user_read(sets->asked[i], addrs[i], sets->nwords * 8) < 0)
            return -EFAULT;
    return 0;
}

static int sets_write(const struct sets *sets, const uintptr_t addrs[3])
{
    for (int i = 0; i < 3; i++)
        if (addrs[i] && user_write(addrs[i], sets->found[i], sets->nwords * 8) < 0)
            return -EFAULT;
    return 0;
}

static int64_t select_until(int n, const uintptr_t addrs[3], nsec_t deadline)
{
    if (n < 0)
        return -EINVAL;
    unsigned size = current_task()->fds->size;
    struct sets sets = {.n = (unsigned)n < size ? (unsigned)n : size};
    int64_t result = sets_alloc(&sets);
    if (result)
        return result;
    result = sets_read(&sets, addrs);
    if (!result)
        result = wait_for(&sets, deadline);
    if (result >= 0 && sets_write(&sets, addrs) < 0)
        result = -EFAULT;
    kfree(sets.big);
    return result;
}

static nsec_t deadline_of(nsec_t timeout)
{
    return timeout ? nsec_add(clock_monotonic(), timeout) : 0;
}

static nsec_t time_left(nsec_t deadline)
{
    nsec_t left = deadline ? deadline - clock_monotonic() : 0;
    return left > 0 ? left : 0;
}

/* A timeval as select takes it: microseconds beyond a second count as seconds. */
static int get_timeval(uintptr_t addr, nsec_t *timeout)
{
    int64_t tv[2];
    if (user_read(tv, addr, sizeof(tv)) < 0)
        return -EFAULT;
    struct timespec ts = {tv[0] + tv[1] / USEC_PER_SEC, tv[1] % USEC_PER_SEC * NSEC_PER_USEC};
    return time_from_timespec(&ts, timeout);
}

SYSCALL(select, 5, SYSCALL_WHOLE, "")
{
    nsec_t timeout = NSEC_FOREVER;
    int err = a4 ? get_timeval(a4, &timeout) : 0;
    if (err)
        return err;
    nsec_t deadline = deadline_of(timeout);
    int64_t result = select_until((int)a0, (uintptr_t[3]){a1, a2, a3}, deadline);
    if (a4 && current_personality(PERSONALITY_STICKY_TIMEOUTS))
        return result == -ERESTARTNOHAND ? -EINTR : result;
    if (a4)
        time_put_micro(a4, time_left(deadline));
    return result;
}

/* The sixth argument: where the mask is, and its size. */
struct mask_arg {
    uint64_t addr, size;
};

static int get_mask(struct mask_arg arg, uint64_t *mask)
{
    if (arg.addr && arg.size != sizeof(*mask))
        return -EINVAL;
    return arg.addr ? user_get64(arg.addr, mask) : 0;
}

SYSCALL(pselect6, 6, SYSCALL_WHOLE, "")
{
    nsec_t timeout = NSEC_FOREVER;
    uint64_t mask;
    struct mask_arg masked = {};
    int err = a5 ? user_read(&masked, a5, sizeof(masked)) : 0;
    if (!err && a4)
        err = time_get(a4, &timeout);
    if (!err)
        err = get_mask(masked, &mask);
    if (err)
        return err;
    nsec_t deadline = deadline_of(timeout);
    if (masked.addr)
        signal_set_temporary_mask(mask);
    int64_t result = select_until((int)a0, (uintptr_t[3]){a1, a2, a3}, deadline);
    if (masked.addr)
        signal_restore_mask(result == -ERESTARTNOHAND);
    if (a4 && current_personality(PERSONALITY_STICKY_TIMEOUTS))
        return result == -ERESTARTNOHAND ? -EINTR : result;
    if (a4)
        time_put(a4, time_left(deadline));
    return result;
}
