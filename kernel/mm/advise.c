/* madvise(2), msync(2), mlock(2), mincore(2). */
#include "lib/string.h"
#include "mm/space.h"

enum {
    MADV_NORMAL = 0,
    MADV_RANDOM = 1,
    MADV_SEQUENTIAL = 2,
    MADV_WILLNEED = 3,
    MADV_DONTNEED = 4,
    MADV_FREE = 8,
    MADV_REMOVE = 9,
    MADV_DONTFORK = 10,
    MADV_DOFORK = 11,
    MADV_MERGEABLE = 12,
    MADV_UNMERGEABLE = 13,
    MADV_HUGEPAGE = 14,
    MADV_NOHUGEPAGE = 15,
    MADV_DONTDUMP = 16,
    MADV_DODUMP = 17,
    MADV_WIPEONFORK = 18,
    MADV_KEEPONFORK = 19,
    MADV_COLD = 20,
    MADV_PAGEOUT = 21,
    MADV_POPULATE_READ = 22,
    MADV_POPULATE_WRITE = 23,
    MADV_DONTNEED_LOCKED = 24,
};
enum { MS_ASYNC = 1, MS_INVALIDATE = 2, MS_SYNC = 4 };

/* --- parts of mappings
 * ----------------------------------------------------------------------------- */

/* Call fn for each mapping's part of [start, end), with the lock held for writing. A hole is
 * remembered as -ENOMEM and the rest done all the same; another error of fn ends it. */
typedef int part_fn_t(struct mapping *mapping, uintptr_t start, uintptr_t end, int advice);

static part_fn_t set_locked;

static int each_part(struct address_space *space, uintptr_t start, uintptr_t end, part_fn_t *fn,
                     int advice)
{
    int result = 0;

    while (start < end) {
        struct mapping *mapping = mapping_find(space, start);
        if (!mapping || mapping->start >= end)
            return -ENOMEM;
        if (mapping->start > start) {
            if (fn == set_locked) /* mlock(2) does what comes before a hole */
                return -ENOMEM;
            result = -ENOMEM;
            start = mapping->start;
        }
        uintptr_t to = MIN(mapping->end, end);
        int err = fn(mapping, start, to, advice);
        if (err)
            return err;
        start = to;
    }
    return result;
}

/* The part alone as a mapping of its own; NULL: no memory. */
static struct mapping *isolate(struct mapping *mapping, uintptr_t start, uintptr_t end)
{
    if (unlikely(mapping->flags & MAP_HUGETLB)) { /* whole pages of the pool */
        start = ALIGN_DOWN(start, HUGE_SIZE);
        end = ALIGN_UP(end, HUGE_SIZE);
    }
    if (mapping->start < start && !(mapping = mapping_split(mapping, start)))
        return NULL;
    if (mapping->end > end && !mapping_split(mapping, end))
        return NULL;
    return mapping;
}

/* --- madvise
 * ----------------------------------------------------------------------------------------- */

static int set_behaviour(struct mapping *mapping, uintptr_t start, uintptr_t end, int advice)
{
    bool private_memory = !mapping->object && !mapping_shared(mapping);

    if (advice == MADV_WIPEONFORK && !private_memory)
        return -EINVAL;
    mapping = isolate(mapping, start, end);
    if (!mapping)
        return -ENOMEM;
    if (advice <= MADV_SEQUENTIAL)
        mapping->reads = (uint8_t)advice;
    if (advice == MADV_DONTFORK || advice == MADV_DOFORK)
        mapping->dont_fork = advice == MADV_DONTFORK;
    else if (advice == MADV_DONTDUMP || advice == MADV_DODUMP)
        mapping->dont_dump = advice == MADV_DONTDUMP;
    else if (advice == MADV_WIPEONFORK || advice == MADV_KEEPONFORK)
        mapping->wipe_on_fork = advice == MADV_WIPEONFORK;
    if (advice == MADV_HUGEPAGE || advice == MADV_NOHUGEPAGE) {
        mapping->want_huge = advice == MADV_HUGEPAGE;
        mapping->no_huge = advice == MADV_NOHUGEPAGE;
    }
    mapping_merge(mapping);
    return 0;
}

static int discard(struct mapping *mapping, uintptr_t start, uintptr_t end, int advice)
{
    struct address_space *space = mapping->space;
    struct gather gather;

    if (mapping->flags & MAP_LOCKED && advice == MADV_DONTNEED)
        return -EINVAL;
    if (advice == MADV_FREE && mapping->object)
        return -EINVAL;
    int err = table_split_at(space, start);
    if (!err)
        err = table_split_at(space, end);
    if (err)
        return err;
    gather_begin(&gather, space);
    table_clear(&gather, start, end, 0, 0);
    gather_end(&gather);
    return 0;
}

static int nothing(struct mapping *mapping, uintptr_t start, uintptr_t end, int advice)
{
    return 0;
}

static int cool(struct mapping *mapping, uintptr_t start, uintptr_t end, int advice)
{
    return mapping->flags & (MAP_LOCKED | MAP_HUGETLB) ? -EINVAL : 0;
}

static part_fn_t *part_of(int advice)
{
    switch (advice) {
    case MADV_WILLNEED: /* everything is in memory */
    case MADV_MERGEABLE:
    case MADV_UNMERGEABLE:
        return nothing;
    case MADV_COLD:
    case MADV_PAGEOUT:
        return cool;
    case MADV_DONTNEED:
    case MADV_DONTNEED_LOCKED:
    case MADV_FREE: /* freed at once, so a later read gives zeros: one of the two it may give */
        return discard;
    case MADV_NORMAL:
    case MADV_RANDOM:
    case MADV_SEQUENTIAL:
    case MADV_DONTFORK:
    case MADV_DOFORK:
    case MADV_HUGEPAGE:
    case MADV_NOHUGEPAGE:
    case MADV_DONTDUMP:
    case MADV_DODUMP:
    case MADV_WIPEONFORK:
    case MADV_KEEPONFORK:
        return set_behaviour;
    }
    return NULL;
}

/* Punch holes where [start, end) shows objects. The lock is released for each. */
static int punch(struct address_space *space, uintptr_t start, uintptr_t end)
{
    int result = 0;

    while (start < end) {
        int err = 0;
        read_lock(&space->lock);
        struct mapping *mapping = mapping_find(space, start);
        struct mem_object *object = NULL;
        uint64_t first = 0, npages = 0;
        if (mapping && mapping->start > start && mapping->start < end) {
            start = mapping->start;
            result = -ENOMEM;
        }
        if (!mapping || mapping->start > start) {
            err = -ENOMEM;
        } else if (mapping->flags & MAP_LOCKED || !mapping->object) {
            err = -EINVAL;
        } else if (!mapping_shared(mapping) || !(mapping->max_prot & PROT_WRITE)) {
            err = -EACCES;
        } else if (!mapping->object->ops->punch) {
            err = -EOPNOTSUPP;
        } else {
            object = mapping->object;
            object->ops->get(object);
            first = mapping->object_page + ((start - mapping->start) >> PAGE_SHIFT);
            npages = (MIN(end, mapping->end) - start) >> PAGE_SHIFT;
        }
        read_unlock(&space->lock);
        if (err)
            return err;
        err = object->ops->punch(object, first, npages);
        object->ops->put(object);
        if (err)
            return err;
        start += npages << PAGE_SHIFT;
    }
    return result;
}

/* One mapping after the other: what comes before an error is there. */
static int populate(struct address_space *space, uintptr_t at, uintptr_t end, bool write)
{
    int err = 0;

    while (at < end && !err) {
        uintptr_t to = end;
        read_lock(&space->lock);
        struct mapping *mapping = mapping_find(space, at);
        if (!mapping || mapping->start > at)
            err = -ENOMEM;
        else if (!(mapping->prot & (write ? PROT_WRITE : PROT_READ)) || mapping_secret(mapping))
            err = -EINVAL;
        else
            to = MIN(end, mapping->end);
        read_unlock(&space->lock);
        if (!err)
            err = address_space_populate(space, at, to - at, write);
        at = to;
    }
    return err == -EIO ? -EFAULT : err;
}

int address_space_advise(struct address_space *space, uintptr_t addr, size_t length, int advice)
{
    part_fn_t *fn = part_of(advice);
    uintptr_t end;

    if (!fn && advice != MADV_REMOVE && advice != MADV_POPULATE_READ &&
        advice != MADV_POPULATE_WRITE)
        return -EINVAL;
    if (!IS_ALIGNED(addr, PAGE_SIZE) || (length && !ALIGN_UP(length, PAGE_SIZE)))
        return -EINVAL;
    length = ALIGN_UP(length, PAGE_SIZE);
    if (__builtin_add_overflow(addr, length, &end))
        return -EINVAL;
    if (!length)
        return 0;
    if (advice == MADV_REMOVE)
        return punch(space, addr, end);
    if (!fn)
        return populate(space, addr, end, advice == MADV_POPULATE_WRITE);
    write_lock(&space->lock);
    int err = each_part(space, addr, end, fn, advice);
    write_unlock(&space->lock);
    return err;
}

/* --- msync ---------------------------------------------------------------------------------------
 */

int address_space_sync(struct address_space *space, uintptr_t addr, size_t length, int flags)
{
    int result = 0;
    uintptr_t end;

    if (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC) ||
        (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC) || !IS_ALIGNED(addr, PAGE_SIZE))
        return -EINVAL;
    if (__builtin_add_overflow(addr, ALIGN_UP(length, PAGE_SIZE), &end))
        return -ENOMEM;
    while (addr < end) {
        struct mem_object *object = NULL;
        void *file = NULL;
        uint64_t first = 0, npages = 0;
        read_lock(&space->lock);
        struct mapping *mapping = mapping_find(space, addr);
        if (!mapping || mapping->start >= end) {
            read_unlock(&space->lock);
            return -ENOMEM;
        }
        if (mapping->start > addr) {
            result = -ENOMEM;
            addr = mapping->start;
        }
        bool busy = flags & MS_INVALIDATE && mapping->flags & MAP_LOCKED;
        uintptr_t to = MIN(mapping->end, end);
        if (!busy && flags & MS_SYNC && mapping_shared(mapping) && mapping->object->ops->sync) {
            object = mapping->object;
            file = mapping->file;
            object->ops->get(object);
            mapping_file_get_hook(file);
            first = mapping->object_page + ((addr - mapping->start) >> PAGE_SHIFT);
            npages = (to - addr) >> PAGE_SHIFT;
        }
        read_unlock(&space->lock);
        if (busy)
            return -EBUSY;
        if (object) {
            int err = object->ops->sync(object, file, first, npages);
            mapping_file_put_hook(file);
            object->ops->put(object);
            if (err)
                return err;
        }
        addr = to;
    }
    return result;
}

/* --- mlock ---------------------------------------------------------------------------------------
 */

enum { LOCK = 1, LOCK_ON_FAULT = 2 };

static int set_locked(struct mapping *mapping, uintptr_t start, uintptr_t end, int lock)
{
    bool on_fault = lock == LOCK_ON_FAULT;
    if ((!(mapping->flags & MAP_LOCKED) == !lock && mapping->lock_on_fault == on_fault) ||
        mapping_secret(mapping))
        return 0;
    mapping = isolate(mapping, start, end);
    if (!mapping)
        return -ENOMEM;
    mapping_set_locked(mapping, lock);
    mapping->lock_on_fault = on_fault;
    mapping_merge(mapping);
    return 0;
}

int address_space_populate_locked(struct address_space *space, uintptr_t start, uintptr_t end,
                                  bool all)
{
    while (start < end) {
        read_lock(&space->lock);
        struct mapping *mapping = mapping_find(space, start);
        if (!mapping || mapping->start >= end) {
            read_unlock(&space->lock);
            return 0;
        }
        uintptr_t from = MAX(start, mapping->start), to = MIN(end, mapping->end);
        bool write = mapping_writable_private(mapping);
        bool secret = mapping_secret(mapping), readable = mapping->prot && !secret;
        bool due = secret || (mapping->flags & MAP_LOCKED && !mapping->lock_on_fault);
        read_unlock(&space->lock);
        int err = due ? -EFAULT : 0;
        if (due && readable)
            err = address_space_populate(space, from, to - from, write);
        if (err && !all)
            return err == -ENOMEM ? -EAGAIN : -ENOMEM;
        start = to;
    }
    return 0;
}

int address_space_lock_pages(struct address_space *space, uintptr_t addr, size_t length, bool lock,
                             bool on_fault)
{
    uintptr_t end, start = ALIGN_DOWN(addr, PAGE_SIZE);

    length += addr - start;
    if (length > ALIGN_UP(length, PAGE_SIZE) ||
        __builtin_add_overflow(start, ALIGN_UP(length, PAGE_SIZE), &end))
        return -EINVAL;
    if (start == end)
        return 0;
    write_lock(&space->lock);
    int err = each_part(space, start, end, set_locked, lock && on_fault ? LOCK_ON_FAULT : lock);
    write_unlock(&space->lock);
    if (!err && lock && !on_fault)
        err = address_space_populate_locked(space, start, end, false);
    return err;
}

size_t address_space_locked_in(struct address_space *space, uintptr_t start, uintptr_t end)
{
    size_t n = 0;

    read_lock(&space->lock);
    for (struct mapping *m = mapping_find(space, start); m && m->start < end; m = mapping_next(m))
        if (m->flags & MAP_LOCKED)
            n += (MIN(end, m->end) - MAX(start, m->start)) >> PAGE_SHIFT;
    read_unlock(&space->lock);
    return n;
}

/* --- mincore
 * --------------------------------------------------------------------------------------- */

struct presence {
    uintptr_t start, end;
    uint8_t *vec;
};

static void mark_present(pte_t *entry, uintptr_t addr, unsigned level, void *arg)
{
    struct presence *presence = arg;
    uintptr_t end = MIN(ALIGN_DOWN(addr, level_size(level)) + level_size(level), presence->end);

    for (; addr < end; addr += PAGE_SIZE)
        presence->vec[(addr - presence->start) >> PAGE_SHIFT] = 1;
}

static void mark_object(struct mapping *mapping, uintptr_t from, uintptr_t to, uint8_t *vec)
{
    struct mem_object *object = mapping->object;
    uint64_t first = mapping->object_page + ((from - mapping->start) >> PAGE_SHIFT);

    for (size_t i = 0, n = (to - from) >> PAGE_SHIFT; i < n; i += 16) {
        paddr_t frames[16] = {0};
        unsigned part = MIN(n - i, 16ul);
        object->ops->around(object, first + i, part, frames);
        for (unsigned j = 0; j < part; j++)
            if (frames[j]) {
                vec[i + j] = 1;
                frame_put(frames[j]);
            }
    }
}

int address_space_mincore(struct address_space *space, uintptr_t addr, size_t npages, uint8_t *vec,
                          bool (*may_look)(void *file))
{
    int err = 0;

    if (!IS_ALIGNED(addr, PAGE_SIZE))
        return -EINVAL;
    if (npages > USER_END >> PAGE_SHIFT || addr > USER_END - (npages << PAGE_SHIFT))
        return -ENOMEM;
    uintptr_t end = addr + (npages << PAGE_SHIFT);
    memset(vec, 0, npages);
    read_lock(&space->lock);
    for (uintptr_t at = addr; at < end && !err;) {
        struct mapping *mapping = mapping_find(space, at);
        if (!mapping || mapping->start > at) {
            err = -ENOMEM;
            break;
        }
        uintptr_t to = MIN(end, mapping->end);
        uint8_t *part = vec + ((at - addr) >> PAGE_SHIFT);
        if (mapping->file && !may_look(mapping->file))
            memset(part, 1, (to - at) >> PAGE_SHIFT);
        else if (mapping->object && mapping->object->ops->around)
            mark_object(mapping, at, to, part);
        at = to;
    }
    struct presence presence = {addr, end, vec};
    if (!err)
        table_look(space, addr, end, mark_present, &presence);
    read_unlock(&space->lock);
    return err;
}
