/* man 2 setns: the errors, and the way into the only mount namespace. */
#include "abi.h"
#include <sys/syscall.h>

enum { NEWNS = 0x20000 };

static void errors(void)
{
    int null = open("/dev/null", O_RDONLY), self = (int)syscall(SYS_pidfd_open, getpid(), 0);

    CHECK_ERRNO(CALL(setns, BAD_FD, 0), EBADF);
    CHECK_ERRNO(CALL(setns, null, 0), EINVAL);
    CHECK_ERRNO(CALL(setns, null, NEWNS), EINVAL);
    CHECK_ERRNO(CALL(setns, self, 0), EINVAL);
    CHECK_ERRNO(CALL(setns, self, 1), EINVAL);
    become_nobody();
    CHECK_ERRNO(CALL(setns, self, NEWNS), EPERM);
}

static void leaves_a_root(void)
{
    int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
    char cwd[256];

    NEED(mkdir("jail", 0755) == 0 && chdir("jail") == 0);
    NEED(chroot(".") == 0);
    CHECK_ERRNO(access("/proc", F_OK), ENOENT);
    CHECK_EQ(CALL(setns, self, NEWNS), 0);
    CHECK_EQ(access("/proc", F_OK), 0);
    CHECK(getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, "/"));
}

int main(void)
{
    enter_fresh_dir();
    promise_apart("setns: errors", errors);
    promise_apart("setns goes to the root of the mounts", leaves_a_root);
    return check_end();
}
