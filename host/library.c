#include "library.h"

#include "ldcache.h"
#include "say.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LD_CACHE "/etc/ld.so.cache"

static const char *const glibc_folders[] = {
    "/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu",
    "/lib64",
    "/usr/lib64",
    "/lib",
    "/usr/lib",
};

static void musl_folders(struct library_search *search, const char *interpreter)
{
    char folders[PATH_MAX] = "/lib:/usr/local/lib:/usr/lib";
    const char *base = strrchr(interpreter, '/');
    const char *end = strstr(base, ".so");
    size_t size;

    if (!end)
        return;
    char *path = formatted("/etc%.*s.path", (int)(end - base), base);
    tree_add(search->tree, path, NULL, NULL);
    const char *content = root_map(&search->tree->root, path, &size);
    if (content && size < sizeof folders) {
        memcpy(folders, content, size);
        folders[size] = 0;
    }
    root_unmap(content, size);
    free(path);
    for (char *save, *f = strtok_r(folders, ":\n", &save); f; f = strtok_r(NULL, ":\n", &save))
        words_add(&search->folders, f);
}

void library_search_start(struct library_search *search, struct tree *tree, const char *interpreter,
                          const char *library_path)
{
    *search = (struct library_search){.tree = tree, .library_path = library_path};
    const char *base = interpreter ? strrchr(interpreter, '/') : NULL;
    search->musl = base && !strncmp(base, "/ld-musl", 8);
    if (search->musl) {
        musl_folders(search, interpreter);
        return;
    }
    for (size_t i = 0; i < sizeof glibc_folders / sizeof *glibc_folders; i++)
        words_add(&search->folders, glibc_folders[i]);
    if (!interpreter)
        return;
    tree_add(tree, LD_CACHE, NULL, NULL);
    search->cache = root_map(&tree->root, LD_CACHE, &search->cache_size);
}

/* The value of "$NAME" or "${NAME}" at `at`, and how long that is; NULL if it is no such token. */
static const char *token(const char *at, const char *origin, size_t *size)
{
    const struct {
        const char *name, *value;
    } tokens[] = {{"ORIGIN", origin}, {"LIB", "lib/x86_64-linux-gnu"}, {"PLATFORM", "x86_64"}};
    bool braces = at[1] == '{';
    const char *name = at + 1 + braces;

    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        size_t length = strlen(tokens[i].name);
        if (strncmp(name, tokens[i].name, length) || (braces && name[length] != '}'))
            continue;
        *size = 1 + length + 2 * braces;
        return tokens[i].value;
    }
    return NULL;
}

char *library_folders(const char *list, const char *path)
{
    struct text out = {0};
    char *origin = copy(path);
    size_t size;

    *strrchr(origin, '/') = 0;
    text_str(&out, "");
    while (*list) {
        const char *value = *list == '$' ? token(list, origin, &size) : NULL;
        if (value) {
            text_str(&out, value);
            list += size;
        } else {
            text_char(&out, *list++);
        }
    }
    free(origin);
    return out.data;
}

/* Whether a shared object for x86-64 lies there. */
static bool usable(struct library_search *search, const char *path)
{
    char real[PATH_MAX], host[PATH_MAX];
    uint8_t head[20];
    struct stat st;

    if (root_stat(&search->tree->root, path, real, &st)) {
        words_add(&search->tree->absent, path);
        return false;
    }
    root_host(&search->tree->root, real, host);
    int fd = S_ISREG(st.st_mode) ? open(host, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return false;
    bool whole = read(fd, head, sizeof head) == (ssize_t)sizeof head;
    close(fd);
    return whole && elf_magic(head, sizeof head) && head[4] == 2 && head[18] == 62 && !head[19];
}

static const char *keep(struct library_search *search, const char *path)
{
    words_add(&search->found, path);
    return search->found.item[search->found.count - 1];
}

static const char *in_folder(struct library_search *search, const char *folder, size_t size,
                             const char *name)
{
    char part[PATH_MAX], path[PATH_MAX];

    if (!size || size >= sizeof part || folder[0] != '/')
        return NULL;
    memcpy(part, folder, size);
    part[size] = 0;
    if (!path_join(path, part, name) || !usable(search, path))
        return NULL;
    return keep(search, path);
}

static const char *in_list(struct library_search *search, const char *list, const char *name)
{
    const char *found = NULL;

    while (list && *list && !found) {
        size_t size = strcspn(list, ":");
        found = in_folder(search, list, size, name);
        list += size + (list[size] == ':');
    }
    return found;
}

/* The cache's choice; those for better processors are added to the tree beside it, since the
 * loader in the VM may prefer them. */
static const char *in_cache(struct library_search *search, const char *name)
{
    struct ldcache cache;
    const char *path, *best = NULL;
    uint32_t cursor = 0;

    if (ldcache_open(&cache, search->cache, search->cache_size))
        return NULL;
    while ((path = ldcache_find(&cache, name, &cursor))) {
        if (path[0] != '/' || !usable(search, path))
            continue;
        if (strstr(path, "/glibc-hwcaps/"))
            tree_add(search->tree, path, NULL, NULL);
        else if (!best)
            best = keep(search, path);
    }
    return best;
}

static const char *in_system(struct library_search *search, const char *name)
{
    long known = map_get(&search->known, name);

    if (known >= 0)
        return search->found.item[known];
    const char *found = search->cache ? in_cache(search, name) : NULL;
    for (size_t i = 0; i < search->folders.count && !found; i++)
        found = in_list(search, search->folders.item[i], name);
    if (found) {
        words_add(&search->keys, name);
        map_put(&search->known, search->keys.item[search->keys.count - 1],
                (long)search->found.count - 1);
    }
    return found;
}

/* musl's libc.so has these built in and never looks for them (musl's dynlink.c, "reserved"). */
static bool in_musl(const char *name)
{
    static const char *const reserved[] = {"c.", "pthread.", "rt.", "m.", "dl.", "util.", "xnet."};

    if (strncmp(name, "lib", 3))
        return false;
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (!strncmp(name + 3, reserved[i], strlen(reserved[i])))
            return true;
    return false;
}

const char *library_find(struct library_search *search, const char *name, const char *path,
                         const struct elf *elf, const char *rpath)
{
    const char *found = NULL;

    if (search->musl && in_musl(name))
        return "";
    if (strchr(name, '/'))
        return name[0] == '/' && usable(search, name) ? keep(search, name) : NULL;
    if (!elf->runpath || search->musl)
        found = in_list(search, rpath, name);
    if (!found)
        found = in_list(search, search->library_path, name);
    if (!found && elf->runpath) {
        char *folders = library_folders(elf->runpath, path);
        found = in_list(search, folders, name);
        free(folders);
    }
    return found ? found : in_system(search, name);
}
