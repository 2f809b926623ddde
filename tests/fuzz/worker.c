// A worker process: threads that call, what must not change, and the log.
#define _GNU_SOURCE
#include "fuzz.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { LOOK_EVERY = 64, YIELD_EVERY = 16, CHILD_CALLS = 20 };

static unsigned worker_index;
static uint32_t worker_round;
static int worker_pid;
static bool is_child; /* of a fork in this worker */
static bool in_scene; /* this child is one of a scene: it has a tracer */

struct self {
    unsigned thread;
    struct random random;
};

uint64_t pattern(uint64_t address)
{
    struct random r = {address};
    return rnd(&r);
}

/* --- the log -----------------------------------------------------------------------------------
 */

static void to_port(const struct record *record)
{
    const struct mark mark = {MARK_MAGIC,     record->worker << 4 | record->thread,
                              record->nr,     record->round,
                              record->number, record->args[0]};
    const void *from = &mark;
    size_t n = sizeof(mark);
    for (int spins = 0; __atomic_exchange_n(&shared->lock, 1, __ATOMIC_ACQUIRE); spins++)
        if (spins > 5000) /* its holder was killed */
            break;
    asm volatile("rep outsb" : "+S"(from), "+c"(n) : "d"(shared->port) : "memory");
    __atomic_store_n(&shared->lock, 0, __ATOMIC_RELEASE);
}

static void note(unsigned thread, uint32_t number, int nr, const uint64_t args[ARGS])
{
    struct worker *worker = &shared->workers[worker_index];
    struct record *record = &worker->threads[thread].ring[number % RING];
    if (shared->frozen)
        return;
    *record = (struct record){worker_index, thread, nr, worker_round, number, 0, {0}};
    memcpy(record->args, args, sizeof(record->args));
    worker->threads[thread].number = number;
    if (shared->port)
        to_port(record);
}

void note_aside(unsigned thread, int nr, const uint64_t args[ARGS])
{
    struct worker *worker = &shared->workers[worker_index];
    if (shared->frozen)
        return;
    uint32_t number = worker->naside++;
    int pid = is_child ? (int)syscall(SYS_getpid) : 0;
    struct record *record = &worker->aside[number % ASIDE];
    *record = (struct record){worker_index, thread, nr, worker_round, number, pid, {0}};
    memcpy(record->args, args, sizeof(record->args));
}

/* --- calling -----------------------------------------------------------------------------------
 */

/* The stack below the call is nobody's; what the call may make of a child leaves at once. */
static int64_t call_plain(int nr, const uint64_t a[ARGS])
{
    register uint64_t r10 asm("r10") = a[3], r8 asm("r8") = a[4], r9 asm("r9") = a[5];
    int64_t result;
    asm volatile("syscall"
                 : "=a"(result)
                 : "a"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
                 : "rcx", "r11", "memory");
    return result;
}

static int64_t call_cloning(int nr, const uint64_t a[ARGS])
{
    register uint64_t r10 asm("r10") = a[3], r8 asm("r8") = a[4], r9 asm("r9") = a[5];
    int64_t result;
    asm volatile("syscall\n"
                 "test %%rax, %%rax\n"
                 "jnz 1f\n"
                 "xor %%edi, %%edi\n"
                 "mov $60, %%eax\n"
                 "syscall\n"
                 "1:"
                 : "=a"(result)
                 : "a"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
                 : "rcx", "r11", "memory", "cc");
    return result;
}

static const struct call *choose(struct random *r)
{
    for (;;) {
        const struct call *call = &calls[below(r, ncalls)];
        if (shared->only >= 0 && call->nr != shared->only)
            continue;
        if (!call->weight || below(r, 16 * 4) < (unsigned)call->weight)
            return call;
    }
}

static bool forbidden(const struct call *call, const uint64_t args[ARGS])
{
    if ((call->nr == SYS_fork || call->nr >= SCENE_FIRST) && is_child)
        return true;
    if (is_child && (call->nr == SYS_execve || call->nr == SYS_execveat))
        return false;
    /* A process that is killed by the supervisor's own death or made to trace it. */
    if (call->nr == SYS_kill && (int)args[0] == -1)
        return true;
    return (call->nr == SYS_kill || call->nr == SYS_ptrace || call->nr == SYS_rt_sigqueueinfo) &&
           ((int)args[0] == shared->supervisor || (int)args[0] == -shared->supervisor ||
            (int)args[0] == 1);
}

/* All memory, what is looked at too: MADV_DONTNEED empties it, and a thread that looks just then
 * sees it. */
static bool takes_all(const struct call *call, const uint64_t args[ARGS])
{
    return call->nr == SYS_madvise && args[0] < CANARY && args[0] + args[1] > CANARY;
}

void note_traced(long what, int pid, int64_t result)
{
    if (what == PTRACE_TRACEME) {
        if (!is_child) /* its parent is the supervisor, which traces nobody */
            return;
        pid = (int)syscall(SYS_getpid);
    } else if (what != PTRACE_ATTACH && what != PTRACE_SEIZE) {
        return;
    }
    if (result == 0)
        __atomic_fetch_or(&shared->traced[(uint16_t)pid / 8], 1 << pid % 8, __ATOMIC_RELAXED);
}

static void forget_traced(int pid)
{
    __atomic_fetch_and(&shared->traced[(uint16_t)pid / 8], ~(1 << pid % 8), __ATOMIC_RELAXED);
}

static bool was_traced(int pid)
{
    return shared->traced[(uint16_t)pid / 8] >> pid % 8 & 1;
}

/* Whether what this process finds is evidence. A tracer may write to memory that may only be read
 * (ptrace's POKEDATA does), and set registers: its tracee may come here with wrong ones, or take
 * itself for its own parent. */
static bool is_witness(void)
{
    int pid = (int)syscall(SYS_getpid);
    if (was_traced(pid) || was_traced(worker_pid))
        return false;
    for (unsigned i = 0; i < shared->threads; i++)
        if (was_traced(shared->workers[worker_index].threads[i].tid))
            return false;
    return is_child ? !in_scene && syscall(SYS_getppid) == worker_pid : pid == worker_pid;
}

static __attribute__((noinline)) void look(int what, uint64_t address)
{
    struct worker *worker = &shared->workers[worker_index];
    uint64_t found = *(volatile uint64_t *)address;
    int expected = 0;
    if (found == pattern(address) || !is_witness())
        return;
    if (!__atomic_compare_exchange_n((int *)&worker->broken, &expected, what, false,
                                     __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        return;
    shared->frozen = 1;
    worker->finding = (struct finding){(int)syscall(SYS_getpid), (int)syscall(SYS_gettid), is_child,
                                       address, found};
}

/* Memory that no call was given, and memory that may only be read. */
static void look_at_memory(void)
{
    for (uint64_t at = 0; at < KEPT_SIZE; at += 8) {
        if (*(volatile uint64_t *)(CANARY + at) != pattern(CANARY + at))
            look(1, CANARY + at);
        if (*(volatile uint64_t *)(CONSTANT + at) != pattern(CONSTANT + at))
            look(2, CONSTANT + at);
    }
}

static void child_run(void *self);
static void scene_child_run(void *self);

static int64_t make_call(struct self *self, const struct call *call, const uint64_t args[ARGS])
{
    if (call->nr >= SCENE_FIRST)
        return scene_play(call->nr, &self->random, self->thread, scene_child_run, self);
    if (call->nr == SYS_clone || call->nr == SYS_clone3 || call->nr == SYS_vfork)
        return call_cloning(call->nr, args);
    return call_plain(call->nr, args);
}

static void one_call(struct self *self, uint32_t number)
{
    uint64_t args[ARGS];
    const struct call *call = choose(&self->random);
    args_make(&self->random, call, self->thread, args);
    if (forbidden(call, args) || takes_all(call, args))
        return;
    if (is_child)
        note_aside(self->thread, call->nr, args);
    else
        note(self->thread, number, call->nr, args);
    int64_t result = make_call(self, call, args);
    if (call->nr == SYS_ptrace)
        note_traced((long)args[0], (int)args[1], result);
    if (call->nr == SYS_fork && result == 0)
        child_run(self);
    __atomic_fetch_add(&shared->calls, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&shared->called[call->nr & 511], 1, __ATOMIC_RELAXED);
    if (result >= -4095 && result < 0)
        __atomic_fetch_add(&shared->errors, 1, __ATOMIC_RELAXED);
    else
        __atomic_fetch_add(&shared->succeeded[call->nr & 511], 1, __ATOMIC_RELAXED);
}

static void child_run(void *self)
{
    is_child = true;
    forget_traced((int)syscall(SYS_getpid));
    for (uint32_t i = 0; i < CHILD_CALLS; i++)
        one_call(self, i);
    look_at_memory();
    syscall(SYS_exit_group, 0);
}

static void scene_child_run(void *self)
{
    in_scene = true;
    child_run(self);
}

/* --- descriptors of every kind -----------------------------------------------------------------
 */

static void fill_descriptors(struct random *r)
{
    int fds[2];
    for (int i = 0; i < 2; i++) {
        unsigned block = i ? O_NONBLOCK : 0;
        uint64_t set = 0xff00;
        kinds[KIND_FILE][i] = open(i ? "b" : "a", O_RDWR | O_CREAT, 0644);
        kinds[KIND_FOLDER][i] = open("d", O_RDONLY | O_DIRECTORY);
        open("/proc/self/maps", O_RDONLY);
        open(i ? "/dev/null" : "/dev/zero", O_RDWR);
        open("fifo", O_RDWR | O_NONBLOCK);
        kinds[KIND_TERMINAL][i] = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
        if (!pipe2(fds, block)) {
            kinds[KIND_PIPE][i] = fds[0];
            kinds[KIND_PIPE_IN][i] = fds[1];
        }
        if (!socketpair(AF_UNIX, SOCK_STREAM | block, 0, fds))
            kinds[KIND_SOCKET][i] = fds[0];
        if (!socketpair(AF_UNIX, (i ? SOCK_SEQPACKET : SOCK_DGRAM) | SOCK_NONBLOCK, 0, fds))
            kinds[KIND_DATAGRAMS][i] = fds[1];
        kinds[KIND_FREE_SOCKET][i] = socket(AF_UNIX, SOCK_STREAM | block, 0);
        kinds[KIND_EVENTS][i] = eventfd(1, block);
        kinds[KIND_EPOLL][i] = epoll_create1(0);
        kinds[KIND_TIMER][i] = timerfd_create(i ? CLOCK_MONOTONIC : CLOCK_REALTIME, block);
        kinds[KIND_NOTIFY][i] = inotify_init1(block);
        kinds[KIND_MEMORY][i] = memfd_create("m", MFD_ALLOW_SEALING);
        (void)!ftruncate(kinds[KIND_MEMORY][i], 20000);
        kinds[KIND_PROCESS][i] = syscall(SYS_pidfd_open, worker_pid, 0);
        kinds[KIND_SIGNALS][i] = syscall(SYS_signalfd4, -1, &set, 8, block);
        kinds[KIND_QUEUE][i] =
            syscall(SYS_mq_open, "fuzz0", O_RDWR | O_CREAT | O_NONBLOCK, 0600, NULL);
        kinds[KIND_RING][i] = ring_open(r, i);
        kinds[KIND_CONTEXT][i] = syscall(SYS_fsopen, "tmpfs", 0);
        kinds[KIND_MOUNT][i] = syscall(SYS_open_tree, AT_FDCWD, "d", OPEN_TREE_CLONE);
    }
}

/* --- a thread ----------------------------------------------------------------------------------
 */

static void *thread_run(void *arg)
{
    struct self self = *(struct self *)arg;
    int tid = (int)syscall(SYS_gettid);
    forget_traced(tid);
    shared->workers[worker_index].threads[self.thread].tid = tid;
    for (uint32_t i = 1; i <= shared->calls_per_round; i++) {
        one_call(&self, i);
        if (i % YIELD_EVERY == 0)
            syscall(SYS_sched_yield);
        if (i % LOOK_EVERY == 0)
            look_at_memory();
        if (i % 256 == 0 && self.thread == 0)
            fill_descriptors(&self.random);
    }
    return NULL;
}

/* --- a worker ----------------------------------------------------------------------------------
 */

static void keep(uint64_t at, int protection)
{
    mmap((void *)at, KEPT_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
         0);
    for (uint64_t i = 0; i < KEPT_SIZE; i += 8)
        *(uint64_t *)(at + i) = pattern(at + i);
    mprotect((void *)at, KEPT_SIZE, protection);
}

static void make_memory(void)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    mmap((void *)ARENA, ARENA_SIZE, PROT_READ | PROT_WRITE, flags, -1, 0);
    mmap((void *)PLAY, PLAY_SIZE / 2, PROT_READ | PROT_WRITE, flags, -1, 0);
    keep(CONSTANT, PROT_READ);
    keep(CANARY, PROT_READ | PROT_WRITE);
}

static void limit(int what, rlim_t most)
{
    struct rlimit l = {most, most};
    setrlimit(what, &l);
}

static void make_limits(void)
{
    limit(RLIMIT_AS, 256ul << 20);
    limit(RLIMIT_FSIZE, 1 << 20);
    limit(RLIMIT_CORE, worker_round % 4 ? 0 : 1 << 20);
    limit(RLIMIT_NOFILE, 80);
    limit(RLIMIT_NPROC, 64);
    limit(RLIMIT_MEMLOCK, 8 << 20);
    limit(RLIMIT_MSGQUEUE, 1 << 20);
}

static void nothing(int signo)
{
}

static void make_files(void)
{
    mkdir("d", 0777);
    mkdir("d/e", 0777);
    mkfifo("fifo", 0666);
    (void)!symlink("a", "link");
    (void)!symlink("loop", "loop");
}

void worker_run(unsigned index, uint32_t round)
{
    static struct self selves[THREADS_MAX];
    pthread_t threads[THREADS_MAX];
    struct sigaction action = {.sa_handler = nothing};

    worker_index = index;
    worker_round = round;
    worker_pid = getpid();
    setsid();
    make_files();
    make_memory();
    make_limits();
    for (int s = SIGRTMIN; s <= SIGRTMAX; s++)
        sigaction(s, &action, NULL);
    sigaction(SIGALRM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    for (unsigned i = 0; i < THREADS_MAX; i++)
        selves[i].random.state = pattern(shared->seed ^ (uint64_t)round << 16 ^ i << 8);
    fill_descriptors(&selves[0].random);
    if (round % 2)
        (void)!setresuid(65534, 65534, 65534);
    for (unsigned i = 0; i < shared->threads; i++) {
        selves[i].thread = i;
        if (i)
            pthread_create(&threads[i], NULL, thread_run, &selves[i]);
    }
    thread_run(&selves[0]);
    look_at_memory();
    _exit(0);
}
