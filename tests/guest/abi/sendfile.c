/* man 2 sendfile */
#include "abi.h"
#include <pthread.h>
#include <sys/mman.h>

static void results(void)
{
    char text[16] = "";
    int in = file_with("in", "0123456789"), out = file_with("out", ""), ends[2];
    off_t from = 3;

    CHECK_EQ(CALL(sendfile, out, in, NULL, 4), 4);
    CHECK_EQ(lseek(in, 0, SEEK_CUR), 4);
    CHECK_EQ(CALL(sendfile, out, in, &from, 100), 7);
    CHECK(from == 10 && lseek(in, 0, SEEK_CUR) == 4);
    CHECK_EQ(CALL(sendfile, out, in, &from, 100), 0);
    CHECK(pread(out, text, 15, 0) == 11 && strcmp(text, "01233456789") == 0);
    NEED(pipe(ends) == 0);
    CHECK_EQ(CALL(sendfile, ends[1], in, NULL, 2), 2);
    CHECK(read(ends[0], text, 15) == 2 && memcmp(text, "45", 2) == 0);
}

static void errors(void)
{
    int in = open("in", O_RDONLY), out = open("out", O_RDWR), ends[2];
    off_t from = -1;

    NEED(pipe(ends) == 0);
    CHECK_ERRNO(CALL(sendfile, out, in, &from, 1), EINVAL);
    CHECK_ERRNO(CALL(sendfile, out, in, BAD, 1), EFAULT);
    CHECK_ERRNO(CALL(sendfile, in, in, NULL, 1), EBADF); /* not open for writing */
    CHECK_ERRNO(CALL(sendfile, BAD_FD, in, NULL, 1), EBADF);
    CHECK_ERRNO(CALL(sendfile, out, BAD_FD, NULL, 1), EBADF);
    CHECK_ERRNO(CALL(sendfile, open("out", O_WRONLY | O_APPEND), in, NULL, 1), EINVAL);
    from = 0;
    CHECK_ERRNO(CALL(sendfile, out, ends[0], &from, 1), ESPIPE);
    CHECK_ERRNO(CALL(sendfile, BAD_FD, ends[0], &from, 1), ESPIPE); /* the source first */
    CHECK_ERRNO(CALL(sendfile, out, open(".", O_RDONLY), &from, 1), EINVAL);
    from = INT64_MAX;
    CHECK_ERRNO(CALL(sendfile, in, in, &from, 1), EINVAL);
    CHECK_ERRNO(CALL(sendfile, out, BAD_FD, BAD, 1), EFAULT); /* the offset before all else */
    CHECK_ERRNO(CALL(sendfile, BAD_FD, out, BAD, 1), EFAULT);
    CHECK_ERRNO(CALL(sendfile, out, ends[1], BAD, 1), EFAULT);
    off_t *constant = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK_ERRNO(CALL(sendfile, out, BAD_FD, constant, 1), EFAULT); /* cannot be written back */
    CHECK_ERRNO(CALL(sendfile, out, in, constant, 0), EFAULT);
}

static void onto_itself(void)
{
    int both = file_with("both", "0123456789"), zero = open("/dev/zero", O_RDONLY), ends[2];
    int appends = file_with("appends", "abc");
    off_t from = 100;
    char text[16] = "";

    lseek(both, 4, SEEK_SET);
    CHECK_EQ(CALL(sendfile, both, both, NULL, 100), 6);
    CHECK(lseek(both, 0, SEEK_CUR) == 10 && pread(both, text, 15, 0) == 10);
    CHECK(strcmp(text, "0123456789") == 0);
    CHECK_EQ(CALL(sendfile, both, zero, &from, 1), 1);
    CHECK_EQ(from, 100); /* a device has no position */
    NEED(pipe(ends) == 0 && fcntl(ends[1], F_SETFL, O_APPEND) == 0);
    from = 0;
    CHECK_EQ(CALL(sendfile, ends[1], appends, &from, 3), 3); /* a pipe's end is where one writes */
}

static atomic_int sender;
static int full[2];

static void *send_into_pipe(void *in)
{
    atomic_store(&sender, gettid());
    return (void *)CALL(sendfile, full[1], (int)(intptr_t)in, NULL, 4);
}

static void position(void)
{
    int in = file_with("long", "0123456789");
    char page[4096] = "";
    pthread_t thread;
    void *sent;

    NEED(pipe(full) == 0 && fcntl(full[1], F_SETPIPE_SZ, 4096) == 4096);
    NEED(write(full[1], page, sizeof(page)) == sizeof(page));
    NEED(pthread_create(&thread, NULL, send_into_pipe, (void *)(intptr_t)in) == 0);
    until_asleep(&sender);
    CHECK_EQ(lseek(in, 0, SEEK_CUR), 0); /* does not wait for whoever sends */
    NEED(read(full[0], page, sizeof(page)) == sizeof(page));
    NEED(pthread_join(thread, &sent) == 0);
    CHECK_EQ((intptr_t)sent, 4);
    CHECK_EQ(lseek(in, 0, SEEK_CUR), 4);
}

int main(void)
{
    enter_fresh_dir();
    promise("sendfile: results", results);
    promise("sendfile: errors", errors);
    promise("sendfile: a file onto itself, a device, a pipe", onto_itself);
    promise("sendfile: the position is not held", position);
    return check_end();
}
