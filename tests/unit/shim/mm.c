#include "shim/mm.h"

#include "arch/x86_64/paging.h"
#include "core/cpu.h"
#include "core/log.h"
#include "core/mutex.h"
#include "core/panic.h"
#include "core/thread.h"
#include "arch/x86_64/trap.h"
#include <asm/prctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

unsigned long shim_flushes, shim_calls;
char __kernel_start[1], __kernel_end[1], __text_start[1], __text_end[1];
char __rodata_start[1], __rodata_end[1];
pte_t boot_pml4[512] __attribute__((aligned(4096)));
struct cpu *cpus[CPUS_MAX];
unsigned ncpus = 1;
int (*page_fault_hook)(uintptr_t addr, unsigned access, int *code);
void (*space_switch_hook)(struct cpu *cpu, struct address_space *space);
void (*idle_exit_hook)(struct cpu *cpu);

static struct cpu cpu0, cpu1;
static struct thread thread0;
static jmp_buf panicked;
static bool expecting;

void panic(const char *fmt, ...)
{
    va_list ap;
    if (expecting)
        longjmp(panicked, 1);
    printf("not ok - panic: ");
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
    abort();
}

bool shim_panics(void (*fn)(void *), void *arg)
{
    expecting = true;
    bool yes = setjmp(panicked) != 0;
    if (!yes)
        fn(arg);
    expecting = false;
    return yes;
}

void log_at(int level, const char *fmt, ...)
{
    (void)level;
    (void)fmt;
}

void cpus_call(cpuset_t set, void (*fn)(void *), void *arg)
{
    (void)fn;
    (void)arg;
    if (set.bits & 2)
        shim_calls++;
}

void thread_resched_point(void)
{
}

void mutex_lock(struct mutex *mutex)
{
    NEED(mutex->count == 0);
    mutex->count = 1;
}

void mutex_unlock(struct mutex *mutex)
{
    NEED(mutex->count == 1);
    mutex->count = 0;
}

void read_lock(struct rwlock *lock)
{
    NEED(lock->readers == 0);
    lock->readers = 1;
}

void read_unlock(struct rwlock *lock)
{
    NEED(lock->readers == 1);
    lock->readers = 0;
}

void write_lock(struct rwlock *lock)
{
    NEED(lock->readers == 0);
    lock->readers = -1;
}

void write_unlock(struct rwlock *lock)
{
    NEED(lock->readers == -1);
    lock->readers = 0;
}

size_t strlcpy(char *dst, const char *src, size_t size)
{
    snprintf(dst, size, "%s", src);
    return strlen(src);
}

void shim_second_cpu(bool busy)
{
    atomic_store(&cpu1.idle, !busy);
}

static uint64_t seed = 88172645463325252ull;

uint64_t shim_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

uint64_t shim_below(uint64_t n)
{
    return (shim_random() >> 11) % n;
}

void shim_start(size_t ram)
{
    void *want = (void *)(DIRECT_MAP_BASE + SHIM_RAM_START);
    void *at = mmap(want, ram, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NORESERVE, -1, 0);
    NEED(at == want);
    cpu0 = (struct cpu){.self = &cpu0, .running = &thread0};
    cpu1 = (struct cpu){.self = &cpu1, .id = 1, .idle = true};
    cpus[0] = &cpu0;
    cpus[1] = &cpu1;
    NEED(syscall(SYS_arch_prctl, ARCH_SET_GS, &cpu0) == 0);
    /* The direct map as paging.c sees it: one large page, present. */
    static pte_t pdpt[512] __attribute__((aligned(4096)));
    boot_pml4[DIRECT_MAP_BASE >> 39 & 511] = ((uintptr_t)pdpt - DIRECT_MAP_BASE) | PTE_PRESENT;
    for (unsigned i = 0; i < 512; i++)
        pdpt[i] = PTE_PRESENT | PTE_HUGE;
    struct frame_span span = {SHIM_RAM_START, SHIM_RAM_START + ram};
    NEED(frame_init(&span, 1) == 0);
}
