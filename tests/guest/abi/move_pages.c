/* man 2 move_pages */
#include "abi.h"
#include <sys/mman.h>

static void results(void)
{
    char *at = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *pages[3] = {at, at + 4096, BAD};
    int status[3] = {9, 9, 9}, node[3] = {0, 0, 0};

    madvise(at, 8192, MADV_NOHUGEPAGE);
    at[0] = 1;
    if (CALL(move_pages, 0, 3, pages, NULL, status, 0) < 0 && errno == ENOSYS)
        SKIP("a kernel without CONFIG_MIGRATION");
    CHECK(status[0] == 0 && status[1] == -ENOENT && status[2] < 0); /* where they are */
    CHECK(CALL(move_pages, 0, 1, pages, node, status, 2) >= 0 && status[0] == 0);
    CHECK_ERRNO(CALL(move_pages, 0, 1, pages, node, status, 99), EINVAL);
    CHECK_ERRNO(CALL(move_pages, 0x3ffffff, 1, pages, NULL, status, 0), ESRCH);
    CHECK_ERRNO(CALL(move_pages, 0, 1, BAD, NULL, status, 0), EFAULT);
}

static void of_another(void)
{
    char *at = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *pages[3] = {at, at + 4096, BAD};
    int status[3] = {9, 9, 9};
    pid_t pid;

    madvise(at, 8192, MADV_NOHUGEPAGE);
    at[0] = 1;
    pid = start();
    if (pid == 0) {
        pause();
        _exit(0);
    }
    munmap(at, 8192); /* here; not there */
    if (CALL(move_pages, pid, 3, pages, NULL, status, 0) < 0 && errno == ENOSYS) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        SKIP("a kernel without CONFIG_MIGRATION");
    }
    CHECK((inside_osprey() ? status[0] == 0 : status[0] >= 0) && status[1] == -ENOENT &&
          status[2] == -EFAULT);
    CHECK_EQ(CALL(move_pages, 0, 1, pages, NULL, status, 0), 0);
    CHECK_EQ(status[0], -EFAULT);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    CHECK_ERRNO(CALL(move_pages, pid, 1, pages, NULL, status, 0), ESRCH);
}

static void needs_a_right(void)
{
    int status;
    void *page = &status;

    if (CALL(move_pages, 0, 1, &page, NULL, &status, 0) < 0 && errno == ENOSYS)
        SKIP("a kernel without CONFIG_MIGRATION");
    become_nobody();
    CHECK_ERRNO(CALL(move_pages, getppid(), 1, &page, NULL, &status, 0), EPERM);
    CHECK_ERRNO(CALL(move_pages, 0, 1, &page, NULL, &status, 4), EPERM);
}

int main(void)
{
    promise("move_pages: another's pages", of_another);
    promise_apart("move_pages: needs a right", needs_a_right);
    promise("move_pages: results and errors", results);
    return check_end();
}
