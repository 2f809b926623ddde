/* A linear framebuffer that the loader left (Multiboot 2's, UEFI's, VESA's in Linux' screen_info).
 */
#include "core/boot.h"
#include "drivers/console/font.h"
#include "drivers/console/screen.h"
#include "drivers/console/vt.h"
#include "mm/karea.h"

static volatile uint8_t *pixels;
static unsigned columns;
static uint32_t palette[16];

/* VGA's sixteen colours: blue 1, green 2, red 4, bright 8; brown is no dark yellow. */
static uint32_t colour(unsigned n)
{
    const struct boot_screen *s = &boot_info.screen;
    uint32_t value = 0;
    for (unsigned i = 0; i < 3; i++) { /* red, green, blue */
        unsigned level = (n >> (2 - i) & 1 ? 0xaa : 0) + (n & 8 ? 0x55 : 0);
        if (n == 6 && i == 1)
            level = 0x55;
        value |= level >> (8 - s->bits[i]) << s->shift[i];
    }
    return value;
}

/* The arms of a line from the middle of a cell, one row of it. */
static unsigned line_row(unsigned arms, unsigned row)
{
    unsigned bits = 0;
    if (row == FONT_HEIGHT / 2)
        bits = (arms & VT_LEFT ? 0xf8 : 0) | (arms & VT_RIGHT ? 0x1f : 0);
    if (arms & (row < FONT_HEIGHT / 2 ? VT_UP : VT_DOWN))
        bits |= 0x18;
    return bits;
}

static void draw(unsigned i, uint16_t cell)
{
    const struct boot_screen *s = &boot_info.screen;
    unsigned step = s->depth / 8, code = cell & 0xff;
    uint32_t fg = palette[cell >> 8 & 15], bg = palette[cell >> 12 & 7];
    volatile uint8_t *row =
        pixels + (size_t)(i / columns) * FONT_HEIGHT * s->pitch + i % columns * FONT_WIDTH * step;
    for (unsigned y = 0; y < FONT_HEIGHT; y++, row += s->pitch) {
        unsigned bits = code & VT_LINES ? line_row(code & 15, y) : font_row(code, y);
        for (unsigned x = 0; x < FONT_WIDTH; x++) {
            uint32_t value = bits << x & 0x80 ? fg : bg;
            if (step == 4)
                ((volatile uint32_t *)row)[x] = value;
            else
                for (unsigned b = 0; b < step; b++)
                    row[x * step + b] = value >> 8 * b;
        }
    }
}

int framebuffer_attach(void)
{
    const struct boot_screen *s = &boot_info.screen;
    if (!s->base)
        return 0;
    pixels = karea_map_device(s->base, (size_t)s->pitch * s->height);
    columns = s->width / FONT_WIDTH;
    for (unsigned i = 0; i < 16; i++)
        palette[i] = colour(i);
    return pixels ? screen_attach(s->height / FONT_HEIGHT, columns, draw, NULL) : -1;
}
