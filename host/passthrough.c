#include "passthrough.h"

#include "claimed.h"
#include "help.h"
#include "say.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char vfio[] = "vfio-pci";

/* DDDD:BB:SS.F, and where sysfs has it. */
struct device {
    char address[16];
    char *folder;
};

static const char *sysfs(void)
{
    const char *chosen = getenv("OSPREY_SYSFS");

    return chosen && *chosen ? chosen : "/sys";
}

/* The first line of a file of the device; "" where there is none. */
static void read_line(const struct device *device, const char *name, char *line, int size)
{
    char *path = formatted("%s/%s", device->folder, name);
    FILE *file = fopen(path, "re");

    if (!file || !fgets(line, size, file))
        *line = 0;
    line[strcspn(line, "\n")] = 0;
    if (file)
        fclose(file);
    free(path);
}

/* The last part of what a link of the device points to; "" where there is none. */
static void read_link(const struct device *device, const char *name, char *target, size_t size)
{
    char *path = formatted("%s/%s", device->folder, name), to[PATH_MAX];
    ssize_t n = readlink(path, to, sizeof to - 1);

    to[n < 0 ? 0 : n] = 0;
    const char *slash = strrchr(to, '/');
    snprintf(target, size, "%.*s", (int)size - 1, slash ? slash + 1 : to);
    free(path);
}

static struct device find(const char *text)
{
    struct device device;
    unsigned domain = 0, bus, slot, function;
    int end = 0;
    bool whole = sscanf(text, "%4x:%2x:%2x.%1u%n", &domain, &bus, &slot, &function, &end) == 4;

    if (!whole || text[end]) {
        domain = 0, end = 0;
        whole = sscanf(text, "%2x:%2x.%1u%n", &bus, &slot, &function, &end) == 3;
    }
    if (!whole || text[end] || slot > 31 || function > 7)
        die(STATUS_FAILED, "'%s' is no address of a PCI device, like 03:00.0 or 0000:03:00.0",
            text);
    snprintf(device.address, sizeof device.address, "%04x:%02x:%02x.%u", domain & 0xffff,
             bus & 0xff, slot, function);
    device.folder = formatted("%s/bus/pci/devices/%s", sysfs(), device.address);
    if (access(device.folder, F_OK))
        die(STATUS_FAILED, "there is no PCI device %s (lspci -D lists them)", device.address);
    return device;
}

static bool is_bridge(const struct device *device)
{
    char class[16];

    read_line(device, "class", class, sizeof class);
    return !strncmp(class, "0x06", 4);
}

/* Interfaces of it that are up: taking it away would cut this machine off. */
static void check_network(const struct device *device)
{
    struct device net = {.folder = formatted("%s/net", device->folder)};
    DIR *folder = opendir(net.folder);
    char state[16];

    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        char *name = formatted("%s/operstate", entry->d_name);
        read_line(&net, name, state, sizeof state);
        free(name);
        if (!strcmp(state, "up"))
            die(STATUS_FAILED, "%s is %s, which is up: ip link set %s down", device->address,
                entry->d_name, entry->d_name);
    }
    if (folder)
        closedir(folder);
    free(net.folder);
}

/* Disks in use: taking them away would lose what is on them. */
static void check_disks(const struct device *device)
{
    char *claim = claimed_disk(sysfs(), device->folder);

    if (claim)
        die(STATUS_FAILED, "%s is in use: %s", device->address, claim);
}

/* What shares the IOMMU's group goes along: nobody else may drive it. */
static void check_group(const struct device *device, const char *group)
{
    char *path = formatted("%s/iommu_group/devices", device->folder), driver[64];
    DIR *folder = opendir(path);

    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        if (entry->d_name[0] == '.' || !strcmp(entry->d_name, device->address))
            continue;
        struct device other = find(entry->d_name);
        read_link(&other, "driver", driver, sizeof driver);
        if (*driver && strcmp(driver, vfio) && !is_bridge(&other))
            die(STATUS_FAILED,
                "%s shares group %s with %s, which %s drives: pass that one through as well",
                device->address, group, other.address, driver);
        free(other.folder);
    }
    if (folder)
        closedir(folder);
    free(path);
}

static void check_device(const struct device *device)
{
    char group[16];
    char *driver = formatted("%s/bus/pci/drivers/%s", sysfs(), vfio);

    if (is_bridge(device))
        die(STATUS_FAILED, "%s is a bridge", device->address);
    read_link(device, "iommu_group", group, sizeof group);
    if (!*group)
        die(STATUS_FAILED,
            "%s has no IOMMU group: turn the IOMMU on in the firmware and start the kernel with "
            "intel_iommu=on or amd_iommu=on",
            device->address);
    if (access(driver, F_OK))
        die(STATUS_FAILED, "the driver %s is not there: modprobe %s", vfio, vfio);
    free(driver);
    check_network(device);
    check_disks(device);
    check_group(device, group);
}

static void put(const char *path, const char *text, bool dry_run)
{
    if (dry_run) {
        printf("echo '%s' >%s\n", text, path);
        return;
    }
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    size_t size = strlen(text);
    char *line = formatted("%s\n", text);
    bool done = fd >= 0 && write(fd, line, size + 1) == (ssize_t)(size + 1);

    if (!done && (errno == EACCES || errno == EPERM))
        die(STATUS_FAILED, "%s: %s: this takes root", path, strerror(errno));
    if (!done)
        die(STATUS_FAILED, "%s: %s", path, strerror(errno));
    close(fd);
    free(line);
}

static void rebind(const struct device *device, const char *old, const char *override, bool dry_run)
{
    char *path = formatted("%s/driver_override", device->folder);

    put(path, override, dry_run);
    free(path);
    if (*old) {
        path = formatted("%s/bus/pci/drivers/%s/unbind", sysfs(), old);
        put(path, device->address, dry_run);
        free(path);
    }
    path = formatted("%s/bus/pci/drivers_probe", sysfs());
    put(path, device->address, dry_run);
    free(path);
}

int passthrough(int argc, char **argv)
{
    bool dry_run = false, back = false;
    char old[64], now[64], group[16];
    int i = 0;

    if (argc == 1 && (!strcmp(argv[0], "--help") || !strcmp(argv[0], "-h")))
        return !help("passthrough");
    for (; i < argc && argv[i][0] == '-'; i++) {
        if (!strcmp(argv[i], "--dry-run"))
            dry_run = true;
        else if (!strcmp(argv[i], "--back"))
            back = true;
        else
            break;
    }
    if (argc - i != 1 || argv[i][0] == '-')
        die(STATUS_FAILED, "usage: osprey passthrough [--dry-run] [--back] ADDR");
    struct device device = find(argv[i]);
    read_link(&device, "driver", old, sizeof old);
    read_link(&device, "iommu_group", group, sizeof group);
    if (back ? strcmp(old, vfio) != 0 : !strcmp(old, vfio)) {
        warn(back ? "%s is not %s's" : "%s is %s's already", device.address, vfio);
        return 0;
    }
    if (!back)
        check_device(&device);
    rebind(&device, old, back ? "" : vfio, dry_run);
    if (dry_run)
        return 0;
    read_link(&device, "driver", now, sizeof now);
    if (!back && strcmp(now, vfio))
        die(STATUS_FAILED, "%s has not taken %s (dmesg may tell why)", vfio, device.address);
    if (back)
        warn("%s is %s's again", device.address, *now ? now : "nobody");
    else
        warn("%s is %s's, group %s; `osprey passthrough --back %s` gives it back", device.address,
             vfio, group, device.address);
    return 0;
}

void passthrough_words(const char *address, struct words *words)
{
    struct device device = find(address);
    char driver[64];

    read_link(&device, "driver", driver, sizeof driver);
    if (strcmp(driver, vfio))
        die(STATUS_FAILED, "--device %s: first give it to %s: osprey passthrough %s", address, vfio,
            address);
    words_add(words, "-device");
    words_addf(words, "vfio-pci,host=%s", device.address);
    free(device.folder);
}
