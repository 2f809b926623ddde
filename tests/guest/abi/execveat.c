/* man 2 execveat */
#include "abi.h"

static char *const args[] = {"name", "child", NULL}, *const no_env[] = {NULL};

static int run(int dir, const char *path, int flags)
{
    pid_t pid = start();

    if (pid == 0) {
        CALL(execveat, dir, path, args, no_env, flags);
        _exit(200 + (errno & 31));
    }
    return end_of(pid);
}

static void results(void)
{
    int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), dir = open("/proc/self", O_PATH);

    CHECK_EQ(run(self, "", AT_EMPTY_PATH), 42);
    CHECK_EQ(run(dir, "exe", 0), 42);
    CHECK_EQ(run(AT_FDCWD, "/proc/self/exe", 0), 42);
    CHECK_ERRNO(CALL(execveat, self, "", args, no_env, 0), ENOENT);
    CHECK_ERRNO(CALL(execveat, BAD_FD, "exe", args, no_env, 0), EBADF);
    CHECK_ERRNO(CALL(execveat, self, "exe", args, no_env, 0), ENOTDIR);
    CHECK_ERRNO(CALL(execveat, dir, "exe", args, no_env, 1), EINVAL);
    CHECK_EQ(symlink("/proc/self/exe", "link"), 0);
    CHECK_ERRNO(CALL(execveat, AT_FDCWD, "link", args, no_env, AT_SYMLINK_NOFOLLOW), ELOOP);
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return 42;
    enter_fresh_dir();
    promise("execveat: flags and errors", results);
    return check_end();
}
