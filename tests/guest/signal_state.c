// cpus: 1 2
// timeout: 120
/* What no signal, system call, interrupt or preemption may change: general and vector
 * registers, flags, x87 state and the red zone. */
#include "check.h"
#include <cpuid.h>
#include <immintrin.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>

static volatile sig_atomic_t hits;

/* A handler that dirties what it can. */
static void dirty(int sig, siginfo_t *info, void *context)
{
    (void)info, (void)context, (void)sig;
    __asm__ volatile("pcmpeqd %%xmm0, %%xmm0\n movdqa %%xmm0, %%xmm1\n movdqa %%xmm0, %%xmm7\n"
                     "movdqa %%xmm0, %%xmm15\n fldpi\n fldpi\n fstp %%st(0)\n fstp %%st(0)\n"
                     "std\n cld\n" ::
                         : "xmm0", "xmm1", "xmm7", "xmm15");
    hits++;
}

static void start_storm(void)
{
    struct sigaction act = {.sa_sigaction = dirty, .sa_flags = SA_SIGINFO | SA_RESTART};
    struct itimerval every = {{0, 1000}, {0, 1000}};

    hits = 0;
    sigaction(SIGALRM, &act, NULL);
    setitimer(ITIMER_REAL, &every, NULL);
}

static void stop_storm(void)
{
    struct itimerval off = {0};

    setitimer(ITIMER_REAL, &off, NULL);
    CHECK(hits > 5);
}

/* Fill xmm0-15 with patterns, wait in a loop, compare. Returns the mask of lost registers. */
static unsigned xmm_loop(uint64_t seed, long loops)
{
    uint64_t in[32], out[32];
    unsigned lost = 0;

    for (int i = 0; i < 32; i++)
        in[i] = seed * (uint64_t)(i + 3) ^ 0x9e3779b97f4a7c15u;
    __asm__ volatile(
        "movdqu 0(%[in]), %%xmm0\n movdqu 16(%[in]), %%xmm1\n movdqu 32(%[in]), %%xmm2\n"
        "movdqu 48(%[in]), %%xmm3\n movdqu 64(%[in]), %%xmm4\n movdqu 80(%[in]), %%xmm5\n"
        "movdqu 96(%[in]), %%xmm6\n movdqu 112(%[in]), %%xmm7\n movdqu 128(%[in]), %%xmm8\n"
        "movdqu 144(%[in]), %%xmm9\n movdqu 160(%[in]), %%xmm10\n movdqu 176(%[in]), %%xmm11\n"
        "movdqu 192(%[in]), %%xmm12\n movdqu 208(%[in]), %%xmm13\n movdqu 224(%[in]), %%xmm14\n"
        "movdqu 240(%[in]), %%xmm15\n"
        "1: dec %[n]\n jnz 1b\n"
        "movdqu %%xmm0, 0(%[out])\n movdqu %%xmm1, 16(%[out])\n movdqu %%xmm2, 32(%[out])\n"
        "movdqu %%xmm3, 48(%[out])\n movdqu %%xmm4, 64(%[out])\n movdqu %%xmm5, 80(%[out])\n"
        "movdqu %%xmm6, 96(%[out])\n movdqu %%xmm7, 112(%[out])\n movdqu %%xmm8, 128(%[out])\n"
        "movdqu %%xmm9, 144(%[out])\n movdqu %%xmm10, 160(%[out])\n movdqu %%xmm11, 176(%[out])\n"
        "movdqu %%xmm12, 192(%[out])\n movdqu %%xmm13, 208(%[out])\n movdqu %%xmm14, 224(%[out])\n"
        "movdqu %%xmm15, 240(%[out])\n"
        : [n] "+r"(loops)
        : [in] "r"(in), [out] "r"(out)
        : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
          "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
    for (int i = 0; i < 32; i++)
        if (in[i] != out[i])
            lost |= 1u << (i / 2);
    return lost;
}

__attribute__((target("avx"))) static unsigned ymm_loop(uint64_t seed, long loops)
{
    _Alignas(32) uint64_t in[8], out[8];
    unsigned lost = 0;

    for (int i = 0; i < 8; i++)
        in[i] = seed * (uint64_t)(i + 11) ^ 0xc2b2ae3d27d4eb4fu;
    __asm__ volatile("vmovdqu 0(%[in]), %%ymm3\n vmovdqu 32(%[in]), %%ymm12\n"
                     "1: dec %[n]\n jnz 1b\n"
                     "vmovdqu %%ymm3, 0(%[out])\n vmovdqu %%ymm12, 32(%[out])\n"
                     "vzeroupper\n"
                     : [n] "+r"(loops)
                     : [in] "r"(in), [out] "r"(out)
                     : "memory", "cc", "xmm3", "xmm12");
    for (int i = 0; i < 8; i++)
        if (in[i] != out[i])
            lost |= 1u << (i / 4);
    return lost;
}

static void xmm_survive_signals(void)
{
    start_storm();
    for (int i = 0; i < 10000 && hits < 50; i++)
        CHECK_EQ(xmm_loop((uint64_t)i * 7919 + 1, 200000), 0);
    stop_storm();
}

static void ymm_survive_signals(void)
{
    if (!__builtin_cpu_supports("avx"))
        SKIP("this processor has no AVX");
    start_storm();
    for (int i = 0; i < 10000 && hits < 50; i++)
        CHECK_EQ(ymm_loop((uint64_t)i * 104729 + 1, 200000), 0);
    stop_storm();
}

static atomic_bool stop;
static atomic_int bad_registers;

static void *vector_thread(void *arg)
{
    uint64_t seed = (uint64_t)(long)arg;
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(0, &set);
    sched_setaffinity(0, sizeof set, &set);
    while (!atomic_load(&stop)) {
        if (xmm_loop(seed++, 50000) != 0)
            atomic_fetch_add(&bad_registers, 1);
        if (__builtin_cpu_supports("avx") && ymm_loop(seed++, 50000) != 0)
            atomic_fetch_add(&bad_registers, 1);
        if (seed % 4 == 0)
            sched_yield();
    }
    return NULL;
}

static void vectors_survive_preemption(void)
{
    pthread_t threads[4];

    atomic_store(&stop, false);
    for (long i = 0; i < 4; i++)
        NEED(pthread_create(&threads[i], NULL, vector_thread, (void *)(i * 1000003)) == 0);
    sleep_ms(800);
    atomic_store(&stop, true);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(atomic_load(&bad_registers), 0);
}

/* long call_with_registers(const uint64_t in[12], uint64_t out[12]): load the twelve general
 * registers that a call must keep from in, xmm5 and xmm14 from in too, call getpid, store them to
 * out. xmm5 is checked against in[0..1], xmm14 against in[2..3], stored at out[12..15]. */
long call_with_registers(const uint64_t *in, uint64_t *out);
__asm__(".text\n"
        ".type call_with_registers, @function\n"
        "call_with_registers:\n"
        "push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n push %rsi\n"
        "mov %rdi, %rax\n"
        "movdqu 0(%rax), %xmm5\n movdqu 16(%rax), %xmm14\n"
        "mov 0(%rax), %rbx\n mov 8(%rax), %rbp\n mov 16(%rax), %rdx\n mov 24(%rax), %rsi\n"
        "mov 32(%rax), %rdi\n mov 40(%rax), %r8\n mov 48(%rax), %r9\n mov 56(%rax), %r10\n"
        "mov 64(%rax), %r12\n mov 72(%rax), %r13\n mov 80(%rax), %r14\n mov 88(%rax), %r15\n"
        "mov $39, %eax\n syscall\n"
        "pop %rcx\n"
        "mov %rbx, 0(%rcx)\n mov %rbp, 8(%rcx)\n mov %rdx, 16(%rcx)\n mov %rsi, 24(%rcx)\n"
        "mov %rdi, 32(%rcx)\n mov %r8, 40(%rcx)\n mov %r9, 48(%rcx)\n mov %r10, 56(%rcx)\n"
        "mov %r12, 64(%rcx)\n mov %r13, 72(%rcx)\n mov %r14, 80(%rcx)\n mov %r15, 88(%rcx)\n"
        "movdqu %xmm5, 96(%rcx)\n movdqu %xmm14, 112(%rcx)\n"
        "pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n"
        "ret\n");

static void system_call_preserves(void)
{
    uint64_t in[12], out[16];

    for (int call = 0; call < 100; call++) { /* the first is a trap, later ones may be patched */
        for (int i = 0; i < 12; i++)
            in[i] = 0x1111111111111111u * (uint64_t)(i + 1) + (uint64_t)call;
        NEED(call_with_registers(in, out) == getpid());
        NEED(memcmp(in, out, sizeof in) == 0);
        NEED(memcmp(in, out + 12, 32) == 0);
    }
}

/* getpid with DF and CF set: rcx afterwards, the address behind the call, the flags around it. */
__attribute__((noinline)) static void call_with_flags(uint64_t *rcx, uint64_t *here,
                                                      uint64_t *before, uint64_t *after)
{
    __asm__ volatile(
        "sub $128, %%rsp\n"
        "std\n stc\n pushf\n pop %[before]\n"
        "mov $39, %%eax\n syscall\n 1: pushf\n pop %[after]\n cld\n"
        "mov %%rcx, %[rcx]\n lea 1b(%%rip), %[here]\n"
        "add $128, %%rsp\n"
        : [before] "=&r"(*before), [after] "=&r"(*after), [rcx] "=&r"(*rcx), [here] "=&r"(*here)
        :
        : "rax", "rcx", "r11", "cc", "memory");
}

static void return_address(void)
{
    uint64_t rcx, here, before, after;

    for (int call = 0; call < 100; call++) { /* the first is a trap, later ones may be patched */
        call_with_flags(&rcx, &here, &before, &after);
        CHECK_EQ(rcx, here);
    }
}

static void flags_survive(void)
{
    uint64_t rcx, here, before, after;

    if (inside_osprey())
        SKIP("by design: no calling convention asks for it (docs/CAVEATS.md)");
    call_with_flags(&rcx, &here, &before, &after);
    CHECK_EQ(after, before);
}

/* A leaf keeps data below rsp; neither signals nor interrupts nor calls may write there. */
__attribute__((noinline)) static long red_zone_loop(long loops, long with_call)
{
    long bad;

    __asm__ volatile(
        "mov %[n], %%rbx\n"
        "xor %%r12d, %%r12d\n"
        "1:\n"
        "mov %%rbx, -8(%%rsp)\n mov %%rbx, -64(%%rsp)\n mov %%rbx, -128(%%rsp)\n"
        "mov $300, %%ecx\n 2: dec %%ecx\n jnz 2b\n"
        "test %[call], %[call]\n jz 3f\n"
        "mov $39, %%eax\n syscall\n"
        "3: cmp %%rbx, -8(%%rsp)\n setne %%al\n movzbl %%al, %%eax\n add %%rax, %%r12\n"
        "cmp %%rbx, -64(%%rsp)\n setne %%al\n movzbl %%al, %%eax\n add %%rax, %%r12\n"
        "cmp %%rbx, -128(%%rsp)\n setne %%al\n movzbl %%al, %%eax\n add %%rax, %%r12\n"
        "dec %%rbx\n jnz 1b\n"
        "mov %%r12, %[bad]\n"
        : [bad] "=r"(bad)
        : [n] "r"(loops), [call] "r"(with_call)
        : "rax", "rbx", "rcx", "r11", "r12", "cc", "memory");
    return bad;
}

static void red_zone_under_signals(void)
{
    start_storm();
    for (int i = 0; i < 20000 && hits < 50; i++)
        CHECK_EQ(red_zone_loop(1000, i % 2), 0);
    stop_storm();
}

static void *red_zone_thread(void *arg)
{
    while (!atomic_load(&stop))
        if (red_zone_loop(1000, (long)arg) != 0)
            atomic_fetch_add(&bad_registers, 1);
    return NULL;
}

static void red_zone_under_preemption(void)
{
    pthread_t threads[4];

    atomic_store(&stop, false);
    atomic_store(&bad_registers, 0);
    for (long i = 0; i < 4; i++)
        NEED(pthread_create(&threads[i], NULL, red_zone_thread, (void *)(i % 2)) == 0);
    sleep_ms(500);
    atomic_store(&stop, true);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(atomic_load(&bad_registers), 0);
}

static void rounding_is_kept(void)
{
    unsigned short control = 0x0e7f, seen_control; /* x87: round up, 64 bits */
    unsigned mxcsr = 0x5f80, seen_mxcsr, normal = 0x1f80;

    __asm__ volatile("fldcw %0\n ldmxcsr %1" ::"m"(control), "m"(mxcsr));
    raise(SIGALRM);
    sched_yield();
    sleep_ms(2);
    __asm__ volatile("fnstcw %0\n stmxcsr %1" : "=m"(seen_control), "=m"(seen_mxcsr));
    __asm__ volatile("fninit\n ldmxcsr %0" ::"m"(normal));
    CHECK_EQ(seen_control, control);
    CHECK_EQ(seen_mxcsr & ~0x3fu, mxcsr);
}

static volatile int saw_pattern, frame_aligned, extended_magic;

static void look_at_frame(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    struct _libc_fpstate *fp = uc->uc_mcontext.fpregs;
    unsigned *words = (unsigned *)fp;

    (void)sig, (void)info;
    saw_pattern = fp && fp->_xmm[6].element[0] == 0xabcd1234;
    fp->_xmm[6].element[0] = 0x77777777;
    frame_aligned = ((uintptr_t)__builtin_frame_address(0) & 15) == 0;
    extended_magic = words[464 / 4] == 0x46505853;
}

/* The frame holds the vector registers, and what the handler writes there is loaded. */
static void frame_holds_vectors(void)
{
    struct sigaction act = {.sa_sigaction = look_at_frame, .sa_flags = SA_SIGINFO};
    unsigned pattern = 0xabcd1234, after = 0;
    long result, pid = getpid();

    sigaction(SIGUSR1, &act, NULL);
    __asm__ volatile("movd %[p], %%xmm6\n"
                     "syscall\n"
                     "movd %%xmm6, %[after]\n"
                     : [after] "=r"(after), "=a"(result)
                     : [p] "r"(pattern), "a"(SYS_kill), "D"(pid), "S"((long)SIGUSR1)
                     : "rcx", "r11", "xmm6", "memory");
    CHECK_EQ(result, 0);
    CHECK_EQ(saw_pattern, 1);
    CHECK_EQ(after, 0x77777777);
    CHECK_EQ(frame_aligned, 1);
    if (__builtin_cpu_supports("avx"))
        CHECK_EQ(extended_magic, 1);
}

/* xgetbv and the sizes of CPUID say what the kernel has enabled. */
static void xcr0_fits_cpuid(void)
{
    unsigned a, b, c, d, low = 0, high = 0;

    __cpuid(1, a, b, c, d);
    if (!(c & (1u << 27)))
        SKIP("no OSXSAVE");
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    CHECK((low & 3) == 3);
    if (c & (1u << 28))
        CHECK((low & 7) == 7);
}

int main(void)
{
    promise("xmm0-15 survive signals", xmm_survive_signals);
    promise("ymm registers survive signals", ymm_survive_signals);
    promise("vector registers survive preemption", vectors_survive_preemption);
    promise("a system call changes rax, rcx and r11 alone", system_call_preserves);
    promise("rcx is the return address after a call", return_address);
    promise("the flags survive a call", flags_survive);
    promise("the red zone survives signals and calls", red_zone_under_signals);
    promise("the red zone survives preemption", red_zone_under_preemption);
    promise("rounding modes survive", rounding_is_kept);
    promise("the frame holds the vector registers both ways", frame_holds_vectors);
    promise("XCR0 has what CPUID promises", xcr0_fits_cpuid);
    return check_end();
}
