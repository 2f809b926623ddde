/* linux/timerfd.h: timers as files (man 2 timerfd_create). */
#pragma once

/* The real-time clock was set: timers at points of it move, those that asked for it are cancelled
 * (TFD_TIMER_CANCEL_ON_SET). Threads only. */
void timerfd_clock_was_set(void);
