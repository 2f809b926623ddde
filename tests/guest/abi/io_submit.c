// io_submit, io_cancel: polls and flags (reading and writing: aio_linux.c).
#include "../check.h"

#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/uio.h>

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
    CHECK_EQ(poll(&(struct pollfd){told, POLLIN, 0}, 1, -1), 1); // Linux tells it after the event
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

enum { ROUNDS = 3000 };
static int race[2];
static volatile int round_now;

static void *write_at_once(void *arg)
{
    (void)arg;
    for (int i = 1; i <= ROUNDS; i++) {
        while (round_now < i)
            sched_yield();
        CHECK(write(race[1], "x", 1) == 1);
    }
    return NULL;
}

/* Ready while it is being submitted, and somebody waits already. */
static void *take_events(void *arg)
{
    struct io_event event;
    char c;

    (void)arg;
    for (int i = 1; i <= ROUNDS; i++) {
        CHECK(syscall(SYS_io_getevents, context, 1, 1, &event, NULL) == 1);
        CHECK(read(race[0], &c, 1) == 1);
        round_now = -i;
    }
    return NULL;
}

static void races(void)
{
    pthread_t writer, taker;
    struct iocb block = {.aio_lio_opcode = IOCB_CMD_POLL, .aio_buf = POLLIN};

    context = 0;
    NEED(syscall(SYS_io_setup, 8, &context) == 0);
    NEED(pipe(race) == 0);
    block.aio_fildes = (uint32_t)race[0];
    NEED(pthread_create(&writer, NULL, write_at_once, NULL) == 0);
    NEED(pthread_create(&taker, NULL, take_events, NULL) == 0);
    for (int i = 1; i <= ROUNDS; i++) {
        round_now = i;
        NEED(submit(&block) == 1);
        while (round_now != -i)
            sched_yield();
    }
    pthread_join(writer, NULL);
    pthread_join(taker, NULL);
    CHECK(syscall(SYS_io_destroy, context) == 0);
}

int main(void)
{
    promise("IOCB_CMD_POLL", aio_poll);
    promise("a poll that becomes ready while it is submitted is told", races);
    promise("aio_rw_flags", aio_flags);
    return check_end();
}
