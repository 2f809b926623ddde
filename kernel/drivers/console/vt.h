/* drivers/console/vt.h: a terminal as TERM=linux describes it: bytes become a grid of cells. Pure;
 * the caller locks. */
#pragma once

#include "lib/types.h"

/* A cell: the character in the low byte (ASCII, or VT_LINES and which arms a line has), colours in
 * the high one as VGA has them (SDM of any VGA: foreground 4 bits, background 3). */
enum { VT_LINES = 0x80, VT_UP = 1, VT_DOWN = 2, VT_LEFT = 4, VT_RIGHT = 8 };
enum { VT_PARAMETERS = 8, VT_REPLY = 32 };

struct vt {
    uint16_t *cells; /* rows * columns, the owner's */
    unsigned rows, columns;
    unsigned x, y, top, bottom; /* of the scrolled lines: [top, bottom) */
    bool wrap_pending, hidden_cursor, application_keys;
    /* below: the parser's own */
    bool no_wrap, line_drawing;
    uint8_t colour, fg, bg, bold, reverse;
    uint8_t state;
    unsigned saved_x, saved_y;
    uint8_t saved_colour;
    unsigned parameters[VT_PARAMETERS], nparameters;
    bool private;
    uint32_t utf8, utf8_left;
    char
        reply[VT_REPLY]; /* what the terminal answers: the owner takes it and sets reply_len to 0 */
    unsigned reply_len;
};

/* Blank, the cursor at the top left. */
void vt_init(struct vt *vt, uint16_t *cells, unsigned rows, unsigned columns);
void vt_write(struct vt *vt, const uint8_t *bytes, size_t n);
