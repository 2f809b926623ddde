/* man 2 execveat */
#include "abi.h"
#include <sys/auxv.h>

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

    CHECK_EQ(run(self, "", AT_EMPTY_PATH), 43);
    CHECK_EQ(run(dir, "exe", 0), 43);
    CHECK_EQ(run(AT_FDCWD, "/proc/self/exe", 0), 42);
    CHECK_ERRNO(CALL(execveat, self, "", args, no_env, 0), ENOENT);
    CHECK_ERRNO(CALL(execveat, BAD_FD, "exe", args, no_env, 0), EBADF);
    CHECK_ERRNO(CALL(execveat, self, "exe", args, no_env, 0), ENOTDIR);
    CHECK_ERRNO(CALL(execveat, dir, "exe", args, no_env, 1), EINVAL);
    CHECK_EQ(symlink("/proc/self/exe", "link"), 0);
    CHECK_ERRNO(CALL(execveat, AT_FDCWD, "link", args, no_env, AT_SYMLINK_NOFOLLOW), ELOOP);
}

/* A file without a name, or one that is found from a descriptor, is known as /dev/fd/N... */
static void names(void)
{
    int dir = open(".", O_RDONLY), closed = open(".", O_RDONLY | O_CLOEXEC);
    int self = open("/proc/self/exe", O_PATH), script, script_closed;

    close(file_with("script", "#!/proc/self/exe\n"));
    CHECK_EQ(chmod("script", 0755), 0);
    script = open("script", O_RDONLY);
    script_closed = open("script", O_RDONLY | O_CLOEXEC);
    CHECK_EQ(run(self, "", AT_EMPTY_PATH), 43);
    CHECK_EQ(run(dir, "script", 0), 44);
    CHECK_EQ(run(script, "", AT_EMPTY_PATH), 44);
    CHECK_EQ(run(AT_FDCWD, "script", 0), 45);
    /* The interpreter would not find it. */
    CHECK_ERRNO(CALL(execveat, closed, "script", args, no_env, 0), ENOENT);
    CHECK_ERRNO(CALL(execveat, script_closed, "", args, no_env, AT_EMPTY_PATH), ENOENT);
}

static void without_proc(void)
{
    int self = open("/proc/self/exe", O_PATH | O_CLOEXEC);

    CHECK_EQ(mkdir("empty", 0755), 0);
    if (chroot("empty") != 0)
        SKIP("not allowed here");
    CHECK_EQ(run(self, "", AT_EMPTY_PATH), 43);
}

/* 42: as it should be; 43: by a descriptor; 44: as a script by a descriptor; 45: as a script. */
static int child(int argc, char **argv)
{
    const char *name = (const char *)getauxval(AT_EXECFN), *by_fd = "/dev/fd/";

    if (argc == 3)
        return strncmp(argv[1], by_fd, strlen(by_fd)) == 0 ? 44 : 45;
    return strncmp(name, by_fd, strlen(by_fd)) == 0 ? 43 : 42;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return child(argc, argv);
    enter_fresh_dir();
    promise("execveat: flags and errors", results);
    promise("what is executed by a descriptor, and its name", names);
    promise_apart("execveat without /proc", without_proc);
    return check_end();
}
