/* linux/adjtime.c: adjtimex(2) and clock_adjtime(2): steering the clock, by a frequency, by a phase
 * that a loop of second order works off (RFC 5905, 12), by adjtime(3)'s slow slew, by leap seconds.
 *
 * What changes from second to second is computed at the seconds of the real-time clock: by a timer
 * while something is to change, and otherwise when somebody asks. core/clock.h then only has
 * another rate: reading the clock costs what it did. */
#include "linux/adjtime.h"

#include "core/boot.h"
#include "core/clock.h"
#include "core/spinlock.h"
#include "core/timer.h"
#include "core/waitqueue.h"
#include "linux/path.h"
#include "linux/syscall.h"
#include "linux/task.h"
#include "linux/time.h"

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
    ADJ_OFFSET = 1,
    ADJ_FREQUENCY = 2,
    ADJ_MAXERROR = 4,
    ADJ_ESTERROR = 8,
    ADJ_STATUS = 0x10,
    ADJ_TIMECONST = 0x20,
    ADJ_TAI = 0x80,
    ADJ_SETOFFSET = 0x100,
    ADJ_MICRO = 0x1000,
    ADJ_NANO = 0x2000,
    ADJ_TICK = 0x4000,
    ADJ_ADJTIME = 0x8000, /* adjtime(3): with OFFSET (singleshot), and with NANO only to ask */
};
enum {
    STA_PLL = 1,
    STA_INS = 0x10,
    STA_DEL = 0x20,
    STA_UNSYNC = 0x40,
    STA_FREQHOLD = 0x80,
    STA_FLL = 8,
    STA_CLOCKERR = 0x1000,
    STA_NANO = 0x2000,
    STA_MODE = 0x4000,
    STA_READ_ONLY = 0xff00
};
enum { TIME_OK, TIME_INS, TIME_DEL, TIME_OOP, TIME_WAIT, TIME_ERROR };
enum {
    CAP_SYS_TIME = 25,
    USER_HZ = 100,
    TICK_USEC = 1000000 / USER_HZ,
    FREQ_MAX = 500 << 16,  /* 500 ppm, 16 binary places */
    ERROR_MAX = 16000000,  /* us */
    ERROR_GROWTH = 500,    /* us in a second */
    PHASE_MAX = 500000000, /* ns */
    SLEW_MAX = 500,        /* us in a second, adjtime(3) */
    CONSTANT_MAX = 10,
    TAI_MAX = 100000,
    PLL_SHIFT = 2,
    FLL_SHIFT = 2,
    FLL_MIN_SEC = 256,
    FLL_MAX_SEC = 2048,
    FRACTION = 16, /* binary places of state.offset and state.freq */
};

static struct {
    struct spinlock lock;
    struct timer timer;
    int64_t freq;   /* ppm, which is 10^3 ns in 10^9, FRACTION binary places */
    int64_t offset; /* phase still to work off, ns, FRACTION binary places */
    int64_t slew;   /* adjtime(3), us */
    int64_t tick;   /* us in a hundredth of a second */
    int64_t maxerror, esterror, constant;
    int64_t reference; /* second of the last offset */
    int64_t seen;      /* second up to which everything is computed */
    int64_t tai;
    int64_t phase_rate, slew_rate; /* what this second works off: ns with FRACTION places, us */
    unsigned status;
    int leap; /* TIME_* */
} state = {
    .tick = TICK_USEC,
    .maxerror = ERROR_MAX,
    .esterror = ERROR_MAX,
    .constant = 2,
    .status = STA_UNSYNC,
};

static int64_t clamp(int64_t v, int64_t most)
{
    return MAX(-most, MIN(v, most));
}

nsec_t adjtime_tai_offset(void)
{
    return __atomic_load_n(&state.tai, __ATOMIC_RELAXED) * NSEC_PER_SEC;
}

/* --- under the lock, interrupts off --- */

static void steer(void)
{
    /* ns in a second: tick, frequency (1 ppm is 1000 ns), phase, slew. */
    int64_t whole =
        (state.tick - TICK_USEC) * USER_HZ * NSEC_PER_USEC + state.slew_rate * NSEC_PER_USEC;
    int64_t parts = state.freq * NSEC_PER_USEC + state.phase_rate;

    clock_steer((whole << 32) + (parts << (32 - FRACTION)));
}

/* A leap second is due at `second` (of UTC); true: the clock was stepped. */
static bool leap_second(int64_t second)
{
    enum { DAY = 86400 };
    int64_t step = 0;

    switch (state.leap) {
    case TIME_OK:
        if (state.status & (STA_INS | STA_DEL))
            state.leap = state.status & STA_INS ? TIME_INS : TIME_DEL;
        break;
    case TIME_INS:
        if (!(state.status & STA_INS)) {
            state.leap = TIME_OK;
        } else if (second % DAY == 0) {
            step = -1;
            state.leap = TIME_OOP;
        }
        break;
    case TIME_DEL:
        if (!(state.status & STA_DEL)) {
            state.leap = TIME_OK;
        } else if ((second + 1) % DAY == 0) {
            step = 1;
            state.leap = TIME_WAIT;
        }
        break;
    case TIME_OOP:
        state.leap = TIME_WAIT;
        break;
    case TIME_WAIT:
        if (!(state.status & (STA_INS | STA_DEL)))
            state.leap = TIME_OK;
        break;
    }
    if (!step)
        return false;
    (void)clock_set_realtime(clock_realtime() + step * NSEC_PER_SEC);
    state.tai -= step;
    state.seen += step;
    return true;
}

/* One more second has begun: what it shall work off. */
static void begin_second(void)
{
    state.maxerror = MIN(state.maxerror + ERROR_GROWTH, (int64_t)ERROR_MAX);
    if (state.maxerror == ERROR_MAX)
        state.status |= STA_UNSYNC;
    state.phase_rate = state.offset >> (PLL_SHIFT + state.constant);
    if (state.offset < 0)
        state.phase_rate = -(-state.offset >> (PLL_SHIFT + state.constant));
    state.offset -= state.phase_rate;
    state.slew_rate = clamp(state.slew, SLEW_MAX);
    state.slew -= state.slew_rate;
}

static bool changing(void)
{
    return state.offset || state.slew || state.phase_rate || state.slew_rate ||
           state.leap != TIME_OK || state.status & (STA_INS | STA_DEL);
}

/* Bring everything up to the present second, and come back at the next while that matters. */
static bool advance(void)
{
    nsec_t now = clock_realtime();
    int64_t second = now / NSEC_PER_SEC, behind = second - state.seen;
    bool stepped = false;

    if (!changing()) {
        state.maxerror = MIN(state.maxerror + MAX(behind, 0l) * ERROR_GROWTH, (int64_t)ERROR_MAX);
        if (state.maxerror == ERROR_MAX)
            state.status |= STA_UNSYNC;
    } else if (behind > 0) {
        /* Seconds that were missed have worked off at the rate of the last. */
        stepped = leap_second(second);
        begin_second();
    }
    state.seen = clock_realtime() / NSEC_PER_SEC;
    steer();
    return stepped;
}

/* --- */

static void restart_timer(void)
{
    nsec_t left = NSEC_PER_SEC - clock_realtime() % NSEC_PER_SEC;

    if (changing())
        timer_start(&state.timer, clock_monotonic() + left);
}

/* Those who wait for points of the clock are told of leap seconds by a thread of its own, which is
 * started when one is announced. */
static struct waitqueue leap_wait = {.waiters = LIST_INIT(leap_wait.waiters)};
static atomic_bool leapt;

static void tell_of_leaps(void *arg)
{
    for (;;) {
        (void)WAIT_EVENT(&leap_wait, atomic_exchange(&leapt, false), 0, NSEC_FOREVER);
        time_clock_was_set();
    }
}

static int expect_leap(void)
{
    static atomic_bool started;

    if (atomic_exchange(&started, true))
        return 0;
    if (kthread_start("leap second", tell_of_leaps, NULL))
        return 0;
    atomic_store(&started, false);
    return -ENOMEM;
}

static void fire(struct timer *timer)
{
    spin_lock(&state.lock);
    if (advance())
        atomic_store(&leapt, true);
    restart_timer();
    spin_unlock(&state.lock);
    if (atomic_load(&leapt))
        wake_all(&leap_wait);
}

void adjtime_clock_was_set(void)
{
    uint64_t irq = spin_lock_irq(&state.lock);

    state.slew = state.slew_rate = 0;
    state.offset = state.phase_rate = 0;
    state.status |= STA_UNSYNC;
    state.maxerror = state.esterror = ERROR_MAX;
    state.seen = clock_realtime() / NSEC_PER_SEC;
    steer();
    spin_unlock_irq(&state.lock, irq);
}

/* A phase error was measured: the loop changes the frequency by it too (RFC 5905, 12). */
static void new_offset(int64_t offset)
{
    int64_t now = clock_realtime() / NSEC_PER_SEC, span, adjust = 0;

    if (!(state.status & STA_PLL))
        return;
    if (!(state.status & STA_NANO))
        offset = clamp(offset, USEC_PER_SEC) * NSEC_PER_USEC;
    offset = clamp(offset, PHASE_MAX);
    span = state.status & STA_FREQHOLD ? 0 : now - state.reference;
    state.reference = now;
    state.status &= ~(unsigned)STA_MODE;
    if (span >= FLL_MIN_SEC && (state.status & STA_FLL || span > FLL_MAX_SEC)) {
        adjust = (offset << (FRACTION - FLL_SHIFT)) / span;
        state.status |= STA_MODE;
    }
    span = MIN(span, 1l << (PLL_SHIFT + 1 + state.constant));
    adjust +=
        (int64_t)(((__int128)offset * span << FRACTION) >> (2 * (PLL_SHIFT + 2 + state.constant)));
    state.freq = clamp(state.freq + adjust / NSEC_PER_USEC, FREQ_MAX);
    state.offset = offset << FRACTION;
}

static void new_status(unsigned status)
{
    if (state.status & STA_PLL && !(status & STA_PLL)) {
        state.leap = TIME_OK;
        state.status = STA_UNSYNC;
    }
    if (!(state.status & STA_PLL) && status & STA_PLL)
        state.reference = clock_realtime() / NSEC_PER_SEC;
    state.status &= STA_READ_ONLY;
    state.status |= status & ~(unsigned)STA_READ_ONLY;
}

static void apply(const struct timex *tx)
{
    unsigned modes = tx->modes;

    if (modes & ADJ_STATUS)
        new_status((unsigned)tx->status);
    if (modes & ADJ_NANO)
        state.status |= STA_NANO;
    if (modes & ADJ_MICRO)
        state.status &= ~(unsigned)STA_NANO;
    if (modes & ADJ_FREQUENCY)
        state.freq = clamp(tx->freq, FREQ_MAX);
    if (modes & ADJ_MAXERROR)
        state.maxerror = MAX(0l, MIN(tx->maxerror, (int64_t)ERROR_MAX));
    if (modes & ADJ_ESTERROR)
        state.esterror = MAX(0l, MIN(tx->esterror, (int64_t)ERROR_MAX));
    if (modes & ADJ_TIMECONST) {
        state.constant = MAX(0l, MIN(tx->constant, (int64_t)CONSTANT_MAX));
        if (!(state.status & STA_NANO))
            state.constant = MIN(state.constant + 4, (int64_t)CONSTANT_MAX);
    }
    if (modes & ADJ_TAI && tx->constant >= 0 && tx->constant <= TAI_MAX)
        state.tai = tx->constant;
    if (modes & ADJ_OFFSET)
        new_offset(tx->offset);
    if (modes & ADJ_TICK)
        state.tick = tx->tick;
}

/* What all fields show. */
static void show(struct timex *tx)
{
    nsec_t now = clock_realtime();
    int64_t unit = state.status & STA_NANO ? 1 : NSEC_PER_USEC;

    *tx = (struct timex){
        .modes = tx->modes,
        .offset = tx->offset,
        .freq = state.freq,
        .maxerror = state.maxerror,
        .esterror = state.esterror,
        .status = (int32_t)state.status,
        .constant = state.constant,
        .precision = 1,
        .tolerance = FREQ_MAX,
        .sec = now / NSEC_PER_SEC,
        .usec = now % NSEC_PER_SEC / unit,
        .tick = state.tick,
        .tai = (int32_t)state.tai,
    };
}

static int check(const struct timex *tx)
{
    unsigned modes = tx->modes;
    bool may = capable(CAP_SYS_TIME);
    int64_t unit = modes & ADJ_NANO ? 1 : NSEC_PER_USEC;

    if (modes & ADJ_ADJTIME) {
        if (!(modes & ADJ_OFFSET))
            return -EINVAL;
        if (!(modes & ADJ_NANO) && !may)
            return -EPERM;
    } else {
        if (modes && !may)
            return -EPERM;
        if (modes & ADJ_TICK && (tx->tick < 900000 / USER_HZ || tx->tick > 1100000 / USER_HZ))
            return -EINVAL;
    }
    if (modes & ADJ_SETOFFSET) {
        if (!may)
            return -EPERM;
        if (tx->usec < 0 || tx->usec >= NSEC_PER_SEC / unit)
            return -EINVAL;
    }
    if (modes & ADJ_FREQUENCY &&
        (tx->freq > INT64_MAX / (1000 << 16) || tx->freq < INT64_MIN / (1000 << 16)))
        return -EINVAL;
    return 0;
}

/* ADJ_SETOFFSET: a step, before all else. */
static int step_by(const struct timex *tx)
{
    int64_t unit = tx->modes & ADJ_NANO ? 1 : NSEC_PER_USEC;
    nsec_t step;

    if (__builtin_mul_overflow(tx->sec, (int64_t)NSEC_PER_SEC, &step) ||
        __builtin_add_overflow(step, tx->usec * unit, &step) ||
        __builtin_add_overflow(step, clock_realtime(), &step) || step < 0)
        return -EINVAL;
    return time_set_clock(step);
}

static int64_t adjust(uintptr_t at)
{
    struct timex tx;
    uint64_t irq;
    int error, result;

    if (user_read(&tx, at, sizeof(tx)) < 0)
        return -EFAULT;
    error = check(&tx);
    if (!error && tx.modes & ADJ_SETOFFSET)
        error = step_by(&tx);
    if (!error && tx.modes & ADJ_STATUS && tx.status & (STA_INS | STA_DEL))
        error = expect_leap();
    if (error)
        return error;
    timer_cancel(&state.timer);
    irq = spin_lock_irq(&state.lock);
    if (advance())
        atomic_store(&leapt, true); /* told by the timer */
    if (tx.modes & ADJ_ADJTIME) {
        int64_t left = state.slew;

        if (!(tx.modes & ADJ_NANO))
            state.slew = tx.offset;
        tx.offset = left;
    } else {
        if (tx.modes)
            apply(&tx);
        tx.offset = (state.offset >> FRACTION) / (state.status & STA_NANO ? 1 : NSEC_PER_USEC);
    }
    result = state.status & (STA_UNSYNC | STA_CLOCKERR) ? TIME_ERROR : state.leap;
    show(&tx);
    steer();
    restart_timer();
    spin_unlock_irq(&state.lock, irq);
    return user_write(at, &tx, sizeof(tx)) < 0 ? -EFAULT : result;
}

SYSCALL(adjtimex, 1, SYSCALL_WHOLE, "")
{
    return adjust(a0);
}

SYSCALL(clock_adjtime, 2, SYSCALL_WHOLE, "")
{
    struct timex tx;
    nsec_t ns;

    if (user_read(&tx, a1, sizeof(tx)) < 0)
        return -EFAULT;
    if ((int)a0 == CLOCK_REALTIME)
        return adjust(a1);
    return time_read_clock((int)a0, &ns) < 0 ? -EINVAL : -EOPNOTSUPP;
}

static int start(void)
{
    timer_init(&state.timer, fire);
    return 0;
}
BOOT_STEP(PHASE_FS, "adjtimex", start);
