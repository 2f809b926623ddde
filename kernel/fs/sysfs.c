/* fs/sysfs.c: /sys: processors, memory nodes, and the folders that programs expect to find. */
#include "fs/sysfs.h"

#include "core/cpu.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/hugetlb.h"

enum { SYSFS_MAGIC = 0x62656572 };

#define FOLDER(n, t)                                                                               \
    {                                                                                              \
        .name = n, .mode = S_IFDIR | 0755, .table = t, .ntable = ARRAY_SIZE(t)                     \
    }
#define EMPTY(n)                                                                                   \
    {                                                                                              \
        .name = n, .mode = S_IFDIR | 0755                                                          \
    }

static int show_text(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%s\n", (const char *)self->entry->arg);
    return 0;
}
#define TEXT(n, s)                                                                                 \
    {                                                                                              \
        .name = n, .mode = S_IFREG | 0444, .show = show_text, .arg = (uintptr_t)(s)                \
    }

/* --- processors */

static bool is_online(unsigned id)
{
    return atomic_load_explicit(&cpus[id]->online, memory_order_relaxed);
}

/* "0-3,6" */
static int show_online(struct text *text, const struct pseudo *self)
{
    const char *comma = "";
    for (unsigned first = 0; first < ncpus; first++) {
        if (!is_online(first))
            continue;
        unsigned last = first;
        while (last + 1 < ncpus && is_online(last + 1))
            last++;
        text_printf(text, last > first ? "%s%u-%u" : "%s%u", comma, first, last);
        comma = ",";
        first = last;
    }
    text_printf(text, "\n");
    return 0;
}

static int show_all_cpus(struct text *text, const struct pseudo *self)
{
    text_printf(text, ncpus > 1 ? "0-%u\n" : "%u\n", ncpus - 1);
    return 0;
}

static int show_kernel_max(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%d\n", CPUS_MAX - 1);
    return 0;
}

static int show_self_cpu(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%lu\n", self->key - 1);
    return 0;
}

static uint64_t mask_of(bool all, uint64_t key)
{
    uint64_t every = ncpus < 64 ? (1ull << ncpus) - 1 : ~0ull;
    return all ? every : 1ull << (key - 1);
}

/* As many groups of 32 bits as there are processors for. */
static void show_mask(struct text *text, uint64_t mask)
{
    if (ncpus > 32)
        text_printf(text, "%08x,", (uint32_t)(mask >> 32));
    int digits = ncpus > 32 ? 8 : (ncpus + 3) / 4;
    text_printf(text, "%0*x\n", digits, (uint32_t)mask);
}

static int show_one_mask(struct text *text, const struct pseudo *self)
{
    show_mask(text, mask_of(false, self->key));
    return 0;
}

static int show_all_mask(struct text *text, const struct pseudo *self)
{
    show_mask(text, mask_of(true, 0));
    return 0;
}

/* Every processor is a core of one package. */
static const struct pseudo_entry topology_table[] = {
    PSEUDO_FILE("core_id", show_self_cpu),
    TEXT("physical_package_id", "0"),
    TEXT("die_id", "0"),
    PSEUDO_FILE("thread_siblings", show_one_mask),
    PSEUDO_FILE("thread_siblings_list", show_self_cpu),
    PSEUDO_FILE("core_cpus", show_one_mask),
    PSEUDO_FILE("core_cpus_list", show_self_cpu),
    PSEUDO_FILE("core_siblings", show_all_mask),
    PSEUDO_FILE("core_siblings_list", show_all_cpus),
    PSEUDO_FILE("package_cpus", show_all_mask),
    PSEUDO_FILE("package_cpus_list", show_all_cpus),
};

/* One cache each as most processors have them (CPUID's details are not passed on). */
static const struct pseudo_entry l1d_table[] = {
    TEXT("level", "1"),
    TEXT("type", "Data"),
    TEXT("size", "32K"),
    TEXT("coherency_line_size", "64"),
    TEXT("ways_of_associativity", "8"),
    TEXT("number_of_sets", "64"),
    PSEUDO_FILE("shared_cpu_list", show_self_cpu),
    PSEUDO_FILE("shared_cpu_map", show_one_mask),
};
static const struct pseudo_entry l1i_table[] = {
    TEXT("level", "1"),
    TEXT("type", "Instruction"),
    TEXT("size", "32K"),
    TEXT("coherency_line_size", "64"),
    TEXT("ways_of_associativity", "8"),
    TEXT("number_of_sets", "64"),
    PSEUDO_FILE("shared_cpu_list", show_self_cpu),
    PSEUDO_FILE("shared_cpu_map", show_one_mask),
};
static const struct pseudo_entry cache_table[] = {
    FOLDER("index0", l1d_table),
    FOLDER("index1", l1i_table),
};

static int show_is_online(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%d\n", is_online(self->key - 1));
    return 0;
}

static const struct pseudo_entry cpu_table[] = {
    PSEUDO_FILE("online", show_is_online),
    FOLDER("topology", topology_table),
    FOLDER("cache", cache_table),
};
static const struct pseudo_entry cpu_dir = FOLDER("cpu", cpu_table);

/* Numbers of processors count from 1 here. */
static bool next_cpu(const struct pseudo *self, uint64_t *cursor, char name[NAME_MAX + 1],
                     struct pseudo *child)
{
    if (*cursor >= ncpus)
        return false;
    snprintf(name, NAME_MAX + 1, "cpu%lu", *cursor);
    *cursor += 1;
    *child = (struct pseudo){&cpu_dir, *cursor, 0};
    return true;
}

static int lookup_cpu(const struct pseudo *self, const char *name, struct pseudo *child)
{
    uint64_t id = 0;
    if (strncmp(name, "cpu", 3) != 0 || (name[3] == '0' && name[4]) || strlen(name) > 6 ||
        parse_u64(name + 3, 10, &id) < 0 || !name[3] || id >= ncpus)
        return -ENOENT;
    *child = (struct pseudo){&cpu_dir, id + 1, 0};
    return 0;
}

static const struct pseudo_entry cpus_table[] = {
    PSEUDO_FILE("online", show_online),
    PSEUDO_FILE("possible", show_all_cpus),
    PSEUDO_FILE("present", show_all_cpus),
    TEXT("offline", ""),
    TEXT("isolated", ""),
    PSEUDO_FILE("kernel_max", show_kernel_max),
};

/* --- memory nodes: one */

static int show_node_meminfo(struct text *text, const struct pseudo *self)
{
    struct frame_stats f;
    frame_get_stats(&f);
    unsigned long kb = PAGE_SIZE / 1024;
    text_printf(text, "Node 0 MemTotal:       %8lu kB\n", f.total * kb);
    text_printf(text, "Node 0 MemFree:        %8lu kB\n", f.free * kb);
    text_printf(text, "Node 0 MemUsed:        %8lu kB\n", (f.total - f.free) * kb);
    return 0;
}

static const struct pseudo_entry node0_table[] = {
    PSEUDO_FILE("cpulist", show_all_cpus),
    PSEUDO_FILE("cpumap", show_all_mask),
    PSEUDO_FILE("meminfo", show_node_meminfo),
    TEXT("distance", "10"),
    /* As with vm.numa_stat 0: nothing is counted. */
    TEXT("numastat", "numa_hit 0\nnuma_miss 0\nnuma_foreign 0\ninterleave_hit 0\nlocal_node 0\n"
                     "other_node 0"),
};
static const struct pseudo_entry nodes_table[] = {
    TEXT("online", "0"),     TEXT("possible", "0"),          TEXT("has_cpu", "0"),
    TEXT("has_memory", "0"), TEXT("has_normal_memory", "0"), FOLDER("node0", node0_table),
};

/* --- the tree */

static const struct pseudo_entry system_table[] = {
    {
        .name = "cpu",
        .mode = S_IFDIR | 0755,
        .table = cpus_table,
        .ntable = ARRAY_SIZE(cpus_table),
        .special = PSEUDO_SPECIAL(.lookup = lookup_cpu, .next = next_cpu),
    },
    FOLDER("node", nodes_table),
};
static const struct pseudo_entry devices_table[] = {
    FOLDER("system", system_table),
};
static const struct pseudo_entry thp_table[] = {
    TEXT("enabled", "[always] madvise never"),
    TEXT("defrag", "always defer defer+madvise [madvise] never"),
    TEXT("shmem_enabled", "always within_size advise [never] deny force"),
    TEXT("hpage_pmd_size", "2097152"),
    TEXT("use_zero_page", "0"),
};
static int show_pool(struct text *text, const struct pseudo *self)
{
    struct hugetlb_stats pool;
    hugetlb_get_stats(&pool);
    text_printf(text, "%lu\n", self->entry->arg ? pool.free : pool.total);
    return 0;
}

static int store_pool(const struct pseudo *self, const char *text, size_t len)
{
    char digits[16];
    uint64_t n;
    while (len && text[len - 1] == '\n')
        len--;
    if (!len || len >= sizeof(digits))
        return -EINVAL;
    memcpy(digits, text, len);
    digits[len] = 0;
    if (parse_u64(digits, 10, &n) < 0)
        return -EINVAL;
    hugetlb_resize(n);
    return 0;
}

static const struct pseudo_entry huge_table[] = {
    {.name = "nr_hugepages", .mode = S_IFREG | 0644, .show = show_pool, .store = store_pool},
    {.name = "free_hugepages", .mode = S_IFREG | 0444, .show = show_pool, .arg = 1},
    TEXT("nr_overcommit_hugepages", "0"),
    TEXT("resv_hugepages", "0"),
    TEXT("surplus_hugepages", "0"),
};
static const struct pseudo_entry hugepages_table[] = {FOLDER("hugepages-2048kB", huge_table)};
static const struct pseudo_entry mm_table[] = {
    FOLDER("transparent_hugepage", thp_table),
    FOLDER("hugepages", hugepages_table),
};
static const struct pseudo_entry kernel_table[] = {
    FOLDER("mm", mm_table),
    EMPTY("debug"),
    EMPTY("security"),
};
static const struct pseudo_entry fs_table[] = {EMPTY("cgroup")};
static const struct pseudo_entry root_table[] = {
    FOLDER("kernel", kernel_table),
    FOLDER("fs", fs_table),
    EMPTY("firmware"),
    EMPTY("module"),
};
static struct pseudo_entry root = FOLDER("", root_table);

/* Folders for others to register in: the parent's place in this list, and the folder. */
enum { IN_ROOT, BUS, BLOCK, CLASS, DEV, DEVICES };
static struct {
    unsigned parent;
    struct pseudo_entry folder;
} open_folders[] = {
    [IN_ROOT] = {},
    [BUS] = {IN_ROOT, EMPTY("bus")},
    [BLOCK] = {IN_ROOT, EMPTY("block")},
    [CLASS] = {IN_ROOT, EMPTY("class")},
    [DEV] = {IN_ROOT, EMPTY("dev")},
    [DEVICES] = {IN_ROOT, FOLDER("devices", devices_table)},
    {CLASS, EMPTY("block")},
    {CLASS, EMPTY("net")},
    {CLASS, EMPTY("tty")},
    {DEV, EMPTY("block")},
    {DEV, EMPTY("char")},
    {DEVICES, EMPTY("virtual")},
    {DEVICES, EMPTY("pci0000:00")},
};

struct pseudo_entry *sysfs_folder(const char *path)
{
    return pseudo_folder(&root, path);
}

static void get_statfs(struct super *super, struct statfs_info *info)
{
    info->type = SYSFS_MAGIC;
}

static int mount(const char *source, unsigned flags, const char *options, struct super **super);
static struct fs_type sysfs_type = {.name = "sysfs", .nodev = true, .mount = mount};

/* Nothing in it comes or goes: names may be cached. */
static int mount(const char *source, unsigned flags, const char *options, struct super **super)
{
    int err = pseudo_mount(&sysfs_type, &root, super);
    if (err == 0) {
        (*super)->no_cache = false;
        (*super)->statfs = get_statfs;
    }
    return err;
}

static int start(void)
{
    for (unsigned i = 1; i < ARRAY_SIZE(open_folders); i++) {
        unsigned parent = open_folders[i].parent;
        pseudo_register(parent ? &open_folders[parent].folder : &root, &open_folders[i].folder);
    }
    fs_register(&sysfs_type);
    return 0;
}
BOOT_STEP(PHASE_BUS, "sysfs", start);
