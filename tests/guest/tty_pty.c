/* Pseudo-terminals: line discipline, signals of keys, window size. */
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>

enum { TCGETS2_NUMBER = 0x802c542a, TCSETS2_NUMBER = 0x402c542b, TIOCVHANGUP_NUMBER = 0x5437 };

static int master, slave;

static void set_mode(tcflag_t on, tcflag_t off)
{
    struct termios t;

    CHECK_EQ(tcgetattr(slave, &t), 0);
    t.c_lflag |= on;
    t.c_lflag &= ~off;
    CHECK_EQ(tcsetattr(slave, TCSANOW, &t), 0);
}

static void type(const char *keys)
{
    CHECK_EQ(write(master, keys, strlen(keys)), strlen(keys));
}

static bool reads(int fd, const char *want)
{
    struct pollfd p = {fd, POLLIN, 0};
    char got[256] = "";
    size_t n = 0;

    while (n < strlen(want) && poll(&p, 1, 60000) == 1) {
        ssize_t part = read(fd, got + n, sizeof got - 1 - n);

        if (part <= 0)
            break;
        n += (size_t)part;
    }
    if (n != strlen(want) || memcmp(got, want, n) != 0)
        printf("# got \"%s\", not \"%s\"\n", got, want);
    return n == strlen(want) && memcmp(got, want, n) == 0;
}

static bool nothing(int fd)
{
    struct pollfd p = {fd, POLLIN, 0};

    return poll(&p, 1, 30) == 0;
}

static void names(void)
{
    struct winsize size = {24, 80, 0, 0};
    char name[64] = "";

    NEED(openpty(&master, &slave, name, NULL, &size) == 0);
    CHECK(strncmp(name, "/dev/pts/", 9) == 0);
    CHECK_EQ(isatty(slave), 1);
    CHECK(strcmp(ttyname(slave), name) == 0);
    CHECK(strcmp(ptsname(master), name) == 0);
}

static void canonical_lines(void)
{
    set_mode(ICANON, ECHO);
    type("half");
    CHECK(nothing(slave));
    type(" a line\nnext");
    CHECK(reads(slave, "half a line\n"));
    CHECK(nothing(slave));
    type("\x7f\x7f\x7f\x7f"
         "other\n"); /* erase four */
    CHECK(reads(slave, "other\n"));
    type("kill this\x15"
         "kept\n");
    CHECK(reads(slave, "kept\n"));
    type("two words\x17"
         "x\n");
    CHECK(reads(slave, "two x\n"));
    type("\x16\x03"
         "\n"); /* ^V takes ^C literally */
    CHECK(reads(slave, "\x03\n"));
    type("cr\r"); /* ICRNL */
    CHECK(reads(slave, "cr\n"));
}

static void end_of_file(void)
{
    char byte;

    type("abc\x04");
    CHECK(reads(slave, "abc"));
    type("\x04");
    CHECK_EQ(read(slave, &byte, 1), 0);
}

static void echo(void)
{
    set_mode(ICANON | ECHO | ECHOE | ECHOCTL, 0);
    type("ab\n");
    CHECK(reads(master, "ab\r\n"));
    CHECK(reads(slave, "ab\n"));
    type("x\x7f");
    CHECK(reads(master, "x\b \b"));
    type("\n");
    CHECK(reads(master, "\r\n"));
    CHECK(reads(slave, "\n"));
    set_mode(0, ECHO);
}

static void output_processing(void)
{
    struct termios t;

    CHECK_EQ(write(slave, "one\ntwo\n", 8), 8);
    CHECK(reads(master, "one\r\ntwo\r\n"));
    tcgetattr(slave, &t);
    t.c_oflag &= ~(tcflag_t)OPOST;
    tcsetattr(slave, TCSANOW, &t);
    CHECK_EQ(write(slave, "raw\n", 4), 4);
    CHECK(reads(master, "raw\n"));
    t.c_oflag |= OPOST;
    tcsetattr(slave, TCSANOW, &t);
}

static void raw_mode(void)
{
    struct termios old, raw;
    int64_t start;
    char byte;

    tcgetattr(slave, &old);
    raw = old;
    cfmakeraw(&raw);
    CHECK_EQ(tcsetattr(slave, TCSAFLUSH, &raw), 0);
    type("x\x03\r\x7f");
    CHECK(reads(slave, "x\x03\r\x7f"));
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 2;
    tcsetattr(slave, TCSANOW, &raw);
    start = now_ns();
    CHECK_EQ(read(slave, &byte, 1), 0);
    CHECK(now_ns() - start >= 190 * MS);
    CHECK_EQ(tcsetattr(slave, TCSANOW, &old), 0);
    tcgetattr(slave, &raw);
    CHECK(memcmp(raw.c_cc, old.c_cc, NCCS) == 0);
    CHECK_EQ(raw.c_lflag, old.c_lflag);
}

static void window_size(void)
{
    struct winsize size = {50, 132, 0, 0}, got = {0};

    CHECK_EQ(ioctl(slave, TIOCGWINSZ, &got), 0);
    CHECK(got.ws_row == 24 && got.ws_col == 80);
    CHECK_EQ(ioctl(master, TIOCSWINSZ, &size), 0);
    CHECK_EQ(ioctl(slave, TIOCGWINSZ, &got), 0);
    CHECK(got.ws_row == 50 && got.ws_col == 132);
}

static void waiting_bytes(void)
{
    int n = -1;

    type("12345\n");
    CHECK_EQ(poll(&(struct pollfd){slave, POLLIN, 0}, 1, -1), 1);
    CHECK_EQ(ioctl(slave, FIONREAD, &n), 0);
    CHECK_EQ(n, 6);
    CHECK_EQ(tcflush(slave, TCIFLUSH), 0);
    CHECK(nothing(slave));
    CHECK_EQ(tcdrain(slave), 0);
}

/* The other side has n bytes, or more; none for 0. */
static void arrived(int n)
{
    int have = -1;

    while (ioctl(master, FIONREAD, &have) == 0 && (n ? have < n : have))
        usleep(1000);
}

/* What has arrived there is not taken back: not by a signal's key, a flush, or ^S. */
static void output_that_is_over(void)
{
    char buf[8192];
    struct termios t;

    NEED(signal(SIGINT, SIG_IGN) != SIG_ERR && tcgetattr(slave, &t) == 0);
    set_mode(ICANON | ISIG | ECHO, NOFLSH);
    NEED(write(slave, "abc", 3) == 3);
    arrived(3);
    type("\003");
    CHECK(reads(master, "abc^C"));
    NEED(write(slave, "abc", 3) == 3);
    arrived(3);
    CHECK_EQ(tcflush(slave, TCOFLUSH), 0);
    CHECK(reads(master, "abc"));
    NEED(write(slave, "abc", 3) == 3);
    arrived(3);
    type("\023xy");
    CHECK(reads(master, "abc"));
    arrived(0);
    CHECK(nothing(master));
    type("\021");
    CHECK(reads(master, "xy"));
    memset(buf, 'z', sizeof buf);
    NEED(write(slave, buf, sizeof buf) == (ssize_t)sizeof buf);
    arrived(4095);
    CHECK_EQ(tcflush(slave, TCOFLUSH), 0);
    CHECK_EQ(read(master, buf, sizeof buf), 4095);
    NEED(write(slave, "abc", 3) == 3);
    arrived(3);
    CHECK_EQ(tcflush(master, TCIFLUSH), 0);
    arrived(0);
    CHECK(nothing(master));
    CHECK_EQ(tcsetattr(slave, TCSANOW, &t), 0);
    signal(SIGINT, SIG_DFL);
}

/* Nor by a hangup, also of a terminal that is stopped. */
static void output_before_a_hangup(void)
{
    int m = master, s = slave, n = -1;
    char byte;

    NEED(openpty(&master, &slave, NULL, NULL, NULL) == 0);
    NEED(write(slave, "abc", 3) == 3);
    arrived(3);
    type("\023");
    if (ioctl(slave, TIOCVHANGUP_NUMBER) == 0) {
        CHECK(reads(master, "abc"));
        CHECK_EQ(ioctl(master, FIONREAD, &n), 0);
        CHECK_EQ(n, 0);
        NEED(fcntl(master, F_SETFL, O_NONBLOCK) == 0);
        CHECK_EQ(read(master, &byte, 1), -1);
    }
    close(master);
    close(slave);
    master = m;
    slave = s;
}

static void no_terminal(void)
{
    int fd = open("/dev/null", O_RDWR);
    struct termios t;

    CHECK_EQ(isatty(fd), 0);
    CHECK_ERRNO(tcgetattr(fd, &t), ENOTTY);
    close(fd);
}

/* TIOCSLCKTRMIOS: what of the settings is locked tcsetattr() leaves alone; the old struct termios
 * of the kernel. */
static void locked_settings(void)
{
    struct {
        unsigned flags[4];
        unsigned char line, cc[19];
    } lock = {}, none = {}, got;
    struct termios t;

    NEED(openpty(&master, &slave, NULL, NULL, NULL) == 0);
    memset(&got, 1, sizeof got);
    CHECK_EQ(ioctl(slave, TIOCGLCKTRMIOS, &got), 0);
    CHECK(memcmp(&got, &none, sizeof got) == 0);
    CHECK_ERRNO(ioctl(slave, TIOCGLCKTRMIOS, (void *)8), EFAULT);
    lock.flags[3] = ECHO;
    lock.cc[VINTR] = 1;
    if (ioctl(slave, TIOCSLCKTRMIOS, &lock) < 0) {
        CHECK_EQ(errno, EPERM);
        CHECK(geteuid() != 0);
        SKIP("only root locks settings");
    }
    CHECK_ERRNO(ioctl(slave, TIOCSLCKTRMIOS, (void *)8), EFAULT);
    CHECK(ioctl(master, TIOCGLCKTRMIOS, &got) == 0 && memcmp(&got, &lock, sizeof got) == 0);
    NEED(tcgetattr(slave, &t) == 0 && t.c_lflag & ECHO && t.c_cc[VINTR] == 3);
    t.c_lflag &= ~(tcflag_t)(ECHO | ICANON);
    t.c_cc[VINTR] = t.c_cc[VQUIT] = 0xe3;
    CHECK_EQ(tcsetattr(slave, TCSANOW, &t), 0);
    CHECK(tcgetattr(slave, &t) == 0 && t.c_lflag & ECHO && !(t.c_lflag & ICANON));
    CHECK(t.c_cc[VINTR] == 3 && t.c_cc[VQUIT] == 0xe3);
    CHECK_EQ(ioctl(slave, TIOCSLCKTRMIOS, &none), 0);
    set_mode(0, ECHO);
    CHECK(tcgetattr(slave, &t) == 0 && !(t.c_lflag & ECHO));
    close(slave);
    close(master);
}

/* Each open of /dev/tty is a file of its own: closing it takes nothing from the others. */
static void controlling(void)
{
    int m, s, again[2];
    char byte;

    signal(SIGHUP, SIG_IGN);
    setsid(); /* fails where we lead one already */
    NEED(openpty(&m, &s, NULL, NULL, NULL) == 0);
    if (ioctl(s, TIOCSCTTY, 0) < 0)
        SKIP("this process cannot get a controlling terminal");
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 2; i++)
            NEED((again[i] = open("/dev/tty", O_RDWR)) >= 0);
        CHECK_EQ(write(again[0], "x", 1), 1);
        CHECK_EQ(read(m, &byte, 1), 1);
        close(again[0]);
        close(again[1]);
    }
    close(s);
    CHECK_ERRNO(read(m, &byte, 1), EIO);
    CHECK_EQ(write(m, "y", 1), 1);
    close(m);
}

static void hang_up(void)
{
    struct pollfd p = {0};
    char byte;

    close(master);
    p.fd = slave;
    p.events = POLLIN;
    CHECK_EQ(poll(&p, 1, 1000), 1);
    CHECK(p.revents & POLLHUP);
    CHECK_EQ(read(slave, &byte, 1), 0);
    CHECK_ERRNO(write(slave, "x", 1), EIO);
    close(slave);
    NEED(openpty(&master, &slave, NULL, NULL, NULL) == 0);
    close(slave);
    CHECK_ERRNO(read(master, &byte, 1), EIO);
    close(master);
}

/* What Linux tells of a pair that no line stands behind. */
static void settings_without_a_line(void)
{
    struct {
        tcflag_t flags[4];
        cc_t line, cc[19];
        speed_t ispeed, ospeed;
    } t, old;
    int m, s, value = -1;

    NEED(openpty(&m, &s, NULL, NULL, NULL) == 0);
    CHECK_EQ(ioctl(s, TCGETS2_NUMBER, &old), 0);
    CHECK_EQ(old.flags[2], 0xbf); /* B38400, CS8, CREAD; no HUPCL */
    t = old;
    t.ispeed = t.ospeed = 12345; /* of no effect without BOTHER */
    CHECK_EQ(ioctl(s, TCSETS2_NUMBER, &t), 0);
    CHECK_EQ(ioctl(s, TCGETS2_NUMBER, &t), 0);
    CHECK_EQ(t.ispeed, 38400);
    t.flags[2] = (t.flags[2] & ~010017u) | B4000000 | 015u << 16; /* input at 9600 */
    CHECK_EQ(ioctl(s, TCSETS2_NUMBER, &t), 0);
    CHECK_EQ(ioctl(s, TCGETS2_NUMBER, &t), 0);
    CHECK_EQ(t.ospeed, 4000000);
    CHECK_EQ(t.ispeed, 9600);
    t.flags[2] = (t.flags[2] & ~0x100f100fu) | 0x1000; /* BOTHER */
    t.ospeed = 12345;
    CHECK_EQ(ioctl(s, TCSETS2_NUMBER, &t), 0);
    CHECK_EQ(ioctl(s, TCGETS2_NUMBER, &t), 0);
    CHECK_EQ(t.ospeed, 12345);
    CHECK_EQ(t.ispeed, 12345);
    CHECK_EQ(write(s, "out", 3), 3);
    CHECK_EQ(ioctl(s, TIOCOUTQ, &value), 0);
    CHECK_EQ(value, 0);
    value = 1;
    CHECK_EQ(ioctl(s, TIOCSSOFTCAR, &value), 0);
    CHECK_EQ(ioctl(s, TIOCGSOFTCAR, &value), 0);
    CHECK_EQ(value, 1);
    CHECK_EQ(ioctl(s, TCGETS2_NUMBER, &t), 0);
    CHECK_EQ(t.flags[2] & CLOCAL, CLOCAL);
    close(s);
    close(m);
}

int main(void)
{
    promise("openpty makes a terminal with a name", names);
    promise("ICANON edits lines", canonical_lines);
    promise("^D hands over the line, or ends the file", end_of_file);
    promise("ECHO", echo);
    promise("OPOST makes \\r\\n", output_processing);
    promise("raw mode, VMIN and VTIME", raw_mode);
    promise("window size", window_size);
    promise("FIONREAD, tcflush, tcdrain", waiting_bytes);
    promise("output that is over stays", output_that_is_over);
    promise("output that is over stays at a hangup", output_before_a_hangup);
    promise("what is no terminal says ENOTTY", no_terminal);
    promise("closing one end is seen at the other", hang_up);
    promise("settings that are locked stay as they are", locked_settings);
    promise("a pair's speeds, carrier and output are what its settings say",
            settings_without_a_line);
    promise("/dev/tty is opened and closed like any other file", controlling);
    return check_end();
}
