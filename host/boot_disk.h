/* host/boot_disk.h: disk images that machines boot: boot sector, command line, kernel in a
 * partition that UEFI reads as well, root image in a second one. docs/boot.md has the layout. */
#pragma once

#include <stdint.h>

/* What every format is made of. */
struct parts {
    const char *boot_sector; /* mbr.bin */
    const char *kernel;      /* osprey.bin */
    const char *elf;         /* osprey.elf */
    const char *root;        /* the EROFS image's file */
    const char *cmdline;
};

enum { CMDLINE_AREA = 127 * 512 };

/* A raw disk image in `file`, written anew. Ends the command with one line when it fails. */
void disk_write(const struct parts *parts, const char *file);

/* Take the root's partition out of the table, which El Torito wants to have one entry; the boot
 * sector finds the root without it. 0, or -1 and errno. */
int disk_hide_root(const char *file);

/* The command line inside a raw image, read and replaced; -1: it is not one of ours. fd is open for
 * what is asked. `line` has CMDLINE_AREA bytes. */
int disk_read_cmdline(int fd, char *line);
int disk_replace_cmdline(int fd, const char *line);
