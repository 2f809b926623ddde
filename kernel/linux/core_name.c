#include "linux/core_name.h"

struct out {
    char *buf;
    size_t len, size;
    bool full;
};

static void add_char(struct out *out, char c)
{
    if (out->len + 1 < out->size)
        out->buf[out->len++] = c;
    else
        out->full = true;
}

static void add_number(struct out *out, uint64_t value)
{
    char digits[20];
    unsigned n = 0;

    do
        digits[n++] = (char)('0' + value % 10);
    while (value /= 10);
    while (n)
        add_char(out, digits[--n]);
}

/* A name that may not lead into another folder: slashes become `!`, as do names of dots. */
static void add_name(struct out *out, const char *s)
{
    size_t start = out->len;

    for (; *s; s++)
        add_char(out, *s == '/' ? '!' : *s);
    if ((out->len == start + 1 && out->buf[start] == '.') ||
        (out->len == start + 2 && out->buf[start] == '.' && out->buf[start + 1] == '.'))
        out->buf[start] = '!';
}

static const char *last_part(const char *path)
{
    const char *last = path;

    for (; *path; path++)
        if (*path == '/')
            last = path + 1;
    return last;
}

/* One specifier; unknown ones stand for nothing. */
static void expand(struct out *out, char specifier, const struct core_names *n)
{
    switch (specifier) {
    case '%':
        add_char(out, '%');
        break;
    case 'p':
    case 'P':
        add_number(out, (uint64_t)n->pid);
        break;
    case 'i':
    case 'I':
        add_number(out, (uint64_t)n->tid);
        break;
    case 'u':
        add_number(out, n->uid);
        break;
    case 'g':
        add_number(out, n->gid);
        break;
    case 'd':
        add_number(out, (uint64_t)n->dumpable);
        break;
    case 's':
        add_number(out, (uint64_t)n->signo);
        break;
    case 't':
        add_number(out, n->time);
        break;
    case 'c':
        add_number(out, n->limit);
        break;
    case 'C':
        add_number(out, (uint64_t)n->cpu);
        break;
    case 'h':
        add_name(out, n->host);
        break;
    case 'e':
        add_name(out, n->comm);
        break;
    case 'f':
        add_name(out, last_part(n->exe ? n->exe : n->comm));
        break;
    case 'E':
        add_name(out, n->exe ? n->exe : n->comm);
        break;
    }
}

int core_name(const char *pattern, const struct core_names *names, bool *pipe, char *buf,
              size_t size)
{
    struct out out = {.buf = buf, .size = size};
    bool has_pid = false, in_word = false;
    int words = 0;

    *pipe = *pattern == '|';
    pattern += *pipe;
    for (; *pattern; pattern++) {
        if (*pipe && (*pattern == ' ' || *pattern == '\t')) {
            if (in_word)
                add_char(&out, 0);
            in_word = false;
            continue;
        }
        words += !in_word;
        in_word = true;
        if (*pattern != '%') {
            add_char(&out, *pattern);
        } else if (!*++pattern) {
            break; /* a lone % at the end */
        } else {
            has_pid |= *pattern == 'p';
            expand(&out, *pattern, names);
        }
    }
    if (!*pipe && names->uses_pid && !has_pid) {
        add_char(&out, '.');
        add_number(&out, (uint64_t)names->pid);
        words = 1;
    }
    if (!size || out.full)
        return -1;
    buf[out.len] = 0;
    return out.len ? words : 0;
}
