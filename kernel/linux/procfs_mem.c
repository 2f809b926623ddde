/* linux/procfs_mem.c: /proc/PID/mem: a process's memory as a file, for debuggers and those who look
 * at themselves. As on Linux, protection does not count: what is mapped can be read and, private
 * pages being copied first, written. */
#include "core/boot.h"
#include "core/thread.h"
#include "fs/procfs.h"
#include "lib/string.h"
#include "linux/patch.h"
#include "linux/ptrace.h"
#include "linux/task.h"
#include "mm/frame.h"
#include "mm/heap.h"

enum { SEEK_SET = 0, SEEK_CUR = 1 };

/* As it was compiled, where call sites have been patched. */
static size_t put_code(struct address_space *space, struct io *io, uintptr_t at, const char *bytes,
                       size_t n)
{
    char *copy;
    size_t moved;

    if (likely(!atomic_load_explicit(&space->code_notes, memory_order_relaxed)))
        return io_put(io, bytes, n);
    copy = kmalloc(n);
    if (!copy)
        return 0;
    memcpy(copy, bytes, n);
    patch_hide(space, at, copy, n);
    moved = io_put(io, copy, n);
    kfree(copy);
    return moved;
}

static int64_t move_page(struct address_space *space, struct io *io, uintptr_t at, bool write)
{
    size_t n = MIN(io->left, PAGE_SIZE - (at & ~PAGE_MASK));
    paddr_t frame;
    int error = address_space_pin(space, at, write, &frame);

    if (error)
        return -EIO;
    char *bytes = (char *)phys_to_virt(frame) + (at & ~PAGE_MASK);
    size_t moved = write ? io_get(io, bytes, n) : put_code(space, io, at, bytes, n);

    frame_put(frame);
    return moved ? (int64_t)moved : -EFAULT;
}

static ssize_t move(struct file *file, struct io *io, off_t *pos, bool write)
{
    size_t done = 0;
    int64_t moved = 0;

    while (io->left) {
        moved = move_page(file->data, io, (uintptr_t)*pos, write);
        if (moved < 0 || thread_interrupted(current))
            break;
        done += (size_t)moved;
        *pos += moved;
        thread_resched_point();
    }
    return done ? (ssize_t)done : moved;
}

static ssize_t read_memory(struct file *file, struct io *io, off_t *pos)
{
    return move(file, io, pos, false);
}

static ssize_t write_memory(struct file *file, struct io *io, off_t *pos)
{
    return move(file, io, pos, true);
}

static off_t seek_memory(struct file *file, off_t offset, int whence)
{
    if (whence != SEEK_SET && whence != SEEK_CUR)
        return -EINVAL;
    return file->pos = whence == SEEK_CUR ? file->pos + offset : offset;
}

static void release_memory(struct file *file)
{
    address_space_put(file->data);
}

static const struct file_ops memory_ops = {
    .release = release_memory,
    .read = read_memory,
    .write = write_memory,
    .seek = seek_memory,
};

/* The file keeps the memory that the process has now. */
static int open_memory(const struct pseudo *self, struct file *file)
{
    struct process *process;
    int error = -ESRCH;

    mutex_lock(&tasks_lock);
    process = process_find((int)self->key);
    if (process) {
        mutex_lock(&process->lock);
        if (process->leader && ptrace_access(process->leader, false) < 0) {
            error = -EACCES;
        } else if (process->nthreads && process->space) {
            file->data = process->space;
            address_space_get(process->space);
            file->ops = &memory_ops;
            error = 0;
        }
        mutex_unlock(&process->lock);
    }
    mutex_unlock(&tasks_lock);
    return error;
}

static const struct pseudo_entry files[] = {
    {.name = "mem", .mode = S_IFREG | 0600, .special = PSEUDO_SPECIAL(.open = open_memory)},
};
PROC_PID_FILES(files, PROC_PROCESS | PROC_THREAD);
