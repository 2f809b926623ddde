/* man 2 sendfile */
#include "abi.h"

static void results(void)
{
    char text[16] = "";
    int in = file_with("in", "0123456789"), out = file_with("out", ""), ends[2];
    off_t from = 3;

    CHECK_EQ(CALL(sendfile, out, in, NULL, 4), 4);
    CHECK_EQ(lseek(in, 0, SEEK_CUR), 4);
    CHECK_EQ(CALL(sendfile, out, in, &from, 100), 7);
    CHECK(from == 10 && lseek(in, 0, SEEK_CUR) == 4);
    CHECK_EQ(CALL(sendfile, out, in, &from, 100), 0);
    CHECK(pread(out, text, 15, 0) == 11 && strcmp(text, "01233456789") == 0);
    NEED(pipe(ends) == 0);
    CHECK_EQ(CALL(sendfile, ends[1], in, NULL, 2), 2);
    CHECK(read(ends[0], text, 15) == 2 && memcmp(text, "45", 2) == 0);
}

static void errors(void)
{
    int in = open("in", O_RDONLY), out = open("out", O_RDWR), ends[2];
    off_t from = -1;

    NEED(pipe(ends) == 0);
    CHECK_ERRNO(CALL(sendfile, out, in, &from, 1), EINVAL);
    CHECK_ERRNO(CALL(sendfile, out, in, BAD, 1), EFAULT);
    CHECK_ERRNO(CALL(sendfile, in, in, NULL, 1), EBADF); /* not open for writing */
    CHECK_ERRNO(CALL(sendfile, BAD_FD, in, NULL, 1), EBADF);
    CHECK_ERRNO(CALL(sendfile, out, BAD_FD, NULL, 1), EBADF);
    CHECK_ERRNO(CALL(sendfile, open("out", O_WRONLY | O_APPEND), in, NULL, 1), EINVAL);
    from = 0;
    CHECK_ERRNO(CALL(sendfile, out, ends[0], &from, 1), ESPIPE);
}

int main(void)
{
    enter_fresh_dir();
    promise("sendfile: results", results);
    promise("sendfile: errors", errors);
    return check_end();
}
