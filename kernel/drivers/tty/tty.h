/* drivers/tty/tty.h: terminals: a line discipline between a program's file and a driver (the
 * console's stream, the master side of a pty). Threads only; calls sleep. */
#pragma once

#include "drivers/tty/ldisc.h"
#include "fs/vfs.h"

struct tty;

/* What a driver supplies. All but drain() are called with tty->lock held and must not sleep. */
struct tty_ops {
    unsigned beyond_recall; /* so many bytes of output the other side has taken, it may be */
    /* There are bytes in the output ring, or output was started or stopped: move on what goes
     * (tty_output_take()). */
    void (*output)(struct tty *tty);
    /* A reader has made room for input. */
    void (*room)(struct tty *tty);
    /* Status bits of packet mode (TIOCPKT_*). May be NULL. */
    void (*status)(struct tty *tty, uint8_t bits);
    /* Settings that the driver does not do are corrected. May be NULL. */
    void (*fix_termios)(struct termios *termios);
    /* Without the lock: sleep until the output has left. 0 or -ERESTARTSYS. May be NULL. */
    int (*drain)(struct tty *tty);
    int64_t (*ioctl)(struct tty *tty, unsigned cmd, uintptr_t arg); /* -ENOTTY. May be NULL */
    void (*closed)(struct tty *tty); /* a file is closed (opens: how many are left), no lock held:
                                        the last touch of the tty. May be NULL */
};

enum {
    TIOCPKT_FLUSHREAD = 1,
    TIOCPKT_FLUSHWRITE = 2,
    TIOCPKT_STOP = 4,
    TIOCPKT_START = 8,
    TIOCPKT_NOSTOP = 16,
    TIOCPKT_DOSTOP = 32,
    TIOCPKT_IOCTL = 64
};

struct tty {
    const struct tty_ops *ops;
    void *driver;
    uint32_t rdev;
    struct mutex lock; /* over what follows */
    struct ldisc ldisc;
    struct termios locked; /* by TIOCSLCKTRMIOS: what of the settings stays as it is */
    struct winsize winsize;
    int session, pgrp; /* 0: none */
    unsigned opens;
    bool hung_up, exclusive;
    off_t hangups; /* by vhangup: a file keeps in pos how many there were when it was opened */
    uint8_t *out;  /* ring of what goes to the terminal */
    unsigned out_size, out_head, out_tail;
    unsigned out_limit;
    unsigned out_over; /* while stopped: so many were out before */
    struct waitqueue read_wait, write_wait;
};

/* Before its first use, with the settings of a new terminal; tty_destroy() when nobody has it open
 * any more (frees the ring of output). `driver` is for ops. Threads. */
void tty_init(struct tty *tty, const struct tty_ops *ops, uint32_t rdev, void *driver);
void tty_destroy(struct tty *tty);

/* With the lock held: bytes from the terminal (how many were taken); the contiguous start of the
 * output, and that n of it are gone. */
size_t tty_input(struct tty *tty, const uint8_t *bytes, size_t n);
size_t tty_output_peek(struct tty *tty, const uint8_t **bytes);
void tty_output_take(struct tty *tty, size_t n);
void tty_output_forget(struct tty *tty, unsigned but); /* all but the first so many bytes */
static inline size_t tty_output_pending(const struct tty *tty)
{
    return tty->out_head - tty->out_tail;
}

/* What of it does not wait for a start. */
static inline size_t tty_output_over(const struct tty *tty)
{
    return tty->ldisc.stopped ? tty->out_over : tty_output_pending(tty);
}

/* Sleep on a queue with the lock held, which is given up meanwhile: 0, -ERESTARTSYS, -ETIMEDOUT. */
int tty_sleep(struct mutex *lock, struct waitqueue *queue, nsec_t deadline);

/* Open the terminal for a file whose inode has been opened; it may become the caller's controlling
 * terminal. -EIO: hung up, -EBUSY: exclusive. */
int tty_open(struct tty *tty, struct file *file);
/* The terminal behind a file, or NULL. */
struct tty *tty_of_file(const struct file *file);
/* The terminal is gone: readers see the end, writers EIO, the session SIGHUP and SIGCONT. */
void tty_hangup(struct tty *tty);
/* vhangup(2): so it is for the files that are open; others may open it. */
void tty_vhangup(struct tty *tty);
/* Was it, or is it gone, for this file? */
static inline bool tty_file_hung_up(const struct tty *tty, const struct file *file)
{
    return tty->hung_up || file->pos != tty->hangups;
}
void tty_resize(struct tty *tty, const struct winsize *size); /* SIGWINCH if it changed */
extern const struct file_ops tty_file_ops;

/* --- what linux/ supplies ----------------------------------------------------------------- */

struct tty_caller {
    int pid, pgid, sid;
    struct tty *tty; /* controlling terminal or NULL */
    bool admin;      /* CAP_SYS_ADMIN */
};
struct tty_hooks {
    void (*signal_group)(int pgid, int signo); /* any context */
    void (*caller)(struct tty_caller *caller);
    void (*set_caller_tty)(struct tty *tty); /* of the caller's process; NULL: none */
    void (*session_lost)(int sid);           /* nobody in it has a terminal any more; may sleep */
    int (*group_session)(int pgid);          /* its session; -ESRCH: no such group */
    bool (*signal_ignored)(int signo);       /* the caller blocks or ignores it */
    bool (*group_orphaned)(int pgid);
    int (*install_file)(struct file *file,
                        bool cloexec); /* a new descriptor, takes the reference */
};
extern const struct tty_hooks *tty_hooks; /* NULL: no job control */

/* Make the terminal the controlling one of the caller, who must lead a session and have none. */
int tty_attach_caller(struct tty *tty, bool steal);
/* A session leader has ended: its terminal, if it still is there, is free again. */
void tty_session_ended(struct tty *tty, int sid);
/* A process's terminal may go at any time but under tasks_lock (then session_lost() waits). Keep
 * it, if it is there. Threads. */
bool tty_hold(struct tty *tty);
void tty_let_go(struct tty *tty);

/* --- the console's terminal (console_tty.c) ------------------------------------------------ */

/* On the stream osprey.tty, else tty0, else ttyS0; made at the first call. NULL: neither is there.
 */
struct tty *console_tty(void);
void console_tty_resize(unsigned rows, unsigned columns);
void console_tty_drain(void); /* if it was ever made */
