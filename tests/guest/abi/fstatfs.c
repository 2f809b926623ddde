/* man 2 fstatfs */
#include "abi.h"
#include <sys/vfs.h>

static void results(void)
{
    struct statfs fs;
    int ends[2];

    CHECK_EQ(CALL(fstatfs, open("/proc", O_RDONLY), &fs), 0);
    CHECK_EQ(fs.f_type, 0x9fa0);
    NEED(pipe(ends) == 0);
    CHECK_EQ(CALL(fstatfs, ends[0], &fs), 0);
    CHECK_EQ(fs.f_type, 0x50495045); /* PIPEFS_MAGIC */
    CHECK_ERRNO(CALL(fstatfs, BAD_FD, &fs), EBADF);
    CHECK_ERRNO(CALL(fstatfs, ends[0], BAD), EFAULT);
}

int main(void)
{
    promise("fstatfs: results and errors", results);
    return check_end();
}
