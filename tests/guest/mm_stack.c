/* The stack: growth, its limit, guard pages, threads' stacks, alignment. */
#include "check.h"
#include "fault.h"
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum { PAGE = 4096, MIB = 1 << 20 };

static int __attribute__((noinline)) deep(int levels)
{
    volatile char frame[PAGE];

    frame[0] = (char)levels;
    frame[PAGE - 1] = 1;
    return levels == 0 ? 0 : deep(levels - 1) + frame[PAGE - 1];
}

static void grows(void)
{
    CHECK_EQ(deep(1500), 1500); /* 6 MiB of the usual 8 */
}

static void endless(void *arg);
static void (*volatile again)(void *) = endless; /* hides the recursion from the compiler */

static void endless(void *arg)
{
    volatile char frame[PAGE];

    frame[0] = 1;
    again(arg);
    frame[1] = frame[0];
}

static void overflow_is_caught(void)
{
    siginfo_t info;
    char here;

    CHECK_EQ(catch_fault(endless, NULL, &info), SIGSEGV);
    CHECK((char *)info.si_addr < &here);
    CHECK(&here - (char *)info.si_addr < 64 * MIB);
}

static void *overflow_thread(void *arg)
{
    (void)arg;
    return (void *)(long)catch_fault(endless, NULL, NULL);
}

static void thread_overflow(void)
{
    pthread_t thread;
    pthread_attr_t attr;
    void *sig;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 256 * 1024);
    NEED(pthread_create(&thread, &attr, overflow_thread, NULL) == 0);
    pthread_join(thread, &sig);
    CHECK_EQ((long)sig, SIGSEGV);
    pthread_attr_destroy(&attr);
}

static void limit_is_told(void)
{
    struct rlimit limit;

    CHECK_EQ(getrlimit(RLIMIT_STACK, &limit), 0);
    CHECK(limit.rlim_cur >= 8 * MIB);
}

/* A far jump below the stack pointer grows the stack too (large local arrays). */
static void __attribute__((noinline)) large_frame(void)
{
    volatile char frame[2 * MIB];

    frame[0] = 1;
    frame[2 * MIB - 1] = 2;
    CHECK_EQ(frame[0] + frame[2 * MIB - 1], 3);
}

static void not_executable(void)
{
    volatile unsigned char code[16] = {0xc3};
    siginfo_t info;
    void (*fn)(void *) = (void (*)(void *))(uintptr_t)code;

    CHECK_EQ(catch_fault(fn, NULL, &info), SIGSEGV);
    CHECK_EQ((long)info.si_addr, (long)code);
}

static void growsdown_mapping(void)
{
    char *at = mmap(NULL, 64 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *low;

    munmap(at, 64 * PAGE);
    low = mmap(at + 60 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_GROWSDOWN, -1, 0);
    NEED(low != MAP_FAILED);
    low[0] = 1;
    CHECK_EQ(catch_fault(touch_write, low - 1, NULL), 0);
    CHECK_EQ(catch_fault(touch_write, low - PAGE - 1, NULL), 0);
    munmap(low - 4 * PAGE, 6 * PAGE);
}

int main(void)
{
    promise("the stack grows to 6 MiB", grows);
    promise("a frame of 2 MiB at once is no fault", large_frame);
    promise("overflow of the main stack raises SIGSEGV", overflow_is_caught);
    promise("overflow of a thread's stack raises SIGSEGV", thread_overflow);
    promise("RLIMIT_STACK is at least 8 MiB", limit_is_told);
    promise("the stack does not execute", not_executable);
    promise("MAP_GROWSDOWN grows down", growsdown_mapping);
    return check_end();
}
