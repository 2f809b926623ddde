#include "say.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void say(const char *format, va_list args)
{
    char line[4096];
    int length = snprintf(line, sizeof line, "osprey: ");
    int more = vsnprintf(line + length, sizeof line - (size_t)length - 1, format, args);

    progress(NULL);
    length += more < 0 ? 0 : more;
    if (length > (int)sizeof line - 2)
        length = sizeof line - 2;
    line[length++] = '\n';
    if (write(STDERR_FILENO, line, (size_t)length) < 0)
        return; /* nobody is left to tell */
}

void die(int status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(format, args);
    va_end(args);
    exit(status);
}

void warn(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(format, args);
    va_end(args);
}

void progress(const char *format, ...)
{
    static bool shown;
    va_list args;

    if (!format) {
        if (shown)
            fputs("\r\033[K", stderr);
        shown = false;
        return;
    }
    if (!isatty(STDERR_FILENO))
        return;
    fputs("\r\033[Kosprey: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    shown = true;
}

void *make(size_t size)
{
    void *memory = calloc(1, size ? size : 1);

    if (!memory)
        die(STATUS_FAILED, "out of memory");
    return memory;
}

void *remake(void *old, size_t count, size_t size)
{
    void *memory = reallocarray(old, count, size);

    if (!memory)
        die(STATUS_FAILED, "out of memory");
    return memory;
}

char *copy(const char *string)
{
    return copy_bytes(string, strlen(string));
}

char *copy_bytes(const char *bytes, size_t size)
{
    char *memory = make(size + 1);

    memcpy(memory, bytes, size);
    return memory;
}

char *formatted(const char *format, ...)
{
    char *result;
    va_list args;

    va_start(args, format);
    if (vasprintf(&result, format, args) < 0)
        die(STATUS_FAILED, "out of memory");
    va_end(args);
    return result;
}
