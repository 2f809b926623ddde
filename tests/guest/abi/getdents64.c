/* man 2 getdents64 */
#include "check.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

struct entry {
    uint64_t ino;
    int64_t off;
    uint16_t reclen;
    uint8_t type;
    char name[];
};

static _Alignas(8) char buffer[4096];

static void errors(void)
{
    int dir = open(".", O_RDONLY | O_DIRECTORY), file = open("file", O_RDWR | O_CREAT, 0600);

    CHECK_ERRNO(syscall(SYS_getdents64, 999, buffer, sizeof buffer), EBADF);
    CHECK_ERRNO(syscall(SYS_getdents64, file, buffer, sizeof buffer), ENOTDIR);
    CHECK_ERRNO(syscall(SYS_getdents64, dir, buffer, 8), EINVAL);
    CHECK_ERRNO(syscall(SYS_getdents64, dir, 8, sizeof buffer), EFAULT);
    mkdir("gone", 0700);
    int gone = open("gone", O_RDONLY);
    rmdir("gone");
    CHECK_ERRNO(syscall(SYS_getdents64, gone, buffer, sizeof buffer), ENOENT);
    close(gone);
    close(file);
    close(dir);
}

static void entries(void)
{
    int dir, seen = 0;
    long n;

    mkdir("folder", 0700);
    CHECK_EQ(symlink("x", "folder/link"), 0);
    mkfifo("folder/fifo", 0600);
    dir = open("folder", O_RDONLY);
    while ((n = syscall(SYS_getdents64, dir, buffer, 64)) > 0) /* two or so at a time */
        for (long at = 0; at < n;) {
            struct entry *e = (void *)(buffer + at);
            struct stat st;

            CHECK(e->reclen % 8 == 0 && e->reclen >= 19 + strlen(e->name) + 1);
            CHECK_EQ(fstatat(dir, e->name, &st, AT_SYMLINK_NOFOLLOW), 0);
            if (e->name[0] != '.')
                CHECK_EQ(st.st_ino, e->ino);
            CHECK_EQ(e->type, (st.st_mode & S_IFMT) >> 12);
            seen++;
            at += e->reclen;
        }
    CHECK_EQ(n, 0);
    CHECK_EQ(seen, 4);
    CHECK_EQ(lseek(dir, 0, SEEK_SET), 0);
    CHECK(syscall(SYS_getdents64, dir, buffer, sizeof buffer) > 90);
    close(dir);
}

int main(void)
{
    enter_fresh_dir();
    promise("getdents64: errors", errors);
    promise("getdents64: entries, types, rewinding", entries);
    return check_end();
}
