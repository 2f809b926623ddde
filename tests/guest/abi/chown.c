/* man 2 chown */
#include "abi.h"

static void results(void)
{
    struct stat st;

    close(file_with("file", ""));
    NEED(symlink("file", "link") == 0);
    CHECK_EQ(CALL(chown, "link", 10, 20), 0);
    CHECK(stat("file", &st) == 0 && st.st_uid == 10 && st.st_gid == 20);
    CHECK_EQ(CALL(chown, "file", -1, 30), 0);
    CHECK(stat("file", &st) == 0 && st.st_uid == 10 && st.st_gid == 30);
    CHECK(chmod("file", 06755) == 0 && CALL(chown, "file", 11, -1) == 0);
    CHECK(stat("file", &st) == 0 && st.st_mode == (S_IFREG | 0755)); /* set-user-ID is gone */
    CHECK_ERRNO(CALL(chown, "absent", 0, 0), ENOENT);
    CHECK_ERRNO(CALL(chown, BAD, 0, 0), EFAULT);
}

static void ordinary(void)
{
    gid_t groups[1] = {88};

    close(file_with("mine", ""));
    NEED(CALL(chown, "mine", NOBODY, NOBODY) == 0 && CALL(setgroups, 1, groups) == 0);
    chmod(".", 0755);
    become_nobody();
    CHECK_ERRNO(CALL(chown, "mine", 0, -1), EPERM);
    CHECK_ERRNO(CALL(chown, "mine", -1, 99), EPERM);
    CHECK_EQ(CALL(chown, "mine", -1, 88), 0); /* a group of one's own */
    CHECK_ERRNO(CALL(chown, "file", -1, 88), EPERM);
}

int main(void)
{
    enter_fresh_dir();
    promise("chown: results and errors", results);
    promise_apart("chown without privilege", ordinary);
    return check_end();
}
