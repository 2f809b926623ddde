// cpus: 1 4
// timeout: 120
/* Address spaces under many hands: shoot-downs between processors, faults at the same page,
 * mapping and unmapping at once. */
#include "check.h"
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

enum { PAGE = 4096, NTHREADS = 4 };

static atomic_bool stop;
static atomic_int wrong;

/* Every thread faults the same fresh pages at once: one frame each, no lost write. */
static unsigned char *shared_pages;
static pthread_barrier_t barrier;
enum { NPAGES = 64, ROUNDS = 60 };

static void *fault_together(void *arg)
{
    long me = (long)arg;

    for (int round = 0; round < ROUNDS; round++) {
        pthread_barrier_wait(&barrier);
        for (int i = 0; i < NPAGES; i++)
            shared_pages[i * PAGE + me] = (unsigned char)(me + 1);
        pthread_barrier_wait(&barrier);
        for (int i = 0; i < NPAGES; i++)
            for (int t = 0; t < NTHREADS; t++)
                if (shared_pages[i * PAGE + t] != t + 1)
                    atomic_fetch_add(&wrong, 1);
        pthread_barrier_wait(&barrier);
        if (me == 0)
            madvise(shared_pages, NPAGES * PAGE, MADV_DONTNEED);
    }
    return NULL;
}

static void run_threads(void *(*fn)(void *), int n)
{
    pthread_t threads[16];

    for (long i = 0; i < n; i++)
        NEED(pthread_create(&threads[i], NULL, fn, (void *)i) == 0);
    for (int i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
}

static void same_page_faults(void)
{
    shared_pages =
        mmap(NULL, NPAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_barrier_init(&barrier, NULL, NTHREADS);
    atomic_store(&wrong, 0);
    run_threads(fault_together, NTHREADS);
    CHECK_EQ(atomic_load(&wrong), 0);
    munmap(shared_pages, NPAGES * PAGE);
}

/* Threads map, fill, check and unmap memory of their own. */
static void *map_and_unmap(void *arg)
{
    unsigned x = (unsigned)(long)arg * 2654435761u + 1;

    for (int i = 0; i < 400; i++) {
        size_t pages = (x = x * 1664525 + 1013904223) % 40 + 1;
        unsigned char *at =
            mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (at == MAP_FAILED) {
            atomic_fetch_add(&wrong, 1);
            continue;
        }
        for (size_t p = 0; p < pages; p++) {
            if (at[p * PAGE] != 0)
                atomic_fetch_add(&wrong, 1);
            at[p * PAGE] = (unsigned char)x;
        }
        for (size_t p = 0; p < pages; p++)
            if (at[p * PAGE] != (unsigned char)x)
                atomic_fetch_add(&wrong, 1);
        if (pages <= 4) {
            munmap(at, pages * PAGE);
            continue;
        }
        munmap(at + PAGE, PAGE); /* another thread's from now on, maybe: not again */
        munmap(at, PAGE);
        munmap(at + 2 * PAGE, (pages - 2) * PAGE);
    }
    return NULL;
}

static void own_mappings(void)
{
    atomic_store(&wrong, 0);
    run_threads(map_and_unmap, NTHREADS);
    CHECK_EQ(atomic_load(&wrong), 0);
}

/* After mprotect to read-only has returned, no other processor may write. */
enum { NWRITERS = 3 };
static _Atomic(long) *guarded;
static atomic_long refused[NWRITERS]; /* writes, by writer */
static _Thread_local sigjmp_buf back;

static void on_fault(int sig)
{
    siglongjmp(back, sig);
}

static void *write_guarded(void *arg)
{
    long me = (long)arg;

    while (!atomic_load(&stop)) {
        if (sigsetjmp(back, 1) == 0) {
            atomic_fetch_add(guarded, 1);
        } else {
            atomic_fetch_add(&refused[me], 1);
            sched_yield();
        }
    }
    return NULL;
}

/* Until each writer has tried in vain after this began (the first that is counted may have begun
 * before), or one did write. */
static void let_all_try(long unchanged)
{
    for (int i = 0; i < NWRITERS; i++) {
        long enough = atomic_load(&refused[i]) + 2;

        while (atomic_load(&refused[i]) < enough && atomic_load(guarded) == unchanged)
            sched_yield();
    }
}

static void let_one_write(void)
{
    long before = atomic_load(guarded);

    while (atomic_load(guarded) == before)
        sched_yield();
}

static void shoot_down_of_writers(void)
{
    pthread_t threads[NWRITERS];

    guarded = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    signal(SIGSEGV, on_fault);
    atomic_store(&stop, false);
    for (long i = 0; i < NWRITERS; i++)
        NEED(pthread_create(&threads[i], NULL, write_guarded, (void *)i) == 0);
    for (int i = 0; i < 100; i++) {
        long first;

        mprotect((void *)guarded, PAGE, PROT_READ);
        first = atomic_load(guarded);
        if (i % 5 == 0)
            let_all_try(first);
        else
            sched_yield();
        CHECK_EQ(atomic_load(guarded), first);
        mprotect((void *)guarded, PAGE, PROT_READ | PROT_WRITE);
        if (i % 5 == 0)
            let_one_write();
    }
    atomic_store(&stop, true);
    for (int i = 0; i < NWRITERS; i++)
        pthread_join(threads[i], NULL);
    munmap((void *)guarded, PAGE);
    signal(SIGSEGV, SIG_DFL);
}

/* A frame that was unmapped must not be written through another processor's old translation:
 * the victim page is unmapped and memory is mapped anew while writers go on. */
static void *write_victim(void *arg)
{
    unsigned char *victim = arg;

    while (!atomic_load(&stop)) {
        if (sigsetjmp(back, 1) == 0)
            *(volatile unsigned char *)victim = 0xee;
        else
            sched_yield();
    }
    return NULL;
}

static void shoot_down_before_reuse(void)
{
    unsigned char *victim =
        mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_t threads[2];

    signal(SIGSEGV, on_fault);
    atomic_store(&stop, false);
    for (int i = 0; i < 2; i++)
        NEED(pthread_create(&threads[i], NULL, write_victim, victim) == 0);
    for (int i = 0; i < 200; i++) {
        unsigned char *fresh;

        munmap(victim, PAGE);
        fresh = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (fresh <= victim && victim < fresh + 16 * PAGE) { /* the writers may write here */
            munmap(fresh, 16 * PAGE);
        } else {
            memset(fresh, 1, 16 * PAGE);
            sched_yield();
            for (int j = 0; j < 16 * PAGE; j++)
                NEED(fresh[j] == 1);
            munmap(fresh, 16 * PAGE);
        }
        NEED(mmap(victim, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
                  0) == victim);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    munmap(victim, PAGE);
    signal(SIGSEGV, SIG_DFL);
}

/* Copy on write raced by all: each sees its own copy's bytes and the file keeps its own. */
static int cow_fd;

static void *copy_on_write(void *arg)
{
    for (int i = 0; i < 100; i++) {
        unsigned char *at = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, cow_fd, 0);

        for (int p = 0; p < 4; p++) {
            if (at[p * PAGE] != 'f')
                atomic_fetch_add(&wrong, 1);
            at[p * PAGE] = (unsigned char)(long)arg;
            if (at[p * PAGE + 1] != 'f' || at[p * PAGE] != (unsigned char)(long)arg)
                atomic_fetch_add(&wrong, 1);
        }
        munmap(at, 4 * PAGE);
    }
    return NULL;
}

static void copies_stay_private(void)
{
    static char fill[4 * PAGE];

    memset(fill, 'f', sizeof fill);
    cow_fd = open("cow", O_RDWR | O_CREAT, 0600);
    NEED(write(cow_fd, fill, sizeof fill) == sizeof fill);
    atomic_store(&wrong, 0);
    run_threads(copy_on_write, NTHREADS);
    CHECK_EQ(atomic_load(&wrong), 0);
    close(cow_fd);
}

int main(void)
{
    enter_fresh_dir();
    promise("threads fault the same pages at once", same_page_faults);
    promise("threads map and unmap at once", own_mappings);
    promise("copies on write stay private under race", copies_stay_private);
    promise("mprotect stops writers on other processors", shoot_down_of_writers);
    promise("no stale translation reaches a reused frame", shoot_down_before_reuse);
    return check_end();
}
