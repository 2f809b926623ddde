/* host/terminal.h: the terminal the command was started on, handed through to the program.
 *
 * While the program has it, it is in raw mode: the line discipline is the VM's. It is given back
 * as it was when the command ends, is stopped, or is moved to the background.
 */
#pragma once

#include "options.h"

/* How fd 0, 1 and 2 go to the VM (the stdio= word, docs/host-guest.md), and the terminal. */
struct terminal {
    char letters[4];
    int fd;     /* of the terminal, non-blocking if possible; -1: none */
    bool input; /* the program reads it: raw mode when in the foreground */
    bool raw;   /* it is in raw mode now */
};

/* Look at fd 0 to 2, of which none may be closed. */
void terminal_look(struct terminal *terminal, enum tty_mode mode);

/* Go into raw mode if the program reads the terminal and the command is in the foreground.
 * Tells whether input may be read now. */
bool terminal_take(struct terminal *terminal);

/* Give the terminal back as it was. */
void terminal_restore(void);

/* Its size; false if it has none. */
bool terminal_size(const struct terminal *terminal, unsigned *rows, unsigned *columns);

/* A descriptor for the same pipe or terminal that does not block, leaving the mode of the one it
 * shares with other processes alone; `fd` itself if that cannot be had. */
int open_again(int fd, int flags);
