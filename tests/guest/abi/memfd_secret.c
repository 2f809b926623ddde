// memfd_secret: a file that is sized once and only mapped, whose pages no other call reaches.
#include "../check.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif

enum { PAGE = 4096, SIZE = 3 * PAGE + 5 };

static int secret(unsigned flags)
{
    return (int)syscall(SYS_memfd_secret, flags);
}

/* Four pages of memory of a new file; its descriptor in *fd. */
static char *area(int *fd)
{
    *fd = secret(0);
    if (!CHECK(*fd >= 0) || !CHECK(ftruncate(*fd, SIZE) == 0))
        return NULL;
    char *m = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
    return CHECK(m != MAP_FAILED) ? m : NULL;
}

static void done(char *m, int fd)
{
    CHECK(munmap(m, 4 * PAGE) == 0);
    CHECK(close(fd) == 0);
}

static void flags(void)
{
    CHECK_ERRNO(secret(1), EINVAL);
    CHECK_ERRNO(secret(~0u), EINVAL);
    CHECK_ERRNO(secret(O_NONBLOCK), EINVAL);
    int fd = secret(0);
    CHECK_EQ(fcntl(fd, F_GETFD), 0);
    CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
    CHECK_ERRNO(fcntl(fd, F_GET_SEALS), EINVAL);
    CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL), EINVAL);
    close(fd);
    fd = secret(O_CLOEXEC);
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    close(fd);
}

static void identity(void)
{
    char place[64], name[64] = "";
    struct stat st;
    int fd = secret(0);
    CHECK(fstat(fd, &st) == 0);
    CHECK_EQ(st.st_mode, S_IFREG | 0600);
    CHECK_EQ(st.st_size, 0);
    CHECK_EQ(st.st_uid, geteuid());
    snprintf(place, sizeof(place), "/proc/self/fd/%d", fd);
    CHECK(readlink(place, name, sizeof(name) - 1) > 0);
    CHECK(strcmp(name, "/secretmem (deleted)") == 0);
    CHECK_ERRNO(open(place, O_RDWR), ENXIO);
    CHECK(fchmod(fd, 0400) == 0);
    CHECK_ERRNO(fgetxattr(fd, "user.x", name, 1), EOPNOTSUPP);
    close(fd);
}

static void sized_once(void)
{
    struct stat st;
    int fd = secret(0);
    CHECK(ftruncate(fd, 0) == 0);
    CHECK_ERRNO(ftruncate(fd, -1), EINVAL);
    CHECK(ftruncate(fd, SIZE) == 0);
    CHECK_ERRNO(ftruncate(fd, SIZE), EINVAL);
    CHECK_ERRNO(ftruncate(fd, 0), EINVAL);
    CHECK_ERRNO(ftruncate(fd, 2 * SIZE), EINVAL);
    CHECK(fstat(fd, &st) == 0);
    CHECK_EQ(st.st_size, SIZE);
    close(fd);
}

static void no_reading(void)
{
    char b[8] = "";
    struct iovec iov = {b, 1};
    int fd, p[2];
    char *m = area(&fd);
    NEED(m && pipe(p) == 0);
    CHECK_ERRNO(read(fd, b, 1), EINVAL);
    CHECK_ERRNO(write(fd, b, 1), EINVAL);
    CHECK_ERRNO(readv(fd, &iov, 1), EINVAL);
    CHECK_ERRNO(pread(fd, b, 1, 0), ESPIPE);
    CHECK_ERRNO(pwrite(fd, b, 1, 0), ESPIPE);
    CHECK_ERRNO(lseek(fd, 0, SEEK_SET), ESPIPE);
    CHECK_ERRNO(fallocate(fd, 0, 0, PAGE), EOPNOTSUPP);
    CHECK_ERRNO(fsync(fd), EINVAL);
    CHECK_ERRNO(sendfile(p[1], fd, NULL, 1), EINVAL);
    CHECK_ERRNO(splice(fd, NULL, p[1], NULL, 1, 0), EINVAL);
    CHECK_EQ(poll(&(struct pollfd){.fd = fd, .events = POLLIN | POLLOUT}, 1, 0), 1);
    close(p[0]);
    close(p[1]);
    done(m, fd);
}

static void mapping(void)
{
    unsigned char here[4] = {9, 9, 9, 9};
    int fd, status;
    char *m = area(&fd);
    NEED(m);
    CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED && errno == EINVAL);
    CHECK(mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0) == MAP_FAILED &&
          errno == EPERM);
    CHECK_ERRNO(mprotect(m, PAGE, PROT_READ | PROT_EXEC), EACCES);
    CHECK(mprotect(m, PAGE, PROT_READ) == 0);
    CHECK(mprotect(m, PAGE, PROT_READ | PROT_WRITE) == 0);
    CHECK(mincore(m, 4 * PAGE, here) == 0);
    CHECK_EQ(here[0] | here[1] | here[2] | here[3], 0); /* locked, but not brought in */
    CHECK_EQ(m[PAGE], 0);
    m[PAGE] = 1;
    CHECK(mincore(m, 4 * PAGE, here) == 0);
    CHECK_EQ(here[0], 0);
    CHECK_EQ(here[1], 1);
    if (fork() == 0) {
        m[2 * PAGE] = 7;
        _exit(0);
    }
    CHECK(wait(&status) > 0 && status == 0);
    CHECK_EQ(m[2 * PAGE], 7);
    done(m, fd);

    fd = secret(0); /* a page behind the end */
    CHECK(ftruncate(fd, PAGE) == 0);
    m = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    NEED(m != MAP_FAILED);
    m[PAGE - 1] = 1;
    if (fork() == 0) {
        signal(SIGBUS, SIG_DFL);
        m[PAGE] = 1;
        _exit(0);
    }
    CHECK(wait(&status) > 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
    done(m, fd);
}

/* The program's own address works: Linux copies through its page tables. */
static void own_copies(void)
{
    int fd, p[2];
    char *m = area(&fd);
    NEED(m && pipe(p) == 0);
    strcpy(m, "secret");
    CHECK_EQ(write(p[1], m, 7), 7);
    CHECK_EQ(read(p[0], m + PAGE, 7), 7);
    CHECK(strcmp(m + PAGE, "secret") == 0);
    close(p[0]);
    close(p[1]);
    done(m, fd);
}

static void refused(void)
{
    char b[8] = "before!";
    int fd, p[2];
    char *m = area(&fd);
    NEED(m && pipe(p) == 0);
    strcpy(m, "secret");
    struct iovec mine = {b, 7}, its = {m, 7};
    CHECK_ERRNO(process_vm_readv(getpid(), &mine, 1, &its, 1, 0), EFAULT);
    CHECK_ERRNO(process_vm_writev(getpid(), &mine, 1, &its, 1, 0), EFAULT);
    CHECK_ERRNO(vmsplice(p[1], &its, 1, 0), EFAULT);
    int mem = open("/proc/self/mem", O_RDWR);
    CHECK_ERRNO(pread(mem, b, 7, (off_t)(uintptr_t)m), EIO);
    CHECK_ERRNO(pwrite(mem, b, 7, (off_t)(uintptr_t)m), EIO);
    close(mem);
    CHECK_ERRNO(syscall(SYS_futex, m, FUTEX_WAKE, 1, NULL, NULL, 0), EFAULT);
    CHECK_EQ(syscall(SYS_futex, m, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0);
    CHECK(strcmp(b, "before!") == 0 && strcmp(m, "secret") == 0);
    close(p[0]);
    close(p[1]);
    done(m, fd);
}

static void tracing(void)
{
    int fd, status;
    char *m = area(&fd);
    NEED(m);
    strcpy(m, "secret");
    pid_t child = fork();
    if (child == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFSTOPPED(status));
    CHECK_ERRNO(ptrace(PTRACE_PEEKDATA, child, m, NULL), EIO);
    CHECK_ERRNO(ptrace(PTRACE_POKEDATA, child, m, NULL), EIO);
    kill(child, SIGKILL);
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(strcmp(m, "secret") == 0);
    done(m, fd);
}

static void advice(void)
{
    int fd;
    char *m = area(&fd);
    NEED(m);
    strcpy(m, "secret");
    CHECK_ERRNO(madvise(m, PAGE, MADV_POPULATE_READ), EINVAL);
    CHECK_ERRNO(madvise(m, PAGE, MADV_POPULATE_WRITE), EINVAL);
    CHECK_ERRNO(madvise(m, PAGE, MADV_DONTNEED), EINVAL);
    CHECK_ERRNO(madvise(m, PAGE, MADV_REMOVE), EINVAL);
    CHECK_ERRNO(madvise(m, PAGE, MADV_COLD), EINVAL);
    CHECK_ERRNO(madvise(m, PAGE, MADV_PAGEOUT), EINVAL);
    CHECK_ERRNO(madvise(m, PAGE, MADV_WIPEONFORK), EINVAL);
    CHECK(madvise(m, PAGE, MADV_WILLNEED) == 0);
    CHECK_ERRNO(msync(m, PAGE, MS_INVALIDATE), EBUSY);
    CHECK_ERRNO(mlock(m, PAGE), ENOMEM);
    CHECK(munlock(m, PAGE) == 0);
    CHECK_ERRNO(msync(m, PAGE, MS_INVALIDATE), EBUSY); /* it stays locked */
    CHECK(strcmp(m, "secret") == 0);
    done(m, fd);
}

static void limits(void)
{
    const struct rlimit three = {3 * PAGE, 3 * PAGE};
    int fd = secret(0), status;
    NEED(fd >= 0 && ftruncate(fd, 8 * PAGE) == 0);
    if (geteuid() != 0)
        SKIP("is not root");
    pid_t child = fork();
    if (child == 0) {
        bool ok = setrlimit(RLIMIT_MEMLOCK, &three) == 0 && setuid(12345) == 0;
        ok = ok && mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED;
        ok = ok && errno == EAGAIN;
        char *m = mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
        ok = ok && m != MAP_FAILED &&
             mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED;
        ok = ok && munmap(m, PAGE) == 0 &&
             mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED;
        _exit(ok ? 0 : 1);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    close(fd);
}

int main(void)
{
    if (!inside_osprey() && secret(0) < 0 && (errno == ENOSYS || errno == EPERM)) {
        printf("skip - memfd_secret # not built in, or forbidden (errno %d)\n1..1\n", errno);
        return 0;
    }
    promise("flags are checked", flags);
    promise("the file has no name and opens once", identity);
    promise("its size is set once", sized_once);
    promise("it is neither read nor written", no_reading);
    promise("it is mapped shared, not executable, locked without bringing it in", mapping);
    promise("the program itself may pass its address", own_copies);
    promise("other ways to its pages are refused", refused);
    promise("a tracer does not see it", tracing);
    promise("it stays locked whatever is advised", advice);
    promise("it counts against RLIMIT_MEMLOCK", limits);
    return check_end();
}
