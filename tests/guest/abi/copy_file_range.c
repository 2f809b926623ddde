/* man 2 copy_file_range */
#include "abi.h"

static void results(void)
{
    char text[16] = "";
    int in = file_with("in", "0123456789"), out = file_with("out", "");
    off_t from = 2, to = 1;

    CHECK_EQ(CALL(copy_file_range, in, &from, out, &to, 3, 0), 3);
    CHECK(from == 5 && to == 4 && lseek(in, 0, SEEK_CUR) == 0);
    CHECK_EQ(CALL(copy_file_range, in, NULL, out, NULL, 1, 0), 1);
    CHECK(lseek(in, 0, SEEK_CUR) == 1 && lseek(out, 0, SEEK_CUR) == 1);
    CHECK(pread(out, text, 15, 0) == 4 && strcmp(text, "0234") == 0);
    from = 100;
    CHECK_EQ(CALL(copy_file_range, in, &from, out, &to, 3, 0), 0);
}

static void errors(void)
{
    int in = open("in", O_RDONLY), out = open("out", O_RDWR), ends[2];
    off_t from = 0, to = 5;

    NEED(pipe(ends) == 0);
    CHECK_ERRNO(CALL(copy_file_range, in, NULL, out, NULL, 1, 1), EINVAL);
    CHECK_ERRNO(CALL(copy_file_range, in, NULL, in, NULL, 1, 0), EBADF);
    CHECK_ERRNO(CALL(copy_file_range, BAD_FD, NULL, out, NULL, 1, 0), EBADF);
    CHECK_ERRNO(CALL(copy_file_range, in, NULL, ends[1], NULL, 1, 0), EINVAL);
    CHECK_ERRNO(CALL(copy_file_range, open(".", O_RDONLY), NULL, out, NULL, 1, 0), EISDIR);
    CHECK_ERRNO(CALL(copy_file_range, in, BAD, out, NULL, 1, 0), EFAULT);
    CHECK_ERRNO(CALL(copy_file_range, in, NULL, open("out", O_WRONLY | O_APPEND), NULL, 1, 0),
                EBADF);
    CHECK_ERRNO(CALL(copy_file_range, ends[0], NULL, in, NULL, 1, 0), EINVAL); /* kinds first */
    CHECK_ERRNO(CALL(copy_file_range, in, NULL, open(".", O_RDONLY), NULL, 1, 0), EISDIR);
    CHECK_ERRNO(CALL(copy_file_range, in, NULL, memfd_create("other", 0), NULL, 1, 0), EXDEV);
    to = INT64_MAX;
    CHECK_ERRNO(CALL(copy_file_range, in, &from, out, &to, ~0ul, 0), EOVERFLOW);
    to = 100, from = 0; /* the end is before what they have in common */
    CHECK_EQ(CALL(copy_file_range, in, &from, open("in", O_RDWR), &to, 1000, 0), 10);
    CHECK_EQ(truncate("in", 10), 0);
    from = 0, to = 5;
    out = open("in", O_RDWR);
    CHECK_ERRNO(CALL(copy_file_range, out, &from, out, &to, 6, 0), EINVAL); /* they overlap */
}

int main(void)
{
    enter_fresh_dir();
    promise("copy_file_range: results", results);
    promise("copy_file_range: errors", errors);
    return check_end();
}
