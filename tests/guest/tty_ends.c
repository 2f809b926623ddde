/* A terminal goes from both sides at once: its session's leader ends while the master is closed and
 * another of the session opens /dev/tty. Nobody has a terminal then. */
#include "check.h"
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

enum { TIMES = 100 };

static void must(bool held)
{
    if (!held) {
        perror("tty_ends");
        exit(9);
    }
}

static int go[2], over[2], told[2];

/* Until the leader has ended: open it; then there is none. */
static void member(void)
{
    char c;
    int fd;

    signal(SIGHUP, SIG_IGN);
    fcntl(over[0], F_SETFL, O_NONBLOCK);
    while (read(over[0], &c, 1) != 0) {
        fd = open("/dev/tty", O_RDWR | O_NOCTTY);
        if (fd >= 0)
            close(fd);
    }
    fd = open("/dev/tty", O_RDWR | O_NOCTTY);
    c = fd < 0 && errno == ENXIO;
    must(write(told[1], &c, 1) == 1);
    _exit(0);
}

static void leader(int slave)
{
    char c;

    signal(SIGHUP, SIG_IGN);
    must(setsid() > 0);
    must(ioctl(slave, TIOCSCTTY, 0) == 0);
    close(over[1]);
    if (fork() == 0)
        member();
    must(write(told[1], "", 1) == 1);
    close(slave);
    must(read(go[0], &c, 1) == 0);
    _exit(0);
}

static bool once(void)
{
    int master, slave, status;
    char c = 0;

    must(openpty(&master, &slave, NULL, NULL, NULL) == 0);
    must(pipe(go) == 0 && pipe(over) == 0 && pipe(told) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(master);
        close(go[1]);
        leader(slave);
    }
    close(told[1]);
    close(slave);
    must(read(told[0], &c, 1) == 1);
    close(go[1]); /* the leader ends */
    close(master);
    must(waitpid(pid, &status, 0) == pid && status == 0);
    close(over[1]);
    must(read(told[0], &c, 1) == 1);
    close(go[0]);
    close(over[0]);
    close(told[0]);
    return c == 1;
}

static void ends(void)
{
    unsigned good = 0;

    for (unsigned i = 0; i < TIMES; i++)
        good += once();
    CHECK_EQ(good, TIMES);
}

int main(void)
{
    promise("a session's terminal goes with its leader and its master", ends);
    return check_end();
}
