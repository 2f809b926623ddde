#include "qemu.h"

#include "boot.h"
#include "passthrough.h"
#include "quote.h"
#include "say.h"
#include "tsc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXIT_PORT "0xf4"

enum {
    /* QEMU's hw/i386/microvm.c: eight virtio-mmio devices from here on, 512 bytes each, on
     * consecutive interrupts, without ACPI. */
    MMIO_BASE = 0xfeb00000,
    MMIO_SIZE = 512,
    MMIO_IRQ = 5,
};

static const struct {
    const char *id, *port;
} lines[LINE_COUNT] = {
    [LINE_CONSOLE] = {"console", NULL},          [LINE_CONTROL] = {"control", "osprey.control"},
    [LINE_STDIN] = {"stdin", "osprey.stdin"},    [LINE_STDOUT] = {"stdout", "osprey.stdout"},
    [LINE_STDERR] = {"stderr", "osprey.stderr"}, [LINE_TTY] = {"tty", "osprey.tty"},
    [LINE_CORE] = {"core", "osprey.core"},       [LINE_MONITOR] = {"monitor", NULL},
};

static const char *in_path(const char *name)
{
    const char *search = getenv("PATH");
    struct stat st;

    for (search = search ? search : "/usr/bin:/bin"; *search;) {
        size_t size = strcspn(search, ":");
        char *path = formatted("%.*s/%s", (int)size, search, name);
        if (size && !access(path, X_OK) && !stat(path, &st) && S_ISREG(st.st_mode))
            return path;
        free(path);
        search += size + (search[size] == ':');
    }
    return NULL;
}

const char *qemu_path(void)
{
    const char *chosen = getenv("OSPREY_QEMU");
    const char *path = chosen && *chosen ? chosen : in_path("qemu-system-x86_64");

    if (!path)
        die(STATUS_FAILED, "qemu-system-x86_64 is missing: install the package qemu-system-x86");
    if (access(path, X_OK))
        die(STATUS_FAILED, "%s: is not there or not executable", path);
    return path;
}

/* Whether the first "flags" line of /proc/cpuinfo has vmx or svm. */
static bool virtual_cpu(void)
{
    FILE *file = fopen("/proc/cpuinfo", "re");
    char *line = NULL;
    size_t room = 0;
    bool found = false;

    while (file && getline(&line, &room, file) > 0) {
        if (strncmp(line, "flags", 5))
            continue;
        for (char *save, *word = strtok_r(line, " \t\n", &save); word;
             word = strtok_r(NULL, " \t\n", &save))
            found |= !strcmp(word, "vmx") || !strcmp(word, "svm");
        break;
    }
    free(line);
    if (file)
        fclose(file);
    return found;
}

const char *kvm_fault(void)
{
    int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    const char *fault = fd >= 0           ? NULL
                        : errno == EACCES ? "/dev/kvm: permission denied: be in the group kvm"
                        : errno == ENOENT ? "there is no /dev/kvm: modprobe kvm_intel or kvm_amd"
                                          : strerror(errno);

    if (!virtual_cpu())
        fault = "the processor has no vmx or svm, or the firmware has turned it off";
    int vm = fault ? -1 : ioctl(fd, KVM_CREATE_VM, 0);
    if (!fault && vm < 0)
        fault = strerror(errno);
    if (vm >= 0)
        close(vm);
    if (fd >= 0)
        close(fd);
    return fault;
}

static bool use_kvm(const struct options *options)
{
    if (options->accel == ACCEL_TCG)
        return false;
    const char *fault = kvm_fault();
    if (fault && options->accel == ACCEL_KVM)
        die(STATUS_FAILED, "--accel kvm: %s", fault);
    return !fault;
}

static bool counts_instructions(const struct options *options)
{
    for (size_t i = 0; i < options->qemu_args.count; i++)
        if (strstr(options->qemu_args.item[i], "-icount"))
            return true;
    return false;
}

static void machine_words(const struct options *options, struct words *words)
{
    static const char *const machines[] = {
        [MACHINE_MICROVM] = "microvm,acpi=off,rtc=on,auto-kernel-cmdline=off,memory-backend=ram",
        [MACHINE_Q35] = "q35,memory-backend=ram",
        [MACHINE_PC] = "pc,memory-backend=ram",
    };
    bool kvm = use_kvm(options);

    words_add(words, "-machine");
    words_add(words, machines[options->machine]);
    words_add(words, "-accel");
    if (kvm)
        words_add(words, "kvm");
    else if (counts_instructions(options)) /* QEMU refuses it together with thread=multi */
        words_add(words, "tcg,tb-size=256");
    else
        words_add(words, "tcg,thread=multi,tb-size=256");
    words_add(words, "-cpu");
    words_add(words, kvm ? "host" : "max");
    words_add(words, "-smp");
    words_addf(words, "%u", options->cpus);
}

static void line_words(const struct qemu *qemu, struct words *words)
{
    bool mmio = qemu->options->machine == MACHINE_MICROVM;
    unsigned number = 1;

    words_add(words, "-device");
    /* Each possible port costs the guest two queues. */
    words_addf(words, "%s,max_ports=%d",
               mmio ? "virtio-serial-device,bus=virtio-mmio-bus.0" : "virtio-serial-pci",
               qemu->line[LINE_CORE] < 0 ? 6 : 7);
    for (int i = 0; i < LINE_COUNT; i++) {
        if (qemu->line[i] < 0)
            continue;
        words_add(words, "-chardev");
        words_addf(words, "socket,id=%s,fd=%d", lines[i].id, qemu->line[i]);
        if (!lines[i].port)
            continue;
        words_add(words, "-device");
        words_addf(words, "virtserialport,chardev=%s,name=%s,nr=%u", lines[i].id, lines[i].port,
                   number++);
    }
    words_add(words, "-serial");
    words_add(words, "chardev:console");
    if (qemu->line[LINE_MONITOR] >= 0) {
        words_add(words, "-monitor");
        words_add(words, "chardev:monitor");
    }
}

/* The slots of microvm: the console's, the network's, those of the disks. */
static unsigned first_disk(const struct options *options)
{
    return network_there(&options->network) ? 2 : 1;
}

static unsigned slots_used(const struct options *options)
{
    return first_disk(options) + disks_slots(&options->disks);
}

void qemu_words(const struct qemu *qemu, struct words *words)
{
    static const char *const fixed[] = {
        "-nodefaults",
        "-no-user-config",
        "-display",
        "none",
        "-no-reboot",
        "-global",
        "virtio-mmio.force-legacy=false",
        "-device",
        "isa-debug-exit,iobase=" EXIT_PORT ",iosize=4",
    };
    const struct options *options = qemu->options;

    words_add(words, qemu_path());
    machine_words(options, words);
    words_add(words, "-m");
    words_addf(words, "%lluk", (unsigned long long)qemu->memory >> 10);
    /* The host gives memory as the guest touches it: a large guest may run on a small host. */
    words_add(words, "-object");
    words_addf(words, "memory-backend-ram,id=ram,size=%lluk,reserve=off",
               (unsigned long long)qemu->memory >> 10);
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        words_add(words, fixed[i]);
    network_qemu_words(&options->network, options->machine == MACHINE_MICROVM, words);
    if (qemu->line) {
        line_words(qemu, words);
    } else {
        words_add(words, "-chardev");
        words_add(words, "stdio,id=console,signal=off");
        words_add(words, "-serial");
        words_add(words, "chardev:console");
    }
    disks_words(&options->disks, options->machine, first_disk(options), words);
    for (size_t i = 0; i < options->devices.count; i++)
        passthrough_words(options->devices.item[i], words);
    if (options->gdb_port) {
        words_add(words, "-S");
        words_add(words, "-gdb");
        words_addf(words, "tcp:127.0.0.1:%u", options->gdb_port);
    }
    boot_words(options->boot, &(struct boot_files){qemu->kernel, qemu->image, qemu->command_line},
               options->machine, qemu->memory, options->dry_run, words);
    for (size_t i = 0; i < options->qemu_args.count; i++)
        words_add(words, options->qemu_args.item[i]);
}

void qemu_kernel_words(const struct options *options, struct text *line)
{
    /* With an instruction count QEMU's counter runs with the VM's clock, at 1 GHz. */
    uint64_t khz = counts_instructions(options) ? 1000000 : tsc_khz();
    bool none = options->dry_run && slots_used(options) == 1;
    unsigned devices = options->qemu_args.count ? MICROVM_SLOTS : none ? 0 : slots_used(options);

    quote_kernel(line, "debug_exit=" EXIT_PORT);
    if (khz)
        text_format(line, " tsc_khz=%llu", (unsigned long long)khz);
    if (options->machine == MACHINE_MICROVM) /* it has no tables to look for */
        text_format(line, " acpi=off");
    for (unsigned i = 0; options->machine == MACHINE_MICROVM && i < devices; i++)
        text_format(line, " virtio_mmio.device=%d@0x%x:%d", MMIO_SIZE, MMIO_BASE + i * MMIO_SIZE,
                    MMIO_IRQ + i);
    network_kernel_words(&options->network, options->hostname, line);
}
