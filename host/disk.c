#include "disk.h"

#include "say.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* FILE[,ro]: the name is freed by the caller. */
static char *split(const char *value, bool *read_only)
{
    static const char mark[] = ",ro";
    size_t size = strlen(value), tail = sizeof mark - 1;
    char *name = strdup(value);

    *read_only = size > tail && !strcmp(value + size - tail, mark);
    if (name && *read_only)
        name[size - tail] = 0;
    if (!name)
        die(STATUS_FAILED, "no memory");
    return name;
}

void disk_check(const char *value)
{
    bool read_only;
    char *name = split(value, &read_only);
    struct stat st;

    if (stat(name, &st) || access(name, read_only ? R_OK : R_OK | W_OK))
        die(STATUS_FAILED, "--disk %s: %s", name, strerror(errno));
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
        die(STATUS_FAILED, "--disk %s: neither a file nor a block device", name);
    free(name);
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

static void add_drive(const char *value, size_t number, struct words *words)
{
    struct text drive = {0};
    bool read_only;
    char *name = split(value, &read_only);

    text_format(&drive, "if=none,id=disk%zu,format=raw,discard=unmap", number);
    if (read_only)
        text_str(&drive, ",read-only=on");
    text_str(&drive, ",file=");
    add_escaped(&drive, name);
    words_add(words, "-drive");
    words_add(words, drive.data);
    text_free(&drive);
    free(name);
}

void disk_words(const struct words *disks, bool mmio, unsigned slot, struct words *words)
{
    for (size_t i = 0; i < disks->count; i++) {
        add_drive(disks->item[i], i, words);
        words_add(words, "-device");
        if (mmio)
            words_addf(words,
                       "virtio-blk-device,drive=disk%zu,serial=disk%zu,bus=virtio-mmio-bus.%zu", i,
                       i, slot + i);
        else
            words_addf(words, "virtio-blk-pci,drive=disk%zu,serial=disk%zu", i, i);
    }
}
