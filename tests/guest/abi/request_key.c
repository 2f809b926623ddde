/* man 2 request_key. The program that the kernel starts, /sbin/request-key, is this one: inside
 * Osprey only, on Linux it would have to take the place of the machine's. */
#include "keys.h"

static const char helper[] = "/sbin/request-key";

static int request(const char *type, const char *name, const char *info, int ring)
{
    return (int)CALL(request_key, type, name, info, ring);
}

static void finds(void)
{
    int ring = add("keyring", "ring", NULL, SESSION);
    int key = add("user", "osprey:there", "1", ring);
    NEED(key > 0);
    CHECK_EQ(request("user", "osprey:there", NULL, 0), key);
    CHECK_EQ(request("user", "osprey:there", "info", 0), key);
    CHECK_EQ(request("keyring", "ring", NULL, 0), ring);
    CHECK_ERRNO(request("logon", "osprey:there", NULL, 0), ENOKEY);
    CHECK_ERRNO(request("user", "osprey:absent", NULL, 0), ENOKEY);
    CHECK_EQ(request("user", "osprey:there", NULL, SESSION), key); /* links it */
    CHECK(linked(SESSION, key));
    /* The thread's keyring is first. */
    int mine = add("user", "osprey:there", "2", THREAD);
    CHECK_EQ(request("user", "osprey:there", NULL, 0), mine);
    CHECK(KEYCTL(SETPERM, mine, 0x37000000) == 0); /* not to be found */
    CHECK_EQ(request("user", "osprey:there", NULL, 0), key);
}

static void errors(void)
{
    char *text = malloc(5000);
    memset(text, 'x', 4999);
    text[4999] = 0;
    int key = add("user", "osprey:there", "1", SESSION);
    CHECK_ERRNO(request("no such type", "x", NULL, 0), ENOKEY);
    CHECK_ERRNO(request("no such type", "x", "info", 0), ENOKEY);
    CHECK_ERRNO(request(".request_key_auth", "1", NULL, 0), EPERM);
    CHECK_ERRNO(request("user", "osprey:there", NULL, 0x7ffffffe), ENOKEY);
    CHECK_ERRNO(request("user", "osprey:there", NULL, -9), EINVAL);
    CHECK_ERRNO(request("user", "osprey:there", NULL, key), ENOTDIR);
    CHECK_ERRNO(request("user", text, NULL, 0), EINVAL);
    CHECK_ERRNO(request("user", "x", text, 0), EINVAL);
    CHECK_ERRNO(request("user", NULL, NULL, 0), EFAULT);
    CHECK_ERRNO(request(BAD, "x", NULL, 0), EFAULT);
    CHECK_ERRNO(request("user", "osprey:there", BAD, 0), EFAULT);
    CHECK_ERRNO(request("keyring", "absent", "info", 0), EPERM);
    CHECK_ERRNO(request("logon", "without a service", "info", 0), EINVAL);
    free(text);
}

static void states(void)
{
    int key = add("user", "osprey:there", "1", SESSION);
    CHECK(KEYCTL(REVOKE, key) == 0);
    CHECK_ERRNO(request("user", "osprey:there", NULL, 0), EKEYREVOKED);
    key = add("user", "osprey:hidden", "1", SESSION);
    CHECK(KEYCTL(SETPERM, key, 0x2f000000) == 0); /* without link */
    CHECK_EQ(request("user", "osprey:hidden", NULL, 0), key);
    CHECK_ERRNO(request("user", "osprey:hidden", NULL, SESSION), EACCES);
}

/* --- the program --- */

static int say(const char *what)
{
    FILE *file = fopen("/tmp/request-key.log", "a");
    if (file) {
        fprintf(file, "%s\n", what);
        fclose(file);
    }
    return 1;
}

static int build(int argc, char **argv)
{
    char info[100] = "", text[200] = "", want[100];
    if (argc != 8 || strcmp(argv[1], "create") != 0)
        return say("arguments");
    int key = atoi(argv[2]), authority = (int)KEYCTL(ASSUME, key);
    if (authority < 0 || getuid() != 0)
        return say("assume");
    if (KEYCTL(READ, AUTHORITY, info, sizeof(info)) < 0)
        return say("read the authority");
    if (KEYCTL(DESCRIBE, key, text, sizeof(text)) < 0 || strncmp(text, "user;", 5) != 0)
        return say("describe");
    snprintf(want, sizeof(want), ".request_key_auth;%s;%s;1b010000;%x", argv[3], argv[4],
             (unsigned)key);
    if (!described(authority, want))
        return say("describe the authority");
    if (KEYCTL(INSTANTIATE, key + 1, "x", 1, 0) != -1 || errno != EPERM)
        return say("another key");
    if (strcmp(info, "reject") == 0)
        return KEYCTL(REJECT, key, 60, EKEYREJECTED, REQUESTOR) != 0 ? say("reject") : 0;
    if (strcmp(info, "negate") == 0)
        return KEYCTL(NEGATE, key, 60, 0) != 0 ? say("negate") : 0;
    if (strcmp(info, "leave") == 0)
        return 0;
    if (strcmp(info, "die") == 0)
        abort();
    /* The requestor's keyrings are searched, too. */
    if (request("user", "osprey:of the requestor", NULL, 0) < 0)
        return say("search for the requestor");
    struct iovec vec[2] = {{.iov_base = (char[]){"made of "}, .iov_len = 8},
                           {.iov_base = info, .iov_len = strlen(info)}};
    if (KEYCTL(INSTANTIATE_IOV, key, vec, 2, REQUESTOR) != 0)
        return say("instantiate");
    if (KEYCTL(GET_ID, AUTHORITY, 0) != -1 || errno != ENOKEY)
        return say("the authority is over");
    return KEYCTL(INSTANTIATE, key, "x", 1, 0) == -1 && errno == EPERM ? 0 : say("twice");
}

static bool installed(void)
{
    static bool done;
    char bytes[65536];
    ssize_t n;
    if (done || !inside_osprey())
        return done;
    int from = open("/proc/self/exe", O_RDONLY);
    mkdir("/sbin", 0755);
    mkdir("/tmp", 0777);
    int to = open(helper, O_WRONLY | O_CREAT | O_EXCL, 0755);
    while (from >= 0 && to >= 0 && (n = read(from, bytes, sizeof(bytes))) > 0)
        if (write(to, bytes, (size_t)n) != n)
            return false;
    done = from >= 0 && to >= 0;
    close(from);
    close(to);
    return done;
}

static void show_log(void)
{
    char line[200];
    FILE *file = fopen("/tmp/request-key.log", "r");
    while (file && fgets(line, sizeof(line), file))
        printf("# %s: %s", helper, line);
    if (file)
        fclose(file);
}

/* Before the program is there (or, on Linux, with one that knows nothing of this). */
static void nobody_builds(void)
{
    int ring = add("keyring", "ring", NULL, SESSION), keys[2] = {0, 0};
    CHECK_EQ(request("user", "osprey:absent", "info", ring), -1);
    CHECK(errno == ENOKEY || errno == ENOENT);
    CHECK_EQ(KEYCTL(READ, ring, keys, sizeof(keys)), 4); /* a key that says so */
    CHECK(described(keys[0], "user;0;0;3f010000;osprey:absent"));
    CHECK_ERRNO(KEYCTL(READ, keys[0], NULL, 0), ENOKEY);
    CHECK_ERRNO(request("user", "osprey:absent", "info", 0), ENOKEY);
    CHECK_ERRNO(request("user", "osprey:absent", NULL, 0), ENOKEY);
    CHECK_ERRNO(KEYCTL(SEARCH, ring, "user", "osprey:absent", 0), ENOKEY);
    CHECK(KEYCTL(UNLINK, keys[0], ring) == 0);
}

static void built(void)
{
    int ring = add("keyring", "ring", NULL, SESSION);
    add("user", "osprey:of the requestor", "1", SESSION);
    int key = request("user", "osprey:new", "this", ring);
    CHECK(key > 0);
    CHECK(holds(key, "made of this"));
    CHECK(linked(ring, key));
    CHECK(described(key, "user;0;0;3f010000;osprey:new"));
    CHECK_EQ(request("user", "osprey:new", "that", 0), key);
    /* Where it goes if nobody says so: the keyring that was set, the thread's, the session's. */
    key = request("user", "osprey:newer", "this", 0);
    CHECK(key > 0 && linked(SESSION, key));
    CHECK_EQ(KEYCTL(SET_REQKEY, 2), 0);
    key = request("user", "osprey:newest", "this", 0);
    CHECK(key > 0 && linked(PROCESS, key));
    show_log();
}

static void not_built(void)
{
    int ring = add("keyring", "ring", NULL, SESSION);
    CHECK_ERRNO(request("user", "osprey:rejected", "reject", ring), EKEYREJECTED);
    CHECK_ERRNO(request("user", "osprey:rejected", NULL, 0), EKEYREJECTED);
    CHECK_ERRNO(request("user", "osprey:negated", "negate", ring), ENOKEY);
    CHECK_ERRNO(request("user", "osprey:left", "leave", ring), ENOKEY);
    CHECK_ERRNO(request("user", "osprey:dead", "die", ring), ENOKEY);
    CHECK_ERRNO(request("user", "osprey:dead", "this", ring), ENOKEY); /* for a while */
    show_log();
}

static void building(void)
{
    if (!installed())
        SKIP("/sbin/request-key of this machine is left alone");
    built();
}

static void failing(void)
{
    if (!installed())
        SKIP("/sbin/request-key of this machine is left alone");
    not_built();
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return build(argc, argv);
    if (!have_keys())
        return 0;
    keys_promise("request_key searches the keyrings", finds);
    keys_promise("request_key: errors", errors);
    keys_promise("request_key: revoked keys and permissions", states);
    keys_promise("a key that nobody builds is a negative one", nobody_builds);
    (void)installed();
    keys_promise("a program builds the key", building);
    keys_promise("a program refuses to, or fails", failing);
    return check_end();
}
