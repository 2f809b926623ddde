#include "disk.h"

#include "say.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ALL = 1 << MACHINE_MICROVM | 1 << MACHINE_Q35 | 1 << MACHINE_PC, NOT_MICROVM = ALL & ~1 };

/* A bus: its machines, how many disks it takes (0: any number), the controller that all disks share
 * and where each is on it; `own`: the machine that brings the controller, and its bus. */
static const struct bus {
    const char *name;
    unsigned machines, most;
    const char *controller, *device, *place;
    enum machine own;
    const char *own_place;
} buses[DISK_BUSES] = {
    [DISK_VIRTIO] = {"virtio", ALL, 0, NULL, "virtio-blk-pci", NULL, 0, NULL},
    [DISK_AHCI] = {"ahci", NOT_MICROVM, 6, "ich9-ahci,id=ahci", "ide-hd", ",bus=ahci.%u",
                   MACHINE_Q35, ",bus=ide.%u"},
    [DISK_IDE] = {"ide", 1 << MACHINE_PC, 4, "", "ide-hd", NULL, MACHINE_PC, ",bus=ide.%u,unit=%u"},
    [DISK_NVME] = {"nvme", NOT_MICROVM, 0, NULL, "nvme", NULL, 0, NULL},
    [DISK_SCSI] = {"scsi", ALL, 0, "virtio-scsi-pci,id=scsi", "scsi-hd", ",bus=scsi.0,scsi-id=%u",
                   0, NULL},
    [DISK_PVSCSI] = {"pvscsi", NOT_MICROVM, 0, "pvscsi,id=pvscsi", "scsi-hd",
                     ",bus=pvscsi.0,scsi-id=%u", 0, NULL},
};

/* Take the last of the comma's words off a value if it is the one: what is behind `word`, or NULL.
 */
static const char *take_word(char *value, const char *word)
{
    char *comma = strrchr(value, ',');
    size_t size = strlen(word);

    if (!comma || comma == value || strncmp(comma + 1, word, size))
        return NULL;
    *comma = 0;
    return comma + 1 + size;
}

static enum disk_bus bus_named(const char *name)
{
    for (int i = 0; i < DISK_BUSES; i++)
        if (!strcmp(buses[i].name, name))
            return i;
    die(STATUS_FAILED, "--disk: bus=%s: it is virtio, ahci, ide, nvme, scsi or pvscsi", name);
}

void disk_add(struct disks *disks, const char *value)
{
    struct disk disk = {.file = strdup(value)};
    struct stat st;

    if (!disk.file)
        die(STATUS_FAILED, "no memory");
    if (disks->count == DISKS_MAX)
        die(STATUS_FAILED, "--disk %s: at most %d of them", value, DISKS_MAX);
    for (;;) {
        const char *rest = take_word(disk.file, "bus=");
        if (rest) {
            disk.bus = bus_named(rest);
            continue;
        }
        size_t size = strlen(disk.file);
        if (size < 4 || strcmp(disk.file + size - 3, ",ro"))
            break;
        disk.file[size - 3] = 0;
        disk.read_only = true;
    }
    if (stat(disk.file, &st) || access(disk.file, disk.read_only ? R_OK : R_OK | W_OK))
        die(STATUS_FAILED, "--disk %s: %s", disk.file, strerror(errno));
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
        die(STATUS_FAILED, "--disk %s: neither a file nor a block device", disk.file);
    if (disk.read_only && (disk.bus == DISK_AHCI || disk.bus == DISK_IDE))
        die(STATUS_FAILED, "--disk %s: QEMU has no read-only disks on bus=%s", disk.file,
            buses[disk.bus].name);
    disks->item[disks->count++] = disk;
}

static unsigned on_bus(const struct disks *disks, enum disk_bus bus)
{
    unsigned n = 0;

    for (size_t i = 0; i < disks->count; i++)
        n += disks->item[i].bus == bus;
    return n;
}

unsigned disks_slots(const struct disks *disks)
{
    return on_bus(disks, DISK_VIRTIO) + (on_bus(disks, DISK_SCSI) != 0);
}

enum machine disks_machine(const struct disks *disks, enum machine machine, bool chosen,
                           unsigned slots)
{
    unsigned can = ALL;

    for (int i = 0; i < DISK_BUSES; i++) {
        unsigned n = on_bus(disks, i);
        if (buses[i].most && n > buses[i].most)
            die(STATUS_FAILED, "--disk: at most %u of them on bus=%s", buses[i].most,
                buses[i].name);
        if (n && chosen && !(buses[i].machines & 1u << machine))
            die(STATUS_FAILED, "--disk: bus=%s goes with --machine pc%s", buses[i].name,
                i == DISK_IDE ? "" : " or q35");
        if (n)
            can &= buses[i].machines;
    }
    if (!chosen && !(can & 1u << machine))
        machine = can & 1 << MACHINE_Q35 ? MACHINE_Q35 : MACHINE_PC;
    if (machine == MACHINE_MICROVM && disks_slots(disks) > slots)
        die(STATUS_FAILED, "--disk: at most %u of them on a microvm (--machine q35 takes more)",
            slots);
    return machine;
}

/* In QEMU's options a comma stands twice. */
static void add_escaped(struct text *text, const char *name)
{
    for (; *name; name++) {
        text_char(text, *name);
        if (*name == ',')
            text_char(text, ',');
    }
}

static void add_drive(const struct disk *disk, size_t number, struct words *words)
{
    struct text drive = {0};

    text_format(&drive, "if=none,id=disk%zu,format=raw,discard=unmap", number);
    if (disk->read_only)
        text_str(&drive, ",read-only=on");
    text_str(&drive, ",file=");
    add_escaped(&drive, disk->file);
    words_add(words, "-drive");
    words_add(words, drive.data);
    text_free(&drive);
}

/* Where the n-th disk of a bus is. */
static void add_place(struct text *device, enum disk_bus bus, enum machine machine, unsigned n)
{
    const struct bus *b = &buses[bus];

    if (bus == DISK_IDE)
        text_format(device, b->own_place, n / 2, n % 2);
    else if (b->own_place && machine == b->own)
        text_format(device, b->own_place, n);
    else if (b->place)
        text_format(device, b->place, n);
}

void disks_words(const struct disks *disks, enum machine machine, unsigned slot,
                 struct words *words)
{
    bool mmio = machine == MACHINE_MICROVM;
    unsigned seen[DISK_BUSES] = {0};

    for (size_t i = 0; i < disks->count; i++) {
        const struct disk *disk = &disks->item[i];
        const struct bus *bus = &buses[disk->bus];
        struct text device = {0};
        unsigned n = seen[disk->bus]++;
        if (bus->controller && n == 0 && mmio) {
            words_add(words, "-device");
            words_addf(words, "virtio-scsi-device,id=scsi,bus=virtio-mmio-bus.%u", slot++);
        } else if (bus->controller && n == 0 && !(bus->own_place && machine == bus->own)) {
            words_add(words, "-device");
            words_add(words, bus->controller);
        }
        add_drive(disk, i, words);
        bool plain = mmio && disk->bus == DISK_VIRTIO;
        text_format(&device, "%s,drive=disk%zu,serial=disk%zu",
                    plain ? "virtio-blk-device" : bus->device, i, i);
        if (plain)
            text_format(&device, ",bus=virtio-mmio-bus.%u", slot++);
        add_place(&device, disk->bus, machine, n);
        words_add(words, "-device");
        words_add(words, device.data);
        text_free(&device);
    }
}
