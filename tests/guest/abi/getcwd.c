/* man 2 getcwd: the call counts the final zero, libc's does not. */
#include "abi.h"

#include "../mounts.h"

static void results(void)
{
    char path[200], here[200];

    NEED(getcwd(here, sizeof here));
    CHECK_EQ(CALL(getcwd, path, sizeof path), (long)strlen(here) + 1);
    CHECK_EQ(strcmp(path, here), 0);
    CHECK_ERRNO(CALL(getcwd, path, strlen(here)), ERANGE);
    CHECK_EQ(CALL(getcwd, path, strlen(here) + 1), (long)strlen(here) + 1);
    CHECK_ERRNO(CALL(getcwd, BAD, sizeof path), EFAULT);
    CHECK_ERRNO(CALL(getcwd, path, 0), ERANGE);
    CHECK(mkdir("gone", 0700) == 0 && chdir("gone") == 0 && rmdir("../gone") == 0);
    CHECK_ERRNO(CALL(getcwd, path, sizeof path), ENOENT);
}

static bool here_is(const char *cwd, const char *link)
{
    char a[300] = "", b[300] = "";
    if (CALL(getcwd, a, sizeof a) > 0 && readlink("/proc/self/cwd", b, sizeof b - 1) > 0 &&
        strcmp(a, cwd) == 0 && strcmp(b, link) == 0)
        return true;
    printf("# %s and %s, not %s and %s\n", a, b, cwd, link);
    return false;
}

/* What no way leads to from the root. */
static void unreachable(void)
{
    char here[100], below[300], marked[200], told[300];

    if (!enter_mounts())
        SKIP("mounts are not allowed here");
    NEED(getcwd(here, sizeof here));
    NEED(mkdir("a", 0700) == 0 && mkdir("a/b", 0700) == 0 && mkdir("a/b/c", 0700) == 0);
    NEED(mkdir("d", 0700) == 0 && mkdir("part", 0700) == 0 && mkdir("root", 0700) == 0);
    NEED(mkdir("other", 0700) == 0 && mount("test", "other", "tmpfs", 0, NULL) == 0);
    NEED(mkdir("other/e", 0700) == 0);

    CHECK(chdir("other/e") == 0 && umount2("../../other", MNT_DETACH) == 0);
    CHECK(here_is("(unreachable)/e", "/e"));
    CHECK(chdir("../..") == 0 && here_is("(unreachable)/", "/"));

    /* Moved out of the part of the file system that the mount shows. */
    CHECK(chdir(here) == 0 && mount("a", "part", NULL, MS_BIND, NULL) == 0);
    CHECK(chdir("part/b/c") == 0 && chdir("..") == 0 && chdir("c") == 0);
    snprintf(below, sizeof below, "%s/a/b", here);
    snprintf(marked, sizeof marked, "%s/d/b", here);
    CHECK_EQ(rename(below, marked), 0);
    CHECK(here_is("(unreachable)/", "/"));
    CHECK_ERRNO(chdir(".."), ENOENT);
    CHECK_ERRNO(chdir("../../.."), ENOENT);

    CHECK(chdir(marked) == 0 && here_is(marked, marked));
    snprintf(below, sizeof below, "%s/root", here);
    CHECK_EQ(chroot(below), 0);
    snprintf(below, sizeof below, "(unreachable)%s", marked);
    CHECK_EQ(CALL(getcwd, told, sizeof told), (long)strlen(below) + 1);
    CHECK_EQ(strcmp(told, below), 0);
}

int main(void)
{
    enter_fresh_dir();
    promise("getcwd: results and errors", results);
    promise_apart("getcwd: places that no way leads to", unreachable);
    return check_end();
}
