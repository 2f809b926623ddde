/* man 2 chmod */
#include "abi.h"

static void results(void)
{
    struct stat st;

    close(file_with("file", ""));
    NEED(symlink("file", "link") == 0);
    CHECK_EQ(CALL(chmod, "link", 04751), 0);
    CHECK(stat("file", &st) == 0 && st.st_mode == (S_IFREG | 04751));
    CHECK_EQ(CALL(chmod, "file", 0200000 | 0600), 0); /* other bits mean nothing */
    CHECK(stat("file", &st) == 0 && st.st_mode == (S_IFREG | 0600));
    CHECK_ERRNO(CALL(chmod, "absent", 0600), ENOENT);
    CHECK_ERRNO(CALL(chmod, BAD, 0600), EFAULT);
    CHECK_ERRNO(CALL(chmod, "file/x", 0600), ENOTDIR);
}

static void owners_only(void)
{
    struct stat st;

    close(file_with("mine", ""));
    CHECK_EQ(chown("mine", NOBODY, 77), 0);
    chmod(".", 0755);
    become_nobody();
    CHECK_ERRNO(CALL(chmod, "file", 0666), EPERM);
    CHECK_EQ(CALL(chmod, "mine", 02755), 0);
    CHECK(stat("mine", &st) == 0 && st.st_mode == (S_IFREG | 0755)); /* not in group 77 */
}

int main(void)
{
    enter_fresh_dir();
    promise("chmod: results and errors", results);
    promise_apart("chmod is for the owner", owners_only);
    return check_end();
}
