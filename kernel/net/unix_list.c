/* net/unix_list.c: all AF_UNIX sockets, for /proc/net/unix and sock_diag. */
#include "lib/string.h"
#include "mm/heap.h"
#include "net/unix.h"

enum { BATCH = 64 };

static struct mutex lock; /* no other is taken inside */
static struct list all = LIST_INIT(all);
static unsigned n_all;
static uint64_t last_number;

void unix_list_add(struct unix_socket *u)
{
    mutex_lock(&lock);
    u->number = ++last_number;
    list_add_tail(&all, &u->all_link);
    n_all++;
    mutex_unlock(&lock);
}

void unix_list_remove(struct unix_socket *u)
{
    mutex_lock(&lock);
    list_del(&u->all_link);
    n_all--;
    mutex_unlock(&lock);
}

unsigned unix_count(void)
{
    return n_all;
}

/* It is in the list, so its memory is there; but its last reference may be gone. */
static bool try_get(struct unix_socket *u)
{
    unsigned refs = atomic_load(&u->refs);

    while (refs && !atomic_compare_exchange_weak(&u->refs, &refs, refs + 1))
        ;
    return refs;
}

/* The next ones after *number, with references. */
static unsigned next_batch(struct unix_socket *batch[BATCH], uint64_t *number)
{
    unsigned n = 0;

    mutex_lock(&lock);
    list_for_each_entry (struct unix_socket, u, &all, all_link) {
        if (u->number <= *number)
            continue;
        if (n == BATCH)
            break;
        *number = u->number;
        if (try_get(u))
            batch[n++] = u;
    }
    mutex_unlock(&lock);
    return n;
}

static void copy_name(struct unix_view *v, const struct unix_name *name)
{
    const char *path = name->address.bytes + UNIX_PATH_AT;
    unsigned len = name->address.len - UNIX_PATH_AT;

    v->abstract = !path[0];
    if (!v->abstract)
        len = (unsigned)strnlen(path, len);
    v->name_len = MIN(len, (unsigned)UNIX_PATH_MAX);
    memcpy(v->name, path, v->name_len);
    v->name[v->name_len] = 0;
    if (name->place.dentry) {
        const struct inode *inode = name->place.dentry->inode;
        v->has_inode = inode;
        v->inode = inode ? inode->ino : 0;
        v->device = inode ? inode->super->dev : 0;
    }
}

static void look(struct unix_socket *u, struct unix_view *v)
{
    *v = (struct unix_view){.socket = u,
                            .type = u->socket.type,
                            .state = u->state,
                            .refs = u->refs - 1,
                            .uid = u->socket.cred.uid,
                            .ino = u->socket.ino,
                            .backlog = u->backlog,
                            .sent = u->in_flight,
                            .shut = (u->shut_read ? 1u : 0) | (u->shut_write ? 2u : 0)};
    mutex_lock(&u->lock);
    v->waiting = u->state == UNIX_LISTENING ? u->nqueued : (unsigned)u->queued_bytes;
    if (u->peer) {
        v->has_peer = true;
        v->peer_ino = u->peer->socket.ino;
    }
    if (u->name)
        copy_name(v, u->name);
    mutex_unlock(&u->lock);
}

void unix_each(bool (*fn)(const struct unix_view *view, void *arg), void *arg)
{
    struct unix_socket **batch = kmalloc(BATCH * sizeof(*batch));
    uint64_t number = 0;
    bool go_on = true;
    unsigned n;

    while (batch && go_on && (n = next_batch(batch, &number))) {
        for (unsigned i = 0; i < n; i++) {
            struct unix_view view;
            look(batch[i], &view);
            if (go_on)
                go_on = fn(&view, arg);
            unix_put(batch[i]);
        }
    }
    kfree(batch);
}

void unix_each_pending(struct unix_socket *u, void (*fn)(uint64_t ino, void *arg), void *arg)
{
    mutex_lock(&u->lock);
    if (u->state == UNIX_LISTENING)
        list_for_each_entry (struct unix_socket, client, &u->queue, pending)
            fn(client->peer ? client->peer->socket.ino : 0, arg);
    mutex_unlock(&u->lock);
}
