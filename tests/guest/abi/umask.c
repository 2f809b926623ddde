/* man 2 umask */
#include "abi.h"

static void results(void)
{
    struct stat st;

    CALL(umask, 027);
    CHECK_EQ(CALL(umask, 07777), 027);
    CHECK_EQ(CALL(umask, 022), 0777); /* only the permission bits count */
    CALL(umask, 0137);
    close(open("file", O_CREAT | O_WRONLY, 0777));
    CHECK(stat("file", &st) == 0 && (st.st_mode & 07777) == 0640);
    CHECK(mkdir("dir", 0777) == 0 && stat("dir", &st) == 0);
    CHECK_EQ(st.st_mode & 0777, 0640);
    CHECK(mkfifo("fifo", 0666) == 0 && stat("fifo", &st) == 0);
    CHECK_EQ(st.st_mode & 0777, 0640);
}

static void child_inherits(void)
{
    pid_t pid;

    CALL(umask, 071);
    pid = start();
    if (pid == 0)
        _exit(CALL(umask, 0) != 071);
    CHECK_EQ(end_of(pid), 0);
    CHECK_EQ(CALL(umask, 022), 071);
}

int main(void)
{
    enter_fresh_dir();
    promise_apart("umask takes permissions away", results);
    promise_apart("a child inherits it and has its own", child_inherits);
    return check_end();
}
