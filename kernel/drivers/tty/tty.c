#include "drivers/tty/tty.h"

#include "core/boot.h"
#include "core/clock.h"
#include "core/thread.h"
#include "drivers/tty/signals.h"
#include "drivers/tty/tty_impl.h"
#include "lib/string.h"
#include "mm/heap.h"

enum { CHUNK = 512, OUT_MIN = 1024, OUT_LIMIT = 4096 };
#define DECISECOND_NS 100000000ll

const struct tty_hooks *tty_hooks;

/* --- the line discipline's side ----------------------------------------------------------- */

static struct tty *tty_of_ldisc(struct ldisc *ldisc)
{
    return container_of(ldisc, struct tty, ldisc);
}

/* Twice as large, up to out_limit; false: it stays as it is. */
static bool grow_output(struct tty *tty)
{
    unsigned size = tty->out_size ? tty->out_size * 2 : OUT_MIN;
    if (size > tty->out_limit)
        return false;
    uint8_t *out = kmalloc(size);
    if (!out)
        return false;
    unsigned n = tty_output_pending(tty);
    for (unsigned i = 0; i < n; i++)
        out[i] = tty->out[(tty->out_tail + i) % tty->out_size];
    kfree(tty->out);
    tty->out = out;
    tty->out_size = size;
    tty->out_tail = 0;
    tty->out_head = n;
    return true;
}

static bool output_put(struct ldisc *ldisc, const uint8_t *bytes, unsigned n)
{
    struct tty *tty = tty_of_ldisc(ldisc);
    if (tty->out_size - tty_output_pending(tty) < n && !ldisc->stopped)
        tty->ops->output(tty);
    if (tty->out_size - tty_output_pending(tty) < n && !grow_output(tty))
        return false;
    for (unsigned i = 0; i < n; i++)
        tty->out[tty->out_head++ % tty->out_size] = bytes[i];
    return true;
}

void tty_signal_group(struct tty *tty, int signo)
{
    if (tty_hooks && tty->pgrp > 0)
        tty_hooks->signal_group(tty->pgrp, signo);
}

static void input_signal(struct ldisc *ldisc, int signo)
{
    tty_signal_group(tty_of_ldisc(ldisc), signo);
}

static void status(struct tty *tty, uint8_t bits)
{
    if (tty->ops->status)
        tty->ops->status(tty, bits);
}

void tty_output_forget(struct tty *tty, unsigned but)
{
    but = MIN(but, (unsigned)tty_output_over(tty));
    tty->out_head = tty->out_tail + but;
    tty->out_over = but;
    status(tty, TIOCPKT_FLUSHWRITE);
    wake_all(&tty->write_wait);
}

static void flush_output(struct ldisc *ldisc)
{
    struct tty *tty = tty_of_ldisc(ldisc);
    tty_output_forget(tty, tty->ops->beyond_recall);
}

static void flow_changed(struct ldisc *ldisc)
{
    struct tty *tty = tty_of_ldisc(ldisc);
    tty->out_over = tty_output_pending(tty);
    status(tty, ldisc->stopped ? TIOCPKT_STOP : TIOCPKT_START);
    if (!ldisc->stopped) {
        tty->ops->output(tty);
        wake_all(&tty->write_wait);
    }
}

static const struct ldisc_ops ldisc_ops = {
    .put = output_put,
    .signal = input_signal,
    .flush_output = flush_output,
    .flow = flow_changed,
};

void tty_init(struct tty *tty, const struct tty_ops *ops, uint32_t rdev, void *driver)
{
    *tty = (struct tty){.ops = ops, .rdev = rdev, .driver = driver, .out_limit = OUT_LIMIT};
    ldisc_init(&tty->ldisc, &ldisc_ops);
    waitqueue_init(&tty->read_wait);
    waitqueue_init(&tty->write_wait);
}

void tty_destroy(struct tty *tty)
{
    kfree(tty->out);
    tty->out = NULL;
}

/* --- the driver's side -------------------------------------------------------------------- */

size_t tty_input(struct tty *tty, const uint8_t *bytes, size_t n)
{
    size_t done = ldisc_input(&tty->ldisc, bytes, n);
    if (tty_output_pending(tty) && !tty->ldisc.stopped)
        tty->ops->output(tty);
    if (ldisc_readable(&tty->ldisc, 1))
        waitqueue_wake(&tty->read_wait, 0, POLLIN | POLLRDNORM);
    return done;
}

size_t tty_output_peek(struct tty *tty, const uint8_t **bytes)
{
    if (!tty_output_pending(tty))
        return 0;
    unsigned start = tty->out_tail % tty->out_size;
    *bytes = tty->out + start;
    return MIN((size_t)tty->out_size - start, tty_output_pending(tty));
}

void tty_output_take(struct tty *tty, size_t n)
{
    tty->out_tail += n;
    tty->out_over -= MIN((unsigned)n, tty->out_over);
    if (tty->out_tail == tty->out_head)
        tty->out_head = tty->out_tail = 0;
    if (n)
        waitqueue_wake(&tty->write_wait, 0, POLLOUT | POLLWRNORM);
}

int tty_sleep(struct mutex *lock, struct waitqueue *queue, nsec_t deadline)
{
    struct waiter waiter = {};
    wait_prepare(queue, &waiter, WAIT_INTERRUPTIBLE);
    mutex_unlock(lock);
    int r = wait_sleep(WAIT_INTERRUPTIBLE, deadline);
    wait_finish(queue, &waiter);
    mutex_lock(lock);
    return r == -EINTR ? -ERESTARTSYS : r;
}

void tty_resize(struct tty *tty, const struct winsize *size)
{
    mutex_lock(&tty->lock);
    bool changed = memcmp(&tty->winsize, size, sizeof(*size)) != 0;
    tty->winsize = *size;
    if (changed)
        tty_signal_group(tty, SIGWINCH);
    mutex_unlock(&tty->lock);
}

/* --- controlling terminal and job control ------------------------------------------------- */

int tty_attach_caller(struct tty *tty, bool steal)
{
    struct tty_caller caller;
    if (!tty_hooks)
        return -EPERM;
    tty_hooks->caller(&caller);
    if (caller.tty == tty && tty->session == caller.sid)
        return 0;
    if (caller.pid != caller.sid || caller.tty)
        return -EPERM;
    mutex_lock(&tty->lock);
    int old = tty->session;
    if (old && !(steal && caller.admin)) {
        mutex_unlock(&tty->lock);
        return -EPERM;
    }
    tty->session = caller.sid;
    tty->pgrp = caller.pgid;
    tty_hooks->set_caller_tty(tty); /* under the lock: who ends the session takes it away again */
    mutex_unlock(&tty->lock);
    if (old)
        tty_hooks->session_lost(old);
    return 0;
}

void tty_lose_session(struct tty *tty, bool signal)
{
    mutex_lock(&tty->lock);
    int session = tty->session, pgrp = tty->pgrp;
    tty->session = tty->pgrp = 0;
    mutex_unlock(&tty->lock);
    if (!session || !tty_hooks)
        return;
    if (signal && pgrp > 0) {
        tty_hooks->signal_group(pgrp, SIGHUP);
        tty_hooks->signal_group(pgrp, SIGCONT);
    }
    if (signal && pgrp != session) /* the leader's own group */
        tty_hooks->signal_group(session, SIGHUP);
    tty_hooks->session_lost(session);
}

void tty_session_ended(struct tty *tty, int sid)
{
    if (!tty_hold(tty))
        return;
    if (tty->session == sid)
        tty_lose_session(tty, true);
    tty_let_go(tty);
}

static void hang_up(struct tty *tty, bool for_good)
{
    mutex_lock(&tty->lock);
    if (for_good)
        tty->hung_up = true;
    else
        tty->hangups++;
    tty_output_forget(tty, tty->ops->beyond_recall);
    mutex_unlock(&tty->lock);
    tty_lose_session(tty, true);
    waitqueue_wake(&tty->read_wait, 0, POLLIN | POLLHUP | POLLERR);
    waitqueue_wake(&tty->write_wait, 0, POLLOUT | POLLHUP | POLLERR);
}

void tty_hangup(struct tty *tty)
{
    hang_up(tty, true);
}

void tty_vhangup(struct tty *tty)
{
    hang_up(tty, false);
}

/* May the caller, of a group in the background, read (SIGTTIN) or change (SIGTTOU) its terminal? */
int tty_check_foreground(struct tty *tty, int signo)
{
    struct tty_caller caller;
    if (!tty_hooks)
        return 0;
    tty_hooks->caller(&caller);
    if (caller.tty != tty || tty->pgrp == 0 || tty->pgrp == caller.pgid)
        return 0;
    if (tty_hooks->signal_ignored(signo))
        return signo == SIGTTIN ? -EIO : 0;
    if (tty_hooks->group_orphaned(caller.pgid))
        return -EIO;
    tty_hooks->signal_group(caller.pgid, signo);
    return -ERESTARTSYS;
}

/* --- files -------------------------------------------------------------------------------- */

static bool nonblocking(const struct file *file)
{
    return atomic_load_explicit(&file->flags, memory_order_relaxed) & O_NONBLOCK;
}

struct tty *tty_of_file(const struct file *file)
{
    return file->ops == &tty_file_ops ? file->data : NULL;
}

int tty_open(struct tty *tty, struct file *file)
{
    struct tty_caller caller = {};
    if (tty_hooks)
        tty_hooks->caller(&caller);
    mutex_lock(&tty->lock);
    int r = tty->hung_up ? -EIO : tty->exclusive && !caller.admin ? -EBUSY : 0;
    if (r == 0)
        tty->opens++;
    file->pos = tty->hangups;
    bool is_free = tty->session == 0;
    mutex_unlock(&tty->lock);
    if (r < 0)
        return r;
    file->data = tty;
    file->ops = &tty_file_ops;
    if (is_free && caller.pid && caller.pid == caller.sid && !caller.tty &&
        !(atomic_load_explicit(&file->flags, memory_order_relaxed) & O_NOCTTY))
        tty_attach_caller(tty, false);
    return 0;
}

static void tty_release(struct file *file)
{
    struct tty *tty = file->data;
    mutex_lock(&tty->lock);
    if (--tty->opens == 0)
        tty->exclusive = false;
    mutex_unlock(&tty->lock);
    if (tty->ops->closed)
        tty->ops->closed(tty);
}

/* How a read of raw bytes waits (man 3 termios, "Canonical and noncanonical mode"). */
struct patience {
    size_t minimum;   /* bytes that end the read */
    nsec_t deadline;  /* NSEC_FOREVER; 0: do not wait */
    nsec_t interbyte; /* 0, or the longest wait behind a byte */
};

static struct patience patience(const struct tty *tty)
{
    const struct termios *t = &tty->ldisc.termios;
    struct patience p = {.minimum = 1, .deadline = NSEC_FOREVER};
    if (t->lflag & ICANON)
        return p;
    nsec_t time = t->cc[VTIME] * DECISECOND_NS;
    if (t->cc[VMIN]) {
        p.minimum = t->cc[VMIN];
        p.interbyte = time;
    } else {
        p.deadline = time ? clock_monotonic() + time : 0;
    }
    return p;
}

/* The lock is held. 1: there are bytes; 0: the read ends; or -EAGAIN, -ERESTARTSYS. */
static int wait_input(struct tty *tty, struct file *file, nsec_t deadline)
{
    while (!ldisc_readable(&tty->ldisc, 1)) {
        if (tty_file_hung_up(tty, file) || deadline == 0)
            return 0;
        if (nonblocking(file))
            return -EAGAIN;
        int r = tty_sleep(&tty->lock, &tty->read_wait, deadline);
        if (r < 0)
            return r == -ETIMEDOUT ? 0 : r;
    }
    return !tty_file_hung_up(tty, file);
}

static ssize_t tty_read(struct file *file, struct io *io, off_t *pos)
{
    struct tty *tty = file->data;
    uint8_t buf[CHUNK];
    size_t done = 0;
    bool line_end = false;
    int r = tty_check_foreground(tty, SIGTTIN);
    if (r < 0 || io->left == 0)
        return r;
    mutex_lock(&tty->lock);
    struct patience p = patience(tty);
    while (io->left && !line_end) {
        r = wait_input(tty, file, p.deadline);
        if (r <= 0)
            break;
        bool canonical = tty->ldisc.termios.lflag & ICANON;
        size_t n = ldisc_read(&tty->ldisc, buf, MIN(io->left, sizeof(buf)), &line_end);
        tty->ops->room(tty);
        mutex_unlock(&tty->lock);
        size_t moved = io_put(io, buf, n);
        done += moved;
        mutex_lock(&tty->lock);
        if (moved < n) {
            r = -EFAULT;
            break;
        }
        if ((canonical || done >= p.minimum) && !ldisc_readable(&tty->ldisc, 1))
            break;
        if (p.interbyte)
            p.deadline = clock_monotonic() + p.interbyte;
    }
    mutex_unlock(&tty->lock);
    return done ? (ssize_t)done : MIN(r, 0);
}

/* Hand n bytes to the terminal: how many went, or the error that came first. */
static ssize_t write_bytes(struct tty *tty, struct file *file, const uint8_t *bytes, size_t n)
{
    size_t done = 0;
    ssize_t r = 0;
    mutex_lock(&tty->lock);
    while (done < n && r >= 0) {
        if (tty_file_hung_up(tty, file)) {
            r = -EIO;
            break;
        }
        size_t part = ldisc_output(&tty->ldisc, bytes + done, n - done);
        done += part;
        if (tty_output_pending(tty) && !tty->ldisc.stopped)
            tty->ops->output(tty);
        if (part == 0)
            r = nonblocking(file) ? -EAGAIN : tty_sleep(&tty->lock, &tty->write_wait, NSEC_FOREVER);
    }
    mutex_unlock(&tty->lock);
    return done ? (ssize_t)done : r;
}

static ssize_t tty_write(struct file *file, struct io *io, off_t *pos)
{
    struct tty *tty = file->data;
    uint8_t buf[CHUNK];
    size_t done = 0;
    ssize_t r = tty->ldisc.termios.lflag & TOSTOP ? tty_check_foreground(tty, SIGTTOU) : 0;
    while (r >= 0 && io->left) {
        size_t n = MIN(io->left, sizeof(buf)), got = io_get(io, buf, n);
        r = got ? write_bytes(tty, file, buf, got) : -EFAULT;
        if (r > 0)
            done += r;
        if (r < (ssize_t)n)
            break;
    }
    return done ? (ssize_t)done : r;
}

static unsigned tty_poll(struct file *file, struct poll_table *table)
{
    struct tty *tty = file->data;
    unsigned events = 0;
    poll_wait(table, &tty->read_wait);
    poll_wait(table, &tty->write_wait);
    mutex_lock(&tty->lock);
    const uint8_t *cc = tty->ldisc.termios.cc;
    if (tty_file_hung_up(tty, file))
        events = POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDNORM | POLLWRNORM;
    if (ldisc_readable(&tty->ldisc, cc[VTIME] ? 1 : cc[VMIN]))
        events |= POLLIN | POLLRDNORM;
    if (!tty->ldisc.stopped && tty_output_pending(tty) < tty->out_limit / 2)
        events |= POLLOUT | POLLWRNORM;
    mutex_unlock(&tty->lock);
    return events;
}

const struct file_ops tty_file_ops = {
    .release = tty_release,
    .read = tty_read,
    .write = tty_write,
    .poll = tty_poll,
    .ioctl = tty_ioctl,
};
