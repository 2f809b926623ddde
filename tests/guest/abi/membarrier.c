/* man 2 membarrier. */
#include "check.h"
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static long barrier(int command, unsigned flags, int cpu)
{
    return syscall(SYS_membarrier, command, flags, cpu);
}

static const int commands[] = {
    MEMBARRIER_CMD_PRIVATE_EXPEDITED,
    MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE,
    MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ,
};
static const int registers[] = {
    MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED,
    MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE,
    MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ,
};

static void query(void)
{
    long all = barrier(MEMBARRIER_CMD_QUERY, 0, 0);

    NEED(all > 0);
    CHECK_EQ(all & 0x1ff, 0x1ff);
    CHECK_EQ(barrier(MEMBARRIER_CMD_GLOBAL, 0, 0), 0);
    CHECK_EQ(barrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0), 0);
    CHECK_EQ(barrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0), 0);
}

static void private(void)
{
    int status;
    pid_t pid;

    for (int i = 0; i < 3; i++) {
        CHECK_ERRNO(barrier(commands[i], 0, 0), EPERM);
        CHECK_EQ(barrier(registers[i], 0, 0), 0);
        CHECK_EQ(barrier(commands[i], 0, 0), 0);
    }
    CHECK_EQ(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, MEMBARRIER_CMD_FLAG_CPU, 0), 0);
    pid = fork(); /* the child's memory is registered as well */
    if (pid == 0)
        _exit(barrier(commands[0], 0, 0) == 0 ? 0 : 1);
    waitpid(pid, &status, 0);
    CHECK_EQ(status, 0);
}

static void errors(void)
{
    CHECK_ERRNO(barrier(1 << 30, 0, 0), EINVAL);
    CHECK_ERRNO(barrier(-1, 0, 0), EINVAL);
    CHECK_ERRNO(barrier(MEMBARRIER_CMD_QUERY, 1, 0), EINVAL);
    CHECK_ERRNO(barrier(MEMBARRIER_CMD_GLOBAL, 1, 0), EINVAL);
    CHECK_ERRNO(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, MEMBARRIER_CMD_FLAG_CPU, 0), EINVAL);
    CHECK_ERRNO(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 2, 0), EINVAL);
}

int main(void)
{
    promise("the commands are all there", query);
    promise("expedited commands want a registration first", private);
    promise("membarrier says what is wrong", errors);
    return check_end();
}
