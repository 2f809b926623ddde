/* net/unix_name.c: the addresses of AF_UNIX. */
#include "core/clock.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "net/unix.h"

enum { BUCKETS = 64, ABSTRACT_DIGITS = 5 };

static struct mutex names_lock;
static struct list buckets[BUCKETS];
static uint32_t next_automatic;

static struct list *bucket(const void *key, size_t len)
{
    const unsigned char *bytes = key;
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ bytes[i]) * 16777619u;
    struct list *list = &buckets[hash % BUCKETS];
    if (!list->next)
        list_init(list);
    return list;
}

static struct list *bucket_of_inode(const struct inode *inode)
{
    return bucket(&inode, sizeof(inode));
}

static struct list *bucket_of_abstract(const struct socket_address *address)
{
    return bucket(address->bytes, address->len);
}

static bool is_abstract(const struct socket_address *address)
{
    return !address->bytes[UNIX_PATH_AT];
}

int unix_address_check(const struct socket_address *address)
{
    if (address->len <= UNIX_PATH_AT || address->len > UNIX_PATH_AT + UNIX_PATH_MAX ||
        address->family != AF_UNIX)
        return -EINVAL;
    return 0;
}

void unix_name_put(struct unix_name *name)
{
    if (!name || atomic_fetch_sub_explicit(&name->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (name->place.dentry)
        path_put(&name->place);
    kfree(name);
}

static struct unix_name *new_name(const struct socket_address *address)
{
    struct unix_name *name = kzalloc(sizeof(*name));
    if (!name)
        return NULL;
    atomic_init(&name->refs, 1);
    name->address = *address;
    return name;
}

/* The name in the file system as a string. */
static void copy_path(char path[UNIX_PATH_MAX + 1], const struct socket_address *address)
{
    size_t len = address->len - UNIX_PATH_AT;
    memcpy(path, &address->bytes[UNIX_PATH_AT], len);
    path[len] = 0;
}

/* --- finding; under names_lock */

/* Each type of socket has abstract names of its own. */
static struct unix_socket *find_abstract(const struct socket_address *address, int type)
{
    list_for_each_entry (struct unix_socket, u, bucket_of_abstract(address), name_link) {
        const struct unix_name *name = u->name;
        if (!name->place.dentry && u->socket.type == type && name->address.len == address->len &&
            memcmp(name->address.bytes, address->bytes, address->len) == 0)
            return u;
    }
    return NULL;
}

static struct unix_socket *find_inode(const struct inode *inode)
{
    list_for_each_entry (struct unix_socket, u, bucket_of_inode(inode), name_link) {
        if (u->name->place.dentry && u->name->place.dentry->inode == inode)
            return u;
    }
    return NULL;
}

/* The inode that a connecting socket's path leads to; the caller puts the place. */
static int walk_to(const struct socket_address *address, struct path *place)
{
    char path[UNIX_PATH_MAX + 1];
    copy_path(path, address);
    int err = vfs_lookup(NULL, path, LOOKUP_FOLLOW, place);
    if (err)
        return err;
    struct inode *inode = place->dentry->inode;
    err = inode_permission(inode, 2);
    if (!err && (inode->mode & S_IFMT) != S_IFSOCK)
        err = -ECONNREFUSED;
    if (err)
        path_put(place);
    return err;
}

int unix_name_find(const struct socket_address *address, int type, struct unix_socket **found)
{
    struct path place = {};
    if (!is_abstract(address)) {
        int err = walk_to(address, &place);
        if (err)
            return err;
    }
    mutex_lock(&names_lock);
    struct unix_socket *u =
        place.dentry ? find_inode(place.dentry->inode) : find_abstract(address, type);
    if (u)
        unix_get(u);
    mutex_unlock(&names_lock);
    if (place.dentry)
        path_put(&place);
    if (!u)
        return -ECONNREFUSED;
    if (u->socket.type != type) {
        unix_put(u);
        return -EPROTOTYPE;
    }
    *found = u;
    return 0;
}

/* --- binding */

static int bind_abstract(struct unix_socket *u, struct unix_name *name)
{
    mutex_lock(&names_lock);
    bool taken = find_abstract(&name->address, u->socket.type) != NULL;
    if (!taken) {
        u->name = name;
        list_add(bucket_of_abstract(&name->address), &u->name_link);
    }
    mutex_unlock(&names_lock);
    return taken ? -EADDRINUSE : 0;
}

static int bind_path(struct unix_socket *u, struct unix_name *name)
{
    char path[UNIX_PATH_MAX + 1];
    copy_path(path, &name->address);
    name->address.len = UNIX_PATH_AT + (unsigned)strlen(path) + 1;
    int err = vfs_mknod(NULL, path, S_IFSOCK | 0777, 0);
    if (err)
        return err == -EEXIST ? -EADDRINUSE : err;
    if (u->name) { /* found only now, as Linux does */
        vfs_unlink(NULL, path);
        return -EINVAL;
    }
    err = vfs_lookup(NULL, path, 0, &name->place);
    if (err)
        return err;
    mutex_lock(&names_lock);
    u->name = name;
    list_add(bucket_of_inode(name->place.dentry->inode), &u->name_link);
    mutex_unlock(&names_lock);
    return 0;
}

/* "\0" and five hexadecimal digits that nobody has. */
static int bind_automatic(struct unix_socket *u, struct unix_name *name)
{
    int err = -EADDRINUSE;
    name->address.len = UNIX_PATH_AT + 1 + ABSTRACT_DIGITS;
    for (unsigned tries = 0; tries < 1u << 20 && err == -EADDRINUSE; tries++) {
        uint32_t number;
        mutex_lock(&names_lock);
        number = next_automatic++ & 0xfffff;
        mutex_unlock(&names_lock);
        name->address.bytes[UNIX_PATH_AT] = 0;
        snprintf(&name->address.bytes[UNIX_PATH_AT + 1], ABSTRACT_DIGITS + 1, "%05x", number);
        err = bind_abstract(u, name);
    }
    return err;
}

int unix_name_bind(struct unix_socket *u, const struct socket_address *address)
{
    struct unix_name *name = new_name(address);
    if (!name)
        return -ENOMEM;
    int err;
    if (address->len == UNIX_PATH_AT)
        err = bind_automatic(u, name);
    else if (is_abstract(address))
        err = u->name ? -EINVAL : bind_abstract(u, name);
    else
        err = bind_path(u, name);
    if (err)
        unix_name_put(name);
    return err;
}

void unix_name_release(struct unix_socket *u)
{
    mutex_lock(&names_lock);
    list_del(&u->name_link);
    mutex_unlock(&names_lock);
}
