#include "gather.h"

#include "called.h"
#include "closure.h"
#include "essentials.h"
#include "file.h"
#include "image.h"
#include "named.h"
#include "program.h"
#include "quote.h"
#include "say.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STANDARD_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Variables that the program gets from the command's environment (docs/command.md). */
static const char *const passed_on[] = {"PATH", "SHELL",    "TERM",     "COLORTERM", "LANG",
                                        "TZ",   "LANGUAGE", "NO_COLOR", NULL};

static const char *own_folder(void)
{
    static char folder[PATH_MAX];

    if (!folder[0] && !getcwd(folder, sizeof folder))
        die(STATUS_FAILED, "the current folder cannot be told: %s", strerror(errno));
    return folder;
}

/* The program's working folder. */
static const char *work_folder(const struct options *options)
{
    if (options->workdir)
        return options->workdir;
    return options->root ? "/" : own_folder();
}

static uid_t user_id(const struct options *options)
{
    return options->user ? (uid_t)strtoul(options->user, NULL, 10) : 0;
}

static const char *home_folder(const struct options *options)
{
    uid_t user = user_id(options);
    const char *own = getenv("HOME");

    if (user == geteuid() && own && own[0] == '/' && !options->root)
        return own;
    struct passwd *entry = options->root ? NULL : getpwuid(user);
    if (entry)
        return entry->pw_dir;
    return user ? "/" : "/root";
}

static const char *user_name(const struct options *options)
{
    struct passwd *entry = options->root ? NULL : getpwuid(user_id(options));

    return entry ? entry->pw_name : user_id(options) ? NULL : "root";
}

/* The value of NAME among NAME=VALUE words, the last one counts; NULL if it is not there. */
static const char *variable(const struct words *env, const char *name)
{
    size_t size = strlen(name);

    for (size_t i = env->count; i-- > 0;)
        if (!strncmp(env->item[i], name, size) && env->item[i][size] == '=')
            return env->item[i] + size + 1;
    return NULL;
}

static void set(struct words *env, const char *name, const char *value)
{
    if (value)
        words_addf(env, "%s=%s", name, value);
}

/* What --env asks for, later words replacing earlier ones. */
static void asked_environment(const struct options *options, struct words *env)
{
    for (size_t i = 0; i < options->env.count; i++) {
        const char *word = options->env.item[i];
        if (strchr(word, '='))
            words_add(env, word);
        else
            set(env, word, getenv(word));
    }
}

static void environment(const struct options *options, struct words *env)
{
    extern char **environ;
    struct words asked = {0}, all = {0};

    asked_environment(options, &asked);
    for (const char *const *name = passed_on; *name; name++)
        if (!options->output || strcmp(*name, "TERM")) /* that is whoever's runs the image */
            set(&all, *name, getenv(*name));
    for (char **word = environ; *word; word++)
        if (!strncmp(*word, "LC_", 3))
            words_add(&all, *word);
    if (options->root || !variable(&all, "PATH"))
        words_add(&all, "PATH=" STANDARD_PATH);
    set(&all, "HOME", home_folder(options));
    set(&all, "USER", user_name(options));
    set(&all, "LOGNAME", user_name(options));
    for (size_t i = 0; i < asked.count; i++)
        words_add(&all, asked.item[i]);
    /* Each name once, at its first place, with its last value. */
    for (size_t i = 0; i < all.count; i++) {
        char *name = copy_bytes(all.item[i], strcspn(all.item[i], "="));
        if (!variable(env, name))
            set(env, name, variable(&all, name));
        free(name);
    }
    words_free(&asked);
    words_free(&all);
}

static void quote_pair(struct text *line, const char *name, const char *value)
{
    char *word = formatted("%s=%s", name, value);

    quote_kernel(line, word);
    free(word);
}

void gather_words(const struct options *options, const struct plan *plan, struct text *before,
                  struct text *after)
{
    struct words env = {0};

    if (plan)
        environment(options, &env);
    else
        asked_environment(options, &env);
    if (!plan && getenv("TERM"))
        quote_pair(before, "env=TERM", getenv("TERM"));
    for (size_t i = 0; i < env.count; i++)
        quote_pair(before, "env", env.item[i]);
    if (plan || options->workdir)
        quote_pair(before, "cwd", plan ? work_folder(options) : options->workdir);
    if (options->hostname)
        quote_pair(before, "hostname", options->hostname);
    if (options->user) {
        const char *group = strchr(options->user, ':');
        text_format(before, " uid=%u gid=%lu", user_id(options),
                    group ? strtoul(group + 1, NULL, 10) : 0ul);
    }
    const struct words *argv = plan ? &plan->argv : &options->argv;
    if (plan && strcmp(plan->path, argv->item[0]))
        quote_pair(before, "exec", plan->path);
    for (size_t i = 0; i < argv->count; i++)
        quote_kernel(after, argv->item[i]);
    words_free(&env);
}

static void add_arguments(struct tree *tree, struct closure *closure, const struct options *options)
{
    const char *cwd = work_folder(options);

    for (size_t i = 1; !options->no_files && i < options->argv.count; i++) {
        const char *word = options->argv.item[i];
        const char *value = strchr(word, '=');
        if (word[0] != '-')
            named_argument(tree, closure, cwd, word);
        if (value)
            named_argument(tree, closure, cwd, value + 1);
    }
}

static void add_extras(struct tree *tree, struct closure *closure, const struct options *options)
{
    char path[PATH_MAX];
    struct stat st;

    for (size_t i = 0; i < options->add.count; i++) {
        const char *word = options->add.item[i];
        if (!path_join(path, own_folder(), word) || root_stat(&tree->root, path, NULL, &st))
            die(STATUS_FAILED, "--add %s: no such file or folder", word);
        if (named_never(path))
            die(STATUS_FAILED, "--add %s: cannot be put into an image", word);
        named_add(tree, closure, path, UINT64_MAX);
    }
    for (size_t i = 0; i < options->packages.count; i++)
        if (!closure_package(closure, options->packages.item[i]))
            die(STATUS_FAILED, "--package %s: no such package is installed",
                options->packages.item[i]);
}

/* system(3) and popen(3) of whatever links the C library start /bin/sh. */
static void add_shell(struct tree *tree, struct closure *closure)
{
    if (tree_has(tree, "/usr/lib/x86_64-linux-gnu/libc.so.6") ||
        tree_has(tree, "/lib/x86_64-linux-gnu/libc.so.6"))
        closure_file(closure, "/bin/sh");
}

static const char *library_path(const struct options *options)
{
    struct words env = {0};

    asked_environment(options, &env);
    const char *path = variable(&env, "LD_LIBRARY_PATH");
    return path && *path ? path : NULL;
}

/* A tree of this system: the program and what it needs. */
static void gather_host(const struct options *options, struct tree *tree, struct plan *plan)
{
    struct program program;
    struct words env = {0};

    environment(options, &env);
    const char *search = getenv("PATH");
    program_find(&program, tree, &options->argv, search ? search : STANDARD_PATH, own_folder());
    struct closure *closure = closure_new(tree, library_path(options));
    for (size_t i = 0; i + 1 < program.hops.count; i++)
        closure_file(closure, program.hops.item[i]);
    closure_program(closure, program.path, program.hops.item[0]);
    add_arguments(tree, closure, options);
    add_extras(tree, closure, options);
    called_add(tree, closure, &program, search ? search : STANDARD_PATH,
               options->no_files ? NULL : work_folder(options));
    closure_finish(closure);
    add_shell(tree, closure);
    closure_finish(closure);
    essentials_add(tree, closure, program.path, options->hostname);
    tree_folder(tree, work_folder(options), 0755);
    tree_folder(tree, home_folder(options), 0755);
    plan->path = program.path;
    plan->argv = program.argv;
}

/* A tree of a whole folder. */
static void gather_root(const struct options *options, struct tree *tree, struct plan *plan)
{
    struct program program;
    struct words env = {0};
    char real[PATH_MAX];
    struct stat st;

    environment(options, &env);
    program_find(&program, tree, &options->argv, variable(&env, "PATH"), work_folder(options));
    closure_check(tree, program.path, library_path(options));
    int fault = tree_add_all(tree, "/", UINT64_MAX);
    if (fault)
        die(STATUS_FAILED, "--root %s: %s", options->root, strerror(-fault));
    essentials_folders(tree);
    if (options->workdir && root_stat(&tree->root, options->workdir, real, &st))
        tree_folder(tree, options->workdir, 0755);
    plan->path = program.path;
    plan->argv = program.argv;
}

/* The root's folder as an absolute path, "" for the host's own. */
static const char *root_folder(const struct options *options)
{
    struct stat st;

    if (!options->root)
        return "";
    char *folder = realpath(options->root, NULL);
    if (!folder || stat(folder, &st))
        die(STATUS_FAILED, "--root %s: %s", options->root, strerror(errno));
    if (!S_ISDIR(st.st_mode))
        die(STATUS_FAILED, "--root %s: is not a folder", options->root);
    return strcmp(folder, "/") ? folder : "";
}

static void gather_tree(const struct options *options, struct tree *tree, struct plan *plan)
{
    tree_start(tree, root_folder(options));
    if (options->root)
        gather_root(options, tree, plan);
    else
        gather_host(options, tree, plan);
}

static void hash_word(struct sha256 *sha, const char *word)
{
    sha256_add(sha, word ? word : "", word ? strlen(word) + 1 : 1);
}

static void hash_words(struct sha256 *sha, const struct words *words)
{
    for (size_t i = 0; i < words->count; i++)
        hash_word(sha, words->item[i]);
    sha256_add(sha, "\n", 1);
}

/* Names all that the plan depends on apart from the state of files; the tool itself included. */
static void request_name(const struct options *options, char name[33])
{
    struct words env = {0};
    struct sha256 sha;
    struct stat st;
    char tool[64] = "";

    if (!stat("/proc/self/exe", &st))
        snprintf(tool, sizeof tool, "%lld.%09ld", (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    environment(options, &env);
    sha256_start(&sha);
    hash_word(&sha, tool);
    hash_word(&sha, own_folder());
    hash_word(&sha, getenv("PATH"));
    hash_word(&sha, root_folder(options));
    hash_word(&sha, work_folder(options));
    hash_word(&sha, options->no_files ? "no-files" : "");
    hash_word(&sha, options->hostname);
    hash_words(&sha, &env);
    hash_words(&sha, &options->add);
    hash_words(&sha, &options->packages);
    hash_words(&sha, &options->argv);
    sha256_name(&sha, name);
    words_free(&env);
}

void gather_run(const struct options *options, struct plan *plan)
{
    struct tree tree;
    char name[33];

    request_name(options, name);
    if (plan_load(plan, name))
        return;
    *plan = (struct plan){0};
    gather_tree(options, &tree, plan);
    cache_image(&tree, plan->image);
    plan_store(plan, name, &tree);
}

void gather_build(const struct options *options)
{
    struct tree tree;
    struct plan plan = {0};
    struct text before = {0}, after = {0};
    char name[33];

    gather_tree(options, &tree, &plan);
    gather_words(options, &plan, &before, &after);
    text_format(&before, " -- %s\n", after.data);
    tree_file(&tree, "/.osprey/cmdline", 0644, before.data, before.size);
    tree_name(&tree, name);
    bool alone = options->format == FORMAT_IMAGE; /* else the output may be a device */
    char *temporary = formatted("%s%s.new.%d", alone ? "" : cache_folder(),
                                alone ? options->output : "/build", getpid());
    scratch(temporary);
    image_write(&tree, temporary, cache_folder(), name);
    if (!alone) {
        before.data[--before.size] = 0; /* without its newline */
        format_write(options->format, options->compress, temporary, before.data, options->output);
        unlink(temporary);
        return;
    }
    if (rename(temporary, options->output))
        die(STATUS_FAILED, "%s: %s", options->output, strerror(errno));
    scratch_keep(temporary);
    free(temporary);
}
