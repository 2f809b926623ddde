/* man 2 setfsgid: it answers with the former group, whether it did anything or not. */
#include "abi.h"

static void changes(void)
{
    struct stat st;

    CHECK_EQ(CALL(setresgid, 0, 0, 0), 0);
    CHECK_EQ(CALL(setfsgid, 500), 0);
    CHECK_EQ(CALL(setfsgid, -1), 500);
    int fd = open("file", O_CREAT | O_WRONLY, 0600);
    CHECK(fd >= 0 && fstat(fd, &st) == 0);
    CHECK_EQ(st.st_gid, 500);
    CHECK_EQ(getegid(), 0);
}

static void ordinary(void)
{
    become_nobody();
    CHECK_EQ(CALL(setfsgid, 1), NOBODY);
    CHECK_EQ(CALL(setfsgid, -1), NOBODY);
}

int main(void)
{
    enter_fresh_dir();
    promise_apart("files are made with the file system's group", changes);
    promise_apart("others cannot change it", ordinary);
    return check_end();
}
