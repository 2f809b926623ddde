/* linux/watch.h: who wants to know that an open file is going, without keeping it open: epoll,
 * O_ASYNC. Threads only; may sleep. */
#pragma once

#include "fs/vfs.h"

/* Embedded in its owner; in file->watchers while it watches. */
struct file_watcher {
    struct list link;
    /* The file's last reference is gone; take the watcher out with watch_remove(). Called with
     * watch_mutex held. */
    void (*gone)(struct file_watcher *watcher, struct file *file);
};

/* Over everything that ends watchers from the file's or from the owner's side. Taken before the
 * owner's lock. */
extern struct mutex watch_mutex;

/* At the end of the file's watchers; out of them. The watcher stays its owner's. */
void watch_add(struct file *file, struct file_watcher *watcher);
void watch_remove(struct file *file, struct file_watcher *watcher);
