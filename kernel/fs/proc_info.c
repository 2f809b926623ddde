/* fs/proc_info.c: the general files of /proc: memory, load, devices, and lists that are short here.
 */
#include "core/boot.h"
#include "core/cpu.h"
#include "core/thread.h"
#include "core/tick.h"
#include "fs/cached.h"
#include "fs/devfs.h"
#include "fs/procfs.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/hugetlb.h"
#include "mm/shm.h"

enum { TICK_NS = 10000000 }; /* USER_HZ is 100 */

static void show_pool(struct text *text)
{
    struct hugetlb_stats pool;
    hugetlb_get_stats(&pool);
    text_printf(text,
                "HugePages_Total:   %5lu\nHugePages_Free:    %5lu\n"
                "HugePages_Rsvd:    %5u\nHugePages_Surp:    %5u\n",
                pool.total, pool.free, 0, 0);
}

static unsigned long hugetlb_kb(void)
{
    struct hugetlb_stats pool;
    hugetlb_get_stats(&pool);
    return pool.total * (HUGE_SIZE / 1024);
}

static struct cached_stats cached_now(void)
{
    struct cached_stats stats = {};
    if (cached)
        cached->stats(&stats);
    return stats;
}

static unsigned count_threads(void)
{
    unsigned n = 0;

    for (int pid = 0; proc_source && (pid = proc_source->next(pid));)
        for (int tid = 0; (tid = proc_source->next_thread(pid, tid));)
            n++;
    return n;
}

static int show_meminfo(struct text *text, const struct pseudo *self)
{
    struct frame_stats f;
    frame_get_stats(&f);
    struct cached_stats c = cached_now();
    f.user -= MIN(c.pages, f.user);
    unsigned long kb = PAGE_SIZE / 1024, heap = heap_used() / 1024;
    unsigned long used = f.total - f.free, shmem = page_store_shmem * kb;
    const struct {
        const char *name;
        unsigned long value;
    } lines[] = {
        {"MemTotal:", f.total * kb},
        {"MemFree:", f.free * kb},
        {"MemAvailable:", (f.free + c.pages - MIN(c.pages, c.dirty + c.writing)) * kb},
        {"Buffers:", c.pages * kb},
        {"Cached:", shmem},
        {"SwapCached:", 0},
        {"Active:", f.user * kb},
        {"Inactive:", 0},
        {"Active(anon):", f.user * kb},
        {"Inactive(anon):", 0},
        {"Active(file):", c.pages * kb},
        {"Inactive(file):", 0},
        {"Unevictable:", 0},
        {"Mlocked:", 0},
        {"SwapTotal:", 0},
        {"SwapFree:", 0},
        {"Dirty:", c.dirty * kb},
        {"Writeback:", c.writing * kb},
        {"AnonPages:", f.user * kb - MIN(shmem, f.user * kb)},
        {"Mapped:", 0},
        {"Shmem:", shmem},
        {"KReclaimable:", 0},
        {"Slab:", heap},
        {"SReclaimable:", 0},
        {"SUnreclaim:", heap},
        {"KernelStack:", count_threads() * (KSTACK_SIZE / 1024)},
        {"PageTables:", 0},
        {"NFS_Unstable:", 0},
        {"Bounce:", 0},
        {"WritebackTmp:", 0},
        {"CommitLimit:", f.total * kb},
        {"Committed_AS:", used * kb},
        {"VmallocTotal:", (1ul << 35) - 1},
        {"VmallocUsed:", 0},
        {"VmallocChunk:", 0},
        {"Percpu:", 0},
        {"AnonHugePages:", 0},
        {"Hugepagesize:", HUGE_SIZE / 1024},
        {"Hugetlb:", hugetlb_kb()},
        {"DirectMap4k:", 0},
        {"DirectMap2M:", f.total * kb},
    };
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        if (strcmp(lines[i].name, "Hugepagesize:") == 0)
            show_pool(text);
        text_printf(text, "%-15s %8lu kB\n", lines[i].name, lines[i].value);
    }
    return 0;
}

static int show_slabinfo(struct text *text, const struct pseudo *self)
{
    struct kcache_stats c;
    text_printf(text,
                "slabinfo - version: 2.1\n# name            <active_objs> <num_objs> <objsize> "
                "<objperslab> <pagesperslab> : tunables <limit> <batchcount> <sharedfactor> "
                ": slabdata <active_slabs> <num_slabs> <sharedavail>\n");
    for (unsigned i = 0; heap_cache_stats(i, &c); i++) {
        char name[32];
        snprintf(name, sizeof(name), strcmp(c.name, "kmalloc") ? "%s" : "%s-%lu", c.name, c.size);
        text_printf(text, "%-17s %6lu %6lu %6lu %4u %4u : tunables 0 0 0 : slabdata %6lu %6lu 0\n",
                    name, c.used, c.slabs * c.per_slab, c.size, c.per_slab, c.pages_per_slab,
                    c.slabs, c.slabs);
    }
    return 0;
}

/* Of a CPU, or all of them, in ticks. */
struct cpu_use {
    uint64_t program, kernel, idle;
};

/* Busy time is split as core/tick.h has seen it. */
static struct cpu_use cpu_use(const struct cpu *cpu)
{
    uint64_t now = clock_monotonic(), idle_ns = MIN(cpu->idle_ns, now);
    uint64_t busy = (now - idle_ns) / TICK_NS;
    uint64_t looks = cpu->ticks_program + cpu->ticks_kernel;
    uint64_t kernel = looks ? busy * cpu->ticks_kernel / looks : 0;
    return (struct cpu_use){busy - kernel, kernel, idle_ns / TICK_NS};
}

static struct proc_totals totals(void)
{
    struct proc_totals t = {};
    if (proc_source)
        proc_source->totals(&t);
    return t;
}

static void show_cpu(struct text *text, const char *name, const struct cpu_use *use)
{
    text_printf(text, "%s %lu 0 %lu %lu 0 0 0 0 0 0\n", name, use->program, use->kernel, use->idle);
}

static int show_stat(struct text *text, const struct pseudo *self)
{
    struct proc_totals t = totals();
    struct cpu_use use, all = {};
    uint64_t irqs = 0;
    char name[16];
    for (unsigned i = 0; i < ncpus; i++) {
        use = cpu_use(cpus[i]);
        all.program += use.program;
        all.kernel += use.kernel;
        all.idle += use.idle;
        irqs += cpus[i]->irq_count;
    }
    show_cpu(text, "cpu ", &all);
    for (unsigned i = 0; i < ncpus; i++) {
        use = cpu_use(cpus[i]);
        snprintf(name, sizeof(name), "cpu%u", i);
        show_cpu(text, name, &use);
    }
    nsec_t boot = clock_realtime() - clock_monotonic();
    text_printf(text, "intr %lu\nctxt %lu\nbtime %lu\nprocesses %lu\nprocs_running %u\n", irqs,
                t.switches, (uint64_t)boot / 1000000000, t.forks, sched_runnable());
    text_printf(text, "procs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n");
    return 0;
}

static int show_uptime(struct text *text, const struct pseudo *self)
{
    uint64_t up = clock_monotonic() / TICK_NS, idle = 0;
    for (unsigned i = 0; i < ncpus; i++)
        idle += cpus[i]->idle_ns / TICK_NS;
    text_printf(text, "%lu.%02lu %lu.%02lu\n", up / 100, up % 100, idle / 100, idle % 100);
    return 0;
}

static int show_loadavg(struct text *text, const struct pseudo *self)
{
    unsigned running = sched_runnable();
    unsigned threads = count_threads();
    uint64_t loads[3];
    tick_load(loads);
    for (int i = 0; i < 3; i++) {
        uint64_t hundredths = ((loads[i] * 100) + (1 << LOAD_SHIFT) / 2) >> LOAD_SHIFT;
        text_printf(text, "%lu.%02lu ", hundredths / 100, hundredths % 100);
    }
    text_printf(text, "%u/%u %d\n", running, MAX(running, threads), totals().last);
    return 0;
}

static int show_version(struct text *text, const struct pseudo *self)
{
    text_printf(text, "Linux version " KERNEL_RELEASE " (osprey) " KERNEL_VERSION "\n");
    return 0;
}

static int show_filesystems(struct text *text, const struct pseudo *self)
{
    for (const struct fs_type *t = fs_first(); t; t = t->next)
        text_printf(text, "%s\t%s\n", t->nodev ? "nodev" : "", t->name);
    return 0;
}

static void show_word(const char *word, void *text)
{
    const char *quote = !*word || strchr(word, ' ') ? "\"" : "";

    text_printf(text, "%s%s%s%s", ((struct text *)text)->len ? " " : "", quote, word, quote);
}

static int show_cmdline(struct text *text, const struct pseudo *self)
{
    boot_cmdline_each(show_word, text);
    text_printf(text, "\n");
    return 0;
}

static int show_devices(struct text *text, const struct pseudo *self)
{
    text_printf(text, "Character devices:\n  1 mem\n  4 ttyS\n  5 /dev/tty\n  5 /dev/console\n"
                      "  5 /dev/ptmx\n 10 misc\n136 pts\n\nBlock devices:\n");
    unsigned last = 0; /* of a driver, devices are registered one after the other */
    for (const struct device *d = device_first(); d; d = d->next)
        if (d->driver && dev_major(d->rdev) != last) {
            last = dev_major(d->rdev);
            text_printf(text, "%3u %s\n", last, d->driver);
        }
    return 0;
}

static int show_interrupts(struct text *text, const struct pseudo *self)
{
    text_printf(text, "    ");
    for (unsigned i = 0; i < ncpus; i++)
        text_printf(text, "       CPU%-4u", i);
    text_printf(text, "\nALL:");
    for (unsigned i = 0; i < ncpus; i++)
        text_printf(text, " %10lu", cpus[i]->irq_count);
    text_printf(text, "   All interrupts\n");
    return 0;
}

static int show_vmstat(struct text *text, const struct pseudo *self)
{
    struct frame_stats f;
    frame_get_stats(&f);
    struct cached_stats c = cached_now();
    unsigned long shmem = page_store_shmem;
    text_printf(
        text,
        "nr_free_pages %lu\nnr_anon_pages %lu\nnr_mapped 0\nnr_file_pages %lu\nnr_dirty %lu\n"
        "nr_writeback %lu\nnr_shmem %lu\npgpgin 0\npgpgout 0\npswpin 0\npswpout 0\npgfault %lu\n"
        "pgmajfault 0\noom_kill 0\n",
        f.free, f.user - MIN(c.pages + shmem, f.user), c.pages + shmem, c.dirty, c.writing, shmem,
        totals().faults);
    return 0;
}

static int show_swaps(struct text *text, const struct pseudo *self)
{
    text_printf(text, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
    return 0;
}

static int show_nothing(struct text *text, const struct pseudo *self)
{
    return 0;
}

static struct pseudo_entry files[] = {
    {.name = "slabinfo", .mode = S_IFREG | 0400, .show = show_slabinfo},
    PSEUDO_FILE("meminfo", show_meminfo),
    PSEUDO_FILE("stat", show_stat),
    PSEUDO_FILE("uptime", show_uptime),
    PSEUDO_FILE("loadavg", show_loadavg),
    PSEUDO_FILE("version", show_version),
    PSEUDO_FILE("filesystems", show_filesystems),
    PSEUDO_FILE("cmdline", show_cmdline),
    PSEUDO_FILE("devices", show_devices),
    PSEUDO_FILE("interrupts", show_interrupts),
    PSEUDO_FILE("vmstat", show_vmstat),
    PSEUDO_FILE("swaps", show_swaps),
    PSEUDO_FILE("misc", show_nothing),
    PSEUDO_FILE("modules", show_nothing),
};

static int start(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        proc_register(&files[i]);
    return 0;
}
BOOT_STEP(PHASE_BUS, "proc files", start);
