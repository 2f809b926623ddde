/* host/core.h: core dumps out of the VM: the bytes of the port osprey.core (docs/host-guest.md)
 * into files.
 *
 * The core of process 1, or where that does not crash the first one of another process, is in the
 * file that was asked for; others lie beside it as FILE.PID. A file appears whole or not at all.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct core;

/* Get ready for cores to go to `path`. Ends the command with status 125 if none could be written
 * there. Lasts until core_close(). */
struct core *core_open(const char *path);

/* More bytes from the VM, in pieces of any size. False: they are of no more use, because what was
 * said is not understood or could not be written; it was told. Blocks only on the disk. */
bool core_take(struct core *core, const char *bytes, size_t size);

/* The VM has ended. Says what was cut off, and if nothing was written over a file that is there.
 * `killed_by`: the signal that ended the program, or 0. */
void core_close(struct core *core, int killed_by);
