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

/* The command line of such a folder: added to `line`, or, if `changed` is not NULL, replaced by
 * that. -1: there is none in it. */
int firecracker_cmdline(const char *folder, const char *changed, struct text *line);

/* Ends the command if Firecracker does not take so long a line. */
void firecracker_check_line(const char *line);

/* Run it to its end on this command's standard files; the program's status, or that of
 * docs/host-guest.md. */
int firecracker_run(const struct options *options, const char *kernel, const char *root,
                    const char *command_line, uint64_t memory);
