/* man 2 utimensat */
#include "abi.h"

static void results(void)
{
    struct timespec times[2] = {{1000, 123456789}, {0, UTIME_OMIT}};
    struct stat st, before;
    int fd = file_with("file", "");

    NEED(symlink("file", "link") == 0 && fstat(fd, &before) == 0);
    CHECK_EQ(CALL(utimensat, AT_FDCWD, "file", times, 0), 0);
    CHECK(fstat(fd, &st) == 0 && st.st_atim.tv_sec == 1000 && st.st_atim.tv_nsec == 123456789);
    CHECK(memcmp(&st.st_mtim, &before.st_mtim, sizeof st.st_mtim) == 0);
    times[0].tv_nsec = UTIME_OMIT;
    times[1] = (struct timespec){-5, UTIME_NOW}; /* the seconds do not count */
    CHECK_EQ(CALL(utimensat, fd, NULL, times, 0), 0);
    CHECK(fstat(fd, &st) == 0 && st.st_atim.tv_sec == 1000 && st.st_mtime > 1600000000);
    times[0] = times[1] = (struct timespec){77, 0};
    CHECK_EQ(CALL(utimensat, AT_FDCWD, "link", times, AT_SYMLINK_NOFOLLOW), 0);
    CHECK(lstat("link", &st) == 0 && st.st_mtime == 77 && fstat(fd, &st) == 0 && st.st_mtime != 77);
}

static void errors(void)
{
    struct timespec times[2] = {{0, 1000000000}, {0, 0}},
                    omit[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}};

    CHECK_ERRNO(CALL(utimensat, AT_FDCWD, "file", times, 0), EINVAL);
    CHECK_ERRNO(CALL(utimensat, AT_FDCWD, "absent", times, 0), ENOENT); /* the name comes first */
    CHECK_ERRNO(CALL(utimensat, BAD_FD, NULL, times, 0), EBADF);
    CHECK_ERRNO(CALL(utimensat, AT_FDCWD, "file", NULL, 1), EINVAL);
    CHECK_ERRNO(CALL(utimensat, AT_FDCWD, "absent", NULL, 0), ENOENT);
    CHECK_ERRNO(CALL(utimensat, BAD_FD, "file", NULL, 0), EBADF);
    CHECK_ERRNO(CALL(utimensat, AT_FDCWD, "file", BAD, 0), EFAULT);
    CHECK_ERRNO(CALL(utimensat, AT_FDCWD, NULL, NULL, 0), EFAULT);
    CHECK_EQ(CALL(utimensat, AT_FDCWD, "file", omit, 0), 0);
}

int main(void)
{
    enter_fresh_dir();
    promise("utimensat: results", results);
    promise("utimensat: errors", errors);
    return check_end();
}
