#include "called.h"

#include "calls.h"
#include "named.h"
#include "policy.h"
#include "say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longer scripts are not read, nor headers of headers beyond this. */
enum { TEXT_MAX = 1 << 20, DEPTH_MAX = 30 };

struct called {
    struct tree *tree;
    struct closure *closure;
    const char *search, *cwd;
    struct calls calls;
    size_t programs_done;
};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static bool regular(struct called *called, const char *path)
{
    struct stat st;

    return !root_stat(&called->tree->root, path, NULL, &st) && S_ISREG(st.st_mode);
}

/* Names like awk are links made by update-alternatives. */
static void add_companions(struct called *called, const char *path)
{
    static const char *const alternatives[] = {"/usr/bin/awk", "/bin/sh", "/usr/bin/which"};
    const char *name;

    for (unsigned n = 0; (name = policy_companion(path, n)); n++)
        closure_package(called->closure, name);
    for (size_t i = 0; policy_companion(path, 0) && i < sizeof alternatives / sizeof *alternatives;
         i++)
        closure_file(called->closure, alternatives[i]);
}

static void add_kit(struct called *called, const char *word)
{
    const char *name;

    for (unsigned n = 0; (name = policy_kit(base_name(word), n)); n++)
        if (*name == '/')
            closure_called(called->closure, name);
        else
            closure_package(called->closure, name);
}

/* Read a script or a makefile. */
static void read_text(struct called *called, enum grammar grammar, const char *path)
{
    size_t size;
    const char *text = root_map(&called->tree->root, path, &size);

    if (text && size <= TEXT_MAX && !memchr(text, 0, size))
        calls_scan(&called->calls, grammar, text, size);
    root_unmap(text, size);
}

/* Read the script that the path is, if it is one in a language that can be read here. */
static void read_script(struct called *called, const char *path)
{
    char interpreter[PATH_MAX], argument[PATH_MAX];
    enum grammar grammar;
    size_t size;
    const char *text = root_map(&called->tree->root, path, &size);
    bool script = text && script_line(text, size, interpreter, argument);

    root_unmap(text, size);
    if (!script)
        return;
    const char *name = strcmp(base_name(interpreter), "env") ? interpreter : argument;
    if (name == argument)
        closure_called(called->closure, interpreter);
    if (policy_reads(name, &grammar))
        read_text(called, grammar, path);
    calls_scan(&called->calls, GRAMMAR_SHELL, name, strcspn(name, " \t"));
}

static void add_program(struct called *called, const char *path)
{
    char real[PATH_MAX];
    struct stat st;

    if (root_stat(&called->tree->root, path, real, &st) || !S_ISREG(st.st_mode))
        return;
    closure_called(called->closure, path);
    add_companions(called, real);
    add_companions(called, path); /* zsh may be called sh */
    read_script(called, path);
}

/* A command's name: a program in PATH or a file. */
static void add_command(struct called *called, const char *word)
{
    char folder[PATH_MAX], path[PATH_MAX];

    add_kit(called, word);
    if (strchr(word, '/')) {
        if (path_join(path, called->cwd, word) && !named_never(path))
            add_program(called, path);
        return;
    }
    for (const char *at = called->search; *at; at += strcspn(at, ":"), at += *at == ':') {
        size_t size = strcspn(at, ":");
        if (!size || size >= sizeof folder)
            continue;
        memcpy(folder, at, size);
        folder[size] = 0;
        if (!path_join(path, called->cwd, folder) || !path_join(path, path, word) ||
            !regular(called, path))
            continue;
        add_program(called, path);
        return;
    }
    if (path_join(path, called->cwd, word) && regular(called, path)) /* behind what is no brace */
        closure_file(called->closure, path);
}

/* Whether a word names something below the working folder. */
static bool below(const char *word)
{
    return *word != '/' && !strstr(word, "..") && strcmp(word, ".") != 0;
}

static bool has(struct called *called, const char *folder, const char *name)
{
    char path[PATH_MAX];
    struct stat st;

    if (!path_join(path, folder, name))
        return false;
    tree_watch(called->tree, path);
    return !root_stat(&called->tree->root, path, NULL, &st);
}

static const char *makefile(struct called *called, const char *folder)
{
    static const char *const names[] = {"GNUmakefile", "makefile", "Makefile"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (has(called, folder, names[i]))
            return names[i];
    return NULL;
}

/* A folder that make or git work in. */
static void add_work_folder(struct called *called, const char *folder)
{
    const char *name = makefile(called, folder);
    char path[PATH_MAX];

    named_add(called->tree, called->closure, folder, NAMED_FOLDER_MAX);
    if (name && path_join(path, folder, name))
        read_text(called, GRAMMAR_MAKE, path);
}

static void add_includes(struct called *called, const char *path, unsigned depth);

/* NAME of a line `#include "NAME"`, beside the file that has the line. */
static void add_include(struct called *called, const char *path, const char *line, size_t size,
                        unsigned depth)
{
    char folder[PATH_MAX], header[PATH_MAX], name[256];
    char *text = copy_bytes(line, size);

    strcpy(folder, path);
    *strrchr(folder, '/') = 0;
    if (sscanf(text, " # include \"%255[^\"]\"", name) == 1 && path_join(header, folder, name) &&
        !named_never(header) && !tree_has(called->tree, header) && regular(called, header)) {
        closure_file(called->closure, header);
        add_includes(called, header, depth + 1);
    }
    free(text);
}

/* The headers that a C source includes in quotes, and those that they do. */
static void add_includes(struct called *called, const char *path, unsigned depth)
{
    const char *dot = strrchr(path, '.');
    size_t size;

    if (depth > DEPTH_MAX || !dot || !dot[1] || !strchr("chCS", dot[1]))
        return;
    const char *text = root_map(&called->tree->root, path, &size);
    for (const char *at = text; size <= TEXT_MAX && at < text + size;) {
        const char *end = memchr(at, '\n', (size_t)(text + size - at));
        end = end ? end : text + size;
        add_include(called, path, at, (size_t)(end - at), depth);
        at = end + 1;
    }
    root_unmap(text, size);
}

/* The files among the words from the given one on; elsewhere than below the working folder only
 * those that an argument names. */
static void add_files(struct called *called, size_t from, bool argument)
{
    const struct words *files = &called->calls.files;
    char path[PATH_MAX];

    for (size_t i = from; i < files->count; i++) {
        const char *word = files->item[i];
        bool elsewhere = argument && *word == '/' && strncmp(word, "/etc/", 5) != 0;
        if (!(below(word) || elsewhere) || !path_join(path, called->cwd, word) ||
            named_never(path) || !regular(called, path))
            continue;
        closure_file(called->closure, path);
        add_includes(called, path, 0);
    }
}

/* The folders that arguments name to work in; elsewhere only if there is something to do. */
static void add_folders(struct called *called)
{
    const struct words *folders = &called->calls.folders;
    char path[PATH_MAX];

    for (size_t i = 0; i < folders->count; i++) {
        if (!path_join(path, called->cwd, folders->item[i]) || named_never(path))
            continue;
        if (below(folders->item[i]) || makefile(called, path) || has(called, path, ".git") ||
            has(called, path, "HEAD"))
            add_work_folder(called, path);
    }
    if ((called->calls.makes_here && makefile(called, called->cwd)) ||
        (called->calls.git_here && has(called, called->cwd, ".git")))
        add_work_folder(called, called->cwd);
}

/* The packages of libNAME.so and libNAME.a with their headers. */
static void add_libraries(struct called *called)
{
    char path[PATH_MAX];

    for (size_t i = 0; i < called->calls.libraries.count; i++)
        for (unsigned archive = 0; archive < 2; archive++) {
            char *name =
                formatted("lib%s.%s", called->calls.libraries.item[i], archive ? "a" : "so");
            if (!strchr(name, '/') && path_join(path, "/usr/lib/x86_64-linux-gnu", name) &&
                regular(called, path))
                closure_whole(called->closure, path);
            free(name);
        }
}

/* The arguments as texts: a shell's are one command with the program's name in front. */
static void read_arguments(struct called *called, enum grammar grammar,
                           const struct program *program)
{
    struct text line = {0};

    text_str(&line, base_name(program->path));
    for (size_t i = 1; i < program->argv.count; i++) {
        const char *word = program->argv.item[i];
        if (grammar == GRAMMAR_STRINGS)
            calls_scan(&called->calls, grammar, word, strlen(word));
        text_format(&line, " %s", word);
    }
    if (grammar == GRAMMAR_SHELL)
        calls_scan(&called->calls, grammar, line.data, line.size);
    text_free(&line);
}

/* The script among the arguments: the first that is no option. */
static void read_own_script(struct called *called, enum grammar grammar,
                            const struct program *program)
{
    char path[PATH_MAX];
    size_t i = 1;

    while (i < program->argv.count && program->argv.item[i][0] == '-')
        i++;
    if (i < program->argv.count && path_join(path, called->cwd, program->argv.item[i]) &&
        !named_never(path) && regular(called, path))
        read_text(called, grammar, path);
}

void called_add(struct tree *tree, struct closure *closure, const struct program *program,
                const char *search, const char *cwd)
{
    struct called called = {.tree = tree, .closure = closure, .search = search, .cwd = cwd};
    struct calls *calls = &called.calls;
    enum grammar grammar;
    char real[PATH_MAX];
    struct stat st;

    if (root_stat(&tree->root, program->path, real, &st))
        return;
    add_companions(&called, real);
    add_kit(&called, program->path);
    if (!cwd || !(policy_reads(program->path, &grammar) || policy_reads(real, &grammar)))
        return;
    read_arguments(&called, grammar, program);
    add_files(&called, 0, true);
    add_folders(&called);
    size_t arguments = calls->files.count;
    read_own_script(&called, grammar, program);
    while (called.programs_done < calls->programs.count)
        add_command(&called, calls->programs.item[called.programs_done++]);
    add_files(&called, arguments, false);
    add_libraries(&called);
    if (calls->starts)
        add_companions(&called, "/bin/sh");
    calls_free(calls);
}
