/* host/file.h: files that `osprey build` writes into a folder. */
#pragma once

/* Write `name` in the folder anew: the text, then the bytes of the file `from`; either may be NULL.
 * Ends the command with one line when it fails. */
void put_file(const char *folder, const char *name, const char *from, const char *text);
