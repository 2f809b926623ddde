/* man 2 openat2 */
#include "abi.h"
#include <linux/openat2.h>

static long open_with(int dir, const char *path, uint64_t flags, uint64_t resolve)
{
    struct open_how how = {.flags = flags, .resolve = resolve};

    return CALL(openat2, dir, path, &how, sizeof how);
}

static void resolve(void)
{
    NEED(mkdir("dir", 0700) == 0 && mkdir("dir/sub", 0700) == 0);
    close(file_with("dir/file", ""));
    close(file_with("outside", ""));
    NEED(symlink("../outside", "dir/out") == 0 && symlink("file", "dir/in") == 0);
    NEED(symlink("/file", "dir/absolute") == 0);
    int dir = open("dir", O_PATH);

    CHECK(open_with(dir, "in", O_RDONLY, RESOLVE_BENEATH) >= 0);
    CHECK_ERRNO(open_with(dir, "out", O_RDONLY, RESOLVE_BENEATH), EXDEV);
    CHECK_ERRNO(open_with(dir, "/", O_RDONLY, RESOLVE_BENEATH), EXDEV);
    CHECK_ERRNO(open_with(dir, "sub/../../outside", O_RDONLY, RESOLVE_BENEATH), EXDEV);
    CHECK(open_with(dir, "sub/../file", O_RDONLY, RESOLVE_BENEATH) >= 0);
    CHECK(open_with(dir, "absolute", O_RDONLY, RESOLVE_IN_ROOT) >= 0);
    CHECK_ERRNO(open_with(dir, "out", O_RDONLY, RESOLVE_IN_ROOT), ENOENT);
    CHECK(open_with(dir, "/file", O_RDONLY, RESOLVE_IN_ROOT) >= 0); /* "/" is dir, not the root */
    CHECK_ERRNO(open_with(dir, "/etc", O_RDONLY, RESOLVE_IN_ROOT), ENOENT);
    CHECK_ERRNO(open_with(BAD_FD, "/file", O_RDONLY, RESOLVE_IN_ROOT), EBADF);
    CHECK_ERRNO(open_with(dir, "..", O_RDWR | O_CREAT, RESOLVE_BENEATH), EXDEV);
    CHECK_ERRNO(open_with(dir, "in", O_RDONLY, RESOLVE_NO_SYMLINKS), ELOOP);
    CHECK_ERRNO(open_with(AT_FDCWD, "/proc/self/exe", O_RDONLY, RESOLVE_NO_MAGICLINKS), ELOOP);
    CHECK_ERRNO(open_with(AT_FDCWD, "/proc/self/stat", O_RDONLY, RESOLVE_NO_XDEV), EXDEV);
}

static void structure(void)
{
    struct {
        struct open_how how;
        uint64_t more;
    } longer = {.how = {.flags = O_RDONLY}};
    struct open_how how = {.flags = O_RDONLY};

    CHECK(CALL(openat2, AT_FDCWD, ".", &longer, sizeof longer) >= 0);
    longer.more = 1;
    CHECK_ERRNO(CALL(openat2, AT_FDCWD, ".", &longer, sizeof longer), E2BIG);
    CHECK_ERRNO(CALL(openat2, AT_FDCWD, ".", &how, sizeof how - 1), EINVAL);
    CHECK_ERRNO(CALL(openat2, AT_FDCWD, ".", BAD, sizeof how), EFAULT);
    how.flags = 1ull << 40;
    CHECK_ERRNO(CALL(openat2, AT_FDCWD, ".", &how, sizeof how), EINVAL);
    how = (struct open_how){.flags = O_RDONLY, .mode = 0600};
    CHECK_ERRNO(CALL(openat2, AT_FDCWD, ".", &how, sizeof how), EINVAL); /* a mode, no O_CREAT */
    how = (struct open_how){.flags = O_CREAT | O_RDWR, .mode = 0200000};
    CHECK_ERRNO(CALL(openat2, AT_FDCWD, "new", &how, sizeof how), EINVAL);
    how = (struct open_how){.flags = O_RDONLY, .resolve = 1 << 20};
    CHECK_ERRNO(CALL(openat2, AT_FDCWD, ".", &how, sizeof how), EINVAL);
    how.resolve = RESOLVE_BENEATH | RESOLVE_IN_ROOT;
    CHECK_ERRNO(CALL(openat2, AT_FDCWD, ".", &how, sizeof how), EINVAL);
}

int main(void)
{
    enter_fresh_dir();
    promise("openat2: RESOLVE flags", resolve);
    promise("openat2: the structure is checked", structure);
    return check_end();
}
