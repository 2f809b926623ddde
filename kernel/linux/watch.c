#include "linux/watch.h"

#include "core/boot.h"

struct mutex watch_mutex;

void watch_add(struct file *file, struct file_watcher *watcher)
{
    uint64_t flags = spin_lock_irq(&file->watchers_lock);
    list_add_tail(&file->watchers, &watcher->link);
    spin_unlock_irq(&file->watchers_lock, flags);
}

void watch_remove(struct file *file, struct file_watcher *watcher)
{
    uint64_t flags = spin_lock_irq(&file->watchers_lock);
    list_del(&watcher->link);
    spin_unlock_irq(&file->watchers_lock, flags);
}

/* The oldest watcher, or NULL. */
static struct file_watcher *first(struct file *file)
{
    struct file_watcher *watcher = NULL;
    uint64_t flags = spin_lock_irq(&file->watchers_lock);
    if (!list_empty(&file->watchers))
        watcher = list_first(&file->watchers, struct file_watcher, link);
    spin_unlock_irq(&file->watchers_lock, flags);
    return watcher;
}

static void file_gone(struct file *file)
{
    struct file_watcher *watcher;
    mutex_lock(&watch_mutex);
    while ((watcher = first(file)))
        watcher->gone(watcher, file);
    mutex_unlock(&watch_mutex);
}

static int give_hook(void)
{
    vfs_file_gone_hook = file_gone;
    return 0;
}
BOOT_STEP(PHASE_FS, "watch", give_hook);
