#include "terminal.h"

#include "say.h"

#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

static struct termios saved;
static int saved_fd = -1; /* the terminal to restore; -1: nothing to do */

static bool is_null(const struct stat *st)
{
    return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3); /* /dev/null */
}

static char letter(int fd, bool input, bool terminals)
{
    struct stat st;
    int mode = fcntl(fd, F_GETFL) & O_ACCMODE;

    if (fstat(fd, &st) || is_null(&st) || mode == (input ? O_WRONLY : O_RDONLY))
        return 'n';
    return terminals && isatty(fd) ? 't' : 'p';
}

int open_again(int fd, int flags)
{
    char path[32];
    struct stat st;

    if (fstat(fd, &st) || (!S_ISFIFO(st.st_mode) && !isatty(fd)))
        return fd;
    char *name = formatted("/proc/self/fd/%d", fd);
    strcpy(path, name);
    free(name);
    int again = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    return again < 0 ? fd : again;
}

/* Whether fd 1 and 2 are one open file (2>&1): what is written to both then keeps its order. */
static bool one_output(void)
{
    struct stat out, err;

    if (fstat(1, &out) || fstat(2, &err) || out.st_dev != err.st_dev || out.st_ino != err.st_ino)
        return false;
    long different = syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILE, 1, 2);
    return S_ISFIFO(out.st_mode) || different <= 0; /* below 0: the kernel does not tell */
}

/* Whether the program may have the keyboard. In a pipeline it stays with the line discipline
 * here: the other programs of the pipeline, a pager at its end, use the terminal too. */
static bool takes_input(void)
{
    struct stat st;

    return isatty(0) && !fstat(1, &st) && !S_ISFIFO(st.st_mode) && !S_ISSOCK(st.st_mode);
}

void terminal_look(struct terminal *terminal, enum tty_mode mode)
{
    *terminal = (struct terminal){.fd = -1};
    terminal->input = mode != TTY_OFF && (takes_input() || (mode == TTY_ON && isatty(0)));
    terminal->letters[0] = letter(0, true, terminal->input);
    terminal->letters[1] = letter(1, false, mode != TTY_OFF);
    terminal->letters[2] = letter(2, false, mode != TTY_OFF);
    if (terminal->letters[1] == 'p' && terminal->letters[2] == 'p' && one_output())
        terminal->letters[2] = 'o';
    for (int fd = 0; fd < 3 && terminal->fd < 0; fd++)
        if (terminal->letters[fd] == 't')
            terminal->fd = open_again(fd, O_RDWR);
}

bool terminal_take(struct terminal *terminal)
{
    struct termios raw;

    if (!terminal->input)
        return false;
    if (terminal->raw)
        return true;
    if (tcgetpgrp(terminal->fd) != getpgrp() || tcgetattr(terminal->fd, &raw))
        return false;
    saved = raw;
    saved_fd = terminal->fd;
    cfmakeraw(&raw);
    terminal->raw = !tcsetattr(terminal->fd, TCSADRAIN, &raw);
    return terminal->raw;
}

void terminal_restore(void)
{
    if (saved_fd >= 0)
        tcsetattr(saved_fd, TCSADRAIN, &saved);
    saved_fd = -1;
}

bool terminal_size(const struct terminal *terminal, unsigned *rows, unsigned *columns)
{
    struct winsize size;

    if (terminal->fd < 0 || ioctl(terminal->fd, TIOCGWINSZ, &size) || !size.ws_row || !size.ws_col)
        return false;
    *rows = size.ws_row;
    *columns = size.ws_col;
    return true;
}
