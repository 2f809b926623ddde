/* drivers/console/font.h: letters of 8 by 16 pixels for ASCII, drawn on a grid of 5 by 8. */
#pragma once

enum { FONT_WIDTH = 8, FONT_HEIGHT = 16 };

/* A character's row of pixels, the leftmost in bit 7; one without a picture is a box. */
unsigned font_row(unsigned code, unsigned row);
