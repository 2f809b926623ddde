/* fs/xattr.c: extended attributes of an inode as a list. */
#include "fs/tmpfs.h"
#include "lib/string.h"
#include "mm/heap.h"

enum { XATTR_CREATE = 1, XATTR_REPLACE = 2, XATTRS_TOTAL_MAX = 1 << 20 };

struct xattr {
    struct list link;
    size_t size;
    char *name; /* behind the value */
    char value[];
};

static struct xattr *find(const struct list *xattrs, const char *name)
{
    list_for_each_entry (struct xattr, x, xattrs, link) {
        if (strcmp(x->name, name) == 0)
            return x;
    }
    return NULL;
}

ssize_t xattr_get(const struct list *xattrs, const char *name, void *value, size_t size)
{
    const struct xattr *x = find(xattrs, name);
    if (!x)
        return -ENODATA;
    if (!size)
        return x->size;
    if (size < x->size)
        return -ERANGE;
    memcpy(value, x->value, x->size);
    return x->size;
}

static size_t total_size(const struct list *xattrs)
{
    size_t total = 0;
    list_for_each_entry (struct xattr, x, xattrs, link)
        total += x->size + strlen(x->name);
    return total;
}

int xattr_set(struct list *xattrs, const char *name, const void *value, size_t size, int flags)
{
    struct xattr *old = find(xattrs, name), *x = NULL;
    if (old && flags & XATTR_CREATE)
        return -EEXIST;
    if (!old && (!value || flags & XATTR_REPLACE))
        return -ENODATA;
    if (value) {
        size_t len = strlen(name) + 1;
        if (total_size(xattrs) + size + len > XATTRS_TOTAL_MAX)
            return -ENOSPC;
        x = kmalloc(sizeof(*x) + size + len);
        if (!x)
            return -ENOMEM;
        x->size = size;
        x->name = x->value + size;
        memcpy(x->value, value, size);
        memcpy(x->name, name, len);
        list_add_tail(xattrs, &x->link);
    }
    if (old) {
        list_del(&old->link);
        kfree(old);
    }
    return 0;
}

ssize_t xattr_list(const struct list *xattrs, char *list, size_t size)
{
    size_t used = 0;
    bool trusted = cred_has(vfs_caller_hook()->cred, VFS_CAP_SYS_ADMIN);
    list_for_each_entry (struct xattr, x, xattrs, link) {
        size_t len = strlen(x->name) + 1;
        if (!trusted && strncmp(x->name, "trusted.", 8) == 0)
            continue;
        if (size && used + len > size)
            return -ERANGE;
        if (size)
            memcpy(list + used, x->name, len);
        used += len;
    }
    return used;
}

void xattr_clear(struct list *xattrs)
{
    list_for_each_safe (at, next, xattrs)
        kfree(list_entry(at, struct xattr, link));
    list_init(xattrs);
}
