#include "root.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LINKS_MAX = 40 }; /* as Linux, man 7 path_resolution */

/* Where a walk stands: `real` is what was resolved, `rest` what is to come. */
struct walk {
    const struct root *root;
    char real[PATH_MAX];
    char rest[2 * PATH_MAX];
    struct stat st;
    unsigned links;
    root_visit *visit;
    void *context;
};

void root_host(const struct root *root, const char *path, char host[PATH_MAX])
{
    int size = snprintf(host, PATH_MAX, "%s%s", root->folder, path);

    if (size >= PATH_MAX)
        host[0] = 0; /* the empty path exists nowhere */
}

static void drop_last(char *path)
{
    char *slash = strrchr(path, '/');

    if (slash)
        *slash = 0;
}

/* Take the next component off `rest`; false at the end. */
static bool next_component(struct walk *walk, char name[NAME_MAX + 1], int *fault)
{
    char *start = walk->rest + strspn(walk->rest, "/");
    size_t size = strcspn(start, "/");

    if (!size)
        return false;
    if (size > NAME_MAX) {
        *fault = -ENAMETOOLONG;
        return false;
    }
    memcpy(name, start, size);
    name[size] = 0;
    memmove(walk->rest, start + size, strlen(start + size) + 1);
    return true;
}

static int follow_link(struct walk *walk, const char *path, const char *host)
{
    char target[PATH_MAX], rest[2 * PATH_MAX];
    ssize_t size = readlink(host, target, sizeof target - 1);

    if (size < 0)
        return -errno;
    if (++walk->links > LINKS_MAX)
        return -ELOOP;
    target[size] = 0;
    if (walk->visit)
        walk->visit(walk->context, path, &walk->st, target);
    if (snprintf(rest, sizeof rest, "%s%s", target, walk->rest) >= (int)sizeof rest)
        return -ENAMETOOLONG;
    strcpy(walk->rest, rest);
    if (target[0] == '/')
        walk->real[0] = 0;
    return 0;
}

static int step(struct walk *walk, const char *name)
{
    char path[PATH_MAX], host[PATH_MAX];

    if (!strcmp(name, "."))
        return 0;
    if (!strcmp(name, "..")) {
        drop_last(walk->real);
        return 0;
    }
    if (snprintf(path, sizeof path, "%s/%s", walk->real, name) >= (int)sizeof path)
        return -ENAMETOOLONG;
    root_host(walk->root, path, host);
    if (lstat(host, &walk->st)) {
        int fault = -errno;
        if (walk->visit)
            walk->visit(walk->context, path, NULL, NULL);
        return fault;
    }
    if (S_ISLNK(walk->st.st_mode))
        return follow_link(walk, path, host);
    if (walk->visit)
        walk->visit(walk->context, path, &walk->st, NULL);
    strcpy(walk->real, path);
    if (!S_ISDIR(walk->st.st_mode) && walk->rest[0])
        return -ENOTDIR;
    return 0;
}

int root_walk(const struct root *root, const char *path, char real[PATH_MAX], struct stat *st,
              root_visit *visit, void *context)
{
    struct walk walk = {.root = root, .visit = visit, .context = context};
    char name[NAME_MAX + 1], host[PATH_MAX];
    int fault = 0;

    if (snprintf(walk.rest, sizeof walk.rest, "%s", path) >= PATH_MAX)
        return -ENAMETOOLONG;
    while (!fault && next_component(&walk, name, &fault))
        fault = step(&walk, name);
    if (fault)
        return fault;
    if (!walk.real[0])
        strcpy(walk.real, "/");
    root_host(root, walk.real, host);
    if (lstat(host, st)) /* the last step may have been ".." */
        return -errno;
    strcpy(real, walk.real);
    return 0;
}

int root_stat(const struct root *root, const char *path, char real[PATH_MAX], struct stat *st)
{
    char unused[PATH_MAX];

    return root_walk(root, path, real ? real : unused, st, NULL, NULL);
}

const void *root_map(const struct root *root, const char *path, size_t *size)
{
    char real[PATH_MAX], host[PATH_MAX];
    struct stat st;

    *size = 0;
    if (root_stat(root, path, real, &st) || !S_ISREG(st.st_mode) || !st.st_size)
        return NULL;
    root_host(root, real, host);
    int fd = open(host, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (data == MAP_FAILED)
        return NULL;
    *size = (size_t)st.st_size;
    return data;
}

void root_unmap(const void *data, size_t size)
{
    if (data)
        munmap((void *)data, size);
}

bool path_join(char out[PATH_MAX], const char *base, const char *path)
{
    char all[2 * PATH_MAX];
    int size = path[0] == '/' ? snprintf(all, sizeof all, "%s", path)
                              : snprintf(all, sizeof all, "%s/%s", base, path);

    if (size >= (int)sizeof all)
        return false;
    out[0] = 0;
    for (char *save, *name = strtok_r(all, "/", &save); name; name = strtok_r(NULL, "/", &save)) {
        if (!strcmp(name, "."))
            continue;
        if (!strcmp(name, "..")) {
            drop_last(out);
            continue;
        }
        if (strlen(out) + strlen(name) + 2 > PATH_MAX)
            return false;
        strcat(out, "/");
        strcat(out, name);
    }
    if (!out[0])
        strcpy(out, "/");
    return true;
}
