// cpus: 1 2 4
// libc: glibc musl
// timeout: 120
/* fork, vfork, clone, exec, posix_spawn: what a child has of its parent and what it has not. */
#include "process.h"
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>

extern char **environ;

enum { FUTEX_WAIT, FUTEX_WAKE };

static volatile int counter = 5;

static void basics(void)
{
    pid_t me = getpid(), pid = start();

    if (pid == 0) {
        counter = counter + 1;
        CHILD_NEED(getppid() == me && getpid() != me);
        CHILD_NEED(syscall(SYS_gettid) == getpid());
        CHILD_NEED(getpgrp() == getpgid(me) && getsid(0) == getsid(me));
        _exit(counter);
    }
    NEED(pid > 0);
    CHECK_EQ(end_of(pid), 6);
    CHECK_EQ(counter, 5);
    CHECK_ERRNO(waitpid(pid, NULL, 0), ECHILD);
}

static void many(void)
{
    int good = 0;

    for (int i = 0; i < 1000; i++) {
        pid_t pid = fork();

        if (pid == 0)
            _exit(i & 0x7f);
        good += end_of(pid) == (i & 0x7f);
    }
    CHECK_EQ(good, 1000);
}

static void many_at_once(void)
{
    enum { N = 100 };
    int sum = 0, status;
    atomic_int *count = shared_memory(4096);

    for (int i = 0; i < N; i++) {
        pid_t pid = fork();

        if (pid == 0) {
            atomic_fetch_add(count, 1);
            _exit(1);
        }
        NEED(pid > 0);
    }
    while (wait(&status) > 0)
        sum += WEXITSTATUS(status);
    CHECK_EQ(sum, N);
    CHECK_EQ(atomic_load(count), N);
    munmap((void *)count, 4096);
}

/* --- memory --- */

enum { PAGES = 64, PAGE = 4096 };
static unsigned char *pages;
static atomic_bool writers_stop;

static void *keep_writing(void *arg)
{
    long me = (long)arg;

    for (unsigned n = 0; !atomic_load(&writers_stop); n++)
        for (int i = 0; i < PAGES; i++)
            pages[i * PAGE + me] = (unsigned char)n;
    return NULL;
}

/* While threads of the parent write, every page of the child stays as it was at the fork. */
static void copy_on_write(void)
{
    pthread_t threads[3];

    pages = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    NEED(pages != MAP_FAILED);
    atomic_store(&writers_stop, false);
    for (long i = 0; i < 3; i++)
        NEED(pthread_create(&threads[i], NULL, keep_writing, (void *)i) == 0);
    for (int round = 0; round < 30; round++) {
        pid_t pid;

        for (int i = 0; i < PAGES; i++)
            pages[i * PAGE + 100] = (unsigned char)round;
        pid = start();
        if (pid == 0) {
            unsigned char seen[PAGES][3];

            for (int i = 0; i < PAGES; i++)
                memcpy(seen[i], pages + i * PAGE, 3);
            usleep(500);
            for (int i = 0; i < PAGES; i++) {
                CHILD_NEED(memcmp(seen[i], pages + i * PAGE, 3) == 0);
                CHILD_NEED(pages[i * PAGE + 100] == (unsigned char)round);
                pages[i * PAGE + 100] = 255;
            }
            _exit(0);
        }
        CHECK_EQ(end_of(pid), 0);
        for (int i = 0; i < PAGES; i++)
            if (pages[i * PAGE + 100] != (unsigned char)round) {
                CHECK(!"the child's write is seen");
                break;
            }
    }
    atomic_store(&writers_stop, true);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    munmap(pages, PAGES * PAGE);
}

static void huge_pages(void)
{
    size_t size = 8 << 20;
    unsigned char *at =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pid_t pid;

    NEED(at != MAP_FAILED);
    madvise(at, size, MADV_HUGEPAGE);
    memset(at, 1, size);
    pid = start();
    if (pid == 0) {
        for (size_t i = 0; i < size; i += PAGE)
            CHILD_NEED(at[i] == 1);
        memset(at, 2, size);
        for (size_t i = 0; i < size; i += PAGE)
            CHILD_NEED(at[i] == 2);
        _exit(0);
    }
    CHECK_EQ(end_of(pid), 0);
    for (size_t i = 0; i < size; i += PAGE)
        if (at[i] != 1) {
            CHECK(!"the child's write is seen");
            break;
        }
    memset(at, 3, size);
    CHECK_EQ(at[size - 1], 3);
    munmap(at, size);
}

static void shared_stays_shared(void)
{
    char path[] = "/tmp/forkXXXXXX";
    int fd = mkstemp(path);
    volatile int *anon = shared_memory(PAGE), *file, *private;
    pid_t pid;

    NEED(fd >= 0 && ftruncate(fd, PAGE) == 0 && anon);
    file = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    private = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    NEED(file != MAP_FAILED && private != MAP_FAILED);
    private[1] = 7;
    pid = start();
    if (pid == 0) {
        CHILD_NEED(private[1] == 7);
        private[1] = 8;
        anon[0] = 11;
        file[0] = 12;
        _exit(0);
    }
    CHECK_EQ(end_of(pid), 0);
    CHECK_EQ(anon[0], 11);
    CHECK_EQ(file[0], 12);
    CHECK_EQ(private[1], 7);
    unlink(path);
    close(fd);
}

static void advice(void)
{
    char *gone = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *wiped = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pid_t pid;

    *gone = *wiped = 1;
    NEED(madvise(gone, PAGE, MADV_DONTFORK) == 0);
    NEED(madvise(wiped, PAGE, MADV_WIPEONFORK) == 0);
    pid = start();
    if (pid == 0) {
        CHILD_NEED(*wiped == 0);
        *(volatile char *)gone = 2; /* SIGSEGV */
        _exit(1);
    }
    CHECK_EQ(end_of(pid), 1000 + SIGSEGV);
    CHECK_EQ(*wiped, 1);
    munmap(gone, PAGE);
    munmap(wiped, PAGE);
}

static void futexes_across(void)
{
    uint32_t *word = shared_memory(PAGE);
    pid_t pid = start();

    if (pid == 0) {
        while (__atomic_load_n(word, __ATOMIC_SEQ_CST) == 0)
            syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL, NULL, 0);
        __atomic_store_n(word + 1, 1, __ATOMIC_SEQ_CST);
        syscall(SYS_futex, word + 1, FUTEX_WAKE, 1, NULL, NULL, 0);
        _exit(0);
    }
    sleep_ms(20);
    __atomic_store_n(word, 1, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
    while (__atomic_load_n(word + 1, __ATOMIC_SEQ_CST) == 0)
        syscall(SYS_futex, word + 1, FUTEX_WAIT, 0, NULL, NULL, 0);
    CHECK_EQ(end_of(pid), 0);
    munmap(word, PAGE);
}

static void robust_across(void)
{
    pthread_mutex_t *mutex = shared_memory(PAGE);
    atomic_int *held = (atomic_int *)(mutex + 1);
    pthread_mutexattr_t attr;
    pid_t pid;

    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    NEED(pthread_mutex_init(mutex, &attr) == 0);
    pid = start();
    if (pid == 0) {
        pthread_mutex_lock(mutex);
        atomic_store(held, 1);
        usleep(30000);
        kill(getpid(), SIGKILL);
    }
    while (!atomic_load(held))
        sleep_ms(1);
    CHECK_EQ(pthread_mutex_lock(mutex), EOWNERDEAD);
    CHECK_EQ(pthread_mutex_consistent(mutex), 0);
    CHECK_EQ(pthread_mutex_unlock(mutex), 0);
    CHECK_EQ(end_of(pid), 1000 + SIGKILL);
    munmap(mutex, PAGE);
}

/* --- what is inherited --- */

static void offsets_and_locks(void)
{
    char path[] = "/tmp/forkXXXXXX", buf[4];
    int fd = mkstemp(path), own;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    pid_t pid;

    NEED(write(fd, "abcdefgh", 8) == 8 && lseek(fd, 0, SEEK_SET) == 0);
    NEED(fcntl(fd, F_SETLK, &lock) == 0);
    pid = start();
    if (pid == 0) {
        CHILD_NEED(read(fd, buf, 3) == 3); /* moves the parent's offset */
        lock.l_type = F_WRLCK;
        CHILD_NEED(fcntl(fd, F_SETLK, &lock) == -1 && errno == EAGAIN); /* not inherited */
        lock.l_type = F_WRLCK;
        CHILD_NEED(fcntl(fd, F_GETLK, &lock) == 0 && lock.l_pid == getppid());
        CHILD_NEED(flock(fd, LOCK_EX | LOCK_NB) == 0); /* the open file's: the parent's too */
        close(fd);
        _exit(0);
    }
    CHECK_EQ(end_of(pid), 0);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 3);
    own = open(path, O_RDWR);
    CHECK_ERRNO(flock(own, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    close(own);
    close(fd);
    unlink(path);
}

static void handler(int signo)
{
    counter = counter + (signo ? 100 : 0);
}

static void signals(void)
{
    struct sigaction action = {.sa_handler = handler};
    struct itimerval timer = {.it_value = {.tv_usec = 50000}};
    sigset_t set, pending;
    pid_t pid;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGALRM);
    sigaction(SIGUSR1, &action, NULL);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR1);
    setitimer(ITIMER_REAL, &timer, NULL);
    pid = start();
    if (pid == 0) {
        struct itimerval left;

        CHILD_NEED(sigpending(&pending) == 0 && !sigismember(&pending, SIGUSR1));
        CHILD_NEED(getitimer(ITIMER_REAL, &left) == 0 && left.it_value.tv_usec == 0);
        sigprocmask(SIG_SETMASK, NULL, &set);
        CHILD_NEED(sigismember(&set, SIGUSR1));
        counter = 0;
        sigdelset(&set, SIGUSR1);
        raise(SIGUSR1);
        sigprocmask(SIG_SETMASK, &set, NULL);
        CHILD_NEED(counter == 100);
        signal(SIGUSR1, SIG_DFL);
        _exit(0);
    }
    CHECK_EQ(end_of(pid), 0);
    sigaction(SIGUSR1, NULL, &action);
    CHECK(action.sa_handler == handler);
    sigpending(&pending);
    CHECK(sigismember(&pending, SIGUSR1));
    signal(SIGUSR1, SIG_IGN);
    memset(&timer, 0, sizeof timer);
    setitimer(ITIMER_REAL, &timer, NULL);
    signal(SIGALRM, SIG_IGN);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    signal(SIGUSR1, SIG_DFL);
    signal(SIGALRM, SIG_DFL);
    counter = 5;
}

static void *fork_in_thread(void *arg)
{
    pid_t pid = start();

    (void)arg;
    if (pid == 0) {
        CHILD_NEED(syscall(SYS_gettid) == getpid()); /* the only one, and the first */
        _exit(9);
    }
    return (void *)(long)end_of(pid);
}

static void from_a_thread(void)
{
    pthread_t thread;
    void *result;

    NEED(pthread_create(&thread, NULL, fork_in_thread, NULL) == 0);
    pthread_join(thread, &result);
    CHECK_EQ((long)result, 9);
}

/* --- clone's flags --- */

static char stack[65536] __attribute__((aligned(16)));

static int child_of_clone(void *arg)
{
    *(int *)arg = 77;
    return 13;
}

static void clone_flags(void)
{
    int value = 0, tid = 0;
    pid_t pid = clone(child_of_clone, stack + sizeof stack, CLONE_VM | SIGCHLD, &value);

    CHECK_EQ(end_of(pid), 13);
    CHECK_EQ(value, 77);
    value = 0;
    pid = clone(child_of_clone, stack + sizeof stack, SIGCHLD, &value);
    CHECK_EQ(end_of(pid), 13);
    CHECK_EQ(value, 0);
    pid = clone(child_of_clone, stack + sizeof stack, CLONE_VM | CLONE_PARENT_SETTID, &value, &tid);
    CHECK_EQ(tid, pid);
    CHECK_ERRNO(waitpid(pid, NULL, 0), ECHILD); /* it sends no SIGCHLD */
    CHECK_EQ(waitpid(pid, NULL, __WCLONE), pid);
    signal(SIGUSR2, SIG_IGN);
    pid = clone(child_of_clone, stack + sizeof stack, CLONE_VM | CLONE_FILES | CLONE_FS | SIGUSR2,
                &value);
    CHECK_EQ(waitpid(pid, NULL, __WALL), pid);
    signal(SIGUSR2, SIG_DFL);
    CHECK_ERRNO(syscall(SYS_clone, CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0), EINVAL);
    CHECK_ERRNO(syscall(SYS_clone, CLONE_THREAD | SIGCHLD, 0, 0, 0, 0), EINVAL);
}

static void virtual_fork(void)
{
    volatile int seen = 0;
    int64_t before = now_ns();
    pid_t pid = vfork();

    if (pid == 0) {
        struct timespec ts = {0, 60000000};

        nanosleep(&ts, NULL);
        seen = 1; /* the memory is the parent's */
        _exit(4);
    }
    CHECK_EQ(seen, 1);
    CHECK(now_ns() - before >= 50 * MS);
    CHECK_EQ(end_of(pid), 4);
}

/* --- exec: the program starts itself with a word --- */

static int as_child(int argc, char **argv)
{
    if (!strcmp(argv[1], "status"))
        return argc > 2 ? atoi(argv[2]) : 1;
    if (!strcmp(argv[1], "fds")) /* 3 stays open, 4 is closed */
        return fcntl(atoi(argv[2]), F_GETFD) == 0 && fcntl(atoi(argv[3]), F_GETFD) == -1 ? 0 : 1;
    if (!strcmp(argv[1], "signals")) {
        struct sigaction action;
        sigset_t set;

        sigaction(SIGUSR1, NULL, &action);
        if (action.sa_handler != SIG_DFL)
            return 1;
        sigaction(SIGUSR2, NULL, &action);
        if (action.sa_handler != SIG_IGN)
            return 2;
        sigprocmask(SIG_SETMASK, NULL, &set);
        return sigismember(&set, SIGHUP) ? 0 : 3;
    }
    return 50;
}

static int run_self(const char *one, const char *two, const char *three)
{
    pid_t pid = start();

    if (pid == 0) {
        execl("/proc/self/exe", "self", one, two, three, (char *)NULL);
        _exit(98);
    }
    return end_of(pid);
}

static void exec_in_child(void)
{
    int open_fd = dup(1), closed = fcntl(1, F_DUPFD_CLOEXEC, 10);
    char a[12], b[12];
    sigset_t set;

    CHECK_EQ(run_self("status", "42", NULL), 42);
    snprintf(a, sizeof a, "%d", open_fd);
    snprintf(b, sizeof b, "%d", closed);
    CHECK_EQ(run_self("fds", a, b), 0);
    close(open_fd);
    close(closed);
    signal(SIGUSR1, handler);
    signal(SIGUSR2, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    CHECK_EQ(run_self("signals", NULL, NULL), 0);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    signal(SIGUSR1, SIG_DFL);
    signal(SIGUSR2, SIG_DFL);
}

static void *exec_from_thread(void *arg)
{
    execl("/proc/self/exe", "self", "status", "17", (char *)NULL);
    return arg;
}

static void exec_with_threads(void)
{
    pid_t pid = start();

    if (pid == 0) {
        pthread_t thread;

        pthread_create(&thread, NULL, exec_from_thread, NULL);
        for (;;)
            pause();
    }
    CHECK_EQ(end_of(pid), 17);
}

static void spawn(void)
{
    char *argv[] = {"self", "status", "21", NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    int ends[2];
    char byte;
    pid_t pid;

    NEED(pipe(ends) == 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    posix_spawn_file_actions_addclose(&actions, ends[1]);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
    NEED(posix_spawn(&pid, "/proc/self/exe", &actions, &attr, argv, environ) == 0);
    CHECK_EQ(end_of(pid), 21);
    close(ends[1]);
    CHECK_EQ(read(ends[0], &byte, 1), 0); /* nobody holds the other end */
    close(ends[0]);
    CHECK_EQ(posix_spawn(&pid, "/there/is/none", NULL, NULL, argv, environ), ENOENT);
    for (int i = 0; i < 50; i++) {
        NEED(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ) == 0);
        NEED(end_of(pid) == 21);
    }
}

static void set_user_bits(void)
{
    struct stat st;
    pid_t pid;

    if (getuid() != 0)
        SKIP("needs root");
    pid = start();
    if (pid == 0) { /* after a change of user signals of others are refused */
        CHILD_NEED(setuid(1000) == 0);
        CHILD_NEED(kill(getppid(), 0) == -1 && errno == EPERM);
        CHILD_NEED(stat("/proc/self/exe", &st) == 0);
        _exit(0);
    }
    CHECK_EQ(end_of(pid), 0);
    CHECK_EQ(getuid(), 0);
}

static void process_limit(void)
{
    struct rlimit limit = {1, 1};
    pid_t pid;

    if (getuid() != 0)
        SKIP("needs root");
    pid = start();
    if (pid == 0) {
        pid_t grandchild;

        CHILD_NEED(setrlimit(RLIMIT_NPROC, &limit) == 0 && setuid(54321) == 0);
        grandchild = fork();
        if (grandchild == 0)
            _exit(0);
        CHILD_NEED(grandchild == -1 && errno == EAGAIN);
        _exit(0);
    }
    CHECK_EQ(end_of(pid), 0);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return as_child(argc, argv);
    promise("a child is a copy with a number of its own", basics);
    promise("a thousand children, one after the other", many);
    promise("a hundred children at once", many_at_once);
    promise("private pages are copied on write, while threads write", copy_on_write);
    promise("large pages, too", huge_pages);
    promise("shared mappings stay shared, private ones of files do not", shared_stays_shared);
    promise("MADV_DONTFORK and MADV_WIPEONFORK", advice);
    promise("futexes in shared memory wake across processes", futexes_across);
    promise("a robust mutex tells of a process that died", robust_across);
    promise("offsets and flock are shared, POSIX locks are not", offsets_and_locks);
    promise("handlers and mask are copied, pending signals and timers are not", signals);
    promise("a thread's child has one thread", from_a_thread);
    promise("clone: memory, exit signals, flags that exclude each other", clone_flags);
    promise("vfork: the parent waits, the memory is shared", virtual_fork);
    promise("exec in a child: descriptors, handlers, mask", exec_in_child);
    promise("exec from another thread than the first", exec_with_threads);
    promise("posix_spawn", spawn);
    promise("a child that changes its user", set_user_bits);
    promise("RLIMIT_NPROC", process_limit);
    return check_end();
}
