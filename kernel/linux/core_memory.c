/* linux/core_memory.c: which memory goes into a core, and its bytes. What was never touched, and
 * pages of zeros, become holes. */
#include "core/thread.h"
#include "lib/string.h"
#include "linux/core.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/resident.h"

enum { MORE = 16, BATCH = 32, PIECES = 3 };
/* core_segment.how: which bytes there are. */
enum {
    NOTHING,
    RESIDENT,  /* anonymous memory: what is not there is zeros */
    ALL,       /* what is not there is the file's */
    ELF_START, /* the first page, if it begins as an ELF file does */
};

/* --- choosing --- */

static bool is_deleted(const struct mapping *m)
{
    const struct file *file = m->file;

    return !file || file->inode->nlink == 0;
}

/* Linux' rules (man 5 core, "Controlling which mappings are written") but for changed pages of a
 * private mapping, see copied(). */
static unsigned how(const struct mapping *m, unsigned filter)
{
    uintptr_t start, end;

    if (m->label && !strcmp(m->label, "[vdso]"))
        return ALL;
    if (m->dont_dump)
        return NOTHING;
    if (!m->object)
        return filter & CORE_ANON_PRIVATE && mapping_extent(m, false, &start, &end) ? RESIDENT
                                                                                    : NOTHING;
    if ((m->flags & MAP_SHARED) == MAP_SHARED)
        return filter & (is_deleted(m) ? CORE_ANON_SHARED : CORE_MAPPED_SHARED) ? ALL : NOTHING;
    if (filter & CORE_MAPPED_PRIVATE)
        return ALL;
    return filter & CORE_ELF_HEADERS && m->object_page == 0 && m->prot & PROT_READ ? ELF_START
                                                                                   : NOTHING;
}

/* The part of a private mapping of a file that was changed: all of a writable one, as on Linux; of
 * others (relocated constants) from the first to the last such page, because our mappings join
 * where Linux' stay apart. Code is left to the file: it is the kernel that changed it (patch.c),
 * and a debugger wants to see what the compiler made. */
static bool copied(const struct mapping *m, unsigned filter, uintptr_t *start, uintptr_t *end)
{
    if (!m->object || m->label || m->dont_dump || m->flags & MAP_SHARED ||
        !(filter & CORE_ANON_PRIVATE) || (m->prot & (PROT_EXEC | PROT_WRITE)) == PROT_EXEC ||
        !mapping_extent(m, true, start, end))
        return false;
    if (m->prot & PROT_WRITE) {
        *start = m->start;
        *end = m->end;
    }
    return true;
}

static uint64_t bytes_for(unsigned how, uintptr_t start, uintptr_t end)
{
    return how == NOTHING ? 0 : how == ELF_START ? PAGE_SIZE : end - start;
}

static void add_file(struct core_memory *memory, const struct mapping *m, char *buf)
{
    const struct mem_object_ops *ops = m->object ? m->object->ops : NULL;

    if (!ops || !ops->name || !m->file || m->label)
        return;
    ops->name(m->object, m->file, buf, PATH_MAX);
    if (buf[0] != '/')
        return;
    memory->files[memory->nfiles++] = (struct core_file){m->start, m->end, m->object_page};
    text_put(&memory->names, buf, strlen(buf) + 1);
}

static void add_segment(struct core_memory *memory, const struct mapping *m, uintptr_t start,
                        uintptr_t end, unsigned what)
{
    if (start == end)
        return;
    if (what == ELF_START && start != m->start)
        what = NOTHING;
    memory->segments[memory->nsegments++] = (struct core_segment){
        .start = start,
        .end = end,
        .file_bytes = bytes_for(what, start, end),
        .prot = m->prot,
        .how = what,
    };
}

/* At most PIECES segments. */
static void add(struct core_memory *memory, const struct mapping *m, char *buf)
{
    unsigned filter = current_process()->core_filter, what = how(m, filter);
    uintptr_t start = m->end, end = m->end;

    if (what != ALL && copied(m, filter, &start, &end)) {
        add_segment(memory, m, m->start, start, what);
        add_segment(memory, m, start, end, ALL);
        add_segment(memory, m, end, m->end, what);
    } else {
        add_segment(memory, m, m->start, m->end, what);
    }
    add_file(memory, m, buf);
}

/* 0, or -ERANGE: there are more mappings than room. */
static int collect(struct core_memory *memory, unsigned room, char *buf)
{
    struct address_space *space = current_process()->space;

    read_lock(&space->lock);
    if (space->nmappings * PIECES > room) {
        read_unlock(&space->lock);
        return -ERANGE;
    }
    for (struct mapping *m = address_space_find(space, 0); m; m = mapping_next(m))
        add(memory, m, buf);
    read_unlock(&space->lock);
    return 0;
}

static int try(struct core_memory *memory, unsigned room, char *buf)
{
    core_memory_free(memory);
    memory->segments = kcalloc(room, sizeof(*memory->segments));
    memory->files = kcalloc(room, sizeof(*memory->files));
    if (!memory->segments || !memory->files)
        return -ENOMEM;
    return collect(memory, room, buf);
}

/* Now that pages may be brought in: is it an ELF file? */
static void look_for_header(struct core_segment *segment)
{
    paddr_t frame;
    uint32_t magic = 0;

    if (address_space_pin(current_process()->space, segment->start, false, &frame) == 0) {
        memcpy(&magic, phys_to_virt(frame), sizeof(magic));
        frame_put(frame);
    }
    if (magic != 0x464c457f)
        segment->file_bytes = 0;
}

int core_memory_gather(struct core_memory *memory)
{
    struct address_space *space = current_process()->space;
    char *buf = kmalloc(PATH_MAX);
    int error = buf ? -ERANGE : -ENOMEM;

    while (error == -ERANGE)
        error = try(memory, space->nmappings * PIECES + MORE, buf);
    kfree(buf);
    if (!error && memory->nsegments > CORE_SEGMENTS_MAX)
        error = -E2BIG;
    if (!error && memory->names.failed)
        memory->nfiles = memory->names.len = 0; /* too long: do without */
    for (unsigned i = 0; !error && i < memory->nsegments; i++)
        if (memory->segments[i].how == ELF_START)
            look_for_header(&memory->segments[i]);
    return error;
}

void core_memory_free(struct core_memory *memory)
{
    kfree(memory->segments);
    kfree(memory->files);
    kfree(memory->names.buf);
    *memory = (struct core_memory){};
}

/* --- writing --- */

static bool all_zero(const void *page)
{
    const uint64_t *words = page;

    for (unsigned i = 0; i < PAGE_SIZE / sizeof(*words); i += 4)
        if (words[i] | words[i + 1] | words[i + 2] | words[i + 3])
            return false;
    return true;
}

static int put_page(struct core_sink *sink, paddr_t frame)
{
    const void *page = phys_to_virt(frame);

    return all_zero(page) ? core_sink_skip(sink, PAGE_SIZE) : core_sink_put(sink, page, PAGE_SIZE);
}

static int put_resident_page(struct core_sink *sink, const struct resident_page *page,
                             uintptr_t *done)
{
    int error = core_sink_skip(sink, page->addr - *done);

    if (!error)
        error = page->zero ? core_sink_skip(sink, PAGE_SIZE) : put_page(sink, page->frame);
    *done = page->addr + PAGE_SIZE;
    return error;
}

static int write_resident(struct core_sink *sink, uintptr_t start, uintptr_t end)
{
    struct resident_page pages[BATCH];
    uintptr_t at = start, done = start;
    unsigned n;
    int error = 0;

    while (!error &&
           (n = address_space_resident(current_process()->space, &at, end, pages, BATCH)) > 0) {
        for (unsigned i = 0; i < n; i++) {
            if (!error)
                error = put_resident_page(sink, &pages[i], &done);
            resident_page_put(&pages[i]);
        }
        thread_resched_point();
    }
    return error ? error : core_sink_skip(sink, end - done);
}

/* With pages that are to be read from a file first. What cannot be had (beyond its end) is a hole.
 */
static int write_whole(struct core_sink *sink, uintptr_t start, uintptr_t end)
{
    int error = 0;

    for (uintptr_t at = start; at < end && !error; at += PAGE_SIZE) {
        paddr_t frame;

        if (address_space_pin(current_process()->space, at, false, &frame) < 0) {
            error = core_sink_skip(sink, PAGE_SIZE);
            continue;
        }
        error = put_page(sink, frame);
        frame_put(frame);
        thread_resched_point();
    }
    return error;
}

int core_memory_write(const struct core_memory *memory, struct core_sink *sink)
{
    int error = 0;

    for (unsigned i = 0; i < memory->nsegments && !error; i++) {
        const struct core_segment *s = &memory->segments[i];

        if (s->how == RESIDENT)
            error = write_resident(sink, s->start, s->start + s->file_bytes);
        else
            error = write_whole(sink, s->start, s->start + s->file_bytes);
    }
    return error;
}
