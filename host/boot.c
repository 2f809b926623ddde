#include "boot.h"

#include "boot_disk.h"
#include "format.h"
#include "installed.h"
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char ovmf_code[] = "/usr/share/OVMF/OVMF_CODE_4M.fd";
static const char ovmf_vars[] = "/usr/share/OVMF/OVMF_VARS_4M.fd";
static const char pxe_rom[] = "/usr/lib/ipxe/qemu/efi-virtio.rom";
static const uint64_t ovmf_least = 128ull << 20;

enum machine boot_machine(enum boot boot)
{
    return boot == BOOT_UEFI                       ? MACHINE_Q35
           : boot == BOOT_BIOS || boot == BOOT_PXE ? MACHINE_PC
                                                   : MACHINE_MICROVM;
}

bool boot_takes_bin(enum boot boot)
{
    return boot != BOOT_AUTO && boot != BOOT_PVH;
}

static void add(struct words *words, const char *option, const char *value)
{
    words_add(words, option);
    words_add(words, value);
}

static void need(const char *file, const char *package, const char *way)
{
    if (access(file, R_OK))
        die(STATUS_FAILED, "--boot %s: %s is missing: install the package %s", way, file, package);
}

/* A name for a new file or folder. */
static char *temporary(void)
{
    const char *folder = getenv("TMPDIR");

    return formatted("%s/osprey-boot.XXXXXX", folder && *folder ? folder : "/tmp");
}

/* The disk has no name any more when QEMU opens it: it inherits the descriptor. */
static char *disk_file(const struct boot_files *files, bool keep)
{
    char *name = temporary();
    int fd = mkstemp(name);
    struct parts parts = {.boot_sector = installed("mbr.bin"),
                          .kernel = files->kernel,
                          .root = files->image,
                          .cmdline = files->command_line};

    if (fd < 0)
        die(STATUS_FAILED, "%s: %s", name, strerror(errno));
    disk_write(&parts, name);
    if (keep) {
        warn("the disk stays: %s", name);
        close(fd);
        return name;
    }
    unlink(name);
    free(name);
    return formatted("/proc/self/fd/%d", fd);
}

static void disk_words_of(const struct boot_files *files, bool keep, struct words *words)
{
    char *file = disk_file(files, keep);

    words_add(words, "-drive");
    words_addf(words, "if=none,id=boot,format=raw,file=%s", file);
    add(words, "-device", "ide-hd,drive=boot,bootindex=0");
    free(file);
}

static char *folder; /* of what is served by TFTP */

static void remove_folder(void)
{
    static const char *const names[] = {"osprey.bin", "root.erofs", "cmdline", "boot.ipxe"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = formatted("%s/%s", folder, names[i]);
        unlink(path);
        free(path);
    }
    rmdir(folder);
}

static void pxe_words(const struct boot_files *files, bool keep, struct words *words)
{
    need(pxe_rom, "ipxe-qemu", "pxe");
    folder = temporary();
    if (!mkdtemp(folder))
        die(STATUS_FAILED, "%s: %s", folder, strerror(errno));
    if (keep)
        warn("what is served stays: %s", folder);
    else
        atexit(remove_folder);
    netboot_write(files->kernel, files->image, files->command_line, folder);
    words_add(words, "-netdev"); /* apart from the program's network, and behind it on the bus */
    words_addf(words, "user,id=boot,tftp=%s,bootfile=boot.ipxe", folder);
    add(words, "-device",
        "virtio-net-pci,netdev=boot,bootindex=0,addr=1e"); /* QEMU finds its ROM */
}

static void firmware_words(uint64_t memory, struct words *words)
{
    need(ovmf_code, "ovmf", "uefi");
    if (memory < ovmf_least)
        die(STATUS_FAILED, "--boot uefi: --memory: OVMF needs %llu MiB",
            (unsigned long long)ovmf_least >> 20);
    words_add(words, "-drive");
    words_addf(words, "if=pflash,format=raw,readonly=on,file=%s", ovmf_code);
    words_add(words, "-drive");
    words_addf(words, "if=pflash,format=raw,snapshot=on,file=%s", ovmf_vars);
}

void boot_words(enum boot boot, const struct boot_files *files, enum machine machine,
                uint64_t memory, bool keep, struct words *words)
{
    static const char *const names[] = {
        [BOOT_BIOS] = "bios", [BOOT_UEFI] = "uefi", [BOOT_PXE] = "pxe"};

    if (boot >= BOOT_BIOS && machine == MACHINE_MICROVM)
        die(STATUS_FAILED, "--boot %s needs --machine pc or q35", names[boot]);
    if (boot == BOOT_UEFI)
        firmware_words(memory, words);
    if (boot == BOOT_PXE) {
        pxe_words(files, keep, words);
    } else if (boot >= BOOT_BIOS) {
        disk_words_of(files, keep, words);
    } else {
        add(words, "-kernel", files->kernel);
        add(words, "-initrd", files->image);
        add(words, "-append", files->command_line);
    }
}
