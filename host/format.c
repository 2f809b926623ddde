#include "format.h"

#include "boot_disk.h"
#include "elf_image.h"
#include "file.h"
#include "firecracker.h"
#include "help.h"
#include "image_line.h"
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
const char *const compress_names[COMPRESSIONS + 1] = {"", "lz4", "lzma", NULL};

bool format_packs(enum format format)
{
    return format != FORMAT_IMAGE && format != FORMAT_ELF && format != FORMAT_FIRECRACKER;
}

const char *format_kernel(enum format format, enum compress compress)
{
    if (compress == COMPRESS_DEFAULT)
        compress = format == FORMAT_NETBOOT ? COMPRESS_LZMA : COMPRESS_LZ4;
    return installed(compress == COMPRESS_LZMA ? "osprey-lzma.bin" : "osprey.bin");
}

/* Run a tool of another package; ends the command if it is missing, or if it fails, with the line
 * that tells why. */
static void tool(const char *package, const char *const *argv)
{
    extern char **environ;
    posix_spawn_file_actions_t actions;
    int output[2], status;
    char said[2048];
    size_t size = 0;
    ssize_t more;
    pid_t pid;

    if (pipe2(output, O_CLOEXEC))
        die(STATUS_FAILED, "cannot make a pipe: %s", strerror(errno));
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output[1], STDERR_FILENO);
    int fault =
        posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(output[1]);
    if (fault == ENOENT)
        die(STATUS_FAILED, "%s is missing: install the package %s", argv[0], package);
    if (fault)
        die(STATUS_FAILED, "%s: %s", argv[0], strerror(fault));
    while ((more = read(output[0], said + size, sizeof said - 1 - size)) > 0)
        size += (size_t)more;
    for (char rest[512]; read(output[0], rest, sizeof rest) > 0;)
        ; /* it would die of a pipe that nobody reads */
    close(output[0]);
    said[size] = 0;
    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status)) {
        char *line = strstr(said, "FAILURE"); /* xorriso's, behind others */
        line = line ? line : said;
        line[strcspn(line, "\n")] = 0;
        die(STATUS_FAILED, "%s has failed: %s", argv[0], line);
    }
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

    if (mkdir(folder, 0700))
        die(STATUS_FAILED, "%s: %s", folder, strerror(errno));
    scratch(folder); /* is empty when the files are removed first */
    scratch(copy_of_disk);
    scratch(partition);
    if (rename(disk, copy_of_disk) || disk_hide_root(copy_of_disk))
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

static const char netboot_kernel[] = "kernel osprey.bin initrd=root.erofs ";
static const char netboot_mark[] = "#osprey cmdline\n"; /* kernel/loader/multiboot.c */

void netboot_write(const char *kernel, const char *root, const char *cmdline, const char *output)
{
    struct text script = {0};

    text_format(&script, "#!ipxe\n%s", netboot_kernel);
    ipxe_line(&script, cmdline);
    /* As a bzImage it gets the files as one, and the line behind the root is not looked at. */
    text_str(&script, "\ninitrd root.erofs\ninitrd cmdline\nboot\n");
    if (mkdir(output, 0777) && errno != EEXIST)
        die(STATUS_FAILED, "%s: %s", output, strerror(errno));
    put_file(output, "osprey.bin", kernel, NULL);
    put_file(output, "root.erofs", root, NULL);
    put_file(output, "boot.ipxe", NULL, script.data);
    char *line = formatted("%s%s", netboot_mark, cmdline);
    put_file(output, "cmdline", NULL, line);
    free(line);
    text_free(&script);
}

/* The line of the kernel in the script, of which the rest stays as it is. */
static void change_script(const char *folder, const char *line)
{
    char *path = formatted("%s/boot.ipxe", folder);
    struct text old = get_file(path), script = {0};
    char *at = strstr(old.data, netboot_kernel);

    if (!at)
        die(STATUS_FAILED, "%s: there is no line '%s...' in it", path, netboot_kernel);
    at += sizeof netboot_kernel - 1;
    text_add(&script, old.data, (size_t)(at - old.data));
    ipxe_line(&script, line);
    text_str(&script, at + strcspn(at, "\n"));
    replace_file(path, &script);
    text_free(&script);
    text_free(&old);
    free(path);
}

static int netboot_cmdline(const char *folder, const char *changed, struct text *line)
{
    size_t mark = sizeof netboot_mark - 1;
    char *path = formatted("%s/cmdline", folder);
    struct text old = access(path, F_OK) ? (struct text){0} : get_file(path), fresh = {0};
    bool ours = old.size >= mark && !memcmp(old.data, netboot_mark, mark);

    if (ours && !changed)
        text_str(line, old.data + mark);
    if (ours && changed) {
        change_script(folder, changed);
        text_format(&fresh, "%s%s", netboot_mark, changed);
        replace_file(path, &fresh);
    }
    text_free(&fresh);
    text_free(&old);
    free(path);
    return ours ? 0 : -1;
}

void format_write(enum format format, enum compress compress, const char *root, const char *cmdline,
                  const char *output)
{
    struct parts parts = {.root = root, .cmdline = cmdline};
    struct stat st;

    if (format == FORMAT_FIRECRACKER) {
        firecracker_write(installed("osprey.elf"), root, cmdline, output);
        return;
    }
    parts.kernel = format_kernel(format, compress);
    if (format == FORMAT_NETBOOT) {
        netboot_write(parts.kernel, root, cmdline, output);
        return;
    }
    char *raw = format > FORMAT_RAW && format < FORMAT_ELF
                    ? formatted("%s.raw.%d", output, getpid())
                    : copy(output);
    if (!stat(output, &st) && S_ISDIR(st.st_mode))
        die(STATUS_FAILED, "%s: is a folder", output);
    if (access(output, F_OK)) /* what was there before is not ours to remove */
        scratch(output);
    if (access(raw, F_OK))
        scratch(raw);
    parts.elf = installed("osprey.elf");
    parts.boot_sector = installed("mbr.bin");
    if (format == FORMAT_ELF)
        elf_image_write(&parts, output);
    else
        disk_write(&parts, raw);
    if (format == FORMAT_ISO)
        iso_write(raw, output);
    else if (strcmp(raw, output))
        convert("raw", format_names[format], raw, output);
    scratch_keep(raw);
    if (strcmp(raw, output))
        unlink(raw);
    scratch_keep(output);
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
    return disk_read_cmdline(fd, line) && elf_image_read_cmdline(fd, line) &&
                   image_read_cmdline(fd, line)
               ? -1
               : 0;
}

static int replace_line(int fd, const char *line)
{
    return disk_replace_cmdline(fd, line) && elf_image_replace_cmdline(fd, line) &&
                   image_replace_cmdline(fd, line)
               ? -1
               : 0;
}

static int open_image(const char *file, bool change)
{
    int fd = open(file, (change ? O_RDWR : O_RDONLY) | O_CLOEXEC);

    if (fd < 0)
        die(STATUS_FAILED, "%s: %s", file, strerror(errno));
    return fd;
}

/* In a file of a format that has the disk inside: by a raw copy. The new one takes the old one's
 * place when it is whole. */
static int wrapped_cmdline(const char *format, const char *file, const char *changed, char *line)
{
    char *raw = formatted("%s.raw.%d", file, getpid()), *fresh = NULL;
    struct stat st;

    scratch(raw);
    convert(format, "raw", file, raw);
    int fd = open_image(raw, changed != NULL);
    int fault = changed ? replace_line(fd, changed) : read_line(fd, line);
    close(fd);
    if (!fault && changed) {
        fresh = formatted("%s.new.%d", file, getpid());
        scratch(fresh);
        convert("raw", format, raw, fresh);
        if (stat(file, &st) || chmod(fresh, st.st_mode & 07777) || rename(fresh, file))
            die(STATUS_FAILED, "%s: %s", file, strerror(errno));
        scratch_keep(fresh);
        free(fresh);
    }
    unlink(raw);
    scratch_keep(raw);
    free(raw);
    return fault;
}

static int file_cmdline(const char *file, const char *changed, char *line)
{
    int fd = open_image(file, changed != NULL), fault;
    const char *format = container(fd);

    if (format)
        fault = wrapped_cmdline(format, file, changed, line);
    else
        fault = changed ? replace_line(fd, changed) : read_line(fd, line);
    if (close(fd) && changed)
        die(STATUS_FAILED, "%s: %s", file, strerror(errno));
    return fault;
}

int format_cmdline(int argc, char **argv)
{
    static char line[CMDLINE_AREA];
    const char *file = argc ? argv[0] : "", *changed = argc > 1 ? argv[1] : NULL;
    struct text text = {0};
    struct stat st;
    int fault;

    if (!strcmp(file, "--help") || !strcmp(file, "-h"))
        return !help("cmdline");
    if (argc < 1 || argc > 2)
        die(STATUS_FAILED, "usage: osprey cmdline IMAGE ['NEW COMMAND LINE']");
    if (changed && strlen(changed) >= CMDLINE_AREA)
        die(STATUS_FAILED, "the command line is too long: %zu bytes, at most %d", strlen(changed),
            CMDLINE_AREA - 1);
    if (changed && strchr(changed, '\n'))
        die(STATUS_FAILED, "a command line is one line: a new-line is \"\\n\" in it");
    if (stat(file, &st))
        die(STATUS_FAILED, "%s: %s", file, strerror(errno));
    if (S_ISDIR(st.st_mode))
        fault = firecracker_cmdline(file, changed, &text) && netboot_cmdline(file, changed, &text);
    else
        fault = file_cmdline(file, changed, line);
    if (fault)
        die(STATUS_FAILED, "%s: there is no command line of Osprey in it", file);
    if (!changed)
        puts(text.data ? text.data : line);
    text_free(&text);
    return 0;
}
