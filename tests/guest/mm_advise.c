// memory: 256M
/* madvise, brk, msync, mlock, large regions. */
#include "check.h"
#include "fault.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

enum { PAGE = 4096, MIB = 1 << 20 };

static char *map(size_t size, int flags)
{
    return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

static void dontneed(void)
{
    char *at = map(4 * PAGE, 0);

    memset(at, 1, 4 * PAGE);
    CHECK_EQ(madvise(at + PAGE, 2 * PAGE, MADV_DONTNEED), 0);
    CHECK_EQ(at[0], 1);
    CHECK_EQ(at[PAGE], 0);
    CHECK_EQ(at[2 * PAGE + 100], 0);
    CHECK_EQ(at[3 * PAGE], 1);
    munmap(at, 4 * PAGE);
}

static void free_gives_old_or_zero(void)
{
    char *at = map(PAGE, 0);

    memset(at, 1, PAGE);
    CHECK_EQ(madvise(at, PAGE, MADV_FREE), 0);
    CHECK(at[0] == 0 || at[0] == 1);
    at[0] = 2;
    CHECK_EQ(at[0], 2);
    munmap(at, PAGE);
}

static void advice_errors(void)
{
    char *at = map(4 * PAGE, 0);

    CHECK_ERRNO(madvise(at + 1, PAGE, MADV_DONTNEED), EINVAL);
    CHECK_ERRNO(madvise(at, PAGE, 12345), EINVAL);
    CHECK_EQ(madvise(at, 0, MADV_DONTNEED), 0);
    munmap(at + PAGE, PAGE);
    memset(at + 2 * PAGE, 1, PAGE);
    CHECK_ERRNO(madvise(at, 3 * PAGE, MADV_DONTNEED), ENOMEM);
    CHECK_EQ(at[2 * PAGE], 0); /* the mapped rest was done all the same */
    munmap(at, 4 * PAGE);
}

static void harmless_advice(void)
{
    static const int advice[] = {MADV_NORMAL,   MADV_RANDOM,     MADV_SEQUENTIAL, MADV_WILLNEED,
                                 MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_DONTFORK,   MADV_DOFORK,
                                 MADV_DONTDUMP, MADV_DODUMP,     MADV_COLD,       MADV_PAGEOUT};
    char *at = map(4 * MIB, 0);

    memset(at, 4, 4 * MIB);
    for (size_t i = 0; i < sizeof advice / sizeof *advice; i++) {
        int result = madvise(at, 4 * MIB, advice[i]);

        CHECK(result == 0 || errno == EINVAL); /* EINVAL: built without huge pages */
        CHECK_EQ(at[MIB], 4);
    }
    munmap(at, 4 * MIB);
}

static void populate_write(void)
{
    char *at = map(8 * PAGE, 0);
    unsigned char seen[8];

    if (madvise(at, 8 * PAGE, 23 /* MADV_POPULATE_WRITE */) != 0)
        NEED(errno == EINVAL);
    else {
        CHECK_EQ(mincore(at, 8 * PAGE, seen), 0);
        CHECK(seen[0] & seen[7] & 1);
    }
    munmap(at, 8 * PAGE);
}

static void brk_moves(void)
{
    char *start = (char *)syscall(SYS_brk, 0), *end;

    CHECK((uintptr_t)start > 0x1000);
    end = (char *)syscall(SYS_brk, start + 10 * PAGE);
    NEED(end == start + 10 * PAGE);
    CHECK_EQ(end[-1], 0);
    memset(start, 1, 10 * PAGE);
    CHECK((char *)syscall(SYS_brk, start + PAGE) == start + PAGE);
    CHECK((char *)syscall(SYS_brk, start + 2 * PAGE) == start + 2 * PAGE);
    CHECK_EQ(start[PAGE + PAGE - 1], 0); /* given back and taken again: zero */
    CHECK((char *)syscall(SYS_brk, 1) == start + 2 * PAGE);
    CHECK((char *)syscall(SYS_brk, -1L) == start + 2 * PAGE);
    CHECK((char *)syscall(SYS_brk, start) == start);
}

static void brk_beside_malloc(void)
{
    void *first = sbrk(0);
    char *block = malloc(100000);

    memset(block, 1, 100000);
    CHECK(sbrk(0) != (void *)-1);
    CHECK(sbrk(PAGE) != (void *)-1);
    CHECK(sbrk(-PAGE) != (void *)-1);
    CHECK(sbrk(0) >= first);
    free(block);
}

static void huge_reservation(void)
{
    size_t size = (size_t)1 << 40; /* 1 TiB of addresses */
    char *at = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    NEED(at != MAP_FAILED);
    CHECK_EQ(mprotect(at + size / 2, MIB, PROT_READ | PROT_WRITE), 0);
    at[size / 2 + 12345] = 1;
    CHECK_EQ(at[size / 2 + 12345], 1);
    CHECK_EQ(catch_fault(touch_read, at, NULL), SIGSEGV);
    CHECK_EQ(catch_fault(touch_write, at + size - 1, NULL), SIGSEGV);
    CHECK_EQ(munmap(at, size), 0);
}

static void sparse_touch(void)
{
    size_t size = (size_t)8 << 30;
    char *at = map(size, MAP_NORESERVE);

    NEED(at != MAP_FAILED);
    madvise(at, size, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < size; i += 64 * MIB)
        at[i] = (char)(i >> 26);
    for (size_t i = 0; i < size; i += 64 * MIB)
        NEED(at[i] == (char)(i >> 26));
    CHECK_EQ(at[MIB], 0);
    CHECK_EQ(munmap(at, size), 0);
}

/* A large page under the hood must still obey 4 KiB operations. */
static void large_page_splits(void)
{
    char *at = map(8 * MIB, 0);

    NEED(at != MAP_FAILED);
    memset(at, 1, 8 * MIB);
    CHECK_EQ(mprotect(at + 3 * MIB, PAGE, PROT_READ), 0);
    CHECK_EQ(catch_fault(touch_write, at + 3 * MIB, NULL), SIGSEGV);
    CHECK_EQ(catch_fault(touch_write, at + 3 * MIB - 1, NULL), 0);
    CHECK_EQ(catch_fault(touch_write, at + 3 * MIB + PAGE, NULL), 0);
    CHECK_EQ(munmap(at + 5 * MIB, PAGE), 0);
    CHECK_EQ(catch_fault(touch_read, at + 5 * MIB, NULL), SIGSEGV);
    CHECK_EQ(at[5 * MIB + PAGE], 1);
    CHECK_EQ(madvise(at + 4 * MIB, PAGE, MADV_DONTNEED), 0);
    CHECK_EQ(at[4 * MIB], 0);
    CHECK_EQ(at[4 * MIB + PAGE], 1);
    CHECK_EQ(munmap(at, 8 * MIB), 0);
}

static void memory_comes_back(void)
{
    for (int i = 0; i < 20; i++) { /* 20 times 64 MiB do not fit at once */
        char *at = map(64 * MIB, 0);

        NEED(at != MAP_FAILED);
        for (size_t j = 0; j < 64 * MIB; j += PAGE)
            at[j] = 1;
        NEED(munmap(at, 64 * MIB) == 0);
    }
}

static void locks(void)
{
    char *at = map(8 * PAGE, 0);
    unsigned char seen[8] = {0};

    CHECK_EQ(mlock(at + 1, 4 * PAGE), 0);
    CHECK_EQ(mincore(at, 8 * PAGE, seen), 0);
    CHECK_EQ(seen[4] & 1, 1);
    CHECK_EQ(munlock(at, 8 * PAGE), 0);
    munmap(at, 8 * PAGE);
    CHECK_ERRNO(mlock(at, PAGE), ENOMEM);
    CHECK_ERRNO(mlockall(0), EINVAL);
    CHECK_EQ(mlockall(MCL_CURRENT), 0);
    CHECK_EQ(munlockall(), 0);
}

static void msync_errors(void)
{
    char *at = map(2 * PAGE, 0);

    CHECK_EQ(msync(at, 2 * PAGE, MS_SYNC), 0);
    CHECK_EQ(msync(at, 2 * PAGE, MS_ASYNC), 0);
    CHECK_ERRNO(msync(at, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
    CHECK_ERRNO(msync(at + 1, PAGE, MS_SYNC), EINVAL);
    munmap(at, 2 * PAGE);
    CHECK_ERRNO(msync(at, PAGE, MS_SYNC), ENOMEM);
}

static void fault_counters(void)
{
    struct rusage before, after;
    char *at = map(64 * PAGE, 0);

    madvise(at, 64 * PAGE, MADV_NOHUGEPAGE);
    getrusage(RUSAGE_SELF, &before);
    for (int i = 0; i < 64; i++)
        at[i * PAGE] = 1;
    getrusage(RUSAGE_SELF, &after);
    CHECK(after.ru_minflt > before.ru_minflt);
    CHECK(after.ru_maxrss >= 64 * 4);
    munmap(at, 64 * PAGE);
}

int main(void)
{
    promise("brk moves, refuses nonsense and hands out zeros", brk_moves);
    promise("brk and malloc live together", brk_beside_malloc);
    promise("MADV_DONTNEED zeroes just that range", dontneed);
    promise("MADV_FREE leaves the old or zero, a write sticks", free_gives_old_or_zero);
    promise("madvise refuses what it must", advice_errors);
    promise("advice changes no byte", harmless_advice);
    promise("MADV_POPULATE_WRITE makes pages present", populate_write);
    promise("1 TiB may be reserved and used in places", huge_reservation);
    promise("8 GiB may be touched in places", sparse_touch);
    promise("operations of 4 KiB inside a large page keep to 4 KiB", large_page_splits);
    promise("unmapped memory comes back", memory_comes_back);
    promise("mlock makes pages present; errors", locks);
    promise("msync checks its arguments", msync_errors);
    promise("getrusage counts faults and resident memory", fault_counters);
    return check_end();
}
