/* linux/procfs_fd.c: /proc/PID/fd and /proc/PID/fdinfo (man 5 proc).
 *
 * What lies in them is known by the thread whose table it is (key) and the descriptor (subkey). */
#include "core/boot.h"
#include "fs/mount.h"
#include "linux/procfs.h"
#include "lib/string.h"
#include "linux/fd.h"

enum { FD_NAME_MAX = 7, INFO_MAX = 1024, CLOEXEC_SHOWN = O_CLOEXEC };

/* --- finding --- */

/* The thread that a folder is about: its own number, or any thread of the process. */
static struct task *thread_of(const struct pseudo *folder)
{
    struct task *task = task_find((int)folder->subkey);
    struct process *process;

    if (task || folder->subkey != folder->key)
        return task;
    process = process_find((int)folder->key);
    return process ? process->leader : NULL;
}

/* A thread's table with a reference, or NULL. */
static struct fd_table *table_get(int tid)
{
    struct fd_table *table;
    struct task *task;

    rcu_read_lock();
    task = task_find(tid);
    table = task ? fd_table_of(task) : NULL;
    rcu_read_unlock();
    return table;
}

static struct fd_table *folder_table(const struct pseudo *folder, int *tid)
{
    struct task *task;

    rcu_read_lock();
    task = thread_of(folder);
    *tid = task ? task->tid : 0;
    rcu_read_unlock();
    return *tid ? table_get(*tid) : NULL;
}

/* The file that a link or an fdinfo file is about, with a reference. */
static struct file *file_of(const struct pseudo *self, bool *cloexec)
{
    struct fd_table *table = table_get((int)self->key);
    struct file *file = NULL;

    if (!table)
        return NULL;
    file = fd_look(table, (unsigned)self->subkey);
    *cloexec = fd_look_cloexec(table, (unsigned)self->subkey);
    fd_table_put(table);
    return file;
}

/* --- one descriptor --- */

static int follow_link(const struct pseudo *self, struct path *place)
{
    bool cloexec;
    struct file *file = file_of(self, &cloexec);

    if (!file)
        return -ENOENT;
    *place = file->path;
    path_get(place);
    file_put(file);
    return 0;
}

static void own(int tid, struct attributes *attr)
{
    struct task *task;
    int pid;

    rcu_read_lock();
    task = task_find(tid);
    pid = task ? task->process->pid : 0;
    rcu_read_unlock();
    attr->uid = attr->gid = 0;
    proc_source->owner(pid, attr);
}

static void link_attr(const struct pseudo *self, struct attributes *attr)
{
    bool cloexec;
    struct file *file = file_of(self, &cloexec);

    own((int)self->key, attr);
    attr->size = 64; /* as Linux has it */
    attr->mode = S_IFLNK | 0100;
    if (!file)
        return;
    attr->mode |= (file_readable(file) ? 0400 : 0) | (file_writable(file) ? 0200 : 0);
    file_put(file);
}

static int show_info(struct text *text, const struct pseudo *self)
{
    bool cloexec;
    struct file *file = file_of(self, &cloexec);
    char more[INFO_MAX];
    int n;

    if (!file)
        return -ENOENT;
    text_printf(text, "pos:\t%ld\nflags:\t0%o\nmnt_id:\t%u\nino:\t%lu\n",
                file->seekable ? (long)file->pos : 0l,
                atomic_load_explicit(&file->flags, memory_order_relaxed) |
                    (cloexec ? CLOEXEC_SHOWN : 0),
                file->path.mount->id, file->path.dentry->inode->ino);
    if (file->ops->fdinfo) {
        n = file->ops->fdinfo(file, more, sizeof(more));
        if (n > 0)
            text_put(text, more, MIN((size_t)n, sizeof(more) - 1));
    }
    file_put(file);
    return 0;
}

bool proc_own_folder(const struct pseudo *self)
{
    return is_task(current) && current_process()->pid == (int)self->key;
}

/* --- the folders --- */

static const struct pseudo_entry link_entry = {
    .name = "FD",
    .mode = S_IFLNK | 0700,
    .flags = INODE_GUARDED,
    .special = PSEUDO_SPECIAL(.follow = follow_link, .attr = link_attr),
};
static const struct pseudo_entry info_entry = {
    .name = "FD",
    .mode = S_IFREG | 0444,
    .show = show_info,
};

/* "0", "17": the number, or -1. */
static int descriptor(const char *name)
{
    uint64_t n;

    if (!name[0] || strlen(name) > FD_NAME_MAX || (name[0] == '0' && name[1]) ||
        parse_u64(name, 10, &n) < 0)
        return -1;
    return (int)n;
}

static int lookup(const struct pseudo *self, const char *name, struct pseudo *child)
{
    const struct pseudo_entry *entry = (const struct pseudo_entry *)self->entry->arg;
    int fd = descriptor(name), tid;
    struct fd_table *table = fd < 0 ? NULL : folder_table(self, &tid);
    struct file *file = table ? fd_look(table, (unsigned)fd) : NULL;

    if (table)
        fd_table_put(table);
    if (!file)
        return -ENOENT;
    file_put(file);
    *child = (struct pseudo){entry, (uint64_t)tid, (uint64_t)fd};
    return 0;
}

/* The cursor is one above the descriptor. */
static bool next(const struct pseudo *self, uint64_t *cursor, char name[NAME_MAX + 1],
                 struct pseudo *child)
{
    const struct pseudo_entry *entry = (const struct pseudo_entry *)self->entry->arg;
    unsigned fd = (unsigned)*cursor;
    int tid;
    struct fd_table *table = folder_table(self, &tid);
    struct file *file = table ? fd_next(table, &fd) : NULL;

    if (table)
        fd_table_put(table);
    if (!file)
        return false;
    file_put(file);
    *cursor = fd + 1ull;
    snprintf(name, NAME_MAX + 1, "%u", fd);
    *child = (struct pseudo){entry, (uint64_t)tid, fd};
    return true;
}

#define FOLDER(file, permission, of)                                                               \
    {                                                                                              \
        .name = (file), .mode = S_IFDIR | (permission), .special = &folder_special,                \
        .arg = (uintptr_t)(of)                                                                     \
    }
static const struct pseudo_special folder_special = {
    .allows = proc_own_folder, .lookup = lookup, .next = next};
static const struct pseudo_entry folders[] = {
    FOLDER("fd", 0500, &link_entry),
    FOLDER("fdinfo", 0555, &info_entry),
};
PROC_PID_FILES(folders, PROC_PROCESS | PROC_THREAD);
