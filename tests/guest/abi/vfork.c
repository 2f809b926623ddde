/* man 2 vfork: the child has the parent's memory, and the parent waits. */
#include "abi.h"

static volatile int shared;

static void results(void)
{
    int64_t before = now_ns();
    pid_t pid = vfork();

    if (pid == 0) {
        shared = 7;
        sleep_ms(5);
        shared = 8;
        _exit(3);
    }
    CHECK_EQ(shared, 8);
    CHECK(now_ns() - before >= 5 * MS);
    CHECK_EQ(end_of(pid), 3);
}

static void until_exec(void)
{
    static char *const args[] = {"/proc/self/exe", "child", NULL};
    pid_t pid = vfork();

    if (pid == 0) {
        execv(args[0], args);
        _exit(1);
    }
    CHECK_EQ(end_of(pid), 42);
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return 42;
    promise("vfork shares memory until the child ends", results);
    promise("or calls exec", until_exec);
    return check_end();
}
