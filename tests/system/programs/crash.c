/* Program errors on demand: crash KIND [handler]. With a handler the signal reaches it and the
 * program says so and ends with 7. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static volatile int zero;
static char alternate[65536];

static void handler(int sig, siginfo_t *info, void *context)
{
    char text[100];
    int n = snprintf(text, sizeof text, "signal %d code %d\n", sig, info->si_code);

    (void)context;
    if (write(1, text, (size_t)n) != n)
        _exit(8);
    _exit(7);
}

static void null_read(void)
{
    zero = *(volatile int *)0;
}

static void null_write(void)
{
    *(volatile int *)8 = 1;
}

static void null_call(void)
{
    ((void (*)(void))(volatile void *)(long)zero)();
}

static void deep(volatile char *above)
{
    volatile char frame[4096];

    frame[0] = above[0];
    deep(frame);
    frame[1] = above[1];
}

static void overflow(void)
{
    volatile char first[2] = {0, 0};

    deep(first);
}

static void illegal(void)
{
    __asm__ volatile("ud2");
}

static void divide(void)
{
    zero = 10 / zero;
}

static void trap(void)
{
    __asm__ volatile("int3");
}

static void privileged(void)
{
    __asm__ volatile("hlt");
}

static void readonly(void)
{
    *(volatile char *)"constant" = 'x';
}

static void execute_data(void)
{
    static unsigned char code[] = {0xc3};

    ((void (*)(void))(void *)code)();
}

static void beyond_file(void)
{
    FILE *file = tmpfile();
    char *at = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fileno(file), 0);

    zero = at[0];
}

static void smashed(void)
{
    volatile char buffer[8];
    volatile int n = 100;

    for (int i = 0; i < n; i++)
        buffer[i] = 1;
}

static void kernel_write(void)
{
    *(volatile long *)0xffffffff80000000 = 1;
}

static void non_canonical(void)
{
    *(volatile long *)0x8000000000000000 = 1;
}

static void *in_thread(void *arg)
{
    null_write();
    return arg;
}

static void thread(void)
{
    pthread_t t;

    pthread_create(&t, NULL, in_thread, NULL);
    pthread_join(t, NULL);
}

static const struct {
    const char *name;
    void (*fn)(void);
} kinds[] = {
    {"null-read", null_read},
    {"null-write", null_write},
    {"null-call", null_call},
    {"stack-overflow", overflow},
    {"illegal", illegal},
    {"divide", divide},
    {"abort", abort},
    {"trap", trap},
    {"privileged", privileged},
    {"readonly", readonly},
    {"execute-data", execute_data},
    {"beyond-file", beyond_file},
    {"smashed", smashed},
    {"kernel-write", kernel_write},
    {"non-canonical", non_canonical},
    {"thread", thread},
};

int main(int argc, char **argv)
{
    if (argc > 2) {
        struct sigaction act = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
        stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};

        sigaltstack(&stack, NULL);
        for (int sig = 1; sig < 32; sig++)
            sigaction(sig, &act, NULL);
    }
    for (size_t i = 0; argc > 1 && i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(argv[1], kinds[i].name) == 0)
            kinds[i].fn();
    return 99;
}
