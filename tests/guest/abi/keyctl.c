/* man 2 keyctl; what only the program of request_key(2) may do is in request_key.c. */
#include "keys.h"
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>

static void ids(void)
{
    int session = (int)KEYCTL(GET_ID, SESSION, 0);
    CHECK(session > 0);
    CHECK_EQ(KEYCTL(GET_ID, session, 0), session);
    CHECK_ERRNO(KEYCTL(GET_ID, THREAD, 0), ENOKEY);
    CHECK_ERRNO(KEYCTL(GET_ID, PROCESS, 0), ENOKEY);
    int thread = (int)KEYCTL(GET_ID, THREAD, 1);
    CHECK(thread > 0);
    CHECK_EQ(KEYCTL(GET_ID, THREAD, 0), thread);
    CHECK(KEYCTL(GET_ID, PROCESS, 1) > 0);
    CHECK(described(USER, "keyring;0;65534;1f3f0000;_uid.0"));
    CHECK(described(USER_SESSION, "keyring;0;65534;1f3f0000;_uid_ses.0"));
    CHECK_ERRNO(KEYCTL(GET_ID, 0, 1), EINVAL);
    CHECK_ERRNO(KEYCTL(GET_ID, -6, 1), EINVAL);
    CHECK_ERRNO(KEYCTL(GET_ID, AUTHORITY, 1), ENOKEY);
    CHECK_ERRNO(KEYCTL(GET_ID, REQUESTOR, 1), ENOKEY);
    CHECK_ERRNO(KEYCTL(GET_ID, -9, 1), EINVAL);
    CHECK_ERRNO(KEYCTL(GET_ID, 0x7ffffffe, 1), ENOKEY);
}

static void sessions(void)
{
    int first = (int)KEYCTL(GET_ID, SESSION, 0), named;
    int kept = add("keyring", "osprey:kept", NULL, THREAD);
    named = (int)KEYCTL(JOIN, "osprey:session");
    CHECK(named > 0 && named != first);
    CHECK(described(SESSION, "keyring;0;0;3f130000;osprey:session"));
    CHECK(KEYCTL(LINK, named, kept) == 0);
    int other = (int)KEYCTL(JOIN, "osprey:session"); /* the first may not be joined */
    CHECK(other > 0 && other != named);
    CHECK(KEYCTL(SETPERM, named, 0x3f1b0000) == 0);
    CHECK_EQ(KEYCTL(JOIN, "osprey:session"), named);
    CHECK_EQ(KEYCTL(JOIN, "osprey:session"), 0);
    CHECK_ERRNO(KEYCTL(JOIN, ".hidden"), EPERM);
    CHECK_ERRNO(KEYCTL(JOIN, ""), EINVAL);
    CHECK_ERRNO(KEYCTL(JOIN, BAD), EFAULT);
    CHECK_EQ(KEYCTL(GET_ID, SESSION, 0), named);
    CHECK(KEYCTL(SETPERM, named, 0) == 0);
}

static void updates(void)
{
    int key = add("user", "key", "1", SESSION), ring = add("keyring", "ring", NULL, SESSION);
    CHECK(KEYCTL(UPDATE, key, "two", 3) == 0);
    CHECK(holds(key, "two"));
    CHECK_ERRNO(KEYCTL(UPDATE, key, NULL, 0), EINVAL);
    CHECK_ERRNO(KEYCTL(UPDATE, key, BAD, 5), EFAULT);
    CHECK_ERRNO(KEYCTL(UPDATE, key, key, 4097), EINVAL);
    CHECK_ERRNO(KEYCTL(UPDATE, ring, "x", 1), EOPNOTSUPP);
    CHECK_ERRNO(KEYCTL(UPDATE, 0x7ffffffe, "x", 1), ENOKEY);
    CHECK(KEYCTL(SETPERM, key, 0x3b000000) == 0);
    CHECK_ERRNO(KEYCTL(UPDATE, key, "x", 1), EACCES);
    CHECK(holds(key, "two"));
}

static void reading(void)
{
    char text[8] = "....";
    int key = add("user", "key", "payload", SESSION), keys[4] = {};
    CHECK_EQ(KEYCTL(READ, key, NULL, 0), 7);
    CHECK_EQ(KEYCTL(READ, key, text, 3), 7); /* too small: nothing */
    CHECK(strcmp(text, "....") == 0);
    CHECK_EQ(KEYCTL(READ, key, text, 7), 7);
    CHECK(memcmp(text, "payload", 7) == 0);
    CHECK_ERRNO(KEYCTL(READ, key, BAD, 7), EFAULT);
    CHECK_EQ(KEYCTL(READ, SESSION, NULL, 0), 4);
    CHECK_EQ(KEYCTL(READ, SESSION, keys, sizeof(keys)), 4);
    CHECK_EQ(keys[0], key);
    CHECK_ERRNO(KEYCTL(READ, SESSION, keys, 6), EINVAL);
    CHECK_ERRNO(KEYCTL(READ, 0, keys, 4), ENOKEY);
    CHECK_ERRNO(KEYCTL(READ, THREAD, keys, 4), ENOKEY);
    /* Who may find it may read it. */
    CHECK(KEYCTL(SETPERM, key, 0x08000000) == 0);
    CHECK_EQ(KEYCTL(READ, key, NULL, 0), 7);
    key = add("user", "other", "payload", SESSION);
    CHECK(KEYCTL(SETPERM, key, 0x05000000) == 0);
    CHECK_ERRNO(KEYCTL(READ, key, NULL, 0), EACCES);
}

static void describing(void)
{
    char text[8] = "....";
    int key = add("user", "key;with:more", "1", SESSION);
    CHECK(described(key, "user;0;0;3f010000;key;with:more"));
    CHECK_EQ(KEYCTL(DESCRIBE, key, text, sizeof(text)), 32);
    CHECK(strcmp(text, "....") == 0);
    CHECK_EQ(KEYCTL(DESCRIBE, key, NULL, 0), 32);
    CHECK_ERRNO(KEYCTL(DESCRIBE, key, BAD, 100), EFAULT);
    CHECK_EQ(KEYCTL(GET_SECURITY, key, NULL, 0) >= 1, 1);
    CHECK(KEYCTL(SETPERM, key, 0x3e000000) == 0);
    CHECK_ERRNO(KEYCTL(DESCRIBE, key, NULL, 0), EACCES);
    CHECK_ERRNO(KEYCTL(GET_SECURITY, key, NULL, 0), ENOKEY); /* nor an authority */
}

static void permissions(void)
{
    int key = add("user", "key", "1", SESSION), ring = add("keyring", "ring", NULL, SESSION);
    CHECK_ERRNO(KEYCTL(SETPERM, key, 0x40000000), EINVAL);
    CHECK(KEYCTL(SETPERM, key, 0x3f3f3f3f) == 0);
    CHECK(described(key, "user;0;0;3f3f3f3f;key"));
    CHECK(KEYCTL(SETPERM, key, 0x2f000000) == 0); /* no link */
    CHECK_ERRNO(KEYCTL(LINK, key, ring), EACCES);
    CHECK(KEYCTL(SETPERM, key, 0x1f000000) == 0); /* no setattr */
    CHECK(KEYCTL(LINK, key, ring) == 0);
    CHECK_ERRNO(KEYCTL(SETPERM, key, 0x3f000000), EACCES);
    CHECK_ERRNO(KEYCTL(CHOWN, key, 0, 0), EACCES);
    CHECK_ERRNO(KEYCTL(SET_TIMEOUT, key, 5), EACCES);
    CHECK(KEYCTL(CHOWN, key, -1, -1) == 0);
    /* What the possessor may not, the owner may. */
    key = add("user", "owned", "1", SESSION);
    CHECK(KEYCTL(SETPERM, key, 0x003f0000) == 0);
    CHECK(holds(key, "1"));
    /* Not searchable, so not possessed. */
    CHECK(KEYCTL(SETPERM, key, 0x37010000) == 0);
    CHECK_ERRNO(KEYCTL(READ, key, NULL, 0), EACCES);
    CHECK_ERRNO(KEYCTL(SEARCH, SESSION, "user", "owned", 0), EACCES);
}

static void owners(void)
{
    int key = add("user", "key", "1", SESSION);
    CHECK(KEYCTL(SETPERM, key, 0x3f3f0101) == 0);
    CHECK(KEYCTL(CHOWN, key, NOBODY, -1) == 0);
    CHECK(described(key, "user;65534;0;3f3f0101;key"));
    CHECK(KEYCTL(CHOWN, key, -1, NOBODY) == 0);
    CHECK(described(key, "user;65534;65534;3f3f0101;key"));
    CHECK(KEYCTL(CHOWN, key, 0, 0) == 0);
    become_nobody();
    CHECK_ERRNO(KEYCTL(CHOWN, key, NOBODY, -1), EACCES);
    CHECK_ERRNO(KEYCTL(SETPERM, key, 0x3f3f0101), EACCES); /* permitted, but not its owner */
    CHECK(KEYCTL(CHOWN, key, -1, NOBODY) == 0);            /* its own group */
    CHECK_ERRNO(KEYCTL(CHOWN, key, -1, 12), EACCES);
}

static void links(void)
{
    int a = add("keyring", "a", NULL, SESSION), b = add("keyring", "b", NULL, a);
    int key = add("user", "key", "1", a), other = add("user", "key", "2", SESSION);
    CHECK(KEYCTL(LINK, key, b) == 0);
    CHECK(KEYCTL(LINK, key, b) == 0);
    CHECK(linked(b, key));
    CHECK(KEYCTL(LINK, other, b) == 0); /* takes the other's place */
    CHECK(linked(b, other) && !linked(b, key));
    CHECK_ERRNO(KEYCTL(LINK, a, a), EDEADLK);
    CHECK_ERRNO(KEYCTL(LINK, a, b), EDEADLK);
    CHECK_ERRNO(KEYCTL(LINK, key, other), ENOTDIR);
    CHECK_ERRNO(KEYCTL(LINK, key, 0), EINVAL);
    CHECK_ERRNO(KEYCTL(LINK, 0x7ffffffe, a), ENOKEY);
    CHECK(KEYCTL(UNLINK, other, b) == 0);
    CHECK_ERRNO(KEYCTL(UNLINK, other, b), ENOENT);
    CHECK_ERRNO(KEYCTL(UNLINK, other, key), ENOTDIR);
    CHECK_ERRNO(KEYCTL(UNLINK, 0x7ffffffe, b), ENOKEY);
    CHECK_EQ(KEYCTL(READ, b, NULL, 0), 0);
    CHECK(KEYCTL(CLEAR, a) == 0);
    CHECK_EQ(KEYCTL(READ, a, NULL, 0), 0);
    CHECK_ERRNO(KEYCTL(CLEAR, other), ENOTDIR);
}

static void nesting(void)
{
    char name[20];
    int top = add("keyring", "top", NULL, SESSION), ring = top, last = 0;
    for (int i = 0; i < 6; i++) {
        snprintf(name, sizeof(name), "%d", i);
        ring = add("keyring", name, NULL, ring);
        last = add("user", name, "1", ring);
        CHECK(ring > 0 && last > 0);
    }
    /* `5` is in the seventh keyring below the session's. */
    CHECK(KEYCTL(SEARCH, SESSION, "user", "4", 0) > 0);
    CHECK_ERRNO(KEYCTL(SEARCH, SESSION, "user", "5", 0), ENOKEY);
    CHECK_EQ(KEYCTL(SEARCH, top, "user", "5", 0), last);
    CHECK(add("keyring", "6", NULL, ring) > 0);
    int other = add("keyring", "other", NULL, SESSION);
    CHECK_ERRNO(KEYCTL(LINK, top, other), ELOOP);
}

static void searches(void)
{
    int a = add("keyring", "a", NULL, SESSION), b = add("keyring", "b", NULL, a);
    int deep = add("user", "key", "1", b), to = add("keyring", "to", NULL, SESSION);
    CHECK_EQ(KEYCTL(SEARCH, SESSION, "user", "key", 0), deep);
    int near = add("user", "key", "2", a); /* the nearer one is first */
    CHECK_EQ(KEYCTL(SEARCH, SESSION, "user", "key", 0), near);
    CHECK_EQ(KEYCTL(SEARCH, b, "user", "key", to), deep);
    CHECK(linked(to, deep));
    CHECK_EQ(KEYCTL(SEARCH, SESSION, "keyring", "b", 0), b);
    CHECK_EQ(KEYCTL(SEARCH, b, "keyring", "b", 0), b);
    CHECK_ERRNO(KEYCTL(SEARCH, SESSION, "user", "absent", 0), ENOKEY);
    CHECK_ERRNO(KEYCTL(SEARCH, SESSION, "no such type", "key", 0), ENOKEY);
    CHECK_ERRNO(KEYCTL(SEARCH, SESSION, ".reserved", "key", 0), EPERM);
    CHECK_ERRNO(KEYCTL(SEARCH, deep, "user", "key", 0), ENOTDIR);
    CHECK_ERRNO(KEYCTL(SEARCH, SESSION, "user", "key", deep), ENOTDIR);
    CHECK_ERRNO(KEYCTL(SEARCH, SESSION, BAD, "key", 0), EFAULT);
    CHECK_ERRNO(KEYCTL(SEARCH, SESSION, "user", BAD, 0), EFAULT);
    CHECK(KEYCTL(SETPERM, b, 0x37000000) == 0); /* not to be searched */
    CHECK(KEYCTL(UNLINK, near, a) == 0 && KEYCTL(CLEAR, to) == 0);
    CHECK_ERRNO(KEYCTL(SEARCH, SESSION, "user", "key", 0), ENOKEY);
}

static void moves(void)
{
    int a = add("keyring", "a", NULL, SESSION), b = add("keyring", "b", NULL, SESSION);
    int key = add("user", "key", "1", a);
    if (KEYCTL(MOVE, key, a, b, 0) != 0 && errno == EOPNOTSUPP)
        SKIP("Linux before 5.3");
    CHECK(linked(b, key) && !linked(a, key));
    CHECK_ERRNO(KEYCTL(MOVE, key, a, b, 0), ENOENT);
    int other = add("user", "key", "2", a);
    CHECK_ERRNO(KEYCTL(MOVE, other, a, b, 1), EEXIST);
    CHECK_ERRNO(KEYCTL(MOVE, other, a, b, 2), EINVAL);
    CHECK(KEYCTL(MOVE, other, a, b, 0) == 0);
    CHECK(linked(b, other) && !linked(b, key));
    CHECK(KEYCTL(MOVE, other, b, b, 0) == 0);
    CHECK_ERRNO(KEYCTL(MOVE, a, SESSION, a, 0), EDEADLK);
    CHECK_ERRNO(KEYCTL(MOVE, 0x7ffffffe, a, b, 0), ENOKEY);
    int closed = add("keyring", "closed", NULL, SESSION);
    CHECK(KEYCTL(RESTRICT, closed, NULL, NULL) == 0);
    CHECK_ERRNO(KEYCTL(MOVE, other, b, closed, 0), EPERM);
    CHECK(linked(b, other));
}

static void restrictions(void)
{
    int ring = add("keyring", "ring", NULL, SESSION), key = add("user", "key", "1", SESSION);
    CHECK_ERRNO(KEYCTL(RESTRICT, ring, "user", NULL), EINVAL);
    CHECK_ERRNO(KEYCTL(RESTRICT, ring, NULL, "x"), EINVAL);
    CHECK_ERRNO(KEYCTL(RESTRICT, ring, "user", "x"), ENOENT);
    CHECK_ERRNO(KEYCTL(RESTRICT, ring, "no such type", "x"), ENOKEY);
    CHECK_ERRNO(KEYCTL(RESTRICT, ring, BAD, "x"), EFAULT);
    CHECK_ERRNO(KEYCTL(RESTRICT, key, NULL, NULL), ENOTDIR);
    CHECK(KEYCTL(RESTRICT, ring, NULL, NULL) == 0);
    CHECK_ERRNO(KEYCTL(RESTRICT, ring, NULL, NULL), EEXIST);
    CHECK_ERRNO(KEYCTL(LINK, key, ring), EPERM);
}

static void ends(void)
{
    int key = add("user", "revoked", "1", SESSION), ring = add("keyring", "ring", NULL, SESSION);
    CHECK(KEYCTL(REVOKE, key) == 0);
    CHECK_ERRNO(KEYCTL(REVOKE, key), EKEYREVOKED);
    CHECK_ERRNO(KEYCTL(READ, key, NULL, 0), EKEYREVOKED);
    CHECK_ERRNO(KEYCTL(DESCRIBE, key, NULL, 0), EKEYREVOKED);
    CHECK_ERRNO(KEYCTL(UPDATE, key, "x", 1), EKEYREVOKED);
    CHECK_ERRNO(KEYCTL(LINK, key, ring), EKEYREVOKED);
    CHECK_ERRNO(KEYCTL(SEARCH, SESSION, "user", "revoked", 0), EKEYREVOKED);
    CHECK(KEYCTL(UNLINK, key, SESSION) == 0);
    int held = add("user", "held", "1", ring);
    CHECK(KEYCTL(LINK, held, SESSION) == 0);
    CHECK(KEYCTL(REVOKE, ring) == 0); /* lets go of what it had */
    CHECK(holds(held, "1"));
    key = add("user", "setattr", "1", SESSION);
    CHECK(KEYCTL(SETPERM, key, 0x20000000) == 0); /* enough, and not searchable */
    CHECK_ERRNO(KEYCTL(REVOKE, key), EACCES);
    key = add("user", "writable", "1", SESSION);
    CHECK(KEYCTL(SETPERM, key, 0x28000000) == 0);
    CHECK(KEYCTL(REVOKE, key) == 0);

    key = add("user", "invalid", "1", SESSION);
    CHECK(KEYCTL(INVALIDATE, key) == 0);
    CHECK_ERRNO(KEYCTL(DESCRIBE, key, NULL, 0), ENOKEY);
    CHECK_ERRNO(KEYCTL(INVALIDATE, key), ENOKEY);
    CHECK(add("user", "invalid", "2", SESSION) != key);
    CHECK(KEYCTL(SETPERM, held, 0x37000000) == 0);
    CHECK_ERRNO(KEYCTL(INVALIDATE, held), EACCES);
}

static void timeouts(void)
{
    int key = add("user", "key", "1", SESSION);
    CHECK(KEYCTL(SET_TIMEOUT, key, 1000) == 0); /* one of 1 may be over at the next whole second */
    CHECK(KEYCTL(SET_TIMEOUT, key, 0) == 0);
    CHECK(holds(key, "1"));
    CHECK(KEYCTL(SET_TIMEOUT, key, 1) == 0);
    while (KEYCTL(READ, key, NULL, 0) == 1)
        usleep(20000);
    CHECK_EQ(errno, EKEYEXPIRED);
    CHECK_ERRNO(KEYCTL(DESCRIBE, key, NULL, 0), EKEYEXPIRED);
    CHECK_ERRNO(KEYCTL(SEARCH, SESSION, "user", "key", 0), EKEYEXPIRED);
    CHECK_ERRNO(KEYCTL(SET_TIMEOUT, key, 0), EKEYEXPIRED);
    CHECK_ERRNO(CALL(request_key, "user", "key", NULL, 0), ENOKEY);
    CHECK_EQ(add("user", "key", "2", SESSION), key); /* lives again */
    CHECK(holds(key, "2"));
}

static void authority(void)
{
    struct iovec vec = {.iov_base = (char[]){"x"}, .iov_len = 1};
    int key = add("user", "key", "1", SESSION);
    CHECK_ERRNO(KEYCTL(INSTANTIATE, key, "x", 1, 0), EPERM);
    CHECK_ERRNO(KEYCTL(INSTANTIATE, 0x7ffffffe, "x", 1, 0), EPERM);
    CHECK_ERRNO(KEYCTL(INSTANTIATE_IOV, key, &vec, 1, 0), EPERM);
    CHECK_ERRNO(KEYCTL(NEGATE, key, 5, 0), EPERM);
    CHECK_ERRNO(KEYCTL(REJECT, key, 5, EKEYREJECTED, 0), EPERM);
    CHECK_ERRNO(KEYCTL(REJECT, key, 5, 0, 0), EINVAL);
    CHECK_ERRNO(KEYCTL(REJECT, key, 5, 512, 0), EINVAL);
    CHECK_ERRNO(KEYCTL(REJECT, key, 5, 4095, 0), EINVAL);
    CHECK_ERRNO(KEYCTL(ASSUME, key), ENOKEY);
    CHECK_ERRNO(KEYCTL(ASSUME, -1), EINVAL);
    CHECK_EQ(KEYCTL(ASSUME, 0), 0);
    CHECK_EQ(KEYCTL(SET_REQKEY, -1), 0);
    CHECK_EQ(KEYCTL(SET_REQKEY, 3), 0);
    CHECK_EQ(KEYCTL(SET_REQKEY, 1), 3); /* makes the keyring */
    CHECK(KEYCTL(GET_ID, THREAD, 0) > 0);
    CHECK_EQ(KEYCTL(SET_REQKEY, -1), 1);
    CHECK_ERRNO(KEYCTL(SET_REQKEY, 6), EINVAL);
    CHECK_ERRNO(KEYCTL(SET_REQKEY, 8), EINVAL);
    CHECK_ERRNO(KEYCTL(SET_REQKEY, -2), EINVAL);
}

/* Of a user that has nothing else here; it goes when its time is over. */
static void persistent(void)
{
    int ring = (int)KEYCTL(GET_PERSISTENT, 65533, SESSION);
    if (ring < 0 && errno == EOPNOTSUPP)
        SKIP("no CONFIG_PERSISTENT_KEYRINGS");
    CHECK(described(ring, "keyring;65533;65534;1f030000;_persistent.65533"));
    CHECK(linked(SESSION, ring));
    CHECK_EQ(KEYCTL(GET_PERSISTENT, 65533, SESSION), ring);
    CHECK_ERRNO(KEYCTL(GET_PERSISTENT, 65533, 0), EINVAL);
    become_nobody();
    CHECK_ERRNO(KEYCTL(GET_PERSISTENT, 65533, THREAD), EPERM);
}

static void supported(void)
{
    unsigned char bytes[4] = {9, 9, 9, 9};
    CHECK_EQ(KEYCTL(CAPABILITIES, NULL, 0), 2);
    CHECK_EQ(KEYCTL(CAPABILITIES, bytes, 1), 2);
    CHECK_EQ(bytes[1], 9);
    CHECK_EQ(KEYCTL(CAPABILITIES, bytes, 4), 2);
    CHECK_EQ(bytes[0] & 0xe1, 0xe1); /* itself, INVALIDATE, RESTRICT_KEYRING, MOVE */
    CHECK_EQ(bytes[2] | bytes[3], 0);
    CHECK_ERRNO(KEYCTL(CAPABILITIES, BAD, 4), EFAULT);
    CHECK_ERRNO(KEYCTL(33), EOPNOTSUPP);
    CHECK_ERRNO(KEYCTL(-1), EOPNOTSUPP);
}

/* --- whose keyrings are whose --- */

static void inherited(void)
{
    int session = (int)KEYCTL(GET_ID, SESSION, 0), thread = (int)KEYCTL(GET_ID, THREAD, 1);
    CHECK(KEYCTL(GET_ID, PROCESS, 1) > 0 && KEYCTL(SET_REQKEY, 3) == 0);
    pid_t pid = start();
    if (pid == 0) {
        CHILD_NEED(KEYCTL(GET_ID, SESSION, 0) == session);
        CHILD_NEED(KEYCTL(GET_ID, THREAD, 0) == -1 && errno == ENOKEY);
        CHILD_NEED(KEYCTL(GET_ID, PROCESS, 0) == -1 && errno == ENOKEY);
        CHILD_NEED(KEYCTL(SET_REQKEY, -1) == 3);
        CHILD_NEED(KEYCTL(JOIN, NULL) != session); /* the parent keeps its own */
        char number[20];
        snprintf(number, sizeof(number), "%ld", KEYCTL(GET_ID, SESSION, 0));
        CHILD_NEED(KEYCTL(GET_ID, THREAD, 1) > 0 && KEYCTL(GET_ID, PROCESS, 1) > 0);
        execl("/proc/self/exe", "keyctl", number, NULL);
        _exit(98);
    }
    CHECK_EQ(end_of(pid), 0);
    CHECK_EQ(KEYCTL(GET_ID, SESSION, 0), session);
    CHECK_EQ(KEYCTL(GET_ID, THREAD, 0), thread);
}

static int after_exec(int session)
{
    CHILD_NEED(KEYCTL(GET_ID, SESSION, 0) == session);
    CHILD_NEED(KEYCTL(GET_ID, THREAD, 0) == -1 && errno == ENOKEY);
    CHILD_NEED(KEYCTL(GET_ID, PROCESS, 0) == -1 && errno == ENOKEY);
    return 0;
}

static int of_thread(void *arg)
{
    int *ids = arg;
    ids[0] = (int)KEYCTL(GET_ID, SESSION, 0);
    ids[1] = (int)KEYCTL(GET_ID, PROCESS, 0);
    ids[2] = (int)KEYCTL(GET_ID, THREAD, 0);
    ids[3] = (int)KEYCTL(GET_ID, THREAD, 1);
    return 0;
}

static void threads(void)
{
    static char stack[65536];
    static atomic_int tid;
    int ids[4] = {}, process = (int)KEYCTL(GET_ID, PROCESS, 1),
        thread = (int)KEYCTL(GET_ID, THREAD, 1);
    atomic_store(&tid, 1);
    CHECK(clone(of_thread, stack + sizeof(stack),
                CLONE_VM | CLONE_THREAD | CLONE_SIGHAND | CLONE_CHILD_CLEARTID, ids, NULL, NULL,
                &tid) > 0);
    while (atomic_load(&tid) != 0)
        usleep(1000);
    CHECK_EQ(ids[0], KEYCTL(GET_ID, SESSION, 0));
    CHECK_EQ(ids[1], process);
    CHECK(ids[2] > 0 && ids[2] != thread); /* who has one gives its threads one each */
    CHECK_EQ(ids[3], ids[2]);
}

static void ids_change(void)
{
    CHECK(KEYCTL(GET_ID, THREAD, 1) > 0);
    CHECK(CALL(setfsuid, NOBODY) == 0);
    CHECK(described(THREAD, "keyring;65534;0;3f010000;_tid"));
    CHECK(CALL(setfsuid, 0) == NOBODY && CALL(setresgid, NOBODY, NOBODY, NOBODY) == 0);
    CHECK(described(THREAD, "keyring;0;65534;3f010000;_tid"));
    CHECK(CALL(setresuid, NOBODY, NOBODY, NOBODY) == 0);
    CHECK(described(THREAD, "keyring;65534;65534;3f010000;_tid"));
    CHECK(described(SESSION, "keyring;0;0;3f030000;_ses")); /* possessed as before */
    CHECK(add("user", "key", "1", SESSION) > 0);
}

static void to_parent(void)
{
    int session = (int)KEYCTL(GET_ID, SESSION, 0);
    pid_t pid = start();
    if (pid == 0) {
        CHILD_NEED(KEYCTL(JOIN, "osprey:handed up") > 0);
        become_nobody();
        _exit(KEYCTL(TO_PARENT) == -1 && errno == EPERM ? 0 : 1); /* another user */
    }
    CHECK_EQ(end_of(pid), 0);
    CHECK_EQ(KEYCTL(GET_ID, SESSION, 0), session);
    pid = start();
    if (pid == 0) {
        CHILD_NEED(KEYCTL(JOIN, "osprey:handed up") > 0);
        _exit(KEYCTL(TO_PARENT) == 0 ? 0 : 1);
    }
    CHECK_EQ(end_of(pid), 0);
    CHECK(described(SESSION, "keyring;0;0;3f130000;osprey:handed up"));
}

/* A user's keyring that is made invalid goes, and the next use makes another one. */
static void users_ring(void)
{
    CHECK(CALL(setresuid, 65530, 65530, 65530) == 0);
    int old = (int)KEYCTL(GET_ID, USER, 1), now;
    CHECK(described(old, "keyring;65530;65534;1f3f0000;_uid.65530"));
    CHECK(KEYCTL(INVALIDATE, old) == 0);
    while ((now = (int)KEYCTL(GET_ID, USER, 1)) < 0 && errno == ENOKEY)
        usleep(1000);
    CHECK(now > 0 && now != old);
}

static void have_all(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct caps[2];
    CHECK(syscall(SYS_capget, &header, caps) == 0);
    caps[0].effective = caps[0].permitted;
    caps[1].effective = caps[1].permitted;
    CHECK(syscall(SYS_capset, &header, caps) == 0);
}

/* A user's keyrings that another user pays for are its keyrings still. */
static void users_rings_given(void)
{
    enum { USER_ID = 65529, OTHER = 65528 };
    CHECK(prctl(PR_SET_KEEPCAPS, 1) == 0 && CALL(setresuid, USER_ID, USER_ID, USER_ID) == 0);
    have_all();
    int ring = (int)KEYCTL(GET_ID, USER, 1), session = (int)KEYCTL(GET_ID, USER_SESSION, 1);
    CHECK(KEYCTL(CHOWN, ring, OTHER, -1) == 0);
    CHECK(KEYCTL(CHOWN, session, OTHER, -1) == 0);
    CHECK_EQ(KEYCTL(GET_ID, USER, 1), ring);
    CHECK_EQ(KEYCTL(GET_ID, USER_SESSION, 1), session);
    setfsuid(OTHER);
    CHECK(KEYCTL(CHOWN, ring, USER_ID, -1) == 0);
    CHECK(KEYCTL(CHOWN, session, USER_ID, -1) == 0);
}

static void listed(void)
{
    int key = add("user", "osprey:listed", "payload", SESSION);
    char line[300], want[100];
    bool found = false, payer = false;
    NEED(key > 0 && KEYCTL(SET_TIMEOUT, key, 7000) == 0);
    snprintf(want, sizeof(want), "%08x I--Q--- ", (unsigned)key);
    FILE *file = fopen("/proc/keys", "r");
    while (file && fgets(line, sizeof(line), file))
        if (strncmp(line, want, strlen(want)) == 0)
            found = strstr(line, "   1h 3f010000     0     0 user      osprey:listed: 7\n") != NULL;
    CHECK(found);
    if (file)
        fclose(file);
    file = fopen("/proc/key-users", "r");
    while (file && fgets(line, sizeof(line), file)) {
        unsigned n[8] = {};
        if (sscanf(line, "%u: %u %u/%u %u/%u %u/%u", n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6,
                   n + 7) == 8 &&
            n[0] == 0)
            payer = n[2] >= 2 && n[3] >= 2 && n[4] >= 2 && n[5] > n[4] && n[6] > 20 && n[7] > n[6];
    }
    CHECK(payer);
    if (file)
        fclose(file);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return after_exec(atoi(argv[1]));
    if (!have_keys())
        return 0;
    keys_promise("keyctl: numbers of keyrings", ids);
    keys_promise("keyctl: joining sessions", sessions);
    keys_promise("keyctl: updating", updates);
    keys_promise("keyctl: reading", reading);
    keys_promise("keyctl: describing", describing);
    keys_promise("keyctl: permissions and possession", permissions);
    keys_promise("keyctl: owners", owners);
    keys_promise("keyctl: links, unlinking, clearing", links);
    keys_promise("keyctl: depth of keyrings", nesting);
    keys_promise("keyctl: searching", searches);
    keys_promise("keyctl: moving", moves);
    keys_promise("keyctl: restricted keyrings", restrictions);
    keys_promise("keyctl: revoking, invalidating", ends);
    keys_promise("keyctl: timeouts", timeouts);
    keys_promise("keyctl: authority over keys, default keyring", authority);
    keys_promise("keyctl: persistent keyrings", persistent);
    keys_promise("keyctl: what is supported", supported);
    keys_promise("fork and exec keep the session only", inherited);
    keys_promise("threads share all but their own keyring", threads);
    keys_promise("the thread's keyring follows its user", ids_change);
    keys_promise("keyctl: a session for the parent", to_parent);
    keys_promise("a user's keyring is made again", users_ring);
    keys_promise("a user's keyrings that were given away", users_rings_given);
    keys_promise("/proc/keys and /proc/key-users", listed);
    return check_end();
}
