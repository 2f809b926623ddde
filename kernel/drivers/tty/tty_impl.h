/* drivers/tty/tty_impl.h: what tty.c and tty_ioctl.c share. */
#pragma once

#include "drivers/tty/tty.h"

/* ioctl(2) of a terminal's file; -ENOTTY: no such command. Threads. */
int64_t tty_ioctl(struct file *file, unsigned cmd, uintptr_t arg);
/* To the foreground group, if there is one. */
void tty_signal_group(struct tty *tty, int signo);
/* May the caller, of a group in the background, read (SIGTTIN) or change (SIGTTOU) its terminal? 0,
 * or -ERESTARTSYS (the signal was sent), -EIO. */
int tty_check_foreground(struct tty *tty, int signo);
/* The terminal is no session's any more. signal: SIGHUP and SIGCONT to its groups. */
void tty_lose_session(struct tty *tty, bool signal);
