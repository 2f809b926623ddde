/* man 2 renameat2 */
#include "abi.h"
#include <linux/fs.h>

static long size_of(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? st.st_size : -1;
}

static void flags(void)
{
    close(file_with("a", "a"));
    close(file_with("b", "bb"));
    CHECK_ERRNO(CALL(renameat2, AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE), EEXIST);
    CHECK_EQ(CALL(renameat2, AT_FDCWD, "a", AT_FDCWD, "b", RENAME_EXCHANGE), 0);
    CHECK(size_of("a") == 2 && size_of("b") == 1);
    CHECK_ERRNO(CALL(renameat2, AT_FDCWD, "a", AT_FDCWD, "c", RENAME_EXCHANGE), ENOENT);
    CHECK_EQ(CALL(renameat2, AT_FDCWD, "a", AT_FDCWD, "c", RENAME_NOREPLACE), 0);
    NEED(mkdir("dir", 0700) == 0);
    CHECK_EQ(CALL(renameat2, AT_FDCWD, "dir", AT_FDCWD, "c", RENAME_EXCHANGE), 0);
    CHECK(size_of("dir") == 2);
    CHECK_ERRNO(CALL(renameat2, AT_FDCWD, "b", AT_FDCWD, "c", RENAME_NOREPLACE | RENAME_EXCHANGE),
                EINVAL);
    CHECK_ERRNO(CALL(renameat2, AT_FDCWD, "b", AT_FDCWD, "d", 1 << 10), EINVAL);
    CHECK_EQ(CALL(renameat2, AT_FDCWD, "b", AT_FDCWD, "d", 0), 0);
}

static void whiteout(void)
{
    struct stat st;

    close(file_with("w", "w"));
    int error = CALL(renameat2, AT_FDCWD, "w", AT_FDCWD, "v", RENAME_WHITEOUT) ? errno : 0;
    if (error == EINVAL)
        SKIP("this file system has no whiteouts");
    CHECK_EQ(error, 0);
    CHECK(lstat("w", &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == 0);
    CHECK_EQ(size_of("v"), 1);
    CHECK(unlink("w") == 0 && unlink("v") == 0);
}

/* What is wrong with the old name is told before what is wrong with the new one. */
static void order(void)
{
    char longer[258];
    int file = file_with("file", "");

    memset(longer, 'q', 256);
    longer[256] = 0;
    CHECK_ERRNO(CALL(renameat2, AT_FDCWD, "absent/a", AT_FDCWD, BAD, 0), ENOENT);
    CHECK_ERRNO(CALL(renameat2, AT_FDCWD, "absent/a", file, "b", 0), ENOENT);
    CHECK_ERRNO(CALL(renameat2, AT_FDCWD, longer, file, "b", 0), ENOTDIR);
    CHECK_ERRNO(CALL(renameat2, AT_FDCWD, "absent", AT_FDCWD, longer, 0), ENOENT);
    CHECK_ERRNO(CALL(renameat2, AT_FDCWD, "file", AT_FDCWD, longer, 0), ENAMETOOLONG);
}

int main(void)
{
    enter_fresh_dir();
    promise("renameat2: flags", flags);
    promise("renameat2: RENAME_WHITEOUT", whiteout);
    promise("renameat2: which error comes first", order);
    return check_end();
}
