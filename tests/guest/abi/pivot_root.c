// pivot_root: the root changes for all who had it.
#include "../mounts.h"

#include <sys/wait.h>

static bool allowed;

static int pivot(const char *new, const char *old)
{
    return (int)syscall(SYS_pivot_root, new, old);
}

static void refusals(void)
{
    if (!allowed)
        SKIP("may not mount here");
    CHECK(mkdir("new", 0755) == 0 && mkdir("plain", 0755) == 0);
    make_file("file");
    CHECK_ERRNO(pivot("none", "plain"), ENOENT);
    CHECK_ERRNO(pivot("file", "plain"), ENOTDIR);
    CHECK_ERRNO(pivot("/", "/"), EBUSY);
    CHECK_ERRNO(pivot("plain", "plain"), EINVAL); // no mount point
    NEED(mount("a", "new", "tmpfs", 0, NULL) == 0);
    CHECK_ERRNO(pivot("new", "plain"), EINVAL); // not below the new root
    pid_t child = fork();
    if (child == 0) {
        int bad = setresuid(1000, 1000, 1000) != 0 || pivot("new", "new") != -1 || errno != EPERM;
        _exit(bad);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_EQ(status, 0);
}

static void pivoting(void)
{
    if (!allowed)
        SKIP("may not mount here");
    CHECK(mkdir("new/old", 0755) == 0);
    CHECK(mkdir("new/tmp", 0755) == 0);
    make_file("new/here");
    int pipe_fd[2], back[2], status = -1;
    char c;
    CHECK(pipe(pipe_fd) == 0 && pipe(back) == 0);
    pid_t child = fork();
    if (child == 0) { // its root is the same, so it goes along
        if (chdir("/") != 0 || write(back[1], "x", 1) != 1 || read(pipe_fd[0], &c, 1) != 1)
            _exit(1);
        _exit(access("/here", F_OK) != 0 || access("here", F_OK) != 0);
    }
    CHECK(read(back[0], &c, 1) == 1);
    int root = open("/", O_RDONLY | O_DIRECTORY);
    CHECK(root >= 0);
    NEED(pivot("new", "new/old") == 0);
    CHECK(exists("/here"));
    CHECK(exists("/old/proc"));
    CHECK(write(pipe_fd[1], "x", 1) == 1);
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_EQ(status, 0);
    // What was the root is a mount as any other.
    CHECK(chdir("/") == 0);
    char *cwd = getcwd(NULL, 0);
    CHECK(strcmp(cwd, "/") == 0);
    free(cwd);
    CHECK(fchdir(root) == 0);
    cwd = getcwd(NULL, 0);
    CHECK(strcmp(cwd, "/old") == 0);
    free(cwd);
    close(root);
    // And back, by "." twice (man 2 pivot_root), the new root on top of the old.
    CHECK(pivot(".", ".") == 0);
    CHECK(umount2(".", MNT_DETACH) == 0);
    CHECK(chdir("/") == 0);
    CHECK(!exists("/here"));
    CHECK(exists("/proc"));
}

int main(void)
{
    allowed = enter_mounts();
    promise("refusals", refusals);
    promise("the root changes for all, and back", pivoting);
    return check_end();
}
