// memfd_create: flags, seals, F_SEAL_EXEC.
#include "../check.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8
#define MFD_EXEC        16
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x20
#endif

static void flags(void)
{
    char name[252];
    memset(name, 'n', sizeof(name));
    name[249] = 0;
    CHECK_ERRNO(memfd_create("x", 0x100), EINVAL);
    CHECK_ERRNO(memfd_create((char *)8, 0), EFAULT);
    int fd = memfd_create(name, MFD_CLOEXEC);
    CHECK(fd >= 0);
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
    CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL);
    CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
    close(fd);
    name[249] = 'n';
    name[250] = 0;
    CHECK_ERRNO(memfd_create(name, 0), EINVAL);
}

static void sealing(void)
{
    char c;
    int fd = memfd_create("s", MFD_ALLOW_SEALING);
    NEED(fd >= 0);
    CHECK_EQ(fcntl(fd, F_GET_SEALS), 0);
    CHECK(ftruncate(fd, 4096) == 0);
    CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) == 0);
    CHECK_ERRNO(ftruncate(fd, 8192), EPERM);
    CHECK_ERRNO(ftruncate(fd, 0), EPERM);
    char *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
    munmap(m, 4096);
    CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0);
    CHECK_ERRNO(write(fd, "x", 1), EPERM);
    CHECK_EQ(pread(fd, &c, 1, 0), 1);
    CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, 0x1000), EINVAL);
    CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL) == 0);
    CHECK_ERRNO(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), EPERM);
    close(fd);
    fd = open("/dev/null", O_RDWR);
    CHECK_ERRNO(fcntl(fd, F_GET_SEALS), EINVAL);
    close(fd);
}

static void running(void)
{
    struct stat st;
    CHECK_ERRNO(memfd_create("e", MFD_EXEC | MFD_NOEXEC_SEAL), EINVAL);
    int fd = memfd_create("e", MFD_NOEXEC_SEAL);
    if (fd < 0 && errno == EINVAL)
        SKIP("Linux before 6.3");
    CHECK(fstat(fd, &st) == 0);
    CHECK_EQ(st.st_mode & 0777, 0666);
    CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_EXEC);
    CHECK_ERRNO(fchmod(fd, 0777), EPERM);
    CHECK(fchmod(fd, 0600) == 0);
    close(fd);
    fd = memfd_create("e", MFD_EXEC | MFD_ALLOW_SEALING);
    CHECK(fstat(fd, &st) == 0);
    CHECK_EQ(st.st_mode & 0777, 0777);
    CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_EXEC) == 0); // what may be run stays as it is
    CHECK_EQ(fcntl(fd, F_GET_SEALS),
             F_SEAL_EXEC | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE);
    CHECK_ERRNO(fchmod(fd, 0666), EPERM);
    close(fd);
}

int main(void)
{
    promise("flags and names", flags);
    promise("seals", sealing);
    promise("MFD_EXEC, MFD_NOEXEC_SEAL, F_SEAL_EXEC", running);
    return check_end();
}
