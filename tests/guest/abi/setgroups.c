/* man 2 setgroups */
#include "abi.h"
#include <pthread.h>

enum { NGROUPS = 65536 };

static void results(void)
{
    gid_t set[2] = {5, 3}, got[2];

    CHECK_EQ(CALL(setgroups, 2, set), 0);
    CHECK_EQ(CALL(getgroups, 2, got), 2);
    CHECK_EQ(CALL(setgroups, 0, NULL), 0);
    CHECK_EQ(CALL(getgroups, 2, got), 0);
    CHECK_ERRNO(CALL(setgroups, 1, BAD), EFAULT);
    CHECK_ERRNO(CALL(setgroups, -1, set), EINVAL);
    CHECK_ERRNO(CALL(setgroups, NGROUPS + 1, set), EINVAL);
    set[1] = -1;
    CHECK_ERRNO(CALL(setgroups, 2, set), EINVAL);
}

static void gives_access(void)
{
    gid_t group = 4321;

    close(open("file", O_CREAT | O_WRONLY, 0640));
    CHECK_EQ(chown("file", 0, group), 0);
    CHECK_EQ(CALL(setgroups, 1, &group), 0);
    become_nobody();
    CHECK(open("file", O_RDONLY) >= 0);
    CHECK_ERRNO(open("file", O_WRONLY), EACCES);
    CHECK_ERRNO(CALL(setgroups, 1, &group), EPERM);
}

static gid_t many[NGROUPS], got[NGROUPS];

/* As many as there may be, in any order; getgroups gives them in order, a child has them, too. */
static void most(void)
{
    pid_t child;

    for (int i = 0; i < NGROUPS; i++)
        many[i] = 100000 + (gid_t)(i * 40503u % NGROUPS) * 2;
    CHECK_EQ(CALL(setgroups, NGROUPS, many), 0);
    CHECK_ERRNO(CALL(getgroups, NGROUPS - 1, got), EINVAL);
    CHECK_EQ(CALL(getgroups, 0, NULL), NGROUPS);
    CHECK_EQ(CALL(getgroups, NGROUPS, got), NGROUPS);
    for (int i = 0; i < NGROUPS; i++)
        NEED(got[i] == 100000 + (gid_t)i * 2);
    child = start();
    if (child == 0) {
        memset(got, 0, sizeof(got));
        CHECK_EQ(CALL(getgroups, NGROUPS, got), NGROUPS);
        CHECK_EQ(got[NGROUPS - 1], 100000 + 2 * (NGROUPS - 1));
        CHECK_EQ(CALL(setgroups, 0, NULL), 0);
        _exit(atomic_load(&check_failed_here) ? 1 : 0);
    }
    CHECK_EQ(end_of(child), 0);
    CHECK_EQ(CALL(getgroups, 0, NULL), NGROUPS);
}

static void one_of_many(void)
{
    static const gid_t in[] = {100000, 100000 + NGROUPS, 100000 + 2 * (NGROUPS - 1)};
    static const gid_t out[] = {99998, 100001, 100000 + 2 * NGROUPS};
    char name[] = "in0";

    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 2; j++) {
            name[0] = "io"[j];
            name[2] = (char)('0' + i);
            close(open(name, O_CREAT | O_WRONLY, 0640));
            NEED(chown(name, 0, j ? out[i] : in[i]) == 0);
        }
    }
    CHECK_EQ(CALL(setgroups, NGROUPS, many), 0);
    become_nobody();
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 2; j++) {
            name[0] = "io"[j];
            name[2] = (char)('0' + i);
            if (j)
                CHECK_ERRNO(open(name, O_RDONLY), EACCES);
            else
                CHECK(open(name, O_RDONLY) >= 0);
        }
    }
}

static void in_status(void)
{
    gid_t set[] = {9, 70000, 8};
    char line[256];
    FILE *status;
    bool found = false;

    CHECK_EQ(CALL(setgroups, 3, set), 0);
    status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof(line), status))
        found |= !strcmp(line, "Groups:\t8 9 70000 \n");
    CHECK(found);
}

static void *in_thread(void *arg)
{
    gid_t set[] = {4};

    CHECK_EQ(CALL(setgroups, 1, set), 0);
    return arg;
}

static void of_the_thread(void)
{
    gid_t set[] = {5, 6};
    pthread_t thread;

    CHECK_EQ(CALL(setgroups, 2, set), 0);
    NEED(pthread_create(&thread, NULL, in_thread, NULL) == 0);
    pthread_join(thread, NULL);
    CHECK_EQ(CALL(getgroups, 2, got), 2);
    CHECK(got[0] == 5 && got[1] == 6);
}

int main(void)
{
    enter_fresh_dir();
    chmod(".", 0755);
    promise_apart("setgroups sets the supplementary groups", results);
    promise_apart("a supplementary group opens files", gives_access);
    promise_apart("there may be 65536 groups", most);
    for (int i = 0; i < NGROUPS; i++)
        many[i] = 100000 + (gid_t)(i * 40503u % NGROUPS) * 2;
    promise_apart("each of 65536 groups opens files, others do not", one_of_many);
    promise_apart("/proc/self/status shows the groups", in_status);
    promise_apart("a thread's groups are its own", of_the_thread);
    return check_end();
}
