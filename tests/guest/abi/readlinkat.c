/* man 2 readlinkat */
#include "abi.h"

static void results(void)
{
    char text[8] = "xxxxxxx";
    int here = open(".", O_PATH);

    NEED(symlink("target", "link") == 0);
    CHECK_EQ(CALL(readlinkat, here, "link", text, 8), 6);
    CHECK(memcmp(text, "targetx", 7) == 0);
    CHECK_EQ(CALL(readlinkat, open("link", O_PATH | O_NOFOLLOW), "", text, 3), 3);
    CHECK_ERRNO(CALL(readlinkat, here, "", text, 8), ENOENT);
    CHECK_ERRNO(CALL(readlinkat, here, "link", text, 0), EINVAL);
    CHECK_ERRNO(CALL(readlinkat, BAD_FD, "link", text, 8), EBADF);
    CHECK_ERRNO(CALL(readlinkat, here, ".", text, 8), EINVAL);
}

int main(void)
{
    enter_fresh_dir();
    promise("readlinkat: results and errors", results);
    return check_end();
}
