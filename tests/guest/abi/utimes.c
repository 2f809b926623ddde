/* man 2 utimes */
#include "abi.h"
#include <sys/time.h>

static void results(void)
{
    struct timeval times[2] = {{1000, 5}, {2000, 999999}};
    struct stat st;

    close(file_with("file", ""));
    CHECK_EQ(CALL(utimes, "file", times), 0);
    CHECK(stat("file", &st) == 0 && st.st_atim.tv_sec == 1000 && st.st_atim.tv_nsec == 5000);
    CHECK(st.st_mtim.tv_sec == 2000 && st.st_mtim.tv_nsec == 999999000);
    times[0].tv_usec = 1000000;
    CHECK_ERRNO(CALL(utimes, "file", times), EINVAL);
    CHECK_EQ(CALL(utimes, "file", NULL), 0);
    CHECK_ERRNO(CALL(utimes, "absent", NULL), ENOENT);
    CHECK_ERRNO(CALL(utimes, "file", BAD), EFAULT);
}

int main(void)
{
    enter_fresh_dir();
    promise("utimes: results and errors", results);
    return check_end();
}
