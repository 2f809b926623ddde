/* drivers/tty/ldisc.h: the line discipline N_TTY: what stands between a terminal's raw bytes and
 * the program (man 3 termios), behaving byte for byte as Linux's.
 *
 * Pure C without locks of its own: the owner (drivers/tty/tty.c) serialises all calls. */
#pragma once

#include "drivers/tty/termios.h"

enum { LDISC_INPUT = 4096 }; /* the longest line, its end included */

struct ldisc;
struct ldisc_ops {
    /* Append bytes (at most 8) to the terminal's output, all or none; false: no room. */
    bool (*put)(struct ldisc *ldisc, const uint8_t *bytes, unsigned n);
    void (*signal)(struct ldisc *ldisc, int signo); /* SIGINT, SIGQUIT, SIGTSTP */
    void (*flush_output)(struct ldisc *ldisc);      /* forget output that is not yet out */
    void (*flow)(struct ldisc *ldisc);              /* ldisc->stopped has changed */
};

struct ldisc {
    const struct ldisc_ops *ops;
    struct termios termios;
    /* Input. Indices run freely; bytes from tail to canon_head are whole lines, from there to head
     * the line that is being edited (canonical mode). ends: a line ends with this byte. */
    unsigned head, tail, canon_head;
    bool lnext;   /* the next byte is taken literally */
    bool erasing; /* in a \...../ of ECHOPRT */
    bool push;    /* canon_head is only where canonical mode was turned on, not the end of a line */
    bool stopped; /* output, by VSTOP or TCOOFF */
    bool stopped_by_call;
    unsigned column, canon_column; /* of the output; where the line being edited starts */
    uint8_t in[LDISC_INPUT];
    uint8_t ends[LDISC_INPUT / 8];
};

/* Empty, with the settings of a new terminal. */
void ldisc_init(struct ldisc *ldisc, const struct ldisc_ops *ops);
/* The settings of a new terminal (stty sane). */
void termios_init(struct termios *termios);
/* Take over new settings; pending input changes its meaning as on Linux. */
void ldisc_set_termios(struct ldisc *ldisc, const struct termios *termios);

/* Bytes from the terminal: how many were taken (less: no room until somebody reads). */
size_t ldisc_input(struct ldisc *ldisc, const uint8_t *bytes, size_t n);
/* Could ldisc_input() take a byte? */
bool ldisc_has_room(const struct ldisc *ldisc);
/* Is there a line, or (not canonical) at least `minimum` bytes? */
bool ldisc_readable(const struct ldisc *ldisc, unsigned minimum);
/* Up to n > 0 bytes for the program: at most one line in canonical mode, where *line_end tells that
 * its end was reached (0 bytes then: end of file). */
size_t ldisc_read(struct ldisc *ldisc, uint8_t *buf, size_t n, bool *line_end);
size_t ldisc_count(const struct ldisc *ldisc); /* FIONREAD */
void ldisc_flush_input(struct ldisc *ldisc);

/* Bytes from the program to the terminal: how many were taken (0 while stopped or full). */
size_t ldisc_output(struct ldisc *ldisc, const uint8_t *bytes, size_t n);
/* TCOOFF and TCOON. */
void ldisc_stop(struct ldisc *ldisc, bool stop);
