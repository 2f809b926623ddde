/* keys/key.c: keys by serial number, what they cost their users, and how they end. */
#include "keys/key.h"

#include "core/clock.h"
#include "core/random.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"

static struct mutex lock;
struct rb_tree key_tree;
static struct key_user root_user = {.all = {&key_users, &key_users}}; /* never goes */
struct list key_users = {&root_user.all, &root_user.all};
struct waitqueue keys_built = {.waiters = LIST_INIT(keys_built.waiters)};
unsigned key_settings[KEY_SETTINGS] = {200, 20000, 1000000, 25000000, 300, 3 * 24 * 3600};

static struct list dying = LIST_INIT(dying);
static int64_t next_sweep = INT64_MAX; /* when a link may have become one to a dead key */

const struct key_type key_type_ring = {.name = "keyring", .readable = true};

int64_t keys_now(void)
{
    return (int64_t)(clock_realtime() / 1000000000);
}

/* --- users --- */

struct key_user *key_user_find(uint32_t uid)
{
    list_for_each_entry (struct key_user, user, &key_users, all) {
        if (user->uid == uid)
            return user;
    }
    return NULL;
}

struct key_user *key_user(uint32_t uid)
{
    struct key_user *user = key_user_find(uid);
    if (user || !(user = kzalloc(sizeof(*user))))
        return user;
    user->uid = uid;
    list_add_tail(&key_users, &user->all);
    return user;
}

static unsigned limit(const struct key_user *user, unsigned which)
{
    return key_settings[user->uid ? which : which + KEY_LIMIT_ROOT_KEYS];
}

static bool may_pay(const struct key_user *user, unsigned keys, size_t bytes)
{
    return user->nquota + keys <= limit(user, KEY_LIMIT_KEYS) &&
           user->bytes + bytes <= limit(user, KEY_LIMIT_BYTES);
}

static void count(struct key *key, struct key_user *user, int n)
{
    user->nkeys += (unsigned)n;
    user->npositive += key->state ? (unsigned)n : 0;
    if (key->flags & KEY_IN_QUOTA) {
        user->nquota += (unsigned)n;
        user->bytes += n < 0 ? -key->paid : key->paid;
    }
}

/* Its keyrings may have been given away, and are its keyrings still. */
static void user_settle(struct key_user *user)
{
    if (user && user != &root_user && !user->nkeys && !user->ring && !user->session_ring &&
        !user->persistent) {
        list_del(&user->all);
        kfree(user);
    }
}

/* Let it pay for its name and this much payload. */
static int pay(struct key *key, size_t payload)
{
    size_t now = strlen(key->name) + 1 + payload, more = now - key->paid;
    if (key->flags & KEY_IN_QUOTA) {
        if (now > key->paid && !may_pay(key->user, 0, more))
            return -EDQUOT;
        key->user->bytes += more;
    }
    key->paid = now;
    return 0;
}

int key_change_user(struct key *key, uint32_t uid)
{
    struct key_user *user = key_user(uid);
    if (!user)
        return -ENOMEM;
    if (user != key->user) {
        struct key_user *old = key->user;
        if (key->flags & KEY_IN_QUOTA && !may_pay(user, 1, key->paid)) {
            user_settle(user);
            return -EDQUOT;
        }
        count(key, old, -1);
        count(key, user, 1);
        user_settle(old);
        key->user = user;
    }
    key->uid = uid;
    return 0;
}

/* --- the tree --- */

static struct rb_node **place(int32_t serial, struct rb_node **parent)
{
    struct rb_node **link = &key_tree.root;
    for (*parent = NULL; *link;) {
        struct key *key = container_of(*link, struct key, node);
        if (key->serial == serial)
            break;
        *parent = *link;
        link = serial < key->serial ? &(*link)->left : &(*link)->right;
    }
    return link;
}

struct key *key_find(int32_t serial)
{
    struct rb_node *parent, **link = place(serial, &parent);
    struct key *key = *link ? container_of(*link, struct key, node) : NULL;
    return key && key->refs ? key : NULL;
}

static void insert(struct key *key)
{
    struct rb_node *parent, **link;
    do {
        key->serial = (int32_t)(random_u64() & INT32_MAX);
        link = place(key->serial, &parent);
    } while (key->serial < 3 || *link);
    rb_insert(&key_tree, &key->node, parent, link);
}

int key_create(const struct key_type *type, const char *name, uint32_t uid, uint32_t gid,
               uint32_t perm, unsigned flags, struct key **made)
{
    size_t n = strlen(name) + 1;
    const char *colon = strchr(name, ':');
    if (n == 1 || (type->service && (!colon || colon == name)))
        return -EINVAL;
    struct key_user *user = key_user(uid);
    struct key *key = user ? kzalloc(sizeof(*key) + n) : NULL;
    bool ok = !(flags & KEY_IN_QUOTA) || flags & KEY_OVERRUN || (user && may_pay(user, 1, n));
    if (!key || !ok) {
        user_settle(user);
        kfree(key);
        return key ? -EDQUOT : -ENOMEM;
    }
    *key = (struct key){.type = type,
                        .user = user,
                        .refs = 1,
                        .flags = flags & KEY_IN_QUOTA,
                        .uid = uid,
                        .gid = gid,
                        .perm = perm,
                        .paid = n,
                        .state = type == &key_type_ring};
    memcpy(key->name, name, n);
    insert(key);
    count(key, user, 1);
    *made = key;
    return 0;
}

void key_put(struct key *key)
{
    if (key && --key->refs == 0)
        list_add_tail(&dying, &key->dying);
}

/* --- payloads --- */

int key_check_payload(const struct key_type *type, size_t len)
{
    return type->max ? (len && len <= type->max ? 0 : -EINVAL) : (len ? -EINVAL : 0);
}

static void forget(struct key *key)
{
    if (key->data)
        memset(key->data, 0, key->len);
    kfree(key->data);
    key->data = NULL;
    key->len = 0;
}

static void set_state(struct key *key, int state)
{
    if (!key->state)
        key->user->npositive++;
    key->state = state;
    key->flags &= ~(unsigned)KEY_BUILDING;
    wake_all(&keys_built);
}

int key_set_payload(struct key *key, char **data, size_t len)
{
    int err = pay(key, key->type->cost ?: len);
    if (err)
        return err;
    forget(key);
    key->data = *data;
    key->len = len;
    key->expiry = 0;
    *data = NULL;
    set_state(key, 1);
    return 0;
}

void key_drop_payload(struct key *key)
{
    ring_clear(key);
    (void)pay(key, 0);
    forget(key);
}

/* --- their ends --- */

static void sweep_at(int64_t when)
{
    next_sweep = MIN(next_sweep, when);
}

void key_set_timeout(struct key *key, unsigned seconds)
{
    key->expiry = seconds ? keys_now() + seconds : 0;
    if (seconds)
        sweep_at(key->expiry + key_settings[KEY_GC_DELAY]);
}

void key_reject(struct key *key, int error, unsigned seconds)
{
    set_state(key, -error);
    key->expiry = keys_now() + seconds; /* at once, if it is for no time */
    sweep_at(key->expiry + key_settings[KEY_GC_DELAY]);
}

void key_revoke(struct key *key)
{
    if (key->flags & KEY_REVOKED)
        return;
    key->flags |= KEY_REVOKED;
    key->revoked_at = keys_now();
    key_drop_payload(key);
    sweep_at(key->revoked_at + key_settings[KEY_GC_DELAY]);
}

void key_invalidate(struct key *key)
{
    key->flags |= KEY_INVALID;
    sweep_at(0);
}

int key_validate(const struct key *key)
{
    if (key->flags & KEY_INVALID)
        return -ENOKEY;
    if (key->flags & KEY_REVOKED)
        return -EKEYREVOKED;
    return key->expiry && keys_now() >= key->expiry ? -EKEYEXPIRED : 0;
}

bool key_permits(const struct key *key, bool possessed, const struct credentials *cred,
                 unsigned need)
{
    uint32_t may = key->perm;
    if (key->uid == cred->fsuid)
        may >>= 16;
    else if (key->gid != KEY_NOBODY && may & KEY_ALL << 8 && cred_in_group(cred, key->gid))
        may >>= 8;
    if (possessed)
        may |= key->perm >> 24;
    return !(need & ~may);
}

/* The sweep's time, and the next one that it has found. */
static int64_t sweep_time, sweep_next;

static bool dead(const struct key *key)
{
    int64_t end = key->flags & KEY_REVOKED ? key->revoked_at : key->expiry;
    if (key->flags & KEY_INVALID)
        return true;
    if (!end)
        return false;
    end += key_settings[KEY_GC_DELAY];
    if (end > sweep_time)
        sweep_next = MIN(sweep_next, end);
    return end <= sweep_time;
}

static void let_go(struct key **ring)
{
    if (*ring && dead(*ring)) {
        key_put(*ring);
        *ring = NULL;
    }
}

static void sweep(int64_t now)
{
    sweep_time = now;
    sweep_next = INT64_MAX;
    for (struct rb_node *node = rb_first(&key_tree); node; node = rb_next(node))
        ring_prune(container_of(node, struct key, node), dead);
    list_for_each_safe (at, next, &key_users) {
        struct key_user *user = list_entry(at, struct key_user, all);
        let_go(&user->ring);
        let_go(&user->session_ring);
        let_go(&user->persistent);
        user_settle(user);
    }
    next_sweep = sweep_next;
}

void keys_lock(void)
{
    mutex_lock(&lock);
    if (unlikely(next_sweep != INT64_MAX) && keys_now() >= next_sweep)
        sweep(keys_now());
}

static void bury(struct key *key)
{
    list_del(&key->dying);
    rb_remove(&key_tree, &key->node);
    if (key->type->destroy)
        key->type->destroy(key);
    key_drop_payload(key);
    kfree(key->links);
    count(key, key->user, -1);
    user_settle(key->user);
    kfree(key);
}

void keys_unlock(void)
{
    if (unlikely(next_sweep <= 0)) /* one was invalidated: now, not at the next call */
        sweep(keys_now());
    while (!list_empty(&dying))
        bury(list_first(&dying, struct key, dying));
    mutex_unlock(&lock);
}
