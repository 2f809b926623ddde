/* man 2 statfs */
#include "abi.h"
#include <sys/vfs.h>

static void results(void)
{
    struct statfs fs;

    CHECK_EQ(CALL(statfs, "/proc/self", &fs), 0);
    CHECK(fs.f_type == 0x9fa0 && fs.f_namelen == 255);
    CHECK_EQ(CALL(statfs, "/dev/shm", &fs), 0);
    CHECK(fs.f_type == 0x1021994 && fs.f_bsize == 4096 && fs.f_blocks >= fs.f_bfree);
    CHECK(fs.f_bfree >= fs.f_bavail);
    CHECK_ERRNO(CALL(statfs, "absent", &fs), ENOENT);
    CHECK_ERRNO(CALL(statfs, "/", BAD), EFAULT);
    CHECK_ERRNO(CALL(statfs, BAD, &fs), EFAULT);
    CHECK_ERRNO(CALL(statfs, "/proc/self/stat/x", &fs), ENOTDIR);
}

int main(void)
{
    promise("statfs: results and errors", results);
    return check_end();
}
