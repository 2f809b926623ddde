/* man 2 creat */
#include "abi.h"

static void results(void)
{
    struct stat st;
    char byte;
    int fd = CALL(creat, "file", 0640);

    CHECK(fd >= 0 && fcntl(fd, F_GETFL) & O_WRONLY);
    CHECK(write(fd, "abc", 3) == 3);
    CHECK_ERRNO(read(fd, &byte, 1), EBADF);
    CHECK(CALL(creat, "file", 0600) >= 0 && stat("file", &st) == 0);
    CHECK(st.st_size == 0 && st.st_mode == (S_IFREG | 0640)); /* emptied, with its mode */
    CHECK_ERRNO(CALL(creat, ".", 0600), EISDIR);
    CHECK_ERRNO(CALL(creat, "absent/x", 0600), ENOENT);
    CHECK_ERRNO(CALL(creat, BAD, 0600), EFAULT);
}

int main(void)
{
    enter_fresh_dir();
    promise("creat makes or empties", results);
    return check_end();
}
