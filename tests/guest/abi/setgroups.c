/* man 2 setgroups */
#include "abi.h"

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

int main(void)
{
    enter_fresh_dir();
    chmod(".", 0755);
    promise_apart("setgroups sets the supplementary groups", results);
    promise_apart("a supplementary group opens files", gives_access);
    return check_end();
}
