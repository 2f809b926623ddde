/* man 2 splice, tee, vmsplice */
#include "abi.h"
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

/* A range that would end beyond all offsets is refused. */
static void far(void)
{
    int ends[2], fd = file_with("far", "text");
    loff_t at = INT64_MAX;

    NEED(pipe(ends) == 0);
    CHECK_ERRNO(CALL(splice, fd, &at, ends[1], NULL, 4, 0), EINVAL);
    NEED(write(ends[1], "abcd", 4) == 4);
    CHECK_ERRNO(CALL(splice, ends[0], NULL, fd, &at, 4, 0), EINVAL);
}

/* A packet joins what was written before packets began, but no page of a file. */
static void packets(void)
{
    int ends[2], fd = file_with("packets", "text");
    char buf[20];

    NEED(pipe(ends) == 0 && write(ends[1], "a", 1) == 1 && fcntl(ends[1], F_SETFL, O_DIRECT) == 0);
    NEED(write(ends[1], "b", 1) == 1 && write(ends[1], "c", 1) == 1);
    CHECK(read(ends[0], buf, 20) == 3 && memcmp(buf, "abc", 3) == 0);
    CHECK_EQ(CALL(splice, fd, NULL, ends[1], NULL, 4, 0), 4);
    NEED(write(ends[1], "d", 1) == 1 && write(ends[1], "e", 1) == 1);
    CHECK(read(ends[0], buf, 20) == 5 && memcmp(buf, "textd", 5) == 0);
    CHECK(read(ends[0], buf, 20) == 1 && buf[0] == 'e');
}

int main(void)
{
    enter_fresh_dir();
    promise("splice, tee, vmsplice", between_file_and_pipe);
    promise("splice: offsets too far", far);
    promise("splice: packets", packets);
    return check_end();
}
