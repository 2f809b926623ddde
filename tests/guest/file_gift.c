// vmsplice gives pages, remap_file_pages shuffles them; Linux AIO polls and takes flags.
#include "check.h"

#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
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

static aio_context_t context;

static long submit(struct iocb *block)
{
    return syscall(SYS_io_submit, context, 1, &block);
}

static long events(struct io_event *event, long least, int ms)
{
    struct timespec ts = {ms / 1000, ms % 1000 * 1000000L};
    return syscall(SYS_io_getevents, context, least, 1, event, &ts);
}

static void aio_poll(void)
{
    struct io_event event;
    int p[2], told = eventfd(0, EFD_NONBLOCK);
    NEED(syscall(SYS_io_setup, 8, &context) == 0);
    NEED(pipe(p) == 0);
    struct iocb block = {.aio_lio_opcode = IOCB_CMD_POLL,
                         .aio_fildes = (uint32_t)p[0],
                         .aio_buf = POLLIN,
                         .aio_data = 77,
                         .aio_flags = IOCB_FLAG_RESFD,
                         .aio_resfd = (uint32_t)told};
    CHECK_EQ(submit(&block), 1);
    CHECK_EQ(events(&event, 0, 0), 0);
    CHECK_EQ(write(p[1], "x", 1), 1);
    CHECK_EQ(events(&event, 1, 10000), 1);
    CHECK_EQ(event.data, 77);
    CHECK_EQ(event.res & POLLIN, POLLIN); // Linux tells all of a wake-up
    uint64_t count = 0;
    CHECK_EQ(read(told, &count, 8), 8);
    CHECK_EQ(count, 1);
    // Ready at once.
    CHECK_EQ(submit(&block), 1);
    CHECK_EQ(events(&event, 1, 10000), 1);
    CHECK_EQ(event.res, POLLIN);
    char c;
    CHECK_EQ(read(p[0], &c, 1), 1);
    // Cancelled.
    CHECK_EQ(submit(&block), 1);
    CHECK_ERRNO(syscall(SYS_io_cancel, context, &block, &event), EINPROGRESS);
    CHECK_EQ(events(&event, 1, 10000), 1);
    CHECK_EQ(event.res, 0);
    CHECK_ERRNO(syscall(SYS_io_cancel, context, &block, &event), EINVAL);
    block.aio_nbytes = 1;
    CHECK_ERRNO(submit(&block), EINVAL);
    block.aio_nbytes = 0;
    block.aio_buf = 1 << 16;
    CHECK_ERRNO(submit(&block), EINVAL);
    // One that is still waiting when all ends.
    block.aio_buf = POLLIN;
    CHECK_EQ(submit(&block), 1);
    CHECK(syscall(SYS_io_destroy, context) == 0);
    close(p[0]);
    close(p[1]);
    close(told);
}

static void aio_flags(void)
{
    struct io_event event;
    char buf[8] = "";
    context = 0;
    NEED(syscall(SYS_io_setup, 8, &context) == 0);
    enter_fresh_dir();
    int fd = open("f", O_CREAT | O_RDWR, 0644);
    CHECK_EQ(write(fd, "abc", 3), 3);
    struct iocb block = {.aio_lio_opcode = IOCB_CMD_PWRITE,
                         .aio_fildes = (uint32_t)fd,
                         .aio_buf = (uintptr_t) "de",
                         .aio_nbytes = 2,
                         .aio_rw_flags = RWF_APPEND | RWF_DSYNC};
    CHECK_EQ(submit(&block), 1);
    CHECK_EQ(events(&event, 1, 10000), 1);
    CHECK_EQ(event.res, 2);
    CHECK_EQ(pread(fd, buf, sizeof(buf), 0), 5);
    CHECK(memcmp(buf, "abcde", 5) == 0);
    block.aio_rw_flags = 1 << 30;
    CHECK_ERRNO(submit(&block), EOPNOTSUPP);
    CHECK(syscall(SYS_io_destroy, context) == 0);
    close(fd);
}

int main(void)
{
    promise("vmsplice puts the pages themselves into the pipe", gift);
    promise("remap_file_pages", shuffling);
    promise("IOCB_CMD_POLL", aio_poll);
    promise("aio_rw_flags", aio_flags);
    return check_end();
}
