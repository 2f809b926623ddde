// remap_file_pages: pages of a shared mapping in another order.
#include "../check.h"

#include <sys/mman.h>
#include <sys/syscall.h>

static int remap(void *at, size_t size, int prot, size_t page)
{
    return (int)syscall(SYS_remap_file_pages, at, size, prot, page, 0);
}

static void shuffling(void)
{
    enum { PAGE = 4096, N = 4 };
    char *m = mmap(NULL, N * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < N; i++)
        m[i * PAGE] = (char)('0' + i);
    CHECK_EQ(remap(m, PAGE, 0, 3), 0);
    CHECK_EQ(m[0], '3');
    CHECK_EQ(remap(m + 3 * PAGE, PAGE, 0, 0), 0);
    CHECK_EQ(m[3 * PAGE], '0');
    m[0] = 'x'; // the same page as before, elsewhere
    CHECK_EQ(remap(m + 2 * PAGE, PAGE, 0, 3), 0);
    CHECK_EQ(m[2 * PAGE], 'x');
    CHECK_ERRNO(remap(m, PAGE, PROT_READ, 0), EINVAL);
    CHECK_ERRNO(remap(m, 0, 0, 0), EINVAL);
    CHECK_ERRNO(remap(m, PAGE, 0, SIZE_MAX), EINVAL);
    munmap(m, N * PAGE);
    m = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK_ERRNO(remap(m, PAGE, 0, 0), EINVAL);
    munmap(m, PAGE);
    CHECK_ERRNO(remap(m, PAGE, 0, 0), EINVAL);
}

/* Several areas at once must be of one kind. */
static void across_areas(void)
{
    enum { PAGE = 4096, N = 4 };
    char *m = mmap(NULL, N * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    NEED(m != MAP_FAILED);
    m[PAGE] = 'b';
    CHECK_EQ(remap(m, 2 * PAGE, 0, 1), 0);
    CHECK_EQ(m[0], 'b');
    CHECK_EQ(madvise(m + PAGE, PAGE, MADV_RANDOM), 0);
    CHECK_ERRNO(remap(m, 2 * PAGE, 0, 0), EINVAL);
    CHECK_EQ(madvise(m + PAGE, PAGE, MADV_NORMAL), 0);
    CHECK_EQ(remap(m, 2 * PAGE, 0, 0), 0);
    CHECK_EQ(madvise(m + PAGE, PAGE, MADV_DONTDUMP), 0);
    CHECK_ERRNO(remap(m, 2 * PAGE, 0, 0), EINVAL);
    munmap(m, N * PAGE);
}

/* MAP_SYNC makes it another kind, where the flag says nothing as well. */
static void with_sync(void)
{
    enum { PAGE = 4096, N = 4, RW = PROT_READ | PROT_WRITE };
    int fd = memfd_create("m", 0);
    NEED(fd >= 0 && ftruncate(fd, N * PAGE) == 0);
    char *m = mmap(NULL, N * PAGE, RW, MAP_SHARED, fd, 0);
    NEED(m != MAP_FAILED);
    CHECK(mmap(m + 2 * PAGE, PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED);
    CHECK_EQ(remap(m, 3 * PAGE, 0, 1), 0);
    CHECK(mmap(m + 2 * PAGE, PAGE, RW, MAP_SHARED | MAP_FIXED | MAP_SYNC, fd, 0) != MAP_FAILED);
    CHECK_ERRNO(remap(m, 3 * PAGE, 0, 1), EINVAL);
    munmap(m, N * PAGE);
    close(fd);
}

int main(void)
{
    promise("pages change places", shuffling);
    promise("areas of several kinds are refused", across_areas);
    promise("MAP_SYNC is a kind, too", with_sync);
    return check_end();
}
