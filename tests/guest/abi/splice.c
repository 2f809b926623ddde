/* man 2 splice, tee, vmsplice */
#include "check.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/uio.h>

static void between_file_and_pipe(void)
{
    int file = open("file", O_RDWR | O_CREAT, 0600), out = open("out", O_RDWR | O_CREAT, 0600);
    int a[2], b[2];
    char text[16] = "";
    loff_t at = 2;

    NEED(pipe(a) == 0 && pipe(b) == 0);
    CHECK_EQ(write(file, "0123456789", 10), 10);
    CHECK_EQ(splice(file, &at, a[1], NULL, 5, 0), 5);
    CHECK_EQ(at, 7);
    CHECK_EQ(tee(a[0], b[1], 100, 0), 5);
    CHECK_EQ(splice(a[0], NULL, out, NULL, 100, 0), 5);
    CHECK_EQ(pread(out, text, 16, 0), 5);
    CHECK(memcmp(text, "23456", 5) == 0);
    CHECK_EQ(read(b[0], text, 16), 5);
    struct iovec iov = {"vector", 6};
    CHECK_EQ(vmsplice(a[1], &iov, 1, 0), 6);
    CHECK_EQ(read(a[0], text, 16), 6);
    CHECK_ERRNO(splice(a[0], NULL, out, NULL, 100, SPLICE_F_NONBLOCK), EAGAIN);
    CHECK_ERRNO(splice(file, NULL, out, NULL, 100, 0), EINVAL);
    CHECK_ERRNO(splice(a[0], &at, out, NULL, 100, 0), ESPIPE);
    CHECK_ERRNO(tee(file, b[1], 1, 0), EINVAL);
    CHECK_EQ(splice(99, NULL, 99, NULL, 0, 1 << 20), 0);
    CHECK_ERRNO(splice(a[1], NULL, b[0], NULL, 1, 0), EBADF);
    CHECK_ERRNO(splice(a[1], &at, b[0], NULL, 1, 0),
                ESPIPE); /* before it is looked how it is open */
    CHECK_ERRNO(splice(open(".", O_RDONLY), NULL, a[1], NULL, 1, 0), EINVAL);
    NEED(fcntl(b[1], F_SETFL, O_APPEND) == 0 && write(a[1], "x", 1) == 1);
    CHECK_EQ(splice(a[0], NULL, b[1], NULL, 1, 0), 1); /* of files O_APPEND is refused */
    NEED(fcntl(a[1], F_SETPIPE_SZ, 4096) == 4096);
    at = 4095;
    CHECK(ftruncate(file, 8192) == 0 && splice(file, &at, a[1], NULL, 100, 0) == 1);
    CHECK_EQ(read(a[0], text, 16), 1); /* a buffer holds bytes of one page */
    close(a[1]);
    close(b[0]);
    signal(SIGPIPE, SIG_IGN);
    CHECK_ERRNO(splice(a[0], NULL, b[1], NULL, 1, 0), EPIPE); /* though there is nothing to move */
}

int main(void)
{
    enter_fresh_dir();
    promise("splice, tee, vmsplice", between_file_and_pipe);
    return check_end();
}
