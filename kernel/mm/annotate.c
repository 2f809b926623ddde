#include "mm/annotate.h"

#include "mm/space.h"

enum { MPOL_BIND = 2, MPOL_PREFERRED_MANY = 5, MPOL_FLAGS = 0xe000 };

/* The part of a mapping that lies in the range, alone; NULL: no memory. */
static struct mapping *part_of(struct mapping *mapping, uintptr_t start, uintptr_t end)
{
    if (mapping->start < start && !(mapping = mapping_split(mapping, start)))
        return NULL;
    if (mapping->end > end && !mapping_split(mapping, end))
        return NULL;
    return mapping;
}

static int name_part(struct mapping *mapping, uintptr_t start, uintptr_t end, const char *label)
{
    if (mapping->file)
        return -EBADF;
    if (mapping->label && mapping->label[1] != 'a') /* [stack], [vdso]: theirs stay */
        return 0;
    mapping = part_of(mapping, start, end);
    if (!mapping)
        return -ENOMEM;
    mapping->label = label;
    mapping_merge(mapping);
    return 0;
}

int address_space_name(struct address_space *space, uintptr_t start, uintptr_t end,
                       const char *label)
{
    struct mapping *mapping;
    int result = 0, error;

    write_lock(&space->lock);
    while (start < end && (mapping = mapping_find(space, start)) && mapping->start < end) {
        uintptr_t from = MAX(start, mapping->start), to = MIN(end, mapping->end);

        if (from > start)
            result = -ENOMEM;
        error = name_part(mapping, from, to, label);
        if (error) {
            result = error;
            break;
        }
        start = to;
    }
    if (start < end && !result)
        result = -ENOMEM;
    write_unlock(&space->lock);
    return result;
}

static bool all_mapped(struct address_space *space, uintptr_t start, uintptr_t end)
{
    struct mapping *mapping;

    while (start < end) {
        mapping = mapping_find(space, start);
        if (!mapping || mapping->start > start)
            return false;
        start = mapping->end;
    }
    return true;
}

int address_space_set_policy(struct address_space *space, uintptr_t start, uintptr_t end,
                             const struct memory_policy *policy)
{
    struct mapping *mapping;
    int error = 0;

    write_lock(&space->lock);
    if (!all_mapped(space, start, end))
        error = -EFAULT;
    while (!error && start < end) {
        mapping = part_of(mapping_find(space, start), start, end);
        if (!mapping) {
            error = -ENOMEM;
            break;
        }
        start = mapping->end;
        mapping->policy = *policy;
        mapping_merge(mapping);
    }
    write_unlock(&space->lock);
    return error;
}

int address_space_policy(struct address_space *space, uintptr_t addr, struct memory_policy *policy)
{
    struct mapping *mapping;
    bool found;

    read_lock(&space->lock);
    mapping = mapping_find(space, addr);
    found = mapping && mapping->start <= addr;
    if (found)
        *policy = mapping->policy;
    read_unlock(&space->lock);
    return found ? 0 : -EFAULT;
}

int address_space_set_home(struct address_space *space, uintptr_t start, uintptr_t end)
{
    struct mapping *mapping;
    int result = -ENOENT;

    write_lock(&space->lock);
    while (start < end && (mapping = mapping_find(space, start)) && mapping->start < end) {
        uintptr_t from = MAX(start, mapping->start), to = MIN(end, mapping->end);
        uint32_t mode = mapping->policy.mode & ~(uint32_t)MPOL_FLAGS;

        start = to;
        if (!mode)
            continue;
        if (mode != MPOL_BIND && mode != MPOL_PREFERRED_MANY) {
            result = -EOPNOTSUPP;
            break;
        }
        mapping = part_of(mapping, from, to);
        if (!mapping) {
            result = -ENOMEM;
            break;
        }
        mapping->policy.home = true;
        mapping_merge(mapping);
        result = 0;
    }
    write_unlock(&space->lock);
    return result;
}
