/* drivers/tty/termios.h: terminal settings with Linux's numbers (man 3 termios, asm-generic
 * termbits). */
#pragma once

#include "lib/types.h"

enum { /* c_iflag */
       IGNBRK = 01,
       BRKINT = 02,
       IGNPAR = 04,
       PARMRK = 010,
       INPCK = 020,
       ISTRIP = 040,
       INLCR = 0100,
       IGNCR = 0200,
       ICRNL = 0400,
       IUCLC = 01000,
       IXON = 02000,
       IXANY = 04000,
       IXOFF = 010000,
       IMAXBEL = 020000,
       IUTF8 = 040000
};
enum { /* c_oflag */
       OPOST = 01,
       OLCUC = 02,
       ONLCR = 04,
       OCRNL = 010,
       ONOCR = 020,
       ONLRET = 040,
       TABDLY = 014000,
       XTABS = 014000
};
enum {
    CSIZE = 060,
    CS8 = 060,
    CREAD = 0200,
    PARENB = 0400,
    HUPCL = 02000,
    CLOCAL = 04000,
    CBAUD = 010017, /* and, 16 bits further up, the same for the input */
    B38400 = 017,
    BOTHER = 010000
};
enum { /* c_lflag */
       ISIG = 01,
       ICANON = 02,
       ECHO = 010,
       ECHOE = 020,
       ECHOK = 040,
       ECHONL = 0100,
       NOFLSH = 0200,
       TOSTOP = 0400,
       ECHOCTL = 01000,
       ECHOPRT = 02000,
       ECHOKE = 04000,
       FLUSHO = 010000,
       PENDIN = 040000,
       IEXTEN = 0100000,
       EXTPROC = 0200000
};
enum { /* c_cc */
       VINTR,
       VQUIT,
       VERASE,
       VKILL,
       VEOF,
       VTIME,
       VMIN,
       VSWTC,
       VSTART,
       VSTOP,
       VSUSP,
       VEOL,
       VREPRINT,
       VDISCARD,
       VWERASE,
       VLNEXT,
       VEOL2,
       NCCS = 19
};

/* struct termios2 of the ABI; the older struct termios is its first 36 bytes. */
struct termios {
    uint32_t iflag, oflag, cflag, lflag;
    uint8_t line, cc[NCCS];
    uint32_t ispeed, ospeed;
};
enum { TERMIOS_OLD_SIZE = 36, TERMIOS2_SIZE = 44 };

struct winsize {
    uint16_t rows, columns, xpixel, ypixel;
};
