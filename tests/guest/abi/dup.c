/* man 2 dup */
#include "abi.h"
#include <sys/resource.h>

static void results(void)
{
    int fd = file_with("file", "abc"), twin = CALL(dup, fd);

    CHECK(twin > fd);
    CHECK_EQ(lseek(twin, 2, SEEK_SET), 2);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 2);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    CHECK_EQ(fcntl(twin, F_GETFD), 0); /* the flag belongs to the number */
    CHECK_EQ(fcntl(CALL(dup, fd), F_GETFD), 0);
    CHECK_ERRNO(CALL(dup, BAD_FD), EBADF);
}

static void limit(void)
{
    int fd = file_with("file", "");
    struct rlimit few = {fd + 1, fd + 1};

    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
    CHECK_ERRNO(CALL(dup, fd), EMFILE);
}

int main(void)
{
    enter_fresh_dir();
    promise("dup shares all but the flag", results);
    promise_apart("dup keeps to RLIMIT_NOFILE", limit);
    return check_end();
}
