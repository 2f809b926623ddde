/* host/options.h: the options of `osprey run` and `osprey build`. */
#pragma once

#include "disk.h"
#include "format.h"
#include "machine.h"
#include "network.h"
#include "text.h"

#include <stdint.h>

enum vmm { VMM_QEMU, VMM_FIRECRACKER };
enum boot { BOOT_AUTO, BOOT_PVH, BOOT_LINUX, BOOT_BIOS, BOOT_UEFI, BOOT_PXE };
enum accel { ACCEL_AUTO, ACCEL_TCG, ACCEL_KVM };
enum tty_mode { TTY_AUTO, TTY_ON, TTY_OFF };

struct options {
    uint64_t memory; /* bytes; 0: as much as the image asks for */
    unsigned cpus;
    struct words env; /* NAME=VALUE; NAME alone takes the command's value */
    const char *workdir;
    const char *hostname;
    const char *user; /* UID or UID:GID */
    const char *root;
    const char *image;
    const char *output;
    enum format format;
    enum compress compress;
    enum machine machine;
    enum vmm vmm;
    enum boot boot;
    bool machine_chosen;
    enum accel accel;
    enum tty_mode tty;
    struct network network;
    const char *kernel;
    struct words kernel_args;
    struct words qemu_args;
    struct words add;
    struct words packages;
    struct words devices; /* PCI addresses */
    struct disks disks;
    const char *core; /* where cores go, or NULL */
    bool bootchart;
    const char *chart; /* a file for the chart as SVG, or NULL */
    bool strace;
    bool dry_run;
    bool verbose;
    bool no_files;
    unsigned gdb_port;   /* 0: no gdb */
    uint64_t timeout_ms; /* 0: none */
    struct words argv;   /* PROGRAM and ARGS, possibly none */
};

/* Read the arguments after `osprey run` or `osprey build`. Ends the command with status 125 and
 * one line on an unknown option or a bad value; --help prints the help and ends it with 0. */
void options_parse(struct options *options, bool build, int argc, char **argv);

/* Print the options of one subcommand, one a line, on standard output. */
void options_help(bool build);

/* A size like 512K, 256M, 1G, 1.5G; a number alone counts MiB. 0 if it is none. */
uint64_t parse_size(const char *text);

/* Seconds like 5, 0.5, 2m, 1h in milliseconds; 0 if it is none. */
uint64_t parse_seconds(const char *text);
