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

int main(void)
{
    enter_fresh_dir();
    promise("renameat2: flags", flags);
    return check_end();
}
