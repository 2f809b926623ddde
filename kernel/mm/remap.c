/* mremap(2). */
#include "mm/space.h"

enum { MREMAP_MAYMOVE = 1, MREMAP_FIXED = 2, MREMAP_DONTUNMAP = 4 };

struct move {
    struct address_space *space;
    uintptr_t old, new;
    size_t old_length, new_length;
    unsigned flags;
    size_t lock_room;
    struct mapping *removed;
};

/* --- moving the pages
 * ------------------------------------------------------------------------------ */

/* Where the pages of [old, old+length) are, tables are made for the new place and huge pages that
 * cannot move whole are split, so that the move itself cannot fail. -ENOMEM. */
static int prepare_tables(struct address_space *space, uintptr_t old, uintptr_t new, size_t length)
{
    bool congruent = IS_ALIGNED(old ^ new, HUGE_SIZE);

    for (size_t done = 0; done < length;) {
        unsigned level = 1, new_level = 1;
        pte_t *entry = paging_walk(space->pml4, old + done, &level, false);
        if (entry && level == 2) {
            bool whole =
                congruent && IS_ALIGNED(old + done, HUGE_SIZE) && length - done >= HUGE_SIZE;
            new_level = 2;
            pte_t *to = paging_walk(space->pml4, new + done, &new_level, true);
            if (!to)
                return -ENOMEM;
            if (whole && !pte_load(to)) {
                done += HUGE_SIZE;
                continue;
            }
            if (table_split(space, entry) < 0)
                return -ENOMEM;
            continue;
        }
        if (entry && !paging_walk(space->pml4, new + done, &new_level, true))
            return -ENOMEM;
        /* On to where the one or the other table ends. */
        size_t in_old = HUGE_SIZE - ((old + done) & (HUGE_SIZE - 1));
        size_t in_new = HUGE_SIZE - ((new + done) & (HUGE_SIZE - 1));
        done += MIN(in_old, in_new);
    }
    return 0;
}

static void move_pages(struct gather *gather, uintptr_t old, uintptr_t new, size_t length)
{
    pte_t *pml4 = gather->space->pml4;

    for (size_t done = 0; done < length;) {
        unsigned level = 1;
        pte_t *from = paging_walk(pml4, old + done, &level, false);
        if (!from) {
            done += HUGE_SIZE - ((old + done) & (HUGE_SIZE - 1));
            continue;
        }
        pte_t value = __atomic_exchange_n(from, 0, __ATOMIC_SEQ_CST);
        if (value) {
            unsigned to_level = level;
            *paging_walk(pml4, new + done, &to_level, false) = value;
            gather_flush(gather, old + done, level_size(level));
        }
        done += level_size(level);
    }
}

/* --- the mapping
 * ----------------------------------------------------------------------------------- */

/* The new mapping stands before the first page moves, and the old one until the last has moved. */
static ssize_t move_mapping(struct move *move)
{
    struct address_space *space = move->space;
    uintptr_t old_end = move->old + move->old_length, new_end = move->new + move->new_length;

    if (move->old_length && (mapping_cut(space, move->old) || mapping_cut(space, old_end)))
        return -ENOMEM;
    struct mapping *mapping = mapping_find(space, move->old), template = *mapping;
    if (space->nmappings >= MAPPINGS_MAX ||
        !space_may_grow(space, move->new_length >> PAGE_SHIFT, mapping_writable_private(mapping)))
        return -ENOMEM;
    template.start = move->new;
    template.end = new_end;
    template.object_page += (move->old - mapping->start) >> PAGE_SHIFT;
    if (!mapping_add(space, &template))
        return -ENOMEM;
    if (prepare_tables(space, move->old, move->new, move->old_length) < 0) {
        space_unmap_locked(space, move->new, new_end, &move->removed);
        return -ENOMEM;
    }
    struct gather gather;
    gather_begin(&gather, space);
    if (template.object)
        mutex_lock(&template.object->lock);
    move_pages(&gather, move->old, move->new, move->old_length);
    if (template.object)
        mutex_unlock(&template.object->lock);
    gather_end(&gather);
    if (move->flags & MREMAP_DONTUNMAP) {
        mapping = mapping_find(space, move->old);
        if (mapping->flags & MAP_LOCKED)
            mapping_set_locked(mapping, false);
        mapping->lock_on_fault = false;
        mapping_merge(mapping);
    } else if (move->old_length) {
        space_unmap_locked(space, move->old, old_end, &move->removed);
    }
    return move->new;
}

/* Can [mapping->start of old, +new_length) simply grow upwards? */
static bool grow_in_place(struct move *move, struct mapping *mapping)
{
    struct mapping *next = mapping_next(mapping);
    uintptr_t end = move->old + move->new_length;
    uint64_t more = (move->new_length - move->old_length) >> PAGE_SHIFT;

    if (move->old + move->old_length != mapping->end || end > USER_END || end < move->old)
        return false;
    if (next && end > next->start)
        return false;
    if (!space_may_grow(move->space, more, mapping_writable_private(mapping)))
        return false;
    mapping_resize(mapping, mapping->start, end);
    mapping_merge(mapping);
    return true;
}

static int check_resize(const struct move *move, const struct mapping *mapping)
{
    if (!move->old_length && !mapping_shared(mapping))
        return -EINVAL;
    if (move->old_length > mapping->end - move->old)
        return -EFAULT;
    if (mapping->flags & MAP_HUGETLB)
        return -EINVAL;
    uint64_t more = move->new_length > move->old_length
                        ? (move->new_length - move->old_length) >> PAGE_SHIFT
                        : 0;
    if (mapping->flags & MAP_LOCKED && more > move->lock_room >> PAGE_SHIFT)
        return -EAGAIN;
    bool data = mapping_writable_private(mapping);
    if (more && data && !(mapping->flags & MAP_NORESERVE) &&
        !space_commit_ok(move->new_length >> PAGE_SHIFT))
        return -ENOMEM;
    return 0;
}

static uintptr_t find_place(const struct move *move, const struct mapping *mapping)
{
    struct address_space *space = move->space;
    bool huge = !mapping->object && move->new_length >= HUGE_SIZE;
    uintptr_t addr = 0;
    /* At the same place within 2 MiB, large pages move whole. */
    if (huge && move->new_length <= USER_END / 2) {
        addr = mapping_find_gap(space, 16 * USER_MIN, space->mmap_base,
                                move->new_length + HUGE_SIZE, HUGE_SIZE);
        if (addr)
            addr += move->old & (HUGE_SIZE - 1);
    }
    if (!addr)
        addr =
            mapping_find_gap(space, 16 * USER_MIN, space->mmap_base, move->new_length, PAGE_SIZE);
    if (!addr)
        addr = mapping_find_gap(space, USER_MIN, USER_END, move->new_length, PAGE_SIZE);
    return addr;
}

static int drop(struct move *move, uintptr_t start, uintptr_t end)
{
    return space_unmap_locked(move->space, start, end, &move->removed);
}

/* To a given place, or leaving the old one empty. */
static ssize_t remap_to(struct move *move)
{
    struct address_space *space = move->space;
    bool fixed = move->flags & MREMAP_FIXED;
    struct move kept = *move;
    kept.old_length = MIN(move->old_length, move->new_length);
    struct mapping *mapping = mapping_find(space, move->old);
    int err = check_resize(&kept, mapping);
    if (!err && fixed)
        err = drop(move, move->new, move->new + move->new_length);
    if (!err && move->old_length > move->new_length)
        err = drop(move, move->old + move->new_length, move->old + move->old_length);
    move->old_length = kept.old_length;
    mapping = mapping_find(space, move->old);
    if (!err && (!mapping || mapping->start > move->old)) /* of length 0: the new place was it */
        err = -EFAULT;
    if (!err && !fixed && !(move->new = find_place(move, mapping)))
        err = -ENOMEM;
    return err ? err : move_mapping(move);
}

static int check_place(const struct move *move)
{
    uintptr_t old_end = move->old + move->old_length, new_end = move->new + move->new_length;

    if (!IS_ALIGNED(move->new, PAGE_SIZE) || move->new > USER_END - move->new_length)
        return -EINVAL;
    return old_end > move->new &&new_end > move->old ? -EINVAL : 0;
}

static ssize_t remap_locked(struct move *move)
{
    struct mapping *mapping = mapping_find(move->space, move->old);
    int err;
    if (!mapping || mapping->start > move->old)
        return -EFAULT;
    if (move->flags & MREMAP_FIXED && move->new < USER_MIN)
        return -EPERM;
    if (move->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
        return remap_to(move);
    if (move->old_length >= move->new_length) {
        uintptr_t end = move->old + move->old_length;
        err = end > USER_END ? -EINVAL : 0;
        if (!err && move->old_length > move->new_length)
            err = drop(move, move->old + move->new_length, end);
        return err ? err : (ssize_t)move->old;
    }
    err = check_resize(move, mapping);
    if (err)
        return err;
    if (move->old_length && grow_in_place(move, mapping))
        return move->old;
    if (!(move->flags & MREMAP_MAYMOVE) || !(move->new = find_place(move, mapping)))
        return -ENOMEM;
    return move_mapping(move);
}

ssize_t address_space_remap(struct address_space *space, uintptr_t old, size_t old_length,
                            size_t new_length, unsigned flags, uintptr_t new_addr, size_t lock_room)
{
    struct move move = {space,
                        old,
                        new_addr,
                        ALIGN_UP(old_length, PAGE_SIZE),
                        ALIGN_UP(new_length, PAGE_SIZE),
                        flags,
                        lock_room,
                        NULL};

    if (flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP))
        return -EINVAL;
    if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) && !(flags & MREMAP_MAYMOVE))
        return -EINVAL;
    if (flags & MREMAP_DONTUNMAP && move.old_length != move.new_length)
        return -EINVAL;
    if (!IS_ALIGNED(old, PAGE_SIZE) || !move.new_length)
        return -EINVAL;
    if (move.new_length > USER_END)
        return -EINVAL;
    if (flags & MREMAP_FIXED && check_place(&move) < 0)
        return -EINVAL;
    if (old >= USER_END || move.old_length > USER_END)
        return -EFAULT;
    write_lock(&space->lock);
    ssize_t result = remap_locked(&move);
    struct mapping *mapping = result > 0 ? mapping_find(space, result) : NULL;
    bool locked = mapping && mapping->flags & MAP_LOCKED && !mapping->lock_on_fault &&
                  move.new_length > move.old_length;
    bool write = mapping && mapping_writable_private(mapping);
    write_unlock(&space->lock);
    mapping_dispose(move.removed);
    if (locked)
        address_space_populate(space, result + move.old_length, move.new_length - move.old_length,
                               write);
    return result;
}
