/* man 2 open */
#include "abi.h"

static void flags(void)
{
    struct stat st;
    int fd;

    CHECK_ERRNO(CALL(open, "file", O_RDONLY), ENOENT);
    CHECK((fd = CALL(open, "file", O_RDWR | O_CREAT | O_EXCL, 0640)) >= 0);
    CHECK(fstat(fd, &st) == 0 && st.st_mode == (S_IFREG | 0640));
    CHECK_ERRNO(CALL(open, "file", O_CREAT | O_EXCL, 0640), EEXIST);
    CHECK_EQ(write(fd, "abc", 3), 3);
    CHECK_EQ(fcntl(fd, F_GETFD), 0);
    CHECK((fd = CALL(open, "file", O_WRONLY | O_TRUNC | O_CLOEXEC)) >= 0);
    CHECK(fstat(fd, &st) == 0 && st.st_size == 0);
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(fcntl(CALL(open, "file", O_RDWR | O_APPEND | O_NONBLOCK), F_GETFL) &
                 (O_ACCMODE | O_APPEND | O_NONBLOCK),
             O_RDWR | O_APPEND | O_NONBLOCK);
    CHECK_EQ(symlink("file", "link"), 0);
    CHECK_ERRNO(CALL(open, "link", O_NOFOLLOW), ELOOP);
    CHECK_ERRNO(CALL(open, "link", O_CREAT | O_EXCL, 0600), EEXIST);
    CHECK(CALL(open, "link", O_PATH | O_NOFOLLOW) >= 0);
    CHECK_ERRNO(CALL(open, "file", O_DIRECTORY), ENOTDIR);
    CHECK_EQ(symlink("new", "to-new"), 0);
    CHECK(CALL(open, "to-new", O_CREAT | O_WRONLY, 0600) >= 0 && access("new", F_OK) == 0);
}

static void nameless(void)
{
    struct stat st;
    int fd = CALL(open, ".", O_TMPFILE | O_RDWR, 0600);

    NEED(fd >= 0);
    CHECK(fstat(fd, &st) == 0 && st.st_nlink == 0 && S_ISREG(st.st_mode));
    CHECK_ERRNO(CALL(open, ".", O_TMPFILE | O_RDONLY, 0600), EINVAL);
    CHECK((fcntl(fd, F_GETFL) & O_TMPFILE) == O_TMPFILE);
    CHECK(symlink(".", "here") == 0 && CALL(open, "here", O_TMPFILE | O_RDWR, 0600) >= 0);
    CHECK_ERRNO(CALL(open, "here", O_TMPFILE | O_RDWR | O_NOFOLLOW, 0600), ENOTDIR);
    CHECK_EQ(mkfifo("pipe", 0600), 0);
    CHECK_ERRNO(CALL(open, "pipe", O_ACCMODE | O_NONBLOCK), EINVAL);
}

static void errors(void)
{
    static char longest[300];

    memset(longest, 'a', sizeof longest - 1);
    CHECK_ERRNO(CALL(open, BAD, O_RDONLY), EFAULT);
    CHECK_ERRNO(CALL(open, "", O_RDONLY), ENOENT);
    CHECK_ERRNO(CALL(open, longest, O_RDONLY), ENAMETOOLONG);
    CHECK_ERRNO(CALL(open, "file/x", O_RDONLY), ENOTDIR);
    CHECK_ERRNO(CALL(open, "file/", O_RDONLY), ENOTDIR);
    CHECK_ERRNO(CALL(open, "absent/x", O_CREAT | O_WRONLY, 0600), ENOENT);
    CHECK_ERRNO(CALL(open, ".", O_WRONLY), EISDIR);
    CHECK_ERRNO(CALL(open, "dir/", O_CREAT | O_WRONLY, 0600), EISDIR);
    CHECK_EQ(symlink("loop", "loop"), 0);
    CHECK_ERRNO(CALL(open, "loop", O_RDONLY), ELOOP);
    CHECK_EQ(mkfifo("fifo", 0600), 0);
    CHECK_ERRNO(CALL(open, "fifo", O_WRONLY | O_NONBLOCK), ENXIO);
    CHECK(CALL(open, "fifo", O_RDONLY | O_NONBLOCK) >= 0);
}

/* Only files and disks can be read and written past the cache. */
static void direct(void)
{
    mkfifo("direct", 0600);
    CHECK_ERRNO(CALL(open, "direct", O_RDWR | O_DIRECT | O_NONBLOCK), EINVAL);
    CHECK_ERRNO(CALL(open, "/dev/null", O_RDWR | O_DIRECT), EINVAL);
    CHECK_ERRNO(CALL(open, "/dev/zero", O_RDONLY | O_DIRECT), EINVAL);
    CHECK_ERRNO(CALL(open, "/dev", O_RDONLY | O_DIRECT), EINVAL);
    CHECK(CALL(open, "/dev/null", O_PATH | O_DIRECT) >= 0);
}

static void permissions(void)
{
    close(CALL(open, "secret", O_CREAT | O_WRONLY, 0600));
    close(CALL(open, "public", O_CREAT | O_WRONLY, 0644));
    chmod(".", 0755);
    become_nobody();
    CHECK_ERRNO(CALL(open, "secret", O_RDONLY), EACCES);
    CHECK_ERRNO(CALL(open, "mine", O_CREAT | O_WRONLY, 0600), EACCES);
    CHECK_ERRNO(CALL(open, "public", O_RDONLY | O_NOATIME), EPERM);
}

int main(void)
{
    enter_fresh_dir();
    promise("open: flags", flags);
    promise("open of a file without a name", nameless);
    promise("open: errors", errors);
    promise("open: O_DIRECT", direct);
    promise_apart("open: permissions", permissions);
    return check_end();
}
