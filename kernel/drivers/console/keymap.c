#include "drivers/console/keymap.h"

#include "lib/string.h"

enum { RELEASE = 0x80, EXTENDED = 0xe0, PAUSE = 0xe1 };
enum { LEFT_SHIFT = 0x2a, RIGHT_SHIFT = 0x36, CONTROL = 0x1d, ALT = 0x38, CAPS = 0x3a, NUM = 0x45 };
enum { F1 = 0x3b, F10 = 0x44, KEYPAD = 0x47, KEYPAD_END = 0x53, F11 = 0x57, F12 = 0x58 };

/* Codes 0 to 0x39; a blank is no character. */
static const char plain[] = " \0331234567890-=\177\tqwertyuiop[]\r asdfghjkl;'` \\zxcvbnm,./ *  ";
static const char shifted[] = " \033!@#$%^&*()_+\177\tQWERTYUIOP{}\r ASDFGHJKL:\"~ |ZXCVBNM<>? *  ";
/* The keypad, from 7 on: with num lock, and as cursor keys: letters follow ESC [, digits end in ~.
 */
static const char pad[] = "789-456+1230.", cursor[] = "1A5-D C+4B623";

static size_t function_key(unsigned n, char *out)
{
    static const uint8_t numbers[] = {17, 18, 19, 20, 21, 23, 24}; /* F6 on */
    if (n < 5)
        return snprintf(out, KEY_BYTES, "\033[[%c", 'A' + n);
    return snprintf(out, KEY_BYTES, "\033[%u~", numbers[n - 5]);
}

static size_t cursor_key(unsigned n, bool application, char *out)
{
    char c = cursor[n];
    if (c >= '0' && c <= '9')
        return snprintf(out, KEY_BYTES, "\033[%c~", c);
    return snprintf(out, KEY_BYTES, "\033%c%c", application ? 'O' : '[', c);
}

static size_t character(const struct keymap *map, char c, char *out)
{
    size_t n = 0;
    if (map->caps && (c | 0x20) >= 'a' && (c | 0x20) <= 'z')
        c ^= 0x20;
    if (map->control && (c == ' ' || c == '2'))
        c = 0;
    else if (map->control && c >= '?')
        c = c == '?' ? 0x7f : c & 0x1f;
    else if (map->control && c == '/')
        c = 0x1f;
    if (map->alt)
        out[n++] = '\033';
    out[n++] = c;
    return n;
}

static bool modifier(struct keymap *map, uint8_t code, bool down)
{
    switch (code) {
    case LEFT_SHIFT:
    case RIGHT_SHIFT:
        map->shift = down;
        return true;
    case CONTROL:
        map->control = down;
        return true;
    case ALT:
        map->alt = down;
        return true;
    case CAPS:
        map->caps ^= down;
        return true;
    case NUM:
        map->num ^= down;
        return true;
    default:
        return false;
    }
}

size_t keymap_take(struct keymap *map, uint8_t code, bool application, char out[KEY_BYTES])
{
    bool extended = map->extended, down = !(code & RELEASE);
    map->extended = code == EXTENDED || code == PAUSE;
    if (map->extended)
        return 0;
    code &= 0x7f;
    if (extended && (code == LEFT_SHIFT || code == RIGHT_SHIFT)) /* around some extended keys */
        return 0;
    if (modifier(map, code, down) || !down)
        return 0;
    if (code >= F1 && code <= F10)
        return function_key(code - F1, out);
    if (code == F11 || code == F12)
        return function_key(code - F11 + 10, out);
    if (code >= KEYPAD && code <= KEYPAD_END) {
        unsigned n = code - KEYPAD;
        char c = map->num != map->shift ? pad[n] : cursor[n];
        if (!extended && (n == 3 || n == 7 || map->num != map->shift))
            return character(map, c, out);
        return cursor[n] == ' ' ? 0 : cursor_key(n, application, out);
    }
    if (code == 0x39)
        return character(map, ' ', out);
    if (code >= sizeof(plain) - 1 || (code != 0x1c && extended && code != 0x35))
        return 0;
    char c = (map->shift ? shifted : plain)[code];
    return c == ' ' ? 0 : character(map, c, out);
}
