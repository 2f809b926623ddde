/* Groups of SO_REUSEPORT. A group is replaced as a whole when somebody joins or leaves, under
 * bind_lock (net/ports.c), and read under RCU. */
#include "lib/errno.h"
#include "mm/heap.h"
#include "net/demux.h"
#include "net/filter.h"
#include "net/rculist.h"

struct reuseport_group {
    struct rcu_head rcu;
    struct socket_filter *program; /* goes on in the group that takes this one's place; NULL */
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

/* A larger one with s in it. */
static int grow(struct reuseport_group *old, struct inet_socket *s)
{
    unsigned n = old ? old->n : 0;
    struct reuseport_group *new = kzalloc(sizeof(*new) + (n + 1) * sizeof(new->members[0]));

    if (!new)
        return -ENOMEM;
    for (unsigned i = 0; i < n; i++)
        new->members[i] = old->members[i];
    new->members[n] = s;
    new->n = n + 1;
    new->program = old ? old->program : NULL;
    replace(old, new);
    return 0;
}

int reuseport_join(struct inet_socket *s)
{
    struct search search = {.s = s};

    inet_each(s->proto->number, look, &search);
    if (s->group && (s->group->n > 1 || !search.found))
        return 0; /* or: it has founded one with a program, but comes late */
    reuseport_leave(s);
    return grow(search.found ? search.found->group : NULL, s);
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
    if (!old->n) {
        socket_filter_drop(old->program);
        rcu_call(&old->rcu, free_group);
    }
}

static unsigned header_len(const struct inet_socket *s, const struct packet *packet)
{
    return s->socket.type == SOCK_STREAM ? (packet->data[12] >> 4) * 4u : 8;
}

struct inet_socket *reuseport_choose(struct inet_socket *s, uint32_t hash,
                                     const struct packet *packet)
{
    const struct reuseport_group *group = rcu_load(s->group);
    unsigned n = group ? __atomic_load_n(&group->n, __ATOMIC_ACQUIRE) : 0;
    const struct socket_filter *program = n ? rcu_load(group->program) : NULL;

    if (unlikely(program && packet)) {
        unsigned i = socket_filter_ask(program, packet, header_len(s, packet));

        if (i < n)
            return group->members[i];
    }
    return n ? group->members[(uint64_t)hash * n >> 32] : s;
}

int reuseport_attach(struct inet_socket *s, const void *value, size_t len)
{
    struct socket_filter *program;
    int err = socket_filter_make(value, len, &program);

    if (err)
        return err;
    mutex_lock(&bind_lock);
    if (!s->group)
        err = s->reuse_port && !s->hashed_bound ? grow(NULL, s) : -EINVAL;
    if (!err) {
        struct socket_filter *old = s->group->program;

        rcu_store(s->group->program, program);
        program = old;
    }
    mutex_unlock(&bind_lock);
    socket_filter_drop(program);
    return err;
}

int reuseport_detach(struct inet_socket *s)
{
    struct socket_filter *old;

    if (!s->group)
        return s->reuse_port ? -ENOENT : -EINVAL;
    mutex_lock(&bind_lock);
    old = s->group->program;
    rcu_store(s->group->program, NULL);
    mutex_unlock(&bind_lock);
    socket_filter_drop(old);
    return old ? 0 : -ENOENT;
}
