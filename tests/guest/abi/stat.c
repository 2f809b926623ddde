/* man 2 stat */
#include "abi.h"
#include <sys/sysmacros.h>

static void results(void)
{
    struct stat st;
    int fd = file_with("file", "abc");

    memset(&st, 0xff, sizeof st);
    CHECK_EQ(CALL(stat, "file", &st), 0);
    CHECK(st.st_mode == (S_IFREG | 0644) && st.st_size == 3 && st.st_nlink == 1);
    CHECK(st.st_uid == 0 && st.st_blksize >= 512 && st.st_mtime > 1600000000);
    NEED(link("file", "twin") == 0 && symlink("file", "link") == 0);
    ino_t ino = st.st_ino;
    CHECK_EQ(CALL(stat, "link", &st), 0);
    CHECK(st.st_ino == ino && st.st_nlink == 2);
    CHECK_EQ(CALL(stat, "/dev/null", &st), 0);
    CHECK(S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3));
    CHECK_EQ(CALL(stat, ".", &st), 0);
    CHECK(S_ISDIR(st.st_mode));
    close(fd);
}

static void errors(void)
{
    struct stat st;

    CHECK_ERRNO(CALL(stat, "absent", &st), ENOENT);
    CHECK_ERRNO(CALL(stat, "", &st), ENOENT);
    CHECK_ERRNO(CALL(stat, "file/x", &st), ENOTDIR);
    CHECK_ERRNO(CALL(stat, BAD, &st), EFAULT);
    CHECK_ERRNO(CALL(stat, "file", BAD), EFAULT);
    NEED(symlink("absent", "dangling") == 0);
    CHECK_ERRNO(CALL(stat, "dangling", &st), ENOENT);
}

static void locked_folder(void)
{
    struct stat st;

    NEED(mkdir("locked", 0700) == 0);
    close(open("locked/file", O_CREAT | O_WRONLY, 0644));
    chmod(".", 0755);
    become_nobody();
    CHECK_ERRNO(CALL(stat, "locked/file", &st), EACCES);
    CHECK_EQ(CALL(stat, "locked", &st), 0);
}

int main(void)
{
    enter_fresh_dir();
    promise("stat: results", results);
    promise("stat: errors", errors);
    promise_apart("stat needs search permission on the way", locked_folder);
    return check_end();
}
