/* man 2 arch_prctl */
#include "abi.h"
#include "fault.h"
#include <asm/prctl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/time.h>

#ifndef ARCH_SET_CPUID
#define ARCH_SET_CPUID 0x1012
#endif
enum { GET_XCOMP_SUPP = 0x1021, GET_XCOMP_PERM, REQ_XCOMP_PERM };

static void results(void)
{
    unsigned long base = 0, seen = 0;

    CHECK_EQ(CALL(arch_prctl, ARCH_GET_FS, &base), 0);
    __asm__("mov %%fs:0, %0" : "=r"(seen));
    CHECK(base != 0 && seen == base); /* the ABI keeps its own address there */
    CHECK_EQ(CALL(arch_prctl, ARCH_SET_FS, base), 0);
    CHECK_ERRNO(CALL(arch_prctl, ARCH_GET_FS, BAD), EFAULT);
    CHECK_ERRNO(CALL(arch_prctl, ARCH_SET_FS, KERNEL), EPERM);
    CHECK_EQ(CALL(arch_prctl, ARCH_GET_GS, &base), 0);
    CHECK_EQ(base, 0);
    CHECK_ERRNO(CALL(arch_prctl, ARCH_GET_GS, BAD), EFAULT);
    CHECK_ERRNO(CALL(arch_prctl, ARCH_SET_GS, KERNEL), EPERM);
    CHECK_ERRNO(CALL(arch_prctl, 0x9999, 0), EINVAL);
}

static void features(void)
{
    unsigned long have = 0, may = 0;

    CHECK_EQ(CALL(arch_prctl, ARCH_GET_CPUID, 0), 1);
    if (CALL(arch_prctl, ARCH_SET_CPUID, 1) != 0) /* unless the processor can fault there */
        CHECK_EQ(errno, ENODEV);
    if (CALL(arch_prctl, GET_XCOMP_SUPP, &have) != 0)
        SKIP("a kernel before 5.16");
    CHECK_EQ(CALL(arch_prctl, GET_XCOMP_PERM, &may), 0);
    CHECK((have & 3) == 3 && (may & ~have) == 0);
    CHECK_ERRNO(CALL(arch_prctl, REQ_XCOMP_PERM, 2), EOPNOTSUPP); /* AVX is there without asking */
    CHECK_ERRNO(CALL(arch_prctl, REQ_XCOMP_PERM, 99), EINVAL);
}

/* --- a GS base --- */

struct area {
    unsigned long self, value;
};

static unsigned long at_gs(unsigned long offset)
{
    unsigned long value;

    __asm__ volatile("mov %%gs:(%1), %0" : "=r"(value) : "r"(offset));
    return value;
}

static volatile sig_atomic_t caught;

static void handler(int signo)
{
    caught = signo == SIGUSR1 && at_gs(8) == 42;
    (void)getppid();
    caught += at_gs(8) == 42;
}

static void use_gs(struct area *area)
{
    struct timespec now;
    struct timeval tv;
    unsigned cpu = 999;
    unsigned long base;
    volatile unsigned long sum = 0;

    CHECK_EQ(at_gs(0), (unsigned long)area);
    CHECK_EQ(CALL(arch_prctl, ARCH_GET_GS, &base), 0);
    CHECK_EQ(base, (unsigned long)area);
    for (int i = 0; i < 1000; i++) /* the first call of a site, and the next ones */
        sum += (unsigned long)getppid() + at_gs(8);
    CHECK_EQ(at_gs(8), 42);
    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0 && now.tv_sec >= 0); /* the vDSO's */
    CHECK(gettimeofday(&tv, NULL) == 0 && syscall(SYS_getcpu, &cpu, NULL, NULL) == 0);
    CHECK(getcpu(&cpu, NULL) == 0 && cpu < 1024);
    char *pages = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 1 << 20; i += 4096) { /* page faults */
        pages[i] = 1;
        sum += at_gs(8);
    }
    munmap(pages, 1 << 20);
    signal(SIGUSR1, handler);
    raise(SIGUSR1);
    CHECK_EQ(caught, 2);
    CHECK_EQ(at_gs(0), (unsigned long)area);
}

static void gs_base(void)
{
    struct area area = {(unsigned long)&area, 42};

    if (CALL(arch_prctl, ARCH_SET_GS, &area) != 0 && errno == EINVAL)
        SKIP("a processor without FSGSBASE");
    use_gs(&area);
    pid_t pid = fork(); /* the child has it, too */
    if (pid == 0)
        _exit(at_gs(8) == 42 && getppid() >= 0 && at_gs(0) == (unsigned long)&area ? 3 : 4);
    CHECK_EQ(end_of(pid), 3);
    CHECK_EQ(at_gs(8), 42);
    CHECK_EQ(CALL(arch_prctl, ARCH_SET_GS, 0), 0);
    CHECK(getppid() >= 0);
}

/* Threads with a base of their own each, and one without; all leave the processor now and then. */
static void *in_thread(void *arg)
{
    struct area area = {(unsigned long)&area, (unsigned long)arg};
    long wrong = 0;

    if (arg)
        wrong += CALL(arch_prctl, ARCH_SET_GS, &area) != 0;
    for (int i = 0; i < 3000; i++) {
        if (arg)
            wrong += at_gs(8) != (unsigned long)arg || at_gs(0) != (unsigned long)&area;
        if (i % 8 == 0)
            sched_yield();
        else
            (void)syscall(SYS_getppid);
    }
    return (void *)wrong;
}

static void threads(void)
{
    struct area area = {(unsigned long)&area, 7};
    pthread_t all[4];
    void *wrong;

    if (CALL(arch_prctl, ARCH_SET_GS, &area) != 0 && errno == EINVAL)
        SKIP("a processor without FSGSBASE");
    CHECK_EQ(CALL(arch_prctl, ARCH_SET_GS, 0), 0);
    for (long i = 0; i < 4; i++)
        NEED(pthread_create(&all[i], NULL, in_thread, (void *)i) == 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(all[i], &wrong);
        CHECK_EQ((long)wrong, 0);
    }
}

static void jump(void *where)
{
    ((void (*)(void))where)();
}

/* A jump to where only the kernel may be, with a base that leads nowhere. */
static void wild_jump(void)
{
    static const uintptr_t places[] = {-1ul, -4096ul, 0xffffffff80000000, 0xffff888000000000};
    siginfo_t info;

    if (CALL(arch_prctl, ARCH_SET_GS, 16) != 0 && errno == EINVAL)
        SKIP("a processor without FSGSBASE");
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        if (i == 2 && inside_osprey())
            break; /* the kernel's own text and memory can be jumped to */
        CHECK_EQ(catch_fault(jump, (void *)places[i], &info), SIGSEGV);
    }
    CHECK_EQ(CALL(arch_prctl, ARCH_SET_GS, 0), 0);
}

int main(void)
{
    promise("arch_prctl: results and errors", results);
    promise("arch_prctl: features of the processor", features);
    promise("ARCH_SET_GS: the program's GS base, across calls, faults, signals, fork", gs_base);
    promise("ARCH_SET_GS: one for each thread", threads);
    promise("ARCH_SET_GS: a jump into the kernel's half is SIGSEGV", wild_jump);
    return check_end();
}
