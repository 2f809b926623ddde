/* man 2 process_madvise */
#include "ptrace.h"

#include <sys/mman.h>

static char *area;
static struct iovec vec;

static long advise(int pidfd, const struct iovec *iov, size_t n, int advice, unsigned flags)
{
    return syscall(SYS_process_madvise, pidfd, iov, n, advice, flags);
}

static int stay(void)
{
    raise(SIGSTOP);
    return area[0] == 'x' ? 7 : 8;
}

static void errors(void)
{
    int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
    struct iovec odd = {area + 1, 4096};

    CHECK_EQ(advise(self, &vec, 1, MADV_COLD, 0), 8192);
    CHECK_EQ(advise(self, &vec, 1, MADV_WILLNEED, 0), 8192);
    CHECK_EQ(advise(self, &vec, 0, MADV_COLD, 0), 0);
    CHECK_ERRNO(advise(self, &vec, 1, MADV_COLD, 1), EINVAL);
    CHECK_ERRNO(advise(self, &vec, 1025, MADV_COLD, 0), EINVAL);
    CHECK_ERRNO(advise(self, &vec, 1, 999, 0), EINVAL);
    CHECK_ERRNO(advise(self, &odd, 1, MADV_COLD, 0), EINVAL);
    CHECK_ERRNO(advise(self, (void *)8, 1, MADV_COLD, 0), EFAULT);
    CHECK_ERRNO(advise(-1, &vec, 1, MADV_COLD, 0), EBADF);
    CHECK_ERRNO(advise(0, &vec, 1, MADV_COLD, 0), EBADF);
    close(self);
}

static void anothers_memory(void)
{
    pid_t pid = start_child(stay);
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);

    NEED(waitpid(pid, NULL, WUNTRACED) == pid);
    CHECK_EQ(advise(fd, &vec, 1, MADV_PAGEOUT, 0), 8192);
    CHECK_ERRNO(advise(fd, &vec, 1, MADV_DONTNEED, 0), EINVAL); /* would change what it sees */
    CHECK_EQ(kill(pid, SIGCONT), 0);
    CHECK(exited_with(next_status(pid), 7));
    CHECK_ERRNO(advise(fd, &vec, 1, MADV_COLD, 0), ESRCH);
    close(fd);
}

int main(void)
{
    area = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(area, 'x', 8192);
    vec = (struct iovec){area, 8192};
    promise("advice about one's own memory, and errors", errors);
    promise("advice about another's", anothers_memory);
    return check_end();
}
