/* man 2 access */
#include "abi.h"

static void errors(void)
{
    close(file_with("file", ""));
    CHECK_EQ(CALL(access, "file", F_OK), 0);
    CHECK_EQ(CALL(access, "file", R_OK | W_OK), 0);
    CHECK_ERRNO(CALL(access, "file", X_OK), EACCES); /* not even root */
    CHECK_ERRNO(CALL(access, "file", 8), EINVAL);
    CHECK_ERRNO(CALL(access, "absent", F_OK), ENOENT);
    CHECK_ERRNO(CALL(access, "file/x", F_OK), ENOTDIR);
    CHECK_ERRNO(CALL(access, BAD, F_OK), EFAULT);
}

static void real_user(void)
{
    close(file_with("private", ""));
    chmod("private", 0600);
    chmod(".", 0755);
    NEED(CALL(setresuid, NOBODY, 0, 0) == 0);
    CHECK_ERRNO(CALL(access, "private", R_OK), EACCES); /* the real user asks */
    CHECK(open("private", O_RDONLY) >= 0);
}

static void ask(int ready)
{
    if (CALL(setresuid, NOBODY, 0, 0) == 0 && write(ready, "", 1) == 1)
        for (;;)
            CALL(access, "/proc/self/fd/0", R_OK);
    _exit(1);
}

/* The rights that it asks with are nobody else's business. */
static void seen_from_outside(void)
{
    char path[64], text[4096], *ids;
    int ends[2], fd;
    ssize_t n;
    pid_t pid;

    NEED(pipe(ends) == 0);
    pid = start();
    if (pid == 0)
        ask(ends[1]);
    close(ends[1]); /* who may not ask so ends without a word */
    NEED(read(ends[0], path, 1) == 1);
    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    for (int i = 0; i < 500; i++) {
        fd = open(path, O_RDONLY);
        n = read(fd, text, sizeof(text) - 1);
        close(fd);
        text[n > 0 ? n : 0] = '\0';
        ids = strstr(text, "Uid:");
        if (!ids || strncmp(ids, "Uid:\t65534\t0\t0\t0\n", 17) != 0) {
            printf("# %.40s\n", ids ? ids : "no Uid");
            CHECK(!"the ids of a process that asks are its own");
            break;
        }
    }
    kill(pid, SIGKILL);
    CHECK_EQ(end_of(pid), 1000 + SIGKILL);
}

int main(void)
{
    enter_fresh_dir();
    promise("access: results and errors", errors);
    promise_apart("access asks for the real user", real_user);
    promise("access changes nothing that others see", seen_from_outside);
    return check_end();
}
