// Leases: the holder is told before somebody else opens the file; hints; flags of inodes.
#include "check.h"

#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

static volatile sig_atomic_t told, told_fd, told_code;

static void on_signal(int sig, siginfo_t *info, void *context)
{
    (void)context;
    told = sig;
    told_fd = info->si_fd;
    told_code = info->si_code;
}

static void listen_for(int sig)
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    told = 0;
    CHECK(sigaction(sig, &action, NULL) == 0);
}

static int fresh(const char *path, int flags)
{
    unlink(path);
    close(open(path, O_CREAT | O_RDWR, 0644));
    return open(path, flags);
}

static void taking(void)
{
    int fd = fresh("f", O_RDONLY);
    CHECK_EQ(fcntl(fd, F_GETLEASE), F_UNLCK);
    CHECK_ERRNO(fcntl(fd, F_SETLEASE, F_UNLCK), EAGAIN);
    CHECK_ERRNO(fcntl(fd, F_SETLEASE, 7), EINVAL);
    CHECK(fcntl(fd, F_SETLEASE, F_RDLCK) == 0);
    CHECK_EQ(fcntl(fd, F_GETLEASE), F_RDLCK);
    int other = open("f", O_RDONLY); // reading does not break a read lease
    CHECK(other >= 0);
    CHECK_ERRNO(fcntl(fd, F_SETLEASE, F_WRLCK), EAGAIN);
    CHECK_EQ(fcntl(other, F_GETLEASE), F_UNLCK);
    CHECK(fcntl(other, F_SETLEASE, F_RDLCK) == 0);
    close(other);
    CHECK(fcntl(fd, F_SETLEASE, F_WRLCK) == 0);
    CHECK_EQ(fcntl(fd, F_GETLEASE), F_WRLCK);
    CHECK(fcntl(fd, F_SETLEASE, F_UNLCK) == 0);
    close(fd);
    fd = fresh("f", O_RDWR);
    CHECK_ERRNO(fcntl(fd, F_SETLEASE, F_RDLCK), EAGAIN);
    CHECK(fcntl(fd, F_SETLEASE, F_WRLCK) == 0);
    close(fd);
    fd = open("/", O_RDONLY);
    CHECK_ERRNO(fcntl(fd, F_SETLEASE, F_RDLCK), EINVAL);
    close(fd);
}

static void breaking_nonblocking(void)
{
    listen_for(SIGIO);
    int fd = fresh("f", O_RDONLY);
    CHECK(fcntl(fd, F_SETLEASE, F_RDLCK) == 0);
    CHECK_ERRNO(open("f", O_WRONLY | O_NONBLOCK), EWOULDBLOCK);
    CHECK_EQ(told, SIGIO);
    CHECK_EQ(fcntl(fd, F_GETLEASE), F_UNLCK); // what it is to become
    CHECK(fcntl(fd, F_SETLEASE, F_UNLCK) == 0);
    int other = open("f", O_WRONLY | O_NONBLOCK);
    CHECK(other >= 0);
    close(other);
    close(fd);
    // F_SETSIG brings the descriptor along.
    listen_for(SIGUSR1);
    fd = fresh("f", O_RDWR);
    CHECK(fcntl(fd, F_SETSIG, SIGUSR1) == 0);
    CHECK(fcntl(fd, F_SETLEASE, F_WRLCK) == 0);
    CHECK_ERRNO(open("f", O_RDONLY | O_NONBLOCK), EWOULDBLOCK);
    CHECK_EQ(told, SIGUSR1);
    CHECK_EQ(told_fd, fd);
    CHECK_EQ(told_code, POLL_MSG);
    CHECK_EQ(fcntl(fd, F_GETLEASE), F_RDLCK);
    close(fd); // the end of the holder is the end of the lease
    other = open("f", O_RDWR | O_NONBLOCK);
    CHECK(other >= 0);
    close(other);
}

static void breaking_blocking(void)
{
    int status = -1;
    listen_for(SIGIO);
    int fd = fresh("f", O_RDONLY);
    CHECK(fcntl(fd, F_SETLEASE, F_RDLCK) == 0);
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, SIGIO);
    sigprocmask(SIG_BLOCK, &set, &old);
    pid_t child = fork();
    if (child == 0)
        _exit(truncate("f", 0) == 0 ? 0 : errno);
    while (!told)
        sigsuspend(&old);
    sigprocmask(SIG_SETMASK, &old, NULL);
    CHECK_EQ(waitpid(child, &status, WNOHANG), 0);
    CHECK(fcntl(fd, F_SETLEASE, F_UNLCK) == 0);
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_EQ(status, 0);
    close(fd);
}

static void hints(void)
{
    int fd = fresh("h", O_RDWR);
    uint64_t hint = 99;
    CHECK(fcntl(fd, 1035 /* F_GET_RW_HINT */, &hint) == 0);
    CHECK_EQ(hint, 0);
    hint = 3;
    CHECK(fcntl(fd, 1036 /* F_SET_RW_HINT */, &hint) == 0);
    int other = open("h", O_RDONLY); // it is the inode's
    hint = 0;
    CHECK(fcntl(other, 1035, &hint) == 0);
    CHECK_EQ(hint, 3);
    hint = 6;
    CHECK_ERRNO(fcntl(fd, 1036, &hint), EINVAL);
    CHECK_ERRNO(fcntl(fd, 1036, (void *)8), EFAULT);
    close(other);
    close(fd);
}

/* A tmpfs, whose answers are known; false: none can be had. */
static bool on_tmpfs(void)
{
    struct stat st;
    if (geteuid() == 0 && mkdir("t", 0755) == 0 && mount("t", "t", "tmpfs", 0, NULL) == 0)
        return chdir("t") == 0;
    return stat("/dev/shm", &st) == 0 && chdir("/dev/shm") == 0;
}

static void inode_flags(void)
{
    int fd = fresh("flags", O_RDWR), flags = -1;
    if (ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0 && !inside_osprey()) {
        close(fd);
        SKIP("this Linux has no flags on tmpfs");
    }
    CHECK_EQ(flags, 0);
    flags = FS_IMMUTABLE_FL;
    NEED(ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0);
    flags = 0;
    CHECK(ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0);
    CHECK_EQ(flags, FS_IMMUTABLE_FL);
    CHECK_ERRNO(open("flags", O_WRONLY), EPERM);
    CHECK_ERRNO(unlink("flags"), EPERM);
    CHECK_ERRNO(link("flags", "flags2"), EPERM);
    CHECK_ERRNO(rename("flags", "flags2"), EPERM);
    CHECK_ERRNO(chmod("flags", 0600), EPERM);
    CHECK_ERRNO(truncate("flags", 0), EPERM);
    flags = FS_APPEND_FL;
    CHECK(ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0);
    CHECK_ERRNO(open("flags", O_WRONLY), EPERM);
    CHECK_ERRNO(open("flags", O_WRONLY | O_APPEND | O_TRUNC), EPERM);
    int other = open("flags", O_WRONLY | O_APPEND);
    CHECK(other >= 0 && write(other, "x", 1) == 1);
    close(other);
    CHECK_ERRNO(truncate("flags", 0), EPERM);
    CHECK_ERRNO(unlink("flags"), EPERM);
    struct fsxattr x;
    CHECK(ioctl(fd, FS_IOC_FSGETXATTR, &x) == 0);
    CHECK_EQ(x.fsx_xflags, FS_XFLAG_APPEND);
    flags = FS_SECRM_FL;
    CHECK_ERRNO(ioctl(fd, FS_IOC_SETFLAGS, &flags), EOPNOTSUPP);
    x.fsx_xflags = FS_XFLAG_NODUMP;
    CHECK(ioctl(fd, FS_IOC_FSSETXATTR, &x) == 0);
    CHECK(ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0);
    CHECK_EQ(flags, FS_NODUMP_FL);
    CHECK(unlink("flags") == 0);
    close(fd);
}

static void other_calls(void)
{
    int fd = fresh("o", O_RDWR), other = fresh("p", O_RDWR), n = 0;
    char fiemap[64] = {0}, dedupe[64] = {0};
    CHECK_ERRNO(ioctl(fd, FICLONE, other), EOPNOTSUPP);
    CHECK_ERRNO(ioctl(fd, FICLONE, -1), EBADF);
    int null = open("/dev/null", O_RDWR);
    CHECK_ERRNO(ioctl(fd, FICLONE, null), EXDEV);
    close(null);
    CHECK_ERRNO(ioctl(fd, FS_IOC_FIEMAP, fiemap), EOPNOTSUPP);
    CHECK_ERRNO(ioctl(fd, FIDEDUPERANGE, dedupe), EOPNOTSUPP);
    CHECK_ERRNO(ioctl(fd, FITHAW, 0), geteuid() ? EPERM : EINVAL);
    CHECK_ERRNO(ioctl(fd, FIFREEZE, 0), geteuid() ? EPERM : EOPNOTSUPP);
    CHECK_ERRNO(ioctl(fd, FIBMAP, &n), geteuid() ? EPERM : EINVAL);
    CHECK(ioctl(fd, FIGETBSZ, &n) == 0);
    CHECK_EQ(n, 4096);
    loff_t size = -1;
    CHECK(pwrite(fd, "x", 1, 4999) == 1);
    CHECK(ioctl(fd, 0x5460 /* FIOQSIZE */, &size) == 0);
    CHECK_EQ(size, 4096); // what it takes up
    CHECK(ioctl(fd, FIONREAD, &n) == 0);
    CHECK_EQ(n, 5000);
    CHECK_ERRNO(ioctl(fd, 0x1234, 0), ENOTTY);
    close(fd);
    close(other);
    CHECK(unlink("o") == 0 && unlink("p") == 0);
}

int main(void)
{
    enter_fresh_dir();
    promise("taking leases", taking);
    promise("an open with O_NONBLOCK breaks and fails", breaking_nonblocking);
    promise("others wait until the lease is given up", breaking_blocking);
    promise("F_SET_RW_HINT", hints);
    if (on_tmpfs()) {
        promise("immutable and append-only files", inode_flags);
        promise("what tmpfs answers to other ioctls", other_calls);
    }
    return check_end();
}
