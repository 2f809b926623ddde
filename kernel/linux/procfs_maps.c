/* linux/procfs_maps.c: maps and smaps of /proc/PID (man 5 proc). */
#include "lib/string.h"
#include "linux/path.h"
#include "linux/procfs.h"
#include "mm/heap.h"

/* One line of /proc/PID/maps. buf: PATH_MAX bytes. */
static void show_mapping(struct text *text, const struct process *process, const struct mapping *m,
                         char *buf)
{
    const struct mem_object_ops *ops = m->object ? m->object->ops : NULL;
    uint64_t dev = 0, ino = 0;
    const char *name = m->label;
    size_t before = text->len;

    if (ops && ops->identity)
        ops->identity(m->object, &dev, &ino);
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
    text_printf(text, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu", m->start, m->end,
                m->prot & PROT_READ ? 'r' : '-', m->prot & PROT_WRITE ? 'w' : '-',
                m->prot & PROT_EXEC ? 'x' : '-', (m->flags & 3) == MAP_PRIVATE ? 'p' : 's',
                m->object ? m->object_page << PAGE_SHIFT : 0, dev_major((uint32_t)dev),
                dev_minor((uint32_t)dev), ino);
    if (name && *name)
        text_printf(text, "%*s%s", (int)MAX(73 - (int64_t)(text->len - before), 1l), "", name);
    text_printf(text, "\n");
}

static void show_smap(struct text *text, const struct mapping *m)
{
    uint64_t size = (m->end - m->start) >> 10;
    uint64_t resident = 0;

    for (uintptr_t at = m->start; at < m->end;) {
        unsigned level = 1;
        pte_t *entry = paging_walk(m->space->pml4, at, &level, false);
        uintptr_t step = level >= 2 && entry ? HUGE_SIZE : entry ? PAGE_SIZE : HUGE_SIZE;

        if (entry && *entry & PTE_PRESENT)
            resident += (MIN(ALIGN_DOWN(at, step) + step, m->end) - at) >> 10;
        at = ALIGN_DOWN(at, step) + step;
    }
    text_printf(
        text,
        "Size:           %8lu kB\nKernelPageSize:        4 kB\nMMUPageSize:           4 kB\n"
        "Rss:            %8lu kB\nPss:            %8lu kB\nShared_Clean:          0 kB\n"
        "Shared_Dirty:          0 kB\nPrivate_Clean:         0 kB\n"
        "Private_Dirty:  %8lu kB\nReferenced:     %8lu kB\nAnonymous:      %8lu kB\n",
        size, resident, resident, resident, resident, m->object ? 0 : resident);
    text_printf(text,
                "LazyFree:              0 kB\nAnonHugePages:         0 kB\n"
                "ShmemPmdMapped:        0 kB\nFilePmdMapped:         0 kB\n"
                "Shared_Hugetlb:        0 kB\nPrivate_Hugetlb:       0 kB\n"
                "Swap:                  0 kB\nSwapPss:               0 kB\n"
                "Locked:         %8lu kB\nTHPeligible:    %d\nVmFlags:%s%s%s%s mr mw me%s%s\n",
                m->flags & MAP_LOCKED ? resident : 0, !m->object && !m->no_huge,
                m->prot & PROT_READ ? " rd" : "", m->prot & PROT_WRITE ? " wr" : "",
                m->prot & PROT_EXEC ? " ex" : "", (m->flags & 3) == MAP_SHARED ? " sh" : "",
                m->flags & MAP_GROWSDOWN ? " gd" : "", m->flags & MAP_LOCKED ? " lo" : "");
}

static int show_all_mappings(struct text *text, const struct pseudo *self, bool details)
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
        for (struct mapping *m = address_space_find(space, USER_MIN); m;
             m = address_space_find(space, m->end)) {
            show_mapping(text, s.process, m, buf);
            if (details)
                show_smap(text, m);
        }
        read_unlock(&space->lock);
    }
    kfree(buf);
    subject_put(&s);
    return buf ? 0 : -ENOMEM;
}

static int show_maps(struct text *text, const struct pseudo *self)
{
    return show_all_mappings(text, self, false);
}

static int show_smaps(struct text *text, const struct pseudo *self)
{
    return show_all_mappings(text, self, true);
}

static const struct pseudo_entry files[] = {
    PSEUDO_FILE("maps", show_maps),
    PSEUDO_FILE("smaps", show_smaps),
};
PROC_PID_FILES(files, PROC_PROCESS | PROC_THREAD);
