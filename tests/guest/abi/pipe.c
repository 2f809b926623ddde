/* man 2 pipe */
#include "abi.h"
#include <sys/resource.h>

static void results(void)
{
    int ends[2];
    char text[8];

    NEED(CALL(pipe, ends) == 0);
    CHECK(fcntl(ends[0], F_GETFL) == O_RDONLY && fcntl(ends[1], F_GETFL) == O_WRONLY);
    CHECK_EQ(write(ends[1], "abc", 3), 3);
    CHECK_EQ(read(ends[0], text, 8), 3);
    CHECK_ERRNO(write(ends[0], "a", 1), EBADF);
    CHECK_ERRNO(read(ends[1], text, 1), EBADF);
    CHECK_ERRNO(CALL(pipe, BAD), EFAULT);
}

static void limit(void)
{
    int ends[2] = {-7, -7}, fd = open("/", O_RDONLY);
    struct rlimit few = {fd + 2, fd + 2};

    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
    CHECK_ERRNO(CALL(pipe, ends), EMFILE);
    CHECK(ends[0] == -7 && ends[1] == -7);
    CHECK_EQ(dup(fd), fd + 1); /* none was taken */
}

int main(void)
{
    promise("pipe gives two ends", results);
    promise_apart("pipe leaves nothing behind when it fails", limit);
    return check_end();
}
