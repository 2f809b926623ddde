#include "named.h"

#include "say.h"

#include <errno.h>
#include <string.h>

bool named_never(const char *path)
{
    static const char *const places[] = {"/proc", "/sys", "/dev"};

    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        size_t size = strlen(places[i]);
        if (!strncmp(path, places[i], size) && (!path[size] || path[size] == '/'))
            return true;
    }
    return !strcmp(path, "/");
}

/* Folders that belong to nobody: who names one means the place. */
static bool common(const char *path)
{
    static const char *const places[] = {"/tmp", "/var/tmp", "/run", "/var/run"};

    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (!strcmp(path, places[i]))
            return true;
    return false;
}

void named_add(struct tree *tree, struct closure *closure, const char *path, uint64_t limit)
{
    char real[PATH_MAX];
    struct stat st;

    closure_file(closure, path);
    if (root_stat(&tree->root, path, real, &st) || !S_ISDIR(st.st_mode))
        return;
    if (limit != UINT64_MAX && common(path))
        return;
    if (tree_add_all(tree, path, limit) == -EFBIG)
        warn("%s: holds more than the %llu MiB that a folder named in the arguments brings along;"
             " left out (--add %s takes it)",
             path, (unsigned long long)NAMED_FOLDER_MAX >> 20, path);
}

void named_argument(struct tree *tree, struct closure *closure, const char *cwd,
                    const char *argument)
{
    char path[PATH_MAX];
    struct stat st;

    if (!*argument || !path_join(path, cwd, argument) || named_never(path))
        return;
    if (!root_stat(&tree->root, path, NULL, &st)) {
        named_add(tree, closure, path, NAMED_FOLDER_MAX);
        return;
    }
    if (strlen(argument) > NAME_MAX && !strchr(argument, '/'))
        return;
    words_add(&tree->absent, path);
    char *slash = strrchr(path, '/');
    if (slash == path || !strchr(argument, '/'))
        return;
    *slash = 0;
    if (!root_stat(&tree->root, path, NULL, &st) && S_ISDIR(st.st_mode))
        tree_add(tree, path, NULL, NULL);
}
