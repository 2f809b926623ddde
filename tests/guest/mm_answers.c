// cpus: 2
/* Answers of the memory calls where two errors compete, and what a program sees of files that
 * shrink, locked areas and residence. (Found by comparing random calls with Linux's.) */
#include "check.h"
#include "fault.h"

#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/stat.h>

#include <sys/syscall.h>
#include <sys/wait.h>

enum { PAGE = 4096, RW = PROT_READ | PROT_WRITE };
#define ARENA ((char *)0x100000000000)

static int file_of(size_t n)
{
    int fd = memfd_create("mm_answers", 0);
    for (size_t i = 0; i < n / PAGE; i++)
        pwrite(fd, "x", 1, (off_t)(i * PAGE));
    ftruncate(fd, (off_t)n);
    return fd;
}

static char *fixed(unsigned page, unsigned n, int prot, int flags, int fd, off_t at)
{
    return mmap(ARENA + page * PAGE, (size_t)n * PAGE, prot, flags | MAP_FIXED, fd, at);
}

static void clear(void)
{
    munmap(ARENA - 64 * PAGE, 256 * PAGE);
}

/* Has what smaps says of the area at `at` this word in that line? */
static bool smaps_says(const char *at, const char *name, const char *word)
{
    char line[300];
    bool inside = false, found = false;
    FILE *f = fopen("/proc/self/smaps", "r");
    while (fgets(line, sizeof(line), f)) {
        unsigned long from, to;
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            inside = (unsigned long)at >= from && (unsigned long)at < to;
        if (inside && strncmp(line, name, strlen(name)) == 0)
            found = strstr(line, word);
    }
    fclose(f);
    return found;
}

static bool smaps_flag(const char *at, const char *word)
{
    return smaps_says(at, "VmFlags:", word);
}

/* Run in a child without rights: its status. */
static int as_user(int (*fn)(void))
{
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){16 * PAGE, 16 * PAGE});
        _exit(setresgid(-1, 1000, -1) || setresuid(-1, 1000, -1) ? 99 : fn());
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}

static void truncation_takes_copies(void)
{
    int fd = file_of(4 * PAGE);
    char *at = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE, fd, 0);
    siginfo_t info;

    at[2 * PAGE] = 'y';
    at[0] = 'z';
    NEED(ftruncate(fd, PAGE) == 0);
    CHECK_EQ(catch_fault(touch_read, at + 2 * PAGE, &info), SIGBUS);
    CHECK_EQ(at[0], 'z');
    NEED(ftruncate(fd, 4 * PAGE) == 0);
    CHECK_EQ(at[2 * PAGE], 0);
    at[2 * PAGE] = 'y';
    CHECK_EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4 * PAGE), 0);
    CHECK_EQ(at[2 * PAGE], 'y'); /* a hole leaves them */
    munmap(at, 4 * PAGE);
    close(fd);
}

static void run_at(void *at)
{
    ((void (*)(void))at)();
}

static void running_behind_the_end(void)
{
    int fd = file_of(PAGE);
    char *at = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
    siginfo_t info;

    CHECK_EQ(catch_fault(run_at, at + PAGE, &info), SIGBUS);
    CHECK_EQ(catch_fault(run_at, at, &info), SIGSEGV);
    CHECK_EQ(info.si_code, SEGV_ACCERR);
    munmap(at, 2 * PAGE);
    close(fd);
}

static void order_of_mmap_errors(void)
{
    int fd = file_of(PAGE), ends[2];

    NEED(pipe(ends) == 0);
    fixed(0, 1, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK_ERRNO(
        mmap(ARENA, PAGE, RW, MAP_FIXED_NOREPLACE | MAP_SHARED_VALIDATE | MAP_ANONYMOUS, -1, 0),
        EEXIST);
    CHECK_ERRNO(mmap(ARENA + PAGE, PAGE, RW, MAP_FIXED_NOREPLACE | MAP_SHARED_VALIDATE, fd, 0),
                EOPNOTSUPP);
    CHECK_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, -PAGE), EOVERFLOW);
    CHECK_ERRNO(mmap(NULL, 0, PROT_READ, MAP_PRIVATE, 999, 0), EBADF);
    CHECK_ERRNO(mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, ends[0], 0), EPERM);
    CHECK_ERRNO(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, ends[0], 0), ENODEV);
    CHECK_ERRNO(mmap(NULL, -1ul, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0),
                EINVAL);
    CHECK(mmap(ARENA + 8 * PAGE + 42, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
          ARENA + 8 * PAGE); /* hints are rounded down */
    clear();
    close(ends[0]);
    close(ends[1]);
    close(fd);
}

static void order_of_others(void)
{
    fixed(4, 2, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK_ERRNO(mprotect(ARENA, PAGE, PROT_READ | PROT_GROWSDOWN), ENOMEM);
    CHECK_ERRNO(mprotect(ARENA + 4 * PAGE, PAGE, PROT_READ | PROT_GROWSDOWN), EINVAL);
    CHECK_ERRNO(mprotect(ARENA, PAGE, PROT_READ | PROT_GROWSUP), ENOMEM);
    CHECK_ERRNO(mremap(ARENA, 2 * PAGE, 6 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, ARENA + PAGE),
                EINVAL);
    CHECK_EQ(syscall(SYS_msync, ARENA, -1ul, MS_INVALIDATE), 0);
    /* What comes before a hole is done, whatever the length. */
    CHECK_ERRNO(madvise(ARENA + 4 * PAGE, 8 * PAGE, MADV_DONTDUMP), ENOMEM);
    CHECK(smaps_flag(ARENA + 5 * PAGE, " dd"));
    CHECK_ERRNO(mlock(ARENA + 2 * PAGE, 4 * PAGE), ENOMEM);
    CHECK(!smaps_flag(ARENA + 5 * PAGE, " lo"));
    CHECK_ERRNO(mlock(ARENA + 4 * PAGE, 4 * PAGE), ENOMEM);
    CHECK(smaps_flag(ARENA + 5 * PAGE, " lo"));
    munlock(ARENA + 4 * PAGE, 2 * PAGE);
    clear();
}

static void populating(void)
{
    int fd = file_of(PAGE);
    unsigned char in[2];

    fixed(0, 2, PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK_ERRNO(madvise(ARENA, PAGE, MADV_POPULATE_READ), EINVAL);
    CHECK_EQ(madvise(ARENA, PAGE, MADV_POPULATE_WRITE), 0);
    fixed(0, 2, PROT_READ, MAP_SHARED, fd, 0);
    CHECK_ERRNO(madvise(ARENA, 4 * PAGE, MADV_POPULATE_READ), EFAULT); /* before the hole behind */
    fixed(0, 2, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memset(ARENA, 'x', 2 * PAGE);
    CHECK_ERRNO(madvise(ARENA - PAGE, 2 * PAGE, MADV_REMOVE), ENOMEM);
    CHECK_EQ(ARENA[0], 0);
    CHECK_EQ(ARENA[PAGE], 'x');
    fixed(0, 1, RW, MAP_SHARED, fd, 0);
    CHECK_EQ(ARENA[0], 'x');
    CHECK_EQ(madvise(ARENA, PAGE, MADV_REMOVE), 0); /* of files as well */
    CHECK_EQ(ARENA[0], 0);
    /* A page that is in memory is told though this mapping has not touched it. */
    NEED(pwrite(fd, "y", 1, 0) == 1 && ftruncate(fd, 2 * PAGE) == 0);
    fixed(0, 2, PROT_READ, MAP_SHARED, fd, 0);
    CHECK_EQ(mincore(ARENA, 2 * PAGE, in), 0);
    CHECK_EQ(in[0] & 1, 1);
    CHECK_EQ(in[1] & 1, 0);
    clear();
    close(fd);
}

static void flags_in_smaps(void)
{
    char name[] = "/tmp/mm_answers.XXXXXX";
    int fd = mkstemp(name), only_read = open(name, O_RDONLY);

    unlink(name);
    NEED(ftruncate(fd, PAGE) == 0);
    fixed(0, 1, PROT_READ, MAP_SHARED, only_read, 0);
    CHECK(!smaps_flag(ARENA, " sh") && smaps_flag(ARENA, " ms"));
    CHECK_ERRNO(remap_file_pages(ARENA, PAGE, 0, 0, 0), EINVAL);
    fixed(0, 1, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(smaps_flag(ARENA, " sh"));
    CHECK_EQ(madvise(ARENA, PAGE, MADV_RANDOM), 0);
    CHECK(smaps_flag(ARENA, " rr"));
    CHECK_EQ(madvise(ARENA, PAGE, MADV_SEQUENTIAL), 0);
    CHECK(smaps_flag(ARENA, " sr") && !smaps_flag(ARENA, " rr"));
    clear();
    close(fd);
    close(only_read);
    fd = memfd_create("sealed", MFD_ALLOW_SEALING);
    NEED(ftruncate(fd, PAGE) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0);
    if (fixed(0, 1, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED) /* since Linux 6.7 */
        CHECK(smaps_flag(ARENA, " sh") && !smaps_flag(ARENA, " mw"));
    clear();
    close(fd);
}

static void locking_what_grows(void)
{
    unsigned char there = 0;
    char *at = fixed(1, 1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0);
    CHECK_EQ(mlock(at, PAGE), 0);
    CHECK(mincore(at, PAGE, &there) == 0 && there & 1);
    clear();
}

static int residence_of_others(void)
{
    unsigned char in[2] = {0, 0};
    int hole = memfd_create("hole", 0);
    ftruncate(hole, 2 * PAGE);
    fixed(0, 2, PROT_READ, MAP_SHARED, hole, 0);
    if (mincore(ARENA, 2 * PAGE, in) != 0 || in[0] || in[1])
        return 1; /* its own: it may know that nothing is there */
    return 0;
}

static int hole_of_root;

static int residence_of_root(void)
{
    unsigned char in[2] = {0, 0};
    fixed(0, 2, PROT_READ, MAP_SHARED, hole_of_root, 0);
    return mincore(ARENA, 2 * PAGE, in) == 0 && in[0] == 1 && in[1] == 1 ? 0 : 1;
}

static void residence_is_for_owners(void)
{
    if (geteuid() != 0)
        SKIP("needs root");
    hole_of_root = file_of(0);
    NEED(ftruncate(hole_of_root, 2 * PAGE) == 0 && fchmod(hole_of_root, 0644) == 0);
    CHECK_EQ(as_user(residence_of_others), 0);
    CHECK_EQ(as_user(residence_of_root), 0);
    close(hole_of_root);
}

static int limits_of_locking(void)
{
    int bad = 0;
    fixed(0, 16, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bad |= mlock(ARENA, 12 * PAGE) != 0;
    bad |= (mlock(ARENA + 4 * PAGE, 12 * PAGE) != 0) << 1; /* 8 of them are counted already */
    bad |= (mremap(ARENA + 12 * PAGE, 4 * PAGE, 6 * PAGE, MREMAP_MAYMOVE) != MAP_FAILED ||
            errno != EAGAIN)
           << 2;
    munlockall();
    mlockall(MCL_FUTURE);
    fixed(0, 16, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bad |=
        (mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED || errno != EAGAIN)
        << 3;
    char *brk = (char *)syscall(SYS_brk, 0);
    bad |= ((char *)syscall(SYS_brk, brk + PAGE) != brk) << 4;
    int id = shmget(IPC_PRIVATE, PAGE, 0600);
    bad |= (shmat(id, NULL, 0) != (void *)-1 || errno != EAGAIN) << 5;
    bad |= (mlock(ARENA, -2 * PAGE) == 0 || errno != ENOMEM) << 7; /* before it wraps */
    munlock(ARENA, 16 * PAGE);
    char *at = shmat(id, NULL, 0);
    bad |= !smaps_flag(at, " lo") << 6;
    shmctl(id, IPC_RMID, NULL);
    return bad;
}

static void locking_is_limited(void)
{
    if (geteuid() != 0)
        SKIP("needs root");
    CHECK_EQ(as_user(limits_of_locking), 0);
}

static void locked_on_fault_stays_so(void)
{
    unsigned char in[2];
    fixed(0, 1, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    NEED(mlock2(ARENA, PAGE, MLOCK_ONFAULT) == 0);
    CHECK(mremap(ARENA, PAGE, 2 * PAGE, 0) == ARENA);
    CHECK_EQ(mincore(ARENA, 2 * PAGE, in), 0);
    CHECK_EQ(in[1] & 1, 0);
    clear();
    NEED(mlockall(MCL_FUTURE | MCL_ONFAULT) == 0);
    fixed(0, 1, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(smaps_says(ARENA, "Rss:", " 0 kB"));
    munlockall();
    clear();
}

static void locked_is_copied_when_it_can_be_written(void)
{
    fixed(0, 2, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    NEED(mlock(ARENA, PAGE) == 0);
    CHECK(smaps_says(ARENA, "Anonymous:", " 0 kB"));
    CHECK_EQ(mprotect(ARENA, 2 * PAGE, RW), 0);
    CHECK(smaps_says(ARENA, "Anonymous:", " 4 kB"));
    clear();
}

static void removed_segment_keeps_its_name(void)
{
    char line[300], name[40];
    bool found = false;
    key_t key = 0x6f000000 | (getpid() & 0xffffff); /* nobody else's of this host */
    int id = shmget(key, PAGE, IPC_CREAT | IPC_EXCL | 0600);
    char *at = shmat(id, NULL, 0);

    NEED(at != (void *)-1 && shmctl(id, IPC_RMID, NULL) == 0);
    snprintf(name, sizeof(name), "/SYSV%08x (deleted)", (unsigned)key);
    FILE *f = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof(line), f))
        found |= strstr(line, name) != NULL;
    fclose(f);
    CHECK(found);
    CHECK_ERRNO(shmat(id, (void *)0x7ffffffff000, 0), ENOMEM);
    CHECK_EQ(shmdt(at), 0);
}

int main(void)
{
    promise("truncation takes private copies along, a hole does not", truncation_takes_copies);
    promise("running behind the end of a file is SIGBUS", running_behind_the_end);
    promise("mmap: which error is told", order_of_mmap_errors);
    promise("mprotect, mremap, msync, madvise, mlock: which error is told", order_of_others);
    promise("madvise: populating and removing", populating);
    promise("smaps: flags of areas", flags_in_smaps);
    promise("mlock: a read-only area that grows down is made present", locking_what_grows);
    promise("mincore: residence of files is told to those who may write", residence_is_for_owners);
    promise("RLIMIT_MEMLOCK holds for all that is new", locking_is_limited);
    promise("what is locked on fault grows on fault", locked_on_fault_stays_so);
    promise("mprotect copies what is locked", locked_is_copied_when_it_can_be_written);
    promise("a removed segment keeps its name", removed_segment_keeps_its_name);
    return check_end();
}
