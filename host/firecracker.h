/* host/firecracker.h: Firecracker in the place of QEMU: its configuration, and a run under it. */
#pragma once

#include "options.h"

/* The configuration (docs/getting-started.md of Firecracker, --config-file) as JSON: files as
 * named. */
void firecracker_config(const char *kernel, const char *root, const char *command_line,
                        uint64_t memory, unsigned cpus, const struct network *network,
                        const struct disks *disks, struct text *json);

/* Write `kernel`, `root.erofs` and `config.json` into the folder `output`, made if it is missing;
 * the configuration names the files relatively. Ends the command with one line when it fails. */
void firecracker_write(const char *kernel, const char *root, const char *command_line,
                       const char *output);

/* Run it to its end on this command's standard files; the program's status, or that of
 * docs/host-guest.md. */
int firecracker_run(const struct options *options, const char *kernel, const char *root,
                    const char *command_line, uint64_t memory);
