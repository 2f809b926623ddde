// cpus: 1 4
/* man 2 seccomp, man 2 seccomp_unotify: actions, listeners, tracers; the filters themselves are in
 * process_seccomp. */
#include "ptrace.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

/* One call gets an answer of its own; all others pass. */
static int filter(int nr, unsigned action, unsigned flags)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, action),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {4, code};

    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

static void questions(void)
{
    unsigned actions[] = {SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP,
                          SECCOMP_RET_ERRNO,        SECCOMP_RET_USER_NOTIF,  SECCOMP_RET_TRACE,
                          SECCOMP_RET_LOG,          SECCOMP_RET_ALLOW};
    struct seccomp_notif_sizes sizes = {0};
    unsigned other = 0x12340000;

    for (unsigned i = 0; i < sizeof(actions) / sizeof(*actions); i++)
        CHECK_EQ(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &actions[i]), 0);
    CHECK_ERRNO(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &other), EOPNOTSUPP);
    CHECK_EQ(syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes), 0);
    CHECK_EQ(sizes.seccomp_notif, sizeof(struct seccomp_notif));
    CHECK_EQ(sizes.seccomp_notif_resp, sizeof(struct seccomp_notif_resp));
    CHECK_EQ(sizes.seccomp_data, sizeof(struct seccomp_data));
    CHECK_ERRNO(syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 1, &sizes), EINVAL);
    CHECK_ERRNO(syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, 8), EFAULT);
    CHECK_ERRNO(syscall(SYS_seccomp, 99, 0, 0), EINVAL);
    CHECK_ERRNO(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, 0), EINVAL);
    CHECK_ERRNO(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 1u << 20, 0), EINVAL);
    CHECK_ERRNO(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, 8), EFAULT);
    CHECK_ERRNO(filter(SYS_getppid, SECCOMP_RET_ALLOW,
                       SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_NEW_LISTENER),
                EINVAL);
    CHECK_ERRNO(filter(SYS_getppid, SECCOMP_RET_ALLOW, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV),
                EINVAL);
}

/* --- listeners --- */

/* A child that hands its listener to the parent and then runs body. */
static int pass_fd(int socket, int fd)
{
    char byte = 'x', control[CMSG_SPACE(sizeof(int))];
    struct iovec iov = {&byte, 1};
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    *header = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(header), &fd, sizeof(int));
    return sendmsg(socket, &message, 0) == 1 ? 0 : -1;
}

static int take_fd(int socket)
{
    char byte, control[CMSG_SPACE(sizeof(int))];
    struct iovec iov = {&byte, 1};
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    int fd = -1;

    if (recvmsg(socket, &message, 0) == 1 && CMSG_FIRSTHDR(&message))
        memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
    return fd;
}

static pid_t start_listened(int (*body)(void), int *listener)
{
    int sockets[2];
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets))
        return -1;
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        int fd = filter(SYS_getppid, SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER);

        if (fd < 0 || pass_fd(sockets[1], fd))
            _exit(100);
        close(fd);
        _exit(body());
    }
    *listener = take_fd(sockets[0]);
    close(sockets[0]), close(sockets[1]);
    return pid;
}

static bool receive(int listener, struct seccomp_notif *notif)
{
    memset(notif, 0, sizeof(*notif));
    return CHECK_EQ(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, notif), 0);
}

static int reply(int listener, uint64_t id, int64_t value, int error, unsigned flags)
{
    struct seccomp_notif_resp response = {id, value, error, flags};

    return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

static int three_calls(void)
{
    long first = syscall(SYS_getppid, 11, 12, 13, 14, 15, 16);
    long second = syscall(SYS_getppid), error = errno, third = syscall(SYS_getppid);

    return (first == 4242) + 2 * (second == -1 && error == EPERM) + 4 * (third == getpgrp());
}

static void a_listener_answers(void)
{
    struct seccomp_notif notif;
    struct pollfd watch;
    int listener;
    pid_t pid;
    uint64_t id;

    pid = start_listened(three_calls, &listener);
    NEED(listener >= 0);
    watch = (struct pollfd){listener, POLLIN | POLLOUT, 0};
    CHECK_EQ(poll(&watch, 1, -1), 1);
    CHECK_EQ(watch.revents, POLLIN);
    NEED(receive(listener, &notif));
    CHECK_EQ(notif.pid, pid);
    CHECK_EQ(notif.flags, 0);
    CHECK_EQ(notif.data.nr, SYS_getppid);
    CHECK_EQ(notif.data.arch, AUDIT_ARCH_X86_64);
    for (int i = 0; i < 6; i++)
        CHECK_EQ(notif.data.args[i], 11 + i);
    CHECK_EQ(poll(&watch, 1, 0), 1);
    CHECK_EQ(watch.revents, POLLOUT);
    CHECK_EQ(ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &notif.id), 0);
    id = notif.id + 1000;
    CHECK_ERRNO(ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id), ENOENT);
    CHECK_ERRNO(reply(listener, id, 0, 0, 0), ENOENT);
    CHECK_ERRNO(reply(listener, notif.id, 0, 0, 2), EINVAL);
    CHECK_ERRNO(reply(listener, notif.id, 1, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE), EINVAL);
    CHECK_EQ(reply(listener, notif.id, 4242, 0, 0), 0);
    NEED(receive(listener, &notif));
    CHECK_EQ(reply(listener, notif.id, 0, -EPERM, 0), 0);
    NEED(receive(listener, &notif));
    CHECK_EQ(reply(listener, notif.id, getpgrp(), 0, 0), 0);
    CHECK(exited_with(next_status(pid), 7));
    for (int i = 0; i < 500 && !(poll(&watch, 1, 10) == 1 && watch.revents & POLLHUP); i++)
        ;
    CHECK(watch.revents & POLLHUP); /* nobody can ask any more */
    close(listener);
}

static pid_t parent;

static int continued(void)
{
    return syscall(SYS_getppid) == parent ? 4 : 5;
}

static void a_call_goes_on(void)
{
    struct seccomp_notif notif, bad = {.id = 1};
    int listener;
    pid_t pid;

    parent = getpid();
    pid = start_listened(continued, &listener);
    NEED(listener >= 0);
    CHECK_ERRNO(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &bad), EINVAL); /* must be zeroed */
    CHECK_ERRNO(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, 8), EFAULT);
    CHECK_ERRNO(ioctl(listener, 12345, 0), EINVAL);
    NEED(receive(listener, &notif));
    CHECK_EQ(reply(listener, notif.id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE), 0);
    CHECK(exited_with(next_status(pid), 4));
    close(listener);
}

static int use_descriptor(void)
{
    char byte = 0;
    long fd = syscall(SYS_getppid);

    return fd >= 0 && read((int)fd, &byte, 1) == 1 && byte == 'p' &&
                   fcntl((int)fd, F_GETFD) == FD_CLOEXEC
               ? (int)fd
               : 99;
}

static void descriptors_are_handed_in(void)
{
    struct seccomp_notif notif;
    struct seccomp_notif_addfd add = {0};
    int listener, pipes[2], fd;
    pid_t pid = start_listened(use_descriptor, &listener);

    NEED(listener >= 0 && pipe(pipes) == 0);
    CHECK_EQ(write(pipes[1], "pp", 2), 2);
    NEED(receive(listener, &notif));
    add.id = notif.id + 5;
    add.srcfd = (unsigned)pipes[0];
    add.newfd_flags = O_CLOEXEC;
    CHECK_ERRNO(ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add), ENOENT);
    add.id = notif.id;
    add.newfd = 17;
    CHECK_ERRNO(ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add), EINVAL); /* without SETFD */
    add.flags = SECCOMP_ADDFD_FLAG_SETFD | 8;
    CHECK_ERRNO(ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add), EINVAL);
    add.flags = SECCOMP_ADDFD_FLAG_SETFD;
    add.srcfd = 1000;
    CHECK_ERRNO(ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add), EBADF);
    add.srcfd = (unsigned)pipes[0];
    fd = ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
    CHECK_EQ(fd, 17);
    CHECK_EQ(reply(listener, notif.id, fd, 0, 0), 0);
    CHECK(exited_with(next_status(pid), 17));
    close(listener);

    pid = start_listened(use_descriptor, &listener);
    NEED(receive(listener, &notif));
    add.id = notif.id;
    add.newfd = 0;
    add.flags = SECCOMP_ADDFD_FLAG_SEND; /* the answer at the same time */
    fd = ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
    CHECK(fd > 0);
    CHECK_ERRNO(reply(listener, notif.id, fd, 0, 0), ENOENT);
    CHECK(exited_with(next_status(pid), fd));
    close(listener), close(pipes[0]), close(pipes[1]);
}

static int call_once(void)
{
    return syscall(SYS_getppid) == -1 && errno == ENOSYS ? 8 : 9;
}

static void without_a_listener(void)
{
    struct seccomp_notif notif;
    int listener;
    pid_t pid = start_listened(call_once, &listener);

    NEED(receive(listener, &notif));
    close(listener);
    CHECK(exited_with(next_status(pid), 8));
}

static volatile sig_atomic_t handled;

static void on_signal(int signo)
{
    handled = signo;
}

static int interrupted(void)
{
    struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART */
    long result;

    sigaction(SIGUSR1, &action, NULL);
    result = syscall(SYS_getppid);
    return result == -1 && errno == EINTR && handled ? 6 : 5;
}

static void a_signal_breaks_it_off(void)
{
    struct seccomp_notif notif;
    int listener;
    pid_t pid = start_listened(interrupted, &listener);

    NEED(receive(listener, &notif));
    kill(pid, SIGUSR1);
    CHECK(exited_with(next_status(pid), 6));
    CHECK_ERRNO(ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &notif.id), ENOENT);
    CHECK_ERRNO(reply(listener, notif.id, 0, 0, 0), ENOENT);
    close(listener);
}

static int second_listener(void)
{
    int fd = filter(SYS_getpgid, SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER);

    return fd == -1 && errno == EBUSY ? 4 : 3;
}

static void one_listener(void)
{
    int listener;
    pid_t pid = start_listened(second_listener, &listener);

    CHECK(exited_with(next_status(pid), 4));
    close(listener);
}

/* --- tracers --- */

static int call_traced(void)
{
    long result;

    if (filter(SYS_getppid, SECCOMP_RET_TRACE | 77, 0))
        return 1;
    raise(SIGSTOP);
    result = syscall(SYS_getppid);
    return result == 4242 ? 21 : result == -1 && errno == ENOSYS ? 22 : 23;
}

static void tracers_are_asked(void)
{
    pid_t pid = start_traced(call_traced);
    struct ptrace_syscall_info info;
    struct sock_filter code[8];
    unsigned long message;

    NEED(stopped_with(go_on(PTRACE_CONT, pid, 0), SIGSTOP));
    CHECK_EQ(REQUEST(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESECCOMP), 0);
    if (geteuid() == 0) {
        CHECK_EQ(REQUEST(PTRACE_SECCOMP_GET_FILTER, pid, 0, code), 4);
        CHECK_EQ(code[2].k, SECCOMP_RET_TRACE | 77);
        CHECK_ERRNO(REQUEST(PTRACE_SECCOMP_GET_FILTER, pid, 1, code), ENOENT);
    }
    NEED(stopped_with(go_on(PTRACE_CONT, pid, 0), EVENT_STOP(SIGTRAP, PTRACE_EVENT_SECCOMP)));
    CHECK_EQ(REQUEST(PTRACE_GETEVENTMSG, pid, 0, &message), 0);
    CHECK_EQ(message, 77);
    CHECK_EQ(REQUEST(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info), 84);
    CHECK_EQ(info.op, PTRACE_SYSCALL_INFO_SECCOMP);
    CHECK_EQ(info.seccomp.nr, SYS_getppid);
    CHECK_EQ(info.seccomp.ret_data, 77);
    CHECK_EQ(REQUEST(PTRACE_POKEUSER, pid, offsetof(struct user, regs.orig_rax), -1), 0);
    CHECK_EQ(REQUEST(PTRACE_POKEUSER, pid, offsetof(struct user, regs.rax), 4242), 0);
    CHECK(exited_with(go_on(PTRACE_CONT, pid, 0), 21));

    pid = start_traced(call_traced); /* who does not want to be asked */
    NEED(stopped_with(go_on(PTRACE_CONT, pid, 0), SIGSTOP));
    CHECK(exited_with(go_on(PTRACE_CONT, pid, 0), 22));
}

/* --- all threads --- */

static pthread_barrier_t barrier;

static void *with_a_filter_of_its_own(void *arg)
{
    filter(SYS_getpgid, SECCOMP_RET_ALLOW, 0);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    return arg;
}

static int synchronise_threads(void)
{
    pthread_t thread;
    int first, second;

    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&thread, NULL, with_a_filter_of_its_own, NULL);
    pthread_barrier_wait(&barrier);
    errno = 0;
    first = filter(SYS_getppid, SECCOMP_RET_ALLOW, SECCOMP_FILTER_FLAG_TSYNC);
    second = filter(SYS_getppid, SECCOMP_RET_ALLOW,
                    SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH);
    return first > 0 && second == -1 && errno == ESRCH ? 31 : 32;
}

static void a_thread_in_the_way(void)
{
    CHECK(exited_with(next_status(start_child(synchronise_threads)), 31));
}

int main(void)
{
    promise("what can be asked, and errors", questions);
    promise("a listener answers", a_listener_answers);
    promise("a listener lets a call go on", a_call_goes_on);
    promise("a listener hands descriptors in", descriptors_are_handed_in);
    promise("a listener that goes", without_a_listener);
    promise("a signal breaks the question off", a_signal_breaks_it_off);
    promise("there is one listener", one_listener);
    promise("a tracer is asked", tracers_are_asked);
    promise("TSYNC finds a thread in the way", a_thread_in_the_way);
    return check_end();
}
