/* man 2 flock */
#include "abi.h"
#include <signal.h>
#include <sys/file.h>

static void results(void)
{
    int a = file_with("file", ""), b = open("file", O_RDONLY);

    CHECK_EQ(CALL(flock, a, LOCK_SH), 0);
    CHECK_EQ(CALL(flock, b, LOCK_SH | LOCK_NB), 0);
    CHECK_ERRNO(CALL(flock, b, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    CHECK_EQ(CALL(flock, a, LOCK_UN), 0);
    CHECK_EQ(CALL(flock, b, LOCK_EX | LOCK_NB), 0);
    CHECK_ERRNO(CALL(flock, a, LOCK_SH | LOCK_NB), EWOULDBLOCK);
    CHECK_EQ(CALL(flock, dup(b), LOCK_SH | LOCK_NB), 0); /* the same open file */
    CHECK_EQ(CALL(flock, a, LOCK_SH | LOCK_NB), 0);
    CHECK_ERRNO(CALL(flock, BAD_FD, LOCK_SH), EBADF);
    CHECK_ERRNO(CALL(flock, a, 0), EINVAL);
    CHECK_EQ(CALL(flock, a, 1ul << 32 | LOCK_SH | LOCK_NB), 0);
    CHECK_EQ(CALL(flock, BAD_FD, LOCK_MAND | LOCK_READ), 0); /* says nothing any more */
    int neither = open("file", 3);                           /* for ioctl() only */
    CHECK_ERRNO(CALL(flock, neither, LOCK_SH), EBADF);
    CHECK_EQ(CALL(flock, neither, LOCK_UN), 0);
}

static void goes_with_the_last(void)
{
    int a = file_with("last", ""), twin = dup(a), b = open("last", O_RDONLY);

    CHECK_EQ(CALL(flock, a, LOCK_EX), 0);
    close(a);
    CHECK_ERRNO(CALL(flock, b, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    close(twin);
    CHECK_EQ(CALL(flock, b, LOCK_EX | LOCK_NB), 0);
}

static void waits(void)
{
    int a = file_with("wait", "");
    pid_t pid;

    CHECK_EQ(CALL(flock, a, LOCK_EX), 0);
    pid = start();
    if (pid == 0)
        _exit(CALL(flock, open("wait", O_RDONLY), LOCK_EX) != 0);
    CHECK(comes_to(pid, 'S'));
    CHECK_EQ(CALL(flock, a, LOCK_UN), 0);
    CHECK_EQ(end_of(pid), 0);
}

int main(void)
{
    enter_fresh_dir();
    promise("flock: shared, exclusive, converted", results);
    promise("a lock goes with the last duplicate", goes_with_the_last);
    promise("flock waits", waits);
    return check_end();
}
