/* host/boot.h: `osprey run --boot`: the ways from power-on to the kernel that a machine has, on
 * QEMU. */
#pragma once

#include "options.h"

/* The machine that goes with it where none was chosen. */
enum machine boot_machine(enum boot boot);

/* Does osprey.bin start the machine, or osprey.elf? */
bool boot_takes_bin(enum boot boot);

struct boot_files {
    const char *kernel, *image, *command_line;
};

/* QEMU's words for it: what stands in the place of -kernel, -initrd and -append. What has to be
 * built lies in temporary files, which are gone when the command ends; with `keep` they stay, and
 * that is said. Ends the command with one line where something is missing. */
void boot_words(enum boot boot, const struct boot_files *files, enum machine machine,
                uint64_t memory, bool keep, struct words *words);
