#include "options.h"

#include "boot.h"
#include "help.h"
#include "say.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CPUS_MAX = 64,
    FOR_RUN = 1,
    FOR_BUILD = 2,
    FOR_BOTH = 3,
    LEFT_COLUMN = 28, /* of the help */
};

static const uint64_t memory_min = 2ull << 20, memory_max = 1ull << 40;

/* One option; `take` gets NULL when it has no value. */
struct option_row {
    const char *name;
    char letter;
    unsigned use;
    const char *value; /* its name in the help; NULL: takes none */
    void (*take)(struct options *options, const char *value);
    const char *help;
};

_Noreturn static void bad(const char *option, const char *value, const char *wanted)
{
    die(STATUS_FAILED, "--%s: '%s' is not %s", option, value, wanted);
}

/* A decimal number with a fraction, no sign, no exponent; what follows it in *end. */
static double plain_number(const char *text, const char **end)
{
    double value = 0, unit = 1;

    if (!isdigit((unsigned char)*text))
        return -1;
    for (; isdigit((unsigned char)*text) && value < 1e15; text++)
        value = value * 10 + (*text - '0');
    if (*text == '.')
        for (text++; isdigit((unsigned char)*text); text++)
            value += (*text - '0') * (unit /= 10);
    *end = text;
    return value;
}

uint64_t parse_size(const char *text)
{
    static const char letters[] = "KMGT";
    const char *end;
    double value = plain_number(text, &end);
    int shift = 20;

    if (value <= 0)
        return 0;
    const char *letter = *end ? strchr(letters, toupper((unsigned char)*end)) : NULL;
    if (letter) {
        shift = 10 * (int)(letter - letters + 1);
        end++;
        if (!strcasecmp(end, "ib") || !strcasecmp(end, "b"))
            end += strlen(end);
    }
    value *= (double)(1ull << shift);
    return *end || value < 1 || value > 0x1p60 ? 0 : (uint64_t)value;
}

uint64_t parse_seconds(const char *text)
{
    const char *end;
    double value = plain_number(text, &end);

    if (value < 0)
        return 0;
    double unit = *end == 'm' ? 60 : *end == 'h' ? 3600 : 1;
    if (*end && (!strchr("smh", *end) || end[1]))
        return 0;
    value = value * unit * 1000 + 0.999;
    return value > 1e12 ? 0 : (uint64_t)value;
}

/* A decimal number in a range; -1 if it is none. */
static long whole_number(const char *text, long min, long max)
{
    char *end;

    errno = 0;
    long value = strtol(text, &end, 10);
    bool fits = isdigit((unsigned char)*text) && !*end && !errno && value >= min && value <= max;
    return fits ? value : -1;
}

/* The index of `value` in a list of names ended by NULL, -1 if it is none of them. */
static int choice(const char *value, const char *const *names)
{
    for (int i = 0; names[i]; i++)
        if (!strcmp(value, names[i]))
            return i;
    return -1;
}

static void take_memory(struct options *options, const char *value)
{
    options->memory = parse_size(value);
    if (!options->memory)
        bad("memory", value, "a size like 256M or 1G");
    if (options->memory < memory_min || options->memory > memory_max)
        bad("memory", value, "between 2M and 1T");
}

static void take_cpus(struct options *options, const char *value)
{
    long cpus = whole_number(value, 1, CPUS_MAX);

    if (cpus < 0)
        bad("cpus", value, "a number from 1 to 64");
    options->cpus = (unsigned)cpus;
}

static void take_env(struct options *options, const char *value)
{
    if (!*value || *value == '=')
        bad("env", value, "NAME=VALUE or NAME");
    words_add(&options->env, value);
}

static void take_workdir(struct options *options, const char *value)
{
    if (*value != '/')
        bad("workdir", value, "an absolute path");
    options->workdir = value;
}

static void take_hostname(struct options *options, const char *value)
{
    size_t size = strlen(value);

    if (!size || size > 64 ||
        strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                      "0123456789.-_") != size)
        bad("hostname", value, "a host name of at most 64 letters, digits, '.', '-' and '_'");
    options->hostname = value;
}

static void take_user(struct options *options, const char *value)
{
    char first[16];
    size_t size = strcspn(value, ":");
    const char *group = value[size] ? value + size + 1 : "0";

    snprintf(first, sizeof first, "%.*s", size < sizeof first ? (int)size : 0, value);
    if (whole_number(first, 0, 0xfffffffe) < 0 || whole_number(group, 0, 0xfffffffe) < 0)
        bad("user", value, "UID or UID:GID in numbers");
    options->user = value;
}

static void take_root(struct options *options, const char *value)
{
    options->root = value;
}

static void take_image(struct options *options, const char *value)
{
    options->image = value;
}

static void take_output(struct options *options, const char *value)
{
    options->output = value;
}

static void take_format(struct options *options, const char *value)
{
    int format = choice(value, format_names);

    if (format < 0)
        bad("format", value,
            "one of image, raw, qcow2, vmdk, vdi, vhdx, iso, elf, netboot, firecracker");
    options->format = (enum format)format;
}

static void take_compress(struct options *options, const char *value)
{
    int compress = *value ? choice(value, compress_names) : -1;

    if (compress < 0)
        bad("compress", value, "one of lz4, lzma");
    options->compress = (enum compress)compress;
}

static void take_machine(struct options *options, const char *value)
{
    static const char *const names[] = {"microvm", "q35", "pc", NULL};
    int machine = choice(value, names);

    if (machine < 0)
        bad("machine", value, "one of microvm, q35, pc");
    options->machine = (enum machine)machine;
    options->machine_chosen = true;
}

static void take_vmm(struct options *options, const char *value)
{
    static const char *const names[] = {"qemu", "firecracker", NULL};
    int vmm = choice(value, names);

    if (vmm < 0)
        bad("vmm", value, "one of qemu, firecracker");
    options->vmm = (enum vmm)vmm;
}

static void take_boot(struct options *options, const char *value)
{
    static const char *const names[] = {"pvh", "linux", "bios", "uefi", "pxe", NULL};
    int boot = choice(value, names);

    if (boot < 0)
        bad("boot", value, "one of bios, uefi, pvh, linux, pxe");
    options->boot = (enum boot)(boot + BOOT_PVH);
}

static void take_accel(struct options *options, const char *value)
{
    static const char *const names[] = {"auto", "tcg", "kvm", NULL};
    int accel = choice(value, names);

    if (accel < 0)
        bad("accel", value, "one of auto, tcg, kvm");
    options->accel = (enum accel)accel;
}

static void take_tty(struct options *options, const char *value)
{
    static const char *const names[] = {"auto", "on", "off", NULL};
    int mode = choice(value, names);

    if (mode < 0)
        bad("tty", value, "one of auto, on, off");
    options->tty = (enum tty_mode)mode;
}

static void take_kernel(struct options *options, const char *value)
{
    options->kernel = value;
}

static void take_kernel_arg(struct options *options, const char *value)
{
    if (!*value || !strcmp(value, "--"))
        bad("kernel-arg", value, "a word of the kernel command line");
    words_add(&options->kernel_args, value);
}

static void take_qemu_arg(struct options *options, const char *value)
{
    words_add(&options->qemu_args, value);
}

static void take_add(struct options *options, const char *value)
{
    words_add(&options->add, value);
}

static void take_package(struct options *options, const char *value)
{
    words_add(&options->packages, value);
}

static void take_gdb(struct options *options, const char *value)
{
    long port = value ? whole_number(value, 1, 65535) : 1234;

    if (port < 0)
        bad("gdb", value, "a TCP port");
    options->gdb_port = (unsigned)port;
}

static void take_timeout(struct options *options, const char *value)
{
    options->timeout_ms = parse_seconds(value);
    if (!options->timeout_ms)
        bad("timeout", value, "a time in seconds like 5, 0.5 or 2m");
}

static void take_publish(struct options *options, const char *value)
{
    if (!network_publish(&options->network, value))
        bad("publish", value, "[ADDR:]HOST:GUEST, with /udp or not");
}

static void take_net(struct options *options, const char *value)
{
    if (!network_mode(&options->network, value))
        bad("net", value, "one of user, tap=INTERFACE, none");
}

static void take_mac(struct options *options, const char *value)
{
    if (!network_mac(&options->network, value))
        bad("mac", value, "the address of one interface, like 52:54:00:12:34:56");
}

static void take_ip(struct options *options, const char *value)
{
    if (!network_ip(&options->network, value))
        bad("ip", value, "ADDRESS/PREFIX, ADDRESS/PREFIX,GATEWAY or dhcp");
}

static void take_nic(struct options *options, const char *value)
{
    if (!network_nic(&options->network, value))
        bad("nic", value, "one of mmio, legacy, modern, packed, e1000, e1000e, vmxnet3");
}

static void take_tcpdump(struct options *options, const char *value)
{
    if (!*value)
        bad("tcpdump", value, "a file's name");
    options->network.dump = value;
}

static void take_bootchart(struct options *options, const char *value)
{
    if (value && !*value)
        bad("bootchart", value, "a file's name");
    options->bootchart = true;
    options->chart = value;
}

static void take_core(struct options *options, const char *value)
{
    if (!*value)
        bad("core", value, "a file's name");
    options->core = value;
}

static void take_strace(struct options *options, const char *value)
{
    (void)value;
    options->strace = true;
}

static void take_dry_run(struct options *options, const char *value)
{
    (void)value;
    options->dry_run = true;
}

static void take_verbose(struct options *options, const char *value)
{
    (void)value;
    options->verbose = true;
}

static void take_no_files(struct options *options, const char *value)
{
    (void)value;
    options->no_files = true;
}

static void take_disk(struct options *options, const char *value)
{
    disk_add(&options->disks, value);
}

static void take_device(struct options *options, const char *value)
{
    if (!*value)
        bad("device", value, "the address of a PCI device, like 03:00.0");
    words_add(&options->devices, value);
}

static const struct option_row rows[] = {
    {"memory", 'm', FOR_RUN, "SIZE", take_memory,
     "memory of the VM: 256M, 1G (default: 256M and the image's size)"},
    {"cpus", 'c', FOR_RUN, "N", take_cpus, "processors, 1 to 64 (default 1)"},
    {"env", 'e', FOR_BOTH, "NAME[=VALUE]", take_env,
     "give the program this variable (NAME alone: with its value here)"},
    {"workdir", 'w', FOR_BOTH, "PATH", take_workdir, "its working directory (default: this one)"},
    {"hostname", 0, FOR_BOTH, "NAME", take_hostname, "the VM's host name (default: osprey)"},
    {"user", 'u', FOR_BOTH, "UID[:GID]", take_user, "run as this user (default: 0:0)"},
    {"root", 0, FOR_BOTH, "DIR", take_root, "take this folder, whole, as root file system"},
    {"add", 0, FOR_BOTH, "PATH", take_add, "put this file or folder into the image as well"},
    {"package", 0, FOR_BOTH, "NAME", take_package,
     "put this installed Debian package into the image as well"},
    {"no-files", 0, FOR_BOTH, NULL, take_no_files, "do not put files named in ARGS into the image"},
    {"disk", 0, FOR_RUN, "FILE[,ro][,bus=BUS]", take_disk,
     "give the VM this file or block device as a disk: /dev/vda, /dev/vdb, ...; BUS: virtio (the "
     "default), ahci, ide, nvme, scsi, pvscsi"},
    {"device", 0, FOR_RUN, "ADDR", take_device,
     "give the VM this PCI device, which `osprey passthrough` has set free"},
    {"output", 'o', FOR_BUILD, "FILE", take_output, "the image to write"},
    {"format", 0, FOR_BUILD, "FORMAT", take_format,
     "image (the root alone, the default), a disk that boots by BIOS and UEFI: raw, qcow2, vmdk, "
     "vdi, vhdx, iso; elf (kernel and root in one file); a folder for iPXE or Firecracker: "
     "netboot, firecracker"},
    {"compress", 0, FOR_BOTH, "lz4|lzma", take_compress,
     "how the kernel is packed in what boots: lz4 is unpacked ten times as fast, lzma is a quarter "
     "smaller (default: lz4; netboot and --boot pxe: lzma)"},
    {"image", 0, FOR_RUN, "FILE", take_image, "run an image that `osprey build` wrote"},
    {"timeout", 't', FOR_RUN, "SECONDS", take_timeout, "end the VM after this time, status 124"},
    {"tty", 0, FOR_RUN, "auto|on|off", take_tty,
     "whether the program gets a terminal (default: as it would here)"},
    {"publish", 'p', FOR_RUN, "[ADDR:]HOST:GUEST[/udp]", take_publish,
     "let a port of this host lead to one of the program's (GUEST alone: any free port)"},
    {"net", 0, FOR_RUN, "user|tap=IF|none", take_net,
     "the network: QEMU's own, or a tap interface (default: user with -p, else none)"},
    {"ip", 0, FOR_RUN, "ADDR/PREFIX[,GW]|dhcp", take_ip,
     "the VM's address (default: 10.0.2.15/24 with user, dhcp with tap)"},
    {"mac", 0, FOR_RUN, "ADDR", take_mac, "its hardware address"},
    {"nic", 0, FOR_RUN, "mmio|legacy|modern|packed|e1000|e1000e|vmxnet3", take_nic,
     "how the network device is attached (default: mmio, modern on pc and q35)"},
    {"tcpdump", 0, FOR_RUN, "FILE", take_tcpdump, "write the frames it sends and gets (pcap)"},
    {"machine", 0, FOR_RUN, "microvm|q35|pc", take_machine, "QEMU's machine (default microvm)"},
    {"vmm", 0, FOR_RUN, "qemu|firecracker", take_vmm, "the virtual machine monitor (default qemu)"},
    {"boot", 0, FOR_RUN, "bios|uefi|pvh|linux|pxe", take_boot,
     "the way from power-on to the kernel (default pvh)"},
    {"accel", 0, FOR_RUN, "auto|tcg|kvm", take_accel,
     "how the processor is virtualised (default: kvm where it works)"},
    {"kernel", 0, FOR_RUN, "FILE", take_kernel, "another kernel than the one built here"},
    {"kernel-arg", 0, FOR_RUN, "ARG", take_kernel_arg, "one more word for the kernel"},
    {"qemu-arg", 0, FOR_RUN, "ARG", take_qemu_arg, "one more argument for QEMU, as it is"},
    {"bootchart", 0, FOR_RUN, "[=FILE]", take_bootchart,
     "print how long each step of the boot took; draw it, too (FILE: SVG)"},
    {"strace", 0, FOR_RUN, NULL, take_strace, "trace the program's system calls"},
    {"core", 0, FOR_RUN, "FILE", take_core, "where to write a core dump if the program crashes"},
    {"gdb", 0, FOR_RUN, "[=PORT]", take_gdb, "wait for gdb on this port (default 1234)"},
    {"dry-run", 0, FOR_RUN, NULL, take_dry_run,
     "print the QEMU command, on whose terminal the program would run, and stop"},
    {"verbose", 'v', FOR_RUN, NULL, take_verbose, "all messages of the kernel"},
};

static const struct option_row *find_row(const char *name, size_t size, char letter, unsigned use)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct option_row *row = &rows[i];
        bool same = letter ? row->letter == letter
                           : strlen(row->name) == size && !strncmp(row->name, name, size);
        if (same && row->use & use)
            return row;
    }
    return NULL;
}

/* [=VALUE] */
static bool may_lack_value(const struct option_row *row)
{
    return row->value && row->value[0] == '[' && row->value[1] == '=';
}

/* Take one option at argv[0], with its value in the same word or the next. Returns how many words
 * that were. */
static int take_option(struct options *options, unsigned use, int argc, char **argv)
{
    const char *word = argv[0];
    bool is_long = word[1] == '-';
    const char *name = word + (is_long ? 2 : 1);
    size_t size = is_long ? strcspn(name, "=") : 1;
    const struct option_row *row = find_row(name, size, is_long ? 0 : *name, use);
    const char *value = is_long && name[size] ? name + size + 1 : NULL;

    if (!row)
        die(STATUS_FAILED, "unknown option %.*s (try 'osprey help %s')", (int)(name + size - word),
            word, use == FOR_BUILD ? "build" : "run");
    if (!is_long && name[1]) {
        if (!row->value)
            die(STATUS_FAILED, "unknown option %s (try 'osprey help %s')", word,
                use == FOR_BUILD ? "build" : "run");
        value = name + 1 + (name[1] == '=');
    }
    bool optional = may_lack_value(row);
    if (!row->value && value)
        die(STATUS_FAILED, "--%s takes no value", row->name);
    if (row->take == take_gdb && !value && argc > 1 && whole_number(argv[1], 1, 65535) > 0) {
        row->take(options, argv[1]);
        return 2;
    }
    if (!row->value || optional || value) {
        row->take(options, value);
        return 1;
    }
    if (argc < 2)
        die(STATUS_FAILED, "--%s needs a value: %s", row->name, row->value);
    row->take(options, argv[1]);
    return 2;
}

/* A network device on PCI needs a machine that has it. */
static void check_network(struct options *options)
{
    int pci = options->machine_chosen ? options->machine != MACHINE_MICROVM : -1;
    bool wants_pci = network_needs_pci(&options->network);
    const char *fault = network_fault(&options->network, pci);

    if (fault)
        die(STATUS_FAILED, "%s", fault);
    if (wants_pci && !options->machine_chosen)
        options->machine = MACHINE_PC;
    if (options->boot && !options->machine_chosen && options->machine == MACHINE_MICROVM)
        options->machine = boot_machine(options->boot);
    if (options->devices.count && options->machine == MACHINE_MICROVM) {
        if (options->machine_chosen)
            die(STATUS_FAILED, "--device needs --machine q35 or pc");
        options->machine = MACHINE_Q35;
    }
    bool asked = options->network.has_mac || options->network.dump || options->network.nic ||
                 options->network.address || options->network.dhcp;
    if (asked && options->network.mode == NET_AUTO)
        options->network.mode = NET_USER;
}

/* The console and the network have slots of a microvm, too. */
static void check_disks(struct options *options)
{
    unsigned slots = MICROVM_SLOTS - 1 - network_there(&options->network);
    bool chosen = options->machine_chosen || options->machine != MACHINE_MICROVM;

    options->machine = disks_machine(&options->disks, options->machine, chosen, slots);
}

/* Only a kernel that our own loader unpacks is packed. */
static void check_compress(const struct options *options, bool build)
{
    if (!options->compress)
        return;
    if (build && !format_packs(options->format))
        die(STATUS_FAILED, "--compress: there is no packed kernel in --format %s",
            format_names[options->format]);
    if (!build && (!boot_takes_bin(options->boot) || options->vmm != VMM_QEMU))
        die(STATUS_FAILED, "--compress goes with --boot bios, uefi, linux or pxe");
    if (!build && options->kernel)
        die(STATUS_FAILED, "--compress and --kernel exclude each other");
}

/* Combinations that make no sense. */
static void check(const struct options *options, bool build)
{
    if (build && !options->output)
        die(STATUS_FAILED, "build: name the image to write with -o FILE");
    if (build && !options->argv.count)
        die(STATUS_FAILED, "build: no PROGRAM given (try 'osprey help build')");
    if (!options->argv.count && !options->image)
        die(STATUS_FAILED, "run: no PROGRAM given (try 'osprey help run')");
    if (options->image && options->root)
        die(STATUS_FAILED, "--image and --root exclude each other");
    if (options->image && (options->add.count || options->packages.count))
        die(STATUS_FAILED, "--image takes nothing more into the image");
    if (options->root && options->packages.count)
        die(STATUS_FAILED, "--root takes the whole folder; --package adds to the host's programs");
    if (options->argv.count && !options->argv.item[0][0])
        die(STATUS_NOT_FOUND, "'': no such program");
}

void options_parse(struct options *options, bool build, int argc, char **argv)
{
    unsigned use = build ? FOR_BUILD : FOR_RUN;
    int i = 0;

    *options = (struct options){.cpus = 1};
    while (i < argc && argv[i][0] == '-' && argv[i][1]) {
        if (!strcmp(argv[i], "--")) {
            i++;
            break;
        }
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
            help(build ? "build" : "run");
            exit(0);
        }
        i += take_option(options, use, argc - i, argv + i);
    }
    for (; i < argc; i++)
        words_add(&options->argv, argv[i]);
    check(options, build);
    check_compress(options, build);
    check_network(options);
    check_disks(options);
}

void options_help(bool build)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct option_row *row = &rows[i];
        char left[64], letter[8] = "    ";
        if (!(row->use & (build ? FOR_BUILD : FOR_RUN)))
            continue;
        if (row->letter)
            snprintf(letter, sizeof letter, "-%c, ", row->letter);
        bool optional = may_lack_value(row);
        snprintf(left, sizeof left, "%s--%s%s%s", letter, row->name,
                 row->value && !optional ? " " : "", row->value ? row->value : "");
        if (strlen(left) > LEFT_COLUMN)
            printf("  %s\n  %*s %s\n", left, LEFT_COLUMN, "", row->help);
        else
            printf("  %-*s %s\n", LEFT_COLUMN, left, row->help);
    }
}
