/* man 3 mq_open; the call's names have no slash in front. */
#include "../own_ipc.h"
#include "abi.h"
#include <poll.h>
#include <mqueue.h>

static void results(void)
{
    struct mq_attr attr = {.mq_maxmsg = 4, .mq_msgsize = 64}, got;
    int fd = CALL(mq_open, "abi-open", O_RDWR | O_CREAT | O_EXCL, 0600, &attr);

    if (fd < 0 && errno == ENOSYS)
        SKIP("this Linux has no queues");
    NEED(fd >= 0);
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CHECK(CALL(mq_getsetattr, fd, NULL, &got) == 0 && got.mq_maxmsg == 4 && got.mq_msgsize == 64);
    CHECK_ERRNO(CALL(mq_open, "abi-open", O_RDWR | O_CREAT | O_EXCL, 0600, &attr), EEXIST);
    CHECK(CALL(mq_open, "abi-open", O_RDONLY, 0, NULL) >= 0);
    CHECK_EQ(CALL(mq_unlink, "abi-open"), 0);
    CHECK_ERRNO(CALL(mq_open, "abi-open", O_RDONLY, 0, NULL), ENOENT);
    CHECK_ERRNO(CALL(mq_open, "a/b", O_RDWR | O_CREAT, 0600, NULL), EACCES);
    CHECK_ERRNO(CALL(mq_open, "", O_RDWR | O_CREAT, 0600, NULL), ENOENT);
    CHECK_ERRNO(CALL(mq_open, BAD, O_RDWR, 0600, NULL), EFAULT);
    attr.mq_maxmsg = 0;
    CHECK_ERRNO(CALL(mq_open, "abi-open", O_RDWR | O_CREAT, 0600, &attr), EINVAL);
}

/* A queue is a file, with a mode and an owner that may be changed. */
static void file(void)
{
    struct mq_attr attr = {.mq_maxmsg = 4, .mq_msgsize = 64};
    struct stat st;
    char text[100];
    int fd = CALL(mq_open, "abi-file", O_RDWR | O_CREAT | O_EXCL, 0600, &attr);

    if (fd < 0 && errno == ENOSYS)
        SKIP("this Linux has no queues");
    NEED(fd >= 0);
    CHECK_ERRNO(CALL(mq_open, "abi-file", O_RDWR, 0, BAD), EFAULT);
    int other = CALL(mq_open, "abi-file", O_RDONLY | O_APPEND, 0, NULL);
    CHECK_EQ(fcntl(other, F_GETFL) & ~O_LARGEFILE, O_RDONLY | O_APPEND);
    CHECK(pread(fd, text, 100, 0) > 50 && strncmp(text, "QSIZE:0 ", 8) == 0);
    CHECK(read(fd, text, 10) == 10 && lseek(fd, 0, SEEK_CUR) == 10);
    snprintf(text, sizeof(text), "/proc/self/fd/%d", fd);
    int again = open(text, O_RDONLY);
    CHECK(again >= 0 && pread(again, text, 100, 0) > 50);
    struct pollfd queue = {.fd = again, .events = POLLIN | POLLOUT};
    CHECK(poll(&queue, 1, 0) == 1 && queue.revents == POLLOUT);
    CHECK_EQ(close(again), 0);
    CHECK_EQ(fchmod(fd, 0640), 0);
    CHECK(fstat(other, &st) == 0 && st.st_mode == (S_IFREG | 0640) && st.st_nlink == 1);
    if (fchown(fd, NOBODY, -1) == 0) {
        CHECK(fstat(other, &st) == 0 && st.st_uid == NOBODY);
        pid_t pid = start();
        if (pid == 0) {
            become_nobody();
            _exit(CALL(mq_open, "abi-file", O_RDWR, 0, NULL) >= 0 &&
                          CALL(mq_unlink, "abi-file") == 0
                      ? 0
                      : 1);
        }
        if (end_of(pid) != 0) {
            syscall(SYS_mq_unlink, "abi-file"); /* it would stand in the next run's way */
            CHECK(false);
        }
    } else {
        CHECK_EQ(CALL(mq_unlink, "abi-file"), 0);
    }
    CHECK(fstat(other, &st) == 0 && st.st_nlink == 0);
}

int main(void)
{
    own_ipc();
    promise("mq_open: results and errors", results);
    promise("mq_open: the queue's file", file);
    return check_end();
}
