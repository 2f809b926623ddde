/* linux/limits.c: resource limits and use, and what the system says about itself. */
#include "core/boot.h"
#include "core/clock.h"
#include "core/tick.h"
#include "fs/cached.h"
#include "fs/procfs.h"
#include "lib/string.h"
#include "linux/path.h"
#include "linux/syscall.h"
#include "linux/task.h"
#include "linux/time.h"
#include "linux/timers.h"
#include "linux/usage.h"
#include "linux/uts.h"
#include "mm/frame.h"
#include "mm/shm.h"
#include "net/config.h"

/* --- limits --- */

/* Where a limit is kept twice. */
static void limit_changed(struct process *process, unsigned which)
{
    struct address_space *space = process->space;
    uint64_t soft = process->limits[which][0];

    if (!space)
        return; /* a zombie */
    switch (which) {
    case LIMIT_STACK:
        space->stack_limit = soft;
        break;
    case LIMIT_AS:
        space->as_limit = soft;
        break;
    case LIMIT_DATA:
        space->data_limit = soft;
        break;
    case LIMIT_CPU:
        timers_cpu_limit_changed(process);
        break;
    default:
        break;
    }
}

static int set_limit(struct process *process, unsigned which, const uint64_t set[2])
{
    if (set[0] > set[1])
        return -EINVAL;
    if (which == LIMIT_NOFILE && set[1] > FDS_MAX)
        return -EPERM;
    if (set[1] > process->limits[which][1] && !capable(CAP_SYS_RESOURCE))
        return -EPERM;
    mutex_lock(&process->lock);
    process->limits[which][0] = set[0];
    process->limits[which][1] = set[1];
    mutex_unlock(&process->lock);
    limit_changed(process, which);
    return 0;
}

static bool may_change(const struct process *process)
{
    const struct credentials *me = &current_task()->cred, *it;

    if (process == current_process() || capable(CAP_SYS_RESOURCE) || !process->leader)
        return true;
    it = &process->leader->cred;
    return me->uid == it->uid && me->uid == it->euid && me->uid == it->suid && me->gid == it->gid &&
           me->gid == it->egid && me->gid == it->sgid;
}

static int64_t prlimit(int pid, unsigned which, uintptr_t set_at, uintptr_t old_at)
{
    uint64_t set[2], old[2];
    struct process *process;
    struct task *task;
    int error = 0;

    if (set_at && user_read(set, set_at, sizeof(set)) < 0)
        return -EFAULT;
    mutex_lock(&tasks_lock); /* keeps the process */
    task = pid ? task_find(pid) : current_task();
    process = task ? task->process : NULL;
    if (!process || !may_change(process)) {
        mutex_unlock(&tasks_lock);
        return process ? -EPERM : -ESRCH;
    }
    if (which >= RLIMITS) {
        mutex_unlock(&tasks_lock);
        return -EINVAL;
    }
    memcpy(old, process->limits[which], sizeof(old));
    if (set_at)
        error = set_limit(process, which, set);
    mutex_unlock(&tasks_lock);
    if (!error && old_at && user_write(old_at, old, sizeof(old)) < 0)
        error = -EFAULT;
    return error;
}

SYSCALL(prlimit64, 4, SYSCALL_WHOLE, "")
{
    return prlimit((int)a0, (unsigned)a1, a2, a3);
}

SYSCALL(getrlimit, 2, SYSCALL_WHOLE, "")
{
    if (a0 >= RLIMITS)
        return -EINVAL;
    return user_write(a1, current_process()->limits[a0], 2 * sizeof(uint64_t));
}

SYSCALL(setrlimit, 2, SYSCALL_WHOLE, "")
{
    return a1 ? prlimit(0, (unsigned)a0, a1, 0) : -EFAULT;
}

/* --- use --- */

void usage_to_rusage(const struct usage *usage, struct rusage *out)
{
    *out = (struct rusage){
        .utime_sec = usage->time.user / NSEC_PER_SEC,
        .utime_usec = usage->time.user % NSEC_PER_SEC / NSEC_PER_USEC,
        .stime_sec = usage->time.system / NSEC_PER_SEC,
        .stime_usec = usage->time.system % NSEC_PER_SEC / NSEC_PER_USEC,
        .maxrss = (int64_t)usage->peak_pages * 4,
        .minflt = (int64_t)usage->faults,
        .nvcsw = (int64_t)usage->switches_voluntary,
        .nivcsw = (int64_t)usage->switches_forced,
    };
}

SYSCALL(getrusage, 2, SYSCALL_WHOLE, "")
{
    enum { SELF = 0, CHILDREN = -1, THREAD = 1 };
    struct process *process = current_process();
    struct task *task = current_task();
    struct usage usage;
    struct rusage out;

    process_usage(process, &usage);
    switch ((int)a0) {
    case SELF:
        break;
    case THREAD:
        usage.time = task_times(task);
        usage.faults = task->minor_faults;
        usage.switches_voluntary = task->thread.switches_voluntary;
        usage.switches_forced = task->thread.switches_forced;
        break;
    case CHILDREN:
        mutex_lock(&tasks_lock);
        usage = process->children_use;
        mutex_unlock(&tasks_lock);
        break;
    default:
        return -EINVAL;
    }
    usage_to_rusage(&usage, &out);
    return user_write(a1, &out, sizeof(out));
}

/* --- the system --- */

struct sysinfo {
    int64_t uptime;
    uint64_t loads[3], totalram, freeram, sharedram, bufferram, totalswap, freeswap;
    uint16_t procs, pad[3];
    uint64_t totalhigh, freehigh;
    uint32_t mem_unit, pad2;
};
enum { LOADS_SHIFT = 16 };
_Static_assert(sizeof(struct sysinfo) == 112, "uapi");

static bool count_threads(struct process *process, void *arg)
{
    *(unsigned *)arg += process->nthreads;
    return true;
}

SYSCALL(sysinfo, 1, SYSCALL_WHOLE, "")
{
    struct frame_stats frames;
    struct sysinfo info = {.mem_unit = 1};
    struct cached_stats cache;
    unsigned threads = 0;

    frame_get_stats(&frames);
    rcu_read_lock();
    process_each(count_threads, &threads);
    rcu_read_unlock();
    info.uptime = clock_monotonic() / NSEC_PER_SEC;
    tick_load(info.loads);
    for (int i = 0; i < 3; i++)
        info.loads[i] <<= LOADS_SHIFT - LOAD_SHIFT;
    info.totalram = frames.total << PAGE_SHIFT;
    info.freeram = frames.free << PAGE_SHIFT;
    info.sharedram = page_store_shmem << PAGE_SHIFT;
    if (cached) {
        cached->stats(&cache);
        info.bufferram = cache.pages << PAGE_SHIFT;
    }
    info.procs = (uint16_t)MIN(threads, 65535u);
    return user_write(a0, &info, sizeof(info));
}

struct uts uts = {
    .sysname = "Linux",
    .nodename = "osprey",
    .release = "6.1.0-osprey",
    .version = "#1 SMP Osprey",
    .machine = "x86_64",
    .domainname = "(none)",
};

static void set_hostname(const char *name)
{
    strlcpy(uts.nodename, name, sizeof(uts.nodename));
}

static int set_hostname_at_boot(void)
{
    const char *name = boot_param("hostname");

    if (name && *name)
        set_hostname(name);
    net_hostname_hook = set_hostname;
    return 0;
}
BOOT_STEP(PHASE_FS, "host name", set_hostname_at_boot);

/* PER: UNAME26: for programs that do not understand a version above 2.6 (man 2 personality). */
static void release_26(char *release)
{
    enum { LIKE_6_1 = 61 };
    const char *rest = strchr(uts.release, '-');

    snprintf(release, UTS_LEN + 1, "2.6.%d%s", LIKE_6_1, rest ?: "");
}

SYSCALL(uname, 1, SYSCALL_WHOLE, "")
{
    struct uts copy = uts;

    if (unlikely(current_personality(PERSONALITY_UNAME26)))
        release_26(copy.release);
    return user_write(a0, &copy, sizeof(copy));
}

static int set_name(char *name, uintptr_t from, uint64_t len)
{
    char copy[UTS_LEN];

    if (!capable(CAP_SYS_ADMIN))
        return -EPERM;
    if (len > UTS_LEN)
        return -EINVAL;
    if (user_read(copy, from, len) < 0)
        return -EFAULT;
    memcpy(name, copy, len);
    memset(name + len, 0, UTS_LEN + 1 - len);
    return 0;
}

static int show_name(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%s\n", (const char *)self->entry->arg);
    return 0;
}

static int store_name(const struct pseudo *self, const char *text, size_t len)
{
    char *name = (char *)self->entry->arg;
    const char *end = strchr(text, '\n');

    if (!capable(CAP_SYS_ADMIN))
        return -EPERM;
    len = MIN(end ? (size_t)(end - text) : strlen(text), (size_t)UTS_LEN);
    memcpy(name, text, len);
    memset(name + len, 0, UTS_LEN + 1 - len);
    return 0;
}

#define NAME_FILE(file, value)                                                                     \
    {                                                                                              \
        .name = (file), .mode = S_IFREG | 0644, .show = show_name, .store = store_name,            \
        .arg = (uintptr_t)(value)                                                                  \
    }
static const struct pseudo_entry name_files[] = {
    NAME_FILE("hostname", uts.nodename),
    NAME_FILE("domainname", uts.domainname),
};

static int register_names(void)
{
    static struct pseudo_group group = {name_files, ARRAY_SIZE(name_files), NULL};

    pseudo_register_group(proc_folder("sys/kernel"), &group);
    return 0;
}
BOOT_STEP(PHASE_FS, "/proc/sys/kernel names", register_names);

SYSCALL(sethostname, 2, SYSCALL_WHOLE, "")
{
    return set_name(uts.nodename, a0, a1);
}

SYSCALL(setdomainname, 2, SYSCALL_WHOLE, "")
{
    return set_name(uts.domainname, a0, a1);
}
