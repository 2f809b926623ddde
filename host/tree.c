#include "tree.h"

#include "say.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEPTH_MAX = 128, PAGE = 4096 };

void tree_start(struct tree *tree, const char *folder)
{
    *tree = (struct tree){.root = {.folder = folder}};
}

bool tree_has(const struct tree *tree, const char *path)
{
    return map_get(&tree->index, path) >= 0;
}

static struct entry *new_entry(struct tree *tree, const char *path)
{
    if (tree->count == tree->room) {
        tree->room = tree->room ? 2 * tree->room : 256;
        tree->entry = remake(tree->entry, tree->room, sizeof *tree->entry);
    }
    struct entry *entry = &tree->entry[tree->count];
    *entry = (struct entry){.path = copy(path)};
    map_put(&tree->index, entry->path, (long)tree->count++);
    return entry;
}

/* In these the VM has file systems of its own. */
static bool machine_folder(const char *path)
{
    return !strcmp(path, "/proc") || !strcmp(path, "/sys") || !strcmp(path, "/dev");
}

static bool of_the_machine(const char *path)
{
    return !strncmp(path, "/proc/", 6) || !strncmp(path, "/sys/", 5) || !strncmp(path, "/dev/", 5);
}

static void note(void *context, const char *path, const struct stat *st, const char *target)
{
    struct tree *tree = context;

    if (of_the_machine(path))
        return;
    if (!st) {
        words_add(&tree->absent, path);
        return;
    }
    if (tree_has(tree, path))
        return;
    struct entry *entry = new_entry(tree, path);
    entry->mode = st->st_mode;
    entry->uid = st->st_uid;
    entry->gid = st->st_gid;
    entry->mtime = st->st_mtim;
    entry->inode = st->st_ino;
    if (target)
        entry->target = copy(target);
    if (S_ISREG(st->st_mode)) {
        entry->size = (uint64_t)st->st_size;
        tree->size += (entry->size + PAGE - 1) / PAGE * PAGE;
    }
}

int tree_add(struct tree *tree, const char *path, char real[PATH_MAX], struct stat *st)
{
    char unused_real[PATH_MAX];
    struct stat unused_st;

    return root_walk(&tree->root, path, real ? real : unused_real, st ? st : &unused_st, note,
                     tree);
}

void tree_watch(struct tree *tree, const char *path)
{
    char host[PATH_MAX];
    struct stat st;

    root_host(&tree->root, path, host);
    words_add(stat(host, &st) ? &tree->absent : &tree->watched, path);
}

/* A folder whose entries are gone through, and what is left of the bytes allowed. */
struct descent {
    struct tree *tree;
    uint64_t left;
};

static int add_below(struct descent *descent, const char *path, unsigned depth);

static int add_one(struct descent *descent, const char *path, unsigned depth)
{
    char host[PATH_MAX], target[PATH_MAX];
    struct stat st;

    root_host(&descent->tree->root, path, host);
    if (lstat(host, &st))
        return 0; /* gone meanwhile, or a path too long to be opened by anybody */
    if (S_ISLNK(st.st_mode)) {
        ssize_t size = readlink(host, target, sizeof target - 1);
        if (size < 0)
            return 0;
        target[size] = 0;
        note(descent->tree, path, &st, target);
    } else if (S_ISDIR(st.st_mode)) {
        note(descent->tree, path, &st, NULL);
        return add_below(descent, path, depth + 1);
    } else if (S_ISREG(st.st_mode) && !access(host, R_OK)) {
        if ((uint64_t)st.st_size > descent->left)
            return -EFBIG;
        descent->left -= (uint64_t)st.st_size;
        note(descent->tree, path, &st, NULL);
    } else if (S_ISFIFO(st.st_mode)) {
        note(descent->tree, path, &st, NULL);
    }
    return 0;
}

static int add_below(struct descent *descent, const char *path, unsigned depth)
{
    char host[PATH_MAX], below[PATH_MAX];
    int fault = 0;

    if (depth > DEPTH_MAX || machine_folder(path))
        return 0;
    words_add(&descent->tree->watched, path);
    root_host(&descent->tree->root, path, host);
    DIR *folder = opendir(host);
    if (!folder)
        return 0;
    for (struct dirent *d; !fault && (d = readdir(folder));) {
        if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
            continue;
        if (path_join(below, path, d->d_name))
            fault = add_one(descent, below, depth);
    }
    closedir(folder);
    return fault;
}

/* The bytes below a folder, counted up to just above the limit, nothing added. */
static uint64_t bytes_below(const struct tree *tree, const char *path, uint64_t limit,
                            unsigned depth)
{
    char host[PATH_MAX], below[PATH_MAX];
    uint64_t sum = 0;
    struct stat st;

    root_host(&tree->root, path, host);
    DIR *folder = depth > DEPTH_MAX ? NULL : opendir(host);
    if (!folder)
        return 0;
    for (struct dirent *d; sum <= limit && (d = readdir(folder));) {
        if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
            continue;
        if (fstatat(dirfd(folder), d->d_name, &st, AT_SYMLINK_NOFOLLOW))
            continue;
        if (S_ISREG(st.st_mode))
            sum += (uint64_t)st.st_size;
        else if (S_ISDIR(st.st_mode) && path_join(below, path, d->d_name))
            sum += bytes_below(tree, below, limit - sum, depth + 1);
    }
    closedir(folder);
    return sum;
}

int tree_add_all(struct tree *tree, const char *path, uint64_t limit)
{
    struct descent descent = {.tree = tree, .left = limit};
    char real[PATH_MAX];
    struct stat st;
    int fault = tree_add(tree, path, real, &st);

    if (fault || !S_ISDIR(st.st_mode))
        return fault;
    if (limit != UINT64_MAX && bytes_below(tree, real, limit, 0) > limit)
        return -EFBIG;
    return add_below(&descent, strcmp(real, "/") ? real : "/", 0);
}

static void made_entry(struct tree *tree, const char *path, mode_t mode)
{
    struct entry *entry = new_entry(tree, path);

    entry->mode = mode;
    entry->made = true;
}

void tree_folder(struct tree *tree, const char *path, mode_t mode)
{
    char part[PATH_MAX], real[PATH_MAX];
    struct stat st;

    for (const char *end = path + 1; *path; end++) {
        if (*end && *end != '/')
            continue;
        size_t size = (size_t)(end - path);
        memcpy(part, path, size);
        part[size] = 0;
        if (!tree_has(tree, part) && *end && !root_stat(&tree->root, part, real, &st))
            tree_add(tree, part, NULL, NULL);
        else if (!tree_has(tree, part))
            made_entry(tree, part, S_IFDIR | (*end ? 0755 : mode));
        if (!*end)
            break;
    }
}

/* The entry at `path`, which is made here; it keeps its place if there is one already. */
static struct entry *make_entry(struct tree *tree, const char *path, mode_t mode)
{
    char folder[PATH_MAX];
    long at = map_get(&tree->index, path);

    if (at >= 0) {
        struct entry *old = &tree->entry[at];
        *old = (struct entry){.path = old->path, .mode = mode, .made = true};
        return old;
    }
    strcpy(folder, path);
    *strrchr(folder, '/') = 0;
    if (folder[0])
        tree_folder(tree, folder, 0755);
    made_entry(tree, path, mode);
    return &tree->entry[tree->count - 1];
}

void tree_file(struct tree *tree, const char *path, mode_t mode, const char *content, size_t size)
{
    struct entry *entry = make_entry(tree, path, S_IFREG | mode);

    entry->content = copy_bytes(content, size);
    entry->size = size;
    tree->size += (size + PAGE - 1) / PAGE * PAGE;
}

void tree_link(struct tree *tree, const char *path, const char *target)
{
    make_entry(tree, path, S_IFLNK | 0777)->target = copy(target);
}
