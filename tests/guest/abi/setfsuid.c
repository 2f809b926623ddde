/* man 2 setfsuid: it answers with the former user, whether it did anything or not. */
#include "abi.h"

static void changes(void)
{
    CHECK_EQ(CALL(setfsuid, 500), 0);
    CHECK_EQ(CALL(setfsuid, -1), 500);
    int fd = open("mine", O_CREAT | O_WRONLY, 0600);
    struct stat st;
    CHECK(fd < 0 && errno == EACCES); /* the folder is root's */
    CHECK_EQ(CALL(setfsuid, 0), 500);
    CHECK((fd = open("mine", O_CREAT | O_WRONLY, 0600)) >= 0 && fstat(fd, &st) == 0);
    CHECK_EQ(st.st_uid, 0);
}

static void ordinary(void)
{
    become_nobody();
    CHECK_EQ(CALL(setfsuid, 1), NOBODY);
    CHECK_EQ(CALL(setfsuid, -1), NOBODY);
}

static void follows(void)
{
    CHECK_EQ(CALL(setresuid, -1, 700, -1), 0);
    CHECK_EQ(CALL(setfsuid, -1), 700);
}

int main(void)
{
    enter_fresh_dir();
    chmod(".", 0755);
    promise_apart("files are opened as the file system's user", changes);
    promise_apart("others cannot change it", ordinary);
    promise_apart("it follows the effective user", follows);
    return check_end();
}
