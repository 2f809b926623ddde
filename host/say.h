/* host/say.h: the command's one-line messages, and allocation that cannot fail.
 *
 * Every message goes to standard error as one line that starts with "osprey: ".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Status codes of the command itself; docs/host-guest.md has the whole table. */
enum {
    STATUS_PANIC = 121,
    STATUS_TIMEOUT = 124,
    STATUS_FAILED = 125,
    STATUS_NOT_RUNNABLE = 126,
    STATUS_NOT_FOUND = 127,
};

/* Print the message and end the command with this status; atexit handlers run. */
_Noreturn void die(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

void warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Say what takes long, on one line of a terminal that the next call overwrites; NULL wipes it.
 * Nothing is printed when standard error is no terminal. */
void progress(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* As malloc(3) and friends, but out of memory ends the command. The caller owns the result. */
void *make(size_t size);
void *remake(void *old, size_t count, size_t size);
char *copy(const char *string);
char *copy_bytes(const char *bytes, size_t size);
char *formatted(const char *format, ...) __attribute__((format(printf, 1, 2)));
