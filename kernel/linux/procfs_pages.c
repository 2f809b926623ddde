/* linux/procfs_pages.c: pagemap, clear_refs and map_files of /proc/PID (man 5 proc; Linux'
 * Documentation/admin-guide/mm/pagemap). */
#include "arch/x86_64/memory_map.h"
#include "lib/string.h"
#include "linux/path.h"
#include "linux/procfs.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/resident.h"

enum { ENTRY = 8, BATCH = 64, SEEK_SET = 0, SEEK_CUR = 1 };
#define PAGE_PRESENT   (1ull << 63)
#define PAGE_OF_FILE   (1ull << 61)
#define PAGE_EXCLUSIVE (1ull << 56)
#define PAGE_DIRTY     (1ull << 55) /* soft-dirty: nobody cleared it */

/* --- pagemap --- */

/* Is the page at addr a file's or of shared memory? */
static bool of_object(struct address_space *space, uintptr_t addr)
{
    struct mapping *mapping;
    bool is;

    read_lock(&space->lock);
    mapping = address_space_find(space, addr);
    is = mapping && mapping->start <= addr && mapping->object;
    read_unlock(&space->lock);
    return is;
}

/* Fill in the words of n pages from addr on. Frame numbers are for CAP_SYS_ADMIN only. */
static void describe(struct address_space *space, uintptr_t addr, uint64_t *words, unsigned n)
{
    struct resident_page pages[BATCH];
    uintptr_t at = addr;
    bool frames = capable(CAP_SYS_ADMIN);
    unsigned found;

    memset(words, 0, n * sizeof(*words));
    found = address_space_resident(space, &at, addr + n * PAGE_SIZE, pages, n);
    for (unsigned i = 0; i < found; i++) {
        const struct resident_page *page = &pages[i];
        uint64_t *word = &words[(page->addr - addr) >> PAGE_SHIFT];

        *word = PAGE_PRESENT | PAGE_DIRTY;
        if (of_object(space, page->addr))
            *word |= PAGE_OF_FILE;
        if (page->held && frame_refs(page->held) == 2) /* its own and ours */
            *word |= PAGE_EXCLUSIVE;
        if (frames)
            *word |= page->frame >> PAGE_SHIFT;
        resident_page_put(page);
    }
}

static ssize_t read_pagemap(struct file *file, struct io *io, off_t *pos)
{
    uint64_t words[BATCH];
    size_t done = 0;

    if (*pos % ENTRY || io->left % ENTRY)
        return -EINVAL;
    while (io->left && (uint64_t)*pos / ENTRY < USER_END >> PAGE_SHIFT) {
        uint64_t page = (uint64_t)*pos / ENTRY;
        size_t n = MIN(MIN(io->left / ENTRY, (size_t)BATCH), (USER_END >> PAGE_SHIFT) - page);
        size_t moved;

        describe(file->data, page << PAGE_SHIFT, words, (unsigned)n);
        moved = io_put(io, words, n * ENTRY);
        done += moved;
        *pos += (off_t)moved;
        if (moved < n * ENTRY)
            return done ? (ssize_t)done : -EFAULT;
        thread_resched_point();
    }
    return (ssize_t)done;
}

static off_t seek_pagemap(struct file *file, off_t offset, int whence)
{
    if (whence != SEEK_SET && whence != SEEK_CUR)
        return -EINVAL;
    return file->pos = whence == SEEK_CUR ? file->pos + offset : offset;
}

static void release_pagemap(struct file *file)
{
    address_space_put(file->data);
}

static const struct file_ops pagemap_ops = {
    .read = read_pagemap,
    .seek = seek_pagemap,
    .release = release_pagemap,
};

static int open_pagemap(const struct pseudo *self, struct file *file)
{
    struct address_space *space = subject_space(self);

    if (!space)
        return -ESRCH;
    file->data = space;
    file->ops = &pagemap_ops;
    return 0;
}

/* --- clear_refs --- */

/* 1 to 4 would clear the marks by which pages count as used or changed, which serve nothing here;
 * 5 starts the peak anew. */
static int store_clear_refs(const struct pseudo *self, const char *s, size_t len)
{
    struct address_space *space;
    uint64_t what;

    if (proc_parse_u64(s, len, 10, 5, &what) < 0 || what == 0)
        return -EINVAL;
    space = subject_space(self);
    if (!space)
        return -ESRCH;
    if (what == 5)
        atomic_store(&space->peak_resident, atomic_load(&space->resident_pages));
    address_space_put(space);
    return 0;
}

/* --- map_files: links named START-END --- */

/* The file mapped at exactly this range, with a reference of its place. */
static int place_of(struct address_space *space, uintptr_t start, uintptr_t end, struct path *place)
{
    int error = -ENOENT;

    read_lock(&space->lock);
    struct mapping *m = address_space_find(space, start);

    if (m && m->start == start && m->end == end && m->file) {
        *place = ((struct file *)m->file)->path;
        path_get(place);
        error = 0;
    }
    read_unlock(&space->lock);
    return error;
}

/* key: the process; subkey: the start. */
static int follow_mapped(const struct pseudo *self, struct path *place)
{
    struct pseudo of = {self->entry, self->key, self->key};
    struct address_space *space = subject_space(&of);
    uintptr_t end = 0;
    int error = -ENOENT;

    if (!space)
        return -ENOENT;
    read_lock(&space->lock);
    struct mapping *m = address_space_find(space, self->subkey);

    if (m && m->start == self->subkey)
        end = m->end;
    read_unlock(&space->lock);
    if (end)
        error = place_of(space, self->subkey, end, place);
    address_space_put(space);
    return error;
}

static const struct pseudo_entry mapped_entry = {
    .name = "RANGE",
    .mode = S_IFLNK | 0600,
    .special = PSEUDO_SPECIAL(.follow = follow_mapped),
};

/* "7f00-7f80" as two numbers; -ENOENT. */
static int parse_range(const char *name, uint64_t *start, uint64_t *end)
{
    const char *dash = strchr(name, '-');
    char low[20];

    if (!dash || (size_t)(dash - name) >= sizeof(low))
        return -ENOENT;
    memcpy(low, name, (size_t)(dash - name));
    low[dash - name] = 0;
    return parse_u64(low, 16, start) < 0 || parse_u64(dash + 1, 16, end) < 0 ? -ENOENT : 0;
}

static int lookup_mapped(const struct pseudo *self, const char *name, struct pseudo *child)
{
    struct address_space *space;
    uint64_t start, end;
    struct path place;
    int error = parse_range(name, &start, &end);

    if (error)
        return error;
    space = subject_space(self);
    if (!space)
        return -ENOENT;
    error = place_of(space, start, end, &place);
    address_space_put(space);
    if (error)
        return error;
    path_put(&place);
    *child = (struct pseudo){&mapped_entry, self->key, start};
    return 0;
}

/* The cursor is the page behind the last one's start. */
static bool next_mapped(const struct pseudo *self, uint64_t *cursor, char name[NAME_MAX + 1],
                        struct pseudo *child)
{
    struct address_space *space = subject_space(self);
    bool found = false;

    if (!space)
        return false;
    read_lock(&space->lock);
    struct mapping *m = address_space_find(space, *cursor << PAGE_SHIFT);

    while (m && (!m->file || m->start < *cursor << PAGE_SHIFT))
        m = mapping_next(m);
    if (m) {
        snprintf(name, NAME_MAX + 1, "%lx-%lx", m->start, m->end);
        *child = (struct pseudo){&mapped_entry, self->key, m->start};
        *cursor = (m->start >> PAGE_SHIFT) + 1;
        found = true;
    }
    read_unlock(&space->lock);
    address_space_put(space);
    return found;
}

static const struct pseudo_entry files[] = {
    {.name = "pagemap",
     .mode = S_IFREG | 0400,
     .flags = INODE_GUARDED,
     .special = PSEUDO_SPECIAL(.open = open_pagemap)},
    {.name = "clear_refs", .mode = S_IFREG | 0200, .store = store_clear_refs},
};
PROC_PID_FILES(files, PROC_PROCESS | PROC_THREAD);

static const struct pseudo_entry folders[] = {
    {
        .name = "map_files",
        .mode = S_IFDIR | 0500,
        .special =
            PSEUDO_SPECIAL(.allows = proc_own_folder, .lookup = lookup_mapped, .next = next_mapped),
    },
};
PROC_PID_FILES(folders, PROC_PROCESS);
