/* man 2 ftruncate */
#include "abi.h"

static void results(void)
{
    struct stat st;
    int fd = file_with("file", "0123456789"), ends[2];

    CHECK_EQ(CALL(ftruncate, fd, 4), 0);
    CHECK(fstat(fd, &st) == 0 && st.st_size == 4);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
    CHECK_EQ(CALL(ftruncate, fd, 1l << 30), 0);
    CHECK(fstat(fd, &st) == 0 && st.st_size == 1l << 30 && st.st_blocks < 100);
    CHECK_ERRNO(CALL(ftruncate, fd, -1l), EINVAL);
    int memory = memfd_create("memory", 0); /* pages beyond the end go, whatever the size was */
    CHECK_EQ(fallocate(memory, FALLOC_FL_KEEP_SIZE, 0, 1 << 20), 0);
    CHECK(fstat(memory, &st) == 0 && st.st_size == 0 && st.st_blocks > 0);
    CHECK_EQ(CALL(ftruncate, memory, 0), 0);
    CHECK(fstat(memory, &st) == 0 && st.st_blocks == 0);
    CHECK_ERRNO(CALL(ftruncate, open("file", O_RDONLY), 0), EINVAL);
    CHECK_ERRNO(CALL(ftruncate, BAD_FD, 0), EBADF);
    CHECK_ERRNO(CALL(ftruncate, open("file", O_PATH), 0), EBADF);
    NEED(pipe(ends) == 0);
    CHECK_ERRNO(CALL(ftruncate, ends[1], 0), EINVAL);
}

int main(void)
{
    enter_fresh_dir();
    promise("ftruncate: results and errors", results);
    return check_end();
}
