/* man 2 open_by_handle_at */
#include "abi.h"

#include "../mounts.h"

static struct {
    struct file_handle h;
    unsigned char bytes[MAX_HANDLE_SZ];
} h;
static int here;

static int by_handle(int flags)
{
    return CALL(open_by_handle_at, here, &h, flags);
}

static int name(const char *path, int flags)
{
    int mount;
    h.h.handle_bytes = MAX_HANDLE_SZ;
    return CALL(name_to_handle_at, AT_FDCWD, path, &h, &mount, flags);
}

/* Where an open file is, by its name in /proc. */
static const char *place(int fd)
{
    static char target[300];
    char link[40];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, target, sizeof(target) - 1);
    target[n > 0 ? n : 0] = 0;
    return strrchr(target, '/') ? strrchr(target, '/') + 1 : target;
}

static void errors(void)
{
    int pair[2], path = open(".", O_PATH);

    close(file_with("file", "abc"));
    NEED(name("file", 0) == 0 && pipe(pair) == 0);
    CHECK_ERRNO(CALL(open_by_handle_at, here, BAD, O_RDONLY), EFAULT);
    CHECK_ERRNO(CALL(open_by_handle_at, path, &h, O_RDONLY), EBADF);
    CHECK_ERRNO(CALL(open_by_handle_at, BAD_FD, &h, O_RDONLY), EBADF);
    CHECK_ERRNO(CALL(open_by_handle_at, pair[0], &h, O_RDONLY), ESTALE);
    CHECK_ERRNO(by_handle(O_DIRECTORY), ENOTDIR);
    CHECK_ERRNO(by_handle(O_TMPFILE | O_RDWR), ENOTDIR);
    CHECK_ERRNO(by_handle(O_CREAT | O_EXCL | O_RDWR), EEXIST);
    CHECK(by_handle(O_CREAT | O_RDWR) >= 0);
    h.bytes[0] ^= 1;
    CHECK_ERRNO(by_handle(O_RDONLY), ESTALE);
    h.bytes[0] ^= 1;
    h.h.handle_type = -1;
    CHECK_ERRNO(by_handle(O_RDONLY), EINVAL);
    h.h.handle_type = 1;
    h.h.handle_bytes = MAX_HANDLE_SZ + 1;
    CHECK_ERRNO(by_handle(O_RDONLY), EINVAL);
    h.h.handle_bytes = 0;
    CHECK_ERRNO(by_handle(O_RDONLY), EINVAL);
    h.h.handle_bytes = 8;
    CHECK_ERRNO(by_handle(O_RDONLY), ESTALE);
    become_nobody();
    h.h.handle_bytes = 12;
    CHECK_ERRNO(by_handle(O_RDONLY), EPERM);
}

static void files(void)
{
    char text[4];
    int fd, fd2;

    CHECK(mkdir("way", 0700) == 0 && mkdir("way/in", 0) == 0);
    fd = file_with("way/in/file", "abc");
    NEED(name("way/in/file", 0) == 0);
    CHECK((fd2 = by_handle(O_RDONLY)) >= 0);
    CHECK(read(fd2, text, 4) == 3 && memcmp(text, "abc", 3) == 0);
    CHECK(strcmp(place(fd2), "file") == 0);
    close(fd2);
    CHECK((fd2 = CALL(open_by_handle_at, AT_FDCWD, &h, O_WRONLY | O_APPEND | O_CLOEXEC)) >= 0);
    CHECK_EQ(write(fd2, "de", 2), 2);
    CHECK_EQ(fcntl(fd2, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(pread(fd, text, 4, 2), 3);
    close(fd2);
    CHECK(rename("way/in/file", "moved") == 0 && link("moved", "second") == 0);
    CHECK_EQ(unlink("moved"), 0);
    CHECK((fd2 = by_handle(O_RDWR | O_TRUNC)) >= 0 && strcmp(place(fd2), "second") == 0);
    CHECK_EQ(lseek(fd, 0, SEEK_END), 0);
    close(fd);
    CHECK_EQ(unlink("second"), 0);
    CHECK((fd = by_handle(O_PATH)) >= 0); /* it is still open */
    close(fd);
    close(fd2);
    CHECK_ERRNO(by_handle(O_RDONLY), ESTALE);
}

/* A file without a name gets some, after its handle was made. */
static void named_later(void)
{
    char link[40];
    int fd = open(".", O_TMPFILE | O_RDWR, 0600);

    NEED(fd >= 0);
    h.h.handle_bytes = MAX_HANDLE_SZ;
    NEED(CALL(name_to_handle_at, fd, "", &h, &(int){0}, AT_EMPTY_PATH) == 0);
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    CHECK_EQ(linkat(AT_FDCWD, link, AT_FDCWD, "named", AT_SYMLINK_FOLLOW), 0);
    close(fd);
    CHECK((fd = by_handle(O_RDWR)) >= 0 && strcmp(place(fd), "named") == 0);
    CHECK_EQ(unlink("named"), 0);
    close(fd);
    CHECK_ERRNO(by_handle(O_RDONLY), ESTALE);
}

static void others(void)
{
    struct stat up, way;
    int fd;

    CHECK(mkdir("fold", 0700) == 0 && mkdir("fold/dir", 0700) == 0 && symlink("fold", "link") == 0);
    NEED(name("link", 0) == 0);
    CHECK_ERRNO(by_handle(O_RDONLY), ELOOP);
    CHECK((fd = by_handle(O_PATH | O_NOFOLLOW)) >= 0 && strcmp(place(fd), "link") == 0);
    CHECK_EQ(name("link", AT_SYMLINK_FOLLOW), 0);
    CHECK((fd = by_handle(O_DIRECTORY)) >= 0 && strcmp(place(fd), "fold") == 0);
    CHECK_EQ(name("fold/dir", 0), 0);
    CHECK_ERRNO(by_handle(O_RDWR), EISDIR);
    CHECK_ERRNO(by_handle(O_CREAT), EISDIR);
    CHECK((fd = by_handle(O_RDONLY)) >= 0);
    CHECK(fstatat(fd, "..", &up, 0) == 0 && stat("fold", &way) == 0 && up.st_ino == way.st_ino);
    close(fd);
    CHECK((fd = by_handle(O_TMPFILE | O_RDWR)) >= 0);
    close(fd);
    CHECK_EQ(rmdir("fold/dir"), 0);
    CHECK_ERRNO(by_handle(O_RDONLY), ESTALE);
    CHECK_EQ(name(".", 0), 0);
    CHECK((fd = by_handle(O_RDONLY)) >= 0);
}

/* The mount's flags count, not where it shows the file system; another one has other files. */
static void mounts(void)
{
    int fd;

    close(file_with("file", "abc"));
    CHECK(mkdir("part", 0700) == 0 && mkdir("shown", 0700) == 0);
    NEED(name("file", 0) == 0 && mount("part", "shown", NULL, MS_BIND, NULL) == 0);
    CHECK_EQ(mount(NULL, "shown", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
    fd = open("shown", O_RDONLY);
    CHECK_ERRNO(CALL(open_by_handle_at, fd, &h, O_RDWR), EROFS);
    CHECK(CALL(open_by_handle_at, fd, &h, O_RDONLY) >= 0);
    CHECK_EQ(umount2("shown", MNT_DETACH), 0);
    CHECK_EQ(mount("other", "shown", "tmpfs", 0, NULL), 0);
    fd = open("shown", O_RDONLY);
    CHECK_ERRNO(CALL(open_by_handle_at, fd, &h, O_RDONLY), ESTALE);
    close(fd);
    CHECK_EQ(name("shown", 0), 0);
    CHECK_EQ(umount("shown"), 0);
    CHECK_ERRNO(by_handle(O_RDONLY), ESTALE);
}

int main(void)
{
    if (!promise_mounts())
        return check_end();
    here = open(".", O_RDONLY);
    promise_apart("open_by_handle_at: errors", errors);
    promise_apart("a file is found wherever it goes, until it is gone", files);
    promise_apart("a file that is named later is found by its name", named_later);
    promise_apart("links and folders", others);
    promise_apart("it is opened on the mount of the descriptor", mounts);
    return check_end();
}
