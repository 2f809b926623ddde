/* man 2 fallocate; on a tmpfs, which has it all but collapse and insert. */
#include "abi.h"
#include <linux/falloc.h>
#include <linux/magic.h>
#include <sys/vfs.h>

enum { K = 1024 };
static int fd;
static char shm[64];

static void results(void)
{
    struct stat st;
    char page[4 * K];

    CHECK_EQ(CALL(fallocate, fd, 0, 0, 16 * K), 0);
    CHECK(fstat(fd, &st) == 0 && st.st_size == 16 * K && st.st_blocks == 32);
    CHECK_EQ(CALL(fallocate, fd, FALLOC_FL_KEEP_SIZE, 0, 64 * K), 0);
    CHECK(fstat(fd, &st) == 0 && st.st_size == 16 * K);
    memset(page, 'x', sizeof page);
    CHECK(pwrite(fd, page, sizeof page, 4 * K) == sizeof page);
    CHECK_EQ(CALL(fallocate, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 5 * K, 2 * K), 0);
    CHECK(pread(fd, page, sizeof page, 4 * K) == sizeof page);
    CHECK(page[1023] == 'x' && page[1024] == 0 && page[3 * K - 1] == 0 && page[3 * K] == 'x');
    CHECK(fstat(fd, &st) == 0 && st.st_size == 16 * K);
}

static void errors(void)
{
    int ends[2];
    struct statfs fs;

    if (fstatfs(fd, &fs) == 0 && fs.f_type == TMPFS_MAGIC && fs.f_blocks > 0)
        CHECK_ERRNO(fallocate(fd, 0, 0, 1L << 62), ENOSPC); /* at once */
    NEED(pipe(ends) == 0);
    CHECK_ERRNO(CALL(fallocate, fd, 0, 0, 0), EINVAL);
    CHECK_ERRNO(CALL(fallocate, fd, 0, -1, 1), EINVAL);
    CHECK_ERRNO(CALL(fallocate, fd, FALLOC_FL_PUNCH_HOLE, 0, 1), EOPNOTSUPP);
    CHECK_ERRNO(CALL(fallocate, fd, 1 << 20, 0, 1), EOPNOTSUPP);
    CHECK_ERRNO(CALL(fallocate, fd, 0, 1l << 62, 1l << 62), EFBIG);
    CHECK_ERRNO(CALL(fallocate, BAD_FD, 0, 0, 1), EBADF);
    CHECK_ERRNO(CALL(fallocate, open(shm, O_RDONLY), 0, 0, 1), EBADF);
    CHECK_ERRNO(CALL(fallocate, ends[1], 0, 0, 1), ESPIPE);
    CHECK_ERRNO(CALL(fallocate, open(".", O_RDONLY), 0, 0, 1), EBADF);
    unlink(shm);
}

int main(void)
{
    snprintf(shm, sizeof shm, "/dev/shm/abi-fallocate-%d", getpid());
    fd = file_with(shm, "");
    promise("fallocate: results", results);
    promise("fallocate: errors", errors);
    return check_end();
}
