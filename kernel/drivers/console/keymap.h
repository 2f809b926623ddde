/* drivers/console/keymap.h: scan codes of set 1 and what a US keyboard sends as TERM=linux has it.
 * Pure. */
#pragma once

#include "lib/types.h"

struct keymap {
    bool shift, control, alt, caps, num, extended;
};
enum { KEY_BYTES = 8 };

/* Take one code; the bytes that it makes (0: a modifier, a release) into out. application: cursor
 * keys send ESC O instead of ESC [. */
size_t keymap_take(struct keymap *map, uint8_t code, bool application, char out[KEY_BYTES]);
