// cpus: 1 4
// flags: -lm
/* Vector and floating-point registers belong to the thread: across switches, calls and signals. */
#include "check.h"
#include <fenv.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

/* On a busy host each yield hands a slice of time to others: that many of them only. */
enum { THREADS = 6, ROUNDS = 3000, YIELDS = 200 };

/* Fill xmm0 to xmm15, spin, make a system call, and look whether they are the same. */
static bool registers_survive(uint64_t pattern, long nr, long turns)
{
    uint64_t in[32], out[32];

    for (int i = 0; i < 32; i++)
        in[i] = pattern * (unsigned)(i + 1);
#define EACH(op)                                                                                   \
    op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11) op(12) op(13) op(14) \
        op(15)
#define LOAD(n)  "movups 16*" #n "(%[in]), %%xmm" #n "\n"
#define STORE(n) "movups %%xmm" #n ", 16*" #n "(%[out])\n"
    __asm__ volatile(EACH(LOAD) "1: dec %[turns]\n"
                                "jnz 1b\n"
                                "test %%rax, %%rax\n"
                                "jz 2f\n"
                                "syscall\n"
                                "2:\n" EACH(STORE)
                     : "+a"(nr), [turns] "+r"(turns)
                     : [in] "r"(in), [out] "r"(out)
                     : "rcx", "r11", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5",
                       "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",
                       "xmm15");
    return memcmp(in, out, sizeof in) == 0;
}

static bool has_avx(void)
{
    return __builtin_cpu_supports("avx");
}

__attribute__((target("avx"))) static bool upper_halves_survive(uint64_t pattern, long nr)
{
    uint64_t in[4] = {pattern, pattern * 3, pattern * 5, pattern * 7}, out[4];

    __asm__ volatile("vmovups (%[in]), %%ymm9\n"
                     "syscall\n"
                     "vmovups %%ymm9, (%[out])\n"
                     "vzeroupper\n"
                     : "+a"(nr)
                     : [in] "r"(in), [out] "r"(out)
                     : "rcx", "r11", "memory", "xmm9");
    return memcmp(in, out, sizeof in) == 0;
}

static atomic_int wrong;

static void *keep_registers(void *arg)
{
    uint64_t pattern = 0x0123456789abcdef * (uint64_t)(uintptr_t)arg;

    for (int i = 0; i < ROUNDS; i++) {
        long nr = i % (ROUNDS / YIELDS) == 0 ? SYS_sched_yield : SYS_getppid;
        bool good = registers_survive(pattern + (unsigned)i, nr, 1);

        if (has_avx())
            good &= upper_halves_survive(pattern + (unsigned)i, nr);
        if (!good)
            atomic_fetch_add(&wrong, 1);
    }
    if (!registers_survive(pattern, SYS_sched_yield, 20000000)) /* until the slice ends */
        atomic_fetch_add(&wrong, 1);
    return NULL;
}

static void in_threads(void *(*fn)(void *))
{
    pthread_t threads[THREADS];

    atomic_store(&wrong, 0);
    for (uintptr_t i = 0; i < THREADS; i++)
        NEED(pthread_create(&threads[i], NULL, fn, (void *)(i + 1)) == 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(atomic_load(&wrong), 0);
}

static void switches(void)
{
    in_threads(keep_registers);
}

static void *keep_rounding(void *arg)
{
    static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    int mode = modes[(uintptr_t)arg % 4];

    fesetround(mode);
    for (int i = 0; i < YIELDS; i++) {
        sched_yield();
        if (fegetround() != mode)
            atomic_fetch_add(&wrong, 1);
    }
    return NULL;
}

static void control_words(void)
{
    in_threads(keep_rounding);
}

static void *inherit(void *arg)
{
    (void)arg;
    if (fegetround() != FE_UPWARD)
        atomic_fetch_add(&wrong, 1);
    return NULL;
}

static void a_new_thread_inherits(void)
{
    fesetround(FE_UPWARD);
    in_threads(inherit);
    fesetround(FE_TONEAREST);
}

static volatile double handler_result;

static void use_registers(int sig)
{
    double x = sig;

    for (int i = 0; i < 50; i++)
        x = x * 1.5 + 1;
    __asm__ volatile("pcmpeqd %%xmm5, %%xmm5\n"
                     "pcmpeqd %%xmm13, %%xmm13\n"
                     :
                     :
                     : "xmm5", "xmm13");
    fesetround(FE_DOWNWARD);
    handler_result = x;
}

static void handlers_start_clean_and_put_back(void)
{
    uint64_t in[2] = {0x1111222233334444, 0x5555666677778888}, out[4];
    long nr = SYS_kill, pid = getpid(), sig = SIGUSR1;

    signal(SIGUSR1, use_registers);
    for (int i = 0; i < 200; i++) {
        nr = SYS_kill;
        __asm__ volatile("movups (%[in]), %%xmm5\n"
                         "movups (%[in]), %%xmm13\n"
                         "syscall\n"
                         "movups %%xmm5, (%[out])\n"
                         "movups %%xmm13, 16(%[out])\n"
                         : "+a"(nr)
                         : "D"(pid), "S"(sig), [in] "r"(in), [out] "r"(out)
                         : "rcx", "r11", "memory", "xmm5", "xmm13");
        NEED(nr == 0);
        CHECK(memcmp(in, out, 16) == 0 && memcmp(in, out + 2, 16) == 0);
        CHECK_EQ(fegetround(), FE_TONEAREST);
    }
}

int main(void)
{
    promise("vector registers survive calls and switches", switches);
    promise("rounding modes are the thread's own", control_words);
    promise("a new thread inherits the control words", a_new_thread_inherits);
    promise("a signal handler's use of them is undone", handlers_start_clean_and_put_back);
    return check_end();
}
