// memory: 256M
// MAP_HUGETLB, MFD_HUGETLB, SHM_HUGETLB: a pool of 2 MiB pages that mappings draw from.
#include "check.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>

#ifndef MFD_HUGETLB
#define MFD_HUGETLB 4
#endif
enum { HUGE_2M = 2 << 20, HUGE_SHIFT = 26 };

static long old_pool = -1;

static long read_number(const char *path)
{
    long n = -1;
    FILE *f = fopen(path, "r");
    if (f && fscanf(f, "%ld", &n) != 1)
        n = -1;
    if (f)
        fclose(f);
    return n;
}

static bool write_number(const char *path, long n)
{
    FILE *f = fopen(path, "w");
    bool ok = f && fprintf(f, "%ld\n", n) > 0;
    return f && fclose(f) == 0 && ok;
}

/* HugePages_NAME of /proc/meminfo. */
static long pool(const char *name)
{
    char line[128], want[64];
    long n = -1;
    FILE *f = fopen("/proc/meminfo", "r");
    int len = snprintf(want, sizeof(want), "HugePages_%s:", name);
    while (f && fgets(line, sizeof(line), f))
        if (strncmp(line, want, (size_t)len) == 0)
            n = atol(line + len);
    if (f)
        fclose(f);
    return n;
}

/* Pages that may still be drawn. */
static long left(void)
{
    return pool("Free") - pool("Rsvd");
}

/* What is left, waiting until it is so many: Linux may look at a page, or at the memory of a
 * process that has ended, a moment longer than it is used. */
static long left_comes_to(long n)
{
    for (int i = 0; i < 10000 && left() != n; i++)
        usleep(1000);
    return left();
}

static bool set_pool(long n)
{
    if (geteuid() != 0 || old_pool < 0 || !write_number("/proc/sys/vm/nr_hugepages", n))
        return false;
    return read_number("/proc/sys/vm/nr_hugepages") == n;
}

static void *map(size_t size, int flags)
{
    return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_HUGETLB | flags, -1, 0);
}

static void empty_pool(void)
{
    if (!set_pool(0))
        SKIP("no pool to be had here");
    CHECK(map(HUGE_2M, MAP_PRIVATE) == MAP_FAILED && errno == ENOMEM);
    CHECK(map(HUGE_2M, MAP_PRIVATE | 13 << HUGE_SHIFT) == MAP_FAILED && errno == EINVAL);
    CHECK_ERRNO(shmget(IPC_PRIVATE, HUGE_2M, IPC_CREAT | SHM_HUGETLB | 0600), ENOMEM);
}

static void private_pages(void)
{
    if (!set_pool(4))
        SKIP("no pool to be had here");
    CHECK_EQ(pool("Total"), 4);
    CHECK_EQ(left_comes_to(4), 4);
    CHECK(map(5 * (size_t)HUGE_2M, MAP_PRIVATE) == MAP_FAILED && errno == ENOMEM);
    char *m = map(HUGE_2M + 1, MAP_PRIVATE | 21 << HUGE_SHIFT); // two of them
    NEED(m != MAP_FAILED);
    CHECK_EQ((uintptr_t)m % HUGE_2M, 0);
    CHECK_EQ(left_comes_to(2), 2);
    m[0] = 'a';
    m[2 * HUGE_2M - 1] = 'z';
    CHECK_EQ(m[1], 0);
    pid_t child = fork();
    if (child == 0) {
        m[0] = 'b';
        _exit(m[0] != 'b' || m[2 * HUGE_2M - 1] != 'z');
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_EQ(status, 0);
    CHECK_EQ(m[0], 'a');
    CHECK_EQ(left_comes_to(2), 2);
    CHECK_ERRNO(munmap(m, 4096), EINVAL);
    CHECK_ERRNO(munmap(m + 4096, HUGE_2M), EINVAL);
    CHECK_ERRNO(mprotect(m, 4096, PROT_READ), EINVAL);
    CHECK(mprotect(m, HUGE_2M, PROT_READ) == 0);
    CHECK(munmap(m, HUGE_2M) == 0);
    CHECK_EQ(left_comes_to(3), 3);
    CHECK_EQ(m[2 * HUGE_2M - 1], 'z');
    CHECK(mmap(m + 4096, HUGE_2M, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_FIXED,
               -1, 0) == MAP_FAILED);
    CHECK_EQ(errno, EINVAL);
    CHECK(munmap(m + HUGE_2M, HUGE_2M) == 0);
    CHECK_EQ(left_comes_to(4), 4);
}

static void shared_pages(void)
{
    if (!set_pool(4))
        SKIP("no pool to be had here");
    char *m = map(2 * HUGE_2M, MAP_SHARED);
    NEED(m != MAP_FAILED);
    CHECK_EQ(left_comes_to(2), 2);
    pid_t child = fork();
    if (child == 0) {
        m[HUGE_2M] = 'c';
        _exit(0);
    }
    CHECK(waitpid(child, NULL, 0) == child);
    CHECK_EQ(m[HUGE_2M], 'c');
    CHECK(munmap(m, 2 * HUGE_2M) == 0);
    CHECK_EQ(left_comes_to(4), 4);
    int id = shmget(IPC_PRIVATE, HUGE_2M, IPC_CREAT | SHM_HUGETLB | 0600);
    NEED(id >= 0);
    CHECK_EQ(left_comes_to(3), 3);
    m = shmat(id, NULL, 0);
    CHECK_EQ((uintptr_t)m % HUGE_2M, 0);
    m[100] = 'd';
    CHECK(shmdt(m) == 0);
    CHECK(shmctl(id, IPC_RMID, NULL) == 0);
    CHECK_EQ(left_comes_to(4), 4);
}

static void files(void)
{
    struct stat st;
    if (!set_pool(4))
        SKIP("no pool to be had here");
    CHECK_ERRNO(memfd_create("x", MFD_HUGETLB | 13u << HUGE_SHIFT), ENODEV);
    CHECK_ERRNO(memfd_create("x", 21u << HUGE_SHIFT), EINVAL);
    int fd = memfd_create("huge", MFD_HUGETLB | MFD_CLOEXEC);
    NEED(fd >= 0);
    CHECK(fstat(fd, &st) == 0);
    CHECK_EQ(st.st_blksize, HUGE_2M);
    CHECK_ERRNO(ftruncate(fd, 4096), EINVAL);
    CHECK(ftruncate(fd, 2 * HUGE_2M) == 0);
    CHECK_ERRNO(write(fd, "x", 1), EINVAL);
    CHECK_EQ(left_comes_to(4), 4);
    char *m = mmap(NULL, 2 * HUGE_2M, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    NEED(m != MAP_FAILED);
    CHECK_EQ((uintptr_t)m % HUGE_2M, 0);
    CHECK_EQ(left_comes_to(2), 2);
    m[HUGE_2M] = 'e';
    CHECK(munmap(m, 2 * HUGE_2M) == 0);
    CHECK(mmap(NULL, HUGE_2M, PROT_READ, MAP_SHARED, fd, 4096) == MAP_FAILED && errno == EINVAL);
    char c = 0;
    CHECK_EQ(pread(fd, &c, 1, HUGE_2M), 1);
    CHECK_EQ(c, 'e');
    close(fd);
    CHECK_EQ(left_comes_to(4), 4);
}

int main(void)
{
    old_pool = read_number("/proc/sys/vm/nr_hugepages");
    promise("an empty pool has nothing to give", empty_pool);
    promise("private huge pages", private_pages);
    promise("shared huge pages, System V", shared_pages);
    promise("memfd of huge pages", files);
    if (old_pool >= 0 && geteuid() == 0)
        write_number("/proc/sys/vm/nr_hugepages", old_pool);
    return check_end();
}
