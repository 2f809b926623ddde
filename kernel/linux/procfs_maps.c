/* linux/procfs_maps.c: maps, smaps, smaps_rollup and numa_maps of /proc/PID (man 5 proc). */
#include "lib/string.h"
#include "linux/memory.h"
#include "linux/path.h"
#include "linux/procfs.h"
#include "mm/heap.h"
#include "mm/resident.h"

/* The file's numbers as stat(2) gives them: of the inode that has the name. */
static void identify(const struct mapping *m, uint64_t *dev, uint64_t *ino)
{
    const struct file *file = m->file;

    if (file && file->path.dentry && file->path.dentry->inode) {
        *dev = file->path.dentry->inode->super->dev;
        *ino = file->path.dentry->inode->ino;
    } else if (m->object && m->object->ops->identity) {
        m->object->ops->identity(m->object, dev, ino);
    }
}

/* One line of /proc/PID/maps. buf: PATH_MAX bytes. */
static void show_mapping(struct text *text, const struct process *process, const struct mapping *m,
                         char *buf)
{
    const struct mem_object_ops *ops = m->object ? m->object->ops : NULL;
    uint64_t dev = 0, ino = 0;
    const char *name = m->label;
    size_t before = text->len;

    identify(m, &dev, &ino);
    if (ops && ops->name && !name) {
        ops->name(m->object, m->file, buf, PATH_MAX);
        name = buf;
    }
    if (!name && m->start <= process->space->brk && m->end >= process->space->brk_start &&
        process->space->brk > process->space->brk_start)
        name = "[heap]";
    if (name && !strcmp(name, "[stack]") &&
        (process->space->start_stack < m->start || process->space->start_stack >= m->end))
        name = NULL;
    text_printf(text, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ", m->start, m->end,
                m->prot & PROT_READ ? 'r' : '-', m->prot & PROT_WRITE ? 'w' : '-',
                m->prot & PROT_EXEC ? 'x' : '-', (m->flags & 3) == MAP_PRIVATE ? 'p' : 's',
                m->object ? m->object_page << PAGE_SHIFT : 0, dev_major((uint32_t)dev),
                dev_minor((uint32_t)dev), ino);
    if (name && *name)
        text_printf(text, "%*s%s", (int)MAX(73 - (int64_t)(text->len - before), 1l), "", name);
    text_printf(text, "\n");
}

/* The lines that smaps and smaps_rollup share. */
static void show_use(struct text *text, const struct memory_use *use, bool rollup, uint64_t locked)
{
    const struct {
        const char *name;
        uint64_t bytes;
        bool only_rollup;
    } lines[] = {
        {"Rss:", use->resident, false},
        {"Pss:", use->pss, false},
        {"Pss_Dirty:", use->pss_dirty, false},
        {"Pss_Anon:", use->pss_anonymous, true},
        {"Pss_File:", use->pss - use->pss_anonymous - use->pss_shared, true},
        {"Pss_Shmem:", use->pss_shared, true},
        {"Shared_Clean:", use->shared_clean, false},
        {"Shared_Dirty:", use->shared_dirty, false},
        {"Private_Clean:", use->private_clean, false},
        {"Private_Dirty:", use->private_dirty, false},
        {"Referenced:", use->referenced, false},
        {"Anonymous:", use->anonymous, false},
        {"LazyFree:", 0, false},
        {"AnonHugePages:", use->huge, false},
        {"ShmemPmdMapped:", 0, false},
        {"FilePmdMapped:", 0, false},
        {"Shared_Hugetlb:", 0, false},
        {"Private_Hugetlb:", 0, false},
        {"Swap:", 0, false},
        {"SwapPss:", 0, false},
        {"Locked:", locked, false},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(lines); i++)
        if (rollup || !lines[i].only_rollup)
            text_printf(text, "%-15s %8lu kB\n", lines[i].name, lines[i].bytes >> 10);
}

static void show_flags(struct text *text, const struct mapping *m)
{
    const struct {
        bool set;
        const char *name;
    } flags[] = {
        {m->prot & PROT_READ, " rd"},
        {m->prot & PROT_WRITE, " wr"},
        {m->prot & PROT_EXEC, " ex"},
        {memory_is_shared(m), " sh"},
        {m->max_prot & PROT_READ, " mr"},
        {m->max_prot & PROT_WRITE, " mw"},
        {m->max_prot & PROT_EXEC, " me"},
        {m->flags & MAP_SHARED, " ms"},
        {m->flags & MAP_GROWSDOWN, " gd"},
        {m->flags & MAP_LOCKED, " lo"},
        {m->reads == 2, " sr"},
        {m->reads == 1, " rr"},
        {m->dont_fork, " dc"},
        {!(m->flags & MAP_SHARED) && m->prot & PROT_WRITE, " ac"},
        {m->flags & MAP_NORESERVE, " nr"},
        {m->wipe_on_fork, " wf"},
        {m->dont_dump, " dd"},
        {m->want_huge, " hg"},
        {m->no_huge, " nh"},
    };

    text_printf(text, "VmFlags:");
    for (unsigned i = 0; i < ARRAY_SIZE(flags); i++)
        if (flags[i].set)
            text_printf(text, "%s", flags[i].name);
    text_printf(text, " \n");
}

static void show_smap(struct text *text, const struct mapping *m)
{
    struct memory_use use = {};

    mapping_measure(m, &use);
    text_printf(text, "%-15s %8lu kB\n%-15s %8lu kB\n%-15s %8lu kB\n",
                "Size:", (m->end - m->start) >> 10, "KernelPageSize:", PAGE_SIZE >> 10,
                "MMUPageSize:", PAGE_SIZE >> 10);
    show_use(text, &use, false, m->flags & MAP_LOCKED ? use.pss : 0);
    text_printf(text, "THPeligible:    %d\n",
                !m->object && !m->no_huge && m->end - m->start >= HUGE_SIZE);
    show_flags(text, m);
}

/* --- all of them --- */

typedef void show_fn_t(struct text *text, const struct process *process, const struct mapping *m,
                       char *buf);

static int show_each(struct text *text, const struct pseudo *self, show_fn_t *show)
{
    struct subject s;
    int error = subject_get(self, &s);
    char *buf;

    if (error)
        return error;
    buf = kmalloc(PATH_MAX);
    if (buf) {
        struct address_space *space = s.process->space;

        read_lock(&space->lock);
        for (struct mapping *m = address_space_find(space, USER_MIN); m; m = mapping_next(m))
            show(text, s.process, m, buf);
        read_unlock(&space->lock);
    }
    kfree(buf);
    subject_put(&s);
    return buf ? 0 : -ENOMEM;
}

static int show_maps(struct text *text, const struct pseudo *self)
{
    return show_each(text, self, show_mapping);
}

static void show_with_details(struct text *text, const struct process *process,
                              const struct mapping *m, char *buf)
{
    show_mapping(text, process, m, buf);
    show_smap(text, m);
}

static int show_smaps(struct text *text, const struct pseudo *self)
{
    return show_each(text, self, show_with_details);
}

static int show_rollup(struct text *text, const struct pseudo *self)
{
    struct address_space *space = subject_space(self);
    struct memory_use use = {};
    uintptr_t first = 0, last = 0;
    uint64_t locked = 0;

    if (!space)
        return -ESRCH;
    read_lock(&space->lock);
    for (struct mapping *m = address_space_find(space, USER_MIN); m; m = mapping_next(m)) {
        uint64_t before = use.pss;

        first = first ? first : m->start;
        last = m->end;
        mapping_measure(m, &use);
        locked += m->flags & MAP_LOCKED ? use.pss - before : 0;
    }
    read_unlock(&space->lock);
    address_space_put(space);
    text_printf(text, "%08lx-%08lx ---p 00000000 00:00 0", first, last);
    text_printf(text, "%*s[rollup]\n", (int)MAX(73 - (int64_t)text->len, 1l), "");
    show_use(text, &use, true, locked);
    return 0;
}

/* One node, which has it all. */
static void show_numa(struct text *text, const struct process *process, const struct mapping *m,
                      char *buf)
{
    struct memory_use use = {};

    mapping_measure(m, &use);
    text_printf(text, "%08lx default", m->start);
    if (m->object && m->object->ops->name && m->file && !m->label) {
        m->object->ops->name(m->object, m->file, buf, PATH_MAX);
        text_printf(text, " file=%s", buf);
    } else if (m->label && !strcmp(m->label, "[stack]")) {
        text_printf(text, " stack");
    } else if (m->start <= process->space->brk && m->end >= process->space->brk_start) {
        text_printf(text, " heap");
    }
    if (use.anonymous)
        text_printf(text, " anon=%lu dirty=%lu", use.anonymous >> PAGE_SHIFT,
                    (use.private_dirty + use.shared_dirty) >> PAGE_SHIFT);
    if (use.resident > use.anonymous)
        text_printf(text, " mapped=%lu", (use.resident - use.anonymous) >> PAGE_SHIFT);
    if (use.resident)
        text_printf(text, " N0=%lu kernelpagesize_kB=%lu", use.resident >> PAGE_SHIFT,
                    PAGE_SIZE >> 10);
    text_printf(text, "\n");
}

static int show_numa_maps(struct text *text, const struct pseudo *self)
{
    return show_each(text, self, show_numa);
}

static const struct pseudo_entry files[] = {
    PROC_GUARDED("maps", 0444, show_maps),
    PROC_GUARDED("smaps", 0444, show_smaps),
    PROC_GUARDED("smaps_rollup", 0444, show_rollup),
    PROC_GUARDED("numa_maps", 0444, show_numa_maps),
};
PROC_PID_FILES(files, PROC_PROCESS | PROC_THREAD);
