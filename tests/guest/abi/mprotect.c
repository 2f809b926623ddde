/* man 2 mprotect */
#include "abi.h"
#include "../fault.h"

enum { PAGE = 4096, RW = PROT_READ | PROT_WRITE };

static void results(void)
{
    char *at = mmap(NULL, 3 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    siginfo_t info;

    NEED(at != MAP_FAILED);
    at[PAGE] = 5;
    CHECK_EQ(CALL(mprotect, at + PAGE, PAGE, PROT_READ), 0);
    CHECK_EQ(at[PAGE], 5);
    CHECK_EQ(catch_fault(touch_write, at + PAGE, &info), SIGSEGV);
    CHECK(info.si_code == SEGV_ACCERR && info.si_addr == at + PAGE);
    CHECK_EQ(CALL(mprotect, at + PAGE, PAGE, PROT_NONE), 0);
    CHECK_EQ(catch_fault(touch_read, at + PAGE, NULL), SIGSEGV);
    CHECK_EQ(CALL(mprotect, at, 3 * PAGE, RW), 0);
    CHECK_EQ(at[PAGE], 5);
    CHECK_EQ(CALL(mprotect, at, 0, PROT_NONE), 0);
    at[0] = 1;
}

static void errors(void)
{
    char *at = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fd = file_with("file", "x");

    munmap(at + PAGE, PAGE);
    CHECK_ERRNO(CALL(mprotect, at + 1, PAGE, RW), EINVAL);
    CHECK_ERRNO(CALL(mprotect, at, 2 * PAGE, PROT_READ), ENOMEM); /* a hole */
    CHECK_EQ(catch_fault(touch_write, at, NULL), SIGSEGV);        /* up to it, it is done */
    CHECK_ERRNO(CALL(mprotect, at, PAGE, 1 << 10), EINVAL);
    CHECK_ERRNO(CALL(mprotect, at, PAGE, PROT_READ | PROT_GROWSDOWN), EINVAL);
    fd = open("file", O_RDONLY);
    at = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    CHECK_ERRNO(CALL(mprotect, at, PAGE, RW), EACCES);
}

int main(void)
{
    enter_fresh_dir();
    promise("mprotect: results", results);
    promise("mprotect: errors", errors);
    return check_end();
}
