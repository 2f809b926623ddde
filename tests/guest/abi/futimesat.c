/* man 2 futimesat */
#include "abi.h"
#include <sys/time.h>

static void results(void)
{
    struct timeval times[2] = {{1000, 5}, {2000, 6}};
    struct stat st;
    int fd = file_with("file", ""), here = open(".", O_RDONLY);

    CHECK_EQ(CALL(futimesat, here, "file", times), 0);
    CHECK(stat("file", &st) == 0 && st.st_mtim.tv_sec == 2000 && st.st_mtim.tv_nsec == 6000);
    CHECK_EQ(CALL(futimesat, fd, NULL, NULL), 0); /* the file itself */
    CHECK(stat("file", &st) == 0 && st.st_mtime > 1600000000);
    times[1].tv_usec = -1;
    CHECK_ERRNO(CALL(futimesat, here, "file", times), EINVAL);
    CHECK_ERRNO(CALL(futimesat, BAD_FD, "file", NULL), EBADF);
}

int main(void)
{
    enter_fresh_dir();
    promise("futimesat: results and errors", results);
    return check_end();
}
