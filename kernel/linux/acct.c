/* linux/acct.c: acct(2): records of version 3 (man 5 acct). */
#include "linux/acct.h"

#include "core/clock.h"
#include "drivers/tty/tty.h"
#include "lib/string.h"
#include "linux/path.h"
#include "linux/syscall.h"
#include "mm/address_space.h"

enum { CAP_SYS_PACCT = 20, VERSION = 3, UNITS_PER_SECOND = 100 };
enum { FLAG_FORK = 1, FLAG_SUPERUSER = 2, FLAG_CORE = 8, FLAG_SIGNAL = 16 };
enum { SUSPEND_PERCENT = 2, RESUME_PERCENT = 4 };
enum { NSEC_PER_UNIT = 1000000000 / UNITS_PER_SECOND };

struct record {
    uint8_t flag, version;
    uint16_t tty;
    uint32_t exit_code, uid, gid, pid, ppid, begun;
    uint32_t elapsed; /* a float, in units */
    uint16_t user, system, memory, io, rw, minor, major, swaps;
    char command[16];
};
_Static_assert(sizeof(struct record) == 64, "man 5 acct");

atomic_bool acct_on;
static struct mutex lock;
static struct file *output; /* under lock, as is: */
static bool suspended;      /* the file system is nearly full */

/* comp_t: three bits of an exponent to the base 8, thirteen of a fraction, rounded. */
static uint16_t compressed(uint64_t value)
{
    unsigned exponent = 0, round = 0;

    while (value > 0x1fff) {
        round = value & 4;
        value >>= 3;
        exponent++;
    }
    if (round && ++value > 0x1fff) {
        value >>= 3;
        exponent++;
    }
    return exponent > 7 ? 0xffff : (uint16_t)(exponent << 13 | value);
}

/* The bits of a float; this kernel has no registers for one. */
static uint32_t as_float(uint64_t value)
{
    if (!value)
        return 0;
    unsigned top = 63 - (unsigned)__builtin_clzl(value);
    uint64_t fraction = top > 23 ? value >> (top - 23) : value << (23 - top);
    return (127 + top) << 23 | ((uint32_t)fraction & 0x7fffff);
}

static void fill(struct record *r, struct process *p)
{
    struct cpu_times times = process_times(p);
    nsec_t elapsed = clock_monotonic() - p->start_time;
    const struct tty *tty;
    unsigned rdev;

    mutex_lock(&tasks_lock);
    tty = p->tty;
    rdev = tty ? tty->rdev : 0;
    mutex_unlock(&tasks_lock);
    *r = (struct record){
        .flag = (p->did_exec ? 0 : FLAG_FORK) | (p->dead_uid ? 0 : FLAG_SUPERUSER) |
                (p->exit_code & 0x80 ? FLAG_CORE : 0) | (p->exit_code & 0x7f ? FLAG_SIGNAL : 0),
        .version = VERSION,
        .tty = (uint16_t)rdev,
        .exit_code = (uint32_t)p->exit_code,
        .uid = p->dead_uid,
        .gid = p->dead_gid,
        .pid = (uint32_t)p->pid,
        .ppid = (uint32_t)atomic_load(&p->ppid),
        .begun = (uint32_t)((clock_realtime() - elapsed) / 1000000000),
        .elapsed = as_float((uint64_t)elapsed / NSEC_PER_UNIT),
        .user = compressed((uint64_t)times.user / NSEC_PER_UNIT),
        .system = compressed((uint64_t)times.system / NSEC_PER_UNIT),
        .memory = compressed(atomic_load(&p->space->total_pages) << (PAGE_SHIFT - 10)),
        .minor = compressed(atomic_load(&p->space->faults)),
    };
    strlcpy(r->command, p->dead_name, sizeof(r->command));
}

/* Is there room? As Linux' kernel.acct has it by default: 4 2 (30). */
static bool has_room(void)
{
    struct statfs_info info;

    if (vfs_statfs(&output->path, &info) < 0 || !info.blocks)
        return true;
    if (suspended ? info.bavail * 100 >= info.blocks * RESUME_PERCENT
                  : info.bavail * 100 <= info.blocks * SUSPEND_PERCENT)
        suspended = !suspended;
    return !suspended;
}

void acct_process(struct process *process)
{
    struct record record;
    struct iovec iov;
    struct io io = io_kernel(&iov, &record, sizeof(record));
    off_t pos = 0;

    fill(&record, process);
    mutex_lock(&lock);
    if (output && has_room())
        (void)file_write(output, &io, &pos); /* who could be told? */
    mutex_unlock(&lock);
}

static int open_output(uintptr_t name, struct file **file)
{
    struct user_path path;
    int error = user_path_get(&path, name, false);

    if (error)
        return error;
    error = vfs_open(NULL, path.name, O_WRONLY | O_APPEND, 0, 0, file);
    user_path_put(&path);
    if (error)
        return error;
    if (((*file)->inode->mode & S_IFMT) == S_IFREG)
        return 0;
    file_put(*file);
    return -EACCES;
}

SYSCALL(acct, 1, SYSCALL_WHOLE, "")
{
    struct file *file = NULL, *old;
    int error = !capable(CAP_SYS_PACCT) ? -EPERM : a0 ? open_output(a0, &file) : 0;

    if (error)
        return error;
    mutex_lock(&lock);
    old = output;
    output = file;
    suspended = false;
    atomic_store(&acct_on, file != NULL);
    mutex_unlock(&lock);
    if (old)
        file_put(old);
    return 0;
}
