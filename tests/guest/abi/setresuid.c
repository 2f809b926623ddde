/* man 2 setresuid */
#include "abi.h"

static void each(void)
{
    CHECK_EQ(CALL(setresuid, -1, -1, -1), 0);
    uids_are(0, 0, 0);
    CHECK_EQ(CALL(setresuid, 1, -1, -1), 0);
    uids_are(1, 0, 0);
    CHECK_EQ(CALL(setresuid, -1, -1, 3), 0);
    uids_are(1, 0, 3);
    CHECK_EQ(CALL(setresuid, -1, 2, -1), 0);
    uids_are(1, 2, 3);
    /* From here any permutation, and nothing else. */
    CHECK_EQ(CALL(setresuid, 2, 3, 1), 0);
    uids_are(2, 3, 1);
    CHECK_ERRNO(CALL(setresuid, 0, -1, -1), EPERM);
    CHECK_ERRNO(CALL(setresuid, -1, 0, -1), EPERM);
    CHECK_ERRNO(CALL(setresuid, -1, -1, 0), EPERM);
    uids_are(2, 3, 1);
}

static void capabilities_go(void)
{
    CHECK_EQ(CALL(setresuid, 1, 1, 1), 0);
    CHECK_ERRNO(CALL(sethostname, "x", 1), EPERM);
    CHECK_ERRNO(CALL(setresgid, 1, 1, 1), EPERM);
}

static void own_descriptors_stay_reachable(void)
{
    char name[] = "/tmp/keptXXXXXX", path[40];
    int fd = mkstemp(name), again;

    NEED(fd >= 0);
    unlink(name);
    CHECK_EQ(fchmod(fd, 0666), 0);
    CHECK_EQ(CALL(setresgid, 1, 1, 1), 0);
    CHECK_EQ(CALL(setresuid, 1, 1, 1), 0);
    sprintf(path, "/proc/self/fd/%d", fd); /* root's, now that the process leaves no core */
    again = open(path, O_RDWR);
    CHECK(again >= 0);
    sprintf(path, "/proc/self/fdinfo/%d", fd);
    CHECK_EQ(access(path, F_OK), 0);
}

int main(void)
{
    promise_apart("each user by itself", each);
    promise_apart("what is open can still be opened again", own_descriptors_stay_reachable);
    promise_apart("the privileges go with the last 0", capabilities_go);
    return check_end();
}
