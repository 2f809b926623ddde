/* man 2 kcmp */
#include "ptrace.h"

#include <fcntl.h>
#include <linux/kcmp.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/sem.h>

static long kcmp(pid_t a, pid_t b, int type, unsigned long one, unsigned long two)
{
    return syscall(SYS_kcmp, a, b, type, one, two);
}

static int stay(void)
{
    raise(SIGSTOP);
    return 0;
}

static void a_fork(void)
{
    int fd = open("/dev/null", O_RDONLY), other = open("/dev/null", O_RDONLY), copy = dup(fd);
    pid_t me = getpid(), pid = start_child(stay);

    NEED(waitpid(pid, NULL, WUNTRACED) == pid);
    CHECK_EQ(kcmp(me, me, KCMP_FILE, (unsigned)fd, (unsigned)fd), 0);
    CHECK_EQ(kcmp(me, me, KCMP_FILE, (unsigned)fd, (unsigned)copy), 0);
    CHECK_EQ(kcmp(me, pid, KCMP_FILE, (unsigned)fd, (unsigned)copy), 0);
    CHECK(kcmp(me, pid, KCMP_FILE, (unsigned)fd, (unsigned)other) > 0);
    CHECK_EQ(kcmp(me, pid, KCMP_FILE, (unsigned)fd, (unsigned)other) +
                 kcmp(me, pid, KCMP_FILE, (unsigned)other, (unsigned)fd),
             3); /* an order */
    CHECK_ERRNO(kcmp(me, pid, KCMP_FILE, 1000, (unsigned)fd), EBADF);
    CHECK(kcmp(me, pid, KCMP_VM, 0, 0) > 0);
    CHECK(kcmp(me, pid, KCMP_FILES, 0, 0) > 0);
    CHECK(kcmp(me, pid, KCMP_FS, 0, 0) > 0);
    CHECK(kcmp(me, pid, KCMP_SIGHAND, 0, 0) > 0);
    CHECK_EQ(kcmp(me, pid, KCMP_SYSVSEM, 0, 0), 0);
    CHECK_ERRNO(kcmp(me, pid, 99, 0, 0), EINVAL);
    CHECK_ERRNO(kcmp(me, 999999, KCMP_VM, 0, 0), ESRCH);
    end_traced(pid);
    close(fd), close(other), close(copy);
}

static void *tell_tid(void *arg)
{
    *(pid_t *)arg = (pid_t)syscall(SYS_gettid);
    for (;;)
        pause();
    return NULL;
}

static void a_thread(void)
{
    static volatile pid_t tid;
    pid_t me = getpid();
    pthread_t thread;

    pthread_create(&thread, NULL, tell_tid, (void *)&tid);
    while (!tid)
        sched_yield();
    CHECK_EQ(kcmp(me, tid, KCMP_VM, 0, 0), 0);
    CHECK_EQ(kcmp(me, tid, KCMP_FILES, 0, 0), 0);
    CHECK_EQ(kcmp(me, tid, KCMP_FS, 0, 0), 0);
    CHECK_EQ(kcmp(me, tid, KCMP_SIGHAND, 0, 0), 0);
    pthread_cancel(thread);
    pthread_join(thread, NULL);
}

static void an_epoll(void)
{
    int pipes[2], epoll = epoll_create1(0), plain = open("/dev/null", O_RDONLY);
    struct epoll_event event = {.events = EPOLLIN};
    struct kcmp_epoll_slot slot = {(unsigned)epoll, 0, 0};
    pid_t me = getpid();

    NEED(pipe(pipes) == 0);
    slot.tfd = (unsigned)pipes[0];
    CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, pipes[0], &event), 0);
    CHECK_EQ(kcmp(me, me, KCMP_EPOLL_TFD, (unsigned)pipes[0], (unsigned long)&slot), 0);
    CHECK(kcmp(me, me, KCMP_EPOLL_TFD, (unsigned)pipes[1], (unsigned long)&slot) > 0);
    slot.toff = 1;
    CHECK_ERRNO(kcmp(me, me, KCMP_EPOLL_TFD, (unsigned)pipes[0], (unsigned long)&slot), ENOENT);
    slot.toff = 0;
    slot.efd = (unsigned)plain;
    CHECK_ERRNO(kcmp(me, me, KCMP_EPOLL_TFD, (unsigned)pipes[0], (unsigned long)&slot), EINVAL);
    CHECK_ERRNO(kcmp(me, me, KCMP_EPOLL_TFD, (unsigned)pipes[0], 8), EFAULT);
    close(pipes[0]), close(pipes[1]), close(epoll), close(plain);
}

static void semaphores(void)
{
    int id = semget(IPC_PRIVATE, 1, 0600);
    struct sembuf up = {0, 1, SEM_UNDO};
    pid_t me = getpid(), pid = start_child(stay);

    NEED(id >= 0 && waitpid(pid, NULL, WUNTRACED) == pid);
    CHECK_EQ(semop(id, &up, 1), 0);
    CHECK(kcmp(me, pid, KCMP_SYSVSEM, 0, 0) > 0);
    CHECK_EQ(kcmp(me, me, KCMP_SYSVSEM, 0, 0), 0);
    end_traced(pid);
    semctl(id, 0, IPC_RMID);
}

static pid_t parent;

static int as_another(void)
{
    if (setgid(12345) || setuid(12345))
        return 1;
    errno = 0;
    return kcmp(getpid(), parent, KCMP_VM, 0, 0) == -1 && errno == EPERM ? 7 : 2;
}

static void rights(void)
{
    if (getuid() != 0)
        SKIP("only root can become another");
    parent = getpid();
    CHECK(exited_with(next_status(start_child(as_another)), 7));
}

int main(void)
{
    if (kcmp(getpid(), getpid(), KCMP_VM, 0, 0) == -1 && errno == ENOSYS) {
        printf("skip - kcmp # this Linux was built without\n1..1\n");
        return 0;
    }
    promise("a child has copies, but the same files", a_fork);
    promise("a thread shares", a_thread);
    promise("what an epoll watches", an_epoll);
    promise("undos of semaphores", semaphores);
    promise("not for everybody", rights);
    return check_end();
}
