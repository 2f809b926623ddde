/* keys/key.h: keys and keyrings (man 7 keyrings).
 *
 * A key has a type, a name, an owner, permissions and a payload; a keyring is a key whose payload
 * are references of other keys. All keys are under one lock: what is below wants it held unless it
 * says otherwise, and may sleep. Errors are negative errno values. */
#pragma once

#include "core/mutex.h"
#include "core/waitqueue.h"
#include "fs/vfs.h"
#include "lib/list.h"
#include "lib/rbtree.h"

struct key;
struct key_type {
    const char *name;
    bool readable, updatable;      /* may be asked for its payload, given another one */
    bool service;                  /* the name begins with a word and a colon */
    bool reserved;                 /* not for add_key(2) and its like */
    size_t max;                    /* the longest payload; 0: has none */
    size_t cost;                   /* what it counts for in the quota; 0: its length */
    void (*destroy)(struct key *); /* lets go of what `owner` is */
};
extern const struct key_type key_type_ring;

/* Who pays for keys. Exists as long as it has any, or keyrings of its own. */
struct key_user {
    struct list all;
    uint32_t uid;
    unsigned nkeys, npositive, nquota;
    size_t bytes;
    struct key *ring, *session_ring, *persistent; /* with references; NULL: not made yet */
};

enum { /* key.flags */
       KEY_IN_QUOTA = 1,
       KEY_OVERRUN = 2, /* key_create(): the quota may be exceeded */
       KEY_REVOKED = 4,
       KEY_INVALID = 8,
       KEY_BUILDING = 16, /* a program has been asked for the payload */
       KEY_CLOSED = 32,   /* a keyring that takes no more links */
};
/* Permissions (man 2 keyctl), four times eight bits: of the possessor, user, group, others. */
enum { KEY_VIEW = 1, KEY_READ = 2, KEY_WRITE = 4, KEY_SEARCH = 8, KEY_LINK = 16, KEY_SETATTR = 32 };
#define KEY_POSSESSOR(mask) ((uint32_t)(mask) << 24)
#define KEY_OWNER(mask)     ((uint32_t)(mask) << 16)
#define KEY_ALL             63u
#define KEY_NOBODY          ((uint32_t)-1) /* a user or group number that nobody has */

struct key {
    struct rb_node node; /* by serial */
    struct list dying;
    const struct key_type *type;
    struct key_user *user; /* pays */
    unsigned refs, flags;
    int32_t serial;
    uint32_t uid, gid, perm;
    int state; /* 0: has no payload yet, 1: has one, else the error it stands for */
    int64_t expiry, revoked_at; /* seconds of real time; 0: never */
    size_t paid;                /* bytes of the quota */
    void *data;                 /* the payload, kmalloc */
    size_t len;
    struct key **links; /* a keyring's, with references */
    unsigned nlinks, room;
    void *owner; /* the type's own */
    char name[];
};

enum {
    KEY_LIMIT_KEYS,
    KEY_LIMIT_BYTES,
    KEY_LIMIT_ROOT_KEYS,
    KEY_LIMIT_ROOT_BYTES,
    KEY_GC_DELAY,
    KEY_PERSISTENT_EXPIRY,
    KEY_SETTINGS
};
extern unsigned key_settings[KEY_SETTINGS];
extern struct list key_users;
extern struct rb_tree key_tree;

/* Take the lock (links to keys that have been dead for long go), and release it (keys that nobody
 * refers to any more are freed). */
void keys_lock(void);
void keys_unlock(void);
int64_t keys_now(void); /* seconds of real time */

/* A new key without payload, with a reference; flags: KEY_IN_QUOTA, KEY_OVERRUN. A keyring is whole
 * at once. -EDQUOT, -ENOMEM, -EINVAL (the name). */
int key_create(const struct key_type *type, const char *name, uint32_t uid, uint32_t gid,
               uint32_t perm, unsigned flags, struct key **key);
static inline struct key *key_get(struct key *key)
{
    if (key)
        key->refs++;
    return key;
}
void key_put(struct key *key); /* NULL is nothing */
struct key *key_find(int32_t serial);
struct key_user *key_user(uint32_t uid); /* NULL: no memory */
/* NULL: there is none yet. */
struct key_user *key_user_find(uint32_t uid);

/* Would the type take a payload of len bytes? -EINVAL. Without the lock. */
int key_check_payload(const struct key_type *type, size_t len);
/* Give it the payload (takes over *data and sets it NULL); it is positive and does not expire then.
 * -EDQUOT. */
int key_set_payload(struct key *key, char **data, size_t len);
void key_drop_payload(struct key *key);
/* It stands for this error (positive number) for so many seconds. */
void key_reject(struct key *key, int error, unsigned seconds);
int key_validate(const struct key *key); /* -ENOKEY, -EKEYREVOKED, -EKEYEXPIRED */
bool key_permits(const struct key *key, bool possessed, const struct credentials *cred,
                 unsigned need);
int key_change_user(struct key *key, uint32_t uid); /* -EDQUOT */
void key_set_timeout(struct key *key, unsigned seconds);
void key_revoke(struct key *key);
void key_invalidate(struct key *key);
extern struct waitqueue keys_built; /* one is not KEY_BUILDING any more */

/* --- ring.c --- */

/* The link to the key of this type and name; NULL: none. */
struct key *ring_find(const struct key *ring, const struct key_type *type, const char *name);
/* May this key be linked there? -EPERM, -EDEADLK, -ELOOP; without `key`: -EPERM only. */
int ring_may_link(const struct key *ring, struct key *key);
/* Link it in the place of another one of its name. -ENOTDIR, -EDQUOT, -ENOMEM, as above. */
int ring_link(struct key *ring, struct key *key);
int ring_unlink(struct key *ring, const struct key *key); /* -ENOTDIR, -ENOENT */
void ring_clear(struct key *ring);
/* Links to keys for which dead() holds go. */
void ring_prune(struct key *ring, bool (*dead)(const struct key *));

struct key_search {
    const struct credentials *cred;
    const struct key_type *type;
    const char *name;
    const struct key *exact; /* or this one */
    unsigned flags;
    bool possessed; /* is the keyring from which the search starts */
    struct key *found;
    int error;
};
enum {
    SEARCH_STATE = 1,        /* only valid keys */
    SEARCH_SKIP_EXPIRED = 2, /* expired ones as if they were not there */
    SEARCH_FREELY = 4,       /* whatever the permissions are */
    SEARCH_ALL_LEVELS = 8,   /* -ELOOP where keyrings are nested too deep, else they are left out */
};
/* Look through the keyring and those in it: 0 with search->found; -EAGAIN: it is not there; what
 * keeps it from being used; -EACCES, -ENOTDIR. */
int ring_search(struct key *ring, struct key_search *search);
