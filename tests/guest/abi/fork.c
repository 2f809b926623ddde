/* man 2 fork */
#include "abi.h"
#include <sys/times.h>

static int global = 1;

static void results(void)
{
    int fd = file_with("file", "0123456789"), status;
    pid_t parent = getpid(), pid = CALL(fork);

    if (pid == 0) {
        char byte;
        struct tms tms;

        global = 2;
        CHILD_NEED(getppid() == parent && getpid() != parent);
        CHILD_NEED(read(fd, &byte, 1) == 1); /* the position is shared */
        CHILD_NEED(times(&tms) > 0 && tms.tms_cutime == 0);
        close(fd);
        _exit(33);
    }
    NEED(pid > 0 && waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 33);
    CHECK_EQ(global, 1);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 1);
}

int main(void)
{
    enter_fresh_dir();
    promise("fork copies memory and shares open files", results);
    return check_end();
}
