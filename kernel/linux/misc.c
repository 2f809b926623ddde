/* linux/misc.c: system calls that belong to no family. */
#include "core/clock.h"
#include "core/log.h"
#include "core/mutex.h"
#include "core/random.h"
#include "drivers/console/control.h"
#include "drivers/power.h"
#include "drivers/tty/tty.h"
#include "linux/path.h"
#include "linux/syscall.h"
#include "linux/task.h"
#include "mm/heap.h"

enum { CAP_SYSLOG = 34, CAP_SYS_BOOT = 22, CAP_RAWIO = 17 };

SYSCALL(getrandom, 3, SYSCALL_WHOLE, "")
{
    enum { NONBLOCK = 1, RANDOM = 2, INSECURE = 4 };
    size_t n = MIN(a1, (uint64_t)INT32_MAX), done = 0;
    uint8_t bytes[256];

    if (a2 & ~7ull || (a2 & (RANDOM | INSECURE)) == (RANDOM | INSECURE))
        return -EINVAL;
    while (done < n) {
        size_t part = MIN(n - done, sizeof(bytes));

        random_bytes(bytes, part);
        size_t missed = user_write_partial(a0 + done, bytes, part);
        done += part - missed;
        if (missed)
            return done ? (int64_t)done : -EFAULT;
        if (thread_interrupted(current))
            break;
        thread_resched_point();
    }
    return (int64_t)done;
}

SYSCALL(set_tid_address, 1, SYSCALL_WHOLE, "")
{
    struct task *task = current_task();

    task->clear_child_tid = a0;
    return task->tid;
}

/* --- reboot(2) --- */

enum {
    REBOOT_RESTART = 0x01234567,
    REBOOT_CAD_OFF = 0,
};
#define REBOOT_HALT      0xcdef0123u
#define REBOOT_CAD_ON    0x89abcdefu
#define REBOOT_POWER_OFF 0x4321fedcu
#define REBOOT_RESTART2  0xa1b2c3d4u

static bool magic_ok(uint32_t first, uint32_t second)
{
    return first == 0xfee1dead && (second == 672274793 || second == 85072278 ||
                                   second == 369367448 || second == 537993216);
}

/* Without CONFIG_KEXEC_CORE and CONFIG_HIBERNATION. */
SYSCALL(reboot, 4, SYSCALL_WHOLE, "")
{
    char command[256];

    if (!capable(CAP_SYS_BOOT))
        return -EPERM;
    if (!magic_ok((uint32_t)a0, (uint32_t)a1))
        return -EINVAL;
    switch ((uint32_t)a2) {
    case REBOOT_CAD_ON:
    case REBOOT_CAD_OFF:
        return 0;
    case REBOOT_HALT:
    case REBOOT_POWER_OFF:
        control_report_exit(CONTROL_EXIT, 0, NULL);
    case REBOOT_RESTART2: /* what to start is the firmware's to know, and ours does not ask */
        if (user_read_string(command, a3, sizeof(command)) == -EFAULT)
            return -EFAULT;
        /* fall through */
    case REBOOT_RESTART:
        control_drain_output();
        machine_reset();
    default:
        return -EINVAL;
    }
}

/* --- syslog(2) --- */

enum { LOG_KEPT = 16384, LEVEL_OFF = 1 };

static struct {
    struct mutex lock;
    uint64_t unread;  /* where SYSLOG_ACTION_READ goes on */
    uint64_t cleared; /* what is before is not shown any more */
    int saved_level;  /* while the console is off; 0: it is not */
} reader;

/* Messages come in any context: who waits is woken from a thread, some milliseconds later. */
static struct waitqueue news = {.waiters = LIST_INIT(news.waiters)};
static struct rcu_head news_rcu;
static atomic_bool telling;

static void tell_readers(struct rcu_head *head)
{
    (void)head;
    atomic_store(&telling, false);
    wake_all(&news);
}

static void have_readers_told(void)
{
    if (!atomic_exchange(&telling, true))
        rcu_call(&news_rcu, tell_readers);
}

static int wait_for_news(void)
{
    atomic_store(&log_news_hook, have_readers_told); /* stays: it is cheap */
    return WAIT_EVENT(&news, log_position() != reader.unread, WAIT_INTERRUPTIBLE, NSEC_FOREVER);
}

/* Take the next bytes away; wait until there are some. */
static int64_t take_log(uintptr_t to, size_t size)
{
    char part[256];
    size_t done = 0, n = 0;

    do { /* another reader may have been faster */
        if (wait_for_news() < 0)
            return -ERESTARTSYS;
        mutex_lock(&reader.lock);
        while (done < size &&
               (n = log_read_from(&reader.unread, part, MIN(size - done, sizeof(part)))) &&
               user_write(to + done, part, n) == 0)
            done += n;
        mutex_unlock(&reader.lock);
    } while (!done && !n);
    return done ? (int64_t)done : -EFAULT;
}

/* The newest `size` bytes, whole lines, into program memory. */
static int64_t show_log(uintptr_t to, size_t size, bool clear)
{
    char *buf = kmalloc(LOG_KEPT);
    uint64_t from;
    size_t n, skip;
    int64_t result;

    if (!buf)
        return -ENOMEM;
    mutex_lock(&reader.lock);
    from = reader.cleared;
    n = log_read_from(&from, buf, LOG_KEPT);
    skip = n > size ? n - size : 0;
    while (skip && skip < n && buf[skip - 1] != '\n')
        skip++;
    result = user_write(to, buf + skip, n - skip) < 0 ? -EFAULT : (int64_t)(n - skip);
    if (clear && result >= 0)
        reader.cleared = from;
    mutex_unlock(&reader.lock);
    kfree(buf);
    return result;
}

static int64_t unread_bytes(void)
{
    uint64_t at = log_position(), oldest = at > LOG_KEPT ? at - LOG_KEPT : 0;

    return (int64_t)(at - MAX(reader.unread, oldest));
}

static int set_console(int level)
{
    if (level < LEVEL_OFF || level > 8)
        return -EINVAL;
    log_level = level;
    reader.saved_level = 0;
    return 0;
}

static void console_off(void)
{
    if (!reader.saved_level)
        reader.saved_level = log_level;
    log_level = LEVEL_OFF;
}

static void console_on(void)
{
    if (reader.saved_level)
        log_level = reader.saved_level;
    reader.saved_level = 0;
}

SYSCALL(syslog, 3, SYSCALL_WHOLE, "")
{
    enum {
        CLOSE,
        OPEN,
        READ,
        READ_ALL,
        READ_CLEAR,
        CLEAR,
        CONSOLE_OFF,
        CONSOLE_ON,
        CONSOLE_LEVEL,
        SIZE_UNREAD,
        SIZE_BUFFER
    };
    int what = (int)a0, size = (int)a2;

    if (what != READ_ALL && what != SIZE_BUFFER && !capable(CAP_SYSLOG) && !capable(CAP_SYS_ADMIN))
        return -EPERM;
    switch (what) {
    case CLOSE:
    case OPEN:
        return 0;
    case READ:
    case READ_ALL:
    case READ_CLEAR:
        if (!a1 || size < 0)
            return -EINVAL;
        if (!size)
            return 0;
        if (!user_range_ok(a1, (size_t)size))
            return -EFAULT;
        return what == READ ? take_log(a1, (size_t)size)
                            : show_log(a1, (size_t)size, what == READ_CLEAR);
    case CLEAR:
        reader.cleared = log_position();
        return 0;
    case CONSOLE_OFF:
        console_off();
        return 0;
    case CONSOLE_ON:
        console_on();
        return 0;
    case CONSOLE_LEVEL:
        return set_console(size);
    case SIZE_UNREAD:
        return unread_bytes();
    case SIZE_BUFFER:
        return LOG_KEPT;
    default:
        return -EINVAL;
    }
}

/* --- rights to use devices: the program has them anyway --- */

SYSCALL(iopl, 1, SYSCALL_WHOLE, "")
{
    if (a0 > 3)
        return -EINVAL;
    return a0 == 0 || capable(CAP_RAWIO) ? 0 : -EPERM;
}

SYSCALL(ioperm, 3, SYSCALL_WHOLE, "")
{
    if (a0 + a1 <= a0 || a0 + a1 > 65536)
        return -EINVAL;
    return !a2 || capable(CAP_RAWIO) ? 0 : -EPERM;
}

SYSCALL(vhangup, 0, SYSCALL_WHOLE, "")
{
    struct tty *tty = current_process()->tty;

    if (!capable(26 /* CAP_SYS_TTY_CONFIG */))
        return -EPERM;
    if (tty && tty_hold(tty)) {
        tty_vhangup(tty);
        tty_let_go(tty);
    }
    return 0;
}
