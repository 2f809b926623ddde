/* linux/core_helper.c: a program that the kernel starts (to take a core, to make a key): a child of
 * process 1 that nobody waits for, root's, with nothing open but a pipe, if any. */
#include "core/log.h"
#include "fs/pipe.h"
#include "lib/string.h"
#include "linux/core.h"
#include "linux/family.h"
#include "linux/keys.h"
#include "linux/start.h"
#include "mm/heap.h"

enum { CAPABILITIES = 41, STATUS_NOT_FOUND = 127 << 8, WORDS = CORE_ARGS };

/* What the new thread begins with; freed by it. */
struct start {
    struct file *input;    /* NULL: none */
    struct keyrings *keys; /* NULL: none; the task's once there is one */
    char **words;          /* in one block with their bytes */
};

static void put_keys(struct keyrings *keys)
{
    keys_lock();
    keyrings_put(keys);
    keys_unlock();
}

static void start_free(struct start *start)
{
    if (start->keys)
        put_keys(start->keys);
    kfree((void *)start->words);
    kfree(start);
}

static void begin(struct task *task)
{
    static char *const environment[] = {"HOME=/", "TERM=linux",
                                        "PATH=/sbin:/bin:/usr/sbin:/usr/bin", NULL};
    struct start *start = (struct start *)task->start_regs.rdi;
    int error = start->input ? fd_install_at(0, start->input, false) : 0;

    if (error >= 0)
        error = exec_program(start->words[0], start->words, environment, &task->start_regs);
    else
        file_put(start->input);
    if (error < 0)
        log_warning("helper: %s: %s", start->words[0], errno_text(error));
    start_free(start);
    if (error < 0)
        process_exit_group(STATUS_NOT_FOUND);
}

static struct start *copy_words(char *const *words)
{
    struct start *start = kzalloc(sizeof(*start));
    size_t n = 0, bytes = 0;
    char *at;

    while (words[n])
        bytes += strlen(words[n++]) + 1;
    if (start)
        start->words = kmalloc((n + 1) * sizeof(char *) + bytes);
    if (!start || !start->words) {
        kfree(start);
        return NULL;
    }
    at = (char *)(start->words + n + 1);
    for (size_t i = 0; i < n; i++) {
        start->words[i] = at;
        at += strlcpy(at, words[i], strlen(words[i]) + 1) + 1;
    }
    start->words[n] = NULL;
    return start;
}

static struct process *make_process(void)
{
    struct signal_actions *actions = signal_actions_create(NULL);
    struct process *process;

    if (!actions)
        return NULL;
    if (process_create(NULL, actions, 0, &process) < 0) {
        signal_actions_put(actions);
        return NULL;
    }
    process->helper_of = current_process()->pid;
    /* Linux marks helpers so: one that crashes starts no other. */
    process->limits[LIMIT_CORE][0] = process->limits[LIMIT_CORE][1] = 1;
    process->space = address_space_create();
    if (process->space)
        return process;
    process_free(process);
    return NULL;
}

static struct task *make_task(struct process *process, struct start *start)
{
    uint64_t all = (1ull << CAPABILITIES) - 1;
    struct task *task;

    if (task_create(process, NULL, 0, &task) < 0)
        return NULL;
    task->fds = fd_table_create();
    task->fs = fs_context_create();
    if (!task->fds || !task->fs) {
        task_discard(task);
        return NULL;
    }
    task_use_folders(task, task->fs);
    task->cred.cap_bounding = task->cred.cap_effective = task->cred.cap_permitted = all;
    task->keys = start->keys;
    start->keys = NULL;
    task->begin = begin;
    task->start_regs.rdi = (uint64_t)start;
    return task;
}

/* Into the family as an orphan: it goes without being waited for. */
static int publish(struct process *process, struct task *task)
{
    int error;

    mutex_lock(&tasks_lock);
    family_add(process, first_process, first_process->pid);
    process->adopted = true;
    process->exit_signal = 0;
    process->tty = NULL;
    process->pgid = process->sid = process->pid;
    error = task_publish(task);
    if (error)
        family_remove(process);
    mutex_unlock(&tasks_lock);
    return error;
}

static int start_process(struct start *start)
{
    struct process *process = make_process();
    struct task *task = process ? make_task(process, start) : NULL;
    int error = task ? publish(process, task) : -ENOMEM, pid;

    if (!error) {
        pid = process->pid;
        thread_start(&task->thread);
        return pid;
    }
    if (task)
        task_discard(task);
    if (process) {
        address_space_put(process->space);
        process_free(process);
    }
    return error;
}

int core_helper_start(char *const *words, struct file **file)
{
    struct start *start = copy_words(words);
    int error = start ? pipe_create(0, &start->input, file) : -ENOMEM;

    if (error) {
        if (start)
            start_free(start);
        return error;
    }
    struct file *input = start->input;
    int pid = start_process(start);

    if (pid < 0) {
        file_put(input);
        file_put(*file);
        start_free(start);
    }
    return pid;
}

static bool is_alive(int pid)
{
    struct process *process;
    bool alive;

    rcu_read_lock();
    process = process_find(pid);
    alive = process && !process->zombie;
    rcu_read_unlock();
    return alive;
}

int kernel_program_run(char *const *words, struct keyrings *keys)
{
    struct start *start = copy_words(words);
    struct path place;
    int error = start ? vfs_lookup(&vfs_root, words[0], LOOKUP_FOLLOW, &place) : -ENOMEM;

    if (start)
        start->keys = keys;
    else
        put_keys(keys);
    if (!error)
        path_put(&place);
    int pid = error ?: start_process(start);

    if (pid >= 0) {
        core_helper_wait(pid);
        return 0;
    }
    if (start)
        start_free(start);
    return pid;
}

void core_helper_wait(int pid)
{
    struct process *me = current_process();

    (void)WAIT_EVENT(&me->exit_wait,
                     !is_alive(pid) || atomic_load_explicit(&me->exiting, memory_order_acquire), 0,
                     NSEC_FOREVER);
}
