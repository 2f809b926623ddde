/* host/qemu.h: the QEMU command that runs an image. */
#pragma once

#include "options.h"
#include "terminal.h"

/* The sockets that QEMU is given; -1: that stream is not there. */
enum {
    LINE_CONSOLE,
    LINE_CONTROL,
    LINE_STDIN,
    LINE_STDOUT,
    LINE_STDERR,
    LINE_TTY,
    LINE_CORE,
    LINE_MONITOR,
    LINE_COUNT
};

struct qemu {
    const struct options *options;
    const char *kernel;
    const char *image;
    const char *command_line; /* of the kernel */
    uint64_t memory;
    const int *line; /* QEMU's ends, or NULL: its own standard input and output as the console */
};

/* QEMU's path: $OSPREY_QEMU, or qemu-system-x86_64 in PATH. Ends the command if it is missing. */
const char *qemu_path(void);

/* NULL: KVM works: vmx or svm among the processor's flags, and /dev/kvm makes a VM; else why not.
 */
const char *kvm_fault(void);

/* The words of the command, QEMU's path first. Ends the command when --accel kvm cannot work. */
void qemu_words(const struct qemu *qemu, struct words *words);

/* What the kernel is to be told of the machine: devices, counters. */
void qemu_kernel_words(const struct options *options, struct text *line);
