/* man 2 mlock */
#include "abi.h"
#include <sys/resource.h>

enum { PAGE = 4096 };

static void results(void)
{
    unsigned char there = 0;
    char *at = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    NEED(at != MAP_FAILED);
    CHECK_EQ(CALL(mlock, at + 5, 10), 0);
    CHECK(mincore(at, PAGE, &there) == 0 && there & 1); /* there at once */
    munmap(at + PAGE, PAGE);
    CHECK_ERRNO(CALL(mlock, at, 3 * PAGE), ENOMEM);
    CHECK_ERRNO(CALL(mlock, at, -2 * PAGE), EINVAL);
    CHECK_EQ(CALL(mlock, at, 0), 0);
    NEED(mprotect(at, PAGE, PROT_NONE) == 0);
    CHECK_ERRNO(CALL(mlock, at, PAGE), ENOMEM); /* nothing may be brought in */
}

static void limit(void)
{
    struct rlimit small = {2 * PAGE, 2 * PAGE};
    char *at = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    NEED(munlockall() == 0 && setrlimit(RLIMIT_MEMLOCK, &small) == 0);
    become_nobody();
    CHECK_ERRNO(CALL(mlock, at, 3 * PAGE), ENOMEM);
    CHECK_EQ(CALL(mlock, at, 2 * PAGE), 0);
    CHECK_ERRNO(CALL(mlock, at + 2 * PAGE, PAGE), ENOMEM);
    small = (struct rlimit){0, 0};
    NEED(setrlimit(RLIMIT_MEMLOCK, &small) == 0);
    CHECK_ERRNO(CALL(mlock, at, PAGE), EPERM);
}

int main(void)
{
    promise_apart("mlock: results and errors", results);
    promise_apart("mlock keeps to RLIMIT_MEMLOCK", limit);
    return check_end();
}
