/* drivers/console/screen.h: a screen, VGA text or a framebuffer, with a PS/2 keyboard: another
 * console for the log, and the stream "tty0", which the program's terminal sits on. The stream
 * joins the serial port where there is one: output goes to both, input comes from both. */
#pragma once

#include "lib/types.h"

/* Use this screen unless there is one: draw(i, cell) shows cell i (drivers/console/vt.h), cursor(i)
 * puts the cursor there (beyond the last: hides it) or is NULL: then cells are drawn reversed. From
 * boot phase THREADS on. 0, -EBUSY, -ENOMEM. */
int screen_attach(unsigned rows, unsigned columns, void (*draw)(unsigned i, uint16_t cell),
                  void (*cursor)(unsigned i));
bool screen_size(unsigned *rows, unsigned *columns); /* false: there is none */

/* framebuffer.c: the one in boot_info, if the loader told of one. */
int framebuffer_attach(void);

/* keyboard.c: bytes of keys go to sink, in the interrupt. Once. application: what ?1h asked for. */
void keyboard_start(void (*sink)(const char *bytes, size_t n), const bool *application);
