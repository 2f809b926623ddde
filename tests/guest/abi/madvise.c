/* man 2 madvise */
#include "abi.h"
#include "../fault.h"

enum { PAGE = 4096, RW = PROT_READ | PROT_WRITE, ANON = MAP_PRIVATE | MAP_ANONYMOUS };

static void results(void)
{
    static const int harmless[] = {MADV_NORMAL, MADV_RANDOM,  MADV_SEQUENTIAL, MADV_WILLNEED,
                                   MADV_COLD,   MADV_PAGEOUT, MADV_DONTDUMP,   MADV_DODUMP};
    char *at = mmap(NULL, 4 * PAGE, RW, ANON, -1, 0);
    pid_t pid;

    NEED(at != MAP_FAILED);
    memset(at, 7, 4 * PAGE);
    for (unsigned i = 0; i < sizeof harmless / sizeof *harmless; i++)
        CHECK_EQ(CALL(madvise, at, PAGE, harmless[i]), 0);
    CHECK_EQ(at[0], 7);
    CHECK_EQ(CALL(madvise, at, PAGE, MADV_DONTNEED), 0);
    CHECK_EQ(at[0], 0);
    CHECK_EQ(CALL(madvise, at + PAGE, PAGE, MADV_DONTFORK), 0);
    CHECK_EQ(CALL(madvise, at + 2 * PAGE, PAGE, MADV_WIPEONFORK), 0);
    NEED((pid = start()) >= 0);
    if (pid == 0) {
        CHILD_NEED(at[2 * PAGE] == 0 && at[3 * PAGE] == 7);
        CHILD_NEED(catch_fault(touch_read, at + PAGE, NULL) == SIGSEGV);
        _exit(0);
    }
    CHECK_EQ(end_of(pid), 0);
    CHECK_EQ(at[2 * PAGE], 7);
    CHECK_EQ(CALL(madvise, at, PAGE, MADV_POPULATE_WRITE), 0);
    CHECK_EQ(CALL(madvise, at, 0, MADV_NORMAL), 0);
}

static void errors(void)
{
    char *at = mmap(NULL, 3 * PAGE, RW, ANON, -1, 0);
    int fd = file_with("file", "x");
    char *file = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);

    munmap(at + PAGE, PAGE);
    CHECK_ERRNO(CALL(madvise, at + 1, PAGE, MADV_NORMAL), EINVAL);
    CHECK_ERRNO(CALL(madvise, at, PAGE, 99), EINVAL);
    CHECK_ERRNO(CALL(madvise, at, 3 * PAGE, MADV_DONTNEED), ENOMEM);
    CHECK_ERRNO(CALL(madvise, file, PAGE, MADV_FREE), EINVAL);
    CHECK_ERRNO(CALL(madvise, file, PAGE, MADV_WIPEONFORK), EINVAL);
    CHECK_ERRNO(CALL(madvise, file, PAGE, MADV_POPULATE_WRITE), EINVAL);
    CHECK_ERRNO(CALL(madvise, at, -1l, MADV_NORMAL), EINVAL);
    NEED(mlock(at, PAGE) == 0);
    CHECK_ERRNO(CALL(madvise, at, PAGE, MADV_DONTNEED), EINVAL);
}

int main(void)
{
    enter_fresh_dir();
    promise("madvise: results", results);
    promise("madvise: errors", errors);
    return check_end();
}
