/* man 2 rseq (glibc's own registration is used): the CPU's number is right, a critical section is
 * restarted by preemption, by a move, by a signal and by membarrier, and a wrong one is SIGSEGV. */
// cpus: 1 4
#include "check.h"
#include <linux/membarrier.h>
#include <linux/rseq.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

static struct rseq *area(void)
{
    return (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
}

static bool registered(void)
{
    return __rseq_size > 0 && (int)area()->cpu_id >= 0;
}

/* Spin in a critical section until something aborts it (1), or the flag is set (0). */
static int spin_in_section(struct rseq *rs, atomic_bool *stop)
{
    int aborted;

    asm volatile(".pushsection __rseq_cs, \"aw\"\n"
                 ".balign 32\n"
                 "7: .long 0, 0\n"
                 ".quad 1f, 2f - 1f, 4f\n"
                 ".popsection\n"
                 "lea 7b(%%rip), %%rax\n"
                 "mov %%rax, %[cs]\n"
                 "1:\n"
                 "cmpb $0, %[stop]\n"
                 "je 1b\n"
                 "2:\n"
                 "xor %[aborted], %[aborted]\n"
                 "jmp 6f\n"
                 ".byte 0x0f, 0xb9, 0x3d\n"
                 ".long 0x53053053\n"
                 "4: mov $1, %[aborted]\n"
                 "6:\n"
                 : [aborted] "=&r"(aborted), [cs] "=m"(rs->rseq_cs)
                 : [stop] "m"(*stop)
                 : "rax", "memory", "cc");
    return aborted;
}

/* --- promises --- */

static void cpu_number(void)
{
    cpu_set_t set, old;

    if (!registered())
        SKIP("this libc has not registered");
    sched_getaffinity(0, sizeof(old), &old);
    for (int cpu = 0; cpu < 64; cpu++) {
        if (!CPU_ISSET(cpu, &old))
            continue;
        CPU_ZERO(&set);
        CPU_SET(cpu, &set);
        CHECK_EQ(sched_setaffinity(0, sizeof(set), &set), 0);
        CHECK_EQ(*(volatile uint32_t *)&area()->cpu_id, cpu);
        CHECK_EQ(*(volatile uint32_t *)&area()->cpu_id_start, cpu);
        CHECK_EQ(sched_getcpu(), cpu);
    }
    sched_setaffinity(0, sizeof(old), &old);
}

static atomic_int handled;
static volatile uint64_t section_in_handler;

static void on_alarm(int signo)
{
    (void)signo;
    section_in_handler = area()->rseq_cs;
    atomic_fetch_add(&handled, 1);
}

static void by_signal(void)
{
    struct sigaction action = {.sa_handler = on_alarm};
    /* Again and again: it may come while the thread is not in a section. */
    struct itimerval soon = {{0, 20000}, {0, 20000}}, never_again = {0};
    atomic_bool never = false;

    if (!registered())
        SKIP("this libc has not registered");
    sigaction(SIGALRM, &action, NULL);
    atomic_store(&handled, 0);
    section_in_handler = 1;
    setitimer(ITIMER_REAL, &soon, NULL);
    while (atomic_load(&handled) == 0)
        CHECK_EQ(spin_in_section(area(), &never), 1);
    setitimer(ITIMER_REAL, &never_again, NULL);
    CHECK_EQ(section_in_handler, 0);
    CHECK_EQ(area()->rseq_cs, 0);
}

static atomic_bool other_stop;

static void *other_on_cpu(void *arg)
{
    (void)arg;
    while (!atomic_load(&other_stop))
        ;
    return NULL;
}

static void by_preemption(void)
{
    cpu_set_t set, old;
    pthread_t other;
    atomic_bool never = false;

    if (!registered())
        SKIP("this libc has not registered");
    sched_getaffinity(0, sizeof(old), &old);
    CPU_ZERO(&set);
    CPU_SET(sched_getcpu(), &set);
    NEED(sched_setaffinity(0, sizeof(set), &set) == 0);
    atomic_store(&other_stop, false);
    NEED(pthread_create(&other, NULL, other_on_cpu, NULL) == 0);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(spin_in_section(area(), &never), 1);
    atomic_store(&other_stop, true);
    pthread_join(other, NULL);
    sched_setaffinity(0, sizeof(old), &old);
}

static _Atomic(struct rseq *) spinner_area;
static atomic_int spinner_tid, spinner_result;
static atomic_bool spinner_stop;

static void *spin(void *arg)
{
    (void)arg;
    atomic_store(&spinner_tid, (int)syscall(SYS_gettid));
    atomic_store(&spinner_area, area());
    atomic_store(&spinner_result, spin_in_section(area(), &spinner_stop));
    return NULL;
}

static pthread_t start_spinner(void)
{
    pthread_t thread;

    atomic_store(&spinner_area, NULL);
    atomic_store(&spinner_result, -1);
    atomic_store(&spinner_stop, false);
    pthread_create(&thread, NULL, spin, NULL);
    while (!atomic_load(&spinner_area))
        sched_yield();
    return thread;
}

/* More than this thread alone can run on? */
static bool many_cpus(void)
{
    cpu_set_t set;

    sched_getaffinity(0, sizeof(set), &set);
    return CPU_COUNT(&set) > 1;
}

static void by_move(void)
{
    cpu_set_t set;
    pthread_t thread;

    if (!registered() || !many_cpus())
        SKIP("one processor, or not registered");
    thread = start_spinner();
    for (int i = 0; i < 10000 && atomic_load(&spinner_result) < 0; i++) {
        CPU_ZERO(&set);
        CPU_SET(i & 1, &set);
        sched_setaffinity(atomic_load(&spinner_tid), sizeof(set), &set);
        sleep_ms(1);
    }
    CHECK_EQ(atomic_load(&spinner_result), 1);
    atomic_store(&spinner_stop, true);
    pthread_join(thread, NULL);
}

static void by_membarrier(void)
{
    int commands = (int)syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
    pthread_t thread;

    if (commands < 0 || !(commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ))
        SKIP("no membarrier with rseq");
    if (!registered() || !many_cpus())
        SKIP("one processor, or not registered");
    CHECK_EQ(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ, 0, 0), 0);
    thread = start_spinner();
    for (int i = 0; i < 10000 && atomic_load(&spinner_result) < 0; i++) {
        CHECK_EQ(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0, 0), 0);
        sleep_ms(1);
    }
    CHECK_EQ(atomic_load(&spinner_result), 1);
    atomic_store(&spinner_stop, true);
    pthread_join(thread, NULL);
}

/* Per-CPU counters without atomic instructions: nothing is lost. */
enum { COUNTERS = 64, THREADS = 6, ROUNDS = 200000 };
static struct {
    volatile long value;
    char pad[56];
} counters[COUNTERS];

static void count_once(struct rseq *rs)
{
    for (;;) {
        uint32_t cpu = *(volatile uint32_t *)&rs->cpu_id_start;
        volatile long *counter = &counters[cpu % COUNTERS].value;
        int aborted;

        asm volatile(".pushsection __rseq_cs, \"aw\"\n"
                     ".balign 32\n"
                     "7: .long 0, 0\n"
                     ".quad 1f, 2f - 1f, 4f\n"
                     ".popsection\n"
                     "lea 7b(%%rip), %%rax\n"
                     "mov %%rax, %[cs]\n"
                     "1:\n"
                     "cmp %[cpu], %[now]\n"
                     "jne 4f\n"
                     "mov (%[counter]), %%rax\n"
                     "inc %%rax\n"
                     "mov %%rax, (%[counter])\n"
                     "2:\n"
                     "xor %[aborted], %[aborted]\n"
                     "jmp 6f\n"
                     ".byte 0x0f, 0xb9, 0x3d\n"
                     ".long 0x53053053\n"
                     "4: mov $1, %[aborted]\n"
                     "6:\n"
                     : [aborted] "=&r"(aborted), [cs] "=m"(rs->rseq_cs)
                     : [cpu] "r"(cpu), [now] "m"(rs->cpu_id), [counter] "r"(counter)
                     : "rax", "memory", "cc");
        if (!aborted)
            return;
    }
}

static void *count(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++)
        count_once(area());
    return NULL;
}

static void counters_per_cpu(void)
{
    pthread_t threads[THREADS];
    long sum = 0;

    if (!registered())
        SKIP("this libc has not registered");
    for (int i = 0; i < THREADS; i++)
        NEED(pthread_create(&threads[i], NULL, count, NULL) == 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < COUNTERS; i++)
        sum += counters[i].value;
    CHECK_EQ(sum, THREADS * ROUNDS);
}

/* In a child: name this section, then be interrupted; how the child ended. */
static int end_of_child(void (*misuse)(struct rseq *rs))
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        misuse(area());
        for (int i = 0; i < 100; i++) {
            kill(getpid(), SIGUSR1);
            sched_yield();
        }
        _exit(0);
    }
    waitpid(pid, &status, 0);
    return status;
}

static void nothing(int signo)
{
    (void)signo;
}

static void name_section(struct rseq *rs, const void *section)
{
    memcpy((char *)rs + offsetof(struct rseq, rseq_cs), &section, sizeof(section));
    asm volatile("" : : : "memory");
}

static void bad_pointer(struct rseq *rs)
{
    name_section(rs, (void *)(1ul << 63));
}

static void bad_version(struct rseq *rs)
{
    static struct rseq_cs section = {.version = 1};

    section.start_ip = section.abort_ip = (uintptr_t)bad_version;
    name_section(rs, &section);
}

static void bad_signature(struct rseq *rs)
{
    static const unsigned char code[16] = {1, 2, 3, 4};
    static struct rseq_cs section;

    section.start_ip = (uintptr_t)bad_signature;
    section.post_commit_offset = 1;
    section.abort_ip = (uintptr_t)code + 4;
    name_section(rs, &section);
}

static void misuse(void)
{
    if (!registered())
        SKIP("this libc has not registered");
    signal(SIGUSR1, nothing);
    CHECK_EQ(WTERMSIG(end_of_child(bad_pointer)), SIGSEGV);
    CHECK_EQ(WTERMSIG(end_of_child(bad_version)), SIGSEGV);
    CHECK_EQ(WTERMSIG(end_of_child(bad_signature)), SIGSEGV);
}

static void across_fork(void)
{
    int status;
    pid_t pid;

    if (!registered())
        SKIP("this libc has not registered");
    pid = fork();
    if (pid == 0) {
        cpu_set_t set;
        unsigned cpu;

        syscall(SYS_getcpu, &cpu, NULL, NULL);
        CPU_ZERO(&set);
        CPU_SET(cpu, &set);
        sched_setaffinity(0, sizeof(set), &set);
        _exit(*(volatile uint32_t *)&area()->cpu_id == cpu ? 0 : 1);
    }
    waitpid(pid, &status, 0);
    CHECK_EQ(status, 0);
}

int main(void)
{
    promise("cpu_id follows the thread from CPU to CPU", cpu_number);
    promise("a signal aborts a critical section before its handler runs", by_signal);
    promise("preemption aborts a critical section", by_preemption);
    promise("a move to another CPU aborts a critical section", by_move);
    promise("membarrier aborts the others' critical sections", by_membarrier);
    promise("per-CPU counters lose nothing", counters_per_cpu);
    promise("a section that cannot be trusted is SIGSEGV", misuse);
    promise("a child is registered as its parent was", across_fork);
    return check_end();
}
