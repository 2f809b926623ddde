// One generator for each type of argument.
#define _GNU_SOURCE
#include "fuzz.h"

#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

uint64_t rnd(struct random *r)
{
    r->state += 0x9e3779b97f4a7c15ull;
    uint64_t z = r->state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

static const uint64_t boundaries[] = {
    0,          1,
    2,          3,
    7,          8,
    255,        256,
    511,        512,
    4095,       4096,
    4097,       65535,
    65536,      0x7fffffff,
    0x80000000, 0xffffffff,
    1ull << 32, 1ull << 40,
    1ull << 47, 0x7fffffffffffffff,
    1ull << 63, -1ull,
    -2ull,      -4096ull,
    -4095ull,   0x7ffffffff000,
    0x1000,     -0x80000000ull,
};

static uint64_t any(struct random *r)
{
    switch (below(r, 4)) {
    case 0:
        return boundaries[below(r, COUNT(boundaries))];
    case 1:
        return below(r, 64);
    case 2:
        return 1ull << below(r, 64);
    default:
        return rnd(r) >> below(r, 64);
    }
}

/* --- pointers ----------------------------------------------------------------------------------
 */

/* A part of the arena that this thread's structures are made in, by turns. */
enum { PART = 0x4000, SCRATCH = ARENA_SIZE / 2 };

void *scratch(struct random *r, unsigned thread, size_t size)
{
    uintptr_t part = ARENA + thread % THREADS_MAX * (SCRATCH / THREADS_MAX);
    return (void *)(part + below(r, (SCRATCH / THREADS_MAX - PART) / 64) * 64);
}

static uint64_t bad_pointer(struct random *r)
{
    static const uint64_t bad[] = {
        0,
        8,
        0x1000,
        0x7fffffffe000, /* the end of the program's half */
        0x7ffffffff000,
        0x7fffffffffff,
        0x800000000000, /* not canonical */
        0xdead000000000000,
        0xffff7fffffffffff,
        0xffff800000000000, /* the kernel's: direct map, its area, its image */
        0xffff800000100000,
        0xffffc00000001000,
        0xffffec0000000000,
        0xffffffff80100000,
        0xffffffff80200008,
        0xfffffffffffff000,
        -1ull,
        -8ull,
        ARENA + ARENA_SIZE,     /* the page that is not there */
        ARENA + ARENA_SIZE - 1, /* and one byte before it */
        ARENA - 1,
        CONSTANT - 8,
        CONSTANT + KEPT_SIZE - 4,
    };
    return bad[below(r, COUNT(bad))];
}

/* The page that the next one to is not there behind: size bytes of which some are missing. */
static uint64_t half_mapped(struct random *r, size_t size)
{
    return ARENA + ARENA_SIZE - below(r, size + 8);
}

static uint64_t play_address(struct random *r)
{
    return PLAY + below(r, PLAY_SIZE >> 12) * 4096ul;
}

static uint64_t pointer(struct random *r, unsigned thread, size_t size)
{
    switch (below(r, 40)) {
    case 0:
        return bad_pointer(r);
    case 1:
        return half_mapped(r, size);
    case 2:
        return CONSTANT + below(r, KEPT_SIZE);
    case 3:
        return play_address(r) + below(r, 4096);
    case 4:
        return (uint64_t)scratch(r, thread, size) + 1 + below(r, 7);
    case 5:
        return ARENA + below(r, ARENA_SIZE);
    default:
        return (uint64_t)scratch(r, thread, size);
    }
}

/* A structure that was made in the arena: it, or a bad copy of it. */
uint64_t placed(struct random *r, unsigned thread, const void *made, size_t size)
{
    if (chance(r, 5))
        return pointer(r, thread, size);
    if (chance(r, 4)) { /* its first bytes only */
        uint64_t at = half_mapped(r, size);
        size_t there = ARENA + ARENA_SIZE - at;
        memcpy((void *)at, made, there < size ? there : size);
        return at;
    }
    return (uint64_t)made;
}

static uint64_t random_bytes(struct random *r, unsigned thread)
{
    if (chance(r, 25))
        return pointer(r, thread, 64);
    uint64_t *p = scratch(r, thread, 256);
    unsigned words = below(r, 32);
    for (unsigned i = 0; i < words; i++)
        p[i] = chance(r, 50) ? any(r) : below(r, 16);
    return placed(r, thread, p, words * 8);
}

/* Descriptors by kind, as fill_descriptors() made them last: they may be others by now. */
int kinds[KINDS][2];

static const struct {
    int nr;
    uint8_t kind, n;
} fits[] = {
    {SYS_epoll_ctl, KIND_EPOLL, 1},
    {SYS_epoll_wait, KIND_EPOLL, 1},
    {SYS_epoll_pwait, KIND_EPOLL, 1},
    {SYS_epoll_pwait2, KIND_EPOLL, 1},
    {SYS_timerfd_settime, KIND_TIMER, 1},
    {SYS_timerfd_gettime, KIND_TIMER, 1},
    {SYS_mq_timedsend, KIND_QUEUE, 1},
    {SYS_mq_timedreceive, KIND_QUEUE, 1},
    {SYS_mq_notify, KIND_QUEUE, 1},
    {SYS_mq_getsetattr, KIND_QUEUE, 1},
    {SYS_inotify_add_watch, KIND_NOTIFY, 1},
    {SYS_inotify_rm_watch, KIND_NOTIFY, 1},
    {SYS_pidfd_send_signal, KIND_PROCESS, 1},
    {SYS_pidfd_getfd, KIND_PROCESS, 1},
    {SYS_process_madvise, KIND_PROCESS, 1},
    {SYS_getdents64, KIND_FOLDER, 1},
    {SYS_getdents, KIND_FOLDER, 1},
    {SYS_fchdir, KIND_FOLDER, 1},
    {SYS_mmap, KIND_FILE, 2},
    {SYS_fallocate, KIND_FILE, 2},
    {SYS_ftruncate, KIND_FILE, 2},
    {SYS_pread64, KIND_FILE, 2},
    {SYS_pwrite64, KIND_FILE, 2},
    {SYS_preadv2, KIND_FILE, 2},
    {SYS_pwritev2, KIND_FILE, 2},
    {SYS_copy_file_range, KIND_FILE, 2},
    {SYS_fgetxattr, KIND_FILE, 2},
    {SYS_fsetxattr, KIND_FILE, 2},
    {SYS_flistxattr, KIND_FILE, 2},
    {SYS_fremovexattr, KIND_FILE, 2},
    {SYS_splice, KIND_FILE, 4},
    {SYS_sendfile, KIND_FILE, 4},
    {SYS_tee, KIND_PIPE, 2},
    {SYS_vmsplice, KIND_PIPE, 2},
    {SYS_ioctl, KIND_TERMINAL, 1},
    {SYS_io_uring_register, KIND_RING, 1},
    {SYS_fsconfig, KIND_CONTEXT, 1},
    {SYS_fsmount, KIND_CONTEXT, 1},
    {SYS_move_mount, KIND_MOUNT, 1},
    {SYS_mount_setattr, KIND_MOUNT, 1},
    {SYS_fcntl, KIND_FILE, 2},
    {SYS_bind, KIND_SOCKET, 3},
    {SYS_connect, KIND_SOCKET, 3},
    {SYS_listen, KIND_SOCKET, 3},
    {SYS_accept, KIND_SOCKET, 3},
    {SYS_accept4, KIND_SOCKET, 3},
    {SYS_sendmsg, KIND_SOCKET, 3},
    {SYS_recvmsg, KIND_SOCKET, 3},
    {SYS_sendmmsg, KIND_SOCKET, 3},
    {SYS_recvmmsg, KIND_SOCKET, 3},
    {SYS_sendto, KIND_SOCKET, 3},
    {SYS_recvfrom, KIND_SOCKET, 3},
    {SYS_setsockopt, KIND_SOCKET, 3},
    {SYS_getsockopt, KIND_SOCKET, 3},
    {SYS_getsockname, KIND_SOCKET, 3},
    {SYS_getpeername, KIND_SOCKET, 3},
    {SYS_shutdown, KIND_SOCKET, 3},
};
static const unsigned nfits = COUNT(fits);

/* --- what calls name ---------------------------------------------------------------------------
 */

/* One of the kind that the call is for. */
static int fitting(struct random *r, int nr)
{
    for (unsigned i = 0; i < nfits; i++)
        if (fits[i].nr == nr)
            return kinds[fits[i].kind + below(r, fits[i].n)][below(r, 2)];
    return 0;
}

static uint64_t descriptor(struct random *r)
{
    if (chance(r, 6))
        return any(r);
    return 3 + below(r, 60);
}

static const char *const names[] = {
    "a",    "b",      "c", "d",  "e",    "d/a",     "d/b",  "d/e/f", "link",
    "fifo", "socket", ".", "..", "d/..", "./d/./a", "loop", "",
};
static const char *const system_names[] = {
    "/",
    "/tmp",
    "/proc/self/maps",
    "/proc/self/status",
    "/proc/self/fd",
    "/proc/self/fd/3",
    "/proc/self/mem",
    "/proc/self/task",
    "/proc/self/cwd",
    "/proc/self/exe",
    "/proc/self/pagemap",
    "/proc/self/smaps",
    "/proc/self/oom_score_adj",
    "/proc/self/stat",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/mounts",
    "/proc/sys/kernel/hostname",
    "/proc/thread-self/comm",
    "/sys/devices/system/cpu/online",
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/ptmx",
    "/dev/pts/0",
    "/dev/shm/a",
    "/dev/fd/4",
    "/etc/passwd",
    "/nowhere/at/all",
};

static uint64_t place_name(struct random *r, unsigned thread, const char *name)
{
    char *p = scratch(r, thread, 4096);
    size_t size = strlen(name) + 1;
    memcpy(p, name, size);
    return placed(r, thread, p, size);
}

/* In the worker's own folder. */
static uint64_t own_path(struct random *r, unsigned thread)
{
    return place_name(r, thread, names[below(r, COUNT(names))]);
}

static uint64_t path(struct random *r, unsigned thread)
{
    if (chance(r, 60))
        return own_path(r, thread);
    if (chance(r, 80))
        return place_name(r, thread, system_names[below(r, COUNT(system_names))]);
    static const uint16_t lengths[] = {1, 100, 254, 255, 256, 1023, 4094, 4095, 4096, 5000};
    char *p = scratch(r, thread, PART);
    size_t length = lengths[below(r, COUNT(lengths))];
    memset(p, chance(r, 50) ? 'x' : '/', length);
    for (size_t i = 0; i + 200 < length && chance(r, 90); i += 200)
        p[i] = '/';
    p[length] = 0;
    return placed(r, thread, p, length + 1);
}

static uint64_t name_of_queue(struct random *r, unsigned thread)
{
    static const char *const queues[] = {"fuzz0", "fuzz1", "fuzz2", "", "/", "a/b"};
    return place_name(r, thread, queues[below(r, COUNT(queues))]);
}

static uint64_t name_of_file_system(struct random *r, unsigned thread)
{
    static const char *const systems[] = {"tmpfs",    "tmpfs",  "proc", "sysfs",
                                          "devtmpfs", "mqueue", "x"};
    return place_name(r, thread, systems[below(r, COUNT(systems))]);
}

static uint64_t name_of_attribute(struct random *r, unsigned thread)
{
    static const char *const attributes[] = {"user.a",     "user.b",   "user.",   "trusted.x",
                                             "security.y", "system.z", "strange", ""};
    return place_name(r, thread, attributes[below(r, COUNT(attributes))]);
}

/* Never the supervisor or what was there before it. */
static uint64_t process(struct random *r)
{
    switch (below(r, 8)) {
    case 0:
        return 0;
    case 1:
        return 0x7fffffff - below(r, 3);
    case 2:
        return -(uint64_t)(100000 + below(r, 100000));
    case 3:
        return shared->workers[below(r, WORKERS_MAX)].pid;
    case 4:
        return shared->supervisor + 1 + below(r, 60);
    default:
        return getpid();
    }
}

static uint64_t signal_number(struct random *r)
{
    static const uint8_t deadly[] = {SIGKILL, SIGSTOP};
    if (chance(r, 1))
        return deadly[below(r, 2)];
    uint64_t s = chance(r, 85) ? below(r, 66) : any(r);
    return (uint32_t)s == SIGKILL || (uint32_t)s == SIGSTOP ? 0 : s;
}

static uint64_t address(struct random *r)
{
    if (chance(r, 85))
        return play_address(r) + (chance(r, 5) ? below(r, 4096) : 0);
    return chance(r, 50) ? bad_pointer(r) : ARENA + SCRATCH + below(r, SCRATCH >> 12) * 4096ul;
}

static uint64_t length_of_memory(struct random *r)
{
    if (chance(r, 85))
        return (1 + below(r, chance(r, 90) ? 16 : 1024)) * 4096ul;
    return any(r);
}

/* --- structures --------------------------------------------------------------------------------
 */

static uint64_t nanoseconds(struct random *r)
{
    return chance(r, 90) ? below(r, 5000000) : any(r);
}

static uint64_t timespecs(struct random *r, unsigned thread)
{
    struct timespec *t = scratch(r, thread, 2 * sizeof(*t));
    if (chance(r, 15))
        return 0;
    for (int i = 0; i < 2; i++)
        t[i] = (struct timespec){chance(r, 92) ? 0 : (time_t)any(r), (long)nanoseconds(r)};
    return placed(r, thread, t, 2 * sizeof(*t));
}

static uint64_t timevals(struct random *r, unsigned thread)
{
    struct timeval *t = scratch(r, thread, 2 * sizeof(*t));
    if (chance(r, 15))
        return 0;
    for (int i = 0; i < 2; i++)
        t[i] = (struct timeval){chance(r, 92) ? 0 : (time_t)any(r), (long)nanoseconds(r) / 1000};
    return placed(r, thread, t, 2 * sizeof(*t));
}

static void make_iovec(struct random *r, unsigned thread, struct iovec *iov)
{
    *iov = (struct iovec){(void *)pointer(r, thread, 64), chance(r, 80) ? below(r, 5000) : any(r)};
}

static uint64_t iovecs(struct random *r, unsigned thread)
{
    struct iovec *iov = scratch(r, thread, 16 * sizeof(*iov));
    for (int i = 0; i < 16; i++)
        make_iovec(r, thread, &iov[i]);
    return placed(r, thread, iov, 16 * sizeof(*iov));
}

static size_t make_address(struct random *r, struct sockaddr_storage *a)
{
    struct sockaddr_un *un = (void *)a;
    struct sockaddr_in *in = (void *)a;
    switch (below(r, 4)) {
    case 0:
        *in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = any(r)};
        return sizeof(*in);
    case 1:
        un->sun_family = AF_UNIX;
        strcpy(un->sun_path, names[below(r, COUNT(names))]);
        return 2 + strlen(un->sun_path) + below(r, 2);
    case 2:
        un->sun_family = AF_UNIX;
        memcpy(un->sun_path, "\0fuzz0", 6);
        un->sun_path[5] += below(r, 3);
        return 8;
    default:
        a->ss_family = below(r, 45);
        return below(r, sizeof(*a) + 4);
    }
}

static uint64_t socket_address(struct random *r, unsigned thread)
{
    struct sockaddr_storage *a = scratch(r, thread, sizeof(*a));
    make_address(r, a);
    return placed(r, thread, a, sizeof(*a));
}

static void make_control(struct random *r, struct msghdr *m)
{
    struct cmsghdr *c = m->msg_control;
    c->cmsg_level = chance(r, 90) ? SOL_SOCKET : (int)any(r);
    c->cmsg_type = chance(r, 70) ? SCM_RIGHTS : (int)below(r, 8);
    c->cmsg_len = chance(r, 85) ? CMSG_LEN(4 * below(r, 5)) : any(r);
    for (int i = 0; i < 4; i++)
        ((int *)CMSG_DATA(c))[i] = (int)descriptor(r);
    m->msg_controllen = chance(r, 85) ? CMSG_SPACE(16) : any(r);
}

static uint64_t message(struct random *r, unsigned thread)
{
    struct msghdr *m = scratch(r, thread, 1024);
    struct iovec *iov = (void *)(m + 4);
    struct sockaddr_storage *name = (void *)(iov + 4);
    memset(m, 0, sizeof(*m) * 4);
    for (int i = 0; i < 4; i++)
        make_iovec(r, thread, &iov[i]);
    m->msg_iov = iov;
    m->msg_iovlen = chance(r, 95) ? below(r, 5) : any(r);
    if (chance(r, 40)) {
        m->msg_name = name;
        m->msg_namelen = make_address(r, name);
    }
    if (chance(r, 50)) {
        m->msg_control = name + 1;
        make_control(r, m);
    }
    return placed(r, thread, m, sizeof(*m));
}

static uint64_t poll_entries(struct random *r, unsigned thread)
{
    struct pollfd *p = scratch(r, thread, 16 * sizeof(*p));
    for (int i = 0; i < 16; i++)
        p[i] = (struct pollfd){(int)descriptor(r), (short)rnd(r), 0};
    return placed(r, thread, p, 16 * sizeof(*p));
}

static uint64_t epoll_entry(struct random *r, unsigned thread)
{
    struct epoll_event *e = scratch(r, thread, sizeof(*e));
    e->events = chance(r, 80) ? (uint32_t)(rnd(r) & 0xe000201f) : (uint32_t)any(r);
    e->data.u64 = rnd(r);
    return placed(r, thread, e, sizeof(*e));
}

static void nothing(int signo)
{
}

extern void fuzz_restorer(void);
asm(".text\nfuzz_restorer: mov $15, %eax\nsyscall\n");

static uint64_t action(struct random *r, unsigned thread)
{
    uint64_t *s = scratch(r, thread, 32);
    static const uint64_t flags[] = {0,          SA_RESTART,   SA_SIGINFO,   SA_NODEFER,
                                     SA_ONSTACK, SA_RESETHAND, SA_NOCLDWAIT, SA_NOCLDSTOP};
    s[0] = chance(r, 70) ? (uint64_t)nothing : below(r, 3);
    s[1] = 0x04000000 | flags[below(r, COUNT(flags))] | flags[below(r, COUNT(flags))];
    s[2] = (uint64_t)fuzz_restorer;
    s[3] = rnd(r) & rnd(r);
    return placed(r, thread, s, 32);
}

static uint64_t signal_set(struct random *r, unsigned thread)
{
    uint64_t *s = scratch(r, thread, 8);
    *s = chance(r, 50) ? 1ull << below(r, 64) : rnd(r) & rnd(r) & rnd(r);
    return placed(r, thread, s, 8);
}

static uint64_t signal_info(struct random *r, unsigned thread)
{
    int *s = scratch(r, thread, 128);
    memset(s, 0, 128);
    s[0] = (int)below(r, 65);
    s[2] = chance(r, 70) ? SI_QUEUE : (int)any(r);
    return placed(r, thread, s, 128);
}

static uint64_t semaphore_ops(struct random *r, unsigned thread)
{
    struct sembuf *s = scratch(r, thread, 8 * sizeof(*s));
    for (int i = 0; i < 8; i++)
        s[i] = (struct sembuf){below(r, 5), (short)(below(r, 7) - 3),
                               chance(r, 70) ? IPC_NOWAIT | SEM_UNDO : SEM_UNDO};
    return placed(r, thread, s, 8 * sizeof(*s));
}

/* Words that threads of this worker share, for futexes. */
static uint64_t futex_word(struct random *r, unsigned thread)
{
    if (chance(r, 10))
        return pointer(r, thread, 4);
    uint32_t *word = (uint32_t *)(ARENA + SCRATCH) + below(r, 8);
    if (chance(r, 20))
        *word = chance(r, 50) ? below(r, 4) : (uint32_t)rnd(r);
    return (uint64_t)word;
}

static uint64_t waiters(struct random *r, unsigned thread)
{
    struct {
        uint64_t value, address;
        uint32_t flags, reserved;
    } *w = scratch(r, thread, 8 * 24);
    for (int i = 0; i < 8; i++) {
        w[i].address = futex_word(r, thread);
        w[i].value = below(r, 4);
        w[i].flags = chance(r, 90) ? 2 : (uint32_t)any(r);
        w[i].reserved = chance(r, 3);
    }
    return placed(r, thread, w, 8 * 24);
}

/* clone_args: of the flags those with which the child's first call can be its exit. */
static uint64_t clone_arguments(struct random *r, unsigned thread)
{
    uint64_t *c = scratch(r, thread, 88);
    for (int i = 0; i < 11; i++)
        c[i] = chance(r, 90) ? 0 : any(r);
    c[0] = chance(r, 80) ? rnd(r) & rnd(r) & 0x3ff3ff00 : any(r);
    c[1] = pointer(r, thread, 4);
    c[2] = pointer(r, thread, 4);
    c[3] = pointer(r, thread, 4);
    c[4] = chance(r, 50) ? SIGCHLD : below(r, 70);
    if (chance(r, 60)) {
        c[5] = (uint64_t)scratch(r, thread, 4096);
        c[6] = 4096;
    }
    return placed(r, thread, c, 88);
}

/* struct filter programs of seccomp and sockets: mostly nonsense, at the end "allow". */
static uint64_t filter(struct random *r, unsigned thread)
{
    struct {
        uint16_t n;
        uint64_t *code;
    } *f = scratch(r, thread, 2048);
    f->code = (uint64_t *)(f + 1);
    f->n = chance(r, 90) ? 1 + below(r, 20) : (uint16_t)any(r);
    for (unsigned i = 0; i < 20; i++)
        f->code[i] = (rnd(r) & 0xffff0003030000ffull) | (chance(r, 70) ? 0x7fff000000000006 : 0);
    if (f->n <= 20)
        f->code[f->n - 1] = 0x7fff000000000006;
    return placed(r, thread, f, sizeof(*f));
}

static uint64_t poll_set(struct random *r, unsigned thread)
{
    uint64_t *set = scratch(r, thread, 128);
    for (int i = 0; i < 16; i++)
        set[i] = i ? 0 : rnd(r) & rnd(r) & 0xffffffffffff;
    return chance(r, 20) ? 0 : placed(r, thread, set, 128);
}

static uint64_t strings(struct random *r, unsigned thread)
{
    uint64_t *v = scratch(r, thread, 64);
    for (int i = 0; i < 8; i++)
        v[i] = chance(r, 70) && i < 7 ? place_name(r, thread, "word") : 0;
    return placed(r, thread, v, 64);
}

static uint64_t offset(struct random *r, unsigned thread)
{
    uint64_t *p = scratch(r, thread, 8);
    *p = chance(r, 80) ? below(r, 20000) : any(r);
    return chance(r, 50) ? 0 : placed(r, thread, p, 8);
}

static uint64_t empty_name(struct random *r, unsigned thread)
{
    return place_name(r, thread, "");
}

/* Of a file system, as fsconfig wants them. */
static uint64_t name_of_option(struct random *r, unsigned thread)
{
    static const char *const options[] = {"size", "mode", "uid", "nr_inodes", "ro", "source", "x"};
    return place_name(r, thread, options[below(r, COUNT(options))]);
}

static uint64_t value_of_option(struct random *r, unsigned thread)
{
    static const char *const values[] = {"0",  "1m", "777", "99999999999999999999",
                                         "-1", "",   "none"};
    if (chance(r, 30))
        return 0;
    return place_name(r, thread, values[below(r, COUNT(values))]);
}

static uint64_t mount_attributes(struct random *r, unsigned thread)
{
    static const uint64_t propagations[] = {0, 0, 1 << 18, 1 << 19, 1 << 20, 1 << 17};
    uint64_t *a = scratch(r, thread, 32);
    a[0] = rnd(r) & rnd(r) & 0x2000ff;
    a[1] = rnd(r) & rnd(r) & 0x2000ff;
    a[2] = chance(r, 90) ? propagations[below(r, COUNT(propagations))] : any(r);
    a[3] = chance(r, 90) ? 0 : any(r);
    return placed(r, thread, a, 32);
}

/* struct sched_attr: among it deadlines that can be kept. */
static uint64_t scheduling(struct random *r, unsigned thread)
{
    static const uint8_t policies[] = {0, 1, 2, 3, 5, 6, 6, 6};
    uint64_t *a = scratch(r, thread, 56);
    uint64_t period = 1000000ull * (1 + below(r, 50));
    a[0] = 56 | (uint64_t)policies[below(r, COUNT(policies))] << 32;
    a[1] = chance(r, 70) ? 0 : 1ull << below(r, 7);
    a[2] = chance(r, 80) ? below(r, 20) | (uint64_t)below(r, 3) << 32 : any(r);
    a[3] = chance(r, 90) ? period / (2 + below(r, 20)) : any(r);
    a[4] = chance(r, 90) ? period : any(r);
    a[5] = chance(r, 90) ? period : any(r);
    a[6] = 0;
    return placed(r, thread, a, 56);
}

/* Flags of the call's own: one, several, none; at times with what is not among them. */
static uint64_t from_list(struct random *r, const uint64_t *list)
{
    unsigned n = 0;
    while (list[n] != END)
        n++;
    uint64_t value = list[below(r, n)];
    while (chance(r, 30))
        value |= list[below(r, n)];
    return chance(r, 6) ? value ^ any(r) : value;
}

/* One of the list's. */
static uint64_t one_of(struct random *r, const uint64_t *list)
{
    unsigned n = 0;
    while (list[n] != END)
        n++;
    return chance(r, 6) ? any(r) : list[below(r, n)];
}

/* --- keys */

static const char *const key_types[] = {"user",  "user",    "keyring", "keyring",
                                        "logon", "big_key", "x"};
static const char *const key_names[] = {"a", "b", "c:d", ""};

static uint64_t type_of_key(struct random *r, unsigned thread)
{
    return place_name(r, thread, key_types[below(r, COUNT(key_types))]);
}

static uint64_t name_of_key(struct random *r, unsigned thread)
{
    return place_name(r, thread, key_names[below(r, COUNT(key_names))]);
}

/* A keyring that everyone has, or what is found below one. */
static uint64_t key(struct random *r, unsigned thread)
{
    long ring = -1 - (long)below(r, 8);
    unsigned type = below(r, 6), name = below(r, 3);
    if (chance(r, 50))
        return (uint64_t)ring;
    long found = syscall(SYS_keyctl, KEYCTL_SEARCH, -5 + (long)below(r, 3), key_types[type],
                         key_names[name], 0);
    return found > 0 ? (uint64_t)found : any(r);
}

static const struct {
    char letter;
    uint64_t (*make)(struct random *r, unsigned thread);
} makers[] = {
    {'b', random_bytes},
    {'p', path},
    {'q', own_path},
    {'Q', name_of_queue},
    {'Y', name_of_file_system},
    {'x', name_of_attribute},
    {'t', timespecs},
    {'T', timevals},
    {'v', iovecs},
    {'a', socket_address},
    {'M', message},
    {'w', poll_entries},
    {'e', epoll_entry},
    {'S', action},
    {'m', signal_set},
    {'I', signal_info},
    {'o', semaphore_ops},
    {'u', futex_word},
    {'W', waiters},
    {'c', clone_arguments},
    {'B', filter},
    {'r', poll_set},
    {'V', strings},
    {'O', offset},
    {'g', ring_params},
    {'R', ring_filled},
    {'J', ring_registered},
    {'C', name_of_option},
    {'E', empty_name},
    {'D', value_of_option},
    {'A', mount_attributes},
    {'l', scheduling},
    {'Z', type_of_key},
    {'j', name_of_key},
    {'K', key},
};

static uint64_t small(struct random *r)
{
    return chance(r, 90) ? below(r, 17) : any(r);
}

static uint64_t length(struct random *r)
{
    return chance(r, 80) ? below(r, chance(r, 50) ? 100 : 10000) : any(r);
}

static uint64_t one(struct random *r, const struct call *call, char letter, unsigned thread)
{
    for (unsigned i = 0; i < COUNT(makers); i++)
        if (makers[i].letter == letter)
            return makers[i].make(r, thread);
    switch (letter) {
    case 'f':
        return chance(r, 50) && fitting(r, call->nr) ? (uint64_t)fitting(r, call->nr)
                                                     : descriptor(r);
    case 'F':
        return chance(r, 60) ? (uint64_t)AT_FDCWD : descriptor(r);
    case 'n':
        return length(r);
    case 'N':
        return small(r);
    case 'h':
        return address(r);
    case 'z':
        return length_of_memory(r);
    case 's':
        return signal_number(r);
    case 'P':
        return process(r);
    case 'k':
        return chance(r, 85) ? below(r, 12) : any(r);
    case 'd':
        return chance(r, 70) ? below(r, 4) : any(r);
    case 'U':
        return chance(r, 50) ? -1ull : chance(r, 70) ? 65534 * below(r, 2) : any(r);
    case 'G':
        return chance(r, 90) ? below(r, 8) * 4096 : any(r);
    case 'y': /* where shared memory goes: one of few places */
        return chance(r, 90) ? PLAY + PLAY_SIZE / 2 + below(r, 4) * 0x10000 : address(r);
    case 'L': /* what a file may be long */
        return chance(r, 85) ? below(r, 300000) : any(r);
    case '1':
    case '2':
    case '3':
        return from_list(r, call->lists[letter - '1']);
    case '4':
    case '5':
    case '6':
        return one_of(r, call->lists[letter - '4']);
    case '0':
        return 0;
    case '8':
        return 8;
    default:
        return any(r);
    }
}

uint64_t value_of(struct random *r, char letter, unsigned thread)
{
    static const struct call none = {.nr = -1};
    return one(r, &none, letter, thread);
}

void args_make(struct random *r, const struct call *call, unsigned thread, uint64_t args[ARGS])
{
    unsigned n = strlen(call->args);
    for (unsigned i = 0; i < ARGS; i++)
        args[i] = i < n ? one(r, call, call->args[i], thread) : any(r);
}
