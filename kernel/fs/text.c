/* fs/text.c: texts that grow while they are written. */
#include "fs/vfs.h"
#include "lib/string.h"
#include "mm/heap.h"

enum { TEXT_FIRST = 512, TEXT_MAX = 4 << 20 };

/* Room for n more bytes and a NUL. */
static bool reserve(struct text *text, size_t n)
{
    size_t size = MAX(text->size, (size_t)TEXT_FIRST);
    while (size < text->len + n + 1)
        size *= 2;
    if (size == text->size)
        return true;
    char *buf = size <= TEXT_MAX ? krealloc(text->buf, size) : NULL;
    if (!buf) {
        text->failed = true;
        return false;
    }
    text->buf = buf;
    text->size = size;
    return true;
}

void text_put(struct text *text, const char *s, size_t n)
{
    if (text->failed || !reserve(text, n))
        return;
    memcpy(text->buf + text->len, s, n);
    text->len += n;
    text->buf[text->len] = 0;
}

void text_printf(struct text *text, const char *fmt, ...)
{
    va_list ap;
    if (text->failed || !reserve(text, 80))
        return;
    size_t room = text->size - text->len;
    va_start(ap, fmt);
    size_t n = vsnprintf(text->buf + text->len, room, fmt, ap);
    va_end(ap);
    if (n >= room) {
        if (!reserve(text, n))
            return;
        va_start(ap, fmt);
        vsnprintf(text->buf + text->len, n + 1, fmt, ap);
        va_end(ap);
    }
    text->len += n;
}
