/* linux/request_key.c: request_key(2), which has a program make the keys that there are not, and
 * what that program is given to do so. */
#include "lib/string.h"
#include "linux/core.h"
#include "linux/groups.h"
#include "linux/keyctl.h"
#include "linux/keys.h"
#include "linux/start.h"
#include "mm/heap.h"
#include "mm/uaccess.h"

enum { NEGATIVE_SECONDS = 60 };
enum { RING_DEFAULT, RING_THREAD, RING_PROCESS, RING_SESSION, RING_USER, RING_USER_SESSION };
enum { RING_REQUESTOR = 7 };
static const char program[] = "/sbin/request-key";

/* --- keys that give the right to build another one --- */

static void authority_free(struct key_authority *authority)
{
    key_put(authority->target);
    key_put(authority->ring);
    credentials_free(authority->cred);
    keyrings_put(authority->rings);
    kfree(authority);
}

static void destroy(struct key *key)
{
    authority_free(key_authority(key));
}

const struct key_type key_type_authority = {.name = ".request_key_auth",
                                            .readable = true,
                                            .reserved = true,
                                            .max = PAGE_SIZE,
                                            .destroy = destroy};

int keys_find_authority(int32_t id, struct key **authority)
{
    char name[12];
    struct key_seeker me = keys_me();
    struct key_search search = {.type = &key_type_authority, .name = name, .flags = SEARCH_STATE};
    snprintf(name, sizeof(name), "%x", (unsigned)id);
    int err = keys_search(&me, &search);
    *authority = search.found;
    return err == -EAGAIN ? -ENOKEY : err;
}

void keys_authority_done(struct key *authority)
{
    key_invalidate(authority);
}

/* Takes the callout over if all goes well. */
static int make_authority(struct key *target, struct key *ring, char **callout, struct key **made)
{
    const uint32_t perm =
        KEY_POSSESSOR(KEY_VIEW | KEY_READ | KEY_SEARCH | KEY_LINK) | KEY_OWNER(KEY_VIEW);
    struct task *me = current_task();
    struct key *mine = me->keys ? me->keys->authority : NULL;
    /* Who builds a key for another asks for further keys in that one's name. */
    const struct key_authority *its = mine ? key_authority(mine) : NULL;
    struct key_authority *authority = kmalloc(sizeof(*authority));
    size_t len = strlen(*callout);
    char name[12];

    if (!authority)
        return -ENOMEM;
    *authority = (struct key_authority){
        .target = key_get(target),
        .ring = key_get(ring),
        .cred = credentials_clone(its ? its->cred : &me->cred),
        .rings = its ? its->rings : me->keys,
        .pid = its ? its->pid : me->process->pid,
    };
    if (authority->rings)
        authority->rings->refs++;
    snprintf(name, sizeof(name), "%x", (unsigned)target->serial);
    int err = authority->cred ? key_create(&key_type_authority, name, me->cred.fsuid,
                                           me->cred.fsgid, perm, 0, made)
                              : -ENOMEM;
    if (err) {
        authority_free(authority);
        return err;
    }
    (*made)->owner = authority;
    return key_set_payload(*made, callout, len);
}

/* --- the program --- */

/* Its keyrings: a session with the authority. */
static int make_rings(struct key *authority, struct keyrings **made)
{
    const struct credentials *cred = &current_task()->cred;
    struct keyrings *rings = kzalloc(sizeof(*rings));
    char name[24];
    if (!rings)
        return -ENOMEM;
    rings->refs = 1;
    snprintf(name, sizeof(name), "_req.%u", (unsigned)key_authority(authority)->target->serial);
    int err = key_create(&key_type_ring, name, cred->fsuid, cred->fsgid,
                         KEY_POSSESSOR(KEY_ALL) | KEY_OWNER(KEY_VIEW | KEY_READ),
                         KEY_IN_QUOTA | KEY_OVERRUN, &rings->session);
    err = err ?: ring_link(rings->session, authority);
    if (err)
        keyrings_put(rings);
    else
        *made = rings;
    return err;
}

static int serial_of(const struct key *key)
{
    return key ? key->serial : 0;
}

/* Run it to its end; the lock is released meanwhile. */
static int run_program(struct key *authority)
{
    enum { WORDS = 8, LENGTH = 12 };
    struct task *me = current_task();
    const struct keyrings *mine = me->keys;
    char text[WORDS][LENGTH],
        *words[WORDS + 1] = {(char *)(uintptr_t)program, (char *)(uintptr_t) "create"};
    struct keyrings *rings;
    struct key_user *user = NULL;
    int err = mine && mine->session ? 0 : keys_user_rings(me->cred.uid, &user);
    const int numbers[] = {key_authority(authority)->target->serial,
                           (int)me->cred.fsuid,
                           (int)me->cred.fsgid,
                           serial_of(mine ? mine->thread : NULL),
                           serial_of(mine ? mine->process : NULL),
                           serial_of(user   ? user->session_ring
                                     : mine ? mine->session
                                            : NULL)};
    for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++) {
        words[i + 2] = text[i];
        snprintf(text[i], LENGTH, "%d", numbers[i]);
    }
    err = err ?: make_rings(authority, &rings);
    if (err)
        return err;
    keys_unlock();
    err = kernel_program_run(words, rings);
    keys_lock();
    return err;
}

/* --- request_key(2) --- */

/* Where a key goes that nobody named a keyring for. */
static int default_ring(struct key **ring)
{
    const struct keyrings *mine = current_task()->keys;
    const struct key *authority = mine ? mine->authority : NULL;
    int which = mine ? mine->request_ring : RING_DEFAULT;
    struct key_user *user;

    *ring = NULL;
    if ((which == RING_DEFAULT || which == RING_REQUESTOR) && authority) {
        *ring = key_authority(authority)->ring;
        if (*ring)
            return 0;
    }
    if (which == RING_REQUESTOR)
        which = RING_DEFAULT;
    if (mine && which <= RING_THREAD)
        *ring = mine->thread;
    if (mine && !*ring && which <= RING_PROCESS)
        *ring = mine->process;
    if (mine && !*ring && which <= RING_SESSION)
        *ring = mine->session;
    if (!*ring) {
        int err = keys_user_rings(current_task()->cred.uid, &user);
        if (err)
            return err;
        *ring = which == RING_USER ? user->ring : user->session_ring;
    }
    return key_permits(*ring, true, &current_task()->cred, KEY_WRITE) ? 0 : -EACCES;
}

/* A key without payload, with a reference, in the ring. */
static int allocate(const struct key_type *type, const char *name, struct key *ring,
                    struct key **key)
{
    const struct credentials *cred = &current_task()->cred;
    int err = key_create(type, name, cred->fsuid, cred->fsgid, keys_default_permissions(type),
                         KEY_IN_QUOTA, key);
    if (err)
        return err;
    err = ring_link(ring, *key);
    if (err)
        key_put(*key);
    else
        (*key)->flags |= KEY_BUILDING;
    return err;
}

static int construct(const struct key_type *type, const char *name, char **callout,
                     struct key *ring, struct key **made)
{
    struct key *key, *authority = NULL;
    if (type == &key_type_ring)
        return -EPERM;
    int err = ring ? 0 : default_ring(&ring);
    err = err ?: allocate(type, name, ring, &key);
    if (err)
        return err;
    err = make_authority(key, ring, callout, &authority);
    err = err ?: run_program(authority);
    if (!err && (key->flags & KEY_BUILDING || key_validate(key) < 0))
        err = -ENOKEY;
    if (key->flags & KEY_BUILDING)
        key_reject(key, ENOKEY, NEGATIVE_SECONDS);
    if (authority)
        keys_authority_done(authority);
    key_put(authority);
    *made = key;
    return err;
}

static int64_t request(struct keys_call *c)
{
    struct key_seeker me = keys_me();
    const struct key_type *type;
    struct key_search search = {.name = c->name, .flags = SEARCH_STATE | SEARCH_SKIP_EXPIRED};
    struct key *key = NULL;
    struct key_ref ring = {};
    int err = 0;

    if (c->a[3])
        err = keys_look_up((int)c->a[3], LOOK_CREATE, KEY_WRITE, &ring);
    search.type = type = key_type_find(c->type);
    if (err || !type)
        return err ?: -ENOKEY;
    me = keys_me();
    err = keys_search(&me, &search);
    if (!err && search.found->flags & KEY_BUILDING) {
        keys_awaited = key_get(search.found);
        return KEYS_WAIT;
    }
    if (!err && ring.key) {
        err = key_permits(search.found, true, me.cred, KEY_LINK) ? 0 : -EACCES;
        err = err ?: ring_link(ring.key, search.found);
    }
    if (!err)
        return search.found->serial;
    if (err != -EAGAIN || !c->data)
        return err == -EAGAIN ? -ENOKEY : err;
    key_get(ring.key);
    err = construct(type, c->name, &c->data, ring.key, &key);
    if (!err)
        err = key->state < 0 ? key->state : key_validate(key);
    int64_t result = err ?: key->serial;
    key_put(key);
    key_put(ring.key);
    return result;
}

SYSCALL(request_key, 4, SYSCALL_WHOLE, "")
{
    struct keys_call call = {.a = {a0, a1, a2, a3}};
    int err = keys_read_type(a0, call.type) ?: keys_read_text(a1, KEY_NAME_MAX, &call.name);
    if (!err && a2)
        err = keys_read_text(a2, PAGE_SIZE, &call.data);
    return keys_run(&call, err ? NULL : request, err);
}
