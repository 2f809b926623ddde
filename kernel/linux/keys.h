/* linux/keys.h: the keyrings that a task has (man 7 keyrings). A task that never asked for one has
 * none: task->keys is NULL. */
#pragma once

#include "keys/key.h"
#include "linux/task.h"

/* Never changed while it is shared; all under keys_lock. References of the keys. */
struct keyrings {
    unsigned refs;
    int request_ring; /* KEYCTL_SET_REQKEY_KEYRING */
    struct key *thread, *process, *session;
    struct key *authority; /* what KEYCTL_ASSUME_AUTHORITY assumed */
};

/* --- for the life of a task; none of these with keys_lock held, all may sleep --- */

int keys_inherit(struct task *task, const struct task *from); /* clone(2): -ENOMEM */
void keys_leave(struct task *task);
void keys_exec(struct task *task);       /* the thread's and the process's own go */
void keys_follow_ids(struct task *task); /* fsuid or fsgid changed */

/* --- with keys_lock held --- */

/* Whose rights and keyrings are looked at. */
struct key_seeker {
    const struct credentials *cred;
    const struct keyrings *rings; /* NULL: none */
};
struct key_seeker keys_me(void);
struct keyrings *keys_own(struct task *task); /* its own, to be changed; NULL: no memory */
void keyrings_put(struct keyrings *rings);

struct key_ref {
    struct key *key; /* without a reference: valid as long as the lock is held */
    bool possessed;
};
enum { LOOK_CREATE = 1, LOOK_PARTIAL = 2, LOOK_ANY = 4, LOOK_DEFER = 8 };
/* The key of a serial number or KEY_SPEC_*: made if it can be (CREATE), without payload as well
 * (PARTIAL), whatever its permissions and state (ANY), whatever its state (DEFER); it permits
 * `need`. KEYS_WAIT: keys_awaited (with a reference) has to be built first. */
int keys_look_up(int32_t id, unsigned flags, unsigned need, struct key_ref *ref);
enum { KEYS_WAIT = -4000 };
extern struct key *keys_awaited;
/* Search all keyrings of the seeker as request_key(2) does. As ring_search(). */
int keys_search(const struct key_seeker *seeker, struct key_search *search);
bool keys_possessed(const struct key_seeker *seeker, const struct key *key);

/* The session keyring becomes a new one of this name (NULL: "_ses"), or one that there is. */
int keys_join_session(const char *name);
/* KEY_SPEC_THREAD_KEYRING and _PROCESS_KEYRING as they are, made if need be. */
int keys_own_ring(int32_t id, struct key **ring);
int keys_user_rings(uint32_t uid, struct key_user **user); /* made if need be */
int keys_persistent(uint32_t uid, struct key **ring);

/* --- linux/request_key.c: who builds a key, and for whom --- */

extern const struct key_type key_type_authority;
struct key_authority {
    struct key *target, *ring; /* ring NULL: none was given */
    struct credentials *cred;  /* of who wants it, and its keyrings */
    struct keyrings *rings;
    int pid;
};
static inline struct key_authority *key_authority(const struct key *key)
{
    return key->owner;
}
/* The authority over a key in the caller's keyrings. -ENOKEY, -EKEYREVOKED. */
int keys_find_authority(int32_t id, struct key **authority);
/* The key is not awaited any more, whoever could build it cannot again. */
void keys_authority_done(struct key *authority);
/* The type of this name for programs; NULL. */
const struct key_type *key_type_find(const char *name);
/* The permissions of a new key. */
uint32_t keys_default_permissions(const struct key_type *type);
