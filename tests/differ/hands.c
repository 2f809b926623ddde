// Processes or threads that make calls which may wait.
#include "hands.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

static struct hand {
    atomic_int tid, busy, done; // done: the result is to be shown
    bool there, asked;
    int end; // the hand's end of its commands
    pthread_t thread;
    long result;
    struct job job;
} * hands;
static bool threads;

static void nothing(int sig)
{
    (void)sig;
}

void hands_setup(bool as_threads)
{
    threads = as_threads;
    hands = mmap(NULL, HANDS * sizeof(*hands), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                 -1, 0);
    if (hands == MAP_FAILED)
        abort();
    sigaction(SIGUSR2, &(struct sigaction){.sa_handler = nothing}, NULL);
}

bool hand_there(int hand)
{
    return hands[hand].there;
}

bool hand_busy(int hand)
{
    return hands[hand].there && hands[hand].busy;
}

pid_t hand_id(int hand)
{
    return hands[hand].there ? hands[hand].tid : 0;
}

int hand_of(pid_t id)
{
    for (int i = 0; i < HANDS; i++)
        if (hands[i].there && hands[i].tid == id)
            return i;
    return -1;
}

static void *works(void *arg)
{
    struct hand *hand = arg;
    char c;
    hand->tid = gettid();
    while (read(hand->end, &c, 1) == 1 && c == 'j') {
        hand->job.said[0] = 0;
        hand->result = hand->job.run(&hand->job);
        hand->done = 1;
        hand->busy = 0;
    }
    if (threads)
        close(hand->end);
    else
        _exit(0);
    return NULL;
}

static void start(int i)
{
    int ends[2];
    struct hand *hand = &hands[i];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0)
        abort();
    memset(hand, 0, sizeof(*hand));
    dup2(ends[0], HAND_FIRST + i);
    hand->end = dup2(ends[1], HAND_FIRST + HANDS + i);
    close(ends[0]);
    close(ends[1]);
    if (threads) {
        if (pthread_create(&hand->thread, NULL, works, hand) != 0)
            abort();
    } else {
        pid_t pid = fork();
        if (pid < 0)
            abort();
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            for (int j = 0; j < HANDS; j++)
                close(HAND_FIRST + j);
            works(hand);
        }
        close(HAND_FIRST + HANDS + i);
    }
    while (!hand->tid)
        usleep(100);
    hand->there = true;
}

void hand_call(int i, const struct job *job)
{
    struct hand *hand = &hands[i];
    if (!hand->there)
        start(i);
    hand->job = *job;
    for (int k = 0; k < HAND_ARGS; k++) // what points into it goes with it
        if ((char *)job->a[k] >= job->in && (char *)job->a[k] < job->in + sizeof(job->in))
            hand->job.a[k] = (long)(hand->job.in + ((char *)job->a[k] - job->in));
    hand->busy = 1;
    if (write(HAND_FIRST + i, "j", 1) != 1)
        abort();
}

void hand_end(int i, bool with_kill)
{
    struct hand *hand = &hands[i];
    if (!hand->there)
        return;
    be_root();
    if (threads) {
        if (write(HAND_FIRST + i, "e", 1) != 1)
            abort();
        pthread_join(hand->thread, NULL);
    } else {
        if (with_kill || hand->busy)
            kill(hand->tid, SIGKILL);
        close(HAND_FIRST + i);
        waitpid(hand->tid, NULL, __WALL);
    }
    close(HAND_FIRST + i);
    hand->there = false;
}

void hand_interrupt(int i)
{
    be_root();
    syscall(SYS_tgkill, threads ? getpid() : hands[i].tid, hands[i].tid, SIGUSR2);
}

/* Asleep in its call: busy before and after it was seen asleep. */
static bool sleeps(struct hand *hand)
{
    char text[300], name[40];
    if (!hand->busy)
        return false;
    if (threads)
        sprintf(name, "%d/task/%d/stat", getpid(), hand->tid);
    else
        sprintf(name, "%d/stat", hand->tid);
    int fd = openat(PROC, name, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    close(fd);
    if (n <= 0)
        return false;
    text[n] = 0;
    char *at = strrchr(text, ')');
    return at && at[2] == 'S' && hand->busy;
}

static unsigned came_back(void)
{
    unsigned n = 0;
    for (int i = 0; i < HANDS; i++)
        n += hands[i].there && hands[i].done;
    return n;
}

void hands_settle(void)
{
    unsigned before;
    do { // one that has come back may have let another go on
        before = came_back();
        for (int i = 0; i < HANDS; i++)
            while (hand_busy(i) && !sleeps(&hands[i]))
                usleep(50);
    } while (came_back() != before);
    for (int i = 0; i < HANDS; i++) {
        struct hand *hand = &hands[i];
        if (!hand->there || !hand->done)
            continue;
        hand->done = 0;
        say(" [hand %d", i);
        if (hand->result < 0 && hand->result > -4096)
            say(" = %s", error_name(-hand->result));
        else
            say(" = %ld", hand->result);
        say("%s]", hand->job.said);
    }
}
