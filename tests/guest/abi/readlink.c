/* man 2 readlink */
#include "check.h"
#include <fcntl.h>
#include <sys/syscall.h>

static void errors(void)
{
    char text[8];

    NEED(symlink("target", "link") == 0);
    close(open("file", O_WRONLY | O_CREAT, 0600));
    CHECK_ERRNO(syscall(SYS_readlink, "link", text, 0), EINVAL);
    CHECK_ERRNO(syscall(SYS_readlink, "link", text, -1), EINVAL);
    CHECK_ERRNO(syscall(SYS_readlink, "file", text, 8), EINVAL);
    CHECK_ERRNO(syscall(SYS_readlink, "absent", text, 8), ENOENT);
    CHECK_ERRNO(syscall(SYS_readlink, "file/x", text, 8), ENOTDIR);
    CHECK_ERRNO(syscall(SYS_readlink, "", text, 8), ENOENT);
    CHECK_ERRNO(syscall(SYS_readlink, 8, text, 8), EFAULT);
    CHECK_ERRNO(syscall(SYS_readlink, "link", 8, 8), EFAULT);
    CHECK_ERRNO(syscall(SYS_readlinkat, 999, "link", text, 8), EBADF);
}

static void results(void)
{
    char text[8] = "xxxxxxx";

    CHECK_EQ(syscall(SYS_readlink, "link", text, 8), 6);
    CHECK(memcmp(text, "targetx", 7) == 0); /* no terminating zero */
    CHECK_EQ(syscall(SYS_readlink, "link", text, 2), 2);
    int fd = open("link", O_PATH | O_NOFOLLOW);
    CHECK_EQ(syscall(SYS_readlinkat, fd, "", text, 8), 6);
}

int main(void)
{
    enter_fresh_dir();
    promise("readlink: errors", errors);
    promise("readlink: results", results);
    return check_end();
}
