// sources: kernel/drivers/console/vt.c kernel/drivers/console/keymap.c
// sources: kernel/drivers/console/font.c
// flags: -Ikernel
/* The terminal on the screen: what sequences do to the grid, and that no bytes reach beyond it; the
 * keyboard's codes. */
#include "drivers/console/font.h"
#include "drivers/console/keymap.h"
#include "drivers/console/vt.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 5, COLUMNS = 12 };
static uint16_t cells[ROWS * COLUMNS];
static struct vt vt;
static int failures;

static void check(bool ok, const char *name)
{
    printf("%s - %s\n", ok ? "ok" : "not ok", name);
    failures += !ok;
}

/* The screen after these bytes, trailing blanks left out, lines joined by |. */
static const char *screen(const char *bytes)
{
    static char out[ROWS * (COLUMNS + 1) + 1];
    char *p = out;

    vt_init(&vt, cells, ROWS, COLUMNS);
    vt_write(&vt, (const uint8_t *)bytes, strlen(bytes));
    for (unsigned y = 0; y < ROWS; y++) {
        char *end = p;
        for (unsigned x = 0; x < COLUMNS; x++) {
            uint8_t c = (uint8_t)cells[y * COLUMNS + x];
            *p++ = c & VT_LINES ? (char)('A' + (c & 15)) : (char)c;
            if (c != ' ')
                end = p;
        }
        p = end;
        *p++ = '|';
    }
    *p = 0;
    return out;
}

static void shows(const char *name, const char *bytes, const char *want)
{
    const char *got = screen(bytes);

    if (strcmp(got, want))
        printf("# %s, wanted %s\n", got, want);
    check(!strcmp(got, want), name);
}

static void sequences(void)
{
    shows("text and lines", "one\r\ntwo", "one|two||||");
    shows("a line that is full wraps with the next letter", "123456789012\r\nx",
          "123456789012|x||||");
    shows("wrapped", "1234567890123", "123456789012|3||||");
    shows("scrolling", "a\r\nb\r\nc\r\nd\r\ne\r\nf", "b|c|d|e|f|");
    shows("cursor addresses", "\033[2;4Hx\033[5;1Hy\033[99;99Hz", "|   x|||y          z|");
    shows("cursor keys", "abc\033[2D*\033[B*\033[A\033[C*", "a*c *|  *||||");
    shows("erase", "abcdef\r\nxyz\033[1;3H\033[K\033[2;2H\033[1K", "ab|  z||||");
    shows("clear", "abcdef\r\nxyz\033[H\033[Jq", "q|||||");
    shows("insert and delete cells", "abcdef\r\033[2@12\033[3P", "12def|||||");
    shows("insert and delete lines", "a\r\nb\r\nc\033[2;1H\033[L1\033[1;1H\033[M", "1|b|c|||");
    shows("a scrolled region", "a\r\nb\r\nc\r\nd\r\ne\033[2;4r\033[4;1H\nX", "a|c|d|X|e|");
    shows("back through its top", "a\r\nb\r\nc\033[H\033MX", "X|a|b|c||");
    shows("tabs and backspace", "a\tb\b\bc", "a      cb|||||");
    shows("boxes in UTF-8", "\342\224\214\342\224\200\342\224\220\342\225\251", "KMGN|||||");
    shows("boxes of the VT100", "\033(0lqk\033(Blqk", "KMGlqk|||||");
    shows("other letters", "\303\244\xff", "??|||||");
    shows("strings are not shown", "\033]0;title\007a\033]2;x\033\\b\033Pxx\033\\c", "abc|||||");
    shows("unknown sequences are not shown", "\033[>0;1m\033[?2004ha\033[38;2;1;2;3mb\033#8",
          "ab|||||");
    screen("\033[31;1mx\033[7my\033[0mz\033[38;5;12mw");
    check(cells[0] >> 8 == 0x0c && cells[1] >> 8 == 0x40 + 0 && cells[2] >> 8 == 7 &&
              cells[3] >> 8 == 9,
          "colours");
    screen("abc\033[6n");
    check(vt.reply_len == 6 && !memcmp(vt.reply, "\033[1;4R", 6), "where the cursor is");
    screen("\033[?1h\033[?25l");
    check(vt.application_keys && vt.hidden_cursor, "modes");
}

static void mutants(void)
{
    static const char alphabet[] =
        "\033\033\033[[[[0123456789;;?ABCDEFGHJKLMPSTX@dfhlmnrsucab]()\007\n\r\b\t\342\224\200";
    uint8_t bytes[256];

    srand(1);
    for (int i = 0; i < 20000; i++) {
        unsigned rows = 1 + rand() % 7, columns = 1 + rand() % 9;
        uint16_t *grid = malloc(rows * columns * sizeof(*grid));
        vt_init(&vt, grid, rows, columns);
        for (unsigned n = 0; n < sizeof(bytes); n++)
            bytes[n] =
                rand() % 20 ? (uint8_t)alphabet[rand() % (sizeof(alphabet) - 1)] : (uint8_t)rand();
        vt_write(&vt, bytes, sizeof(bytes));
        if (vt.x >= columns || vt.y >= rows || vt.bottom > rows || vt.reply_len >= VT_REPLY)
            abort();
        free(grid);
    }
    check(true, "20,000 random strings stay inside");
}

/* What these codes make; application: in that mode. */
static const char *keys(const char *codes, size_t n, bool application)
{
    static char out[100];
    struct keymap map = {};
    size_t len = 0;

    for (size_t i = 0; i < n; i++)
        len += keymap_take(&map, (uint8_t)codes[i], application, out + len);
    out[len] = 0;
    return out;
}
#define KEYS(codes, app) keys(codes, sizeof(codes) - 1, app)

static void keyboard(void)
{
    check(!strcmp(KEYS("\x1e\x9e\x2a\x1e\x9e\xaa\x1e", false), "aAa"), "shift");
    check(!strcmp(KEYS("\x1d\x2e\xae\x20\x9d\x20", false), "\003\004d"), "control");
    check(!strcmp(KEYS("\x38\x30\xb0\xb8\x30", false), "\033bb"), "alt");
    check(!strcmp(KEYS("\x3a\xba\x1e\x02\x2a\x1e\xaa", false), "A1a"), "caps lock");
    check(!strcmp(KEYS("\xe0\x48\xe0\xc8\xe0\x2a\xe0\x53\xe0\xd3\xe0\xaa", false), "\033[A\033[3~"),
          "cursor keys");
    check(!strcmp(KEYS("\xe0\x48\xe0\x4b", true), "\033OA\033OD"), "in application mode");
    check(!strcmp(KEYS("\x3b\x3f\x40\x58", false), "\033[[A\033[[E\033[17~\033[24~"),
          "function keys");
    check(!strcmp(KEYS("\x48\x45\xc5\x48\x4e\xe0\x1c\xe0\x35", false), "\033[A8+\r/"), "keypad");
    struct keymap map = {};
    char out[KEY_BYTES];
    srand(2);
    for (int i = 0; i < 200000; i++)
        if (keymap_take(&map, (uint8_t)rand(), rand() & 1, out) >= KEY_BYTES)
            abort();
    check(true, "200,000 random codes");
}

int main(void)
{
    sequences();
    mutants();
    keyboard();
    check(font_row('A', 0) == 4 << 2 && font_row('A', 8) == 31 << 2 && font_row(' ', 3) == 0 &&
              font_row(200, 5),
          "letters have pictures");
    return failures != 0;
}
