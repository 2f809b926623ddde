#include "format.h"

#include "boot_disk.h"
#include "elf_image.h"
#include "file.h"
#include "firecracker.h"
#include "installed.h"
#include "say.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

const char *const format_names[FORMATS + 1] = {
    "image", "raw", "qcow2", "vmdk", "vdi", "vhdx", "iso", "elf", "netboot", "firecracker", NULL};

/* Run a tool of another package; ends the command with its name if it is missing or fails. */
static void tool(const char *package, const char *const *argv)
{
    extern char **environ;
    pid_t pid;
    int status;
    int fault = posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv, environ);

    if (fault == ENOENT)
        die(STATUS_FAILED, "%s is missing: install the package %s", argv[0], package);
    if (fault)
        die(STATUS_FAILED, "%s: %s", argv[0], strerror(fault));
    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status))
        die(STATUS_FAILED, "%s has failed", argv[0]);
}

static void convert(const char *from_format, const char *to_format, const char *from,
                    const char *to)
{
    tool("qemu-utils", (const char *const[]){"qemu-img", "convert", "-f", from_format, "-O",
                                             to_format, from, to, NULL});
}

/* A CD: El Torito's hard-disk emulation of the raw disk for a BIOS, its EFI partition for UEFI. */
static void iso_write(const char *disk, const char *output)
{
    char *folder = formatted("%s.iso.%d", output, getpid());
    char *copy_of_disk = formatted("%s/osprey.disk", folder);
    char *partition = formatted("%s/osprey.efi", folder);
    static char buffer[1 << 20];
    ssize_t n;

    if (mkdir(folder, 0700) || rename(disk, copy_of_disk) || disk_hide_root(copy_of_disk))
        die(STATUS_FAILED, "%s: %s", folder, strerror(errno));
    int from = open(copy_of_disk, O_RDONLY | O_CLOEXEC);
    int to = open(partition, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    for (off_t done = 0; from >= 0 && to >= 0 && done < 5 << 20; done += n)
        if ((n = pread(from, buffer, sizeof buffer, (1 << 20) + done)) <= 0 ||
            write(to, buffer, (size_t)n) != n)
            die(STATUS_FAILED, "%s: %s", partition, strerror(errno));
    close(from);
    close(to);
    tool("xorriso",
         (const char *const[]){"xorriso", "-as", "mkisofs", "-quiet", "-o", output, "-V", "OSPREY",
                               "-b", "osprey.disk", "-hard-disk-boot", "-eltorito-alt-boot", "-e",
                               "osprey.efi", "-no-emul-boot", folder, NULL});
    unlink(copy_of_disk);
    unlink(partition);
    rmdir(folder);
}

/* iPXE expands ${...}, takes ; # && || between blanks for its own, and makes several blanks one:
 * our quoting hides them. */
static void ipxe_line(struct text *script, const char *cmdline)
{
    bool quoted = false;

    for (const char *c = cmdline; *c; c++) {
        bool special = strchr("$;#&|", *c);
        if (quoted && *c == '\\' && c[1])
            text_char(script, *c++);
        else if (*c == '"')
            quoted = !quoted;
        if (quoted ? *c == ' ' || special : special)
            text_format(script, quoted ? "\\x%02x" : "\"\\x%02x\"", (unsigned char)*c);
        else
            text_char(script, *c);
    }
}

void netboot_write(const char *kernel, const char *root, const char *cmdline, const char *output)
{
    struct text script = {0};

    text_str(&script, "#!ipxe\nkernel osprey.bin initrd=root.erofs ");
    ipxe_line(&script, cmdline);
    /* As a bzImage it gets the files as one, and the line behind the root is not looked at. */
    text_str(&script, "\ninitrd root.erofs\ninitrd cmdline\nboot\n");
    if (mkdir(output, 0777) && errno != EEXIST)
        die(STATUS_FAILED, "%s: %s", output, strerror(errno));
    put_file(output, "osprey.bin", kernel, NULL);
    put_file(output, "root.erofs", root, NULL);
    put_file(output, "boot.ipxe", NULL, script.data);
    char *line = formatted("#osprey cmdline\n%s", cmdline); /* kernel/loader/multiboot.c */
    put_file(output, "cmdline", NULL, line);
    free(line);
    text_free(&script);
}

void format_write(enum format format, const char *root, const char *cmdline, const char *output)
{
    struct parts parts = {.root = root, .cmdline = cmdline};
    char *raw = format == FORMAT_RAW ? copy(output) : formatted("%s.raw.%d", output, getpid());

    if (format == FORMAT_ELF) {
        parts.elf = installed("osprey.elf");
        elf_image_write(&parts, output);
        return;
    }
    if (format == FORMAT_FIRECRACKER) {
        firecracker_write(installed("osprey.elf"), root, cmdline, output);
        return;
    }
    parts.kernel = installed("osprey.bin");
    if (format == FORMAT_NETBOOT) {
        netboot_write(parts.kernel, root, cmdline, output);
        return;
    }
    parts.boot_sector = installed("mbr.bin");
    disk_write(&parts, raw);
    if (format == FORMAT_ISO)
        iso_write(raw, output);
    else if (format != FORMAT_RAW)
        convert("raw", format_names[format], raw, output);
    if (format != FORMAT_RAW)
        unlink(raw);
    free(raw);
}

/* --- osprey cmdline ------------------------------------------------------------------------------
 */

/* The format of a file by its first bytes, as qemu-img names it; NULL: none that it knows. */
static const char *container(int fd)
{
    static const struct {
        const char *magic, *name;
        unsigned at, size;
    } known[] = {
        {"QFI\xfb", "qcow2", 0, 4},
        {"KDMV", "vmdk", 0, 4},
        {"\x7f\x10\xda\xbe", "vdi", 64, 4},
        {"vhdxfile", "vhdx", 0, 8},
    };
    char bytes[16];

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (pread(fd, bytes, known[i].size, known[i].at) == (ssize_t)known[i].size &&
            !memcmp(bytes, known[i].magic, known[i].size))
            return known[i].name;
    return NULL;
}

static int read_line(int fd, char *line)
{
    return disk_read_cmdline(fd, line) && elf_image_read_cmdline(fd, line) ? -1 : 0;
}

static int replace_line(int fd, const char *line)
{
    return disk_replace_cmdline(fd, line) && elf_image_replace_cmdline(fd, line) ? -1 : 0;
}

int format_cmdline(int argc, char **argv)
{
    static char line[CMDLINE_AREA];
    const char *file = argc ? argv[0] : "", *wrapped, *changed = argc > 1 ? argv[1] : NULL;

    if (argc < 1 || argc > 2 || !strcmp(file, "--help"))
        die(STATUS_FAILED, "usage: osprey cmdline IMAGE ['NEW COMMAND LINE']");
    if (changed && strlen(changed) >= CMDLINE_AREA)
        die(STATUS_FAILED, "the command line is too long: %zu bytes, at most %d", strlen(changed),
            CMDLINE_AREA - 1);
    int fd = open(file, (changed ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    if (fd < 0)
        die(STATUS_FAILED, "%s: %s", file, strerror(errno));
    wrapped = container(fd);
    char *raw = wrapped ? formatted("%s.raw.%d", file, getpid()) : copy(file);
    if (wrapped) {
        close(fd);
        convert(wrapped, "raw", file, raw);
        fd = open(raw, O_RDWR | O_CLOEXEC);
    }
    int fault = read_line(fd, line);
    if (!fault && changed)
        fault = replace_line(fd, changed);
    close(fd);
    if (!fault && wrapped && changed)
        convert("raw", wrapped, raw, file);
    if (wrapped)
        unlink(raw);
    free(raw);
    if (fault)
        die(STATUS_FAILED, "%s: there is no command line of Osprey in it", file);
    if (!changed)
        puts(line);
    return 0;
}
