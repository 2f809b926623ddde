/* drivers/tty/signals.h: the signals that terminals send (Linux's numbers, as linux/signal.h has
 * them; for the .c files of this folder only). */
#pragma once

enum {
    SIGHUP = 1,
    SIGINT = 2,
    SIGQUIT = 3,
    SIGCONT = 18,
    SIGTSTP = 20,
    SIGTTIN = 21,
    SIGTTOU = 22,
    SIGWINCH = 28
};
