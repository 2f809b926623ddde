#include "core.h"

#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_SIZE = 256, NAME_SIZE = 64, FILES_MAX = 16 };

/* A core has holes, but none as large as this. */
static const uint64_t size_max = 1ull << 48;

struct core {
    const char *path;
    char *temporary; /* of the core that is coming in; NULL: none is */
    int fd;
    int pid, signo;
    char name[NAME_SIZE];
    uint64_t at, left; /* in the file; bytes of this `data` still to come */
    char line[LINE_SIZE];
    size_t line_size;
    unsigned files;
    int at_path; /* the process whose core is in `path`; 0: none of ours */
    bool failed;
};

/* The folder of `path`, "." if there is none in it; the caller frees it. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return copy(".");
    return slash == path ? copy("/") : formatted("%.*s", (int)(slash - path), path);
}

struct core *core_open(const char *path)
{
    struct core *core = make(sizeof *core);
    char *folder = folder_of(path);
    struct stat st;

    if (access(folder, W_OK | X_OK))
        die(STATUS_FAILED, "--core %s: %s: %s", path, folder, strerror(errno));
    if (!stat(path, &st) && !S_ISREG(st.st_mode))
        die(STATUS_FAILED, "--core %s: is there and no regular file", path);
    free(folder);
    *core = (struct core){.path = path, .fd = -1};
    return core;
}

/* Forget the core that is coming in. */
static void drop(struct core *core)
{
    if (!core->temporary)
        return;
    close(core->fd);
    unlink(core->temporary);
    free(core->temporary);
    core->temporary = NULL;
    core->left = 0;
}

static bool fail(struct core *core, const char *what)
{
    warn("core %s: %s; process %d (%s) has none", core->path, what, core->pid, core->name);
    drop(core);
    core->failed = true;
    return false;
}

static bool misunderstood(struct core *core)
{
    return fail(core, "the VM sent something else than a core");
}

static bool begin(struct core *core, const char *line)
{
    int at = 0;

    if (core->temporary || sscanf(line, "core %d %d %n", &core->pid, &core->signo, &at) < 2 ||
        !at || core->pid <= 0)
        return misunderstood(core);
    snprintf(core->name, sizeof core->name, "%s", line + at);
    for (char *c = core->name; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    core->at = 0;
    core->temporary = formatted("%s.XXXXXX", core->path);
    core->fd = mkostemp(core->temporary, O_CLOEXEC);
    if (core->fd >= 0)
        return true;
    free(core->temporary);
    core->temporary = NULL;
    return fail(core, strerror(errno));
}

/* Give a file its name; false: it was told why not. */
static bool name_file(struct core *core, const char *from, const char *to)
{
    return !rename(from, to) || fail(core, strerror(errno));
}

/* Where this core goes. Process 1 is what the user asked about: its core takes the place of an
 * earlier one, which moves aside. The caller frees the name. */
static char *choose_name(struct core *core)
{
    if (core->at_path && core->pid == 1) {
        char *aside = formatted("%s.%d", core->path, core->at_path);
        bool moved = name_file(core, core->path, aside);
        if (moved)
            warn("the core of process %d is now %s", core->at_path, aside);
        free(aside);
        core->at_path = 0;
        if (!moved)
            return NULL;
    }
    return core->at_path ? formatted("%s.%d", core->path, core->pid) : copy(core->path);
}

static bool finish(struct core *core)
{
    if (ftruncate(core->fd, (off_t)core->at) || close(core->fd)) {
        core->fd = -1;
        return fail(core, strerror(errno));
    }
    if (core->files == FILES_MAX) {
        warn("core %s: %d cores are enough; process %d (%s) has none", core->path, FILES_MAX,
             core->pid, core->name);
        unlink(core->temporary);
        free(core->temporary);
        core->temporary = NULL;
        return true;
    }
    char *name = choose_name(core);
    if (!name || !name_file(core, core->temporary, name)) {
        free(name);
        return false;
    }
    if (!core->at_path)
        core->at_path = core->pid;
    core->files++;
    warn("core of process %d (%s): %s", core->pid, core->name, name);
    free(name);
    free(core->temporary);
    core->temporary = NULL;
    return true;
}

/* "data 4096": the number, or false. */
static bool number_behind(const char *line, const char *word, uint64_t *number)
{
    size_t n = strlen(word);
    char *end;

    if (strncmp(line, word, n) || line[n] < '0' || line[n] > '9')
        return false;
    errno = 0;
    *number = strtoull(line + n, &end, 10);
    return !errno && !*end && *number <= size_max;
}

static bool take_line(struct core *core, const char *line)
{
    uint64_t number;

    if (!strncmp(line, "core ", 5))
        return begin(core, line);
    if (!core->temporary)
        return misunderstood(core);
    if (number_behind(line, "data ", &number)) {
        core->left = number;
        return core->at + number <= size_max || misunderstood(core);
    }
    if (number_behind(line, "skip ", &number)) {
        core->at += number;
        return core->at <= size_max || misunderstood(core);
    }
    if (number_behind(line, "failed ", &number)) {
        warn("core %s: the VM could not write that of process %d (%s): %s", core->path, core->pid,
             core->name, strerror((int)number));
        drop(core);
        return true;
    }
    return !strcmp(line, "end") ? finish(core) : misunderstood(core);
}

/* Bytes of a `data`. */
static bool take_data(struct core *core, const char *bytes, size_t size)
{
    while (size) {
        ssize_t done = pwrite(core->fd, bytes, size, (off_t)core->at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return fail(core, strerror(done ? errno : ENOSPC));
        core->at += (uint64_t)done;
        core->left -= (uint64_t)done;
        bytes += done;
        size -= (size_t)done;
    }
    return true;
}

bool core_take(struct core *core, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size && !core->failed;) {
        if (core->left) {
            size_t part = size - i < core->left ? size - i : (size_t)core->left;
            take_data(core, bytes + i, part);
            i += part;
        } else if (bytes[i] != '\n') {
            if (core->line_size == LINE_SIZE - 1)
                return misunderstood(core);
            core->line[core->line_size++] = bytes[i++];
        } else {
            core->line[core->line_size] = 0;
            core->line_size = 0;
            take_line(core, core->line);
            i++;
        }
    }
    return !core->failed;
}

void core_close(struct core *core, int killed_by)
{
    if (core->temporary) {
        warn("core %s: the VM ended before that of process %d (%s) was whole; it is not kept",
             core->path, core->pid, core->name);
        drop(core);
    } else if (!core->files && !core->failed) {
        if (killed_by)
            warn("core %s: none was written", core->path);
        else if (!access(core->path, F_OK))
            warn("core %s: none was written; the file there is older", core->path);
    }
    free(core);
}
