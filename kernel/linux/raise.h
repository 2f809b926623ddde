/* linux/raise.h: signals that a system call sends to its own caller. Threads only. */
#pragma once

/* As kill(getpid(), signo) would, but to this thread: SIGPIPE, SIGXFSZ. */
void raise_signal(int signo);
