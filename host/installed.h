/* host/installed.h: the files that the command brings along: kernel and boot sector. */
#pragma once

/* "osprey.elf" and so on: beside the build's tool (../NAME) or where it is installed
 * (../lib/osprey/NAME). Ends the command with one line if it is nowhere. */
const char *installed(const char *name);
