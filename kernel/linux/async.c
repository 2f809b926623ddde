/* linux/async.c: O_ASYNC. A watcher hooks on the file's own wait queues, so that every file that
 * can be polled can tell its owner. */
#include "linux/async.h"

#include "core/boot.h"
#include "fs/notify.h"
#include "linux/path.h"
#include "linux/watch.h"
#include "mm/heap.h"
#include "net/socket.h"

enum { QUEUES_MAX = 2, POLL_IN = 1, POLL_OUT = 2, POLL_MSG = 3, POLL_ERR = 4, POLL_HUP = 6 };
enum { F_OWNER_TID, F_OWNER_PID, F_OWNER_PGRP };

struct async {
    struct file_watcher watcher;
    struct poll_table table;
    struct file *file;
    int fd;
    unsigned n;
    struct async_hook {
        struct waiter waiter;
        struct waitqueue *queue;
    } hooks[QUEUES_MAX];
};

static void fill(struct siginfo *info, const struct file *file, int fd, unsigned events)
{
    signal_simple(info, file->owner_sig ? (int)file->owner_sig : SIGIO);
    if (!file->owner_sig)
        return;
    info->code = events & POLLMSG   ? POLL_MSG
                 : events & POLLHUP ? POLL_HUP
                 : events & POLLERR ? POLL_ERR
                 : events & POLLOUT ? POLL_OUT
                                    : POLL_IN;
    info->poll.band = events;
    info->poll.fd = fd;
}

static void send_to_owner(const struct file *file, int id, struct siginfo *info)
{
    rcu_read_lock();
    if (file->owner_type == F_OWNER_PGRP) {
        signal_send_group(id, info);
    } else if (file->owner_type == F_OWNER_TID) {
        struct task *task = task_find(id);
        if (task)
            signal_send_task(task, info);
    } else {
        struct process *process = process_find(id);
        if (process)
            signal_send_process(process, info);
    }
    rcu_read_unlock();
}

static void tell_owner(const struct file *file, int fd, unsigned events)
{
    int id = (int)file->owner_pid;
    if (!id)
        return;
    struct siginfo info = {};
    fill(&info, file, fd, events);
    send_to_owner(file, id, &info);
}

/* Any context, under the queue's lock. */
static bool notify(struct waiter *waiter, unsigned events)
{
    struct async *async = waiter->data;
    tell_owner(async->file, async->fd, events);
    return false;
}

/* socket_urgent_hook. */
static void tell_urgent(struct file *file)
{
    int id = (int)file->owner_pid;
    if (!id)
        return;
    struct siginfo info = {};
    signal_simple(&info, SIGURG);
    send_to_owner(file, id, &info);
}

static int give_hook(void)
{
    socket_urgent_hook = tell_urgent;
    return 0;
}
BOOT_STEP(PHASE_FS, "urgent data", give_hook);

void file_tell_lease(struct file *file, int fd)
{
    tell_owner(file, fd, POLLIN | POLLRDNORM | POLLMSG);
}

static void hook_queue(struct poll_table *table, struct waitqueue *queue)
{
    struct async *async = container_of(table, struct async, table);
    if (async->n == QUEUES_MAX)
        return;
    struct async_hook *hook = &async->hooks[async->n++];
    hook->waiter = (struct waiter){.notify = notify, .data = async};
    hook->queue = queue;
    waitqueue_add(queue, &hook->waiter);
}

static void end(struct async *async)
{
    for (unsigned i = 0; i < async->n; i++)
        waitqueue_remove(async->hooks[i].queue, &async->hooks[i].waiter);
    watch_remove(async->file, &async->watcher);
    kfree(async);
}

static void gone(struct file_watcher *watcher, struct file *file)
{
    end(container_of(watcher, struct async, watcher));
}

/* The file's async watcher; under watch_mutex. */
static struct async *find(struct file *file)
{
    struct async *found = NULL;
    uint64_t flags = spin_lock_irq(&file->watchers_lock);
    list_for_each_entry (struct file_watcher, watcher, &file->watchers, link) {
        if (watcher->gone == gone)
            found = container_of(watcher, struct async, watcher);
    }
    spin_unlock_irq(&file->watchers_lock, flags);
    return found;
}

static int begin(struct file *file, int fd)
{
    struct async *async = kzalloc(sizeof(*async));
    if (!async)
        return -ENOMEM;
    async->file = file;
    async->fd = fd;
    async->watcher.gone = gone;
    async->table.wait = hook_queue;
    watch_add(file, &async->watcher);
    file_poll(file, &async->table);
    return 0;
}

/* Only streams tell: pipes, sockets, terminals. */
static bool can_tell(const struct file *file)
{
    uint32_t type = file->inode->mode & S_IFMT;
    return file->ops->poll &&
           (type == S_IFIFO || type == S_IFSOCK || type == S_IFCHR || inotify_is(file));
}

int file_set_async(struct file *file, int fd, bool on)
{
    int err = 0;
    if (!can_tell(file))
        return 0;
    mutex_lock(&watch_mutex);
    struct async *async = find(file);
    if (on && !async)
        err = begin(file, fd);
    else if (!on && async)
        end(async);
    if (!err && on)
        atomic_fetch_or(&file->flags, O_ASYNC);
    else if (!err)
        atomic_fetch_and(&file->flags, ~(unsigned)O_ASYNC);
    mutex_unlock(&watch_mutex);
    return err;
}
