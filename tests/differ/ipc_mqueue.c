// POSIX message queues.
//
// LEFT OUT: /dev/mqueue (docs/CAVEATS.md).
#include "ipc.h"

#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

enum { MSGQUEUE = 819200 };
static const char *const names[] = {"differ-0", "differ-1", "differ-2"};

void mqueue_clean(void)
{
    for (unsigned i = 0; i < COUNT(names); i++)
        syscall(SYS_mq_unlink, names[i]);
}

/* The user's queues in namespaces that have just ended count until those are gone. */
static void wait_for_room(void)
{
    struct mq_attr attr = {.mq_maxmsg = 9, .mq_msgsize = 8192};
    char name[20];
    int fds[8], n, tries = 0;
    do {
        for (n = 0; n < (int)COUNT(fds); n++) {
            sprintf(name, "differ-%d", 10 + n);
            fds[n] = (int)call(SYS_mq_open, name, O_CREAT | O_RDWR, 0600, &attr);
            syscall(SYS_mq_unlink, name);
            if (fds[n] < 0)
                break;
        }
        for (int i = 0; i < n; i++)
            close(fds[i]);
        usleep(n == COUNT(fds) ? 0 : 1000);
    } while (n < (int)COUNT(fds) && tries++ < 5000);
}

void mqueue_setup(void)
{
    struct mq_attr attr = {.mq_maxmsg = 3, .mq_msgsize = 100};
    setrlimit(RLIMIT_MSGQUEUE, &(struct rlimit){MSGQUEUE, MSGQUEUE});
    wait_for_room();
    for (int i = 0; i < 4; i++)
        keep(call(SYS_mq_open, names[i % 2], O_CREAT | O_RDWR | (i < 3 ? O_NONBLOCK : 0), 0660,
                  i ? &attr : NULL),
             SLOT_FIRST + i);
}

static const char *name_arg(void)
{
    static const char *const odd[] = {"", ".", "..", "/differ-0", "differ-0/", "a/b", "nobody"};
    static char text[300];
    if (chance(93)) {
        unsigned i = below(COUNT(names));
        arg("%u", i);
        return names[i];
    }
    unsigned which = below(COUNT(odd) + 3);
    arg("odd %u", which);
    if (which < COUNT(odd))
        return odd[which];
    if (which == COUNT(odd))
        return BAD_POINTER;
    memset(text, 'q', sizeof(text));
    text[which == COUNT(odd) + 1 ? 255 : 256] = 0;
    return text;
}

static void op_open(void)
{
    static const struct named flags[] = {N(O_CREAT),    N(O_CREAT),    N(O_CREAT), N(O_EXCL),
                                         N(O_NONBLOCK), N(O_NONBLOCK), N(O_TRUNC), N(O_APPEND)};
    static const struct named modes[] = {N(O_RDWR),   N(O_RDWR),   N(O_RDWR),
                                         N(O_RDONLY), N(O_WRONLY), N(3)};
    struct mq_attr attr = {0};
    begin("mq_open");
    int in = take_slot();
    const char *name = name_arg();
    uint64_t how = ONE(modes) | SOME(flags, 3);
    mode_t mode = mode_arg();
    const void *with = NULL;
    if (chance(85)) {
        attr.mq_maxmsg = CHOOSE(1, 2, 2, 3, 10, 11, 0, -1);
        attr.mq_msgsize = CHOOSE(1, 8, 100, 100, 8192, 8193, 0, -1);
        attr.mq_flags = chance(90) ? 0 : CHOOSE(O_NONBLOCK, 1);
        with = chance(97) ? (void *)&attr : (arg("BAD"), BAD_POINTER);
    }
    // LEFT OUT: how much the limit counts: users' queues of other namespaces count too, and of
    // those that end for a while.
    bool limited = chance(4);
    if (limited)
        setrlimit(RLIMIT_MSGQUEUE, &(struct rlimit){50, MSGQUEUE}), say(" limited");
    int fd = (int)call(SYS_mq_open, name, how, mode, with);
    end(fd < 0 ? fd : 0);
    if (limited)
        setrlimit(RLIMIT_MSGQUEUE, &(struct rlimit){MSGQUEUE, MSGQUEUE});
    // LEFT OUT: a queue is not removed from its own folder here: the long name stays for the next
    if (fd >= 0 && name != names[0] && name != names[1] && name != names[2])
        syscall(SYS_mq_unlink, name);
    keep(fd, in);
}

static void op_unlink(void)
{
    begin("mq_unlink");
    end(call(SYS_mq_unlink, name_arg()));
}

static long past_or_far(struct timespec *limit, bool wait)
{
    limit->tv_sec = wait ? 4000000000 : CHOOSE(0, 1, 1, -1);
    limit->tv_nsec = CHOOSE(0, 0, 0, 999999999, 1000000000, -1);
    return chance(95) ? (long)limit : (arg("BAD"), (long)BAD_POINTER);
}

static bool waits(int fd)
{
    return fcntl(fd, F_GETFL) >= 0 && !(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

static long run_send(struct job *job)
{
    return call(SYS_mq_timedsend, job->a[1], job->a[2], job->a[3], job->a[4], job->a[5]);
}

static long run_receive(struct job *job)
{
    unsigned priority = 99;
    char *to = job->a[2] ? (char *)job->a[2] : buffer;
    long r = call(SYS_mq_timedreceive, job->a[1], to, job->a[3],
                  job->a[6] == 0   ? &priority
                  : job->a[6] == 1 ? NULL
                                   : BAD_POINTER,
                  job->a[5]);
    if (r >= 0)
        sprintf(job->said, " priority %u %08x", priority, (unsigned)hash_of(to, r));
    return r;
}

static void op_send(void)
{
    struct job job = {.run = run_send};
    struct timespec *limit = (struct timespec *)(job.in + sizeof(job.in) - sizeof(*limit));
    begin("mq_send");
    int hand = hand_arg(), fd = slot();
    bool wait = hand >= 0 && !hand_there(hand); // it has what was open when it began
    if (hand >= 0 && !wait)
        hand = -1;
    data_fill(100);
    memcpy(job.in, buffer, 100);
    size_t size = (size_t)CHOOSE(0, 1, 1, 8, 8, 100, 101, 8192, -1);
    job.a[1] = fd;
    job.a[2] = chance(97) ? (long)job.in : (arg("BAD"), (long)BAD_POINTER);
    job.a[3] = size > 800 && size < 8193 ? 800 : (long)size;
    job.a[4] = CHOOSE(0, 0, 1, 1, 2, 32767, 32768, -1);
    if (chance(30) || (!wait && waits(fd))) // a hand that does not wait
        job.a[5] = past_or_far(limit, wait);
    if (!wait && !job.a[5] && waits(fd))
        return end(0);
    do_job(hand, &job);
}

static void op_receive(void)
{
    struct job job = {.run = run_receive};
    struct timespec *limit = (struct timespec *)(job.in + sizeof(job.in) - sizeof(*limit));
    begin("mq_receive");
    int hand = hand_arg(), fd = slot();
    bool wait = hand >= 0 && !hand_there(hand);
    if (hand >= 0 && !wait)
        hand = -1;
    job.a[1] = fd;
    job.a[2] = chance(97) ? 0 : (arg("BAD"), (long)BAD_POINTER);
    job.a[3] = CHOOSE(0, 1, 8, 100, 8192, 8192, 8192, -1);
    job.a[6] = chance(90) ? 0 : CHOOSE(1, 2);
    if (chance(30) || (!wait && waits(fd))) // a hand that does not wait
        job.a[5] = past_or_far(limit, wait);
    do_job(hand, &job);
}

static void op_attr(void)
{
    struct mq_attr now = {0}, old = {0};
    begin("mq_getsetattr");
    int fd = slot();
    now.mq_flags = CHOOSE(0, O_NONBLOCK, O_NONBLOCK, 1);
    void *set = chance(50) ? &now : chance(95) ? NULL : BAD_POINTER;
    void *get = chance(97) ? &old : chance(50) ? NULL : BAD_POINTER;
    arg("%s, %s", set == &now ? "set" : set ? "BAD" : "NULL", get == &old ? "get" : "no");
    long r = call(SYS_mq_getsetattr, fd, set, get);
    end(r);
    if (r == 0)
        say(" {%#lx %ld %ld %ld}", old.mq_flags, old.mq_maxmsg, old.mq_msgsize, old.mq_curmsgs);
}

static void op_notify(void)
{
    static const struct named kinds[] = {
        N(SIGEV_SIGNAL), N(SIGEV_SIGNAL), N(SIGEV_NONE), N(SIGEV_THREAD), N(9), N(4)};
    static char cookie[32] = "differ's";
    struct sigevent event = {0};
    begin("mq_notify");
    int fd = slot(), socket_fd = -1;
    if (chance(30)) {
        arg("NULL");
        return end(call(SYS_mq_notify, fd, NULL));
    }
    event.sigev_notify = (int)ONE(kinds);
    event.sigev_signo = (int)CHOOSE(SIGUSR1, SIGUSR1, SIGUSR1, SIGUSR1, 0, 65, -1);
    event.sigev_value.sival_int = (int)below(1000);
    if (event.sigev_notify == SIGEV_THREAD) {
        socket_fd = socket(AF_NETLINK, SOCK_RAW, 0);
        event.sigev_signo = chance(80) ? socket_fd : slot();
        event.sigev_value.sival_ptr = chance(90) ? cookie : BAD_POINTER;
    }
    end(call(SYS_mq_notify, fd, chance(97) ? (void *)&event : (arg("BAD"), BAD_POINTER)));
    if (socket_fd >= 0) {
        long r = call(SYS_mq_notify, fd, NULL);
        say(" end %ld", r);
        r = call(SYS_recvfrom, socket_fd, buffer, 100, MSG_DONTWAIT, NULL, NULL);
        say(" cookie %ld %d", r, r == 32 ? buffer[31] : 0);
        close(socket_fd);
    }
}

/* Read as what it is: a file that tells of the queue. */
static void op_file(void)
{
    char text[200] = "";
    struct stat st;
    begin("file");
    int fd = slot();
    switch (below(8)) {
    case 7:
        arg("F_GETFL");
        return end(call(SYS_fcntl, fd, F_GETFL, 0));
    case 0: {
        arg("fstat");
        long r = call(SYS_fstat, fd, &st);
        end(r);
        if (r == 0)
            say(" {%o n=%lu %u:%u size=%ld}", st.st_mode, (long)st.st_nlink, st.st_uid, st.st_gid,
                (long)st.st_size);
        break;
    }
    case 1:
    case 2: {
        unsigned long bytes;
        int kind, sig, pid;
        arg("pread");
        long r = call(SYS_pread64, fd, text, sizeof(text), CHOOSE(0, 0, 0, 10));
        end(r);
        if (r > 0 && sscanf(text, "QSIZE:%lu NOTIFY:%d SIGNO:%d NOTIFY_PID:%d", &bytes, &kind, &sig,
                            &pid) == 4)
            say(" %lu %d %d %s", bytes, kind, sig, who_is(pid));
        break;
    }
    case 3: {
        struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM};
        arg("poll");
        end(call(SYS_poll, &p, 1, 0));
        say(" %#x", p.revents);
        break;
    }
    case 4:
        arg("write");
        end(call(SYS_write, fd, "x", 1));
        break;
    case 5:
        arg("fchmod");
        end(call(SYS_fchmod, fd, mode_arg()));
        break;
    default:
        arg("fchown");
        end(call(SYS_fchown, fd, uid_arg(), gid_arg()));
    }
}

static void op_dup(void)
{
    begin("dup");
    int in = take_slot();
    long r = call(SYS_dup, slot());
    end(r < 0 ? r : 0);
    keep(r, in);
}

static void op_close(void)
{
    begin("close");
    end(call(SYS_close, slot()));
}

const struct op mqueue_ops[] = {
    {op_open, 14},  {op_unlink, 4}, {op_send, 16}, {op_receive, 14}, {op_attr, 4},
    {op_notify, 6}, {op_file, 8},   {op_dup, 2},   {op_close, 3},    {NULL, 0},
};
