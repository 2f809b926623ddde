/* linux/core_file.c: cores as files of the VM or into a pipe, by /proc/sys/kernel/core_pattern. */
#include "core/boot.h"
#include "core/clock.h"
#include "fs/procfs.h"
#include "lib/string.h"
#include "linux/core.h"
#include "linux/core_name.h"
#include "linux/path.h"
#include "linux/uts.h"
#include "mm/heap.h"
#include "mm/space.h"

enum { NAME_SIZE = PATH_MAX, WORDS_MAX = CORE_PATTERN_MAX / 2, NSEC = 1000000000 };

static char pattern[CORE_PATTERN_MAX] = "core";
static struct mutex pattern_lock;
static unsigned uses_pid, pipe_limit;

/* --- bytes to a file --- */

static int write_file(struct core_sink *sink, const void *bytes, size_t n)
{
    while (n) {
        struct iovec iov;
        struct io io = io_kernel(&iov, bytes, n);
        ssize_t done = file_write(sink->file, &io, sink->file->seekable ? &sink->pos : NULL);

        if (done <= 0)
            return done == 0 ? -EIO : done == -ERESTARTSYS ? -EINTR : (int)done;
        bytes = (const char *)bytes + done;
        n -= (size_t)done;
    }
    return 0;
}

static int skip_file(struct core_sink *sink, uint64_t n)
{
    int error = 0;

    if (sink->file->seekable) {
        sink->pos += (off_t)n;
        return 0;
    }
    while (n && !error) { /* a pipe */
        size_t part = MIN(n, (uint64_t)PAGE_SIZE);

        error = write_file(sink, zero_page, part);
        n -= part;
    }
    return error;
}

/* A hole at the end counts as well. */
static void close_file(struct core_sink *sink, int error)
{
    struct file *file = sink->file;

    if (!error && file->seekable && (uint64_t)sink->pos > file->inode->size)
        (void)file_truncate(file, (uint64_t)sink->pos);
    file_put(file);
    if (sink->helper)
        core_helper_wait(sink->helper);
}

static const struct core_sink_ops file_ops = {write_file, skip_file, close_file};

/* --- which file --- */

/* A file that may be trusted to be nobody else's: Linux' rules. */
static int check_file(struct file *file)
{
    const struct inode *inode = file->path.dentry->inode;

    if ((inode->mode & S_IFMT) != S_IFREG || inode->nlink > 1 || file->path.dentry->unhashed)
        return -EPERM;
    if (inode->uid != current_task()->cred.fsuid)
        return -EPERM;
    return 0;
}

/* The process is not dumpable to its user any more: the file is root's, and new. */
static int open_as_root(const char *name, int flags, struct file **file)
{
    struct task *task = current_task();
    struct credentials as_root = task->cred;
    int error;

    if (*name != '/')
        return -EPERM;
    as_root.fsuid = 0;
    task->caller.cred = &as_root;
    (void)vfs_unlink(NULL, name);
    error = vfs_open(NULL, name, flags | O_EXCL, 0600, 0, file);
    task->caller.cred = &task->cred;
    return error;
}

static int open_file(struct core_sink *sink, const char *name)
{
    const int flags = O_CREAT | O_RDWR | O_NOFOLLOW | O_LARGEFILE;
    bool root = current_process()->dumpable == DUMP_AS_ROOT;
    struct file *file;
    int error;

    sink->limit = current_process()->limits[LIMIT_CORE][0];
    if (sink->limit < CORE_PAGE)
        return -ENOENT;
    error = root ? open_as_root(name, flags, &file) : vfs_open(NULL, name, flags, 0600, 0, &file);
    if (error)
        return error;
    if (!root)
        error = check_file(file);
    if (!error)
        error = file_truncate(file, 0);
    if (error) {
        file_put(file);
        return error;
    }
    sink->file = file;
    sink->ops = &file_ops;
    return 0;
}

static int open_pipe(struct core_sink *sink, char *text, int nwords)
{
    char *words[WORDS_MAX + 1] = {};
    int pid;

    if (current_process()->limits[LIMIT_CORE][0] == 1)
        return -EPERM; /* Linux: a helper that itself dumped core must not start another */
    for (int i = 0; i < nwords && i < WORDS_MAX; i++) {
        words[i] = text;
        text += strlen(text) + 1;
    }
    pid = core_helper_start(words, &sink->file);
    if (pid < 0)
        return pid;
    if (pipe_limit || current_process() == first_process) /* the machine would end before it */
        sink->helper = pid;
    sink->ops = &file_ops;
    return 0;
}

static int expand(int signo, bool *pipe, char *name)
{
    const struct task *task = current_task();
    const struct process *process = task->process;
    struct core_names names = {
        .pid = process->pid,
        .tid = task->tid,
        .signo = signo,
        .dumpable = process->dumpable,
        .cpu = (int)task->thread.cpu->id,
        .uid = task->cred.uid,
        .gid = task->cred.gid,
        .time = (uint64_t)clock_realtime() / NSEC,
        .limit = process->limits[LIMIT_CORE][0],
        .host = uts.nodename,
        .comm = task->thread.name,
        .exe = process->exe_name,
        .uses_pid = uses_pid,
    };
    int words;

    mutex_lock(&pattern_lock);
    words = core_name(pattern, &names, pipe, name, NAME_SIZE);
    mutex_unlock(&pattern_lock);
    return words < 0 ? -ENAMETOOLONG : words == 0 ? -ENOENT : words;
}

int core_file_open(struct core_sink *sink, int signo)
{
    char *name = kmalloc(NAME_SIZE);
    int words = name ? 0 : -ENOMEM, error;
    bool pipe = false;

    if (!words)
        words = expand(signo, &pipe, name);
    error = words < 0 ? words : pipe ? open_pipe(sink, name, words) : open_file(sink, name);
    kfree(name);
    return error;
}

bool core_file_wanted(void)
{
    return __atomic_load_n(pattern, __ATOMIC_RELAXED) == '|' ||
           current_process()->limits[LIMIT_CORE][0] >= CORE_PAGE;
}

/* --- /proc/sys/kernel, /proc/sys/fs --- */

static int show_pattern(struct text *text, const struct pseudo *self)
{
    mutex_lock(&pattern_lock);
    text_printf(text, "%s\n", pattern);
    mutex_unlock(&pattern_lock);
    return 0;
}

static int store_pattern(const struct pseudo *self, const char *text, size_t len)
{
    if (!capable(CAP_SYS_ADMIN))
        return -EPERM;
    len = MIN(strnlen(text, len), (size_t)CORE_PATTERN_MAX - 1);
    while (len && text[len - 1] == '\n')
        len--;
    if (len && text[0] == '|' && text[1] != '/') /* Linux: the program's path is absolute */
        return -EINVAL;
    mutex_lock(&pattern_lock);
    memcpy(pattern, text, len);
    pattern[len] = 0;
    mutex_unlock(&pattern_lock);
    return 0;
}

static int show_number(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%u\n", *(unsigned *)self->entry->arg);
    return 0;
}

static int store_number(const struct pseudo *self, const char *text, size_t len)
{
    uint64_t value, most = self->entry->arg == (uintptr_t)&suid_dumpable ? DUMP_AS_ROOT : INT32_MAX;
    int error = proc_parse_u64(text, len, 10, most, &value);

    if (!error)
        *(unsigned *)self->entry->arg = (unsigned)value;
    return error;
}

#define NUMBER(file, variable)                                                                     \
    {                                                                                              \
        .name = (file), .mode = S_IFREG | 0644, .show = show_number, .store = store_number,        \
        .arg = (uintptr_t) & (variable)                                                            \
    }
static const struct pseudo_entry kernel_files[] = {
    {.name = "core_pattern", .mode = S_IFREG | 0644, .show = show_pattern, .store = store_pattern},
    NUMBER("core_uses_pid", uses_pid),
    NUMBER("core_pipe_limit", pipe_limit),
};
static const struct pseudo_entry fs_files[] = {NUMBER("suid_dumpable", suid_dumpable)};

static int register_files(void)
{
    static struct pseudo_group groups[] = {
        {kernel_files, ARRAY_SIZE(kernel_files), NULL},
        {fs_files, ARRAY_SIZE(fs_files), NULL},
    };

    pseudo_register_group(proc_folder("sys/kernel"), &groups[0]);
    pseudo_register_group(proc_folder("sys/fs"), &groups[1]);
    return 0;
}
BOOT_STEP(PHASE_FS, "/proc/sys core dumps", register_files);
