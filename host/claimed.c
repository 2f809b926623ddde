#include "claimed.h"

#include "say.h"
#include "text.h"

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A disk or a partition. */
struct disk {
    const char *name;
    char number[32]; /* "8:2" */
    char *folder;    /* in sysfs */
};

static FILE *open_proc(const char *name)
{
    const char *chosen = getenv("OSPREY_PROC");
    char *path = formatted("%s/%s", chosen && *chosen ? chosen : "/proc", name);
    FILE *file = fopen(path, "re");

    free(path);
    return file;
}

static bool is_disk(const struct disk *disk, const char *path)
{
    char real[PATH_MAX];
    const char *slash = realpath(path, real) ? strrchr(real, '/') : strrchr(path, '/');

    return slash && !strncmp(path, "/dev/", 5) && !strcmp(slash + 1, disk->name);
}

/* By its number, or by its name: btrfs has numbers of its own (man 5 proc_pid_mountinfo). */
static char *mounted(const struct disk *disk)
{
    FILE *file = open_proc("self/mountinfo");
    char *line = NULL, *answer = NULL;
    size_t room = 0;

    while (file && !answer && getline(&line, &room, file) > 0) {
        char number[32], place[PATH_MAX], source[PATH_MAX];
        const char *rest = strstr(line, " - ");
        if (rest && sscanf(line, "%*d %*d %31s %*s %4095s", number, place) == 2 &&
            sscanf(rest, " - %*s %4095s", source) == 1 &&
            (!strcmp(number, disk->number) || is_disk(disk, source)))
            answer = formatted("%s is mounted at %s: umount %s", disk->name, place, place);
    }
    free(line);
    if (file)
        fclose(file);
    return answer;
}

static char *swapped_to(const struct disk *disk)
{
    FILE *file = open_proc("swaps");
    char *line = NULL, *answer = NULL;
    size_t room = 0;

    while (file && !answer && getline(&line, &room, file) > 0) {
        line[strcspn(line, " \t\n")] = 0;
        if (is_disk(disk, line))
            answer = formatted("%s is swapped to: swapoff %s", disk->name, line);
    }
    free(line);
    if (file)
        fclose(file);
    return answer;
}

/* Device mapper's, a RAID's. */
static char *held(const struct disk *disk)
{
    char *path = formatted("%s/holders", disk->folder), *answer = NULL;
    DIR *folder = opendir(path);

    for (struct dirent *entry; folder && !answer && (entry = readdir(folder));)
        if (entry->d_name[0] != '.')
            answer = formatted("%s is part of %s", disk->name, entry->d_name);
    if (folder)
        closedir(folder);
    free(path);
    return answer;
}

static char *claim(const char *folder, const char *name)
{
    struct disk disk = {.name = name, .folder = formatted("%s/%s", folder, name)};
    char *path = formatted("%s/dev", disk.folder), *answer;
    FILE *file = fopen(path, "re");

    if (!file || fscanf(file, "%31s", disk.number) != 1)
        disk.number[0] = 0;
    if (file)
        fclose(file);
    free(path);
    answer = mounted(&disk);
    if (!answer)
        answer = swapped_to(&disk);
    if (!answer)
        answer = held(&disk);
    free(disk.folder);
    return answer;
}

/* Is it below the device? An NVMe disk of several paths is not, but a path of it is: nvme0n1 and
 * its partitions belong to nvme0c1n1. */
static bool is_below(const char *classes, const char *name, const char *below)
{
    char *path = formatted("%s/%s", classes, name), real[PATH_MAX];
    bool found = realpath(path, real) && !strncmp(real, below, strlen(below));
    unsigned controller, space;

    free(path);
    if (found || sscanf(name, "nvme%un%u", &controller, &space) != 2)
        return found;
    for (unsigned other = 0; other < 64 && !found; other++) {
        path = formatted("%s/nvme%uc%un%u", classes, controller, other, space);
        found = realpath(path, real) && !strncmp(real, below, strlen(below));
        free(path);
    }
    return found;
}

char *claimed_disk(const char *sysfs, const char *folder)
{
    char *classes = formatted("%s/class/block", sysfs), real[PATH_MAX], *answer = NULL;
    DIR *all = realpath(folder, real) ? opendir(classes) : NULL;
    char *below = formatted("%s/", all ? real : folder);

    for (struct dirent *entry; all && !answer && (entry = readdir(all));)
        if (entry->d_name[0] != '.' && is_below(classes, entry->d_name, below))
            answer = claim(classes, entry->d_name);
    if (all)
        closedir(all);
    free(below);
    free(classes);
    return answer;
}
