// cpus: 1 4
/* man 7 aio: the asynchronous requests of glibc: threads, told about by thread, signal, or nothing.
 * Each end is waited for; which of two comes first is nobody's promise. */
#include "check.h"
#include <aio.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>

static int fresh_file(const char *name, const char *text)
{
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);

    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    return fd;
}

static ssize_t result_of(struct aiocb *cb)
{
    const struct aiocb *list[] = {cb};

    while (aio_error(cb) == EINPROGRESS)
        CHECK(aio_suspend(list, 1, NULL) == 0 || errno == EINTR);
    errno = aio_error(cb);
    return aio_return(cb);
}

static void reads_and_writes(void)
{
    char in[8] = "";
    int fd = fresh_file("plain", "0123456789");
    struct aiocb w = {.aio_fildes = fd, .aio_buf = "abc", .aio_nbytes = 3, .aio_offset = 4};
    struct aiocb r = {.aio_fildes = fd, .aio_buf = in, .aio_nbytes = 6, .aio_offset = 2};
    struct aiocb s = {.aio_fildes = fd};

    w.aio_sigevent.sigev_notify = r.aio_sigevent.sigev_notify = s.aio_sigevent.sigev_notify =
        SIGEV_NONE;
    NEED(aio_write(&w) == 0);
    CHECK_EQ(result_of(&w), 3);
    NEED(aio_fsync(O_SYNC, &s) == 0);
    CHECK_EQ(result_of(&s), 0);
    NEED(aio_fsync(O_DSYNC, &s) == 0);
    CHECK_EQ(result_of(&s), 0);
    NEED(aio_read(&r) == 0);
    CHECK_EQ(result_of(&r), 6);
    CHECK(!memcmp(in, "23abc7", 6));
    r.aio_offset = 100;
    NEED(aio_read(&r) == 0);
    CHECK_EQ(result_of(&r), 0); /* the end */
    close(fd);
}

static void errors(void)
{
    char in[4];
    struct aiocb cb = {.aio_fildes = -1, .aio_buf = in, .aio_nbytes = 4};
    int fd = open("plain", O_RDONLY);

    cb.aio_sigevent.sigev_notify = SIGEV_NONE;
    NEED(aio_read(&cb) == 0);
    CHECK_ERRNO(result_of(&cb), EBADF);
    cb.aio_fildes = fd;
    NEED(aio_write(&cb) == 0);
    CHECK_ERRNO(result_of(&cb), EBADF);
    cb.aio_reqprio = -1;
    CHECK_ERRNO(aio_read(&cb), EINVAL);
    cb.aio_reqprio = 0;
    CHECK_ERRNO(aio_fsync(12345, &cb), EINVAL);
    close(fd);
}

/* --- being told --- */

static sem_t told;
static atomic_int told_value;

static void in_thread(union sigval value)
{
    atomic_store(&told_value, value.sival_int);
    sem_post(&told);
}

static void by_thread(void)
{
    char in[4];
    int fd = fresh_file("thread", "wxyz");
    struct aiocb cb = {.aio_fildes = fd, .aio_buf = in, .aio_nbytes = 4};

    sem_init(&told, 0, 0);
    cb.aio_sigevent.sigev_notify = SIGEV_THREAD;
    cb.aio_sigevent.sigev_notify_function = in_thread;
    cb.aio_sigevent.sigev_value.sival_int = 77;
    NEED(aio_read(&cb) == 0);
    while (sem_wait(&told) != 0)
        ;
    CHECK_EQ(atomic_load(&told_value), 77);
    CHECK(aio_error(&cb) == 0 && aio_return(&cb) == 4 && !memcmp(in, "wxyz", 4));
    close(fd);
}

static void by_signal(void)
{
    char in[4];
    int fd = fresh_file("signal", "1234");
    struct aiocb cb = {.aio_fildes = fd, .aio_buf = in, .aio_nbytes = 4};
    siginfo_t info;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    cb.aio_sigevent.sigev_notify = SIGEV_SIGNAL;
    cb.aio_sigevent.sigev_signo = SIGRTMIN + 2;
    cb.aio_sigevent.sigev_value.sival_ptr = &cb;
    NEED(aio_read(&cb) == 0);
    while (sigwaitinfo(&set, &info) < 0 && errno == EINTR)
        ;
    CHECK(info.si_code == SI_ASYNCIO && info.si_value.sival_ptr == &cb);
    CHECK(aio_error(&cb) == 0 && aio_return(&cb) == 4 && !memcmp(in, "1234", 4));
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    close(fd);
}

/* --- lists --- */

enum { MANY = 16 };

static void list_and_wait(void)
{
    static char in[MANY][4];
    struct aiocb cbs[MANY] = {}, *list[MANY + 1];
    int fd = open("many", O_RDWR | O_CREAT | O_TRUNC, 0600);

    for (int i = 0; i < MANY; i++) {
        cbs[i] = (struct aiocb){.aio_fildes = fd,
                                .aio_buf = "abcdefghijklmnopqrst" + i,
                                .aio_nbytes = 4,
                                .aio_offset = 4 * i,
                                .aio_lio_opcode = LIO_WRITE};
        cbs[i].aio_sigevent.sigev_notify = SIGEV_NONE;
        list[i] = &cbs[i];
    }
    list[MANY] = NULL; /* is passed over */
    CHECK_EQ(lio_listio(LIO_WAIT, list, MANY + 1, NULL), 0);
    for (int i = 0; i < MANY; i++) {
        CHECK(aio_error(&cbs[i]) == 0 && aio_return(&cbs[i]) == 4);
        cbs[i].aio_lio_opcode = i == 3 ? LIO_NOP : LIO_READ;
        cbs[i].aio_buf = in[i];
    }
    CHECK_EQ(lio_listio(LIO_WAIT, list, MANY, NULL), 0);
    for (int i = 0; i < MANY; i++)
        CHECK(i == 3 || !memcmp(in[i], "abcdefghijklmnopqrst" + i, 4));
    cbs[5].aio_fildes = -1;
    CHECK_ERRNO(lio_listio(LIO_WAIT, list, MANY, NULL), EIO);
    CHECK_EQ(aio_error(&cbs[5]), EBADF);
    CHECK_ERRNO(lio_listio(99, list, MANY, NULL), EINVAL);
    close(fd);
}

static void list_told_by_thread(void)
{
    char in[2][4];
    int fd = fresh_file("list", "onetwo");
    struct aiocb a = {.aio_fildes = fd, .aio_buf = in[0], .aio_nbytes = 3};
    struct aiocb b = {.aio_fildes = fd, .aio_buf = in[1], .aio_nbytes = 3, .aio_offset = 3};
    struct aiocb *list[] = {&a, &b};
    struct sigevent event = {.sigev_notify = SIGEV_THREAD};

    sem_init(&told, 0, 0);
    a.aio_lio_opcode = b.aio_lio_opcode = LIO_READ;
    a.aio_sigevent.sigev_notify = b.aio_sigevent.sigev_notify = SIGEV_NONE;
    event.sigev_notify_function = in_thread;
    event.sigev_value.sival_int = 5;
    NEED(lio_listio(LIO_NOWAIT, list, 2, &event) == 0);
    while (sem_wait(&told) != 0)
        ;
    CHECK(atomic_load(&told_value) == 5 && aio_return(&a) == 3 && aio_return(&b) == 3);
    CHECK(!memcmp(in[0], "one", 3) && !memcmp(in[1], "two", 3));
    close(fd);
}

/* --- waiting and cancelling --- */

static void suspends(void)
{
    char in[4];
    int p[2];
    struct timespec soon = {0, 1000000};
    struct aiocb cb = {.aio_buf = in, .aio_nbytes = 4};
    const struct aiocb *list[] = {NULL, &cb};

    NEED(pipe(p) == 0);
    cb.aio_fildes = p[0];
    cb.aio_sigevent.sigev_notify = SIGEV_NONE;
    NEED(aio_read(&cb) == 0);
    CHECK_ERRNO(aio_suspend(list, 2, &soon), EAGAIN); /* nothing to read yet */
    CHECK_EQ(aio_error(&cb), EINPROGRESS);
    CHECK_EQ(write(p[1], "pipe", 4), 4);
    CHECK_EQ(result_of(&cb), 4);
    CHECK(!memcmp(in, "pipe", 4));
    CHECK_EQ(aio_suspend(list, 2, NULL), 0); /* it has ended already */
    close(p[0]);
    close(p[1]);
}

/* Requests of one descriptor go one after the other: those behind the first can be cancelled. */
static void cancels(void)
{
    char in[3][4];
    int p[2], done = fresh_file("done", "done");
    struct aiocb cbs[3] = {}, ended = {.aio_fildes = done, .aio_buf = in[0], .aio_nbytes = 4};

    NEED(pipe(p) == 0);
    for (int i = 0; i < 3; i++) {
        cbs[i] = (struct aiocb){.aio_fildes = p[0], .aio_buf = in[i], .aio_nbytes = 4};
        cbs[i].aio_sigevent.sigev_notify = SIGEV_NONE;
        NEED(aio_read(&cbs[i]) == 0);
    }
    CHECK_EQ(aio_cancel(p[0], &cbs[2]), AIO_CANCELED);
    CHECK(aio_error(&cbs[2]) == ECANCELED && aio_return(&cbs[2]) == -1);
    CHECK_EQ(write(p[1], "abcdefgh", 8), 8);
    CHECK_EQ(result_of(&cbs[0]), 4);
    CHECK_EQ(result_of(&cbs[1]), 4);
    CHECK_EQ(aio_cancel(p[0], NULL), AIO_ALLDONE);
    ended.aio_sigevent.sigev_notify = SIGEV_NONE;
    NEED(aio_read(&ended) == 0);
    CHECK_EQ(result_of(&ended), 4);
    CHECK_EQ(aio_cancel(done, &ended), AIO_ALLDONE);
    CHECK_ERRNO(aio_cancel(-1, NULL), EBADF);
    close(p[0]);
    close(p[1]);
    close(done);
}

int main(void)
{
    enter_fresh_dir();
    promise("aio_read, aio_write and aio_fsync", reads_and_writes);
    promise("aio: errors", errors);
    promise("aio: told by a signal",
            by_signal); /* before any thread that tells: those take signals */
    promise("aio: told by a thread", by_thread);
    promise("lio_listio waits for all", list_and_wait);
    promise("lio_listio tells by a thread", list_told_by_thread);
    promise("aio_suspend", suspends);
    promise("aio_cancel", cancels);
    return check_end();
}
