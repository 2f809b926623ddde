/* linux/keyctl.c: add_key(2) and keyctl(2). */
#include "linux/keyctl.h"

#include "lib/string.h"
#include "linux/family.h"
#include "linux/iov.h"
#include "linux/keys.h"
#include "linux/path.h"
#include "mm/heap.h"
#include "mm/uaccess.h"

enum { CAP_SETUID = 7, USER_PAYLOAD_MAX = 32767 };

static const struct key_type types[] = {
    {.name = "user", .readable = true, .updatable = true, .max = USER_PAYLOAD_MAX},
    {.name = "logon", .updatable = true, .service = true, .max = USER_PAYLOAD_MAX},
    {.name = "big_key", .readable = true, .updatable = true, .max = KEY_PAYLOAD_MAX, .cost = 100},
};

const struct key_type *key_type_find(const char *name)
{
    for (unsigned i = 0; i < ARRAY_SIZE(types); i++)
        if (!strcmp(types[i].name, name))
            return &types[i];
    return strcmp(name, key_type_ring.name) == 0 ? &key_type_ring : NULL;
}

uint32_t keys_default_permissions(const struct key_type *type)
{
    unsigned may = KEY_VIEW | KEY_SEARCH | KEY_LINK | KEY_SETATTR;
    if (type->readable)
        may |= KEY_READ;
    if (type->updatable || type == &key_type_ring)
        may |= KEY_WRITE;
    return KEY_POSSESSOR(may) | KEY_OWNER(KEY_VIEW);
}

/* --- running a call --- */

int keys_read_type(uintptr_t from, char type[KEY_TYPE_MAX])
{
    ssize_t n = user_read_string(type, from, KEY_TYPE_MAX);
    if (n <= 0)
        return n == -EFAULT ? -EFAULT : -EINVAL;
    return type[0] == '.' ? -EPERM : 0;
}

int keys_read_text(uintptr_t from, size_t most, char **text)
{
    *text = kmalloc(most);
    if (!*text)
        return -ENOMEM;
    ssize_t n = user_read_string(*text, from, most);
    return n < 0 ? (n == -EFAULT ? -EFAULT : -EINVAL) : 0;
}

static int read_payload(struct keys_call *c, uintptr_t from, uint64_t len, size_t most)
{
    if (len > most)
        return -EINVAL;
    c->len = len;
    if (!len)
        return 0;
    c->data = kmalloc(len);
    if (!c->data)
        return -ENOMEM;
    return user_read(c->data, from, len);
}

/* Wait until the key has been built, or will not be. */
static int await(struct key *key)
{
    int err =
        WAIT_EVENT(&keys_built, !(__atomic_load_n(&key->flags, __ATOMIC_ACQUIRE) & KEY_BUILDING),
                   WAIT_INTERRUPTIBLE, NSEC_FOREVER);
    keys_lock();
    key_put(key);
    keys_unlock();
    return err ? -ERESTARTSYS : 0;
}

int64_t keys_run(struct keys_call *c, keys_call_fn *fn, int error)
{
    int64_t result = error;
    while (fn) {
        keys_lock();
        result = fn(c);
        struct key *key = result == KEYS_WAIT ? keys_awaited : NULL;
        keys_unlock();
        if (!key)
            break;
        result = await(key);
        if (result)
            break;
    }
    if (result >= 0 && c->out && c->a[1] && result <= (int64_t)c->a[2] &&
        user_write(c->a[1], c->out, c->out_len) < 0)
        result = -EFAULT;
    if (c->data)
        memset(c->data, 0, c->len);
    if (c->out)
        memset(c->out, 0, c->out_len);
    kfree(c->data);
    kfree(c->out);
    kfree(c->name);
    return result;
}

/* --- add_key(2) --- */

/* One of that name that is there already, to be given the new payload. */
static struct key *find_to_update(struct key *ring, const struct key_type *type, const char *name)
{
    struct key *key = type->updatable ? ring_find(ring, type, name) : NULL;
    return key && !(key->flags & (KEY_REVOKED | KEY_INVALID)) ? key : NULL;
}

static int64_t update(struct keys_call *c, struct key *key)
{
    if (!key->type->updatable)
        return -EOPNOTSUPP;
    return key_check_payload(key->type, c->len) ?: key_set_payload(key, &c->data, c->len);
}

static int64_t add(struct keys_call *c)
{
    const struct credentials *cred = &current_task()->cred;
    struct key_ref ring;
    struct key *key;
    int err = keys_look_up((int)c->a[3], LOOK_CREATE, KEY_WRITE, &ring);
    if (err)
        return err;
    const struct key_type *type = key_type_find(c->type);
    if (!type)
        return -ENODEV;
    if (!c->name || !c->name[0])
        return -EINVAL;
    if (ring.key->type != &key_type_ring)
        return -ENOTDIR;
    err = key_check_payload(type, c->len) ?: ring_may_link(ring.key, NULL);
    if (err)
        return err;
    key = find_to_update(ring.key, type, c->name);
    if (key) {
        if (key->flags & KEY_BUILDING) {
            keys_awaited = key_get(key);
            return KEYS_WAIT;
        }
        if (!key_permits(key, ring.possessed, cred, KEY_WRITE))
            return -EACCES;
        return update(c, key) ?: key->serial;
    }
    err = key_create(type, c->name, cred->fsuid, cred->fsgid, keys_default_permissions(type),
                     KEY_IN_QUOTA, &key);
    if (err)
        return err;
    if (type->max)
        err = key_set_payload(key, &c->data, c->len);
    err = err ?: ring_link(ring.key, key);
    key_put(key);
    return err ?: key->serial;
}

SYSCALL(add_key, 5, SYSCALL_WHOLE, "")
{
    struct keys_call call = {.a = {a0, 0, 0, a4}};
    int err = a3 > KEY_PAYLOAD_MAX ? -EINVAL : keys_read_type(a0, call.type);
    if (!err && a1)
        err = keys_read_text(a1, KEY_NAME_MAX, &call.name);
    if (!err && call.name && call.name[0] == '.' && !strncmp(call.type, "keyring", 7))
        err = -EPERM;
    err = err ?: read_payload(&call, a2, a3, KEY_PAYLOAD_MAX);
    return keys_run(&call, err ? NULL : add, err);
}

/* --- what keyctl(2) does: a[0] is the operation's first argument --- */

static int64_t get_id(struct keys_call *c)
{
    struct key_ref ref;
    return keys_look_up((int)c->a[0], c->a[1] ? LOOK_CREATE : 0, KEY_SEARCH, &ref)
               ?: ref.key->serial;
}

static int64_t join(struct keys_call *c)
{
    return c->name && c->name[0] == '.' ? -EPERM : keys_join_session(c->name);
}

static int64_t do_update(struct keys_call *c)
{
    struct key_ref ref;
    return keys_look_up((int)c->a[0], 0, KEY_WRITE, &ref) ?: update(c, ref.key);
}

static int64_t revoke(struct keys_call *c)
{
    struct key_ref ref;
    int err = keys_look_up((int)c->a[0], 0, KEY_WRITE, &ref);
    if (err == -EACCES)
        err = keys_look_up((int)c->a[0], 0, KEY_SETATTR, &ref);
    if (!err)
        key_revoke(ref.key);
    return err;
}

static int64_t invalidate(struct keys_call *c)
{
    struct key_ref ref;
    int err = keys_look_up((int)c->a[0], 0, KEY_SEARCH, &ref);
    if (!err)
        key_invalidate(ref.key);
    return err;
}

static int64_t change_owner(struct keys_call *c)
{
    uint32_t uid = (uint32_t)c->a[1], gid = (uint32_t)c->a[2];
    struct key_ref ref;
    if (uid == KEY_NOBODY && gid == KEY_NOBODY)
        return 0;
    int err = keys_look_up((int)c->a[0], LOOK_CREATE | LOOK_PARTIAL, KEY_SETATTR, &ref);
    if (err)
        return err;
    if (!capable(CAP_SYS_ADMIN) &&
        ((uid != KEY_NOBODY && uid != ref.key->uid) ||
         (gid != KEY_NOBODY && gid != ref.key->gid && !cred_in_group(&current_task()->cred, gid))))
        return -EACCES;
    if (uid != KEY_NOBODY && uid != ref.key->uid)
        err = key_change_user(ref.key, uid);
    if (!err && gid != KEY_NOBODY)
        ref.key->gid = gid;
    return err;
}

static int64_t set_permissions(struct keys_call *c)
{
    struct key_ref ref;
    if (c->a[1] & 0xc0c0c0c0u)
        return -EINVAL;
    int err = keys_look_up((int)c->a[0], LOOK_CREATE | LOOK_PARTIAL, KEY_SETATTR, &ref);
    if (!err && ref.key->uid != current_task()->cred.fsuid && !capable(CAP_SYS_ADMIN))
        err = -EACCES;
    if (!err)
        ref.key->perm = (uint32_t)c->a[1];
    return err;
}

/* For what the holder of an authority over it may do without a permission. */
static int look_up_for(struct keys_call *c, unsigned flags, unsigned need, struct key_ref *ref)
{
    struct key *authority;
    int err = keys_look_up((int)c->a[0], flags, need, ref);
    if (err != -EACCES)
        return err;
    int none = keys_find_authority((int)c->a[0], &authority);
    return none ? err : key_validate(ref->key);
}

static int64_t answer(struct keys_call *c, const void *text, size_t n)
{
    c->out = kmalloc(n);
    if (!c->out)
        return -ENOMEM;
    memcpy(c->out, text, n);
    c->out_len = n;
    return (int64_t)n;
}

static int64_t describe(struct keys_call *c)
{
    struct key_ref ref;
    int err = look_up_for(c, LOOK_PARTIAL, KEY_VIEW, &ref);
    if (err)
        return err;
    const struct key *key = ref.key;
    char head[96];
    uint32_t gid = key->gid == KEY_NOBODY ? 65534 : key->gid;
    int n = snprintf(head, sizeof(head), "%s;%d;%d;%08x;", key->type->name, (int)key->uid, (int)gid,
                     key->perm);
    size_t all = (size_t)n + strlen(key->name) + 1;
    c->out = kmalloc(all);
    if (!c->out)
        return -ENOMEM;
    memcpy(c->out, head, (size_t)n);
    memcpy(c->out + n, key->name, all - (size_t)n);
    c->out_len = all;
    return (int64_t)all;
}

static int64_t get_security(struct keys_call *c)
{
    struct key_ref ref;
    int err = look_up_for(c, LOOK_PARTIAL, KEY_VIEW, &ref);
    if (err == -EACCES)
        err = -ENOKEY; /* what Linux says here: there is no authority over it either */
    return err ?: answer(c, "", 1);
}

static int64_t set_timeout(struct keys_call *c)
{
    struct key_ref ref;
    int err = look_up_for(c, LOOK_CREATE | LOOK_PARTIAL, KEY_SETATTR, &ref);
    if (!err)
        key_set_timeout(ref.key, (unsigned)c->a[1]);
    return err;
}

static int64_t clear(struct keys_call *c)
{
    struct key_ref ref;
    int err = keys_look_up((int)c->a[0], LOOK_CREATE, KEY_WRITE, &ref);
    if (!err && ref.key->type != &key_type_ring)
        err = -ENOTDIR;
    if (!err)
        ring_clear(ref.key);
    return err;
}

static int64_t do_link(struct keys_call *c)
{
    struct key_ref ring, key;
    return keys_look_up((int)c->a[1], LOOK_CREATE, KEY_WRITE, &ring)
               ?: keys_look_up((int)c->a[0], LOOK_CREATE, KEY_LINK, &key)
               ?: ring_link(ring.key, key.key);
}

static int64_t do_unlink(struct keys_call *c)
{
    struct key_ref ring, key;
    return keys_look_up((int)c->a[1], 0, KEY_WRITE, &ring)
               ?: keys_look_up((int)c->a[0], LOOK_ANY, 0, &key)
               ?: ring_unlink(ring.key, key.key);
}

static int64_t move(struct keys_call *c)
{
    struct key_ref key, from, to;
    if (c->a[3] > 1)
        return -EINVAL;
    int err = keys_look_up((int)c->a[0], LOOK_CREATE, KEY_LINK, &key)
                  ?: keys_look_up((int)c->a[1], 0, KEY_WRITE, &from)
                  ?: keys_look_up((int)c->a[2], LOOK_CREATE, KEY_WRITE, &to);
    if (err || from.key == to.key)
        return err;
    if (from.key->type != &key_type_ring || to.key->type != &key_type_ring)
        return -ENOTDIR;
    if (ring_find(from.key, key.key->type, key.key->name) != key.key)
        return -ENOENT;
    if (c->a[3] && ring_find(to.key, key.key->type, key.key->name))
        return -EEXIST;
    return ring_link(to.key, key.key) ?: ring_unlink(from.key, key.key);
}

static int64_t search(struct keys_call *c)
{
    struct key_ref ring, to = {};
    struct key_search s = {.name = c->name, .cred = &current_task()->cred, .flags = SEARCH_STATE};
    int err = keys_look_up((int)c->a[0], 0, KEY_SEARCH, &ring);
    if (!err && (int)c->a[3])
        err = keys_look_up((int)c->a[3], LOOK_CREATE, KEY_WRITE, &to);
    s.type = key_type_find(c->type);
    s.possessed = ring.possessed;
    err = err ?: s.type ? err : -ENOKEY;
    err = err ?: ring_search(ring.key, &s);
    if (!err && to.key)
        err = key_permits(s.found, s.possessed, s.cred, KEY_LINK) ? ring_link(to.key, s.found)
                                                                  : -EACCES;
    return err == -EAGAIN ? -ENOKEY : err ?: s.found->serial;
}

/* The serial numbers of as many links as there is room for. */
static int64_t read_ring(struct keys_call *c, const struct key *ring)
{
    size_t n = ring->nlinks * sizeof(int32_t);
    if (c->a[1] && c->a[2] & (sizeof(int32_t) - 1))
        return -EINVAL;
    c->out = kmalloc(MAX(n, 1ul));
    if (!c->out)
        return -ENOMEM;
    for (unsigned i = 0; i < ring->nlinks; i++)
        memcpy(c->out + i * sizeof(int32_t), &ring->links[i]->serial, sizeof(int32_t));
    c->out_len = n;
    return (int64_t)n;
}

static int64_t do_read(struct keys_call *c)
{
    struct key_ref ref;
    const struct key_seeker me = keys_me();
    int err = keys_look_up((int)c->a[0], LOOK_DEFER, 0, &ref);
    if (err)
        return err == KEYS_WAIT ? err : -ENOKEY;
    if (ref.key->state < 0)
        return ref.key->state;
    /* Who could find it may read it, too. */
    if (!key_permits(ref.key, ref.possessed, me.cred, KEY_READ) && !ref.possessed)
        return -EACCES;
    if (!ref.key->type->readable)
        return -EOPNOTSUPP;
    err = key_validate(ref.key);
    if (err)
        return err;
    return ref.key->type == &key_type_ring ? read_ring(c, ref.key)
                                           : answer(c, ref.key->data, ref.key->len);
}

static int64_t set_request_ring(struct keys_call *c)
{
    int which = (int)c->a[0], old = current_task()->keys ? current_task()->keys->request_ring : 0;
    struct key *ring;
    int err = 0;
    if (which == -1)
        return old;
    if (which < 0 || which > 7 || which == 6)
        return -EINVAL;
    if (which == 1 || which == 2)
        err = keys_own_ring(-which, &ring);
    struct keyrings *own = err ? NULL : keys_own(current_task());
    if (!own)
        return err ?: -ENOMEM;
    own->request_ring = which;
    return old;
}

static int64_t get_persistent(struct keys_call *c)
{
    const struct credentials *cred = &current_task()->cred;
    uint32_t uid = (uint32_t)c->a[0];
    struct key_ref to;
    struct key *ring;
    if (uid == KEY_NOBODY)
        uid = cred->uid;
    if (uid != cred->uid && uid != cred->euid && !capable(CAP_SETUID))
        return -EPERM;
    int err = keys_look_up((int)c->a[1], LOOK_CREATE, KEY_WRITE, &to);
    if (!err && to.key->type != &key_type_ring)
        err = -ENOTDIR;
    err = err ?: keys_persistent(uid, &ring);
    err = err ?: ring_link(to.key, ring);
    if (err)
        return err;
    key_set_timeout(ring, key_settings[KEY_PERSISTENT_EXPIRY]);
    return ring->serial;
}

/* No type here says which links are to be let in but none at all. */
static int64_t restrict_ring(struct keys_call *c)
{
    struct key_ref ref;
    int err = keys_look_up((int)c->a[0], 0, KEY_SETATTR, &ref);
    if (err)
        return err;
    if (!c->a[1] != !c->a[2])
        return -EINVAL;
    if (ref.key->type != &key_type_ring)
        return -ENOTDIR;
    if (c->a[1])
        return key_type_find(c->type) ? -ENOENT : -ENOKEY;
    if (ref.key->flags & KEY_CLOSED)
        return -EEXIST;
    ref.key->flags |= KEY_CLOSED;
    return 0;
}

/* Its parent gets this task's session keyring. Under tasks_lock and the parent's lock. */
static int64_t hand_up(const struct process *parent, struct key *session)
{
    const struct credentials *me = &current_task()->cred, *its;
    struct task *task = parent && parent->pid > 1 && parent->nthreads == 1 ? parent->leader : NULL;
    if (!task)
        return -EPERM;
    if (!task->fds)
        return -EPERM; /* it is ending, and has given up its keys */
    if (task->keys && task->keys->session == session)
        return 0;
    its = &task->cred;
    if (its->uid != me->euid || its->euid != me->euid || its->suid != me->euid ||
        its->gid != me->egid || its->egid != me->egid || its->sgid != me->egid)
        return -EPERM;
    if (session->uid != me->euid ||
        (task->keys && task->keys->session && task->keys->session->uid != me->euid))
        return -EPERM;
    struct keyrings *own = keys_own(task);
    if (!own)
        return -ENOMEM;
    key_put(own->session);
    own->session = key_get(session);
    return 0;
}

static int64_t session_to_parent(struct keys_call *c)
{
    struct key_ref session;
    return keys_look_up(-3, 0, KEY_LINK, &session)
               ?: hand_up(current_process()->parent, session.key);
}

/* These locks are taken before keys_lock. */
static int64_t run_for_parent(struct keys_call *call)
{
    mutex_lock(&tasks_lock);
    struct process *parent = current_process()->parent;
    if (parent)
        mutex_lock(&parent->lock);
    int64_t result = keys_run(call, session_to_parent, 0);
    if (parent)
        mutex_unlock(&parent->lock);
    mutex_unlock(&tasks_lock);
    return result;
}

/* --- building keys --- */

static int64_t assume_authority(struct keys_call *c)
{
    struct key *authority = NULL;
    int err = (int)c->a[0] < 0 ? -EINVAL : 0;
    if (!err && (int)c->a[0])
        err = keys_find_authority((int)c->a[0], &authority);
    struct keyrings *own = err ? NULL : keys_own(current_task());
    if (!own)
        return err ?: -ENOMEM;
    key_put(own->authority);
    own->authority = key_get(authority);
    return authority ? authority->serial : 0;
}

/* The caller's authority over the key of a[0], and the keyring which that is to go to. */
static int find_target(struct keys_call *c, int32_t ring_id, struct key **target, struct key **ring)
{
    const struct key *authority = current_task()->keys ? current_task()->keys->authority : NULL;
    struct key_ref ref;
    int err = 0;
    *ring = NULL;
    if (!authority || key_authority(authority)->target->serial != (int)c->a[0])
        return -EPERM;
    *target = key_authority(authority)->target;
    if (ring_id > 0) {
        err = keys_look_up(ring_id, LOOK_CREATE, KEY_WRITE, &ref);
        *ring = ref.key;
    } else if (ring_id == -7) {
        err = -EINVAL;
    } else if (ring_id < 0) {
        *ring = key_authority(authority)->ring;
        err = ring_id < -8 ? -ENOKEY : 0;
    }
    return err;
}

/* The key is as it stays: into the keyring, and nobody may build it any more. */
static int64_t built(struct key *target, struct key *ring)
{
    int err = ring ? ring_link(ring, target) : 0;
    struct keyrings *own = keys_own(current_task());
    keys_authority_done(current_task()->keys->authority);
    if (own) {
        key_put(own->authority);
        own->authority = NULL;
    }
    return err;
}

static int64_t instantiate(struct keys_call *c)
{
    struct key *target, *ring;
    int err = find_target(c, (int)c->a[3], &target, &ring);
    err = err ?: ring ? ring_may_link(ring, target) : 0;
    if (!err && target->state)
        err = -EBUSY;
    err = err ?: key_check_payload(target->type, c->len);
    err = err ?: key_set_payload(target, &c->data, c->len);
    return err ?: built(target, ring);
}

/* a: the key, seconds, the error, the keyring. */
static int64_t reject(struct keys_call *c)
{
    struct key *target, *ring;
    unsigned error = (unsigned)c->a[2];
    if (!error || error >= 4095 ||
        (error >= ERESTARTSYS && error <= ERESTART_RESTARTBLOCK && error != 515))
        return -EINVAL;
    int err = find_target(c, (int)c->a[3], &target, &ring);
    err = err ?: ring ? ring_may_link(ring, target) : 0;
    if (!err && target->state)
        err = -EBUSY;
    if (err)
        return err;
    key_reject(target, (int)error, (unsigned)c->a[1]);
    return built(target, ring);
}

/* --- keyctl(2) --- */

static int64_t capabilities(uint64_t to, uint64_t room)
{
    /* CAPABILITIES, PERSISTENT, BIG_KEY, INVALIDATE, RESTRICT, MOVE; names and tags by namespace */
    static const uint8_t have[2] = {0xf3, 0x03};
    size_t n = MIN(room, sizeof(have));
    if (user_write(to, have, n) < 0 || (room > n && user_zero(to + n, room - n) < 0))
        return -EFAULT;
    return sizeof(have);
}

enum { PAYLOAD = 1, TYPE = 2, NAME = 4, AUTHORITY = 8, VECTOR = 16, NAME_2 = 32 };
static const struct {
    keys_call_fn *fn;
    unsigned reads; /* PAYLOAD: at a[1], a[2] bytes; TYPE: a[1]; NAME: a[0]; NAME_2: a[2] */
} operations[] = {
    [0] = {get_id},
    [1] = {join, NAME},
    [2] = {do_update, PAYLOAD},
    [3] = {revoke},
    [4] = {change_owner},
    [5] = {set_permissions},
    [6] = {describe},
    [7] = {clear},
    [8] = {do_link},
    [9] = {do_unlink},
    [10] = {search, TYPE | NAME_2},
    [11] = {do_read},
    [12] = {instantiate, PAYLOAD | AUTHORITY},
    [13] = {reject},
    [14] = {set_request_ring},
    [15] = {set_timeout},
    [16] = {assume_authority},
    [17] = {get_security},
    [18] = {session_to_parent},
    [19] = {reject},
    [20] = {instantiate, VECTOR | AUTHORITY},
    [21] = {invalidate},
    [22] = {get_persistent},
    [29] = {restrict_ring, TYPE | NAME_2},
    [30] = {move},
};
enum { NEGATE = 13, SESSION_TO_PARENT = 18, RESTRICT = 29, CAPABILITIES = 31 };

static int read_vector(struct keys_call *c)
{
    struct user_iov vec;
    int err = user_iov_get(&vec, c->a[1], (uint32_t)c->a[2]);
    if (err)
        return err;
    c->len = vec.io.left;
    err = c->len > KEY_PAYLOAD_MAX ? -EINVAL : 0;
    if (!err && c->len) {
        c->data = kmalloc(c->len);
        err = !c->data ? -ENOMEM : io_get(&vec.io, c->data, c->len) < c->len ? -EFAULT : 0;
    }
    user_iov_put(&vec);
    return err;
}

static bool has_authority(void)
{
    keys_lock(); /* a child may be giving this task a session */
    const struct keyrings *mine = current_task()->keys;
    bool has = mine && mine->authority;
    keys_unlock();
    return has;
}

static int read_arguments(struct keys_call *c, unsigned reads, bool optional)
{
    int err = 0;
    if (reads & AUTHORITY && !has_authority())
        return -EPERM;
    if (reads & VECTOR && c->a[1])
        err = read_vector(c);
    if (reads & PAYLOAD && (c->a[1] || !(reads & AUTHORITY)))
        err = read_payload(c, c->a[1], c->a[2], reads & AUTHORITY ? KEY_PAYLOAD_MAX : PAGE_SIZE);
    if (reads & TYPE && (c->a[1] || !optional))
        err = keys_read_type(c->a[1], c->type);
    if (!err && reads & NAME_2 && (c->a[2] || !optional))
        err = keys_read_text(c->a[2], KEY_NAME_MAX, &c->name);
    if (reads & NAME && c->a[0])
        err = keys_read_text(c->a[0], KEY_NAME_MAX, &c->name);
    return err;
}

SYSCALL(keyctl, 5, SYSCALL_WHOLE, "")
{
    struct keys_call call = {.a = {a1, a2, a3, a4}};
    unsigned op = (unsigned)a0;

    if (op == CAPABILITIES)
        return capabilities(a1, a2);
    if (op >= ARRAY_SIZE(operations) || !operations[op].fn)
        return -EOPNOTSUPP; /* Diffie-Hellman, public keys and watches are options of their own */
    if (op == NEGATE) {
        call.a[2] = ENOKEY;
        call.a[3] = a3;
    }
    int err = read_arguments(&call, operations[op].reads, op == RESTRICT);
    if (op == SESSION_TO_PARENT)
        return run_for_parent(&call);
    return keys_run(&call, err ? NULL : operations[op].fn, err);
}
