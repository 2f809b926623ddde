/* keys.h: what the programs about keys share. Every promise is kept by a child with a session
 * keyring of its own, so nothing reaches the keyrings of who runs the test. */
#ifndef KEYS_H
#define KEYS_H
#include "abi.h"

#ifndef ENOKEY
#error errno.h is too old
#endif
enum { THREAD = -1, PROCESS = -2, SESSION = -3, USER = -4, USER_SESSION = -5, AUTHORITY = -7 };
enum { REQUESTOR = -8 };
enum {
    GET_ID = 0,
    JOIN = 1,
    UPDATE = 2,
    REVOKE = 3,
    CHOWN = 4,
    SETPERM = 5,
    DESCRIBE = 6,
    CLEAR = 7,
    LINK = 8,
    UNLINK = 9,
    SEARCH = 10,
    READ = 11,
    INSTANTIATE = 12,
    NEGATE = 13,
    SET_REQKEY = 14,
    SET_TIMEOUT = 15,
    ASSUME = 16,
    GET_SECURITY = 17,
    TO_PARENT = 18,
    REJECT = 19,
    INSTANTIATE_IOV = 20,
    INVALIDATE = 21,
    GET_PERSISTENT = 22,
    RESTRICT = 29,
    MOVE = 30,
    CAPABILITIES = 31
};

#define KEYCTL(op, ...) CALL(keyctl, op, ##__VA_ARGS__)

static inline int add(const char *type, const char *name, const char *payload, int ring)
{
    return (int)CALL(add_key, type, name, payload, payload ? strlen(payload) : 0, ring);
}

/* Does the key describe itself so? "type;uid;gid;perm;name" */
static inline bool described(int key, const char *as)
{
    char text[200] = "";
    long n = KEYCTL(DESCRIBE, key, text, sizeof(text));
    if (n == (long)strlen(as) + 1 && strcmp(text, as) == 0)
        return true;
    printf("# key %d is %ld \"%s\", not \"%s\"\n", key, n, text, as);
    return false;
}

/* Is this its payload? */
static inline bool holds(int key, const char *payload)
{
    char text[200] = "";
    long n = KEYCTL(READ, key, text, sizeof(text));
    return n == (long)strlen(payload) && memcmp(text, payload, (size_t)n) == 0;
}

static inline bool linked(int ring, int key)
{
    int keys[64];
    long n = KEYCTL(READ, ring, keys, sizeof(keys));
    for (long i = 0; i < n / 4; i++)
        if (keys[i] == key)
            return true;
    return false;
}

static void (*keys_check)(void);

static inline void check_in_session(void)
{
    NEED(KEYCTL(JOIN, NULL) > 0);
    keys_check();
}

static inline void keys_promise(const char *name, void (*check)(void))
{
    keys_check = check;
    promise_apart(name, check_in_session);
}

/* False: there are no keys here, and the program has said so. */
static inline bool have_keys(void)
{
    errno = 0;
    if (KEYCTL(CAPABILITIES, NULL, 0) > 0)
        return true;
    printf("skip - keys # no CONFIG_KEYS, or keyctl(2) is forbidden here (errno %d)\n1..1\n",
           errno);
    return false;
}
#endif
