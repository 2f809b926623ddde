// Futexes: threads that wait, and all operations on a few words.
//
// LEFT OUT: words of priority-inheriting locks that are written to while somebody waits for them;
// which of several words a thread that waits for many was woken for, if more than one was woken.
#include "hands.h"

#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

enum { PAGE = 4096, PLAIN = 3, LOCKS = 3, OWN_WORDS = PLAIN + LOCKS, SHARED = 2 };
enum { ALIAS = OWN_WORDS + SHARED, ODD, WORDS = ALIAS };
enum { NUMBER = 5000001 }; // nobody's
#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13
#endif

static uint32_t *words[WORDS], shown[WORDS], *alias, *read_only;
static int locked_for[HANDS]; // the word that a hand may stand at as at a lock; -1: none
static struct robust {
    struct {
        uintptr_t next;
        uint32_t word, pad;
    } entries[4];
    struct robust_list_head head;
} robust[HANDS];

bool futex_setup(void)
{
    static uint32_t own[OWN_WORDS] __attribute__((aligned(64)));
    int fd = (int)syscall(SYS_memfd_create, "words", 0);
    if (fd < 0 || ftruncate(fd, PAGE) != 0)
        return why = "no memory to share", false;
    uint32_t *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    alias = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    read_only = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (*(volatile uint32_t *)read_only) // there, whoever reads it first
        return false;
    for (int other = 3; other < PEER_OUT; other++)
        close(other);
    for (int i = 0; i < WORDS; i++)
        words[i] = i < OWN_WORDS ? &own[i] : &shared[i - OWN_WORDS];
    hands_setup(true);
    return true;
}

static const char *who(uint32_t tid, bool lock)
{
    static char text[30];
    if (!lock)
        return sprintf(text, "%u", tid), text;
    int hand = hand_of((pid_t)tid);
    if (tid == (uint32_t)gettid())
        return "own";
    if (hand < 0 && tid)
        return "gone";
    sprintf(text, hand >= 0 ? "hand%d" : "%u", hand >= 0 ? hand : (int)tid);
    return text;
}

static void show_words(void)
{
    for (int i = 0; i < WORDS; i++) {
        uint32_t now = *words[i];
        if (now == shown[i])
            continue;
        say(" w%d=%s%s%s", i, who(now & FUTEX_TID_MASK, i >= PLAIN),
            now & FUTEX_WAITERS ? "|W" : "", now & FUTEX_OWNER_DIED ? "|D" : "");
        shown[i] = now;
    }
}

void futex_after(void)
{
    hands_settle();
    for (int i = 0; i < HANDS; i++)
        if (!hand_busy(i))
            locked_for[i] = -1;
    show_words();
}

static bool stood_at(int word)
{
    for (int i = 0; i < HANDS; i++)
        if (hand_busy(i) && locked_for[i] == word)
            return true;
    return false;
}

/* An argument; *which: its number, -1 if it is none of them. */
static uint32_t *word_arg(bool lock, int *which)
{
    *which = -1;
    if (chance(4)) {
        switch (below(6)) {
        case 0:
            arg("unaligned");
            return (uint32_t *)((char *)words[0] + 1);
        case 1:
            arg("read-only");
            return read_only;
        case 2:
            arg("NULL");
            return NULL;
        case 3:
            arg("kernel");
            return (uint32_t *)0xffff800000000000;
        case 4:
            arg("end");
            return (uint32_t *)0x7ffffffffffc;
        default:
            arg("BAD");
            return BAD_POINTER;
        }
    }
    if (!lock && chance(5)) {
        arg("w6'");
        return alias;
    }
    int i = chance(12) ? OWN_WORDS + (int)below(SHARED)
                       : (int)below(3) + (lock || chance(6) ? PLAIN : 0);
    arg("w%d", i);
    *which = i;
    return words[i];
}

static uint32_t value_of(const uint32_t *word, int which)
{
    return which >= 0 || word == alias ? *word : 0;
}

static uint32_t expected_arg(const uint32_t *word, int which)
{
    if (chance(80)) {
        arg("equal");
        return value_of(word, which);
    }
    return (uint32_t)CHOOSE(0, NUMBER, NUMBER + 1, -1);
}

/* LEFT OUT: private memory by both names: on Linux who waits with the flag is not woken without. */
static long flags_arg(void)
{
    return (odd_seed ? 0 : FUTEX_PRIVATE_FLAG) |
           (chance(7) ? (arg("REALTIME"), FUTEX_CLOCK_REALTIME) : 0);
}

static long run_call(struct job *job)
{
    return call(job->a[0], job->a[1], job->a[2], job->a[3], job->a[4], job->a[5], job->a[6]);
}

static int hand_arg(unsigned percent)
{
    int hand = chance(percent) ? (int)below(HANDS) : -1;
    if (hand >= 0 && hand_busy(hand))
        hand = -1;
    arg(hand < 0 ? "here" : "hand%d", hand);
    return hand;
}

static void do_job(int hand, struct job *job)
{
    if (hand < 0)
        return end(job->run(job));
    hand_call(hand, job);
    say(") ...");
}

/* Here it is over at once; a hand's is never. */
static long timeout_arg(struct job *job, int hand, bool absolute)
{
    struct timespec *limit = (struct timespec *)(job->in + 512);
    if (hand >= 0 && chance(90))
        return 0;
    limit->tv_sec = chance(4) ? -1 : hand >= 0 ? 4000000000 : absolute ? (long)below(2) : 0;
    limit->tv_nsec = chance(95) ? (long)below(2) : chance(50) ? 1000000000 : -1;
    arg("%ld.%ld", (long)limit->tv_sec, limit->tv_nsec);
    return chance(98) ? (long)limit : (arg("BAD"), (long)BAD_POINTER);
}

#define JOB(...) memcpy(job.a, (long[HAND_ARGS]){__VA_ARGS__}, sizeof(job.a))

static const struct named bitsets[] = {N(-1), N(-1), N(1), N(2), N(3), N(0x80000000), N(0)};

static void op_wait(void)
{
    struct job job = {.run = run_call};
    int which;
    bool with_bitset = chance(50);
    begin(with_bitset ? "WAIT_BITSET" : "WAIT");
    int hand = hand_arg(70);
    uint32_t *word = word_arg(false, &which);
    uint32_t expected = expected_arg(word, which);
    long op = (with_bitset ? FUTEX_WAIT_BITSET : FUTEX_WAIT) | flags_arg();
    long limit = timeout_arg(&job, hand, with_bitset), bits = with_bitset ? (long)ONE(bitsets) : 0;
    JOB(SYS_futex, (long)word, op, expected, limit, 0, bits);
    do_job(hand, &job);
}

static const long counts[] = {1, 1, 1, 2, 0, INT32_MAX, -1};

static void op_wake(void)
{
    int which;
    bool with_bitset = chance(40);
    begin(with_bitset ? "WAKE_BITSET" : "WAKE");
    uint32_t *word = word_arg(false, &which);
    long op = (with_bitset ? FUTEX_WAKE_BITSET : FUTEX_WAKE) | flags_arg();
    long count = choose(counts, COUNT(counts)), bits = with_bitset ? (long)ONE(bitsets) : 0;
    end(call(SYS_futex, word, op, count, NULL, NULL, bits));
}

static void op_requeue(void)
{
    int which, other;
    bool compare = chance(60);
    begin(compare ? "CMP_REQUEUE" : "REQUEUE");
    uint32_t *word = word_arg(false, &which), *to = word_arg(false, &other);
    long op = (compare ? FUTEX_CMP_REQUEUE : FUTEX_REQUEUE) | flags_arg();
    long wake = choose(counts, COUNT(counts)), move = choose(counts, COUNT(counts));
    end(call(SYS_futex, word, op, wake, move, to, compare ? expected_arg(word, which) : 0));
}

static void op_wake_op(void)
{
    int which, other;
    begin("WAKE_OP");
    uint32_t *word = word_arg(false, &which), *to = word_arg(false, &other);
    if (other >= PLAIN || to == alias)
        to = words[other % PLAIN < 0 ? 0 : other % PLAIN], arg("plain");
    long op = FUTEX_WAKE_OP | flags_arg();
    long wake = choose(counts, COUNT(counts)), more = choose(counts, COUNT(counts));
    long how = chance(95) ? CHOOSE(0, 1, 2, 3, 4, 8, 9, 10, 11, 12) : CHOOSE(5, 7, 13, 15);
    long compare = chance(95) ? CHOOSE(0, 1, 2, 3, 4, 5) : CHOOSE(6, 15);
    long op_arg = CHOOSE(0, 1, 2, 3, 0xfff, 31), compare_arg = CHOOSE(0, 1, 2, 0xfff, 0x800);
    end(call(SYS_futex, word, op, wake, more, to,
             (int)((unsigned)how << 28 | (unsigned)compare << 24 | op_arg << 12 | compare_arg)));
}

static void op_lock(void)
{
    struct job job = {.run = run_call};
    static const struct named ops[] = {N(FUTEX_LOCK_PI), N(FUTEX_LOCK_PI), N(FUTEX_LOCK_PI2),
                                       N(FUTEX_TRYLOCK_PI), N(FUTEX_TRYLOCK_PI)};
    int which;
    begin("lock");
    int hand = hand_arg(75);
    uint32_t *word = word_arg(true, &which);
    long op = (long)ONE(ops);
    long limit = op == FUTEX_TRYLOCK_PI ? 0 : timeout_arg(&job, hand, true);
    JOB(SYS_futex, (long)word, op | flags_arg(), 0, limit, 0, 0);
    if (hand >= 0)
        locked_for[hand] = which;
    do_job(hand, &job);
}

static void op_unlock(void)
{
    struct job job = {.run = run_call};
    int which;
    begin("UNLOCK_PI");
    int hand = hand_arg(75);
    uint32_t *word = word_arg(true, &which);
    if (which >= 0 && chance(70)) // by its owner, if it can be
        for (int i = 0; i < HANDS; i++)
            if ((*words[which] & FUTEX_TID_MASK) == (uint32_t)hand_id(i) && !hand_busy(i) &&
                hand_there(i))
                hand = i, arg("hand%d", i);
    JOB(SYS_futex, (long)word, FUTEX_UNLOCK_PI | flags_arg(), 0, 0, 0, 0);
    do_job(hand, &job);
}

static void op_wait_requeue(void)
{
    struct job job = {.run = run_call};
    int which, lock;
    begin("WAIT_REQUEUE_PI");
    int hand = hand_arg(85);
    uint32_t *word = word_arg(false, &which), *to = word_arg(true, &lock);
    uint32_t expected = expected_arg(word, which);
    long op = FUTEX_WAIT_REQUEUE_PI | flags_arg(), limit = timeout_arg(&job, hand, true);
    JOB(SYS_futex, (long)word, op, expected, limit, (long)to, 0);
    if (hand >= 0)
        locked_for[hand] = lock;
    do_job(hand, &job);
}

static void op_requeue_pi(void)
{
    int which, lock;
    begin("CMP_REQUEUE_PI");
    uint32_t *word = word_arg(false, &which), *to = word_arg(true, &lock);
    long op = FUTEX_CMP_REQUEUE_PI | flags_arg();
    long wake = CHOOSE(1, 1, 1, 1, 0, 2), move = choose(counts, COUNT(counts));
    end(call(SYS_futex, word, op, wake, move, to, expected_arg(word, which)));
}

static void op_odd(void)
{
    int which;
    begin("futex");
    uint32_t *word = word_arg(false, &which);
    end(call(SYS_futex, word, CHOOSE(2, 14, 99, -1, 0x200, 128 + 2, 256 + 1, 256 + 4, 256 + 8), 1,
             NULL, NULL, 0));
}

static void op_waitv(void)
{
    struct job job = {.run = run_call};
    struct futex_waitv *many = (struct futex_waitv *)job.in;
    struct timespec *limit = (struct timespec *)(job.in + 512);
    int which, before = -1;
    begin("waitv");
    int hand = hand_arg(60);
    unsigned n = 1 + below(3);
    for (unsigned i = 0; i < n; i++) {
        uint32_t *word = word_arg(false, &which);
        if (which >= 0 && which == before) // which of both is told of
            word = words[(which + 1) % PLAIN], arg("next");
        before = which;
        many[i].uaddr = (uintptr_t)word;
        many[i].val = expected_arg(word, which);
        many[i].flags =
            (uint32_t)(chance(95) ? (odd_seed ? 2 : 2 | 128) : CHOOSE(0, 1, 3, 128, 2 | 256));
        many[i].__reserved = chance(98) ? 0 : 1;
    }
    long flags = chance(97) ? 0 : 1, clock = CHOOSE(CLOCK_MONOTONIC, CLOCK_REALTIME, 5);
    if (hand < 0) {
        limit->tv_sec = chance(4) ? -1 : (long)below(2);
        limit->tv_nsec = chance(95) ? 1 : 1000000000;
        arg("%ld.%ld", (long)limit->tv_sec, limit->tv_nsec);
    }
    long count = chance(96) ? (long)n : CHOOSE(0, 129, -1);
    void *from = chance(97) ? (void *)many : chance(50) ? NULL : BAD_POINTER;
    arg("%s", from == many ? "many" : from ? "BAD" : "NULL");
    JOB(SYS_futex_waitv, (long)from, count, flags, hand < 0 ? (long)limit : 0, clock, 0);
    do_job(hand, &job);
}

/* Only where nobody waits as for a lock. */
static void op_set(void)
{
    begin("set");
    int i = (int)below(WORDS);
    arg("w%d", i);
    uint32_t value = (uint32_t)CHOOSE(0, 0, 0, NUMBER, NUMBER + 1);
    if (i >= PLAIN) {
        int owner = (int)below(HANDS + 2);
        value = owner < HANDS && hand_there(owner) ? (uint32_t)hand_id(owner)
                : owner == HANDS                   ? (uint32_t)gettid()
                : chance(30)                       ? 0x3fffff0
                                                   : 0;
        if (chance(20))
            value |= FUTEX_WAITERS;
        if (chance(20))
            value |= FUTEX_OWNER_DIED;
    }
    if (stood_at(i))
        return end(0);
    *words[i] = value;
    end(1);
}

static long run_robust(struct job *job)
{
    return call(SYS_set_robust_list, job->a[0], job->a[1]);
}

/* Words that a hand is said to hold when it ends. */
static void op_robust(void)
{
    struct job job = {.run = run_robust};
    begin("set_robust_list");
    int hand = (int)below(HANDS);
    arg("hand%d", hand);
    if (hand_busy(hand))
        return end(0);
    struct robust *list = &robust[hand];
    uintptr_t *link = (uintptr_t *)&list->head.list.next;
    unsigned n = below(5);
    list->head.list_op_pending = NULL;
    for (unsigned i = 0; i < n; i++) { // the word of an entry lies at an offset from it
        bool held = hand_there(hand) && chance(70), waited = chance(50);
        list->entries[i].word =
            (held ? (uint32_t)hand_id(hand) : below(3)) | (waited ? FUTEX_WAITERS : 0);
        *link = (uintptr_t)&list->entries[i] | (chance(40) ? 1 : 0);
        arg("%s%s%s", *link & 1 ? "pi " : "", held ? "held" : "free", waited ? "|W" : "");
        link = &list->entries[i].next;
    }
    *link = (uintptr_t)&list->head.list;
    list->head.futex_offset = 8;
    if (chance(30) && n)
        list->head.list_op_pending = (void *)&list->entries[below(n)], arg("pending");
    if (chance(5))
        *link = (uintptr_t)BAD_POINTER, arg("broken");
    JOB((long)&list->head, chance(96) ? (long)sizeof(list->head) : 23);
    do_job(hand, &job);
}

static void op_end(void)
{
    begin("end");
    int hand = (int)below(HANDS);
    arg("hand%d", hand);
    if (!hand_there(hand))
        return end(0);
    if (hand_busy(hand)) {
        arg("interrupt");
        hand_interrupt(hand);
        return end(0);
    }
    uint32_t tid = (uint32_t)hand_id(hand);
    if (chance(40))
        return end(0);
    hand_end(hand, false);
    end(1);
    for (int i = 0; i < 4; i++) { // what has become of the robust list
        uint32_t now = robust[hand].entries[i].word;
        say(" %s%s%s",
            (now & FUTEX_TID_MASK) == tid ? "its"
            : (now & FUTEX_TID_MASK)      ? "x"
                                          : "0",
            now & FUTEX_WAITERS ? "|W" : "", now & FUTEX_OWNER_DIED ? "|D" : "");
    }
    memset(&robust[hand], 0, sizeof(robust[hand]));
}

const struct op futex_ops[] = {
    {op_wait, 20},   {op_wake, 12},        {op_requeue, 8},    {op_wake_op, 6}, {op_lock, 16},
    {op_unlock, 10}, {op_wait_requeue, 8}, {op_requeue_pi, 8}, {op_odd, 1},     {op_waitv, 8},
    {op_set, 10},    {op_robust, 3},       {op_end, 8},        {NULL, 0},
};
