#include "program.h"

#include "elf.h"
#include "say.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    SCRIPTS_MAX = 5,   /* man 2 execve, "Interpreter scripts" */
    SCRIPT_LINE = 255, /* of a file are looked at for a `#!` line */
};

static const char *fault_text(int fault)
{
    switch (fault) {
    case -ENOENT:
        return "no such file";
    case -ENOTDIR:
        return "a part of the path is not a folder";
    default:
        return strerror(-fault);
    }
}

static bool executable(const struct stat *st)
{
    return S_ISREG(st->st_mode) && (st->st_mode & 0111);
}

/* The first executable file of this name in `search`. */
static char *search_path(struct tree *tree, const char *name, const char *search, const char *cwd)
{
    char folder[PATH_MAX], path[PATH_MAX], refused[PATH_MAX] = "";
    struct stat st;

    while (*name && *search) {
        size_t size = strcspn(search, ":");
        if (size < sizeof folder) {
            memcpy(folder, search, size);
            folder[size] = 0;
            bool fits = path_join(path, cwd, folder) && path_join(path, path, name);
            if (fits && !root_stat(&tree->root, path, NULL, &st)) {
                if (executable(&st))
                    return copy(path);
                if (S_ISREG(st.st_mode) && !refused[0])
                    strcpy(refused, path);
            } else if (fits) {
                words_add(&tree->absent, path);
            }
        }
        search += size + (search[size] == ':');
    }
    if (refused[0])
        die(STATUS_NOT_RUNNABLE, "%s: not executable", refused);
    die(STATUS_NOT_FOUND, "%s: no such program in PATH", name);
}

static char *locate(struct tree *tree, const char *name, const char *search, const char *cwd)
{
    char path[PATH_MAX];

    if (!strchr(name, '/'))
        return search_path(tree, name, search, cwd);
    if (!path_join(path, cwd, name))
        die(STATUS_NOT_FOUND, "%s: the name is too long", name);
    return copy(path);
}

bool script_line(const char *data, size_t size, char interpreter[PATH_MAX], char argument[PATH_MAX])
{
    if (size < 2 || data[0] != '#' || data[1] != '!')
        return false;
    const char *end = data + (size < SCRIPT_LINE ? size : SCRIPT_LINE);
    for (const char *at = data; at < end; at++)
        if (!*at || *at == '\n')
            end = at;
    const char *at = data + 2;
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    while (end > at && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
        end--;
    const char *name = at;
    while (at < end && *at != ' ' && *at != '\t')
        at++;
    memcpy(interpreter, name, (size_t)(at - name));
    interpreter[at - name] = 0;
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    memcpy(argument, at, (size_t)(end - at));
    argument[end - at] = 0;
    return interpreter[0] != 0;
}

/* `env NAME`: NAME and its arguments in place of env, which would have to replace itself. False
 * if the line uses more of env than that. */
static bool env_words(const char *argument, struct words *out)
{
    char line[PATH_MAX];

    strcpy(line, argument);
    bool split = !strncmp(line, "-S", 2);
    char *at = split ? line + 2 : line;
    at += strspn(at, " \t");
    if (!*at || *at == '-' || strpbrk(at, "=\\'\"$"))
        return false;
    if (!split) {
        words_add(out, at);
        return true;
    }
    for (char *save, *word = strtok_r(at, " \t", &save); word; word = strtok_r(NULL, " \t", &save))
        words_add(out, word);
    return true;
}

/* What stands before the script's own name in the arguments: interpreter and its argument. */
static void interpreter_words(const char *interpreter, const char *argument, struct words *out)
{
    const char *slash = strrchr(interpreter, '/');
    const char *base = slash ? slash + 1 : interpreter;

    if (!strcmp(base, "env") && env_words(argument, out))
        return;
    words_add(out, interpreter);
    if (argument[0])
        words_add(out, argument);
}

static void check_elf(const char *name, const void *data, size_t size)
{
    struct elf elf;

    if (!elf_magic(data, size))
        die(STATUS_NOT_RUNNABLE, "%s: is neither an ELF program nor a script with #!", name);
    const char *fault = elf_parse(&elf, data, size);
    if (fault)
        die(STATUS_NOT_RUNNABLE, "%s: %s", name, fault);
    if (elf.type != ELF_EXECUTABLE && elf.type != ELF_SHARED)
        die(STATUS_NOT_RUNNABLE, "%s: is an ELF file, but not a program", name);
    if (elf.type == ELF_SHARED && !elf.interpreter && !elf.entry)
        die(STATUS_NOT_RUNNABLE, "%s: is a shared library, not a program", name);
    if (!elf.memory_size)
        die(STATUS_NOT_RUNNABLE, "%s: is an ELF file with nothing to load", name);
}

/* Add the file to the tree and map it; ends the command if it is nothing to execute. */
static const void *take(struct tree *tree, const char *name, const char *path, size_t *size)
{
    struct stat st;
    int fault = tree_add(tree, path, NULL, &st);

    if (fault == -EACCES)
        die(STATUS_NOT_RUNNABLE, "%s: %s", name, strerror(EACCES));
    if (fault)
        die(STATUS_NOT_FOUND, "%s: %s", name, fault_text(fault));
    if (S_ISDIR(st.st_mode))
        die(STATUS_NOT_RUNNABLE, "%s: is a folder", name);
    if (!executable(&st))
        die(STATUS_NOT_RUNNABLE, "%s: not executable", name);
    const void *data = root_map(&tree->root, path, size);
    if (!data && st.st_size)
        die(STATUS_NOT_RUNNABLE, "%s: cannot be read", name);
    if (!data)
        die(STATUS_NOT_RUNNABLE, "%s: is empty", name);
    return data;
}

void program_find(struct program *program, struct tree *tree, const struct words *argv,
                  const char *search, const char *cwd)
{
    char interpreter[PATH_MAX], argument[PATH_MAX];
    struct words rest = {0};
    const char *name = argv->item[0];

    *program = (struct program){.path = locate(tree, name, search, cwd)};
    for (size_t i = 0; i < argv->count; i++)
        words_add(&rest, argv->item[i]);
    for (unsigned scripts = 0;; scripts++) {
        size_t size;
        const char *data = take(tree, name, program->path, &size);
        words_add(&program->hops, program->path);
        bool script = script_line(data, size, interpreter, argument);
        if (!script)
            check_elf(name, data, size);
        root_unmap(data, size);
        if (!script)
            break;
        if (scripts == SCRIPTS_MAX)
            die(STATUS_NOT_RUNNABLE, "%s: more than %d scripts interpret each other", argv->item[0],
                SCRIPTS_MAX);
        struct words all = {0};
        interpreter_words(interpreter, argument, &all);
        words_add(&all, program->path);
        for (size_t i = 1; i < rest.count; i++)
            words_add(&all, rest.item[i]);
        words_free(&rest);
        rest = all;
        name = rest.item[0];
        program->path = locate(tree, name, search, cwd);
    }
    program->argv = rest;
}
