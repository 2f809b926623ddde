/* linux/groups.c: supplementary groups. */
#include "linux/groups.h"

#include "core/rcu.h"
#include "linux/path.h"
#include "linux/syscall.h"
#include "mm/heap.h"
#include "mm/uaccess.h"

enum { CAP_SETGID = 6, GROUPS_MAX = 65536 };

/* --- sets --- */

static void free_set(struct rcu_head *head)
{
    kfree(container_of(head, struct group_set, rcu));
}

void group_set_put(struct group_set *set)
{
    if (set && atomic_fetch_sub_explicit(&set->refs, 1, memory_order_acq_rel) == 1)
        rcu_call(&set->rcu, free_set);
}

struct group_set *group_set_of(const struct task *task)
{
    struct group_set *set = __atomic_load_n(&task->cred.groups, __ATOMIC_ACQUIRE);
    unsigned refs = set ? atomic_load_explicit(&set->refs, memory_order_relaxed) : 0;

    while (refs && !atomic_compare_exchange_weak_explicit(
                       &set->refs, &refs, refs + 1, memory_order_acquire, memory_order_relaxed))
        ;
    return refs ? set : NULL;
}

static void swap(uint32_t *a, uint32_t *b)
{
    uint32_t was = *a;

    *a = *b;
    *b = was;
}

/* Let the number at `at` sink to where both below it are not greater. */
static void sift(uint32_t *ids, uint32_t at, uint32_t n)
{
    for (uint32_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && ids[child + 1] > ids[child])
            child++;
        if (ids[at] >= ids[child])
            return;
        swap(&ids[at], &ids[child]);
    }
}

static void sort(uint32_t *ids, uint32_t n)
{
    for (uint32_t i = n / 2; i-- > 0;)
        sift(ids, i, n);
    for (uint32_t i = n; i-- > 1;) {
        swap(&ids[0], &ids[i]);
        sift(ids, 0, i);
    }
}

/* From program memory. -ENOMEM, -EFAULT, -EINVAL. */
static int read_set(uintptr_t from, uint32_t n, struct group_set **made)
{
    struct group_set *set = kmalloc(sizeof(*set) + n * sizeof(set->ids[0]));
    int error = 0;

    if (!set)
        return -ENOMEM;
    atomic_init(&set->refs, 1);
    set->n = n;
    if (user_read(set->ids, from, n * sizeof(set->ids[0])) < 0)
        error = -EFAULT;
    for (uint32_t i = 0; i < n && !error; i++)
        if (set->ids[i] == (uint32_t)-1)
            error = -EINVAL;
    if (error) {
        kfree(set);
        return error;
    }
    sort(set->ids, n);
    *made = set;
    return 0;
}

/* --- credentials --- */

void credentials_drop(struct credentials *cred)
{
    group_set_put(cred->groups);
    cred->groups = NULL;
}

struct credentials *credentials_clone(const struct credentials *from)
{
    struct credentials *cred = kmalloc(sizeof(*cred));

    if (cred)
        credentials_copy(cred, from);
    return cred;
}

void credentials_free(struct credentials *cred)
{
    if (cred)
        credentials_drop(cred);
    kfree(cred);
}

/* --- system calls --- */

SYSCALL(getgroups, 2, SYSCALL_WHOLE, "")
{
    const struct group_set *set = current_task()->cred.groups;
    uint32_t n = set ? set->n : 0;
    int room = (int)a0;

    if (room < 0)
        return -EINVAL;
    if (room == 0 || n == 0)
        return n;
    if ((uint32_t)room < n)
        return -EINVAL;
    return user_write(a1, set->ids, n * sizeof(set->ids[0])) < 0 ? -EFAULT : (int64_t)n;
}

SYSCALL(setgroups, 2, SYSCALL_WHOLE, "")
{
    struct credentials *cred = &current_task()->cred;
    struct group_set *set = NULL, *old = cred->groups;
    uint32_t n = (uint32_t)a0;
    int error;

    if (!capable(CAP_SETGID))
        return -EPERM;
    if (n > GROUPS_MAX)
        return -EINVAL;
    error = n ? read_set(a1, n, &set) : 0;
    if (error)
        return error;
    __atomic_store_n(&cred->groups, set, __ATOMIC_RELEASE);
    group_set_put(old);
    return 0;
}
