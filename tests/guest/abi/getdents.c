/* man 2 getdents */
#include "abi.h"

struct entry {
    unsigned long ino, off;
    unsigned short reclen;
    char name[];
};

static void results(void)
{
    char room[1024];
    int fd, seen = 0;
    long n;

    for (int i = 0; i < 40; i++) {
        char name[8];
        snprintf(name, sizeof name, "f%d", i);
        close(file_with(name, ""));
    }
    fd = open(".", O_RDONLY);
    while ((n = CALL(getdents, fd, room, 200)) > 0)
        for (struct entry *at = (void *)room; (char *)at < room + n;
             at = (void *)((char *)at + at->reclen)) {
            char type = ((char *)at)[at->reclen - 1]; /* the type lies in the last byte */
            CHECK(at->ino != 0 && (type == 8) == (at->name[0] == 'f'));
            seen++;
        }
    CHECK(n == 0 && seen == 42);
    lseek(fd, 0, SEEK_SET);
    CHECK_ERRNO(CALL(getdents, fd, room, 10), EINVAL); /* too small for one */
    CHECK_ERRNO(CALL(getdents, fd, BAD, 200), EFAULT);
    CHECK_ERRNO(CALL(getdents, open("f1", O_RDONLY), room, 200), ENOTDIR);
    CHECK_ERRNO(CALL(getdents, BAD_FD, room, 200), EBADF);
    CHECK(mkdir("gone", 0700) == 0 && (fd = open("gone", O_RDONLY)) >= 0 && rmdir("gone") == 0);
    CHECK_ERRNO(CALL(getdents, fd, room, 200), ENOENT);
}

int main(void)
{
    enter_fresh_dir();
    promise("getdents: results and errors", results);
    return check_end();
}
