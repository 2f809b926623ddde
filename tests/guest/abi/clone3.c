/* man 2 clone3 */
#include "abi.h"
#include <linux/sched.h>

static long clone3(struct clone_args *args, size_t size)
{
    fflush(stdout);
    return CALL(clone3, args, size);
}

static void results(void)
{
    int pidfd = -1;
    pid_t tid = 0, pid;
    struct clone_args args = {.flags = CLONE_PIDFD | CLONE_PARENT_SETTID,
                              .exit_signal = SIGCHLD,
                              .pidfd = (uintptr_t)&pidfd,
                              .parent_tid = (uintptr_t)&tid};

    pid = clone3(&args, sizeof args);
    if (pid == 0)
        _exit(4);
    CHECK(pid > 0 && tid == pid && fcntl(pidfd, F_GETFD) == FD_CLOEXEC);
    CHECK_EQ(end_of(pid), 4);
    signal(SIGUSR1, SIG_DFL);
    args = (struct clone_args){.flags = CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD};
    signal(SIGUSR1, _exit);
    pid = clone3(&args, sizeof args);
    if (pid == 0) {
        struct sigaction act;
        _exit(sigaction(SIGUSR1, NULL, &act) == 0 && act.sa_handler == SIG_DFL ? 0 : 1);
    }
    CHECK_EQ(end_of(pid), 0);
}

static void errors(void)
{
    struct clone_args args = {.exit_signal = 65};
    struct {
        struct clone_args args;
        uint64_t more;
    } longer = {.args = {.exit_signal = SIGCHLD}, .more = 1};

    CHECK_ERRNO(clone3(&args, sizeof args), EINVAL);
    CHECK_ERRNO(clone3(&args, CLONE_ARGS_SIZE_VER0 - 1), EINVAL);
    CHECK_ERRNO(clone3(&args, 8192), E2BIG);
    CHECK_ERRNO(clone3((void *)&longer, sizeof longer), E2BIG);
    CHECK_ERRNO(clone3(BAD, sizeof args), EFAULT);
    args = (struct clone_args){.flags = 0xff, .exit_signal = SIGCHLD}; /* the old place */
    CHECK_ERRNO(clone3(&args, sizeof args), EINVAL);
    args = (struct clone_args){.stack = 4096, .exit_signal = SIGCHLD}; /* without a size */
    CHECK_ERRNO(clone3(&args, sizeof args), EINVAL);
    args = (struct clone_args){.flags = CLONE_THREAD, .exit_signal = SIGCHLD};
    CHECK_ERRNO(clone3(&args, sizeof args), EINVAL);
    args = (struct clone_args){.set_tid_size = 33, .exit_signal = SIGCHLD};
    CHECK_ERRNO(clone3(&args, sizeof args), EINVAL);
    pid_t taken = getpid(), first = 1, none = 0;
    args = (struct clone_args){
        .set_tid = (uintptr_t)&taken, .set_tid_size = 1, .exit_signal = SIGCHLD};
    CHECK_ERRNO(clone3(&args, sizeof args), EEXIST);
    args.set_tid = (uintptr_t)&first;
    CHECK_ERRNO(clone3(&args, sizeof args), EEXIST);
    args.set_tid = (uintptr_t)&none;
    CHECK_ERRNO(clone3(&args, sizeof args), EINVAL);
}

static void cgroups(void)
{
    struct clone_args args = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD};
    int group = open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY);
    pid_t pid;

    args.cgroup = (uint64_t)open("/", O_RDONLY | O_DIRECTORY);
    CHECK_ERRNO(clone3(&args, sizeof args), EBADF);
    args.cgroup = 999;
    CHECK_ERRNO(clone3(&args, sizeof args), EBADF);
    args.cgroup = 1ull << 40;
    CHECK_ERRNO(clone3(&args, sizeof args), EINVAL);
    if (group < 0 || access("/sys/fs/cgroup/cgroup.procs", F_OK) != 0)
        SKIP("no cgroup2");
    args.cgroup = (uint64_t)group;
    pid = clone3(&args, sizeof args);
    if (pid == 0)
        _exit(3);
    if (pid < 0 && !inside_osprey())
        SKIP("the host's group takes no process");
    CHECK_EQ(end_of(pid), 3);
}

int main(void)
{
    promise("clone3: CLONE_INTO_CGROUP", cgroups);

    promise("clone3: results", results);
    promise("clone3: the structure is checked", errors);
    return check_end();
}
