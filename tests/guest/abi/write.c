/* man 2 write */
#include "abi.h"
#include <signal.h>
#include <sys/resource.h>

static void results(void)
{
    char text[16];
    int fd = file_with("file", "0123456789");

    CHECK_EQ(CALL(write, fd, "ab", 2), 2);
    CHECK_EQ(CALL(write, fd, "", 0), 0);
    CHECK_EQ(pread(fd, text, 16, 0), 10);
    CHECK(memcmp(text, "ab23456789", 10) == 0);
    int end = open("file", O_WRONLY | O_APPEND);
    CHECK(CALL(write, end, "", 0) == 0 && lseek(end, 0, SEEK_CUR) == 0); /* it goes nowhere */
    CHECK_EQ(CALL(write, end, "X", 1), 1);
    CHECK_EQ(pread(fd, text, 16, 0), 11);
    lseek(fd, 20, SEEK_SET);
    CHECK_EQ(CALL(write, fd, "Y", 1), 1); /* zeros between */
    CHECK_EQ(pread(fd, text, 16, 11), 10);
    CHECK(memcmp(text, "\0\0\0\0\0\0\0\0\0Y", 10) == 0);
}

static void errors(void)
{
    int fd = file_with("file", "");

    CHECK_ERRNO(CALL(write, BAD_FD, "a", 1), EBADF);
    CHECK_ERRNO(CALL(write, open("file", O_RDONLY), "a", 1), EBADF);
    CHECK_ERRNO(CALL(write, fd, BAD, 1), EFAULT);
    CHECK_ERRNO(CALL(write, fd, "a", -1), EFAULT);
    CHECK_EQ(lseek(fd, 0, SEEK_END), 0);
    CHECK_EQ(CALL(write, fd, edge() - 2, 10), 2);
}

static void broken_pipe(void)
{
    int ends[2];

    signal(SIGPIPE, SIG_IGN);
    NEED(pipe(ends) == 0);
    close(ends[0]);
    CHECK_ERRNO(CALL(write, ends[1], "a", 1), EPIPE);
    signal(SIGPIPE, SIG_DFL);
    pid_t pid = start();
    if (pid == 0)
        _exit(CALL(write, ends[1], "a", 1));
    CHECK_EQ(end_of(pid), 1000 + SIGPIPE);
}

static void file_limit(void)
{
    struct rlimit limit = {5, 5};
    int fd = file_with("file", "");

    signal(SIGXFSZ, SIG_IGN);
    CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    CHECK_EQ(CALL(write, fd, "0123456789", 10), 5);
    CHECK_ERRNO(CALL(write, fd, "a", 1), EFBIG);
    fd = open("file", O_WRONLY | O_APPEND);
    CHECK_ERRNO(CALL(write, fd, "a", 1), EFBIG);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0); /* a write that fails moves nothing */
}

int main(void)
{
    enter_fresh_dir();
    promise("write: results", results);
    promise("write: errors", errors);
    promise_apart("write to a pipe without a reader", broken_pipe);
    promise_apart("write up to RLIMIT_FSIZE", file_limit);
    return check_end();
}
