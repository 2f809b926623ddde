// cpus: 1 4
/* Shapes of code around a `syscall` instruction. A kernel that rewrites call sites must leave
 * the meaning of each unchanged, also when many threads run a site for the first time at once,
 * and when code is read back, rewritten or unmapped. */
#include "check.h"
#include <signal.h>
#include <setjmp.h>
#include "fault.h"
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* long mov_form(void), and an entry at the syscall bytes of the very same site. */
long mov_form(void);
long into_the_middle(long nr);
long zero_extended(void);
long conditional(long which);
__asm__(".text\n"
        ".type mov_form, @function\n"
        "mov_form: mov $39, %eax\n"
        "middle: syscall\n ret\n"
        ".type into_the_middle, @function\n"
        "into_the_middle: mov %rdi, %rax\n jmp middle\n"
        ".type zero_extended, @function\n"
        "zero_extended: mov $39, %rax\n syscall\n ret\n" /* seven bytes: 48 c7 c0 imm32 */
        ".type conditional, @function\n"
        "conditional: test %rdi, %rdi\n mov $39, %eax\n jz 1f\n mov $186, %eax\n"
        "1: syscall\n ret\n");

/* Sites of the program's own text, at every offset in a cache line: 110 is getppid. */
enum { OWN_SITES = 320, OWN_STRIDE = 9, OWN_ROUNDS = 70 };
extern const char own_sites[];
__asm__(".text\n"
        "own_sites: .rept 320\n mov $110, %eax\n syscall\n ret\n nop\n .endr\n");

static long raw_call(unsigned long nr, long a, const void *b, long c)
{
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(nr), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return result;
}

static void same_site_again(void)
{
    for (int i = 0; i < 1000; i++) {
        NEED(mov_form() == getpid());
        NEED(into_the_middle(SYS_gettid) == getpid());
        NEED(into_the_middle(SYS_getppid) == getppid());
        NEED(zero_extended() == getpid());
        NEED(conditional(0) == getpid());
        NEED(conditional(1) == getpid());
    }
}

/* mov $nr,%eax; syscall; ret, repeated over a page with different numbers. */
static unsigned char *make_sites(int n)
{
    unsigned char *at =
        mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    for (int i = 0; i < n; i++) {
        unsigned char site[8] = {0xb8, i % 2 ? 186 : 39, 0, 0, 0, 0x0f, 0x05, 0xc3};

        memcpy(at + (size_t)i * 8, site, 8);
    }
    mprotect(at, 1 << 20, PROT_READ | PROT_EXEC);
    return at;
}

static unsigned char *sites;
static atomic_int ready, wrong;
enum { NSITES = 2000, NTHREADS = 4 };

static void *run_sites(void *arg)
{
    (void)arg;
    atomic_fetch_add(&ready, 1);
    while (atomic_load(&ready) < NTHREADS)
        sched_yield();
    for (int i = 0; i < NSITES; i++) {
        long want = i % 2 ? syscall(SYS_gettid) : getpid();

        if (((long (*)(void))(void *)(sites + i * 8))() != want)
            atomic_fetch_add(&wrong, 1);
    }
    return NULL;
}

static void first_run_by_many(void)
{
    pthread_t threads[NTHREADS];

    sites = make_sites(NSITES);
    for (int i = 0; i < NTHREADS; i++)
        NEED(pthread_create(&threads[i], NULL, run_sites, NULL) == 0);
    for (int i = 0; i < NTHREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(atomic_load(&wrong), 0);
    munmap(sites, 1 << 20);
}

static long own_site(int i)
{
    return ((long (*)(void))(uintptr_t)(own_sites + (size_t)i * OWN_STRIDE))();
}

static int wrong_of(int first, int n, long want)
{
    int bad = 0;

    for (int round = 0; round < OWN_ROUNDS; round++)
        for (int i = first; i < first + n; i++)
            bad += own_site(i) != want;
    return bad;
}

/* Else these promises would promise nothing. */
static int has_stubs(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    int found = 0;

    while (maps && fgets(line, sizeof(line), maps))
        found |= strstr(line, "[osprey]") != NULL;
    if (maps)
        fclose(maps);
    return found;
}

/* A quarter of the sites alone, the next in a child as well as in its parent, each with a copy of
 * the code by then, and in the child's child. */
static void before_and_after_fork(void)
{
    enum { QUARTER = OWN_SITES / 4 };
    pid_t me = getpid(), child;
    int status;

    CHECK_EQ(wrong_of(0, QUARTER, getppid()), 0);
    child = fork();
    if (child == 0) {
        pid_t self = getpid();

        if (wrong_of(0, 2 * QUARTER, me))
            _exit(1);
        child = fork();
        if (child == 0)
            _exit(wrong_of(0, 3 * QUARTER, self) ? 2 : 0);
        if (child < 0 || waitpid(child, &status, 0) != child || status)
            _exit(3);
        _exit(wrong_of(QUARTER, 2 * QUARTER, me) ? 4 : 0);
    }
    CHECK_EQ(wrong_of(QUARTER, QUARTER, getppid()), 0);
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK_EQ(status, 0);
    CHECK_EQ(wrong_of(0, 2 * QUARTER, getppid()), 0);
    CHECK_EQ(has_stubs(), inside_osprey());
}

static void *run_own_sites(void *want)
{
    atomic_fetch_add(&ready, 1);
    while (atomic_load(&ready) < NTHREADS)
        sched_yield();
    atomic_fetch_add(&wrong, wrong_of(0, OWN_SITES, (long)want));
    return NULL;
}

static void own_sites_by_many(void)
{
    pthread_t threads[NTHREADS];

    atomic_store(&ready, 0);
    atomic_store(&wrong, 0);
    for (int i = 0; i < NTHREADS; i++)
        NEED(pthread_create(&threads[i], NULL, run_own_sites, (void *)(long)getppid()) == 0);
    for (int i = 0; i < NTHREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(atomic_load(&wrong), 0);
    CHECK_EQ(wrong_of(0, OWN_SITES, getppid()), 0);
}

/* A JIT writes new code where old code was. */
static void rewritten_site(void)
{
    unsigned char *at =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    static const unsigned char call[8] = {0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xc3};
    static const unsigned char constant[6] = {0xb8, 7, 0, 0, 0, 0xc3};
    long (*code)(void) = (long (*)(void))(void *)at;

    for (int i = 0; i < 50; i++) {
        memcpy(at, call, 8);
        NEED(code() == getpid());
        NEED(code() == getpid());
        memcpy(at, constant, 6);
        NEED(code() == 7);
    }
    munmap(at, 4096);
}

/* The same address, another mapping. */
static void remapped_site(void)
{
    for (int i = 0; i < 20; i++) {
        unsigned char *at = mmap((void *)0x20000000, 4096, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        unsigned char site[8] = {0xb8, i % 2 ? 186 : 39, 0, 0, 0, 0x0f, 0x05, 0xc3};

        at[0x100] = 0;
        memcpy(at, site, 8);
        mprotect(at, 4096, PROT_READ | PROT_EXEC);
        for (int j = 0; j < 3; j++)
            NEED(((long (*)(void))(void *)at)() == getpid());
        munmap(at, 4096);
    }
}

/* A site across two pages, and one whose mov ends where the page begins. */
static void across_pages(void)
{
    unsigned char *at =
        mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    static const unsigned char site[8] = {0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xc3};

    for (int shift = 1; shift < 8; shift++) {
        mprotect(at, 8192, PROT_READ | PROT_WRITE);
        memcpy(at + 4096 - shift, site, 8);
        mprotect(at, 8192, PROT_READ | PROT_EXEC);
        for (int i = 0; i < 3; i++)
            NEED(((long (*)(void))(void *)(at + 4096 - shift))() == getpid());
    }
    munmap(at, 8192);
}

/* The syscall as the first instruction of a mapping: nothing before it may be read. */
static void first_in_mapping(void)
{
    unsigned char *at =
        mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    long result;

    munmap(at, 4096);
    memcpy(at + 4096, "\x0f\x05\xc3", 3);
    mprotect(at + 4096, 4096, PROT_READ | PROT_EXEC);
    for (int i = 0; i < 3; i++) {
        __asm__ volatile("call *%1"
                         : "=a"(result)
                         : "r"(at + 4096), "a"(39L)
                         : "rcx", "r11", "memory");
        NEED(result == getpid());
    }
    munmap(at + 4096, 4096);
}

/* On a stack with hardly any room left, the call must not need the program's stack. */
static void tiny_stack(void)
{
    char *at = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    long result;

    mprotect(at, 4096, PROT_NONE);
    for (int i = 0; i < 3; i++) {
        __asm__ volatile("mov %%rsp, %%rbx\n mov %[top], %%rsp\n mov $39, %%eax\n syscall\n"
                         "mov %%rbx, %%rsp\n"
                         : "=&a"(result)
                         : [top] "r"(at + 4096)
                         : "rbx", "rcx", "r11", "memory");
        NEED(result == getpid());
    }
    munmap(at, 8192);
}

static int wake_up[2];

static void write_a_byte(int signo)
{
    (void)signo;
    NEED(write(wake_up[1], "x", 1) == 1);
}

static void started_again(unsigned long half)
{
    struct sigaction action = {.sa_handler = write_a_byte, .sa_flags = SA_RESTART};
    char byte;

    NEED(pipe(wake_up) == 0 && sigaction(SIGALRM, &action, NULL) == 0);
    alarm(1);
    CHECK_EQ(raw_call(half | SYS_read, wake_up[0], &byte, 1), 1);
    close(wake_up[0]);
    close(wake_up[1]);
}

/* The upper half of rax says nothing, whatever the call: a plain one, one that takes and changes
 * all registers, one that is none, one that a signal starts again. */
static void number_in_the_low_half(void)
{
    static const unsigned long halves[] = {1ul << 32, 0x7fffffff00000000, 0xffffffff00000000};
    unsigned char byte;
    int ends[2], status;
    pid_t child;

    NEED(pipe(ends) == 0);
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++)
            CHECK_EQ(into_the_middle(halves[i] | SYS_getppid), getppid());
        CHECK_EQ(raw_call(halves[i] | SYS_write, ends[1], "x", 1), 1);
        CHECK_EQ(raw_call(halves[i] | SYS_read, ends[0], &byte, 1), 1);
        CHECK_EQ(raw_call(halves[i] | 9999, 0, NULL, 0), -ENOSYS);
        CHECK_EQ(raw_call(halves[i] | 0xffffffff, 0, NULL, 0), -ENOSYS);
        CHECK_EQ(raw_call(halves[i] | 0x80000000 | SYS_getppid, 0, NULL, 0), -ENOSYS);
        child = (pid_t)raw_call(halves[i] | SYS_fork, 0, NULL, 0);
        if (child == 0)
            raw_call(halves[i] | SYS_exit, 7, NULL, 0);
        CHECK(child > 0 && waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7);
    }
    started_again(halves[2]);
    close(ends[0]);
    close(ends[1]);
}

static char *vanishing;
static atomic_bool enough;
static sigjmp_buf back;

static void jump_back(int signo)
{
    siglongjmp(back, signo);
}

/* Nine bytes of nop, mov $110, %rax; syscall (getppid); ret: a site that is not patched. */
static void *unmap_and_map(void *arg)
{
    static const unsigned char code[] = {0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x48,
                                         0xc7, 0xc0, 110,  0,    0,    0,    0x0f, 0x05, 0xc3};

    while (!atomic_load(&enough)) {
        munmap(vanishing, 4096);
        mmap(vanishing, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
             MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memcpy(vanishing, code, sizeof code);
    }
    return arg;
}

static void code_that_vanishes(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP};
    struct sigaction action = {.sa_handler = jump_back, .sa_flags = SA_NODEFER};
    time_t end = time(NULL) + 3;
    pthread_t thread;

    vanishing =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    NEED(vanishing != MAP_FAILED);
    for (int i = 0; i < 4; i++)
        sigaction(signals[i], &action, NULL);
    NEED(pthread_create(&thread, NULL, unmap_and_map, NULL) == 0);
    while (time(NULL) < end)
        if (sigsetjmp(back, 0) == 0)
            ((long (*)(void))(uintptr_t)vanishing)();
    atomic_store(&enough, true);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    for (int i = 0; i < 4; i++)
        signal(signals[i], SIG_DFL);
}

int main(void)
{
    promise("one site entered at both of its instructions", same_site_again);
    promise("2000 fresh sites run by four threads at once", first_run_by_many);
    promise("sites of the program's text before and after fork", before_and_after_fork);
    promise("sites of the program's text run by four threads at once", own_sites_by_many);
    promise("a rewritten site does what the new code says", rewritten_site);
    promise("a new mapping at an old site's address", remapped_site);
    promise("a site across two pages", across_pages);
    promise("a site at the start of a mapping", first_in_mapping);
    promise("a call without room on the stack", tiny_stack);
    promise("the number is the low half of rax", number_in_the_low_half);
    promise("code that another thread unmaps faults in the program", code_that_vanishes);
    return check_end();
}
