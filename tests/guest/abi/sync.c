/* man 2 sync: it has no errors. */
#include "abi.h"

static void results(void)
{
    char text[4];
    int fd = file_with("file", "abc");

    CHECK_EQ(CALL(sync), 0);
    CHECK(read(fd, text, 4) == 3 && memcmp(text, "abc", 3) == 0);
}

int main(void)
{
    enter_fresh_dir();
    promise("sync returns 0", results);
    return check_end();
}
