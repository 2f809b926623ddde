/* linux/fscontext.c: a file system in the making, by descriptor: fsopen(2), fsconfig(2),
 * fsmount(2), fspick(2). */
#include "lib/string.h"
#include "linux/mount_api.h"
#include "linux/path.h"
#include "linux/syscall.h"
#include "mm/heap.h"

enum { WORD_MAX = 256, MESSAGES = 8, MESSAGE_MAX = 128 };

enum phase { CREATE_PARAMS, AWAITING_MOUNT, AWAITING_RECONF, RECONF_PARAMS, FAILED };

struct context {
    struct mutex lock;
    const struct fs_type *type;
    enum phase phase;
    struct super *super; /* once there is one, with a reference */
    char *source, *options;
    unsigned flags;    /* MS_RDONLY, SUPER_FLAGS */
    unsigned first, n; /* messages that nobody has read */
    char messages[MESSAGES][MESSAGE_MAX];
};

/* --- the file: what went wrong can be read from it */

static void say(struct context *c, const char *what, const char *key)
{
    if (c->n == MESSAGES) {
        c->first = (c->first + 1) % MESSAGES;
        c->n--;
    }
    snprintf(c->messages[(c->first + c->n++) % MESSAGES], MESSAGE_MAX, "e %s: %s '%s'\n",
             c->type->name, what, key);
}

static ssize_t read_message(struct file *file, struct io *io, off_t *pos)
{
    struct context *c = file->data;
    ssize_t n = -ENODATA;
    mutex_lock(&c->lock);
    if (c->n) {
        const char *message = c->messages[c->first];
        size_t len = strlen(message);
        n = len > io->left ? -EMSGSIZE : (ssize_t)io_put(io, message, len);
        c->first = (c->first + 1) % MESSAGES;
        c->n--;
    }
    mutex_unlock(&c->lock);
    return n;
}

static void context_free(struct context *c)
{
    if (c->super)
        super_put(c->super);
    kfree(c->source);
    kfree(c->options);
    kfree(c);
}

static void release(struct file *file)
{
    context_free(file->data);
}

static const struct file_ops context_ops = {.read = read_message, .release = release};

static int open_context(const struct fs_type *type, struct super *super, bool cloexec)
{
    struct file *file = NULL;
    int fd = fd_reserve(0);
    if (fd < 0)
        return fd;
    struct context *c = kzalloc(sizeof(*c));
    if (!c)
        return fd_finish(fd, -ENOMEM, NULL, false);
    c->type = type;
    c->phase = super ? RECONF_PARAMS : CREATE_PARAMS;
    c->flags = super ? super->flags | (super->readonly ? MS_RDONLY : 0) : 0;
    int err = file_anonymous("anon_inode:[fscontext]", &context_ops, 0600, O_RDWR, c, &file);
    if (err)
        kfree(c);
    else
        c->super = super ? super_get(super) : NULL;
    return fd_finish(fd, err, file, cloexec);
}

/* The context of a descriptor; *file is to be put. */
static int get_context(int fd, struct file **file, struct context **c)
{
    *file = fd_get(fd);
    if (!*file)
        return -EBADF;
    if ((*file)->ops == &context_ops) {
        *c = (*file)->data;
        return 0;
    }
    file_put(*file);
    return -EINVAL;
}

/* A string of the program, shorter than size. */
static int get_string(uintptr_t addr, size_t size, char **copy)
{
    *copy = kmalloc(size);
    if (!*copy)
        return -ENOMEM;
    ssize_t len = user_read_string(*copy, addr, size);
    if (len >= 0)
        return 0;
    kfree(*copy);
    *copy = NULL;
    return len == -ENAMETOOLONG ? -EINVAL : (int)len;
}

SYSCALL(fsopen, 2, SYSCALL_WHOLE, "")
{
    enum { FSOPEN_CLOEXEC = 1 };
    char *name;
    if (!capable(CAP_SYS_ADMIN))
        return -EPERM;
    if ((unsigned)a1 & ~(unsigned)FSOPEN_CLOEXEC)
        return -EINVAL;
    int err = get_string(a0, PAGE_SIZE, &name);
    if (err)
        return err;
    const struct fs_type *type = fs_find(name);
    kfree(name);
    return type ? open_context(type, NULL, a1 & FSOPEN_CLOEXEC) : -ENODEV;
}

SYSCALL(fspick, 3, SYSCALL_WHOLE, "")
{
    enum { CLOEXEC = 1, SYMLINK_NOFOLLOW = 2, NO_AUTOMOUNT = 4, EMPTY_PATH = 8 };
    unsigned flags = (unsigned)a2;
    struct path place;
    if (!capable(CAP_SYS_ADMIN))
        return -EPERM;
    if (flags & ~(unsigned)(CLOEXEC | SYMLINK_NOFOLLOW | NO_AUTOMOUNT | EMPTY_PATH))
        return -EINVAL;
    int err = user_lookup((int)a0, a1,
                          (flags & SYMLINK_NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0) |
                              (flags & EMPTY_PATH ? AT_EMPTY_PATH : 0),
                          &place);
    if (err)
        return err;
    struct super *super = place.mount->super;
    if (place.dentry != place.mount->root)
        err = -EINVAL;
    else
        err = open_context(super->type, super, flags & CLOEXEC);
    path_put(&place);
    return err;
}

/* --- fsconfig(2) */

enum command {
    SET_FLAG,
    SET_STRING,
    SET_BINARY,
    SET_PATH,
    SET_PATH_EMPTY,
    SET_FD,
    CMD_CREATE,
    CMD_RECONFIGURE,
    CMD_CREATE_EXCL,
};

/* Which arguments a command has. */
static int check_args(unsigned cmd, bool key, bool value, int aux)
{
    enum { BINARY_MAX = 1 << 20 };
    bool ok;
    switch (cmd) {
    case SET_FLAG:
        ok = key && !value && !aux;
        break;
    case SET_STRING:
        ok = key && value && !aux;
        break;
    case SET_BINARY:
        ok = key && value && aux > 0 && aux <= BINARY_MAX;
        break;
    case SET_PATH:
    case SET_PATH_EMPTY:
        ok = key && value && (aux == AT_FDCWD || aux >= 0);
        break;
    case SET_FD:
        ok = key && !value && aux >= 0;
        break;
    case CMD_CREATE:
    case CMD_RECONFIGURE:
    case CMD_CREATE_EXCL:
        ok = !key && !value && !aux;
        break;
    default:
        return -EOPNOTSUPP;
    }
    return ok ? 0 : -EINVAL;
}

/* Options that every file system has. */
static bool set_common(struct context *c, const char *key)
{
    static const struct {
        const char *name;
        unsigned clear, set;
    } words[] = {
        {"ro", 0, MS_RDONLY},         {"rw", MS_RDONLY, 0},           {"sync", 0, MS_SYNCHRONOUS},
        {"async", MS_SYNCHRONOUS, 0}, {"dirsync", 0, MS_DIRSYNC},     {"lazytime", 0, MS_LAZYTIME},
        {"mand", 0, MS_MANDLOCK},     {"nolazytime", MS_LAZYTIME, 0}, {"nomand", MS_MANDLOCK, 0}};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (strcmp(key, words[i].name) == 0) {
            c->flags = (c->flags & ~words[i].clear) | words[i].set;
            return true;
        }
    return false;
}

static int add_option(struct context *c, const char *option)
{
    size_t have = c->options ? strlen(c->options) : 0, n = strlen(option);
    if (have + n + 2 > PAGE_SIZE)
        return -EINVAL;
    char *all = krealloc(c->options, have + n + 2);
    if (!all)
        return -ENOMEM;
    c->options = all;
    if (have)
        all[have++] = ',';
    memcpy(all + have, option, n + 1);
    return 0;
}

static int set_source(struct context *c, const char *value)
{
    if (!value || c->source) {
        say(c, value ? "Multiple sources" : "Non-string source", "source");
        return -EINVAL;
    }
    c->source = kstrdup(value);
    return c->source ? 0 : -ENOMEM;
}

static int set_option(struct context *c, const char *key, const char *value)
{
    if (strcmp(key, "source") == 0)
        return set_source(c, value);
    char *option = kmalloc(2 * WORD_MAX);
    if (!option)
        return -ENOMEM;
    snprintf(option, 2 * WORD_MAX, value ? "%s=%s" : "%s", key, value);
    int err = c->type->check_option ? c->type->check_option(option) : -ENOENT;
    if (err)
        say(c, err == -ENOENT ? "Unknown parameter" : "Bad value for", key), err = -EINVAL;
    else
        err = add_option(c, option);
    kfree(option);
    return err;
}

static int create(struct context *c)
{
    if (c->phase != CREATE_PARAMS)
        return -EBUSY;
    if (!capable(CAP_SYS_ADMIN))
        return -EPERM;
    int err = c->type->mount(c->source, c->flags & MS_RDONLY, c->options, &c->super);
    if (err)
        c->super = NULL;
    else
        super_set_flags(c->super, c->flags);
    c->phase = err ? FAILED : AWAITING_MOUNT;
    return err;
}

static int reconfigure(struct context *c)
{
    if (c->phase == AWAITING_RECONF)
        c->phase = RECONF_PARAMS;
    if (c->phase != RECONF_PARAMS)
        return -EBUSY;
    int err = capable(CAP_SYS_ADMIN) ? super_reconfigure(c->super, c->flags, c->options) : -EPERM;
    c->phase = err ? FAILED : AWAITING_RECONF;
    kfree(c->options);
    c->options = NULL;
    return err;
}

static int run_command(struct context *c, unsigned cmd, const char *key, const char *value)
{
    switch (cmd) {
    case CMD_CREATE:
    case CMD_CREATE_EXCL: /* every file system here is a new one */
        return create(c);
    case CMD_RECONFIGURE:
        return reconfigure(c);
    }
    if (c->phase == AWAITING_RECONF)
        c->phase = RECONF_PARAMS;
    if (c->phase != CREATE_PARAMS && c->phase != RECONF_PARAMS)
        return -EBUSY;
    if (set_common(c, key)) /* whatever the value */
        return 0;
    switch (cmd) {
    case SET_FLAG:
    case SET_STRING:
        return set_option(c, key, value);
    default:
        say(c, "Unknown parameter", key); /* no file system here has such ones */
        return -EINVAL;
    }
}

static int with_strings(struct context *c, unsigned cmd, uintptr_t key_at, uintptr_t value_at)
{
    char *key = NULL, *value = NULL;
    int err = key_at ? get_string(key_at, WORD_MAX, &key) : 0;
    if (err)
        return err;
    if (cmd == SET_STRING || cmd == SET_PATH)
        err = get_string(value_at, cmd == SET_PATH ? PATH_MAX : WORD_MAX, &value);
    if (!err && cmd == SET_PATH && !*value)
        err = -ENOENT;
    if (!err) {
        mutex_lock(&c->lock);
        err = run_command(c, cmd, key, value);
        mutex_unlock(&c->lock);
    }
    kfree(value);
    kfree(key);
    return err;
}

SYSCALL(fsconfig, 5, SYSCALL_WHOLE, "")
{
    struct file *file;
    struct context *c;
    if ((int)a0 < 0)
        return -EINVAL;
    int err = check_args((unsigned)a1, a2, a3, (int)a4);
    if (err)
        return err;
    err = get_context((int)a0, &file, &c);
    if (err)
        return err;
    struct file *value = a1 == SET_FD ? fd_get_any((int)a4) : NULL;
    err = a1 == SET_FD && !value ? -EBADF : with_strings(c, (unsigned)a1, a2, a3);
    if (value)
        file_put(value);
    file_put(file);
    return err;
}

/* --- fsmount(2) */

static int mount_context(struct context *c, unsigned flags, struct file **file)
{
    struct path top;
    if (!c->super)
        return -EINVAL;
    if (c->phase != AWAITING_MOUNT)
        return -EBUSY;
    int err = vfs_mount_anonymous(super_get(c->super), c->source, flags, &top);
    if (err)
        return err;
    c->phase = AWAITING_RECONF;
    kfree(c->options);
    kfree(c->source);
    c->options = c->source = NULL;
    return mount_tree_open(&top, file);
}

SYSCALL(fsmount, 3, SYSCALL_WHOLE, "")
{
    enum { FSMOUNT_CLOEXEC = 1 };
    struct file *made = NULL, *file;
    struct context *c;
    unsigned flags;
    if (!capable(CAP_SYS_ADMIN))
        return -EPERM;
    if ((unsigned)a1 & ~(unsigned)FSMOUNT_CLOEXEC || (unsigned)a2 & ~(unsigned)MOUNT_ATTR_KNOWN ||
        mount_attr_to_flags((unsigned)a2, &flags))
        return -EINVAL;
    int err = get_context((int)a0, &file, &c);
    if (err)
        return err;
    int fd = fd_reserve(0);
    if (fd >= 0) {
        mutex_lock(&c->lock);
        err = mount_context(c, flags, &made);
        mutex_unlock(&c->lock);
        fd = fd_finish(fd, err, made, a1 & FSMOUNT_CLOEXEC);
    }
    file_put(file);
    return fd;
}
