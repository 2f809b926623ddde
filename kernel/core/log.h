/* core/log.h: the kernel's messages to the person at the console.
 *
 * Any context, interrupts included, from the first instruction of kernel_main() on; never
 * sleeps. What is logged before a console is registered is kept (16 KiB) and shown then. */
#pragma once

#include "lib/types.h"

/* Levels as syslog(2) has them; a message shows when its level is below `loglevel=`. */
enum { LOG_PANIC, LOG_ALERT, LOG_CRIT, LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG };

/* Print one line (no \n at its end), prefixed "osprey: ". fmt starts with the area: "virtio: ...".
 */
void log_at(int level, const char *fmt, ...) __printf(2, 3);

#define log_err(...)     log_at(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_at(LOG_WARNING, __VA_ARGS__)
#define log_notice(...)  log_at(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)    log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...)   log_at(LOG_DEBUG, __VA_ARGS__)

/* A sink for messages. write() runs with interrupts off and must not sleep. */
struct console {
    void (*write)(const char *text, size_t len);
    /* Wait, in bounds, until what was written has left the machine; NULL: it has at once. */
    void (*drain)(void);
    struct console *next;
};
void console_register(struct console *console);
/* Drain all consoles: before the machine ends. */
void log_drain(void);

/* Copy the newest messages, oldest first, into buf; returns the length (for syslog(2)). */
size_t log_read(char *buf, size_t size);

/* For readers that go on where they were: how many bytes were ever logged; and copy those from
 * *from on, or from the oldest that is kept, at most size. *from is then behind them. */
uint64_t log_position(void);
size_t log_read_from(uint64_t *from, char *buf, size_t size);

/* Called after each message; any context, no locks held by the log; must not log. NULL: nobody. */
extern void (*_Atomic log_news_hook)(void);

extern bool log_in_panic; /* locks may be held for good */
extern int log_level;     /* messages below this level are shown */
