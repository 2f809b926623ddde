/* man 2 faccessat2 */
#include "abi.h"

static void results(void)
{
    int fd = file_with("file", "");

    CHECK_EQ(CALL(faccessat2, AT_FDCWD, "file", R_OK, 0), 0);
    CHECK_EQ(symlink("absent", "link"), 0);
    CHECK_ERRNO(CALL(faccessat2, AT_FDCWD, "link", F_OK, 0), ENOENT);
    CHECK_EQ(CALL(faccessat2, AT_FDCWD, "link", F_OK, AT_SYMLINK_NOFOLLOW), 0);
    CHECK_EQ(CALL(faccessat2, fd, "", R_OK, AT_EMPTY_PATH), 0);
    CHECK_ERRNO(CALL(faccessat2, fd, "", R_OK, 0), ENOENT);
    CHECK_ERRNO(CALL(faccessat2, AT_FDCWD, "file", R_OK, 1), EINVAL);
}

static void effective_user(void)
{
    close(file_with("private", ""));
    chmod("private", 0600);
    chmod(".", 0755);
    NEED(CALL(setresuid, NOBODY, 0, 0) == 0);
    CHECK_ERRNO(CALL(faccessat2, AT_FDCWD, "private", R_OK, 0), EACCES);
    CHECK_EQ(CALL(faccessat2, AT_FDCWD, "private", R_OK, AT_EACCESS), 0);
}

/* Not only the file, the folders on the way there too. */
static void real_user(void)
{
    NEED(mkdir("closed", 0700) == 0);
    close(file_with("closed/file", ""));
    chmod(".", 0755);
    NEED(chown("closed", NOBODY, NOBODY) == 0 && CALL(setresuid, 0, NOBODY, 0) == 0);
    CHECK_EQ(CALL(faccessat2, AT_FDCWD, "closed/file", F_OK, AT_EACCESS), 0);
    NEED(CALL(setresuid, 0, 0, 0) == 0 && chown("closed", 0, 0) == 0);
    NEED(CALL(setresuid, 0, NOBODY, 0) == 0);
    CHECK_EQ(CALL(faccessat2, AT_FDCWD, "closed/file", F_OK, 0), 0);
    CHECK_ERRNO(CALL(faccessat2, AT_FDCWD, "closed/file", F_OK, AT_EACCESS), EACCES);
}

int main(void)
{
    enter_fresh_dir();
    promise("faccessat2: flags", results);
    promise_apart("AT_EACCESS asks for the effective user", effective_user);
    promise_apart("without AT_EACCESS names are walked as the real user", real_user);
    return check_end();
}
