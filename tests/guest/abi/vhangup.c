/* man 2 vhangup */
#include "abi.h"
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>

static volatile sig_atomic_t hangups;

static void count(int signo)
{
    (void)signo;
    hangups++;
}

static void hangs_up(void)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY), slave, again;
    struct pollfd ready;
    char name[64], byte;

    NEED(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    NEED(ptsname_r(master, name, sizeof(name)) == 0);
    setsid();
    signal(SIGHUP, count);
    slave = open(name, O_RDWR);
    NEED(slave >= 0 && tcgetsid(slave) == getpid());
    CHECK_EQ(CALL(vhangup), 0);
    CHECK_EQ(hangups, 1);
    CHECK_EQ(read(slave, &byte, 1), 0);
    CHECK_ERRNO(write(slave, "x", 1), EIO);
    CHECK_ERRNO(ioctl(slave, FIONREAD, &byte), EIO);
    ready = (struct pollfd){.fd = slave, .events = POLLIN};
    CHECK_EQ(poll(&ready, 1, 0), 1);
    CHECK(ready.revents & POLLHUP);
    CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
    again = open(name, O_RDWR | O_NOCTTY);
    CHECK(again >= 0 && write(again, "y", 1) == 1);
    CHECK_EQ(read(master, &byte, 1), 1);
    CHECK_EQ(byte, 'y');
    CHECK_EQ(CALL(vhangup), 0); /* without a terminal: nothing */
}

static void needs_a_right(void)
{
    become_nobody();
    CHECK_ERRNO(CALL(vhangup), EPERM);
}

int main(void)
{
    promise_apart("vhangup ends the open files of the terminal", hangs_up);
    promise_apart("vhangup needs CAP_SYS_TTY_CONFIG", needs_a_right);
    return check_end();
}
