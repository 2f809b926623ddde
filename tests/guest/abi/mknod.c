/* man 2 mknod */
#include "abi.h"
#include <sys/sysmacros.h>

static void results(void)
{
    struct stat st;
    char byte;

    umask(022);
    CHECK_EQ(CALL(mknod, "fifo", S_IFIFO | 0666, 0), 0);
    CHECK(stat("fifo", &st) == 0 && st.st_mode == (S_IFIFO | 0644));
    CHECK_EQ(CALL(mknod, "file", 0600, 0), 0); /* without a type: a plain file */
    CHECK(stat("file", &st) == 0 && st.st_mode == (S_IFREG | 0600));
    CHECK_EQ(CALL(mknod, "socket", S_IFSOCK | 0600, 0), 0);
    CHECK_EQ(CALL(mknod, "zero", S_IFCHR | 0600, makedev(1, 5)), 0);
    CHECK(stat("zero", &st) == 0 && st.st_rdev == makedev(1, 5));
    int fd = open("zero", O_RDONLY);
    CHECK(fd < 0 ? errno == EACCES : read(fd, &byte, 1) == 1 && byte == 0); /* nodev? */
    CHECK_ERRNO(CALL(mknod, "file", S_IFREG | 0600, 0), EEXIST);
    CHECK_ERRNO(CALL(mknod, "dir", S_IFDIR | 0600, 0), EPERM);
    CHECK_ERRNO(CALL(mknod, "link", S_IFLNK | 0600, 0), EINVAL);
    CHECK_ERRNO(CALL(mknod, "absent/x", S_IFREG | 0600, 0), ENOENT);
    CHECK_ERRNO(CALL(mknod, BAD, S_IFREG | 0600, 0), EFAULT);
}

static void ordinary(void)
{
    chmod(".", 0777);
    become_nobody();
    CHECK_EQ(CALL(mknod, "fifo2", S_IFIFO | 0666, 0), 0);
    CHECK_ERRNO(CALL(mknod, "null", S_IFCHR | 0600, makedev(1, 3)), EPERM);
}

int main(void)
{
    enter_fresh_dir();
    promise("mknod: results and errors", results);
    promise_apart("devices need privilege", ordinary);
    return check_end();
}
