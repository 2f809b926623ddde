/* mmap(2), munmap(2), brk(2). */
#include "mm/hugetlb.h"
#include "mm/shm.h"
#include "mm/space.h"

enum { LOW_32BIT = 0x40000000, HIGH_32BIT = 0x80000000u };

/* --- munmap --------------------------------------------------------------------------------------
 */

int space_unmap_locked(struct address_space *space, uintptr_t start, uintptr_t end,
                       struct mapping **removed)
{
    int err = mapping_cut(space, start);
    if (!err)
        err = mapping_cut(space, end);
    if (!err)
        err = table_split_at(space, start);
    if (!err)
        err = table_split_at(space, end);
    if (err)
        return err;

    struct mapping *mapping = mapping_find(space, start);
    if (!mapping || mapping->start >= end)
        return 0;
    struct mapping *prev = mapping_prev(mapping);
    uintptr_t floor = prev ? prev->end : 0, from = mapping->start, to;
    struct gather gather;
    gather_begin(&gather, space);
    while (mapping && mapping->start < end) {
        struct mapping *next = mapping_next(mapping);
        to = mapping->end;
        mapping_remove(mapping, removed);
        mapping = next;
        /* Tables of large gaps are not looked at. */
        if (mapping && mapping->start < end && mapping->start - to < HUGE_SIZE)
            continue;
        table_clear(&gather, from, to, floor, mapping ? mapping->start : USER_END + PAGE_SIZE);
        from = mapping ? mapping->start : to;
    }
    gather_end(&gather);
    return 0;
}

int address_space_unmap(struct address_space *space, uintptr_t addr, size_t length)
{
    struct mapping *removed = NULL;

    if (!IS_ALIGNED(addr, PAGE_SIZE) || addr > USER_END || length > USER_END - addr)
        return -EINVAL;
    length = ALIGN_UP(length, PAGE_SIZE);
    if (!length)
        return -EINVAL;
    write_lock(&space->lock);
    int err = space_unmap_locked(space, addr, addr + length, &removed);
    write_unlock(&space->lock);
    mapping_dispose(removed);
    return err;
}

/* --- mmap ----------------------------------------------------------------------------------------
 */

static bool range_free(const struct address_space *space, uintptr_t addr, size_t length)
{
    struct mapping *next = mapping_find(space, addr);
    return !next || next->start >= addr + length;
}

/* A hint is good if the range is free and keeps away from a stack above. */
static bool hint_ok(const struct address_space *space, uintptr_t addr, size_t length)
{
    if (addr < USER_MIN || addr > USER_END - length)
        return false;
    struct mapping *next = mapping_find(space, addr);
    size_t guard = next && next->flags & MAP_GROWSDOWN ? STACK_GUARD : 0;
    return !next || (next->start >= addr + length && next->start - addr - length >= guard);
}

static uintptr_t place(const struct address_space *space, const struct map_request *request,
                       size_t length)
{
    bool large = !request->object && length >= HUGE_SIZE && IS_ALIGNED(length, HUGE_SIZE) &&
                 !(request->flags & MAP_STACK);
    bool huge = request->flags & MAP_HUGETLB;
    uintptr_t hint = ALIGN_DOWN(request->addr, huge ? HUGE_SIZE : PAGE_SIZE), addr = 0;

    if (request->addr && hint_ok(space, hint, length))
        return hint;
    if (request->flags & MAP_32BIT)
        return mapping_find_gap(space, LOW_32BIT, HIGH_32BIT, length, PAGE_SIZE);
    if (huge)
        return mapping_find_gap(space, HUGE_SIZE, space->mmap_base, length, HUGE_SIZE);
    if (large)
        addr = mapping_find_gap(space, 16 * USER_MIN, space->mmap_base, length, HUGE_SIZE);
    if (!addr)
        addr = mapping_find_gap(space, 16 * USER_MIN, space->mmap_base, length, PAGE_SIZE);
    if (!addr)
        addr = mapping_find_gap(space, USER_MIN, USER_END, length, PAGE_SIZE);
    return addr;
}

static int check_request(const struct map_request *request, size_t *length)
{
    unsigned type = request->flags & MAP_SHARED_VALIDATE;
    size_t unit = request->flags & MAP_HUGETLB ? HUGE_SIZE : PAGE_SIZE;

    if (!request->length)
        return -EINVAL;
    *length = ALIGN_UP(request->length, unit);
    if (!*length || *length > USER_END)
        return -ENOMEM;
    if (!type || (type == MAP_SHARED_VALIDATE && !request->object))
        return -EINVAL;
    if (request->flags & MAP_GROWSDOWN && (request->object || type != MAP_PRIVATE))
        return -EINVAL;
    if (request->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
        if (!IS_ALIGNED(request->addr, unit))
            return -EINVAL;
        if (request->addr > USER_END - *length)
            return -ENOMEM;
        if (request->addr < USER_MIN)
            return -EPERM;
    }
    return 0;
}

/* The flags that a mapping keeps. */
static unsigned kept_flags(unsigned flags)
{
    unsigned kept =
        flags & (MAP_GROWSDOWN | MAP_LOCKED | MAP_NORESERVE | MAP_STACK | MAP_HUGETLB | MAP_SYNC);
    return kept | ((flags & MAP_SHARED_VALIDATE) == MAP_PRIVATE ? MAP_PRIVATE : MAP_SHARED);
}

static int check_limits(const struct address_space *space, const struct mapping *mapping)
{
    uint64_t npages = (mapping->end - mapping->start) >> PAGE_SHIFT;
    bool data = mapping_writable_private(mapping);

    if (space->nmappings >= MAPPINGS_MAX || !space_may_grow(space, npages, data))
        return -ENOMEM;
    if (mapping->flags & MAP_NORESERVE || !(data || (mapping_shared(mapping) && !mapping->file)))
        return 0;
    return space_commit_ok(npages) ? 0 : -ENOMEM;
}

static ssize_t map_locked(struct address_space *space, const struct map_request *request,
                          struct mapping *template, size_t length, struct mapping **removed)
{
    uintptr_t addr = request->addr;
    bool fixed = request->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);

    if (!fixed)
        addr = place(space, request, length);
    if (!addr)
        return -ENOMEM;
    if (request->flags & MAP_FIXED_NOREPLACE && !range_free(space, addr, length))
        return -EEXIST;
    template->start = addr;
    template->end = addr + length;
    int err = check_limits(space, template);
    if (!err && fixed)
        err = space_unmap_locked(space, addr, addr + length, removed);
    if (err)
        return err;
    return mapping_add(space, template) ? (ssize_t)addr : -ENOMEM;
}

ssize_t address_space_map(struct address_space *space, const struct map_request *request)
{
    struct mapping *removed = NULL;
    struct mem_object *shm = NULL;
    size_t length = 0;

    int err = check_request(request, &length);
    if (err)
        return err;
    struct mapping template = {
        .prot = request->prot & (PROT_READ | PROT_WRITE | PROT_EXEC),
        .max_prot = request->object && request->max_prot ? request->max_prot
                                                         : PROT_READ | PROT_WRITE | PROT_EXEC,
        .flags = kept_flags(request->flags),
        .object = request->object,
        .object_page = request->object ? request->object_page : 0,
        .file = request->file,
        .label = request->label,
        .want_huge = request->flags & MAP_HUGETLB,
        .dont_dump = request->object && request->object->ops->secret,
        .space = space,
    };
    /* An object that is given has drawn what it needs itself. */
    uint64_t nhuge = request->flags & MAP_HUGETLB && !request->object ? length / HUGE_SIZE : 0;
    if (unlikely(nhuge) && hugetlb_take(nhuge) < 0)
        return -ENOMEM;
    if (mapping_shared(&template) && !request->object) {
        shm = template.object = shm_object_create(length >> PAGE_SHIFT, nhuge);
        if (!shm) {
            hugetlb_return(nhuge);
            return -ENOMEM;
        }
        nhuge = 0; /* the object's */
    }
    write_lock(&space->lock);
    ssize_t addr = map_locked(space, request, &template, length, &removed);
    write_unlock(&space->lock);
    mapping_dispose(removed);
    if (unlikely(nhuge && addr < 0))
        hugetlb_return(nhuge);
    if (shm)
        shm->ops->put(shm);
    bool now = request->flags & MAP_POPULATE && !(request->flags & MAP_NONBLOCK);
    if (addr > 0 && now && template.prot && !mapping_secret(&template))
        address_space_populate(space, addr, length,
                               template.prot & PROT_WRITE && !mapping_shared(&template));
    return addr;
}

/* --- brk -----------------------------------------------------------------------------------------
 */

static bool brk_grow(struct address_space *space, uintptr_t from, uintptr_t to)
{
    struct mapping heap = {
        .start = from,
        .end = to,
        .prot = PROT_READ | PROT_WRITE,
        .max_prot = PROT_READ | PROT_WRITE | PROT_EXEC,
        .flags = MAP_PRIVATE,
        .label = "[heap]",
        .space = space,
    };
    return hint_ok(space, from, to - from) && !check_limits(space, &heap) &&
           mapping_add(space, &heap);
}

uintptr_t address_space_brk(struct address_space *space, uintptr_t brk)
{
    struct mapping *removed = NULL;
    bool grown = false;

    write_lock(&space->lock);
    uintptr_t old = space->brk, from = ALIGN_UP(old, PAGE_SIZE), to = ALIGN_UP(brk, PAGE_SIZE);
    if (brk >= space->brk_start && brk < USER_END && space->brk_start) {
        if (to > from && brk - space->brk_start <= space->data_limit)
            grown = brk_grow(space, from, to);
        if (grown || to == from || (to < from && !space_unmap_locked(space, to, from, &removed)))
            space->brk = brk;
    }
    brk = space->brk;
    write_unlock(&space->lock);
    mapping_dispose(removed);
    return brk;
}
