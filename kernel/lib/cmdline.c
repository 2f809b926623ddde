#include "lib/cmdline.h"

#include "lib/errno.h"
#include "lib/string.h"

struct splitter {
    const char *text;
    size_t len, at;
    char *out;
    size_t size, used;
};

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int emit(struct splitter *s, char c)
{
    if (s->used >= s->size)
        return -E2BIG;
    s->out[s->used++] = c;
    return 0;
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The character behind a backslash; -EINVAL if it is none of those known. */
static int escape(struct splitter *s)
{
    if (s->at >= s->len)
        return -EINVAL;
    char c = s->text[s->at++];
    switch (c) {
    case '"':
    case '\\':
        return c;
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case 'x': {
        if (s->len - s->at < 2)
            return -EINVAL;
        int high = hex(s->text[s->at]), low = hex(s->text[s->at + 1]);
        s->at += 2;
        return high < 0 || low < 0 || high + low == 0 ? -EINVAL : high << 4 | low;
    }
    default:
        return -EINVAL;
    }
}

static int word(struct splitter *s)
{
    bool quoted = false;
    for (; s->at < s->len;) {
        char c = s->text[s->at];
        if (!quoted && blank(c))
            break;
        s->at++;
        int byte = (uint8_t)c;
        if (c == 0)
            return -EINVAL;
        if (c == '"') {
            quoted = !quoted;
            continue;
        }
        if (quoted && c == '\\')
            byte = escape(s);
        if (byte < 0)
            return byte;
        int err = emit(s, byte);
        if (err)
            return err;
    }
    if (quoted)
        return -EINVAL;
    if (s->at < s->len)
        s->at++; /* the blank first: the word's end may take its place */
    return emit(s, 0);
}

/* Is the next word a plain `--`? (A quoted one is an ordinary word.) */
static bool bare_dashes(const struct splitter *s)
{
    const char *p = s->text + s->at;
    size_t left = s->len - s->at;
    return left >= 2 && p[0] == '-' && p[1] == '-' && (left == 2 || blank(p[2]));
}

int cmdline_split(const char *text, size_t len, char *out, size_t size, unsigned *program)
{
    struct splitter s = {text, len, 0, out, size, 0};
    int count = 0;
    bool found = false;
    for (;;) {
        while (s.at < len && blank(text[s.at]))
            s.at++;
        if (s.at >= len)
            break;
        size_t start = s.used;
        bool dashes = !found && bare_dashes(&s);
        int err = word(&s);
        if (err)
            return err;
        if (dashes) {
            s.used = start;
            *program = count;
            found = true;
            continue;
        }
        count++;
    }
    if (!found)
        *program = count;
    return count;
}
