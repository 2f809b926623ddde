// vmsplice: puts the pages themselves into the pipe.
#include "../check.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>

static void gift(void)
{
    int p[2];
    NEED(pipe(p) == 0);
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(page, 'a', 8192);
    struct iovec iov[2] = {{page + 100, 50}, {page + 4000, 200}};
    char buf[300];
    CHECK_EQ(vmsplice(p[1], iov, 2, SPLICE_F_GIFT), 250);
    page[100] = 'b'; // a later change shows
    page[4199] = 'c';
    CHECK_EQ(read(p[0], buf, sizeof(buf)), 250);
    CHECK_EQ(buf[0], 'b');
    CHECK_EQ(buf[1], 'a');
    CHECK_EQ(buf[249], 'c');
    // What is unmapped meanwhile stays in the pipe.
    CHECK_EQ(vmsplice(p[1], iov, 1, 0), 50);
    munmap(page, 8192);
    CHECK_EQ(read(p[0], buf, sizeof(buf)), 50);
    CHECK_EQ(buf[0], 'b');
    CHECK_ERRNO(vmsplice(p[1], iov, 1, 0), EFAULT);
    iov[0] = (struct iovec){buf, 0};
    CHECK_EQ(vmsplice(p[1], iov, 1, 0), 0);
    int file = open("/dev/null", O_RDWR); // what is no pipe: looked at last
    CHECK_EQ(vmsplice(file, iov, 1, 0), 0);
    CHECK_ERRNO(vmsplice(file, iov, 1025, 0), EINVAL);
    iov[0].iov_len = 1;
    CHECK_ERRNO(vmsplice(file, iov, 1, 0), EBADF);
    // As much as there is room for.
    char *many = mmap(NULL, 40 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(many, 'm', 40 * 4096);
    iov[0] = (struct iovec){many, 40 * 4096};
    CHECK_EQ(vmsplice(p[1], iov, 1, 0), 16 * 4096);
    CHECK_ERRNO(vmsplice(p[1], iov, 1, SPLICE_F_NONBLOCK), EAGAIN);
    // From a pipe it is a read.
    iov[0] = (struct iovec){buf, 10};
    CHECK_EQ(vmsplice(p[0], iov, 1, 0), 10);
    CHECK_EQ(buf[9], 'm');
    CHECK_ERRNO(vmsplice(p[1], iov, 1, 0x100), EINVAL);
    int null = open("/dev/null", O_RDWR);
    CHECK_ERRNO(vmsplice(null, iov, 1, 0), EBADF);
    close(null);
    close(p[0]);
    close(p[1]);
    munmap(many, 40 * 4096);
}

int main(void)
{
    promise("a later change of the page shows", gift);
    return check_end();
}
