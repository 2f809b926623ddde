/* man 2 add_key */
#include "keys.h"

static char *repeated(char c, size_t n)
{
    char *text = malloc(n + 1);
    memset(text, c, n);
    text[n] = 0;
    return text;
}

static void results(void)
{
    int key = add("user", "name", "payload", SESSION);
    NEED(key > 0);
    CHECK(described(key, "user;0;0;3f010000;name"));
    CHECK(holds(key, "payload"));
    CHECK(linked(SESSION, key));
    CHECK_EQ(add("user", "name", "other", SESSION), key); /* updates */
    CHECK(holds(key, "other"));
    int ring = add("keyring", "ring", NULL, SESSION);
    CHECK(described(ring, "keyring;0;0;3f010000;ring"));
    int again = add("keyring", "ring", NULL, SESSION); /* takes its place */
    CHECK(again > 0 && again != ring);
    CHECK(linked(SESSION, again) && !linked(SESSION, ring));
    int logon = add("logon", "service:name", "payload", again);
    CHECK(described(logon, "logon;0;0;3d010000;service:name"));
    CHECK_ERRNO(KEYCTL(READ, logon, NULL, 0), EOPNOTSUPP);
    int big = add("big_key", "big", "payload", again);
    CHECK(big > 0 ? holds(big, "payload") : errno == ENODEV);
}

static void special_rings(void)
{
    CHECK_ERRNO(KEYCTL(GET_ID, THREAD, 0), ENOKEY);
    int key = add("user", "mine", "1", THREAD); /* makes it */
    CHECK(key > 0 && linked(THREAD, key));
    CHECK(described(THREAD, "keyring;0;0;3f010000;_tid"));
    key = add("user", "ours", "1", PROCESS);
    CHECK(key > 0 && linked(PROCESS, key));
    CHECK(described(PROCESS, "keyring;0;0;3f010000;_pid"));
    CHECK(described(SESSION, "keyring;0;0;3f030000;_ses"));
    CHECK_ERRNO(add("user", "x", "1", 0), EINVAL);
    CHECK_ERRNO(add("user", "x", "1", -6), EINVAL);
    CHECK_ERRNO(add("user", "x", "1", -9), EINVAL);
    CHECK_ERRNO(add("user", "x", "1", AUTHORITY), ENOKEY);
    CHECK_ERRNO(add("user", "x", "1", REQUESTOR), ENOKEY);
    CHECK_ERRNO(add("user", "x", "1", key), ENOTDIR);
}

static void types(void)
{
    CHECK_ERRNO(add("no such type", "x", "1", SESSION), ENODEV);
    CHECK_ERRNO(add("", "x", "1", SESSION), EINVAL);
    CHECK_ERRNO(add(".request_key_auth", "x", "1", SESSION), EPERM);
    CHECK_ERRNO(add(repeated('t', 31), "x", "1", SESSION), ENODEV);
    CHECK_ERRNO(add(repeated('t', 32), "x", "1", SESSION), EINVAL);
    CHECK_ERRNO(add(BAD, "x", "1", SESSION), EFAULT);
    CHECK_ERRNO(add(NULL, "x", "1", SESSION), EFAULT);
}

static void names(void)
{
    CHECK_ERRNO(add("user", "", "1", SESSION), EINVAL);
    CHECK_ERRNO(add("user", NULL, "1", SESSION), EINVAL);
    CHECK_ERRNO(add("user", BAD, "1", SESSION), EFAULT);
    CHECK(add("user", repeated('d', 4095), "1", SESSION) > 0);
    CHECK_ERRNO(add("user", repeated('d', 4096), "1", SESSION), EINVAL);
    CHECK(add("user", ".hidden", "1", SESSION) > 0);
    CHECK_ERRNO(add("keyring", ".hidden", NULL, SESSION), EPERM);
    CHECK_ERRNO(add("logon", "name", "1", SESSION), EINVAL);
    CHECK_ERRNO(add("logon", ":name", "1", SESSION), EINVAL);
    CHECK(add("logon", "service:", "1", SESSION) > 0);
}

static void payloads(void)
{
    CHECK_ERRNO(add("user", "x", "", SESSION), EINVAL);
    CHECK_ERRNO(add("user", "x", NULL, SESSION), EINVAL);
    CHECK_ERRNO(CALL(add_key, "user", "x", BAD, 5, SESSION), EFAULT);
    CHECK_ERRNO(CALL(add_key, "user", "x", NULL, 5, SESSION), EFAULT);
    char *most = repeated('p', 32767);
    int key = add("user", "x", most, SESSION);
    CHECK(key > 0);
    CHECK_EQ(KEYCTL(READ, key, NULL, 0), 32767);
    CHECK_ERRNO(add("user", "x", repeated('p', 32768), SESSION), EINVAL);
    CHECK_ERRNO(CALL(add_key, "user", "x", most, 1 << 20, SESSION), EINVAL);
    CHECK_ERRNO(add("keyring", "ring", "x", SESSION), EINVAL);
}

static void refused(void)
{
    int ring = add("keyring", "ring", NULL, SESSION), gone = add("keyring", "gone", NULL, SESSION);
    CHECK(KEYCTL(SETPERM, ring, 0x3b000000) == 0); /* all but writing */
    CHECK_ERRNO(add("user", "x", "1", ring), EACCES);
    CHECK(KEYCTL(REVOKE, gone) == 0);
    CHECK_ERRNO(add("user", "x", "1", gone), EKEYREVOKED);
    int key = add("user", "x", "1", SESSION);
    CHECK(KEYCTL(SETPERM, key, 0x3b000000) == 0);
    CHECK_ERRNO(add("user", "x", "2", SESSION), EACCES); /* it may not be updated */
    key = add("user", "y", "1", SESSION);
    CHECK(KEYCTL(REVOKE, key) == 0);
    int other = add("user", "y", "2", SESSION); /* a new one takes its place */
    CHECK(other > 0 && other != key && holds(other, "2"));
    int closed = add("keyring", "closed", NULL, SESSION);
    CHECK(KEYCTL(RESTRICT, closed, NULL, NULL) == 0);
    CHECK_ERRNO(add("user", "x", "1", closed), EPERM);
}

static long setting(const char *name)
{
    char path[100];
    long value = -1;
    snprintf(path, sizeof(path), "/proc/sys/kernel/keys/%s", name);
    FILE *file = fopen(path, "r");
    if (!file || fscanf(file, "%ld", &value) != 1)
        perror(path);
    if (file)
        fclose(file);
    return value;
}

static bool has_keys(unsigned uid)
{
    char line[200];
    unsigned of;
    bool found = false;
    FILE *file = fopen("/proc/key-users", "r");
    while (file && fgets(line, sizeof(line), file))
        found |= sscanf(line, "%u:", &of) == 1 && of == uid;
    if (file)
        fclose(file);
    return found;
}

/* A user without keys: Linux frees those of an earlier run some time after they went. */
static bool become_user(unsigned uid)
{
    for (int i = 0; has_keys(uid) && i < 2000; i++)
        usleep(10000);
    return !has_keys(uid) && CALL(setresuid, uid, uid, uid) == 0;
}

/* In the thread's keyring, so that nothing is left of it. */
static void quota(void)
{
    enum { MANY = 100000 };
    long keys = setting("maxkeys"), bytes = setting("maxbytes");
    char name[20];
    int n = 0, key = 0;
    if (keys > MANY || keys < 5 || bytes < 200 || bytes > 1 << 20)
        SKIP("settings out of the common");
    if (!become_user(65531))
        SKIP("no user without keys");
    for (; n < MANY && key >= 0; n++) {
        snprintf(name, sizeof(name), "%d", n);
        key = add("user", name, "1", THREAD);
    }
    CHECK_EQ(key, -1);
    CHECK_EQ(errno, EDQUOT);
    CHECK_EQ(n, keys); /* with the keyring, and the one that failed */
    CHECK(KEYCTL(CLEAR, THREAD) == 0);
}

static void quota_of_bytes(void)
{
    long bytes = setting("maxbytes");
    char name[20];
    int key = 0, n = 0;
    if (bytes < 5000 || bytes > 1 << 20)
        SKIP("settings out of the common");
    if (!become_user(65532))
        SKIP("no user without keys");
    char *payload = repeated('p', 1000);
    /* Big ones count for less than they have. */
    CHECK(CALL(add_key, "big_key", "big", repeated('p', 30000), 30000, THREAD) > 0 ||
          errno == ENODEV);
    CHECK(KEYCTL(CLEAR, THREAD) == 0);
    for (; n < 1100 && key >= 0; n++) {
        snprintf(name, sizeof(name), "%d", n);
        key = add("user", name, payload, THREAD);
    }
    CHECK_EQ(key, -1);
    CHECK_EQ(errno, EDQUOT);
    key = (int)KEYCTL(SEARCH, THREAD, "user", "0", 0);
    CHECK(key > 0);
    CHECK_ERRNO(KEYCTL(UPDATE, key, repeated('p', 4000), 4000), EDQUOT);
    CHECK_EQ(KEYCTL(READ, key, NULL, 0), 1000); /* as it was */
    CHECK(KEYCTL(UPDATE, key, "x", 1) == 0);
    CHECK(KEYCTL(CLEAR, THREAD) == 0);
}

int main(void)
{
    if (!have_keys())
        return 0;
    keys_promise("add_key makes keys and updates them", results);
    keys_promise("add_key: keyrings with special numbers", special_rings);
    keys_promise("add_key: types", types);
    keys_promise("add_key: names", names);
    keys_promise("add_key: payloads", payloads);
    keys_promise("add_key: what the keyring or the key refuses", refused);
    keys_promise("add_key keeps to the number of keys of a user", quota);
    keys_promise("add_key keeps to the bytes of a user", quota_of_bytes);
    return check_end();
}
