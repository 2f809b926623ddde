#include "lib/string.h"

struct out {
    char *buf;
    size_t size, len;
};

struct spec {
    bool left, zero, plus, space, alt;
    int width, precision; /* precision -1: none given */
    int size;             /* bytes of the argument */
};

static void put(struct out *out, char c)
{
    if (out->len < out->size)
        out->buf[out->len] = c;
    out->len++;
}

static void put_padded(struct out *out, const char *s, size_t n, const struct spec *spec)
{
    size_t pad = spec->width > 0 && (size_t)spec->width > n ? spec->width - n : 0;
    for (size_t i = 0; !spec->left && i < pad; i++)
        put(out, ' ');
    for (size_t i = 0; i < n; i++)
        put(out, s[i]);
    for (size_t i = 0; spec->left && i < pad; i++)
        put(out, ' ');
}

static void put_number(struct out *out, uint64_t v, bool negative, unsigned base, bool upper,
                       struct spec *spec)
{
    char text[80], digits[24];
    size_t nd = 0, n = 0;
    while (v || (nd == 0 && spec->precision != 0)) {
        unsigned d = v % base;
        digits[nd++] = d < 10 ? '0' + d : (upper ? 'A' : 'a') + d - 10;
        v /= base;
    }
    if (negative)
        text[n++] = '-';
    else if (spec->plus)
        text[n++] = '+';
    else if (spec->space)
        text[n++] = ' ';
    if (spec->alt && base == 16) {
        text[n++] = '0';
        text[n++] = upper ? 'X' : 'x';
    } else if (spec->alt && base == 8 && (nd == 0 || digits[nd - 1] != '0')) {
        digits[nd++] = '0';
    }
    size_t want = spec->precision > 0 ? spec->precision : 0;
    if (spec->zero && !spec->left && spec->precision < 0 && spec->width > (int)n)
        want = spec->width - n;
    want = MIN(want, (size_t)48);
    for (size_t i = nd; i < want; i++)
        text[n++] = '0';
    while (nd)
        text[n++] = digits[--nd];
    put_padded(out, text, n, spec);
}

static const char *parse_spec(const char *f, struct spec *spec, va_list ap)
{
    *spec = (struct spec){.precision = -1, .size = 4};
    for (;; f++) {
        if (*f == '-')
            spec->left = true;
        else if (*f == '0')
            spec->zero = true;
        else if (*f == '+')
            spec->plus = true;
        else if (*f == ' ')
            spec->space = true;
        else if (*f == '#')
            spec->alt = true;
        else
            break;
    }
    if (*f == '*') {
        spec->width = va_arg(ap, int);
        if (spec->width < 0) {
            spec->left = true;
            spec->width = -spec->width;
        }
        f++;
    }
    for (; *f >= '0' && *f <= '9'; f++)
        spec->width = spec->width * 10 + *f - '0';
    if (*f == '.') {
        spec->precision = 0;
        if (*++f == '*') {
            spec->precision = va_arg(ap, int);
            f++;
        }
        for (; *f >= '0' && *f <= '9'; f++)
            spec->precision = spec->precision * 10 + *f - '0';
    }
    for (;; f++) {
        if (*f == 'l' || *f == 'z' || *f == 'j' || *f == 't')
            spec->size = 8;
        else if (*f == 'h')
            spec->size = spec->size == 2 ? 1 : 2;
        else
            return f;
    }
}

static int64_t signed_arg(const struct spec *spec, va_list ap)
{
    if (spec->size == 8)
        return va_arg(ap, int64_t);
    int v = va_arg(ap, int);
    return spec->size == 2 ? (int16_t)v : spec->size == 1 ? (int8_t)v : v;
}

static uint64_t unsigned_arg(const struct spec *spec, va_list ap)
{
    if (spec->size == 8)
        return va_arg(ap, uint64_t);
    unsigned v = va_arg(ap, unsigned);
    return spec->size == 2 ? (uint16_t)v : spec->size == 1 ? (uint8_t)v : v;
}

static void format_one(struct out *out, char conversion, struct spec *spec, va_list ap)
{
    switch (conversion) {
    case 'd':
    case 'i': {
        int64_t v = signed_arg(spec, ap);
        put_number(out, v < 0 ? -(uint64_t)v : (uint64_t)v, v < 0, 10, false, spec);
        break;
    }
    case 'u':
        put_number(out, unsigned_arg(spec, ap), false, 10, false, spec);
        break;
    case 'x':
    case 'X':
        put_number(out, unsigned_arg(spec, ap), false, 16, conversion == 'X', spec);
        break;
    case 'o':
        put_number(out, unsigned_arg(spec, ap), false, 8, false, spec);
        break;
    case 'p':
        spec->alt = true;
        put_number(out, (uintptr_t)va_arg(ap, void *), false, 16, false, spec);
        break;
    case 'c': {
        char c = va_arg(ap, int);
        put_padded(out, &c, 1, spec);
        break;
    }
    case 's': {
        const char *s = va_arg(ap, const char *);
        s = s ? s : "(null)";
        size_t n = spec->precision >= 0 ? strnlen(s, spec->precision) : strlen(s);
        put_padded(out, s, n, spec);
        break;
    }
    default:
        put(out, '%');
        if (conversion != '%')
            put(out, conversion);
    }
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
    struct out out = {buf, size ? size - 1 : 0, 0};
    va_list args;
    va_copy(args, ap);
    for (; *fmt; fmt++) {
        if (*fmt != '%') {
            put(&out, *fmt);
            continue;
        }
        struct spec spec;
        fmt = parse_spec(fmt + 1, &spec, args);
        if (!*fmt)
            break;
        format_one(&out, *fmt, &spec, args);
    }
    va_end(args);
    if (size)
        buf[MIN(out.len, size - 1)] = 0;
    return out.len;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(buf, size, fmt, ap);
    va_end(ap);
    return n;
}
