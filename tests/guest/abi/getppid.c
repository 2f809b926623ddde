/* man 2 getppid */
#include "abi.h"

static void is_parent(void)
{
    pid_t parent = getpid(), pid = start();

    if (pid == 0)
        _exit(CALL(getppid) != parent);
    CHECK_EQ(end_of(pid), 0);
}

static void orphan(void)
{
    int ends[2];
    pid_t seen = 0, pid;

    NEED(pipe(ends) == 0 && (pid = start()) >= 0);
    if (pid == 0) {
        pid_t middle = getpid();
        if (fork() == 0) {
            while (CALL(getppid) == middle)
                sleep_ms(1);
            seen = CALL(getppid);
            _exit(write(ends[1], &seen, sizeof(seen)) != sizeof(seen));
        }
        _exit(0);
    }
    CHECK_EQ(end_of(pid), 0);
    CHECK(read(ends[0], &seen, sizeof(seen)) == sizeof(seen) && seen != pid && seen > 0);
}

int main(void)
{
    promise("getppid is who forked", is_parent);
    promise("an orphan gets another parent", orphan);
    return check_end();
}
