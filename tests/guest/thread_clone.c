// cpus: 1 2
/* clone(2) without a libc's help: the child's stack, TLS and the tid words. */
#include "check.h"
#include <linux/futex.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

enum {
    THREAD = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM,
    STACK = 65536
};

static atomic_int ran;
static atomic_int parent_tid, child_tid;
static atomic_long seen_fs;

/* Start a thread that calls fn on its own stack and then exits; asm, since a clone'd child
 * must not return into the parent's frame. */
static long raw_clone(unsigned long flags, void *stack, void *tls, void (*fn)(void))
{
    long result;
    register long r10 __asm__("r10") = (long)&child_tid;
    register long r8 __asm__("r8") = (long)tls;
    register void (*r12)(void) __asm__("r12") = fn;

    __asm__ volatile("syscall\n"
                     "test %%rax, %%rax\n"
                     "jnz 1f\n"
                     "xor %%ebp, %%ebp\n"
                     "call *%%r12\n"
                     "mov $60, %%eax\n" /* exit, of this thread alone */
                     "xor %%edi, %%edi\n"
                     "syscall\n"
                     "ud2\n"
                     "1:"
                     : "=a"(result)
                     : "a"(SYS_clone), "D"(flags), "S"(stack), "d"(&parent_tid), "r"(r10), "r"(r8),
                       "r"(r12)
                     : "rcx", "r11", "memory");
    return result;
}

static long raw_syscall(long nr, long a, long b, long c)
{
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(nr), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return result;
}

/* Runs without the libc's TLS: no errno, no stack protector. */
__attribute__((optimize("no-stack-protector"))) static void child_body(void)
{
    unsigned long fs = 0;

    raw_syscall(SYS_arch_prctl, 0x1003 /* ARCH_GET_FS */, (long)&fs, 0);
    atomic_store(&seen_fs, (long)fs);
    atomic_fetch_add(&ran, 1);
}

static void wait_for_exit(void)
{
    int tid;

    while ((tid = atomic_load(&child_tid)) != 0) /* the kernel clears it and wakes us */
        syscall(SYS_futex, &child_tid, FUTEX_WAIT, tid, NULL, NULL, 0);
}

static void tid_words_and_tls(void)
{
    char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    static char tls[256];
    long tid;

    for (int i = 0; i < 50; i++) {
        atomic_store(&ran, 0);
        atomic_store(&child_tid, -1);
        tid = raw_clone(THREAD | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID |
                            CLONE_CHILD_CLEARTID,
                        stack + STACK, tls, child_body);
        NEED(tid > 0);
        CHECK_EQ(atomic_load(&parent_tid), tid);
        wait_for_exit();
        CHECK_EQ(atomic_load(&ran), 1);
        CHECK_EQ(atomic_load(&seen_fs), (long)tls);
    }
    munmap(stack, STACK);
}

/* clone_registers(flags, stack): a child that stores its registers at the foot of its stack and
 * ends. A child inherits every register but rax, rcx, r11 and rsp; Go counts on it. */
long clone_registers(unsigned long flags, void *stack);
__asm__(".text\n"
        ".type clone_registers, @function\n"
        "clone_registers: push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n"
        "lea child_tid(%rip), %r10\n lea parent_tid(%rip), %rdx\n mov $0x108, %r8d\n"
        "mov $0x109, %r9d\n mov $0x10b, %ebx\n mov $0x10e, %ebp\n mov $0x10c, %r12d\n"
        "mov $0x10d, %r13d\n mov $0x110, %r14d\n mov $0x10f, %r15d\n"
        "mov $56, %eax\n syscall\n test %eax, %eax\n jnz 1f\n"
        "mov %rdi, 0(%rsp)\n mov %rsi, 8(%rsp)\n mov %rdx, 16(%rsp)\n mov %r10, 24(%rsp)\n"
        "mov %r8, 32(%rsp)\n mov %r9, 40(%rsp)\n mov %rbx, 48(%rsp)\n mov %rbp, 56(%rsp)\n"
        "mov %r12, 64(%rsp)\n mov %r13, 72(%rsp)\n mov %r14, 80(%rsp)\n mov %r15, 88(%rsp)\n"
        "mov $60, %eax\n xor %edi, %edi\n syscall\n"
        "1: pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n ret\n");

static void child_inherits_registers(void)
{
    static _Alignas(16) long stack[STACK / 8];
    const unsigned long flags =
        THREAD | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;
    long *foot = stack + STACK / 8 - 16;
    const long want[] = {(long)flags,
                         (long)foot,
                         (long)&parent_tid,
                         (long)&child_tid,
                         0x108,
                         0x109,
                         0x10b,
                         0x10e,
                         0x10c,
                         0x10d,
                         0x110,
                         0x10f};

    for (int round = 0; round < 100; round++) { /* the site may be another after some use */
        memset(stack, 0, sizeof stack);
        atomic_store(&child_tid, -1);
        NEED(clone_registers(flags, foot) > 0);
        wait_for_exit();
        for (int i = 0; i < 12; i++)
            CHECK_EQ(foot[i], want[i]);
    }
}

static void bad_flags(void)
{
    CHECK_EQ(raw_clone(CLONE_THREAD, NULL, NULL, child_body), -EINVAL);
    CHECK_EQ(raw_clone(CLONE_SIGHAND, NULL, NULL, child_body), -EINVAL);
    CHECK_EQ(raw_clone(THREAD & ~CLONE_SIGHAND, NULL, NULL, child_body), -EINVAL);
    CHECK_EQ(raw_clone(CLONE_FS | CLONE_NEWNS, NULL, NULL, child_body), -EINVAL);
}

static void clone3_errors(void)
{
    struct clone_args args = {.flags = CLONE_VM, .exit_signal = SIGCHLD};

    CHECK_ERRNO(syscall(SYS_clone3, &args, 8), EINVAL);
    CHECK_ERRNO(syscall(SYS_clone3, (void *)8, sizeof args), EFAULT);
    args.flags = CLONE_THREAD;
    CHECK_ERRNO(syscall(SYS_clone3, &args, sizeof args), EINVAL);
}

static void fs_register(void)
{
    unsigned long before = 0, after = 0;

    CHECK_EQ(syscall(SYS_arch_prctl, 0x1003, &before), 0);
    CHECK(before != 0);
    CHECK_EQ(syscall(SYS_arch_prctl, 0x1002 /* ARCH_SET_FS */, before), 0);
    CHECK_EQ(syscall(SYS_arch_prctl, 0x1003, &after), 0);
    CHECK_EQ(after, before);
    CHECK_ERRNO(syscall(SYS_arch_prctl, 0x1002, 0x8000000000000000UL), EPERM);
    CHECK_ERRNO(syscall(SYS_arch_prctl, 0x7777, 0), EINVAL);
    CHECK_ERRNO(syscall(SYS_arch_prctl, 0x1003, 8), EFAULT);
}

static void gs_register(void)
{
    static unsigned long word = 0x1122334455667788;
    unsigned long seen;

    if (syscall(SYS_arch_prctl, 0x1001 /* ARCH_SET_GS */, &word) != 0)
        SKIP("GS belongs to the kernel");
    __asm__ volatile("mov %%gs:0, %0" : "=r"(seen));
    CHECK_EQ(seen, word);
    CHECK_EQ(syscall(SYS_arch_prctl, 0x1001, 0), 0);
}

static void tid_address(void)
{
    atomic_int word;

    CHECK_EQ(syscall(SYS_set_tid_address, &word), syscall(SYS_gettid));
}

static void robust_list(void)
{
    void *head = NULL;
    size_t size = 0;

    CHECK_EQ(syscall(SYS_get_robust_list, 0, &head, &size), 0);
    CHECK_EQ(size, 24);
    CHECK_ERRNO(syscall(SYS_set_robust_list, head, 23), EINVAL);
    CHECK_EQ(syscall(SYS_set_robust_list, head, 24), 0);
}

static void thread_names(void)
{
    char name[16] = "";

    CHECK_EQ(prctl(PR_SET_NAME, "a-name-that-is-too-long"), 0);
    CHECK_EQ(prctl(PR_GET_NAME, name), 0);
    CHECK(strcmp(name, "a-name-that-is-") == 0);
}

int main(void)
{
    promise("a raw clone gets its stack, TLS and tid words", tid_words_and_tls);
    promise("a child inherits the registers", child_inherits_registers);
    promise("clone refuses flags that make no sense", bad_flags);
    promise("clone3 checks its arguments", clone3_errors);
    promise("arch_prctl sets and tells FS", fs_register);
    promise("set_tid_address tells the thread id", tid_address);
    promise("robust lists are kept", robust_list);
    promise("PR_SET_NAME cuts at 15 characters", thread_names);
    promise("GS can be set by the program", gs_register);
    return check_end();
}
