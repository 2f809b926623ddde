/* Groups of SO_REUSEPORT. A group is replaced as a whole when somebody joins or leaves, under
 * bind_lock (net/ports.c), and read under RCU. */
#include "lib/errno.h"
#include "mm/heap.h"
#include "net/demux.h"
#include "net/rculist.h"

struct reuseport_group {
    struct rcu_head rcu;
    unsigned n;
    struct inet_socket *members[];
};

static void free_group(struct rcu_head *head)
{
    kfree(container_of(head, struct reuseport_group, rcu));
}

static bool same_group(const struct inet_socket *a, const struct inet_socket *b)
{
    return a != b && b->reuse_port && b->group && a->proto == b->proto &&
           a->local_port == b->local_port && inet_equal(&a->local, &b->local) &&
           a->flow.bound == b->flow.bound && a->v6only == b->v6only &&
           a->socket.cred.uid == b->socket.cred.uid;
}

struct search {
    struct inet_socket *s, *found;
};

static bool look(struct inet_socket *other, void *arg)
{
    struct search *search = arg;

    if (other->hashed_bound && same_group(search->s, other))
        search->found = other;
    return !search->found;
}

static void replace(struct reuseport_group *old, struct reuseport_group *new)
{
    for (unsigned i = 0; new &&i < new->n; i++)
        rcu_store(new->members[i]->group, new);
    if (old)
        rcu_call(&old->rcu, free_group);
}

int reuseport_join(struct inet_socket *s)
{
    struct search search = {.s = s};
    struct reuseport_group *old, *new;
    unsigned n;

    if (s->group)
        return 0;
    inet_each(s->proto->number, look, &search);
    old = search.found ? search.found->group : NULL;
    n = old ? old->n : 0;
    new = kzalloc(sizeof(*new) + (n + 1) * sizeof(new->members[0]));
    if (!new)
        return -ENOMEM;
    for (unsigned i = 0; i < n; i++)
        new->members[i] = old->members[i];
    new->members[n] = s;
    new->n = n + 1;
    replace(old, new);
    return 0;
}

void reuseport_leave(struct inet_socket *s)
{
    struct reuseport_group *old = s->group;

    if (!old)
        return;
    /* No memory for the smaller one is needed: the last takes the place of s. Readers that see the
     * old number meet the last one twice. */
    for (unsigned i = 0; i < old->n; i++)
        if (old->members[i] == s) {
            rcu_store(old->members[i], old->members[old->n - 1]);
            __atomic_store_n(&old->n, old->n - 1, __ATOMIC_RELEASE);
            break;
        }
    rcu_store(s->group, NULL);
    if (!old->n)
        rcu_call(&old->rcu, free_group);
}

struct inet_socket *reuseport_choose(struct inet_socket *s, uint32_t hash)
{
    const struct reuseport_group *group = rcu_load(s->group);
    unsigned n = group ? __atomic_load_n(&group->n, __ATOMIC_ACQUIRE) : 0;

    return n ? group->members[(uint64_t)hash * n >> 32] : s;
}
