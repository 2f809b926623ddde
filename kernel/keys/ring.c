/* keys/ring.c: keyrings: links, and searches through what is linked. */
#include "keys/key.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"

enum { DEPTH_MAX = 6, LINK_BYTES = 4 /* that a link costs */ };

static struct key **slot(const struct key *ring, const struct key_type *type, const char *name)
{
    for (unsigned i = 0; i < ring->nlinks; i++)
        if (ring->links[i]->type == type && !strcmp(ring->links[i]->name, name))
            return &ring->links[i];
    return NULL;
}

struct key *ring_find(const struct key *ring, const struct key_type *type, const char *name)
{
    struct key **at = slot(ring, type, name);
    return at ? *at : NULL;
}

/* --- searching --- */

static bool look(struct key_search *s, struct key *key)
{
    if (s->exact ? key != s->exact : key->type != s->type || strcmp(key->name, s->name) != 0)
        return false;
    int err = s->flags & SEARCH_STATE ? key_validate(key) : 0;
    if (err == -EKEYEXPIRED && s->flags & SEARCH_SKIP_EXPIRED)
        return false;
    if (err == -ENOKEY)
        err = -EKEYREVOKED;
    if (!err && !(s->flags & SEARCH_FREELY) && !key_permits(key, s->possessed, s->cred, KEY_SEARCH))
        err = -EACCES;
    if (!err && s->flags & SEARCH_STATE && key->state < 0)
        err = key->state;
    if (err)
        s->error = err;
    else
        s->found = key;
    return !err;
}

/* True: the search is over. */
static bool look_through(struct key_search *s, const struct key *ring, unsigned depth)
{
    if (ring->flags & (KEY_REVOKED | KEY_INVALID))
        return false;
    for (unsigned i = 0; i < ring->nlinks; i++)
        if (look(s, ring->links[i]))
            return true;
    for (unsigned i = 0; i < ring->nlinks; i++) {
        const struct key *next = ring->links[i];
        if (next->type != &key_type_ring)
            continue;
        if (depth == DEPTH_MAX && s->flags & SEARCH_ALL_LEVELS) {
            s->error = -ELOOP;
            return true;
        }
        if (depth == DEPTH_MAX ||
            !(s->flags & SEARCH_FREELY || key_permits(next, s->possessed, s->cred, KEY_SEARCH)))
            continue;
        if (look_through(s, next, depth + 1))
            return true;
    }
    return false;
}

int ring_search(struct key *ring, struct key_search *s)
{
    s->found = NULL;
    s->error = 0;
    if (ring->type != &key_type_ring)
        return -ENOTDIR;
    if (!(s->flags & SEARCH_FREELY) && !key_permits(ring, s->possessed, s->cred, KEY_SEARCH))
        return -EACCES;
    if (!look(s, ring) && !s->error)
        (void)look_through(s, ring, 0);
    return s->found ? 0 : s->error ?: -EAGAIN;
}

/* --- links --- */

int ring_may_link(const struct key *ring, struct key *key)
{
    struct key_search search = {.exact = ring, .flags = SEARCH_FREELY | SEARCH_ALL_LEVELS};
    if (ring->flags & KEY_CLOSED)
        return -EPERM;
    if (!key || key->type != &key_type_ring)
        return 0;
    int err = ring_search(key, &search);
    return err == -EAGAIN ? 0 : err ?: -EDEADLK;
}

/* Pay for n links and the name. */
static int pay(struct key *ring, unsigned n)
{
    size_t more = (size_t)n * LINK_BYTES + strlen(ring->name) + 1 - ring->paid;
    struct key_user *user = ring->user;
    unsigned limit = key_settings[user->uid ? KEY_LIMIT_BYTES : KEY_LIMIT_ROOT_BYTES];
    if (ring->flags & KEY_IN_QUOTA) {
        if ((ssize_t)more > 0 && user->bytes + more > limit)
            return -EDQUOT;
        user->bytes += more;
    }
    ring->paid += more;
    return 0;
}

static int make_room(struct key *ring)
{
    if (ring->nlinks < ring->room)
        return 0;
    unsigned room = ring->room ? 2 * ring->room : 4;
    struct key **links = krealloc((void *)ring->links, room * sizeof(*links));
    if (!links)
        return -ENOMEM;
    ring->links = links;
    ring->room = room;
    return 0;
}

int ring_link(struct key *ring, struct key *key)
{
    if (ring->type != &key_type_ring)
        return -ENOTDIR;
    int err = ring_may_link(ring, key);
    struct key **at = err ? NULL : slot(ring, key->type, key->name);
    if (!err && !at)
        err = make_room(ring) ?: pay(ring, ring->nlinks + 1);
    if (err)
        return err;
    struct key *old = at ? *at : NULL;
    if (!at)
        at = &ring->links[ring->nlinks++];
    *at = key_get(key);
    key_put(old);
    return 0;
}

static void cut(struct key *ring, unsigned i)
{
    key_put(ring->links[i]);
    ring->links[i] = ring->links[--ring->nlinks];
    (void)pay(ring, ring->nlinks);
}

int ring_unlink(struct key *ring, const struct key *key)
{
    if (ring->type != &key_type_ring)
        return -ENOTDIR;
    for (unsigned i = 0; i < ring->nlinks; i++)
        if (ring->links[i] == key) {
            cut(ring, i);
            return 0;
        }
    return -ENOENT;
}

void ring_clear(struct key *ring)
{
    while (ring->nlinks)
        cut(ring, ring->nlinks - 1);
}

void ring_prune(struct key *ring, bool (*dead)(const struct key *))
{
    for (unsigned i = ring->nlinks; i-- > 0;)
        if (dead(ring->links[i]))
            cut(ring, i);
}
