#include "run.h"

#include "boot.h"
#include "chart.h"
#include "core.h"
#include "elf.h"
#include "firecracker.h"
#include "gather.h"
#include "image.h"
#include "installed.h"
#include "proxy.h"
#include "qemu.h"
#include "quote.h"
#include "say.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    COMMAND_LINE_MAX = 64 << 10, /* docs/host-guest.md */
    PAGE = 4096,
};

/* What QEMU rounds to. */
enum { MEMORY_UNIT = 1 << 20 };

static const uint64_t memory_beside_image = 256ull << 20;
static const uint64_t loader_memory = 8ull
                                      << 20;     /* unpacks the kernel there; the root lies above */
static const uint64_t memory_slack = 1ull << 20; /* below the kernel: BIOS, boot information */

/* The kernel: --kernel, $OSPREY_KERNEL, the one that came with the command. */
static const char *kernel_path(const struct options *options)
{
    const char *chosen = options->kernel ? options->kernel : getenv("OSPREY_KERNEL");
    enum format served = options->boot == BOOT_PXE ? FORMAT_NETBOOT : FORMAT_RAW;

    if (chosen && !options->compress)
        return chosen;
    return boot_takes_bin(options->boot) ? format_kernel(served, options->compress)
                                         : installed("osprey.elf");
}

/* What the kernel takes of memory; ends the command if the file is none. */
static uint64_t kernel_size(const char *path)
{
    static const struct root host = {.folder = ""};
    struct elf elf;
    size_t size;
    char *full = realpath(path, NULL);
    const void *data = full ? root_map(&host, full, &size) : NULL;

    if (!full)
        die(STATUS_FAILED, "kernel %s: %s", path, strerror(errno));
    if (!data)
        die(STATUS_FAILED, "kernel %s: cannot be read", path);
    const char *fault = elf_parse(&elf, data, size);
    if (fault)
        die(STATUS_FAILED, "kernel %s: %s", path, fault);
    uint64_t memory = elf.memory_size;
    root_unmap(data, size);
    free(full);
    return memory;
}

static uint64_t memory_size(const struct options *options, uint64_t image, uint64_t kernel)
{
    uint64_t least = image + kernel + memory_slack;
    uint64_t memory = options->memory / MEMORY_UNIT * MEMORY_UNIT;

    if (!options->memory)
        return (memory_beside_image + image + MEMORY_UNIT - 1) / MEMORY_UNIT * MEMORY_UNIT;
    if (memory < least)
        die(STATUS_FAILED,
            "--memory: %llu KiB is too little: the image and the kernel alone take "
            "%llu KiB",
            (unsigned long long)options->memory >> 10, (unsigned long long)(least + 1023) >> 10);
    return memory;
}

static char *command_line(const struct options *options, const struct plan *plan,
                          const struct terminal *terminal)
{
    struct text line = {0}, after = {0};
    unsigned rows, columns;

    if (options->vmm == VMM_FIRECRACKER) {
        text_str(&line, "report=console");
        if (options->network.mode == NET_TAP)
            network_kernel_words(&options->network, options->hostname, &line);
    } else {
        qemu_kernel_words(options, &line);
    }
    if (!options->dry_run && options->vmm == VMM_QEMU)
        text_format(&line, " stdio=%s", terminal->letters);
    if (!options->dry_run && options->vmm == VMM_QEMU && terminal_size(terminal, &rows, &columns))
        text_format(&line, " winsize=%ux%u", rows, columns);
    if (options->strace)
        text_str(&line, " strace");
    if (options->bootchart)
        text_str(&line, " bootchart");
    if (options->verbose)
        text_str(&line, " loglevel=7");
    gather_words(options, plan, &line, &after);
    for (size_t i = 0; i < options->kernel_args.count; i++)
        quote_kernel(&line, options->kernel_args.item[i]);
    if (after.size)
        text_format(&line, " -- %s", after.data);
    text_free(&after);
    if (line.size >= COMMAND_LINE_MAX)
        die(STATUS_FAILED, "arguments and environment are too long: %zu bytes, at most %d",
            line.size, COMMAND_LINE_MAX - 1);
    return line.data;
}

static void open_lines(const struct options *options, const struct terminal *terminal,
                       int ours[LINE_COUNT], int theirs[LINE_COUNT])
{
    const bool wanted[LINE_COUNT] = {
        [LINE_CONSOLE] = true,
        [LINE_CONTROL] = true,
        [LINE_STDIN] = terminal->letters[0] == 'p',
        [LINE_STDOUT] = terminal->letters[1] == 'p',
        [LINE_STDERR] = terminal->letters[2] == 'p',
        [LINE_TTY] = terminal->fd >= 0,
        [LINE_CORE] = options->core != NULL,
        [LINE_MONITOR] = options->timeout_ms != 0,
    };

    for (int i = 0; i < LINE_COUNT; i++) {
        int pair[2] = {-1, -1};
        if (wanted[i] && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
            die(STATUS_FAILED, "cannot make a socket: %s", strerror(errno));
        ours[i] = pair[0];
        theirs[i] = pair[1];
    }
}

static void print_command(const struct words *words)
{
    struct text line = {0};

    for (size_t i = 0; i < words->count; i++)
        quote_shell(&line, words->item[i]);
    puts(line.data);
    text_free(&line);
}

/* The kernel's file with its symbols for gdb: osprey.debug beside osprey.elf, if it is there. */
static char *symbol_file(const char *kernel)
{
    size_t size = strlen(kernel);
    bool elf = size > 4 && !strcmp(kernel + size - 4, ".elf");
    char *debug = formatted("%.*s.debug", (int)(elf ? size - 4 : size), kernel);

    if (!access(debug, R_OK))
        return debug;
    free(debug);
    return copy(kernel);
}

static void tell_gdb(const struct options *options, const char *kernel)
{
    struct text command = {0};
    char *symbols = symbol_file(kernel);

    quote_shell(&command, "gdb");
    quote_shell(&command, symbols);
    free(symbols);
    text_format(&command, " -ex 'target remote :%u'", options->gdb_port);
    warn("waiting for: %s", command.data);
    text_free(&command);
}

static void check_for_firecracker(const struct options *options)
{
    const char *other = options->gdb_port                   ? "gdb"
                        : options->devices.count            ? "device"
                        : options->core                     ? "core"
                        : options->qemu_args.count          ? "qemu-arg"
                        : options->accel != ACCEL_AUTO      ? "accel"
                        : options->boot                     ? "boot"
                        : options->network.nforwards        ? "publish"
                        : options->network.mode == NET_USER ? "net user"
                                                            : NULL;

    if (other)
        die(STATUS_FAILED, "--%s does not go with --vmm firecracker", other);
}

static int run_firecracker(const struct options *options, const struct plan *plan,
                           const char *kernel, uint64_t memory, const struct terminal *terminal)
{
    char *line = command_line(options, options->image ? NULL : plan, terminal);

    firecracker_check_line(line);
    if (options->dry_run) {
        struct text json = {0};
        firecracker_config(kernel, plan->image, line, memory, options->cpus, &options->network,
                           &options->disks, &json);
        fputs(json.data, stdout);
        text_free(&json);
        free(line);
        return 0;
    }
    return firecracker_run(options, kernel, plan->image, line, memory);
}

int run(struct options *options)
{
    struct terminal terminal;
    struct plan plan = {0};
    struct words words = {0};
    int ours[LINE_COUNT], theirs[LINE_COUNT];

    if (options->vmm == VMM_FIRECRACKER)
        check_for_firecracker(options);
    else
        qemu_path(); /* say first what is missing */
    if (options->image && snprintf(plan.image, PATH_MAX, "%s", options->image) >= PATH_MAX)
        die(STATUS_FAILED, "image %s: the path is too long", options->image);
    if (!options->image)
        gather_run(options, &plan);
    uint64_t image = image_check(plan.image);
    const char *kernel = kernel_path(options);
    uint64_t memory = memory_size(
        options, image, boot_takes_bin(options->boot) ? loader_memory : kernel_size(kernel));
    terminal_look(&terminal, options->tty);
    if (options->vmm == VMM_FIRECRACKER)
        return run_firecracker(options, &plan, kernel, memory, &terminal);
    if (!options->dry_run)
        network_prepare(&options->network, options->cpus);
    if (!options->dry_run)
        open_lines(options, &terminal, ours, theirs);
    struct qemu qemu = {
        .options = options,
        .kernel = kernel,
        .image = plan.image,
        .command_line = command_line(options, options->image ? NULL : &plan, &terminal),
        .memory = memory,
        .line = options->dry_run ? NULL : theirs,
    };
    qemu_words(&qemu, &words);
    if (options->dry_run) {
        print_command(&words);
        return 0;
    }
    if (options->gdb_port)
        tell_gdb(options, kernel);
    struct core *core = options->core ? core_open(options->core) : NULL;
    struct text console = {0};
    int status = proxy_run(
        &(struct proxy_request){.command = &words,
                                .ours = ours,
                                .theirs = theirs,
                                .terminal = &terminal,
                                .core = core,
                                .network = &options->network,
                                .firmware = boot_takes_bin(options->boot) && !options->verbose,
                                .console = options->chart ? &console : NULL,
                                .timeout_ms = options->timeout_ms});
    if (options->chart && chart_write(console.data, console.size, options->chart) && !status)
        status = STATUS_FAILED;
    text_free(&console);
    return status;
}
