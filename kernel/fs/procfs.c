/* fs/procfs.c: /proc: processes by number, and folders for others to fill. The general files are in
 * proc_info.c, proc_cpu.c and proc_sys.c. */
#include "fs/procfs.h"

#include "core/boot.h"
#include "fs/dentry.h"
#include "fs/mount.h"
#include "lib/string.h"
#include "mm/heap.h"

enum { PROC_MAGIC = 0x9fa0 };

const struct proc_source *proc_source;

/* --- threads and processes */

static void owner(const struct pseudo *self, struct attributes *attr)
{
    attr->uid = attr->gid = 0;
    if (proc_source)
        proc_source->owner((int)self->key, attr);
}

static int list_mounts(struct text *text, const struct pseudo *self, bool info);

static int show_mounts(struct text *text, const struct pseudo *self)
{
    return list_mounts(text, self, false);
}

static int show_mountinfo(struct text *text, const struct pseudo *self)
{
    return list_mounts(text, self, true);
}

/* man 5 proc: a change is told once, as an error and as something urgent. */
static unsigned poll_mounts(const struct pseudo *self, struct poll_table *table, unsigned *seen)
{
    poll_wait(table, &mounts_wait);
    unsigned now = atomic_load_explicit(&mounts_changes, memory_order_acquire), before = *seen;
    *seen = now;
    return POLLIN | POLLRDNORM | (before != now ? POLLERR | POLLPRI : 0);
}

static int show_mountstats(struct text *text, const struct pseudo *self)
{
    struct text lines = {};
    int err = list_mounts(&lines, self, false);
    for (char *at = lines.buf, *end = at + lines.len; at && at < end;) {
        char *place = strchr(at, ' '), *type = place ? strchr(place + 1, ' ') : NULL;
        char *options = type ? strchr(type + 1, ' ') : NULL, *next;
        next = options ? memchr(options, '\n', (size_t)(end - options)) : NULL;
        if (!next)
            break;
        text_printf(text, "device %.*s mounted on %.*s with fstype %.*s\n", (int)(place - at), at,
                    (int)(type - place - 1), place + 1, (int)(options - type - 1), type + 1);
        at = next + 1;
    }
    text->failed |= lines.failed;
    kfree(lines.buf);
    return err;
}

#define MOUNTS(file_name, show_fn)                                                                 \
    {                                                                                              \
        .name = (file_name), .mode = S_IFREG | 0444, .show = (show_fn), .special = &polled         \
    }
static const struct pseudo_special polled = {.poll = poll_mounts};
static const struct pseudo_entry thread_table[] = {
    MOUNTS("mounts", show_mounts),
    MOUNTS("mountinfo", show_mountinfo),
};
static struct pseudo_entry thread_dir = {
    .name = "TID",
    .mode = S_IFDIR | 0555,
    .flags = INODE_IMMUTABLE | INODE_OWNED,
    .table = thread_table,
    .ntable = ARRAY_SIZE(thread_table),
};

static int lookup_thread(const struct pseudo *self, const char *name, struct pseudo *child)
{
    int tid = (int)pseudo_number(name);
    if (!tid || !proc_source || !proc_source->thread_exists((int)self->key, tid))
        return -ENOENT;
    *child = (struct pseudo){&thread_dir, self->key, tid};
    return 0;
}

static bool next_thread(const struct pseudo *self, uint64_t *cursor, char name[NAME_MAX + 1],
                        struct pseudo *child)
{
    int tid = proc_source ? proc_source->next_thread((int)self->key, (int)*cursor) : 0;
    if (!tid)
        return false;
    *cursor = tid;
    snprintf(name, NAME_MAX + 1, "%d", tid);
    *child = (struct pseudo){&thread_dir, self->key, tid};
    return true;
}

/* Sandboxes tell by the links whether a process has other threads. */
static void count_threads(const struct pseudo *self, struct attributes *attr)
{
    attr->nlink = 2 + (proc_source ? proc_source->threads((int)self->key) : 0);
}

static const struct pseudo_entry process_table[] = {
    {
        .name = "task",
        .mode = S_IFDIR | 0555,
        .special =
            PSEUDO_SPECIAL(.lookup = lookup_thread, .next = next_thread, .attr = count_threads),
    },
    MOUNTS("mounts", show_mounts),
    MOUNTS("mountinfo", show_mountinfo),
    PSEUDO_FILE("mountstats", show_mountstats),
};
static struct pseudo_entry process_dir = {
    .name = "PID",
    .mode = S_IFDIR | 0555,
    .flags = INODE_IMMUTABLE | INODE_OWNED,
    .table = process_table,
    .ntable = ARRAY_SIZE(process_table),
};

void proc_pid_register_groups(struct pseudo_group groups[2], unsigned where)
{
    if (where & PROC_PROCESS)
        pseudo_register_group(&process_dir, &groups[0]);
    if (where & PROC_THREAD)
        pseudo_register_group(&thread_dir, &groups[1]);
}

int proc_parse_u64(const char *text, size_t len, unsigned base, uint64_t most, uint64_t *value)
{
    char digits[24];
    while (len && (text[len - 1] == '\n' || text[len - 1] == ' ' || !text[len - 1]))
        len--;
    if (!len || len >= sizeof(digits))
        return -EINVAL;
    memcpy(digits, text, len);
    digits[len] = 0;
    if (parse_u64(digits, base, value) < 0)
        return -EINVAL;
    return *value > most ? -ERANGE : 0;
}

int proc_pid_of(const struct file *file)
{
    const struct pseudo *self = pseudo_of_folder(file);

    return self && self->entry == &process_dir ? (int)self->key : 0;
}

/* --- the root */

static void who(int *pid, int *tid)
{
    *pid = *tid = 0;
    if (proc_source)
        proc_source->self(pid, tid);
}

static int show_self(struct text *text, const struct pseudo *self)
{
    int pid, tid;
    who(&pid, &tid);
    text_printf(text, "%d", pid);
    return pid ? 0 : -ENOENT;
}

static int show_thread_self(struct text *text, const struct pseudo *self)
{
    int pid, tid;
    who(&pid, &tid);
    text_printf(text, "%d/task/%d", pid, tid);
    return pid ? 0 : -ENOENT;
}

static int show_self_mounts(struct text *text, const struct pseudo *self)
{
    text_printf(text, "self/mounts");
    return 0;
}

static int lookup_process(const struct pseudo *self, const char *name, struct pseudo *child)
{
    int pid = (int)pseudo_number(name);
    if (!pid || !proc_source)
        return -ENOENT;
    if (proc_source->exists(pid)) {
        *child = (struct pseudo){&process_dir, pid, pid};
        return 0;
    }
    /* A thread, which has a folder here although nobody lists it. */
    int process = proc_source->process_of(pid);
    if (!process)
        return -ENOENT;
    *child = (struct pseudo){&process_dir, process, pid};
    return 0;
}

static bool next_process(const struct pseudo *self, uint64_t *cursor, char name[NAME_MAX + 1],
                         struct pseudo *child)
{
    int pid = proc_source ? proc_source->next((int)*cursor) : 0;
    if (!pid)
        return false;
    *cursor = pid;
    snprintf(name, NAME_MAX + 1, "%d", pid);
    *child = (struct pseudo){&process_dir, pid, pid};
    return true;
}

#define LINK(link_name, show_fn)                                                                   \
    {                                                                                              \
        .name = link_name, .mode = S_IFLNK | 0777, .show = show_fn                                 \
    }
static const struct pseudo_entry root_table[] = {
    LINK("self", show_self),
    LINK("thread-self", show_thread_self),
    LINK("mounts", show_self_mounts),
};
static struct pseudo_entry root = {
    .name = "",
    .mode = S_IFDIR | 0555,
    .flags = INODE_CLOSED,
    .table = root_table,
    .ntable = ARRAY_SIZE(root_table),
    .special = PSEUDO_SPECIAL(.lookup = lookup_process, .next = next_process),
};

void proc_register(struct pseudo_entry *entry)
{
    pseudo_register(&root, entry);
}

struct pseudo_entry *proc_folder(const char *path)
{
    return pseudo_folder(&root, path);
}

/* --- mounts */

static void show_flags(struct text *text, unsigned flags)
{
    static const struct {
        unsigned flag;
        const char *name;
    } names[] = {{MS_NOSUID, ",nosuid"},          {MS_NODEV, ",nodev"},
                 {MS_NOEXEC, ",noexec"},          {MS_NOATIME, ",noatime"},
                 {MS_NODIRATIME, ",nodiratime"},  {MS_RELATIME, ",relatime"},
                 {MS_NOSYMFOLLOW, ",nosymfollow"}};
    text_printf(text, "%s", flags & MS_RDONLY ? "ro" : "rw");
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (flags & names[i].flag)
            text_printf(text, "%s", names[i].name);
}

/* Blanks and the like as octal numbers, as getmntent(3) reads them. */
static void show_escaped(struct text *text, const char *s)
{
    for (; *s; s++) {
        if (strchr(" \t\n\\#", *s))
            text_printf(text, "\\%03o", *s);
        else
            text_put(text, s, 1);
    }
}

/* The mount's root inside its file system ("/" but for binds). */
static const char *root_inside(const struct mount *m, char *buf, size_t size)
{
    static const char deleted[] = "//deleted";
    char *at = buf + size;
    *--at = 0;
    if (m->root->unhashed)
        at = memcpy(at - (sizeof(deleted) - 1), deleted, sizeof(deleted) - 1);
    mutex_lock(&dentry_lock);
    for (struct dentry *d = m->root; d != d->parent && (size_t)(at - buf) > d->name_len;
         d = d->parent) {
        at = memcpy(at - d->name_len, d->name, d->name_len);
        *--at = '/';
    }
    mutex_unlock(&dentry_lock);
    return *at ? at : "/";
}

static void show_propagation(struct text *text, const struct mount *m)
{
    if (m->group)
        text_printf(text, " shared:%u", m->group);
    if (m->master)
        text_printf(text, " master:%u", m->master);
    if (m->unbindable)
        text_printf(text, " unbindable");
}

static void show_options(struct text *text, const struct super *super)
{
    static const struct {
        unsigned flag;
        const char *text;
    } told[] = {{MS_SYNCHRONOUS, ",sync"},
                {MS_DIRSYNC, ",dirsync"},
                {MS_MANDLOCK, ",mand"},
                {MS_LAZYTIME, ",lazytime"}};
    for (unsigned i = 0; super->flags && i < ARRAY_SIZE(told); i++)
        if (super->flags & told[i].flag)
            text_printf(text, "%s", told[i].text);
    if (super->type->show)
        super->type->show(super, text);
}

static void show_mount(struct text *text, const struct mount *m, const char *place, char *buf,
                       bool info)
{
    const char *type = m->super->type->name, *state = m->super->readonly ? "ro" : "rw";
    if (info) {
        unsigned parent = m->on.mount ? m->on.mount->id : m->id;
        text_printf(text, "%u %u %u:%u ", m->id, parent, dev_major(m->super->dev),
                    dev_minor(m->super->dev));
        show_escaped(text, root_inside(m, buf, PATH_MAX));
        text_printf(text, " ");
        show_escaped(text, place);
        text_printf(text, " ");
        show_flags(text, m->flags);
        show_propagation(text, m);
        text_printf(text, " - %s ", type);
        show_escaped(text, m->source);
        text_printf(text, " %s", state);
        show_options(text, m->super);
        text_printf(text, "\n");
        return;
    }
    show_escaped(text, m->source);
    text_printf(text, " ");
    show_escaped(text, place);
    text_printf(text, " %s ", type);
    show_flags(text, m->super->readonly ? m->flags | MS_RDONLY : m->flags);
    show_options(text, m->super);
    text_printf(text, " 0 0\n");
}

/* As the thread sees them: those below its root. */
static int list_mounts(struct text *text, const struct pseudo *self, bool info)
{
    struct mount_ns *ns;
    struct path root;
    int err = proc_source->view(self, &root, &ns);
    if (err < 0)
        return err;
    char *buf = kmalloc(2 * PATH_MAX);
    mutex_lock(&mounts_lock);
    list_for_each_entry (struct mount, m, &mounts, link) {
        struct path place = {m, m->root};
        const char *name = buf ? path_name_below(&root, &place, buf, PATH_MAX) : NULL;
        if (name)
            show_mount(text, m, name, buf + PATH_MAX, info);
    }
    mutex_unlock(&mounts_lock);
    path_put(&root);
    mount_ns_put(ns);
    kfree(buf);
    return buf ? 0 : -ENOMEM;
}

/* --- mounting */

static void get_statfs(struct super *super, struct statfs_info *info)
{
    info->type = PROC_MAGIC;
}

static int mount(const char *source, unsigned flags, const char *options, struct super **super);
static struct fs_type proc_type = {.name = "proc", .nodev = true, .mount = mount};

static int mount(const char *source, unsigned flags, const char *options, struct super **super)
{
    int err = pseudo_mount(&proc_type, &root, super);
    if (err == 0)
        (*super)->statfs = get_statfs;
    return err;
}

static int start(void)
{
    pseudo_owner_hook = owner;
    fs_register(&proc_type);
    return 0;
}
BOOT_STEP(PHASE_BUS, "procfs", start);
