/* man 2 mmap */
#include "abi.h"
#include "../fault.h"

enum { PAGE = 4096, RW = PROT_READ | PROT_WRITE, ANON = MAP_PRIVATE | MAP_ANONYMOUS };

static char *map(void *at, size_t size, int prot, int flags, int fd, off_t offset)
{
    return (char *)CALL(mmap, at, size, prot, flags, fd, offset);
}

static void anonymous(void)
{
    char *at = map(NULL, 3 * PAGE, RW, ANON, -1, 0), *again;

    NEED(at != MAP_FAILED);
    CHECK(at[0] == 0 && at[3 * PAGE - 1] == 0);
    at[PAGE] = 1;
    again = map(at + PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0);
    CHECK(again == at + PAGE && again[0] == 0);
    CHECK_ERRNO(map(at, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
    CHECK(map(at, PAGE, RW, ANON, -1, 0) != at); /* a hint only */
    munmap(at, 3 * PAGE);
    CHECK(map(at, PAGE, RW, ANON, -1, 0) == at);
    again = map(NULL, PAGE, RW, ANON | MAP_32BIT, -1, 0);
    CHECK((uintptr_t)again < 1ul << 31);
    again = map(NULL, PAGE, PROT_NONE, ANON, -1, 0);
    CHECK_EQ(catch_fault(touch_read, again, NULL), SIGSEGV);
}

static void files(void)
{
    int fd = file_with("file", "0123456789");
    char *shared = map(NULL, PAGE, RW, MAP_SHARED, fd, 0), text[4] = "";
    char *private = map(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);

    NEED(shared != MAP_FAILED && private != MAP_FAILED);
    close(fd);
    CHECK(memcmp(shared, "0123456789\0\0", 12) == 0);
    private[1] = 'P';
    shared[2] = 'S';
    CHECK(pread(open("file", O_RDONLY), text, 3, 0) == 3 && strcmp(text, "01S") == 0);
    CHECK(private[1] == 'P' && shared[1] == '1');
    shared = map(NULL, 2 * PAGE, RW, MAP_SHARED, open("file", O_RDWR), 0);
    CHECK_EQ(catch_fault(touch_read, shared + PAGE, NULL), SIGBUS); /* beyond the end */
}

static void errors(void)
{
    int fd = open("file", O_RDONLY), write_only = open("file", O_WRONLY), ends[2];

    NEED(pipe(ends) == 0);
    CHECK_ERRNO(map(NULL, 0, RW, ANON, -1, 0), EINVAL);
    CHECK_ERRNO(map(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0), EINVAL); /* neither shared nor private */
    CHECK_ERRNO(map((void *)1, PAGE, RW, ANON | MAP_FIXED, -1, 0), EINVAL);
    CHECK_ERRNO(map(NULL, PAGE, RW, MAP_PRIVATE, fd, 1), EINVAL);
    CHECK_ERRNO(map(NULL, PAGE, RW, MAP_PRIVATE, BAD_FD, 0), EBADF);
    CHECK_ERRNO(map(NULL, PAGE, RW, MAP_SHARED, fd, 0), EACCES);
    CHECK_ERRNO(map(NULL, PAGE, PROT_READ, MAP_PRIVATE, write_only, 0), EACCES);
    CHECK_ERRNO(map(NULL, PAGE, PROT_READ, MAP_PRIVATE, ends[0], 0), ENODEV);
    CHECK_ERRNO(map(NULL, 1ul << 62, RW, ANON, -1, 0), ENOMEM);
    CHECK_ERRNO(map(NULL, PAGE, RW, MAP_SHARED_VALIDATE | MAP_ANONYMOUS | 1 << 30, fd, 0), EINVAL);
    CHECK(map(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | 1 << 27, fd, 0) != MAP_FAILED);
    CHECK(map(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | 0x80, fd, 0) != MAP_FAILED);
}

int main(void)
{
    enter_fresh_dir();
    promise("mmap of anonymous memory", anonymous);
    promise("mmap of files", files);
    promise("mmap: errors", errors);
    return check_end();
}
