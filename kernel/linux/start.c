/* linux/start.c: the first process, out of the boot parameters (docs/host-guest.md). */
#include "arch/x86_64/context.h"
#include "core/boot.h"
#include "core/log.h"
#include "core/tick.h"
#include "drivers/console/control.h"
#include "drivers/console/stdio.h"
#include "lib/string.h"
#include "linux/exec.h"
#include "linux/start.h"
#include "mm/heap.h"

enum { STATUS_FAILED = 125, STATUS_NOT_EXECUTABLE = 126, STATUS_NOT_FOUND = 127 };
enum { ALL_CAPABILITIES = 41 };

void (*program_starting_hook)(void);

static __noreturn void cannot_start(int status, const char *what, int error)
{
    char text[300];

    snprintf(text, sizeof(text), "%s: %s", what, errno_text(error));
    control_report_exit(CONTROL_ERROR, status, text);
}

static int exec_status(int error)
{
    switch (error) {
    case -ENOENT:
    case -ENOTDIR:
        return STATUS_NOT_FOUND;
    case -ENOMEM:
        return STATUS_FAILED;
    default:
        return STATUS_NOT_EXECUTABLE;
    }
}

static int open_stdio(void)
{
    for (int fd = 0; fd < 3; fd++) {
        struct file *file;
        int error = stdio_open(fd, &file);

        if (error)
            return error;
        error = fd_install_at(fd, file, false);
        if (error < 0)
            return error;
    }
    return 0;
}

static int change_to(struct fs_context *fs, const char *name)
{
    struct path place;
    int error = vfs_lookup(NULL, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &place);

    if (error)
        return error;
    path_put(&fs->cwd);
    fs->cwd = place;
    return 0;
}

/* Do two words NAME=VALUE have the same name? */
static bool same_variable(const char *a, const char *b)
{
    while (*a && *a == *b && *a != '=') {
        a++;
        b++;
    }
    return (!*a || *a == '=') && (!*b || *b == '=');
}

/* Where the variable of `word` stands among the n of envp, or n. */
static unsigned variable_at(char *const *envp, unsigned n, const char *word)
{
    unsigned i = 0;

    while (i < n && !same_variable(envp[i], word))
        i++;
    return i;
}

/* The words `env=`, in order, ended by NULL; a later one takes the place of an earlier one of the
 * same name. */
static char *const *environment(void)
{
    unsigned words = 0, n = 0;
    char **envp;

    while (boot_param_nth("env", words))
        words++;
    envp = kcalloc(words + 1, sizeof(*envp));
    for (unsigned i = 0; envp && i < words; i++) {
        char *word = (char *)boot_param_nth("env", i);
        unsigned at = variable_at(envp, n, word);

        envp[at] = word;
        n += at == n;
    }
    return envp;
}

static bool has_slash(const char *name)
{
    return strchr(name, '/') != NULL;
}

/* A name without a slash is looked up as a shell does, in the environment's PATH. */
static int find_program(const char *name, char *const *envp, char *buf, size_t size)
{
    const char *path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    int error = -ENOENT;

    if (has_slash(name))
        return strlcpy(buf, name, size) < size ? 0 : -ENAMETOOLONG;
    for (; envp && *envp; envp++)
        if (!strncmp(*envp, "PATH=", 5))
            path = *envp + 5;
    while (*path) {
        const char *end = strchr(path, ':') ?: path + strlen(path);
        struct path place;

        snprintf(buf, size, "%.*s/%s", (int)(end - path), path, name);
        if (vfs_lookup(NULL, buf, LOOKUP_FOLLOW, &place) == 0) {
            bool found = (place.dentry->inode->mode & (S_IFMT | 0111)) > S_IFREG;

            path_put(&place);
            if (found)
                return 0;
            error = -EACCES;
        }
        path = *end ? end + 1 : end;
    }
    return error;
}

static void load_program(struct task *task)
{
    char *const *envp = environment();
    char *const *argv;
    const char *name;
    char path[512];
    unsigned argc;
    int error;

    argv = boot_argv(&argc);
    name = boot_program();
    if (!name)
        cannot_start(STATUS_FAILED, "no program on the command line", 0);
    error = envp ? find_program(name, envp, path, sizeof(path)) : -ENOMEM;
    if (!error)
        error = exec_program(path, argv, envp, &task->start_regs);
    kfree((void *)envp);
    if (error)
        cannot_start(exec_status(error), name, error);
}

/* The first thread begins. */
static void begin(struct task *task)
{
    const char *cwd = boot_param("cwd") ?: "/";
    int error;

    control_start();
    error = open_stdio();

    if (error)
        cannot_start(STATUS_FAILED, "standard input and output", error);
    error = change_to(task->fs, cwd);
    if (error)
        cannot_start(STATUS_FAILED, cwd, error);
    load_program(task);
    control_send_line("started");
    if (program_starting_hook)
        program_starting_hook();
    tick_start(this_cpu()->rq);
}

static void first_credentials(struct credentials *cred)
{
    uint64_t all = (1ull << ALL_CAPABILITIES) - 1;

    cred->uid = cred->euid = cred->suid = cred->fsuid = (uint32_t)boot_param_u64("uid", 0);
    cred->gid = cred->egid = cred->sgid = cred->fsgid = (uint32_t)boot_param_u64("gid", 0);
    cred->cap_bounding = all;
    if (cred->uid == 0)
        cred->cap_effective = cred->cap_permitted = all;
}

static int first_task(struct process *process, struct task **made)
{
    struct task *task;
    int error = task_create(process, NULL, 0, &task);

    if (error)
        return error;
    task->fds = fd_table_create();
    task->fs = fs_context_create();
    if (!task->fds || !task->fs) {
        task_discard(task);
        return -ENOMEM;
    }
    task->fs->umask = (uint32_t)boot_param_u64("umask", 022) & 0777;
    task_use_folders(task, task->fs);
    first_credentials(&task->cred);
    task->begin = begin;
    *made = task;
    return 0;
}

static int start_program(void)
{
    struct signal_actions *actions;
    struct task *task;
    int error;

    actions = signal_actions_create(NULL);
    error = actions ? process_create(NULL, actions, 0, &first_process) : -ENOMEM;
    if (error)
        return error;
    first_process->space = address_space_create();
    error = first_process->space ? first_task(first_process, &task) : -ENOMEM;
    if (!error)
        error = task_publish(task);
    if (error)
        cannot_start(STATUS_FAILED, "the first process", error);
    thread_start(&task->thread);
    return 0;
}
BOOT_STEP(PHASE_PROGRAM, "program", start_program);
