/* linux/groups.h: supplementary groups. A set never changes and is shared by all credentials that
 * were copied from those that it was given to; each such copy has a reference. */
#pragma once

#include "linux/task.h"

/* `to` becomes what `from` is, with a reference of its own; what it was before is not looked at. */
static inline void credentials_copy(struct credentials *to, const struct credentials *from)
{
    *to = *from;
    if (to->groups)
        atomic_fetch_add_explicit(&to->groups->refs, 1, memory_order_relaxed);
}
/* Give up the reference of credentials that nobody uses any more. */
void credentials_drop(struct credentials *cred);
/* (ids.c) The current task's are these from now on (`next` has its groups): where ids change or
 * rights are won, it is not dumpable any more, and its parent's death gives no signal. */
void credentials_commit(const struct credentials *next);
/* credentials_copy() to new memory, NULL if there is none; and the end of it (NULL is nothing). */
struct credentials *credentials_clone(const struct credentials *from);
void credentials_free(struct credentials *cred);

/* The groups of another task, with a reference; NULL: none. Under rcu_read_lock. */
struct group_set *group_set_of(const struct task *task);
void group_set_put(struct group_set *set); /* NULL is nothing */
