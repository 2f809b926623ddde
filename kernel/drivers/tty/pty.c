#include "drivers/tty/pty.h"

#include "core/boot.h"
#include "drivers/tty/signals.h"
#include "drivers/tty/tty.h"
#include "lib/string.h"
#include "mm/heap.h"

enum { CHUNK = 512, OUT_LIMIT = 65536 };
enum pty_command {
    TIOCPKT = 0x5420,
    FIONREAD = 0x541b,
    TCFLSH = 0x540b,
    TIOCGPGRP = 0x540f,
    TIOCGSID = 0x5429,
    TIOCGPTN = 0x80045430,
    TIOCSPTLCK = 0x40045431,
    TIOCSIG = 0x40045436,
    TIOCGPKT = 0x80045438,
    TIOCGPTLCK = 0x80045439,
    TIOCGPTPEER = 0x5441,
};

/* A pair: the slave is a terminal; the master reads its output ring and feeds its line discipline.
 * The pair lives as long as the master's file or one of the slave's. */
struct pty {
    struct tty slave; /* slave.lock guards the rest as well */
    unsigned index;
    unsigned refs; /* files; under ptys_lock */
    struct pts_info info;
    bool locked, master_open, slave_closed; /* slave_closed: it was open, and is no more */
    bool packet;
    uint8_t status;               /* TIOCPKT_* not yet read */
    struct waitqueue master_wait; /* the master may read, or write */
};

static struct pty *ptys[PTYS_MAX];
static bool registered[PTYS_MAX]; /* its device number, which stays */
static struct mutex ptys_lock;    /* over ptys; taken before a pair's lock */

static struct pty *pty_of(struct tty *tty)
{
    return container_of(tty, struct pty, slave);
}

/* One file less; the last takes the pair along. ptys_lock is held. */
static void drop(struct pty *pty)
{
    if (--pty->refs)
        return;
    ptys[pty->index] = NULL;
    tty_destroy(&pty->slave);
    kfree(pty);
}

/* --- the slave's driver ------------------------------------------------------------------- */

static void slave_output(struct tty *tty)
{
    waitqueue_wake(&pty_of(tty)->master_wait, 0, POLLIN | POLLRDNORM);
}

static void slave_room(struct tty *tty)
{
    waitqueue_wake(&pty_of(tty)->master_wait, 0, POLLOUT | POLLWRNORM);
}

static void slave_status(struct tty *tty, uint8_t bits)
{
    enum { OPPOSITES = TIOCPKT_STOP | TIOCPKT_START };
    struct pty *pty = pty_of(tty);
    if (!pty->packet)
        return;
    if (bits & OPPOSITES)
        pty->status &= ~OPPOSITES;
    pty->status |= bits;
    waitqueue_wake(&pty->master_wait, 0, POLLPRI | POLLIN);
}

static void slave_fix_termios(struct termios *t)
{
    t->cflag = (t->cflag & ~(uint32_t)(CSIZE | PARENB)) | CS8 | CREAD;
}

static void slave_closed(struct tty *tty)
{
    struct pty *pty = pty_of(tty);
    mutex_lock(&ptys_lock);
    mutex_lock(&tty->lock);
    pty->slave_closed = tty->opens == 0;
    mutex_unlock(&tty->lock);
    waitqueue_wake(&pty->master_wait, 0, POLLIN | POLLHUP);
    drop(pty);
    mutex_unlock(&ptys_lock);
}

static const struct tty_ops slave_ops = {
    .beyond_recall = 4095, /* the buffer of Linux's master */
    .output = slave_output,
    .room = slave_room,
    .status = slave_status,
    .fix_termios = slave_fix_termios,
    .closed = slave_closed,
};

/* --- making and opening ------------------------------------------------------------------- */

static int ptmx_open(struct inode *inode, struct file *file)
{
    struct pty *pty = kzalloc(sizeof(*pty));
    if (!pty)
        return -ENOMEM;
    const struct credentials *cred = vfs_caller_hook()->cred;
    mutex_lock(&ptys_lock);
    unsigned index = 0;
    while (index < PTYS_MAX && ptys[index])
        index++;
    if (index == PTYS_MAX) {
        mutex_unlock(&ptys_lock);
        kfree(pty);
        return -ENOSPC;
    }
    tty_init(&pty->slave, &slave_ops, makedev(PTS_MAJOR, index), pty);
    pty->slave.out_limit = OUT_LIMIT;
    pty->slave.ldisc.termios.cflag &= ~(uint32_t)HUPCL;
    pty->index = index;
    pty->refs = 1;
    pty->info = (struct pts_info){cred->fsuid, cred->fsgid, 0620, timespec_now()};
    pty->locked = pty->master_open = true;
    waitqueue_init(&pty->master_wait);
    ptys[index] = pty;
    if (!registered[index])
        chardev_register(pty->slave.rdev, NULL, 0620, &pts_ops);
    registered[index] = true;
    mutex_unlock(&ptys_lock);
    file->data = pty;
    return 0;
}

/* ptys_lock is held. */
static int open_slave(struct pty *pty, struct file *file)
{
    int r = pty->master_open ? tty_open(&pty->slave, file) : -EIO;
    if (r == 0) {
        pty->slave_closed = false;
        pty->refs++;
    }
    return r;
}

static int pts_open(struct inode *inode, struct file *file)
{
    unsigned index = dev_minor(inode->rdev);
    mutex_lock(&ptys_lock);
    struct pty *pty = index < PTYS_MAX ? ptys[index] : NULL;
    int r = pty && !pty->locked ? open_slave(pty, file) : -EIO;
    mutex_unlock(&ptys_lock);
    return r;
}

/* The pointer is looked for before it is followed: the pair may be gone. */
int pty_open_tty(const struct tty *tty, struct file *file)
{
    int r = -ENXIO;
    mutex_lock(&ptys_lock);
    for (unsigned i = 0; i < PTYS_MAX && r == -ENXIO; i++)
        if (ptys[i] && &ptys[i]->slave == tty)
            r = open_slave(ptys[i], file);
    mutex_unlock(&ptys_lock);
    return r;
}

bool pty_hold(const struct tty *tty)
{
    bool held = false;
    mutex_lock(&ptys_lock);
    for (unsigned i = 0; i < PTYS_MAX && !held; i++)
        if (ptys[i] && &ptys[i]->slave == tty) {
            ptys[i]->refs++;
            held = true;
        }
    mutex_unlock(&ptys_lock);
    return held;
}

void pty_let_go(struct tty *tty)
{
    mutex_lock(&ptys_lock);
    drop(pty_of(tty));
    mutex_unlock(&ptys_lock);
}

/* --- the master's file -------------------------------------------------------------------- */

static void master_release(struct file *file)
{
    struct pty *pty = file->data;
    tty_hangup(&pty->slave);
    mutex_lock(&ptys_lock);
    pty->master_open = false;
    drop(pty);
    mutex_unlock(&ptys_lock);
}

static bool nonblocking(const struct file *file)
{
    return atomic_load_explicit(&file->flags, memory_order_relaxed) & O_NONBLOCK;
}

static bool master_readable(const struct pty *pty)
{
    return (pty->packet && pty->status) || tty_output_over(&pty->slave);
}

/* What the slave has written; in packet mode behind a status byte. The lock is held. */
static size_t take_output(struct pty *pty, uint8_t *buf, size_t n)
{
    size_t done = 0;
    if (pty->packet) {
        buf[done++] = pty->status;
        bool only_status = pty->status != 0;
        pty->status = 0;
        if (only_status)
            return done;
    }
    const uint8_t *bytes;
    size_t part;
    n = MIN(n, done + tty_output_over(&pty->slave));
    while (done < n && (part = tty_output_peek(&pty->slave, &bytes))) {
        part = MIN(part, n - done);
        memcpy(buf + done, bytes, part);
        tty_output_take(&pty->slave, part);
        done += part;
    }
    return done;
}

static ssize_t master_read(struct file *file, struct io *io, off_t *pos)
{
    struct pty *pty = file->data;
    struct mutex *lock = &pty->slave.lock;
    uint8_t buf[CHUNK];
    size_t done = 0;
    int r = 0;
    if (io->left == 0)
        return 0;
    mutex_lock(lock);
    while (r == 0 && !master_readable(pty)) {
        if (pty->slave_closed)
            r = -EIO;
        else if (nonblocking(file))
            r = -EAGAIN;
        else
            r = tty_sleep(lock, &pty->master_wait, NSEC_FOREVER);
    }
    while (r == 0 && io->left && master_readable(pty)) {
        size_t n = take_output(pty, buf, MIN(io->left, sizeof(buf)));
        mutex_unlock(lock);
        size_t moved = io_put(io, buf, n);
        mutex_lock(lock);
        done += moved;
        if (moved < n)
            r = -EFAULT;
        if (pty->packet)
            break;
    }
    mutex_unlock(lock);
    return done ? (ssize_t)done : r;
}

static ssize_t feed(struct pty *pty, struct file *file, const uint8_t *bytes, size_t n)
{
    struct mutex *lock = &pty->slave.lock;
    size_t done = 0;
    int r = 0;
    mutex_lock(lock);
    while (r == 0 && done < n) {
        size_t part = tty_input(&pty->slave, bytes + done, n - done);
        done += part;
        if (part == 0)
            r = nonblocking(file) ? -EAGAIN : tty_sleep(lock, &pty->master_wait, NSEC_FOREVER);
    }
    mutex_unlock(lock);
    return done ? (ssize_t)done : r;
}

static ssize_t master_write(struct file *file, struct io *io, off_t *pos)
{
    uint8_t buf[CHUNK];
    size_t done = 0;
    ssize_t r = 0;
    while (io->left) {
        size_t n = MIN(io->left, sizeof(buf)), got = io_get(io, buf, n);
        r = got ? feed(file->data, file, buf, got) : -EFAULT;
        if (r > 0)
            done += r;
        if (r < (ssize_t)n)
            break;
    }
    return done ? (ssize_t)done : r;
}

static unsigned master_poll(struct file *file, struct poll_table *table)
{
    struct pty *pty = file->data;
    unsigned events = 0;
    poll_wait(table, &pty->master_wait);
    mutex_lock(&pty->slave.lock);
    if (master_readable(pty))
        events |= POLLIN | POLLRDNORM;
    if (pty->packet && pty->status)
        events |= POLLPRI;
    if (pty->slave_closed)
        events |= POLLHUP;
    if (ldisc_has_room(&pty->slave.ldisc))
        events |= POLLOUT | POLLWRNORM;
    mutex_unlock(&pty->slave.lock);
    return events;
}

/* --- ioctls ------------------------------------------------------------------------------- */

/* Open the slave and give it a descriptor; arg: open flags. */
static int64_t open_peer(struct pty *pty, unsigned flags)
{
    char name[24];
    struct file *file;
    if (!tty_hooks)
        return -ENOTTY;
    snprintf(name, sizeof(name), "/dev/pts/%u", pty->index);
    int r = vfs_open(NULL, name, flags & ~O_CLOEXEC, 0, LOOKUP_FOLLOW, &file);
    if (r < 0)
        return r;
    r = tty_hooks->install_file(file, flags & O_CLOEXEC);
    if (r < 0)
        file_put(file);
    return r;
}

static int set_packet(struct pty *pty, uintptr_t arg)
{
    uint32_t on;
    int r = user_get32(arg, &on);
    if (r < 0)
        return r;
    mutex_lock(&pty->slave.lock);
    if (on && !pty->packet)
        pty->status = 0;
    pty->packet = on;
    mutex_unlock(&pty->slave.lock);
    return 0;
}

static int set_locked(struct pty *pty, uintptr_t arg)
{
    uint32_t locked;
    int r = user_get32(arg, &locked);
    if (r == 0)
        pty->locked = locked;
    return r;
}

static int send_signal(struct pty *pty, int signo)
{
    if (signo != SIGINT && signo != SIGQUIT && signo != SIGTSTP)
        return -EINVAL;
    mutex_lock(&pty->slave.lock);
    if (tty_hooks && pty->slave.pgrp > 0)
        tty_hooks->signal_group(pty->slave.pgrp, signo);
    mutex_unlock(&pty->slave.lock);
    return 0;
}

static int count_output(struct pty *pty, uintptr_t arg)
{
    mutex_lock(&pty->slave.lock);
    size_t n = tty_output_over(&pty->slave);
    mutex_unlock(&pty->slave.lock);
    return user_put32(arg, n);
}

/* The master's input is the slave's output; what it wrote has arrived already. */
static int flush(struct pty *pty, unsigned which)
{
    enum { TCIFLUSH, TCOFLUSH, TCIOFLUSH };
    if (which > TCIOFLUSH)
        return -EINVAL;
    mutex_lock(&pty->slave.lock);
    if (which != TCOFLUSH)
        tty_output_forget(&pty->slave, 0);
    mutex_unlock(&pty->slave.lock);
    return 0;
}

static int64_t master_ioctl(struct file *file, unsigned cmd, uintptr_t arg)
{
    struct pty *pty = file->data;
    switch (cmd) {
    case TIOCGPTN:
        return user_put32(arg, pty->index);
    case TIOCSPTLCK:
        return set_locked(pty, arg);
    case TIOCGPTLCK:
        return user_put32(arg, pty->locked);
    case TIOCPKT:
        return set_packet(pty, arg);
    case TIOCGPKT:
        return user_put32(arg, pty->packet);
    case TIOCSIG:
        return send_signal(pty, arg);
    case TIOCGPTPEER:
        return open_peer(pty, arg);
    case FIONREAD:
        return count_output(pty, arg);
    case TIOCGPGRP: /* without being the caller's terminal */
        return user_put32(arg, pty->slave.pgrp);
    case TIOCGSID:
        return pty->slave.session ? user_put32(arg, pty->slave.session) : -ENOTTY;
    case TCFLSH:
        return flush(pty, arg);
    }
    /* Settings, size and groups are the slave's. */
    struct file *slave =
        &(struct file){.data = &pty->slave, .ops = &tty_file_ops, .pos = pty->slave.hangups};
    return pty->slave.hung_up ? -EIO : tty_file_ops.ioctl(slave, cmd, arg);
}

const struct file_ops ptmx_ops = {
    .open = ptmx_open,
    .release = master_release,
    .read = master_read,
    .write = master_write,
    .poll = master_poll,
    .ioctl = master_ioctl,
};
const struct file_ops pts_ops = {.open = pts_open};

/* --- for devpts --------------------------------------------------------------------------- */

bool pty_info(unsigned index, struct pts_info *info)
{
    mutex_lock(&ptys_lock);
    struct pty *pty = index < PTYS_MAX ? ptys[index] : NULL;
    bool there = pty && pty->master_open;
    if (there)
        *info = pty->info;
    mutex_unlock(&ptys_lock);
    return there;
}

int pty_set_info(unsigned index, const struct attributes *attr)
{
    mutex_lock(&ptys_lock);
    struct pty *pty = index < PTYS_MAX ? ptys[index] : NULL;
    if (pty && attr->mask & ATTR_MODE)
        pty->info.mode = attr->mode & 07777;
    if (pty && attr->mask & ATTR_UID)
        pty->info.uid = attr->uid;
    if (pty && attr->mask & ATTR_GID)
        pty->info.gid = attr->gid;
    mutex_unlock(&ptys_lock);
    return pty ? 0 : -EIO;
}

int pty_next(unsigned index)
{
    mutex_lock(&ptys_lock);
    while (index < PTYS_MAX && !(ptys[index] && ptys[index]->master_open))
        index++;
    mutex_unlock(&ptys_lock);
    return index < PTYS_MAX ? (int)index : -ENOENT;
}

static int pty_init(void)
{
    return chardev_register(makedev(5, 2), "ptmx", 0666, &ptmx_ops);
}
BOOT_STEP(PHASE_BUS, "pty", pty_init);
