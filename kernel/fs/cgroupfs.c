/* fs/cgroupfs.c: /sys/fs/cgroup as version 2 shows a container its own group: runtimes (JVM, Go,
 * .NET, node) read their limits there. There is one group, without limits of its own; nothing can
 * be set (Linux' Documentation/admin-guide/cgroup-v2). */
#include "core/boot.h"
#include "core/clock.h"
#include "core/cpu.h"
#include "fs/procfs.h"
#include "mm/frame.h"
#include "mm/heap.h"

enum { CGROUP2_MAGIC = 0x63677270, NSEC_PER_USEC = 1000 };

static int show_text(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%s", (const char *)self->entry->arg);
    return 0;
}
#define TEXT(n, s)                                                                                 \
    {                                                                                              \
        .name = n, .mode = S_IFREG | 0444, .show = show_text, .arg = (uintptr_t)(s)                \
    }

/* --- processes */

static int show_procs(struct text *text, const struct pseudo *self)
{
    for (int pid = proc_source ? proc_source->next(0) : 0; pid; pid = proc_source->next(pid))
        text_printf(text, "%d\n", pid);
    return 0;
}

/* Call fn for each thread; how many there were. */
static unsigned each_thread(struct text *text)
{
    unsigned n = 0;
    for (int pid = proc_source ? proc_source->next(0) : 0; pid; pid = proc_source->next(pid))
        for (int tid = proc_source->next_thread(pid, 0); tid;
             tid = proc_source->next_thread(pid, tid), n++)
            if (text)
                text_printf(text, "%d\n", tid);
    return n;
}

static int show_threads(struct text *text, const struct pseudo *self)
{
    each_thread(text);
    return 0;
}

static int show_thread_count(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%u\n", each_thread(NULL));
    return 0;
}

/* --- processors */

static int show_cpu_stat(struct text *text, const struct pseudo *self)
{
    uint64_t now = clock_monotonic(), busy = 0;
    for (unsigned i = 0; i < ncpus; i++)
        busy += now - MIN(cpus[i]->idle_ns, now);
    text_printf(text, "usage_usec %lu\nuser_usec %lu\nsystem_usec 0\n", busy / NSEC_PER_USEC,
                busy / NSEC_PER_USEC);
    text_printf(text,
                "nr_periods 0\nnr_throttled 0\nthrottled_usec 0\nnr_bursts 0\nburst_usec 0\n");
    return 0;
}

static int show_cpus(struct text *text, const struct pseudo *self)
{
    text_printf(text, ncpus > 1 ? "0-%u\n" : "%u\n", ncpus - 1);
    return 0;
}

/* --- memory */

static uint64_t used_bytes(void)
{
    struct frame_stats f;
    frame_get_stats(&f);
    return (f.total - f.free) * PAGE_SIZE;
}

static int show_memory_current(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%lu\n", used_bytes());
    return 0;
}

static int show_memory_stat(struct text *text, const struct pseudo *self)
{
    struct frame_stats f;
    frame_get_stats(&f);
    uint64_t anonymous = f.user * PAGE_SIZE, heap = heap_used();
    text_printf(text,
                "anon %lu\nfile 0\nkernel %lu\nkernel_stack 0\npagetables 0\npercpu 0\nsock 0\n"
                "shmem 0\nfile_mapped 0\nfile_dirty 0\nfile_writeback 0\nswapcached 0\n"
                "anon_thp 0\nfile_thp 0\nshmem_thp 0\ninactive_anon 0\nactive_anon %lu\n"
                "inactive_file 0\nactive_file 0\nunevictable 0\nslab_reclaimable 0\n"
                "slab_unreclaimable %lu\nslab %lu\npgfault 0\npgmajfault 0\n",
                anonymous, heap, anonymous, heap, heap);
    return 0;
}

static const char events[] = "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0\n";
static const char pressure[] = "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
                               "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n";

static const struct pseudo_entry table[] = {
    TEXT("cgroup.controllers", "cpuset cpu io memory pids\n"),
    TEXT("cgroup.subtree_control", ""),
    TEXT("cgroup.type", "domain\n"),
    TEXT("cgroup.events", "populated 1\nfrozen 0\n"),
    TEXT("cgroup.freeze", "0\n"),
    TEXT("cgroup.max.depth", "max\n"),
    TEXT("cgroup.max.descendants", "max\n"),
    TEXT("cgroup.stat", "nr_descendants 0\nnr_dying_descendants 0\n"),
    PSEUDO_FILE("cgroup.procs", show_procs),
    PSEUDO_FILE("cgroup.threads", show_threads),
    TEXT("cpu.max", "max 100000\n"),
    TEXT("cpu.max.burst", "0\n"),
    TEXT("cpu.weight", "100\n"),
    TEXT("cpu.weight.nice", "0\n"),
    TEXT("cpu.idle", "0\n"),
    TEXT("cpu.pressure", pressure),
    PSEUDO_FILE("cpu.stat", show_cpu_stat),
    TEXT("cpuset.cpus", "\n"),
    TEXT("cpuset.mems", "\n"),
    TEXT("cpuset.cpus.partition", "member\n"),
    PSEUDO_FILE("cpuset.cpus.effective", show_cpus),
    TEXT("cpuset.mems.effective", "0\n"),
    PSEUDO_FILE("memory.current", show_memory_current),
    PSEUDO_FILE("memory.peak", show_memory_current),
    PSEUDO_FILE("memory.stat", show_memory_stat),
    TEXT("memory.min", "0\n"),
    TEXT("memory.low", "0\n"),
    TEXT("memory.high", "max\n"),
    TEXT("memory.max", "max\n"),
    TEXT("memory.events", events),
    TEXT("memory.events.local", events),
    TEXT("memory.oom.group", "0\n"),
    TEXT("memory.pressure", pressure),
    TEXT("memory.swap.current", "0\n"),
    TEXT("memory.swap.high", "max\n"),
    TEXT("memory.swap.max", "max\n"),
    TEXT("memory.swap.events", "high 0\nmax 0\nfail 0\n"),
    PSEUDO_FILE("pids.current", show_thread_count),
    PSEUDO_FILE("pids.peak", show_thread_count),
    TEXT("pids.max", "max\n"),
    TEXT("pids.events", "max 0\n"),
    TEXT("io.stat", ""),
    TEXT("io.max", ""),
    TEXT("io.weight", "default 100\n"),
    TEXT("io.pressure", pressure),
};
static const struct pseudo_entry root = {
    .name = "",
    .mode = S_IFDIR | 0555,
    .table = table,
    .ntable = ARRAY_SIZE(table),
};

static void get_statfs(struct super *super, struct statfs_info *info)
{
    info->type = CGROUP2_MAGIC;
}

static int mount(const char *source, unsigned flags, const char *options, struct super **super);
static struct fs_type cgroup_type = {.name = "cgroup2", .nodev = true, .mount = mount};

static int mount(const char *source, unsigned flags, const char *options, struct super **super)
{
    int err = pseudo_mount(&cgroup_type, &root, super);
    if (err == 0) {
        (*super)->no_cache = false;
        (*super)->statfs = get_statfs;
    }
    return err;
}

static int start(void)
{
    fs_register(&cgroup_type);
    return 0;
}
BOOT_STEP(PHASE_BUS, "cgroup2", start);
