#include "drivers/console/vt.h"

#include "lib/string.h"

enum { PLAIN = 7, TAB = 8 };
enum { GROUND, ESCAPE, CSI, CHARSET, STRING, STRING_ESCAPE, LINUX_STRING };

/* Colours of ECMA-48 (red 1, green 2, blue 4) and those of a VGA (blue 1, green 2, red 4). */
static uint8_t vga_colour(unsigned n)
{
    return (n & 0xa) | (n & 1) << 2 | (n >> 2 & 1);
}

static void set_colour(struct vt *vt)
{
    uint8_t fg = vt->fg | vt->bold << 3;
    vt->colour = vt->reverse ? vt->bg | (fg & 7) << 4 : fg | vt->bg << 4;
}

static uint16_t blank(const struct vt *vt)
{
    return vt->colour << 8 | ' ';
}

static void fill(struct vt *vt, unsigned from, unsigned to)
{
    for (; from < to; from++)
        vt->cells[from] = blank(vt);
}

static void reset(struct vt *vt)
{
    uint16_t *cells = vt->cells;
    unsigned rows = vt->rows, columns = vt->columns;
    memset(vt, 0, sizeof(*vt));
    vt->cells = cells, vt->rows = rows, vt->columns = columns;
    vt->bottom = rows;
    vt->fg = PLAIN;
    set_colour(vt);
}

void vt_init(struct vt *vt, uint16_t *cells, unsigned rows, unsigned columns)
{
    vt->cells = cells, vt->rows = rows, vt->columns = columns;
    reset(vt);
    fill(vt, 0, rows * columns);
}

/* Move the lines of [from, to) up by n, or down by -n; new ones are blank. */
static void scroll(struct vt *vt, unsigned from, unsigned to, int n)
{
    unsigned c = vt->columns, lines = to - from, by = n < 0 ? -n : n;
    uint16_t *first = vt->cells + from * c;
    if (by > lines)
        by = lines;
    size_t bytes = (lines - by) * c * sizeof(*first);
    memmove(n < 0 ? first + by * c : first, n < 0 ? first : first + by * c, bytes);
    if (n < 0)
        fill(vt, from * c, (from + by) * c);
    else
        fill(vt, (to - by) * c, to * c);
}

static void line_feed(struct vt *vt)
{
    if (vt->y + 1 == vt->bottom)
        scroll(vt, vt->top, vt->bottom, 1);
    else if (vt->y + 1 < vt->rows)
        vt->y++;
}

static void go(struct vt *vt, int x, int y)
{
    vt->x = x < 0 ? 0 : MIN((unsigned)x, vt->columns - 1);
    vt->y = y < 0 ? 0 : MIN((unsigned)y, vt->rows - 1);
    vt->wrap_pending = false;
}

static void put(struct vt *vt, uint8_t code)
{
    if (vt->wrap_pending && !vt->no_wrap) {
        vt->x = 0;
        line_feed(vt);
    }
    vt->cells[vt->y * vt->columns + vt->x] = vt->colour << 8 | code;
    vt->wrap_pending = vt->x + 1 == vt->columns;
    vt->x += !vt->wrap_pending;
}

/* The arms of U+2500 to U+253C, a nibble each, and of U+2550 to U+256C, where single and double
 * count the same. */
static uint8_t box(uint32_t c)
{
    static const struct {
        uint16_t first, last;
        uint8_t arms;
    } boxes[] = {
        {0x2500, 0x2501, 12}, {0x2502, 0x2503, 3},  {0x250c, 0x250f, 10}, {0x2510, 0x2513, 6},
        {0x2514, 0x2517, 9},  {0x2518, 0x251b, 5},  {0x251c, 0x2523, 11}, {0x2524, 0x252b, 7},
        {0x252c, 0x2533, 14}, {0x2534, 0x253b, 13}, {0x253c, 0x254b, 15}, {0x2550, 0x2550, 12},
        {0x2551, 0x2551, 3},  {0x2552, 0x2554, 10}, {0x2555, 0x2557, 6},  {0x2558, 0x255a, 9},
        {0x255b, 0x255d, 5},  {0x255e, 0x2560, 11}, {0x2561, 0x2563, 7},  {0x2564, 0x2566, 14},
        {0x2567, 0x2569, 13}, {0x256a, 0x256c, 15}};
    for (unsigned i = 0; i < ARRAY_SIZE(boxes); i++)
        if (c >= boxes[i].first && c <= boxes[i].last)
            return boxes[i].arms;
    return 0;
}

static void put_char(struct vt *vt, uint32_t c)
{
    static const char graphics[] = "\x05\x06\x0a\x09\x0f??\x0c??\x0b\x07\x0d\x0e\x03"; /* j to x */
    if (vt->line_drawing && c >= 'j' && c <= 'x')
        put(vt, graphics[c - 'j'] == '?' ? '?' : VT_LINES | graphics[c - 'j']);
    else if (c < 0x7f)
        put(vt, c);
    else if (box(c))
        put(vt, VT_LINES | box(c));
    else if (c >= 0xa0)
        put(vt, c == 0xa0 ? ' ' : '?');
}

/* --- control sequences -------------------------------------------------------------------- */

static unsigned parameter(const struct vt *vt, unsigned n, unsigned fallback)
{
    return n < vt->nparameters && vt->parameters[n] ? vt->parameters[n] : fallback;
}

/* 38;5;N and 48;5;N: of the 256 colours the nearest of 8; bold for a bright one. */
static unsigned indexed_colour(unsigned n, bool *bright)
{
    *bright = (n >= 8 && n < 16) || n >= 244;
    if (n < 16)
        return n & 7;
    if (n >= 232)
        return n < 236 ? 0 : 7;
    n -= 16;
    *bright = n / 36 > 3 || n / 6 % 6 > 3 || n % 6 > 3;
    return (n / 36 > 1) | (n / 6 % 6 > 1) << 1 | (n % 6 > 1) << 2;
}

static void attribute(struct vt *vt, unsigned *i)
{
    unsigned n = vt->parameters[*i];
    bool bright;
    if (n == 0)
        vt->fg = PLAIN, vt->bg = vt->bold = vt->reverse = 0;
    else if (n == 1 || n == 22)
        vt->bold = n == 1;
    else if (n == 7 || n == 27)
        vt->reverse = n == 7;
    else if (n == 10 || n == 11)
        vt->line_drawing = n == 11;
    else if ((n >= 30 && n <= 37) || (n >= 90 && n <= 97))
        vt->fg = vga_colour(n % 10), vt->bold |= n >= 90;
    else if ((n >= 40 && n <= 47) || (n >= 100 && n <= 107))
        vt->bg = vga_colour(n % 10);
    else if (n == 39)
        vt->fg = PLAIN;
    else if (n == 49)
        vt->bg = 0;
    else if ((n == 38 || n == 48) && parameter(vt, *i + 1, 0) == 5) {
        unsigned colour = vga_colour(indexed_colour(parameter(vt, *i + 2, 0), &bright));
        if (n == 38)
            vt->fg = colour, vt->bold = bright;
        else
            vt->bg = colour;
        *i += 2;
    } else if (n == 38 || n == 48) {
        *i += 4;
    }
}

static void mode(struct vt *vt, bool on)
{
    for (unsigned i = 0; vt->private && i < vt->nparameters; i++) {
        unsigned n = vt->parameters[i];
        if (n == 1)
            vt->application_keys = on;
        else if (n == 7)
            vt->no_wrap = !on;
        else if (n == 25)
            vt->hidden_cursor = !on;
    }
}

static void answer(struct vt *vt, char final)
{
    if (final == 'c')
        vt->reply_len = snprintf(vt->reply, VT_REPLY, "\033[?6c");
    else if (parameter(vt, 0, 0) == 5)
        vt->reply_len = snprintf(vt->reply, VT_REPLY, "\033[0n");
    else if (parameter(vt, 0, 0) == 6)
        vt->reply_len = snprintf(vt->reply, VT_REPLY, "\033[%u;%uR", vt->y + 1, vt->x + 1);
}

static void save(struct vt *vt, bool restore)
{
    if (restore) {
        go(vt, vt->saved_x, vt->saved_y);
        vt->colour = vt->saved_colour ? vt->saved_colour : vt->colour;
    } else {
        vt->saved_x = vt->x, vt->saved_y = vt->y, vt->saved_colour = vt->colour;
    }
}

/* Insert (n > 0) or delete cells at the cursor. */
static void shift_cells(struct vt *vt, int n)
{
    unsigned c = vt->columns, left = c - vt->x, by = MIN((unsigned)(n < 0 ? -n : n), left);
    unsigned at = vt->y * c + vt->x;
    size_t bytes = (left - by) * sizeof(*vt->cells);
    memmove(vt->cells + at + (n > 0 ? by : 0), vt->cells + at + (n > 0 ? 0 : by), bytes);
    if (n > 0)
        fill(vt, at, at + by);
    else
        fill(vt, at + left - by, at + left);
}

static void erase(struct vt *vt, bool screen)
{
    unsigned c = vt->columns, at = vt->y * c + vt->x, how = parameter(vt, 0, 0);
    unsigned first = screen ? 0 : vt->y * c, last = screen ? vt->rows * c : first + c;
    fill(vt, how ? first : at, how == 1 ? at + 1 : last);
}

static void sequence(struct vt *vt, char final)
{
    int n = MIN(parameter(vt, 0, 1), 9999u), x = vt->x, y = vt->y;
    unsigned bottom = parameter(vt, 1, vt->rows);
    bool inside = vt->y >= vt->top && vt->y < vt->bottom;
    switch (final) {
    case 'A':
        go(vt, x, y - n);
        break;
    case 'B':
    case 'e':
        go(vt, x, y + n);
        break;
    case 'C':
    case 'a':
        go(vt, x + n, y);
        break;
    case 'D':
        go(vt, x - n, y);
        break;
    case 'E':
        go(vt, 0, y + n);
        break;
    case 'F':
        go(vt, 0, y - n);
        break;
    case 'G':
    case '`':
        go(vt, n - 1, y);
        break;
    case 'd':
        go(vt, x, n - 1);
        break;
    case 'H':
    case 'f':
        go(vt, MIN(parameter(vt, 1, 1), 9999u) - 1, n - 1);
        break;
    case 'J':
        erase(vt, true);
        break;
    case 'K':
        erase(vt, false);
        break;
    case 'L':
    case 'M':
        if (inside)
            scroll(vt, vt->y, vt->bottom, final == 'M' ? n : -n);
        break;
    case 'S':
    case 'T':
        scroll(vt, vt->top, vt->bottom, final == 'S' ? n : -n);
        break;
    case '@':
        shift_cells(vt, n);
        break;
    case 'P':
        shift_cells(vt, -n);
        break;
    case 'X':
        fill(vt, y * vt->columns + x, y * vt->columns + MIN(x + (unsigned)n, vt->columns));
        break;
    case 'm':
        for (unsigned i = 0; i < MAX(vt->nparameters, 1u); i++)
            attribute(vt, &i);
        set_colour(vt);
        break;
    case 'r':
        if ((unsigned)n < bottom && bottom <= vt->rows)
            vt->top = n - 1, vt->bottom = bottom, go(vt, 0, 0);
        break;
    case 'h':
    case 'l':
        mode(vt, final == 'h');
        break;
    case 's':
    case 'u':
        save(vt, final == 'u');
        break;
    case 'n':
    case 'c':
        answer(vt, final);
        break;
    default:
        break;
    }
}

static void escape(struct vt *vt, char c)
{
    vt->state = GROUND;
    switch (c) {
    case '[':
        vt->state = CSI;
        vt->private = false;
        vt->nparameters = 0;
        memset(vt->parameters, 0, sizeof(vt->parameters));
        break;
    case '(':
    case ')':
    case '%':
    case '#':
        vt->state = CHARSET;
        vt->private = c == '(';
        break;
    case ']':
        vt->state = LINUX_STRING;
        break;
    case 'P':
    case '_':
    case '^':
    case 'X':
        vt->state = STRING;
        break;
    case '7':
    case '8':
        save(vt, c == '8');
        break;
    case 'E':
        vt->x = 0;
        line_feed(vt);
        break;
    case 'D':
        line_feed(vt);
        break;
    case 'M':
        if (vt->y == vt->top)
            scroll(vt, vt->top, vt->bottom, -1);
        else if (vt->y)
            vt->y--;
        break;
    case 'c':
        reset(vt);
        fill(vt, 0, vt->rows * vt->columns);
        break;
    default:
        break;
    }
}

/* A byte of a control sequence: parameters, then the final one. */
static void csi(struct vt *vt, uint8_t c)
{
    if (c >= '0' && c <= '9') {
        vt->nparameters = MAX(vt->nparameters, 1u);
        unsigned *p = &vt->parameters[vt->nparameters - 1];
        *p = MIN(*p * 10 + (c - '0'), 99999u);
    } else if (c == ';') {
        vt->nparameters = MIN(MAX(vt->nparameters, 1u) + 1, (unsigned)VT_PARAMETERS);
    } else if (c == '?' || c == '>' || c == '=') {
        vt->private = true;
    } else if (c >= 0x40 && c < 0x7f) {
        vt->state = GROUND;
        if (!vt->private || c == 'h' || c == 'l')
            sequence(vt, c);
    }
}

static void control(struct vt *vt, uint8_t c)
{
    switch (c) {
    case '\b':
        go(vt, (int)vt->x - 1, vt->y);
        break;
    case '\t':
        go(vt, (vt->x / TAB + 1) * TAB, vt->y);
        break;
    case '\n':
    case '\v':
    case '\f':
        vt->wrap_pending = false;
        line_feed(vt);
        break;
    case '\r':
        go(vt, 0, vt->y);
        break;
    case 0x0e:
    case 0x0f:
        vt->line_drawing = c == 0x0e;
        break;
    case 0x18:
    case 0x1a:
        vt->state = GROUND;
        break;
    case 0x1b:
        vt->state = vt->state == STRING || vt->state == LINUX_STRING ? STRING_ESCAPE : ESCAPE;
        break;
    default:
        break;
    }
}

/* UTF-8 (RFC 3629); what is none becomes '?'. */
static void text(struct vt *vt, uint8_t c)
{
    if (c < 0x80) {
        vt->utf8_left = 0;
        put_char(vt, c);
    } else if (c < 0xc0 && vt->utf8_left) {
        vt->utf8 = vt->utf8 << 6 | (c & 0x3f);
        if (--vt->utf8_left == 0)
            put_char(vt, vt->utf8);
    } else {
        vt->utf8_left = c >= 0xf8 ? 0 : c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
        vt->utf8 = c & (0x3f >> vt->utf8_left);
        if (!vt->utf8_left)
            put(vt, '?');
    }
}

void vt_write(struct vt *vt, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t c = bytes[i];
        if (vt->state == STRING || vt->state == LINUX_STRING) {
            if (c == 7 || c == 0x18 || (vt->state == LINUX_STRING && c == 'R'))
                vt->state = GROUND; /* ESC ] R: Linux' palette */
            else if (c == 0x1b)
                control(vt, c);
            else
                vt->state = STRING;
        } else if (c < 0x20) {
            control(vt, c);
        } else if (vt->state == CSI) {
            csi(vt, c);
        } else if (vt->state == ESCAPE) {
            escape(vt, c);
        } else if (vt->state == CHARSET) {
            if (vt->private)
                vt->line_drawing = c == '0';
            vt->state = GROUND;
        } else if (vt->state == STRING_ESCAPE) {
            vt->state = GROUND;
        } else if (c != 0x7f) {
            text(vt, c);
        }
    }
}
