/* fs/proc_sys.c: /proc/sys: the values that programs look up. A number that may be written is only
 * kept, except pipe-max-size, which the pipes obey. */
#include "core/boot.h"
#include "core/log.h"
#include "core/random.h"
#include "fs/dentry.h"
#include "fs/lease.h"
#include "fs/mount.h"
#include "fs/pipe.h"
#include "fs/cached.h"
#include "fs/procfs.h"
#include "lib/sanitize.h"
#include "lib/string.h"
#include "mm/hugetlb.h"

/* --- kinds of values: entry->arg is a number, or the address of one or of a string */

static int show_constant(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%lu\n", self->entry->arg);
    return 0;
}

static int show_string(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%s\n", (const char *)self->entry->arg);
    return 0;
}

static int show_variable(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%u\n", *(unsigned *)self->entry->arg);
    return 0;
}

static int store_variable(const struct pseudo *self, const char *text, size_t len)
{
    uint64_t value;
    if (proc_parse_u64(text, len, 10, UINT32_MAX, &value) < 0)
        return -EINVAL;
    *(unsigned *)self->entry->arg = value;
    return 0;
}

#define CONSTANT(n, v)                                                                             \
    {                                                                                              \
        .name = n, .mode = S_IFREG | 0444, .show = show_constant, .arg = (v)                       \
    }
#define STRING(n, v)                                                                               \
    {                                                                                              \
        .name = n, .mode = S_IFREG | 0444, .show = show_string, .arg = (uintptr_t)(v)              \
    }
#define VARIABLE(n, v)                                                                             \
    {                                                                                              \
        .name = n, .mode = S_IFREG | 0644, .show = show_variable, .store = store_variable,         \
        .arg = (uintptr_t) & (v)                                                                   \
    }
#define FOLDER(n, t)                                                                               \
    {                                                                                              \
        .name = n, .mode = S_IFDIR | 0555, .table = t, .ntable = ARRAY_SIZE(t)                     \
    }

/* --- kernel */

static void show_uuid(struct text *text, const uint8_t id[16])
{
    for (unsigned i = 0; i < 16; i++)
        text_printf(text, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", id[i]);
    text_printf(text, "\n");
}

/* A random one as RFC 4122, 4.4 has it. */
static void make_uuid(uint8_t id[16])
{
    random_bytes(id, 16);
    id[6] = (id[6] & 0x0f) | 0x40;
    id[8] = (id[8] & 0x3f) | 0x80;
}

static int show_random_uuid(struct text *text, const struct pseudo *self)
{
    uint8_t id[16];
    make_uuid(id);
    show_uuid(text, id);
    return 0;
}

static int show_boot_id(struct text *text, const struct pseudo *self)
{
    static uint8_t id[16];
    static struct mutex lock;
    mutex_lock(&lock);
    if (!id[6])
        make_uuid(id);
    mutex_unlock(&lock);
    show_uuid(text, id);
    return 0;
}

static int show_printk(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%d\t4\t1\t7\n", log_level);
    return 0;
}

static int show_randomize(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%d\n", boot_param("norandmaps") ? 0 : 2);
    return 0;
}

static const struct pseudo_entry random_table[] = {
    PSEUDO_FILE("boot_id", show_boot_id),    PSEUDO_FILE("uuid", show_random_uuid),
    CONSTANT("entropy_avail", 256),          CONSTANT("poolsize", 256),
    CONSTANT("write_wakeup_threshold", 256), CONSTANT("urandom_min_reseed_secs", 60),
};

static unsigned sysctl_panic, dmesg_restrict, kptr_restrict, perf_paranoid = 2;

static const struct pseudo_entry kernel_table[] = {
    STRING("ostype", "Linux"),
    STRING("osrelease", KERNEL_RELEASE),
    STRING("version", KERNEL_VERSION),
    CONSTANT("pid_max", 4194304),
    CONSTANT("threads-max", 1048576),
    CONSTANT("cap_last_cap", 40),
    CONSTANT("ngroups_max", 65536),
    CONSTANT("overflowuid", 65534),
    CONSTANT("overflowgid", 65534),
    CONSTANT("tainted", 0),
    CONSTANT("sched_rr_timeslice_ms", 100),
    PSEUDO_FILE("printk", show_printk),
    PSEUDO_FILE("randomize_va_space", show_randomize),
    VARIABLE("panic", sysctl_panic),
    VARIABLE("dmesg_restrict", dmesg_restrict),
    VARIABLE("kptr_restrict", kptr_restrict),
    VARIABLE("perf_event_paranoid", perf_paranoid),
    FOLDER("random", random_table),
};

/* --- vm */

static unsigned overcommit = 1, overcommit_ratio = 50, swappiness = 60, max_map_count = 65530,
                nr_hugepages, panic_on_oom, min_free_kbytes = 1024, cache_pressure = 100,
                drop_caches;

static int show_hugepages(struct text *text, const struct pseudo *self)
{
    struct hugetlb_stats stats;
    hugetlb_get_stats(&stats);
    text_printf(text, "%lu\n", stats.total);
    return 0;
}

static int store_hugepages(const struct pseudo *self, const char *text, size_t len)
{
    int err = store_variable(self, text, len);
    if (err == 0)
        hugetlb_resize(nr_hugepages);
    return err;
}

struct dirty_settings dirty_settings = {
    .ratio = 20, .background_ratio = 10, .expire_centisecs = 3000, .writeback_centisecs = 500};

/* A share of memory or bytes: the one that is set last counts, the other one says 0. */
static int store_dirty(const struct pseudo *self, const char *text, size_t len)
{
    struct dirty_settings *s = &dirty_settings;
    unsigned *set = (unsigned *)self->entry->arg, old = *set;
    bool bytes = set == &s->bytes || set == &s->background_bytes;
    int err = store_variable(self, text, len);
    if (err == 0 && (bytes ? *set && *set < 2 * PAGE_SIZE : *set > 100)) {
        *set = old;
        err = -EINVAL;
    }
    if (err == 0 && *set != old) {
        if (set == &s->bytes || set == &s->ratio)
            *(bytes ? &s->ratio : &s->bytes) = 0;
        else
            *(bytes ? &s->background_ratio : &s->background_bytes) = 0;
    }
    return err;
}
#define DIRTY(n, v)                                                                                \
    {                                                                                              \
        .name = n, .mode = S_IFREG | 0644, .show = show_variable, .store = store_dirty,            \
        .arg = (uintptr_t) & (dirty_settings.v)                                                    \
    }

/* man 5 proc: 1 the page cache, 2 names. */
static int store_drop_caches(const struct pseudo *self, const char *text, size_t len)
{
    unsigned old = drop_caches;
    int err = store_variable(self, text, len);
    if (err < 0)
        return err;
    if (drop_caches < 1 || drop_caches > 4) {
        drop_caches = old;
        return -EINVAL;
    }
    if (drop_caches & 1 && cached)
        cached->drop();
    if (drop_caches & 2)
        dentry_drop();
    if (SANITIZED)
        sanitize_heap_drain(); /* what is only kept to be looked at is not in use */
    return 0;
}

static const struct pseudo_entry vm_table[] = {
    VARIABLE("overcommit_memory", overcommit),
    VARIABLE("overcommit_ratio", overcommit_ratio),
    VARIABLE("max_map_count", max_map_count),
    VARIABLE("swappiness", swappiness),
    {
        .name = "nr_hugepages",
        .mode = S_IFREG | 0644,
        .show = show_hugepages,
        .store = store_hugepages,
        .arg = (uintptr_t)&nr_hugepages,
    },
    CONSTANT("nr_overcommit_hugepages", 0),
    CONSTANT("hugetlb_shm_group", 0),
    VARIABLE("panic_on_oom", panic_on_oom),
    DIRTY("dirty_ratio", ratio),
    DIRTY("dirty_background_ratio", background_ratio),
    DIRTY("dirty_bytes", bytes),
    DIRTY("dirty_background_bytes", background_bytes),
    VARIABLE("dirty_expire_centisecs", dirty_settings.expire_centisecs),
    VARIABLE("dirty_writeback_centisecs", dirty_settings.writeback_centisecs),
    VARIABLE("min_free_kbytes", min_free_kbytes),
    VARIABLE("vfs_cache_pressure", cache_pressure),
    {
        .name = "drop_caches",
        .mode = S_IFREG | 0200,
        .show = show_variable,
        .store = store_drop_caches,
        .arg = (uintptr_t)&drop_caches,
    },
    CONSTANT("mmap_min_addr", USER_MIN),
    CONSTANT("overcommit_kbytes", 0),
    CONSTANT("zone_reclaim_mode", 0),
    CONSTANT("legacy_va_layout", 0),
};

/* --- fs */

static unsigned nr_open = 1048576, pipe_pages_soft = 16384, pipe_pages_hard;
static unsigned watches_max = 65536, instances_max = 128, queued_max = 16384;
static unsigned epoll_watches = 1 << 20;

static int show_file_nr(struct text *text, const struct pseudo *self)
{
    text_printf(text, "0\t0\t9223372036854775807\n");
    return 0;
}

static int store_pipe_max(const struct pseudo *self, const char *text, size_t len)
{
    unsigned old = pipe_max_size, rounded = PAGE_SIZE;
    int err = store_variable(self, text, len);
    if (err < 0)
        return err;
    if (pipe_max_size < PAGE_SIZE || pipe_max_size > 1u << 31) {
        pipe_max_size = old;
        return -EINVAL;
    }
    while (rounded < pipe_max_size)
        rounded <<= 1;
    pipe_max_size = rounded;
    return 0;
}

static const struct pseudo_entry inotify_table[] = {
    VARIABLE("max_user_watches", watches_max),
    VARIABLE("max_user_instances", instances_max),
    VARIABLE("max_queued_events", queued_max),
};
static const struct pseudo_entry epoll_table[] = {VARIABLE("max_user_watches", epoll_watches)};
static const struct pseudo_entry fs_table[] = {
    CONSTANT("file-max", 9223372036854775807),
    PSEUDO_FILE("file-nr", show_file_nr),
    VARIABLE("nr_open", nr_open),
    VARIABLE("mount-max", mount_max),
    {
        .name = "pipe-max-size",
        .mode = S_IFREG | 0644,
        .show = show_variable,
        .store = store_pipe_max,
        .arg = (uintptr_t)&pipe_max_size,
    },
    VARIABLE("pipe-user-pages-soft", pipe_pages_soft),
    VARIABLE("pipe-user-pages-hard", pipe_pages_hard),
    VARIABLE("lease-break-time", lease_break_time),
    VARIABLE("leases-enable", leases_enabled),
    CONSTANT("protected_hardlinks", 0),
    CONSTANT("protected_symlinks", 0),
    CONSTANT("protected_regular", 0),
    CONSTANT("protected_fifos", 0),
    FOLDER("inotify", inotify_table),
    FOLDER("epoll", epoll_table),
};

static struct pseudo_entry sys = {.name = "sys", .mode = S_IFDIR | 0555, .flags = INODE_BY_MODE};
static struct pseudo_entry folders[] = {
    FOLDER("kernel", kernel_table),
    FOLDER("vm", vm_table),
    FOLDER("fs", fs_table),
};

static int start(void)
{
    proc_register(&sys);
    for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
        pseudo_register(&sys, &folders[i]);
    return 0;
}
BOOT_STEP(PHASE_BUS, "proc sys", start);
