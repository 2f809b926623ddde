/* mounts.h: a place to mount things on, alone: on Linux in a mount namespace of its own. */
#ifndef MOUNTS_H
#define MOUNTS_H

#include "check.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Go to a fresh tmpfs of our own, private. False: the machine does not let us. */
static inline bool enter_mounts(void)
{
    enter_fresh_dir();
    if (geteuid() != 0)
        return false;
    if (!inside_osprey() &&
        (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0))
        return false;
    char *here = getcwd(NULL, 0);
    bool ok = mount("test", here, "tmpfs", 0, NULL) == 0 && chdir(here) == 0;
    free(here);
    return ok;
}

static bool mounts_entered;

static inline void mounts_try(void)
{
    mounts_entered = enter_mounts();
    if (!mounts_entered)
        SKIP("needs root and a mount namespace");
}

/* enter_mounts() as the program's first promise; where that is skipped, so are the others. */
static inline bool promise_mounts(void)
{
    promise("there is a place to mount on", mounts_try);
    return mounts_entered;
}

/* The line of mountinfo for a place, "" if there is none. */
static inline const char *mount_line(const char *place)
{
    static char line[1024];
    char path[512], at[512];
    FILE *f = fopen("/proc/self/mountinfo", "r");
    if (!realpath(place, path))
        snprintf(path, sizeof(path), "%s", place);
    bool found = false;
    char last[1024] = "";
    while (f && fgets(line, sizeof(line), f)) {
        if (sscanf(line, "%*s %*s %*s %*s %511s", at) == 1 && strcmp(at, path) == 0) {
            strcpy(last, line);
            found = true;
        }
    }
    if (f)
        fclose(f);
    strcpy(line, found ? last : "");
    return line;
}

static inline bool is_mounted(const char *place)
{
    return mount_line(place)[0] != 0;
}

/* The number after "shared:" or "master:" of a mount; 0: it has none. */
static inline int group_of(const char *place, const char *kind)
{
    const char *at = strstr(mount_line(place), kind);
    return at ? atoi(at + strlen(kind)) : 0;
}

static inline bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static inline void make_file(const char *path)
{
    close(open(path, O_CREAT | O_WRONLY, 0644));
}

#endif
