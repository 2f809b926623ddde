// clang-format off
// sources: kernel/core/sched.c kernel/core/balance.c kernel/core/runqueue.c kernel/core/policy.c
// sources: kernel/core/thread.c kernel/core/timer.c kernel/core/rcu.c kernel/core/mutex.c
// sources: kernel/core/rwlock.c kernel/core/waitqueue.c kernel/lib/rbtree.c
// sources: kernel/arch/x86_64/context.c kernel/core/tick.c kernel/core/deadline.c
// flags: -Itests/unit/shim/sched -Ikernel -fno-sanitize=all -O2 -no-pie -fno-pie -Wl,-z,norelro
// flags: -pthread -Wno-unused-parameter -finstrument-functions
// clang-format on
/* Scheduler, locks, timers and RCU as they are, on processors that are threads of this host: GS
 * points to struct cpu as in the kernel, interrupts are flags that are looked at when a CPU turns
 * them on, and the host preempts the processors wherever it likes, above all at the begin and end
 * of functions. */
#include "arch/x86_64/context.h"
#include "arch/x86_64/entry.h"
#include "arch/x86_64/irq.h"
#include "arch/x86_64/irqflags.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/memory.h"
#include "core/mutex.h"
#include "core/rcu.h"
#include "core/sched.h"
#include "core/waitqueue.h"
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { CPUS = 4, ARCH_SET_GS = 0x1001, PENDING_KICK = 1, PENDING_CALL = 2 };

/* --- the machine --- */

void __cyg_profile_func_enter(void *fn, void *site);
void __cyg_profile_func_exit(void *fn, void *site);

/* Called at the begin and end of every function, of inlined ones too. */
__attribute__((no_instrument_function)) void __cyg_profile_func_enter(void *fn, void *site)
{
    static _Atomic uint32_t random = 1;
    uint32_t r = atomic_load_explicit(&random, memory_order_relaxed) * 1664525 + 1013904223;

    atomic_store_explicit(&random, r, memory_order_relaxed);
    if (r >> 24 == 0)
        sched_yield();
    else if (r >> 20 == 0x800)
        usleep(100);
}
__attribute__((no_instrument_function)) void __cyg_profile_func_exit(void *fn, void *site)
{
    __cyg_profile_func_enter(fn, site);
}

struct cpu *cpus[CPUS_MAX];
unsigned ncpus = 1;
static struct host_cpu {
    struct cpu cpu;
    bool irqs_on;
    atomic_uint pending;
    _Atomic nsec_t event;
} hosts[CPUS];

static struct host_cpu *host(void)
{
    return container_of(this_cpu(), struct host_cpu, cpu);
}

void panic(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fprintf(stderr, "sched_test: CPU %u: ", this_cpu()->id);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    _exit(1);
}

void log_at(int level, const char *fmt, ...)
{
}

nsec_t clock_monotonic(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

/* Near enough: a cycle is taken for a nanosecond, so slices are shorter than in the kernel. */
nsec_t clock_tsc_to_ns(uint64_t cycles)
{
    return cycles;
}
uint64_t clock_ns_to_tsc(nsec_t ns)
{
    return ns;
}
void clock_cpu_init(void)
{
}
void clock_event_arm(nsec_t deadline)
{
    host()->event = deadline;
}

void *core_alloc(size_t size)
{
    void *p = aligned_alloc(64, ALIGN_UP(size, 64));

    return memset(p, 0, size);
}
void core_free(void *p)
{
    free(p);
}
void *core_stack_alloc(size_t size)
{
    return aligned_alloc(PAGE_SIZE, size);
}
void core_stack_free(void *stack, size_t size)
{
    free(stack);
}
size_t strlcpy(char *dst, const char *src, size_t size)
{
    strncpy(dst, src, size - 1);
    return strlen(src);
}
const char syscall_entry_gs[1]; /* no program here has a GS base */

void fpu_cpu_init(void)
{
}
void fpu_save(void *area)
{
}
void fpu_load(const void *area)
{
}
void irq_vector_set(int vector, irq_handler_t *handler, void *arg)
{
}

void cpu_kick(struct cpu *cpu)
{
    if (cpu != this_cpu())
        atomic_fetch_or(&container_of(cpu, struct host_cpu, cpu)->pending, PENDING_KICK);
}

/* As in arch/x86_64/smp.c. */
static struct {
    atomic_flag busy;
    void (*fn)(void *);
    void *arg;
    _Atomic uint64_t pending;
} call = {.busy = ATOMIC_FLAG_INIT};

static void run_call(void)
{
    uint64_t bit = 1ull << this_cpu()->id;

    if (!(atomic_load(&call.pending) & bit))
        return;
    call.fn(call.arg);
    atomic_fetch_and(&call.pending, ~bit);
}

void cpus_call(cpuset_t set, void (*fn)(void *), void *arg)
{
    uint64_t targets = set.bits & ~(1ull << this_cpu()->id);

    if (!targets)
        return;
    while (atomic_flag_test_and_set(&call.busy)) {
        uint64_t flags = irq_save();

        run_call();
        irq_restore(flags);
        sched_yield();
    }
    call.fn = fn;
    call.arg = arg;
    atomic_store(&call.pending, targets);
    for (unsigned i = 0; i < CPUS; i++)
        if (targets >> i & 1)
            atomic_fetch_or(&hosts[i].pending, PENDING_CALL);
    while (atomic_load(&call.pending))
        sched_yield();
    atomic_flag_clear(&call.busy);
}

/* Handlers, with interrupts off. */
static void take_interrupts(struct host_cpu *h)
{
    unsigned pending = atomic_exchange(&h->pending, 0);

    h->cpu.irq_depth++;
    if (pending & PENDING_KICK)
        sched_kicked();
    if (pending & PENDING_CALL)
        run_call();
    if (h->event <= clock_monotonic()) {
        h->event = NSEC_FOREVER;
        timer_run();
    }
    h->cpu.irq_depth--;
}

/* A thread may leave this CPU only with interrupts off, so h stays right while they are. */
static bool wanted(struct host_cpu *h)
{
    return atomic_load(&h->pending) || h->event <= clock_monotonic();
}

void irq_enable(void)
{
    struct host_cpu *h = host();

    while (wanted(h))
        take_interrupts(h);
    h->irqs_on = true;
}
void irq_disable(void)
{
    host()->irqs_on = false;
}
uint64_t irq_save(void)
{
    bool on = host()->irqs_on;

    host()->irqs_on = false;
    return on ? 0x200 : 0;
}
void irq_restore(uint64_t flags)
{
    if (flags & 0x200)
        irq_enable();
}
bool irq_enabled(void)
{
    return host()->irqs_on;
}
void irq_wait(void)
{
    struct host_cpu *h = host();

    while (!wanted(h))
        sched_yield();
    take_interrupts(h);
}

/* Program code: interrupts come in, and the CPU may be taken away. */
static void program(void)
{
    irq_disable();
    if (wanted(host()))
        take_interrupts(host());
    while (this_cpu()->need_resched || atomic_load(&current->work) & WORK_RESCHED)
        sched_preempt();
    irq_enable();
}

static void *run_cpu(void *arg)
{
    struct host_cpu *h = arg;

    syscall(SYS_arch_prctl, ARCH_SET_GS, h);
    sched_cpu_start();
}

static void start_cpus(void)
{
    pthread_t thread;

    for (unsigned i = 1; i < CPUS; i++) {
        struct host_cpu *h = &hosts[i];

        h->event = NSEC_FOREVER;
        h->cpu.self = &h->cpu;
        h->cpu.id = i;
        if (sched_cpu_init(&h->cpu))
            panic("no memory");
        h->cpu.running = h->cpu.idle_thread;
        cpus[i] = &h->cpu;
        ncpus++;
        pthread_create(&thread, NULL, run_cpu, h);
    }
}

/* --- the tests: each starts threads and waits until they have ended --- */

static struct waitqueue ended = {.waiters = LIST_INIT(ended.waiters)};
static atomic_uint left;
static _Atomic uint64_t seed = 88172645463325252ull;
static unsigned scale = 1;

static uint64_t chance(uint64_t n)
{
    uint64_t x = atomic_load(&seed) + sched_cycles();

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    atomic_store(&seed, x);
    return x % n;
}

static void finish(void)
{
    if (atomic_fetch_sub(&left, 1) == 1)
        wake_all(&ended);
}

static void run(const char *promise, unsigned count, void (*fn)(void *))
{
    atomic_store(&left, count);
    for (unsigned i = 0; i < count; i++)
        if (!kthread_start("test", fn, (void *)(uintptr_t)i))
            panic("no memory");
    if (WAIT_EVENT(&ended, !atomic_load(&left), 0, clock_monotonic() + 100000000000))
        panic("%s: %u threads hang", promise, atomic_load(&left));
    printf("ok - %s\n", promise);
    fflush(stdout);
}

static struct mutex mutex;
static uint64_t in, out;

static void lock_and_unlock(void *arg)
{
    for (unsigned i = 0; i < 3000 * scale; i++) {
        if (chance(8) == 0) {
            while (!mutex_trylock(&mutex))
                thread_yield();
        } else {
            mutex_lock(&mutex);
        }
        in++;
        if (chance(16) == 0)
            thread_yield();
        assert(in == ++out, "two in the mutex");
        mutex_unlock(&mutex);
        program();
    }
    finish();
}

static struct rwlock rwlock;

static void read_and_write(void *arg)
{
    for (unsigned i = 0; i < 3000 * scale; i++) {
        if (chance(4)) {
            read_lock(&rwlock);
            assert(in == out, "a reader beside a writer");
            if (chance(8) == 0)
                thread_yield();
            assert(in == out, "a reader beside a writer");
            read_unlock(&rwlock);
        } else {
            write_lock(&rwlock);
            in++;
            if (chance(8) == 0)
                thread_yield();
            out++;
            write_unlock(&rwlock);
        }
        program();
    }
    finish();
}

static struct waitqueue ball_waiters[8];
static atomic_uint balls[8];

static void play(void *arg)
{
    unsigned pair = (uintptr_t)arg / 2, me = (uintptr_t)arg % 2;

    for (unsigned i = 0; i < 3000 * scale; i++) {
        WAIT_EVENT(&ball_waiters[pair], (atomic_load(&balls[pair]) & 1) == me, 0, NSEC_FOREVER);
        atomic_fetch_add(&balls[pair], 1);
        wake_all(&ball_waiters[pair]);
        program();
    }
    finish();
}

static atomic_uint tokens;
static struct waitqueue token_waiters = {.waiters = LIST_INIT(token_waiters.waiters)};

static bool take_token(void)
{
    unsigned n = atomic_load(&tokens);

    while (n)
        if (atomic_compare_exchange_weak(&tokens, &n, n - 1))
            return true;
    return false;
}

/* As many tokens are given as taken, one wake-up each, so nobody waits for ever. */
static void pass_tokens(void *arg)
{
    for (unsigned i = 0; i < 2000 * scale; i++) {
        if ((uintptr_t)arg % 2) {
            atomic_fetch_add(&tokens, 1);
            waitqueue_wake(&token_waiters, 1, 0);
        } else {
            while (
                WAIT_EVENT(&token_waiters, take_token(), WAIT_EXCLUSIVE,
                           chance(2) ? NSEC_FOREVER : clock_monotonic() + (nsec_t)chance(100000)))
                ;
        }
        program();
    }
    finish();
}

static void sleep_not_too_short(void *arg)
{
    for (unsigned i = 0; i < 100 * scale; i++) {
        nsec_t until = clock_monotonic() + chance(2000000);

        thread_sleep_until(until, false);
        assert(clock_monotonic() >= until, "woken early");
    }
    finish();
}

static void end_at_once(void *arg)
{
    finish();
}

static void create(void *arg)
{
    for (unsigned i = 0; i < 1000 * scale; i++) {
        atomic_fetch_add(&left, 1);
        if (!kthread_start("short", end_at_once, NULL))
            panic("no memory");
        program();
    }
    finish();
}

struct shared {
    struct rcu_head rcu;
    uint64_t magic;
};
static struct shared *_Atomic shared;

static void reclaim(struct rcu_head *head)
{
    struct shared *old = container_of(head, struct shared, rcu);

    old->magic = 0; /* not freed: the next one would look as good */
}

static void replace_and_read(void *arg)
{
    for (unsigned i = 0; i < 2000 * scale; i++) {
        struct shared *new = core_alloc(sizeof *new), *old;

        new->magic = 42;
        old = atomic_exchange(&shared, new);
        if (old && chance(64) == 0) {
            rcu_synchronize();
            reclaim(&old->rcu);
        } else if (old) {
            rcu_call(&old->rcu, reclaim);
        }
        for (unsigned k = 0; k < 10; k++) {
            struct shared *seen = rcu_load(shared);

            if (chance(64) == 0)
                usleep(200); /* the host takes this CPU away */
            assert(seen->magic == 42, "reclaimed under a reader");
        }
        program();
    }
    finish();
}

static void fire(struct timer *timer)
{
    if (chance(4) == 0)
        timer_start(timer, clock_monotonic() + chance(3000));
}

static void cancel(void *arg)
{
    for (unsigned i = 0; i < 2000 * scale; i++) {
        struct timer timer;

        timer_init(&timer, fire);
        timer_start(&timer, clock_monotonic() + chance(20000));
        if (chance(2))
            thread_sleep_until(clock_monotonic() + chance(20000), false);
        if (chance(3) == 0)
            thread_set_affinity(current, cpuset_of(chance(CPUS)));
        timer_cancel(&timer);
        timer.fire = NULL; /* a call from now on would be seen */
    }
    finish();
}

static struct thread *_Atomic victims[8];
static atomic_bool stop;

static void be_moved(void *arg)
{
    atomic_store(&victims[(uintptr_t)arg], current);
    while (!atomic_load(&stop)) {
        switch (chance(4)) {
        case 0:
            thread_yield();
            break;
        case 1:
            thread_sleep_until(clock_monotonic() + chance(20000), true);
            break;
        case 2:
            mutex_lock(&mutex);
            mutex_unlock(&mutex);
            break;
        default:
            program();
        }
    }
    atomic_store(&victims[(uintptr_t)arg], NULL);
    finish();
}

static void change_one(struct thread *thread)
{
    cpuset_t set = {chance(1 << CPUS) | 1ull << chance(CPUS)};

    switch (chance(5)) {
    case 0:
        thread_set_affinity(thread, set);
        break;
    case 1:
        thread_set_nice(thread, (int)chance(40) - 20);
        break;
    case 2:
        thread_set_policy(thread, POLICY_BATCH, 0);
        break;
    case 3:
        thread_set_policy(thread, chance(2) ? POLICY_RR : POLICY_FIFO, 1 + (int)chance(90));
        break;
    default:
        thread_set_policy(thread, POLICY_FAIR, 0);
        thread_post_work(thread, WORK_SIGNAL);
    }
}

/* Above all victims, so that it comes to its end. */
static void move_others(void *arg)
{
    thread_set_policy(current, POLICY_RR, 99);
    for (unsigned i = 0; i < 2000 * scale; i++) {
        struct thread *thread = atomic_load(&victims[chance(8)]);
        unsigned id = chance(CPUS);

        if (thread)
            change_one(thread);
        thread_set_affinity(current, cpuset_of(id));
        assert(this_cpu()->id == id, "runs on a CPU that is not allowed");
    }
    atomic_store(&stop, true);
    finish();
}

static void victims_and_movers(void *arg)
{
    if ((uintptr_t)arg < 8)
        be_moved(arg);
    else
        move_others(arg);
}

static void use_time(void *arg)
{
    nsec_t until = clock_monotonic() + 200000000;
    nsec_t before = thread_runtime(current);

    while (clock_monotonic() < until)
        program();
    assert(thread_runtime(current) > before, "run time stands still");
    finish();
}

static void tests(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(balls); i++)
        waitqueue_init(&ball_waiters[i]);
    run("one is in a mutex at a time", 12, lock_and_unlock);
    in = out = 0;
    run("a writer is alone", 12, read_and_write);
    run("no wake-up is lost", 16, play);
    run("a wake-up of one wakes one", 16, pass_tokens);
    run("nobody is woken early", 16, sleep_not_too_short);
    run("threads begin and end", 4, create);
    run("what readers see is not reclaimed", 8, replace_and_read);
    run("a cancelled timer does not fire", 8, cancel);
    run("threads are moved and changed while they run and sleep", 9, victims_and_movers);
    run("threads share the processors", 10, use_time);
}

int main(void)
{
    struct host_cpu *h = &hosts[0];

    if (getenv("SOAK") && atoi(getenv("SOAK")))
        scale = 50;
    syscall(SYS_arch_prctl, ARCH_SET_GS, h);
    h->event = NSEC_FOREVER;
    h->cpu.self = &h->cpu;
    h->cpu.running = &boot_thread;
    cpus[0] = &h->cpu;
    if (timer_cpu_init(&h->cpu) || sched_init())
        panic("no memory");
    irq_enable();
    start_cpus();
    tests();
    return 0;
}
