// Linux' own asynchronous I/O through its system calls (man 2 io_setup, io_submit, io_getevents).
#include "check.h"

#include <fcntl.h>
#include <linux/aio_abi.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static long setup(unsigned n, aio_context_t *ctx)
{
    return syscall(SYS_io_setup, n, ctx);
}

static long submit(aio_context_t ctx, long n, struct iocb **blocks)
{
    return syscall(SYS_io_submit, ctx, n, blocks);
}

static long events(aio_context_t ctx, long least, long most, struct io_event *to,
                   struct timespec *timeout)
{
    return syscall(SYS_io_getevents, ctx, least, most, to, timeout);
}

static long destroy(aio_context_t ctx)
{
    return syscall(SYS_io_destroy, ctx);
}

static struct iocb block(int fd, int command, void *buf, size_t n, off_t offset)
{
    return (struct iocb){.aio_fildes = (unsigned)fd,
                         .aio_lio_opcode = (unsigned short)command,
                         .aio_buf = (uintptr_t)buf,
                         .aio_nbytes = n,
                         .aio_offset = offset,
                         .aio_data = 4711};
}

static void contexts(void)
{
    aio_context_t ctx = 0, other = 0;
    CHECK_EQ(setup(8, &ctx), 0);
    CHECK(ctx != 0);
    CHECK_ERRNO(setup(8, &ctx), EINVAL);
    CHECK_ERRNO(setup(0, &other), EINVAL);
    CHECK_ERRNO(setup(1 << 20, &other), EAGAIN);
    CHECK_ERRNO(setup(8, (void *)8), EFAULT);
    CHECK_EQ(setup(1, &other), 0);
    CHECK(other != ctx);
    CHECK_EQ(destroy(ctx), 0);
    CHECK_ERRNO(destroy(ctx), EINVAL);
    CHECK_ERRNO(submit(ctx, 0, NULL), EINVAL);
    CHECK_ERRNO(events(ctx, 0, 0, NULL, NULL), EINVAL);
    CHECK_EQ(destroy(other), 0);
}

static void reading_and_writing(void)
{
    aio_context_t ctx = 0;
    struct io_event got[4] = {};
    char in[20] = "", in2[4] = "";
    int fd = open("data", O_CREAT | O_RDWR | O_TRUNC, 0600);
    CHECK_EQ(setup(8, &ctx), 0);
    struct iovec iov[2] = {{in, 3}, {in2, 4}};
    struct iocb w = block(fd, IOCB_CMD_PWRITE, "0123456789", 10, 5),
                r = block(fd, IOCB_CMD_PREAD, in + 10, 5, 7),
                v = block(fd, IOCB_CMD_PREADV, iov, 2, 5), *list[] = {&w, &r, &v};
    CHECK_EQ(submit(ctx, 1, list), 1);
    CHECK_EQ(events(ctx, 1, 4, got, NULL), 1);
    CHECK(got[0].data == 4711 && got[0].obj == (uintptr_t)&w && got[0].res == 10 && !got[0].res2);
    CHECK_EQ(submit(ctx, 2, list + 1), 2);
    CHECK_EQ(events(ctx, 2, 4, got, NULL), 2);
    CHECK(memcmp(in + 10, "23456", 5) == 0 && memcmp(in, "012", 3) == 0);
    CHECK(memcmp(in2, "3456", 4) == 0);
    CHECK_EQ(got[0].res + got[1].res, 12);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
    struct iocb sync = block(fd, IOCB_CMD_FDSYNC, NULL, 0, 0), *one[] = {&sync};
    CHECK_EQ(submit(ctx, 1, one), 1);
    CHECK_EQ(events(ctx, 1, 1, got, NULL), 1);
    CHECK_EQ(got[0].res, 0);
    struct iocb end = block(fd, IOCB_CMD_PREAD, in, 5, 100), *last[] = {&end};
    CHECK_EQ(submit(ctx, 1, last), 1);
    CHECK_EQ(events(ctx, 1, 1, got, NULL), 1);
    CHECK_EQ(got[0].res, 0);
    CHECK_EQ(destroy(ctx), 0);
    close(fd);
}

static void errors(void)
{
    aio_context_t ctx = 0;
    struct io_event got[4];
    char buf[8];
    int fd = open("data", O_RDONLY);
    CHECK_EQ(setup(8, &ctx), 0);
    struct iocb good = block(fd, IOCB_CMD_PREAD, buf, 1, 0),
                closed = block(999, IOCB_CMD_PREAD, buf, 1, 0),
                readonly = block(fd, IOCB_CMD_PWRITE, buf, 1, 0),
                command = block(fd, 99, buf, 1, 0), reserved = good, bad_result = good,
                bad_buf = block(fd, IOCB_CMD_PREAD, (void *)8, 4, 0),
                *list[] = {&good, &closed, &good};
    reserved.aio_reserved2 = 1;
    bad_result.aio_flags = IOCB_FLAG_RESFD;
    bad_result.aio_resfd = (unsigned)fd;
    CHECK_EQ(submit(ctx, 0, list), 0);
    CHECK_ERRNO(submit(ctx, -1, list), EINVAL);
    CHECK_ERRNO(submit(ctx, 1, (void *)8), EFAULT);
    CHECK_EQ(submit(ctx, 3, list), 1); /* up to the bad one */
    CHECK_ERRNO(submit(ctx, 2, list + 1), EBADF);
    list[0] = &readonly;
    CHECK_ERRNO(submit(ctx, 1, list), EBADF);
    list[0] = &command;
    CHECK_ERRNO(submit(ctx, 1, list), EINVAL);
    list[0] = &reserved;
    CHECK_ERRNO(submit(ctx, 1, list), EINVAL);
    list[0] = &bad_result;
    CHECK_ERRNO(submit(ctx, 1, list), EINVAL);
    list[0] = (void *)8;
    CHECK_ERRNO(submit(ctx, 1, list), EFAULT);
    list[0] = &bad_buf;
    CHECK_EQ(submit(ctx, 1, list), 1);
    CHECK_EQ(events(ctx, 2, 4, got, NULL), 2);
    CHECK_EQ(got[1].res, -EFAULT);
    CHECK_ERRNO(events(ctx, 3, 2, got, NULL), EINVAL);
    CHECK_ERRNO(events(ctx, -1, 2, got, NULL), EINVAL);
    CHECK_ERRNO(syscall(SYS_io_cancel, ctx, &good, got), EINVAL);
    CHECK_ERRNO(syscall(SYS_io_cancel, ctx, (void *)8, got), EFAULT);
    CHECK_EQ(destroy(ctx), 0);
    close(fd);
}

static void timeouts(void)
{
    aio_context_t ctx = 0;
    struct io_event got;
    struct timespec zero = {}, some = {0, 30 * MS};
    CHECK_EQ(setup(1, &ctx), 0);
    CHECK_EQ(events(ctx, 1, 1, &got, &zero), 0);
    int64_t start = now_ns();
    CHECK_EQ(events(ctx, 1, 1, &got, &some), 0);
    CHECK(now_ns() - start >= 30 * MS);
    CHECK_EQ(syscall(SYS_io_pgetevents, ctx, 1, 1, &got, &zero, NULL), 0);
    CHECK_EQ(events(ctx, 0, 1, &got, NULL), 0);
    CHECK_EQ(destroy(ctx), 0);
}

static void notification(void)
{
    aio_context_t ctx = 0;
    struct io_event got[2];
    uint64_t count = 0;
    char buf[4];
    int fd = open("data", O_RDONLY), tell = eventfd(0, EFD_NONBLOCK);
    struct iocb a = block(fd, IOCB_CMD_PREAD, buf, 1, 5), b = a, *list[] = {&a, &b};
    a.aio_flags = b.aio_flags = IOCB_FLAG_RESFD;
    a.aio_resfd = b.aio_resfd = (unsigned)tell;
    CHECK_EQ(setup(4, &ctx), 0);
    CHECK_EQ(submit(ctx, 2, list), 2);
    CHECK_EQ(events(ctx, 2, 2, got, NULL), 2);
    for (int i = 0; i < 30000 && count < 2; i++) {
        uint64_t more = 0;
        count += read(tell, &more, sizeof(more)) == sizeof(more) ? more : 0;
        sleep_ms(1);
    }
    CHECK_EQ(count, 2);
    CHECK_EQ(destroy(ctx), 0);
    close(tell);
    close(fd);
}

int main(void)
{
    enter_fresh_dir();
    promise("contexts are made and destroyed", contexts);
    promise("reads, writes, vectors and syncs are carried out and told", reading_and_writing);
    promise("what is wrong is refused, or told as a result", errors);
    promise("io_getevents waits no longer than asked", timeouts);
    promise("an eventfd counts results", notification);
    return check_end();
}
