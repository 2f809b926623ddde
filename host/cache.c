#include "cache.h"

#include "image.h"
#include "say.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define PLAN_MAGIC "osprey plan 1"

enum {
    PLANS_MAX = 2000,
    IN_USE = 600,         /* seconds that an image is kept at least after its last use */
    STALE = 24 * 60 * 60, /* seconds after which a stage left behind is swept away */
};

static const uint64_t images_max = 4ull << 30;

static bool make_folder(const char *path)
{
    return !mkdir(path, 0700) || errno == EEXIST;
}

/* Without a usable home: a folder in /tmp that is ours and nobody else's. */
static const char *fallback(void)
{
    char *path = formatted("/tmp/osprey-%u", geteuid());
    struct stat st;

    if (!make_folder(path) || lstat(path, &st) || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
        (st.st_mode & 077))
        die(STATUS_FAILED, "no folder for the image cache: set XDG_CACHE_HOME or HOME");
    return path;
}

static const char *choose_folder(void)
{
    const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char *parent = NULL;

    if (base && base[0] == '/')
        parent = copy(base);
    else if (home && home[0] == '/')
        parent = formatted("%s/.cache", home);
    if (!parent || !make_folder(parent))
        return fallback();
    char *folder = formatted("%s/osprey", parent);
    if (!make_folder(folder) || access(folder, W_OK))
        return fallback();
    free(parent);
    return folder;
}

const char *cache_folder(void)
{
    static const char *folder;

    if (folder)
        return folder;
    folder = choose_folder();
    char *images = formatted("%s/images", folder), *plans = formatted("%s/plans", folder);
    if (!make_folder(images) || !make_folder(plans))
        die(STATUS_FAILED, "%s: cannot be used for the image cache: %s", folder, strerror(errno));
    free(images);
    free(plans);
    return folder;
}

void tree_name(const struct tree *tree, char name[33])
{
    struct sha256 sha;

    sha256_start(&sha);
    for (size_t i = 0; i < tree->count; i++) {
        const struct entry *entry = &tree->entry[i];
        char line[256];
        bool file = S_ISREG(entry->mode) && !entry->made;
        int size =
            snprintf(line, sizeof line, "%o %u %u %" PRIu64 " %lld.%09ld %" PRIu64, entry->mode,
                     entry->uid, entry->gid, entry->size, file ? (long long)entry->mtime.tv_sec : 0,
                     file ? entry->mtime.tv_nsec : 0, file ? (uint64_t)entry->inode : 0);
        sha256_add(&sha, line, (size_t)size + 1);
        sha256_add(&sha, entry->path, strlen(entry->path) + 1);
        if (entry->target)
            sha256_add(&sha, entry->target, strlen(entry->target) + 1);
        if (entry->content)
            sha256_add(&sha, entry->content, entry->size);
    }
    const char *folder = tree->root.folder;
    sha256_add(&sha, folder, strlen(folder) + 1);
    sha256_add(&sha, geteuid() ? "user" : "root", 5);
    sha256_name(&sha, name);
}

/* The state of a file as a plan notes it: F lstat, W stat, D only what the image takes. */
static bool state_line(char kind, const char *path, struct text *out)
{
    struct stat st;

    if (kind == 'W' ? stat(path, &st) : lstat(path, &st))
        return false;
    text_format(out, "%c%o %u", kind, st.st_mode, st.st_uid);
    if (kind != 'D')
        text_format(out, " %lld %lld.%09ld %llu", (long long)st.st_size,
                    (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
                    (unsigned long long)st.st_ino);
    text_format(out, " %s", path);
    return true;
}

/* Whether the line of a plan still holds. */
static bool line_holds(const char *line)
{
    struct text now = {0};
    struct stat st;
    const char *path = strchr(line, '/');

    if (!path)
        return false;
    if (line[0] == 'N')
        return lstat(path, &st) != 0;
    if (!strchr("FWD", line[0]))
        return false;
    bool holds = state_line(line[0], path, &now) && !strcmp(now.data, line);
    text_free(&now);
    return holds;
}

static char *read_file(const char *path, size_t *size)
{
    static const struct root host = {.folder = ""};
    const void *data = root_map(&host, path, size);
    char *bytes = data ? copy_bytes(data, *size) : NULL;

    root_unmap(data, *size);
    return bytes;
}

static bool plan_line(struct plan *plan, const char *line)
{
    switch (line[0]) {
    case 'I':
        return snprintf(plan->image, sizeof plan->image, "%s", line + 1) < PATH_MAX;
    case 'X':
        plan->path = copy(line + 1);
        return true;
    case 'A':
        words_add(&plan->argv, line + 1);
        return true;
    default:
        return line_holds(line);
    }
}

bool plan_load(struct plan *plan, const char *request)
{
    char *path = formatted("%s/plans/%s", cache_folder(), request);
    size_t size;
    char *bytes = read_file(path, &size);
    bool good = bytes && !strcmp(bytes, PLAN_MAGIC) && !bytes[size - 1];

    *plan = (struct plan){0};
    for (size_t at = sizeof PLAN_MAGIC; good && at < size; at += strlen(bytes + at) + 1)
        good = plan_line(plan, bytes + at);
    free(bytes);
    free(path);
    return good && plan->path && plan->argv.count && !utimensat(AT_FDCWD, plan->image, NULL, 0);
}

static void plan_line_add(struct text *text, char kind, const char *what)
{
    text_char(text, kind);
    text_add(text, what, strlen(what) + 1);
}

static void plan_state(struct text *text, const struct tree *tree, char kind, const char *path)
{
    char host[PATH_MAX];

    root_host(&tree->root, path, host);
    if (state_line(kind, host, text))
        text_char(text, 0);
}

static void plan_inputs(struct text *text, const struct tree *tree)
{
    struct map seen = {0};
    char host[PATH_MAX];

    for (size_t i = 0; i < tree->count; i++)
        if (!tree->entry[i].made)
            plan_state(text, tree, S_ISDIR(tree->entry[i].mode) ? 'D' : 'F', tree->entry[i].path);
    for (size_t i = 0; i < tree->watched.count; i++)
        plan_state(text, tree, 'W', tree->watched.item[i]);
    for (size_t i = 0; i < tree->absent.count; i++) {
        const char *path = tree->absent.item[i];
        if (map_get(&seen, path) >= 0)
            continue;
        map_put(&seen, path, 0);
        root_host(&tree->root, path, host);
        plan_line_add(text, 'N', host);
    }
    map_free(&seen);
}

/* Write a file that appears whole or not at all. */
static void write_file(const char *path, const struct text *text)
{
    char *temporary = formatted("%s.%d", path, getpid());
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd >= 0) {
        bool whole = write(fd, text->data, text->size) == (ssize_t)text->size;
        close(fd);
        if (!whole || rename(temporary, path))
            unlink(temporary);
    }
    free(temporary);
}

void plan_store(const struct plan *plan, const char *request, const struct tree *tree)
{
    char *path = formatted("%s/plans/%s", cache_folder(), request);
    struct text text = {0};

    text_add(&text, PLAN_MAGIC, sizeof PLAN_MAGIC);
    plan_line_add(&text, 'I', plan->image);
    plan_line_add(&text, 'X', plan->path);
    for (size_t i = 0; i < plan->argv.count; i++)
        plan_line_add(&text, 'A', plan->argv.item[i]);
    plan_inputs(&text, tree);
    write_file(path, &text);
    text_free(&text);
    free(path);
}

/* A file of a cache folder, for sweeping. */
struct kept {
    char *path;
    uint64_t size;
    time_t used;
};

static int older_first(const void *a, const void *b)
{
    const struct kept *x = a, *y = b;

    return x->used < y->used ? -1 : x->used > y->used;
}

/* Remove the files unused for longest until at most `bytes` and `count` are left. */
static void sweep(const char *folder, uint64_t bytes, size_t count)
{
    struct kept *kept = NULL;
    size_t found = 0, room = 0;
    uint64_t sum = 0;
    time_t now = time(NULL);
    DIR *dir = opendir(folder);

    for (struct dirent *d; dir && (d = readdir(dir));) {
        struct stat st;
        if (fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
            continue;
        if (found == room)
            kept = remake(kept, room = room ? 2 * room : 64, sizeof *kept);
        kept[found++] =
            (struct kept){formatted("%s/%s", folder, d->d_name), (uint64_t)st.st_size, st.st_mtime};
        sum += (uint64_t)st.st_size;
    }
    if (dir)
        closedir(dir);
    if (found)
        qsort(kept, found, sizeof *kept, older_first);
    size_t left = found;
    for (size_t i = 0; i < found; i++) {
        bool much = sum > bytes || left > count;
        if (much && now - kept[i].used > IN_USE && !unlink(kept[i].path)) {
            sum -= kept[i].size;
            left--;
        }
        free(kept[i].path);
    }
    free(kept);
}

/* Stages that a killed command left behind. */
static void sweep_stages(void)
{
    DIR *dir = opendir(cache_folder());

    for (struct dirent *d; dir && (d = readdir(dir));) {
        struct stat st;
        if (strncmp(d->d_name, "stage.", 6) ||
            fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW))
            continue;
        if (time(NULL) - st.st_mtime > STALE) {
            char *path = formatted("%s/%s", cache_folder(), d->d_name);
            image_remove_stage(path);
            free(path);
        }
    }
    if (dir)
        closedir(dir);
}

static void sweep_all(void)
{
    char *images = formatted("%s/images", cache_folder());
    char *plans = formatted("%s/plans", cache_folder());

    sweep(images, images_max, SIZE_MAX);
    sweep(plans, UINT64_MAX, PLANS_MAX);
    sweep_stages();
    free(images);
    free(plans);
}

void cache_image(const struct tree *tree, char file[PATH_MAX])
{
    char name[33], lock[PATH_MAX], temporary[PATH_MAX];
    const char *folder = cache_folder();

    tree_name(tree, name);
    if (snprintf(file, PATH_MAX, "%s/images/%s.erofs", folder, name) >= PATH_MAX - 8)
        die(STATUS_FAILED, "%s: the path is too long", folder);
    if (!utimensat(AT_FDCWD, file, NULL, 0))
        return;
    snprintf(lock, sizeof lock, "%.*s.lock", PATH_MAX - 8, file);
    snprintf(temporary, sizeof temporary, "%.*s.new", PATH_MAX - 8, file);
    int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        die(STATUS_FAILED, "%s: %s", lock, strerror(errno));
    while (flock(fd, LOCK_EX) && errno == EINTR)
        continue;
    if (utimensat(AT_FDCWD, file, NULL, 0)) {
        image_write(tree, temporary, folder, name);
        if (rename(temporary, file))
            die(STATUS_FAILED, "%s: %s", file, strerror(errno));
        sweep_all();
    }
    unlink(lock);
    close(fd);
}
