/* The ioctls of terminals (man 2 ioctl_tty). */

#include "drivers/tty/signals.h"
#include "drivers/tty/tty_impl.h"
#include "lib/string.h"

enum tty_command {
    TCGETS = 0x5401,
    TCSETS = 0x5402,
    TCSETSW = 0x5403,
    TCSETSF = 0x5404,
    TCGETA = 0x5405,
    TCSETA = 0x5406,
    TCSETAW = 0x5407,
    TCSETAF = 0x5408,
    TCSBRK = 0x5409,
    TCXONC = 0x540a,
    TCFLSH = 0x540b,
    TIOCEXCL = 0x540c,
    TIOCNXCL = 0x540d,
    TIOCSCTTY = 0x540e,
    TIOCGPGRP = 0x540f,
    TIOCSPGRP = 0x5410,
    TIOCOUTQ = 0x5411,
    TIOCSTI = 0x5412,
    TIOCGWINSZ = 0x5413,
    TIOCSWINSZ = 0x5414,
    TIOCGSOFTCAR = 0x5419,
    TIOCSSOFTCAR = 0x541a,
    FIONREAD = 0x541b,
    TIOCNOTTY = 0x5422,
    TIOCSETD = 0x5423,
    TIOCGETD = 0x5424,
    TCSBRKP = 0x5425,
    TIOCSBRK = 0x5427,
    TIOCCBRK = 0x5428,
    TIOCGSID = 0x5429,
    TCGETS2 = 0x802c542a,
    TCSETS2 = 0x402c542b,
    TCSETSW2 = 0x402c542c,
    TCSETSF2 = 0x402c542d,
    TIOCGDEV = 0x80045432,
    TIOCVHANGUP = 0x5437,
    TIOCGEXCL = 0x80045440,
    TIOCGLCKTRMIOS = 0x5456,
    TIOCSLCKTRMIOS = 0x5457,
};

/* The older `struct termio`. */
struct termio {
    uint16_t iflag, oflag, cflag, lflag;
    uint8_t line, cc[8], pad;
};

/* --- settings ----------------------------------------------------------------------------- */

/* from: the settings, or what of them is locked. */
static int get_termios(struct tty *tty, const struct termios *from, uintptr_t arg, size_t size)
{
    mutex_lock(&tty->lock);
    struct termios t = *from;
    mutex_unlock(&tty->lock);
    return user_write(arg, &t, size);
}

/* What is locked keeps its value: bits of the flags, the discipline and the characters as a whole.
 */
static void keep_locked(const struct tty *tty, struct termios *t)
{
    const uint8_t *locked = (const void *)&tty->locked, *old = (const void *)&tty->ldisc.termios;
    uint8_t *new = (void *)t;
    for (size_t i = 0; i < TERMIOS_OLD_SIZE; i++) {
        uint8_t mask = i < offsetof(struct termios, line) ? locked[i] : locked[i] ? 0xff : 0;
        new[i] ^= (new[i] ^ old[i]) & mask;
    }
}

static int get_termio(struct tty *tty, uintptr_t arg)
{
    mutex_lock(&tty->lock);
    const struct termios *t = &tty->ldisc.termios;
    struct termio old = {t->iflag, t->oflag, t->cflag, t->lflag, t->line, {}, 0};
    memcpy(old.cc, t->cc, sizeof(old.cc));
    mutex_unlock(&tty->lock);
    return user_write(arg, &old, sizeof(old));
}

/* c_ispeed and c_ospeed follow from the codes in c_cflag, other than BOTHER. */
static uint32_t speed_of(uint32_t code, uint32_t other)
{
    static const uint32_t speeds[] = {0,       50,      75,      110,     134,     150,     200,
                                      300,     600,     1200,    1800,    2400,    4800,    9600,
                                      19200,   38400,   57600,   115200,  230400,  460800,  500000,
                                      576000,  921600,  1000000, 1152000, 1500000, 2000000, 2500000,
                                      3000000, 3500000, 4000000};
    code &= CBAUD;
    if (code == BOTHER)
        return other;
    return speeds[code > B38400 ? code - BOTHER + B38400 : code];
}

static void set_speeds(struct termios *t)
{
    uint32_t input = t->cflag >> 16 & CBAUD;
    uint32_t speed = speed_of(t->cflag, t->ospeed);
    t->ispeed = input ? speed_of(input, t->ispeed) : speed;
    t->ospeed = speed;
}

static int drain(struct tty *tty)
{
    return tty->ops->drain ? tty->ops->drain(tty) : 0;
}

enum when { NOW, DRAINED, FLUSHED };

static int change_termios(struct tty *tty, const struct termios *t, enum when when)
{
    int r = tty_check_foreground(tty, SIGTTOU);
    if (r == 0 && when != NOW)
        r = drain(tty);
    if (r < 0)
        return r;
    mutex_lock(&tty->lock);
    if (when == FLUSHED) {
        ldisc_flush_input(&tty->ldisc);
        tty->ops->room(tty);
    }
    struct termios fixed = *t;
    set_speeds(&fixed);
    keep_locked(tty, &fixed);
    if (tty->ops->fix_termios)
        tty->ops->fix_termios(&fixed);
    ldisc_set_termios(&tty->ldisc, &fixed);
    mutex_unlock(&tty->lock);
    wake_all(&tty->read_wait);
    wake_all(&tty->write_wait);
    return 0;
}

static int set_termios(struct tty *tty, uintptr_t arg, size_t size, enum when when)
{
    struct termios t = tty->ldisc.termios;
    int r = user_read(&t, arg, size);
    return r < 0 ? r : change_termios(tty, &t, when);
}

static int set_termio(struct tty *tty, uintptr_t arg, enum when when)
{
    struct termios t = tty->ldisc.termios;
    struct termio old;
    int r = user_read(&old, arg, sizeof(old));
    if (r < 0)
        return r;
    t.iflag = (t.iflag & 0xffff0000) | old.iflag;
    t.oflag = (t.oflag & 0xffff0000) | old.oflag;
    t.cflag = (t.cflag & 0xffff0000) | old.cflag;
    t.lflag = (t.lflag & 0xffff0000) | old.lflag;
    t.line = old.line;
    memcpy(t.cc, old.cc, sizeof(old.cc));
    return change_termios(tty, &t, when);
}

/* --- flow and buffers --------------------------------------------------------------------- */

static int flow(struct tty *tty, unsigned action)
{
    enum { TCOOFF, TCOON, TCIOFF, TCION };
    int r = tty_check_foreground(tty, SIGTTOU);
    if (r < 0)
        return r;
    mutex_lock(&tty->lock);
    switch (action) {
    case TCOOFF:
    case TCOON:
        ldisc_stop(&tty->ldisc, action == TCOOFF);
        break;
    case TCIOFF:
    case TCION: {
        uint8_t c = tty->ldisc.termios.cc[action == TCIOFF ? VSTOP : VSTART];
        if (c && tty->ldisc.ops->put(&tty->ldisc, &c, 1))
            tty->ops->output(tty);
        break;
    }
    default:
        r = -EINVAL;
    }
    mutex_unlock(&tty->lock);
    return r;
}

static int flush(struct tty *tty, unsigned which)
{
    enum { TCIFLUSH, TCOFLUSH, TCIOFLUSH };
    int r = tty_check_foreground(tty, SIGTTOU);
    if (r < 0 || which > TCIOFLUSH)
        return r < 0 ? r : -EINVAL;
    mutex_lock(&tty->lock);
    if (which != TCOFLUSH) {
        ldisc_flush_input(&tty->ldisc);
        if (tty->ops->status)
            tty->ops->status(tty, TIOCPKT_FLUSHREAD);
        tty->ops->room(tty);
    }
    if (which != TCIFLUSH)
        tty->ldisc.ops->flush_output(&tty->ldisc);
    mutex_unlock(&tty->lock);
    return 0;
}

static int count_input(struct tty *tty, uintptr_t arg)
{
    mutex_lock(&tty->lock);
    size_t n = ldisc_count(&tty->ldisc);
    mutex_unlock(&tty->lock);
    return user_put32(arg, n);
}

/* --- sessions and groups ------------------------------------------------------------------ */

static bool is_callers(const struct tty *tty, struct tty_caller *caller)
{
    *caller = (struct tty_caller){};
    if (tty_hooks)
        tty_hooks->caller(caller);
    return caller->tty == tty;
}

static int get_pgrp(struct tty *tty, uintptr_t arg)
{
    struct tty_caller caller;
    return is_callers(tty, &caller) ? user_put32(arg, tty->pgrp) : -ENOTTY;
}

static int set_pgrp(struct tty *tty, uintptr_t arg)
{
    struct tty_caller caller;
    uint32_t pgrp;
    int r = tty_check_foreground(tty, SIGTTOU);
    if (r < 0)
        return r == -EIO ? -ENOTTY : r;
    if (!is_callers(tty, &caller) || tty->session != caller.sid)
        return -ENOTTY;
    r = user_get32(arg, &pgrp);
    if (r < 0)
        return r;
    if ((int)pgrp < 0)
        return -EINVAL;
    int session = tty_hooks->group_session(pgrp);
    if (session < 0)
        return session;
    if (session != caller.sid)
        return -EPERM;
    mutex_lock(&tty->lock);
    tty->pgrp = pgrp;
    mutex_unlock(&tty->lock);
    return 0;
}

static int get_session(struct tty *tty, uintptr_t arg)
{
    struct tty_caller caller;
    if (!is_callers(tty, &caller) || tty->session <= 0)
        return -ENOTTY;
    return user_put32(arg, tty->session);
}

/* The leader takes the terminal from its whole session. */
static int give_up(struct tty *tty)
{
    struct tty_caller caller;
    if (!is_callers(tty, &caller) || !tty_hooks)
        return -ENOTTY;
    if (caller.pid == caller.sid)
        tty_lose_session(tty, true);
    else
        tty_hooks->set_caller_tty(NULL);
    return 0;
}

/* --- the rest ----------------------------------------------------------------------------- */

static int get_winsize(struct tty *tty, uintptr_t arg)
{
    mutex_lock(&tty->lock);
    struct winsize size = tty->winsize;
    mutex_unlock(&tty->lock);
    return user_write(arg, &size, sizeof(size));
}

static int set_winsize(struct tty *tty, uintptr_t arg)
{
    struct winsize size;
    int r = user_read(&size, arg, sizeof(size));
    if (r == 0)
        tty_resize(tty, &size);
    return r;
}

static int set_soft_carrier(struct tty *tty, uintptr_t arg)
{
    uint32_t on;
    int r = user_get32(arg, &on);
    if (r < 0)
        return r;
    mutex_lock(&tty->lock);
    uint32_t *cflag = &tty->ldisc.termios.cflag;
    *cflag = (*cflag & ~(uint32_t)CLOCAL) | (on ? CLOCAL : 0);
    mutex_unlock(&tty->lock);
    return 0;
}

static int set_exclusive(struct tty *tty, bool exclusive)
{
    mutex_lock(&tty->lock);
    tty->exclusive = exclusive;
    mutex_unlock(&tty->lock);
    return 0;
}

static bool is_admin(void)
{
    struct tty_caller caller = {.admin = true};
    if (tty_hooks)
        tty_hooks->caller(&caller);
    return caller.admin;
}

static int lock_termios(struct tty *tty, uintptr_t arg)
{
    struct termios t;
    int r = is_admin() ? user_read(&t, arg, TERMIOS_OLD_SIZE) : -EPERM;
    if (r < 0)
        return r;
    mutex_lock(&tty->lock);
    memcpy(&tty->locked, &t, TERMIOS_OLD_SIZE);
    mutex_unlock(&tty->lock);
    return 0;
}

static int hangup(struct tty *tty)
{
    if (!is_admin())
        return -EPERM;
    tty_vhangup(tty);
    return 0;
}

static int set_discipline(uintptr_t arg)
{
    uint32_t number;
    int r = user_get32(arg, &number);
    return r < 0 ? r : number == 0 ? 0 : -EINVAL; /* N_TTY is the only one */
}

static int64_t other_ioctl(struct tty *tty, unsigned cmd, uintptr_t arg)
{
    int r;
    switch (cmd) {
    case TCSBRK: /* arg 0 would send a break, which no terminal of ours has */
    case TCSBRKP:
        r = tty_check_foreground(tty, SIGTTOU);
        return r < 0 ? r : drain(tty);
    case TIOCSBRK:
    case TIOCCBRK:
        return tty_check_foreground(tty, SIGTTOU);
    case TIOCEXCL:
    case TIOCNXCL:
        return set_exclusive(tty, cmd == TIOCEXCL);
    case TIOCGEXCL:
        return user_put32(arg, tty->exclusive);
    case TIOCSTI:
        return -EIO; /* as Linux with dev.tty.legacy_tiocsti=0 */
    case TIOCGSOFTCAR:
        return user_put32(arg, (tty->ldisc.termios.cflag & CLOCAL) != 0);
    case TIOCSSOFTCAR:
        return set_soft_carrier(tty, arg);
    case TIOCGETD:
        return user_put32(arg, 0);
    case TIOCSETD:
        return set_discipline(arg);
    case TIOCGLCKTRMIOS:
        return get_termios(tty, &tty->locked, arg, TERMIOS_OLD_SIZE);
    case TIOCSLCKTRMIOS:
        return lock_termios(tty, arg);
    case TIOCGDEV:
        return user_put32(arg, tty->rdev);
    case TIOCVHANGUP:
        return hangup(tty);
    }
    return tty->ops->ioctl ? tty->ops->ioctl(tty, cmd, arg) : -ENOTTY;
}

int64_t tty_ioctl(struct file *file, unsigned cmd, uintptr_t arg)
{
    struct tty *tty = file->data;
    if (tty_file_hung_up(tty, file))
        return cmd == TIOCSPGRP ? -ENOTTY : -EIO;
    switch (cmd) {
    case TCGETS:
        return get_termios(tty, &tty->ldisc.termios, arg, TERMIOS_OLD_SIZE);
    case TCGETS2:
        return get_termios(tty, &tty->ldisc.termios, arg, TERMIOS2_SIZE);
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
        return set_termios(tty, arg, TERMIOS_OLD_SIZE, cmd - TCSETS);
    case TCSETS2:
    case TCSETSW2:
    case TCSETSF2:
        return set_termios(tty, arg, TERMIOS2_SIZE, cmd - TCSETS2);
    case TCGETA:
        return get_termio(tty, arg);
    case TCSETA:
    case TCSETAW:
    case TCSETAF:
        return set_termio(tty, arg, cmd - TCSETA);
    case TCXONC:
        return flow(tty, arg);
    case TCFLSH:
        return flush(tty, arg);
    case FIONREAD:
        return count_input(tty, arg);
    case TIOCOUTQ: /* a pty's has always left */
        return user_put32(arg, tty->ops->drain ? tty_output_pending(tty) : 0);
    case TIOCGWINSZ:
        return get_winsize(tty, arg);
    case TIOCSWINSZ:
        return set_winsize(tty, arg);
    case TIOCSCTTY:
        return tty_attach_caller(tty, arg == 1);
    case TIOCNOTTY:
        return give_up(tty);
    case TIOCGPGRP:
        return get_pgrp(tty, arg);
    case TIOCSPGRP:
        return set_pgrp(tty, arg);
    case TIOCGSID:
        return get_session(tty, arg);
    }
    return other_ioctl(tty, cmd, arg);
}
