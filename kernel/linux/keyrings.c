/* linux/keyrings.c: the keyrings of tasks and users, and what they lead to. */
#include "lib/string.h"
#include "linux/groups.h"
#include "linux/keys.h"
#include "linux/path.h"
#include "mm/heap.h"

enum {
    SPEC_THREAD = -1,
    SPEC_PROCESS = -2,
    SPEC_SESSION = -3,
    SPEC_USER = -4,
    SPEC_USER_SESSION = -5,
    SPEC_AUTHORITY = -7,
    SPEC_REQUESTOR = -8,
};
#define OWN_RING     (KEY_POSSESSOR(KEY_ALL) | KEY_OWNER(KEY_VIEW))
#define SESSION_RING (OWN_RING | KEY_OWNER(KEY_READ))
#define USERS_RING   (KEY_POSSESSOR(KEY_ALL & ~KEY_SETATTR) | KEY_OWNER(KEY_ALL))

struct key *keys_awaited;

struct key_seeker keys_me(void)
{
    return (struct key_seeker){&current_task()->cred, current_task()->keys};
}

/* --- the set that a task has --- */

void keyrings_put(struct keyrings *rings)
{
    if (!rings || --rings->refs)
        return;
    key_put(rings->thread);
    key_put(rings->process);
    key_put(rings->session);
    key_put(rings->authority);
    kfree(rings);
}

static struct keyrings *copy(const struct keyrings *from)
{
    struct keyrings *rings = kzalloc(sizeof(*rings));
    if (rings && from) {
        *rings = *from;
        key_get(rings->thread);
        key_get(rings->process);
        key_get(rings->session);
        key_get(rings->authority);
    }
    if (rings)
        rings->refs = 1;
    return rings;
}

struct keyrings *keys_own(struct task *task)
{
    struct keyrings *old = task->keys, *rings;
    if (old && old->refs == 1)
        return old;
    rings = copy(old);
    if (rings) {
        keyrings_put(old);
        task->keys = rings;
    }
    return rings;
}

static void drop(struct key **key)
{
    key_put(*key);
    *key = NULL;
}

static int own_ring(const char *name, const struct credentials *cred, struct key **slot)
{
    return key_create(&key_type_ring, name, cred->uid, cred->gid, OWN_RING,
                      KEY_IN_QUOTA | KEY_OVERRUN, slot);
}

int keys_inherit(struct task *task, const struct task *from)
{
    bool thread = task->process == from->process;
    int err = 0;
    keys_lock();
    task->keys = from->keys;
    task->keys->refs++;
    if (task->keys->thread || (!thread && task->keys->process)) {
        struct keyrings *own = keys_own(task);
        bool had = own && own->thread;
        err = own ? 0 : -ENOMEM;
        if (own && had)
            drop(&own->thread);
        if (own && !thread)
            drop(&own->process);
        if (had && thread) /* who has one gives its threads one each */
            err = own_ring("_tid", &task->cred, &own->thread);
    }
    keys_unlock();
    return err;
}

void keys_leave(struct task *task)
{
    keys_lock();
    keyrings_put(task->keys);
    task->keys = NULL;
    keys_unlock();
}

void keys_exec(struct task *task)
{
    keys_lock();
    struct keyrings *own = keys_own(task);
    if (own) {
        drop(&own->thread);
        drop(&own->process);
    } else { /* without memory it has none at all rather than another program's */
        keyrings_put(task->keys);
        task->keys = NULL;
    }
    keys_unlock();
}

void keys_follow_ids(struct task *task)
{
    keys_lock();
    struct key *thread = task->keys->thread;
    if (thread) {
        thread->uid = task->cred.fsuid;
        thread->gid = task->cred.fsgid;
    }
    keys_unlock();
}

/* --- making them --- */

int keys_own_ring(int32_t id, struct key **ring)
{
    struct keyrings *own = keys_own(current_task());
    const struct credentials *cred = &current_task()->cred;
    int err = 0;
    if (!own)
        return -ENOMEM;
    struct key **slot = id == SPEC_THREAD ? &own->thread : &own->process;
    if (!*slot)
        err = own_ring(id == SPEC_THREAD ? "_tid" : "_pid", cred, slot);
    *ring = *slot;
    return err;
}

static int users_ring(const char *form, uint32_t uid, uint32_t perm, unsigned flags,
                      struct key **ring)
{
    char name[32];
    snprintf(name, sizeof(name), form, uid);
    return key_create(&key_type_ring, name, uid, KEY_NOBODY, perm, flags, ring);
}

int keys_user_rings(uint32_t uid, struct key_user **found)
{
    struct key_user *user = key_user_find(uid);
    if (!user || !user->ring || !user->session_ring) {
        struct key *ring = user ? key_get(user->ring) : NULL, *session = NULL;
        int err = ring ? 0 : users_ring("_uid.%u", uid, USERS_RING, KEY_IN_QUOTA, &ring);
        err = err ?: users_ring("_uid_ses.%u", uid, USERS_RING, KEY_IN_QUOTA, &session);
        err = err ?: ring_link(session, ring);
        if (err) {
            key_put(ring);
            key_put(session);
            return err;
        }
        user = session->user; /* the ring may have been given away */
        key_put(user->ring);
        key_put(user->session_ring);
        user->ring = ring;
        user->session_ring = session;
    }
    *found = user;
    return 0;
}

int keys_persistent(uint32_t uid, struct key **ring)
{
    const uint32_t perm = KEY_POSSESSOR(KEY_ALL & ~KEY_SETATTR) | KEY_OWNER(KEY_VIEW | KEY_READ);
    struct key_user *user = key_user_find(uid);
    int err = 0;
    if (user && user->persistent && key_validate(user->persistent) == 0)
        *ring = user->persistent;
    else
        err = users_ring("_persistent.%u", uid, perm, 0, ring);
    if (!err && (*ring)->user->persistent != *ring) {
        key_put((*ring)->user->persistent);
        (*ring)->user->persistent = *ring;
    }
    return err;
}

static void set_session(struct keyrings *own, struct key *ring) /* takes the reference over */
{
    key_put(own->session);
    own->session = ring;
}

/* One that any task may join by its name. */
static struct key *named(const char *name)
{
    for (struct rb_node *node = rb_first(&key_tree); node; node = rb_next(node)) {
        struct key *key = container_of(node, struct key, node);
        if (key->type == &key_type_ring && key->refs && !(key->flags & KEY_REVOKED) &&
            !strcmp(key->name, name) && key_permits(key, false, &current_task()->cred, KEY_SEARCH))
            return key;
    }
    return NULL;
}

int keys_join_session(const char *name)
{
    struct keyrings *own = keys_own(current_task());
    const struct credentials *cred = &current_task()->cred;
    unsigned flags = own && own->session ? KEY_IN_QUOTA : KEY_IN_QUOTA | KEY_OVERRUN;
    struct key *ring = name ? named(name) : NULL;
    int err = own ? 0 : -ENOMEM;
    if (ring && own && ring == own->session)
        return 0; /* and not its number */
    if (!err && ring)
        key_get(ring);
    else if (!err)
        err = key_create(&key_type_ring, name ?: "_ses", cred->uid, cred->gid,
                         SESSION_RING | (name ? KEY_OWNER(KEY_LINK) : 0),
                         name ? KEY_IN_QUOTA : flags, &ring);
    if (err)
        return err;
    set_session(own, ring);
    return ring->serial;
}

/* --- looking up --- */

int keys_search(const struct key_seeker *seeker, struct key_search *s)
{
    const struct keyrings *rings = seeker->rings;
    struct key_user *user = key_user_find(seeker->cred->uid);
    struct key *places[3] = {rings ? rings->thread : NULL, rings ? rings->process : NULL,
                             rings ? rings->session : NULL};
    int none = 0, other = -EAGAIN, err;
    if (!places[2] && user)
        places[2] = user->session_ring;
    s->cred = seeker->cred;
    s->possessed = true;
    for (unsigned i = 0; i < 3; i++) {
        err = places[i] ? ring_search(places[i], s) : -EAGAIN;
        if (!err)
            return 0;
        if (places[i] && err == -EAGAIN)
            none = none ?: err;
        else if (err == -ENOKEY)
            none = err;
        else if (places[i])
            other = err;
    }
    int first = none ?: other, second = -EACCES;
    const struct key *authority = rings ? rings->authority : NULL;
    if (authority && s->type != &key_type_authority && !key_validate(authority)) {
        const struct key_authority *its = key_authority(authority);
        second = keys_search(&(struct key_seeker){its->cred, its->rings}, s);
        if (!second)
            return 0;
    }
    if (first == -ENOKEY || second == -ENOKEY)
        return -ENOKEY;
    return first == -EACCES ? second : first;
}

bool keys_possessed(const struct key_seeker *seeker, const struct key *key)
{
    struct key_search search = {.exact = key, .type = key->type};
    return keys_search(seeker, &search) == 0;
}

static int first_session(bool create)
{
    struct key_user *user;
    int err = keys_user_rings(current_task()->cred.uid, &user);
    if (err)
        return err;
    if (create)
        return MIN(keys_join_session(NULL), 0);
    if (!keys_own(current_task()))
        return -ENOMEM;
    set_session(current_task()->keys, key_get(user->session_ring));
    return 0;
}

static int special(int32_t id, unsigned flags, struct key **found)
{
    struct keyrings *rings = current_task()->keys;
    const struct key *authority = rings ? rings->authority : NULL;
    struct key_user *user;
    int err = 0;

    switch (id) {
    case SPEC_THREAD:
    case SPEC_PROCESS:
        *found = !rings ? NULL : id == SPEC_THREAD ? rings->thread : rings->process;
        if (!*found && flags & LOOK_CREATE)
            err = keys_own_ring(id, found);
        break;
    case SPEC_SESSION: /* the first use makes one, or takes the user's */
        user = key_user_find(current_task()->cred.uid);
        if (!rings || !rings->session)
            err = first_session(flags & LOOK_CREATE);
        else if (flags & LOOK_CREATE && user && rings->session == user->session_ring)
            err = MIN(keys_join_session(NULL), 0);
        *found = err ? NULL : current_task()->keys->session;
        break;
    case SPEC_USER:
    case SPEC_USER_SESSION:
        err = keys_user_rings(current_task()->cred.uid, &user);
        if (!err)
            *found = id == SPEC_USER ? user->ring : user->session_ring;
        break;
    case SPEC_AUTHORITY:
        *found = rings ? rings->authority : NULL;
        break;
    case SPEC_REQUESTOR:
        if (authority && authority->flags & (KEY_REVOKED | KEY_INVALID))
            return -EKEYREVOKED;
        *found = authority ? key_authority(authority)->ring : NULL;
        break;
    default:
        return -EINVAL;
    }
    return err ?: *found ? 0 : -ENOKEY;
}

/* As far as it has to be built and valid. */
static int check_state(struct key *key, unsigned flags)
{
    if (flags & LOOK_ANY)
        return 0;
    if (flags & LOOK_PARTIAL)
        return key_validate(key);
    if (key->flags & KEY_BUILDING) {
        keys_awaited = key_get(key);
        return KEYS_WAIT;
    }
    if (!(flags & LOOK_DEFER)) {
        int err = key->state < 0 ? key->state : key_validate(key);
        if (err)
            return err;
    }
    return key->state ? 0 : -EIO;
}

int keys_look_up(int32_t id, unsigned flags, unsigned need, struct key_ref *ref)
{
    struct key_seeker me;
    int err = 0;
    *ref = (struct key_ref){.possessed = true};
    if (id < 1) {
        err = special(id, flags, &ref->key);
        me = keys_me();
    } else {
        ref->key = key_find(id);
        me = keys_me();
        ref->possessed = ref->key && keys_possessed(&me, ref->key);
        err = ref->key ? 0 : -ENOKEY;
    }
    err = err ?: check_state(ref->key, flags);
    if (!err && need && !key_permits(ref->key, ref->possessed, me.cred, need))
        err = -EACCES;
    return err;
}
