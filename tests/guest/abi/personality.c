/* man 2 personality: kept, inherited, and the bits that change something. */
#include "check.h"
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/select.h>
#include <sys/wait.h>

static int in_child(void (*check)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        check();
        _exit(atomic_load(&check_failed_here) != 0);
    }
    waitpid(pid, &status, 0);
    return status;
}

static void keep(void)
{
    int old = personality(0xffffffff);

    CHECK_EQ(personality((unsigned)old | ADDR_NO_RANDOMIZE), old);
    CHECK_EQ(personality(0xffffffff), old | ADDR_NO_RANDOMIZE);
}

static void uname_26(void)
{
    struct utsname name;

    personality(UNAME26);
    CHECK_EQ(uname(&name), 0);
    CHECK(!strncmp(name.release, "2.6.", 4));
}

static void sticky(void)
{
    struct timeval tv = {0, 20000};

    personality(STICKY_TIMEOUTS);
    CHECK_EQ(select(0, NULL, NULL, NULL, &tv), 0);
    CHECK_EQ(tv.tv_usec, 20000);
    personality(0);
    CHECK_EQ(select(0, NULL, NULL, NULL, &tv), 0);
    CHECK_EQ(tv.tv_usec, 0);
}

static void exec_implied(void)
{
    static const unsigned char ret = 0xc3;
    unsigned char *p;

    personality(READ_IMPLIES_EXEC);
    p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *p = ret;
    ((void (*)(void))p)();
    personality(0);
    p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *p = ret;
    personality(READ_IMPLIES_EXEC);
    CHECK_EQ(mprotect(p, 4096, PROT_READ), 0);
    ((void (*)(void))p)();
}

static void kept(void)
{
    CHECK_EQ(in_child(keep), 0);
}
static void old_name(void)
{
    CHECK_EQ(in_child(uname_26), 0);
}
static void timeouts(void)
{
    CHECK_EQ(in_child(sticky), 0);
}
static void executable(void)
{
    CHECK_EQ(in_child(exec_implied), 0);
}

/* In a program that was started so: mappings go up. */
static int look_at_layout(void)
{
    char *first = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *second = mmap(NULL, 1 << 22, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *third = mmap(NULL, 1 << 22, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (personality(0xffffffff) & READ_IMPLIES_EXEC)
        return 2; /* 64-bit programs do not inherit it */
    return first < second && second < third && (uintptr_t)first < 0x600000000000 ? 0 : 1;
}

static void start_with_layout(void)
{
    personality(ADDR_COMPAT_LAYOUT | ADDR_NO_RANDOMIZE | READ_IMPLIES_EXEC);
    execl("/proc/self/exe", "personality", "layout", NULL);
    CHECK(false);
}

static void layout(void)
{
    CHECK_EQ(in_child(start_with_layout), 0);
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "layout"))
        return look_at_layout();
    promise("ADDR_COMPAT_LAYOUT", layout);
    promise("personality is kept", kept);
    promise("UNAME26", old_name);
    promise("STICKY_TIMEOUTS", timeouts);
    promise("READ_IMPLIES_EXEC", executable);
    return check_end();
}
