/* net/resolv.c: /etc/resolv.conf (man 5 resolv.conf). */
#include "core/log.h"
#include "fs/vfs.h"
#include "lib/string.h"
#include "net/config.h"

enum { RESOLV_MAX = 4096 };
static const char name[] = "/etc/resolv.conf";

/* --- the text
 * -----------------------------------------------------------------------------------------------
 */

/* Where a text grows in a buffer; what does not fit is left out. */
struct growing {
    char *buf;
    size_t len, size;
};

static void put(struct growing *g, const char *before, const char *text, const char *behind)
{
    int n = snprintf(g->buf + g->len, g->size - g->len, "%s%s%s", before, text, behind);

    if ((size_t)n < g->size - g->len)
        g->len += (size_t)n;
    g->buf[g->len] = 0;
}

/* Does an earlier interface, or an earlier place, name the same server? */
static bool named_before(const struct net_settings *all, unsigned which, unsigned at)
{
    const struct inet_addr *server = &all[which].dns[at];

    for (unsigned i = 0; i <= which; i++)
        for (unsigned k = 0; k < (i == which ? at : all[i].ndns); k++)
            if (inet_equal(&all[i].dns[k], server))
                return true;
    return false;
}

static void put_search(struct growing *g, const struct net_settings *all, unsigned n)
{
    bool any = false;

    for (unsigned i = 0; i < n; i++) {
        const char *domains = all[i].search[0] ? all[i].search : all[i].domain;
        if (domains[0])
            put(g, any ? " " : "search ", domains, "");
        any |= domains[0];
    }
    if (any)
        put(g, "\n", "", "");
}

size_t resolv_text(const struct net_settings *all, unsigned n, char *buf, size_t size)
{
    struct growing g = {.buf = buf, .size = size};
    char address[INET_TEXT];

    buf[0] = 0;
    put_search(&g, all, n);
    for (unsigned i = 0; i < n; i++) {
        for (unsigned k = 0; k < all[i].ndns; k++) {
            if (named_before(all, i, k))
                continue;
            inet_text(&all[i].dns[k], address);
            put(&g, "nameserver ", address, "\n");
        }
    }
    return g.len;
}

/* --- the file
 * -----------------------------------------------------------------------------------------------
 */

static int create(struct file **file)
{
    int flags = O_WRONLY | O_CREAT | O_TRUNC;
    int err = vfs_open(NULL, name, flags, 0644, LOOKUP_FOLLOW, file);

    if (err != -ENOENT)
        return err;
    vfs_mkdir(NULL, "/etc", 0755);
    vfs_unlink(NULL, name); /* a link whose end is not there */
    return vfs_open(NULL, name, flags, 0644, LOOKUP_FOLLOW, file);
}

/* A link into /proc: to /proc/net/pnp, where it says so already. */
static bool is_made(void)
{
    char target[8];
    struct path path;

    if (vfs_lookup(NULL, name, 0, &path))
        return false;
    ssize_t n = (path.dentry->inode->mode & S_IFMT) == S_IFLNK
                    ? vfs_readlink(&path, target, sizeof(target))
                    : 0;
    path_put(&path);
    return n >= 6 && !memcmp(target, "/proc/", 6);
}

int resolv_write(const struct net_settings *all, unsigned n)
{
    static char text[RESOLV_MAX]; /* the caller's lock is held */
    size_t len = resolv_text(all, n, text, sizeof(text));
    struct iovec iov;
    struct io io = io_kernel(&iov, text, len);
    struct file *file;
    int err;

    if (is_made())
        return 0;
    err = create(&file);
    if (!err) {
        ssize_t done = file_write(file, &io, NULL);
        err = done < 0 ? (int)done : 0;
        file_put(file);
    }
    if (err)
        log_warning("net: %s cannot be written (error %d)", name, -err);
    return err;
}
