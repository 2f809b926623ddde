/* mm/annotate.h: what programs write on their mappings that changes nothing about them: names, and
 * the memory policy on a machine with one node. May sleep. */
#pragma once

#include "lib/types.h"

struct address_space;

struct memory_policy {
    uint32_t mode;  /* MPOL_*, with its flags; 0: the default */
    uint64_t nodes; /* as they count: none, or node 0 */
    uint64_t user;  /* as the program gave them, where the flags ask to keep that */
    bool home;      /* it has a home node: the only one */
};

/* Name the anonymous mappings of a range; label stays the caller's and must stay, NULL: no name.
 * -ENOMEM: part of it is not mapped (the rest is done), or no memory; -EBADF: it shows a file. */
int address_space_name(struct address_space *space, uintptr_t start, uintptr_t end,
                       const char *label);
/* -EFAULT: part of it is not mapped (nothing is done); -ENOMEM. */
int address_space_set_policy(struct address_space *space, uintptr_t start, uintptr_t end,
                             const struct memory_policy *policy);
/* Of the mapping at addr: -EFAULT, there is none. */
int address_space_policy(struct address_space *space, uintptr_t addr, struct memory_policy *policy);
/* Give those of a range that bind a home node: -ENOENT: none has a policy; -EOPNOTSUPP: one of
 * another kind; -ENOMEM. */
int address_space_set_home(struct address_space *space, uintptr_t start, uintptr_t end);
