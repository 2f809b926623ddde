/* fs/proc_lists.c: files of /proc that are short here, in the form that programs parse: memory by
 * zones, pressure, consoles, soft interrupts (man 5 proc). */
#include "core/boot.h"
#include "core/cpu.h"
#include "core/log.h"
#include "fs/procfs.h"
#include "lib/string.h"
#include "mm/frame.h"

enum { ORDERS = 11 };

static int show_text(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%s", (const char *)self->entry->arg);
    return 0;
}
#define TEXT(n, s)                                                                                 \
    {                                                                                              \
        .name = n, .mode = S_IFREG | 0444, .show = show_text, .arg = (uintptr_t)(s)                \
    }

/* All free memory as if in the largest blocks: how it lies is not counted. */
static int show_buddyinfo(struct text *text, const struct pseudo *self)
{
    struct frame_stats f;
    frame_get_stats(&f);
    uint64_t left = f.free;
    text_printf(text, "Node 0, zone   Normal ");
    for (unsigned order = 0; order < ORDERS; order++) {
        bool last = order == ORDERS - 1;
        uint64_t blocks = last ? left >> order : left >> order & 1;
        text_printf(text, "%6lu ", blocks);
        left -= blocks << order;
    }
    text_printf(text, "\n");
    return 0;
}

static int show_zoneinfo(struct text *text, const struct pseudo *self)
{
    struct frame_stats f;
    frame_get_stats(&f);
    text_printf(text,
                "Node 0, zone   Normal\n  per-node stats\n      nr_inactive_anon 0\n"
                "      nr_active_anon %lu\n      nr_inactive_file 0\n      nr_active_file 0\n"
                "      nr_anon_pages %lu\n      nr_mapped    0\n      nr_file_pages 0\n"
                "      nr_dirty     0\n      nr_writeback 0\n      nr_shmem     0\n",
                f.user, f.user);
    text_printf(text,
                "  pages free     %lu\n        boost    0\n        min      256\n"
                "        low      320\n        high     384\n        spanned  %lu\n"
                "        present  %lu\n        managed  %lu\n        cma      0\n"
                "        protection: (0, 0, 0, 0, 0)\n      nr_free_pages %lu\n  pagesets\n",
                f.free, f.total, f.total, f.total, f.free);
    for (unsigned i = 0; i < ncpus; i++)
        text_printf(text,
                    "    cpu: %u\n              count: 0\n              high:  0\n"
                    "              batch: 1\n",
                    i);
    text_printf(text, "  node_unreclaimable:  0\n  start_pfn:           1\n");
    return 0;
}

static int show_softirqs(struct text *text, const struct pseudo *self)
{
    static const char *const names[] = {"HI",       "TIMER",   "NET_TX", "NET_RX",  "BLOCK",
                                        "IRQ_POLL", "TASKLET", "SCHED",  "HRTIMER", "RCU"};
    text_printf(text, "                    ");
    for (unsigned i = 0; i < ncpus; i++)
        text_printf(text, "CPU%-8u", i);
    for (unsigned n = 0; n < ARRAY_SIZE(names); n++) {
        text_printf(text, "\n%12s:", names[n]);
        for (unsigned i = 0; i < ncpus; i++)
            text_printf(text, " %10u", 0);
    }
    text_printf(text, "\n");
    return 0;
}

static int show_schedstat(struct text *text, const struct pseudo *self)
{
    text_printf(text, "version 15\ntimestamp %lu\n", 0ul);
    for (unsigned i = 0; i < ncpus; i++)
        text_printf(text, "cpu%u 0 0 0 0 0 0 0 0 0\n", i);
    return 0;
}

/* A letter for the kernel. Syncing has nothing to do; help and the rest are told on the console. */
static int store_sysrq(const struct pseudo *self, const char *s, size_t len)
{
    if (!len)
        return -EINVAL;
    log_info("sysrq: '%c' has no effect here", *s);
    return 0;
}

static const char cgroups[] = "#subsys_name\thierarchy\tnum_cgroups\tenabled\n"
                              "cpuset\t0\t1\t1\ncpu\t0\t1\t1\nio\t0\t1\t1\nmemory\t0\t1\t1\n"
                              "pids\t0\t1\t1\n";
static const char pressure[] = "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
                               "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n";
static const char slabinfo[] =
    "slabinfo - version: 2.1\n# name            <active_objs> <num_objs> <objsize> <objperslab> "
    "<pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> "
    "<num_slabs> <sharedavail>\n";

static const struct pseudo_entry pressure_table[] = {
    TEXT("cpu", pressure),
    TEXT("memory", pressure),
    TEXT("io", pressure),
};
static struct pseudo_entry pressure_folder = {
    .name = "pressure",
    .mode = S_IFDIR | 0555,
    .table = pressure_table,
    .ntable = ARRAY_SIZE(pressure_table),
};
static struct pseudo_entry files[] = {
    PSEUDO_FILE("buddyinfo", show_buddyinfo),
    PSEUDO_FILE("zoneinfo", show_zoneinfo),
    PSEUDO_FILE("softirqs", show_softirqs),
    PSEUDO_FILE("schedstat", show_schedstat),
    TEXT("cgroups", cgroups),
    TEXT("consoles", "ttyS0                -W- (EC   p  )    4:64\n"),
    TEXT("execdomains", "0-0\tLinux           \t[kernel]\n"),
    TEXT("kallsyms", ""),
    TEXT("fb", ""),
    TEXT("crypto", ""),
    TEXT("dma", " 4: cascade\n"),
    {.name = "slabinfo", .mode = S_IFREG | 0400, .show = show_text, .arg = (uintptr_t)slabinfo},
    {.name = "sysrq-trigger", .mode = S_IFREG | 0200, .store = store_sysrq},
};

static int start(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        proc_register(&files[i]);
    proc_register(&pressure_folder);
    return 0;
}
BOOT_STEP(PHASE_BUS, "proc lists", start);
