/* linux/procfs_links.c: exe, cwd and root of /proc/PID. */
#include "lib/string.h"
#include "linux/path.h"
#include "linux/procfs.h"
#include "mm/heap.h"

static int follow_exe(const struct pseudo *self, struct path *place)
{
    struct subject s;
    int error = subject_get(self, &s);

    if (error)
        return error;
    if (s.process->executable) {
        *place = s.process->executable->path;
        path_get(place);
    } else {
        error = -ENOENT;
    }
    subject_put(&s);
    return error;
}

static int follow_fs(const struct pseudo *self, struct path *place, bool root)
{
    struct subject s;
    int error = subject_get(self, &s);

    if (error)
        return error;
    if (s.task->fs) {
        mutex_lock(&s.task->fs->lock);
        *place = root ? s.task->fs->root : s.task->fs->cwd;
        path_get(place);
        mutex_unlock(&s.task->fs->lock);
    } else {
        error = -ENOENT;
    }
    subject_put(&s);
    return error;
}

static int follow_cwd(const struct pseudo *self, struct path *place)
{
    return follow_fs(self, place, false);
}

static int follow_root(const struct pseudo *self, struct path *place)
{
    return follow_fs(self, place, true);
}

/* The target of a magic link as readlink(2) gives it. */
static int show_place(struct text *text, const struct pseudo *self)
{
    char *buf = kmalloc(PATH_MAX), *name = NULL;
    struct path place;
    int error = buf ? self->entry->special->follow(self, &place) : -ENOMEM;

    if (!error) {
        name = path_name(&place, buf, PATH_MAX);
        path_put(&place);
        error = name ? 0 : -ENAMETOOLONG;
    }
    if (!error)
        text_printf(text, "%s", name);
    kfree(buf);
    return error;
}

#define PLACE(file, fn)                                                                            \
    {                                                                                              \
        .name = (file), .mode = S_IFLNK | 0777, .flags = INODE_GUARDED, .show = show_place,        \
        .special = PSEUDO_SPECIAL(.follow = (fn))                                                  \
    }

static const struct pseudo_entry files[] = {
    PLACE("exe", follow_exe),
    PLACE("cwd", follow_cwd),
    PLACE("root", follow_root),
};
PROC_PID_FILES(files, PROC_PROCESS | PROC_THREAD);
