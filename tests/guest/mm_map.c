// cpus: 2
/* Mappings: mmap, munmap, mprotect, mremap and the faults that they lead to. */
#include "check.h"
#include "fault.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

enum { PAGE = 4096 };

static char *map(size_t size, int prot)
{
    return mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static bool all_zero(const char *at, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (at[i])
            return false;
    return true;
}

static void anonymous_is_zero(void)
{
    char *at = map(8 * PAGE, PROT_READ | PROT_WRITE);

    NEED(at != MAP_FAILED);
    CHECK((uintptr_t)at % PAGE == 0);
    CHECK(all_zero(at, 8 * PAGE));
    memset(at, 7, 8 * PAGE);
    CHECK_EQ(munmap(at, 8 * PAGE), 0);
    at = map(8 * PAGE, PROT_READ | PROT_WRITE);
    CHECK(all_zero(at, 8 * PAGE));
    CHECK_EQ(munmap(at, 8 * PAGE), 0);
}

static void unmapped_faults(void)
{
    char *at = map(PAGE, PROT_READ | PROT_WRITE);
    siginfo_t info;

    at[0] = 1;
    CHECK_EQ(munmap(at, PAGE), 0);
    CHECK_EQ(catch_fault(touch_read, at + 5, &info), SIGSEGV);
    CHECK_EQ(info.si_code, SEGV_MAPERR);
    CHECK(info.si_addr == at + 5);
    CHECK_EQ(fault_trapno, 14);
    CHECK_EQ(fault_errcode & 2, 0);
    CHECK_EQ(munmap(at, PAGE), 0); /* unmapping nothing is no error */
}

static void page_zero(void)
{
    siginfo_t info;

    CHECK_EQ(catch_fault(touch_read, NULL, &info), SIGSEGV);
    CHECK_EQ(info.si_code, SEGV_MAPERR);
    CHECK(info.si_addr == NULL);
    CHECK_EQ(catch_fault(touch_write, (void *)0xfff, &info), SIGSEGV);
    CHECK(info.si_addr == (void *)0xfff);
}

static void wild_addresses(void)
{
    siginfo_t info;

    /* Kernel half and non-canonical: a program gets SIGSEGV for both. */
    CHECK_EQ(catch_fault(touch_read, (void *)0xdead000000000000, &info), SIGSEGV);
    CHECK_EQ(info.si_code, SI_KERNEL);
    CHECK_EQ(catch_fault(touch_read, (void *)0x7ffffffff000, &info), SIGSEGV);
}

static void protections(void)
{
    char *at = map(3 * PAGE, PROT_READ | PROT_WRITE);
    siginfo_t info;

    memset(at, 3, 3 * PAGE);
    CHECK_EQ(mprotect(at + PAGE, PAGE, PROT_READ), 0);
    CHECK_EQ(catch_fault(touch_write, at + PAGE, &info), SIGSEGV);
    CHECK_EQ(info.si_code, SEGV_ACCERR);
    CHECK(info.si_addr == at + PAGE);
    CHECK_EQ(fault_errcode & 2, 2);
    CHECK_EQ(at[PAGE], 3);
    CHECK_EQ(catch_fault(touch_write, at, NULL), 0);
    CHECK_EQ(catch_fault(touch_write, at + 2 * PAGE, NULL), 0);
    CHECK_EQ(mprotect(at + PAGE, PAGE, PROT_NONE), 0);
    CHECK_EQ(catch_fault(touch_read, at + PAGE, &info), SIGSEGV);
    CHECK_EQ(info.si_code, SEGV_ACCERR);
    CHECK_EQ(mprotect(at, 3 * PAGE, PROT_READ | PROT_WRITE), 0);
    CHECK_EQ(at[PAGE + 1], 3);
    CHECK_EQ(catch_fault(touch_write, at + PAGE, NULL), 0);
    munmap(at, 3 * PAGE);
}

static void call(void *at)
{
    ((void (*)(void))at)();
}

static void execution(void)
{
    char *at = map(PAGE, PROT_READ | PROT_WRITE);
    siginfo_t info;

    at[0] = (char)0xc3; /* ret */
    CHECK_EQ(catch_fault(call, at, &info), SIGSEGV);
    CHECK_EQ(info.si_code, SEGV_ACCERR);
    CHECK(info.si_addr == at);
    CHECK_EQ(mprotect(at, PAGE, PROT_READ | PROT_EXEC), 0);
    CHECK_EQ(catch_fault(call, at, NULL), 0);
    CHECK_EQ(catch_fault(touch_write, at, NULL), SIGSEGV);
    munmap(at, PAGE);
}

/* Code that is written, run, rewritten and run again: what a JIT does. */
static void self_modifying(void)
{
    unsigned char *at = (void *)map(PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
    int (*code)(void) = (int (*)(void))(void *)at;

    NEED(at != MAP_FAILED);
    at[0] = 0xb8; /* mov $imm32, %eax; ret */
    at[5] = 0xc3;
    for (int i = 0; i < 200; i++) {
        memcpy(at + 1, &i, 4);
        CHECK_EQ(code(), i);
    }
    munmap(at, PAGE);
}

static void mmap_errors(void)
{
    char *at = map(4 * PAGE, PROT_READ);
    int rw = MAP_PRIVATE | MAP_ANONYMOUS;

    CHECK_ERRNO((long)mmap(NULL, 0, PROT_READ, rw, -1, 0), EINVAL);
    CHECK_ERRNO((long)mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0), EINVAL);
    CHECK_ERRNO((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, -1, 0), EBADF);
    CHECK_ERRNO((long)mmap(at + 1, PAGE, PROT_READ, rw | MAP_FIXED, -1, 0), EINVAL);
    CHECK_ERRNO((long)mmap(NULL, (size_t)1 << 60, PROT_READ, rw, -1, 0), ENOMEM);
    CHECK_ERRNO((long)mmap(NULL, -1UL, PROT_READ, rw, -1, 0), ENOMEM);
    CHECK_ERRNO(munmap(at + 1, PAGE), EINVAL);
    CHECK_ERRNO(munmap(at, 0), EINVAL);
    CHECK_ERRNO(munmap((void *)(-1UL << 47), PAGE), EINVAL);
    CHECK_ERRNO(mprotect(at + 1, PAGE, PROT_READ), EINVAL);
    CHECK_EQ(munmap(at + PAGE, PAGE), 0);
    CHECK_ERRNO(mprotect(at, 3 * PAGE, PROT_READ), ENOMEM);
    munmap(at, 4 * PAGE);
}

static void fixed_replaces(void)
{
    char *at = map(4 * PAGE, PROT_READ | PROT_WRITE);
    char *in;

    memset(at, 9, 4 * PAGE);
    in = mmap(at + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
              0);
    CHECK(in == at + PAGE);
    CHECK(all_zero(in, PAGE));
    CHECK_EQ(at[0], 9);
    CHECK_EQ(at[2 * PAGE], 9);
    munmap(at, 4 * PAGE);
}

static void fixed_noreplace(void)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    char *at = map(2 * PAGE, PROT_READ);

    CHECK_ERRNO((long)mmap(at, PAGE, PROT_READ, flags, -1, 0), EEXIST);
    CHECK_ERRNO((long)mmap(at + PAGE, 2 * PAGE, PROT_READ, flags, -1, 0), EEXIST);
    munmap(at, 2 * PAGE);
    CHECK(mmap(at, PAGE, PROT_READ, flags, -1, 0) == at);
    munmap(at, PAGE);
}

static void hint_is_used(void)
{
    char *hint = (void *)0x10000000000, *at;

    at = mmap(hint, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(at == hint);
    CHECK(mmap(hint, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != hint);
    munmap(at, PAGE);
}

static void low_32bit(void)
{
    char *at =
        mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

    NEED(at != MAP_FAILED);
    CHECK((uintptr_t)at < 0x80000000u);
    at[0] = 1;
    munmap(at, PAGE);
}

static void holes_are_punched(void)
{
    char *at = map(64 * PAGE, PROT_READ | PROT_WRITE);

    memset(at, 5, 64 * PAGE);
    for (int i = 1; i < 64; i += 2)
        CHECK_EQ(munmap(at + i * PAGE, PAGE), 0);
    for (int i = 0; i < 64; i++)
        CHECK_EQ(catch_fault(touch_read, at + i * PAGE, NULL), i % 2 ? SIGSEGV : 0);
    for (int i = 0; i < 64; i += 2)
        CHECK_EQ(at[i * PAGE + 17], 5);
    CHECK_EQ(munmap(at, 64 * PAGE), 0);
}

static void mremap_grows_and_shrinks(void)
{
    char *at = map(4 * PAGE, PROT_READ | PROT_WRITE), *to;

    for (int i = 0; i < 4; i++)
        at[i * PAGE] = (char)(i + 1);
    to = mremap(at, 4 * PAGE, 2 * PAGE, 0);
    CHECK(to == at);
    CHECK_EQ(catch_fault(touch_read, at + 2 * PAGE, NULL), SIGSEGV);
    to = mremap(at, 2 * PAGE, 1024 * PAGE, MREMAP_MAYMOVE);
    NEED(to != MAP_FAILED);
    CHECK_EQ(to[0], 1);
    CHECK_EQ(to[PAGE], 2);
    CHECK(all_zero(to + 2 * PAGE, 1022 * PAGE));
    munmap(to, 1024 * PAGE);
}

static void mremap_moves(void)
{
    char *at = map(4 * PAGE, PROT_READ | PROT_WRITE);
    char *place = map(4 * PAGE, PROT_NONE), *to;

    memset(at, 6, 4 * PAGE);
    to = mremap(at, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place);
    CHECK(to == place);
    CHECK_EQ(to[3 * PAGE], 6);
    CHECK_EQ(catch_fault(touch_read, at, NULL), SIGSEGV);
    CHECK_ERRNO((long)mremap(to, PAGE, PAGE, MREMAP_FIXED, place), EINVAL);
    CHECK_ERRNO((long)mremap(to + 1, PAGE, PAGE, MREMAP_MAYMOVE), EINVAL);
    CHECK_ERRNO((long)mremap(to, PAGE, 0, MREMAP_MAYMOVE), EINVAL);
    CHECK_ERRNO((long)mremap(at, PAGE, 2 * PAGE, MREMAP_MAYMOVE), EFAULT);
    munmap(to, 4 * PAGE);
    at = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    NEED(at != MAP_FAILED); /* a second place for what the first makes room for */
    CHECK_ERRNO((long)mremap(at, 0, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at), EFAULT);
    CHECK_EQ(catch_fault(touch_read, at, NULL), SIGSEGV);
}

static void mremap_blocked_in_place(void)
{
    char *at = map(2 * PAGE, PROT_READ | PROT_WRITE);

    CHECK_ERRNO((long)mremap(at, PAGE, 2 * PAGE, 0), ENOMEM);
    munmap(at, 2 * PAGE);
}

static void mremap_dontunmap(void)
{
    char *at = map(PAGE, PROT_READ | PROT_WRITE), *to;

    at[3] = 3;
    to = (char *)syscall(SYS_mremap, at, PAGE, PAGE, MREMAP_MAYMOVE | 4 /* DONTUNMAP */, NULL);
    NEED(to != MAP_FAILED);
    CHECK_EQ(to[3], 3);
    CHECK_EQ(at[3], 0);
    munmap(to, PAGE);
    munmap(at, PAGE);
}

static void many_mappings(void)
{
    enum { N = 5000 };
    static char *at[N];

    for (int i = 0; i < N; i++) {
        at[i] = map(PAGE, i % 2 ? PROT_READ | PROT_WRITE : PROT_READ);
        NEED(at[i] != MAP_FAILED);
        if (i % 2)
            at[i][0] = (char)i;
    }
    for (int i = 1; i < N; i += 2)
        NEED(at[i][0] == (char)i);
    for (int i = 0; i < N; i++)
        NEED(munmap(at[(i * 7919L) % N], PAGE) == 0);
    CHECK_EQ(catch_fault(touch_read, at[1], NULL), SIGSEGV);
}

static void populate(void)
{
    char *at = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    unsigned char seen[16];

    NEED(at != MAP_FAILED);
    CHECK_EQ(mincore(at, 16 * PAGE, seen), 0);
    for (int i = 0; i < 16; i++)
        CHECK_EQ(seen[i] & 1, 1);
    munmap(at, 16 * PAGE);
    CHECK_ERRNO(mincore(at, 16 * PAGE, seen), ENOMEM);
    CHECK_ERRNO(mincore(at + 1, PAGE, seen), EINVAL);
}

int main(void)
{
    promise("anonymous memory is zero, also when reused", anonymous_is_zero);
    promise("unmapped memory faults with SEGV_MAPERR and its address", unmapped_faults);
    promise("page 0 is not mapped", page_zero);
    promise("non-canonical and kernel addresses raise SIGSEGV", wild_addresses);
    promise("mprotect takes away and gives back, page by page", protections);
    promise("memory without PROT_EXEC does not execute", execution);
    promise("rewritten code runs as rewritten", self_modifying);
    promise("mmap, munmap and mprotect refuse what they must", mmap_errors);
    promise("MAP_FIXED replaces what was there", fixed_replaces);
    promise("MAP_FIXED_NOREPLACE does not", fixed_noreplace);
    promise("a free hint is followed, a taken one is not", hint_is_used);
    promise("MAP_32BIT stays below 2 GiB", low_32bit);
    promise("munmap splits mappings", holes_are_punched);
    promise("mremap grows and shrinks", mremap_grows_and_shrinks);
    promise("mremap moves to a fixed place", mremap_moves);
    promise("mremap in place fails with ENOMEM when the way is blocked", mremap_blocked_in_place);
    promise("MREMAP_DONTUNMAP leaves zeros behind", mremap_dontunmap);
    promise("5000 mappings live side by side", many_mappings);
    promise("MAP_POPULATE makes pages present, mincore shows it", populate);
    return check_end();
}
