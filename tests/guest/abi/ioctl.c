/* man 2 ioctl */
#include "abi.h"
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>

static void results(void)
{
    int ends[2], n = -1, on = 1, fd = file_with("file", "0123456789");
    struct winsize size;

    NEED(pipe(ends) == 0 && write(ends[1], "abc", 3) == 3);
    CHECK(CALL(ioctl, ends[0], FIONREAD, &n) == 0 && n == 3);
    CHECK_EQ(CALL(ioctl, ends[0], FIONBIO, &on), 0);
    CHECK(fcntl(ends[0], F_GETFL) & O_NONBLOCK);
    CHECK_EQ(CALL(ioctl, fd, FIOCLEX), 0);
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(CALL(ioctl, fd, FIONCLEX), 0);
    CHECK_EQ(fcntl(fd, F_GETFD), 0);
    lseek(fd, 4, SEEK_SET);
    CHECK(CALL(ioctl, fd, FIONREAD, &n) == 0 && n == 6);
    CHECK_ERRNO(CALL(ioctl, fd, TIOCGWINSZ, &size), ENOTTY);
    CHECK_ERRNO(CALL(ioctl, fd, 0x12345678, &size), ENOTTY);
    CHECK_ERRNO(CALL(ioctl, BAD_FD, FIONREAD, &n), EBADF);
    CHECK_ERRNO(CALL(ioctl, open("file", O_PATH), FIONREAD, &n), EBADF);
    CHECK_ERRNO(CALL(ioctl, ends[0], FIONREAD, BAD), EFAULT);
    CHECK_ERRNO(CALL(ioctl, ends[0], FIONBIO, BAD), EFAULT);
    CHECK_ERRNO(CALL(ioctl, fd, FIOASYNC, &on), ENOTTY);
}

static void terminals(void)
{
    struct winsize size = {11, 22, 0, 0}, got;
    struct termios modes;
    int master = open("/dev/ptmx", O_RDWR | O_NOCTTY), number = -1, unlock = 0;
    char path[32];

    NEED(master >= 0);
    CHECK_EQ(CALL(ioctl, master, TIOCSPTLCK, &unlock), 0);
    CHECK(CALL(ioctl, master, TIOCGPTN, &number) == 0 && number >= 0);
    snprintf(path, sizeof path, "/dev/pts/%d", number);
    int slave = open(path, O_RDWR | O_NOCTTY);
    NEED(slave >= 0);
    CHECK_EQ(CALL(ioctl, master, TIOCSWINSZ, &size), 0);
    CHECK(CALL(ioctl, slave, TIOCGWINSZ, &got) == 0 && got.ws_row == 11 && got.ws_col == 22);
    CHECK_EQ(CALL(ioctl, slave, TCGETS, &modes), 0);
    CHECK_ERRNO(CALL(ioctl, slave, TCSETS, BAD), EFAULT);
    CHECK_ERRNO(CALL(ioctl, slave, TIOCGPGRP, &number), ENOTTY); /* not our terminal */
}

static void sockets(void)
{
    struct ifreq lo = {.ifr_name = "lo"}, none = {.ifr_name = "none"};
    int fd = socket(AF_INET, SOCK_DGRAM, 0), who = getpid();

    CHECK_EQ(CALL(ioctl, fd, FIOSETOWN, &who), 0);
    CHECK(CALL(ioctl, fd, SIOCGPGRP, &who) == 0 && who == getpid());
    CHECK_EQ(fcntl(fd, F_GETOWN), getpid());
    CHECK_ERRNO(CALL(ioctl, fd, SIOCSPGRP, BAD), EFAULT);
    CHECK_ERRNO(CALL(ioctl, fd, SIOCGIFSLAVE, &lo), EINVAL);
    CHECK_ERRNO(CALL(ioctl, fd, SIOCGIFSLAVE, &none), ENODEV);
    CHECK_ERRNO(CALL(ioctl, fd, SIOCDEVPRIVATE, &lo), EOPNOTSUPP);
    CHECK_ERRNO(CALL(ioctl, fd, 0x8946, &none), EFAULT); /* SIOCETHTOOL: before the name */
}

int main(void)
{
    enter_fresh_dir();
    promise("ioctl: results and errors", results);
    promise("ioctl of terminals", terminals);
    promise("ioctl of sockets", sockets);
    return check_end();
}
