/* net/unix_collect.c: open files on their way between AF_UNIX sockets, and the sockets among them
 * that nobody can receive any more.
 *
 * A socket that was sent lives by a reference from a packet. Where all its references are from
 * packets and those lie in queues of sockets for which the same holds, no program can come to them:
 * they hold each other, and would for good. As for other garbage of counted references: the
 * references from within the set are taken off, and who has one left is reached from outside, with
 * all that its queue leads to. The rest loses the packets with files in its queues, and so ends.
 *
 * Everything is under `lock`, which is taken before a socket's. A packet's files depart before it
 * enters a queue and arrive after it has left, so what is just being sent or received counts as
 * reached. Only who may receive from a queue can take a reference out of it; that ends with
 * arriving, which waits for the lock, but for MSG_PEEK: see `peeks`. */
#include "lib/string.h"
#include "mm/heap.h"
#include "net/unix.h"

enum { TRIGGER_MIN = 256, SKIP_SHARE = 16, PASSES = 16 };

/* What a user has in flight. */
struct account {
    struct list link;
    uint32_t uid;
    unsigned long files;
};

static unsigned long no_limit(uint32_t *uid)
{
    *uid = 0;
    return ~0ul;
}
unsigned long (*unix_in_flight_hook)(uint32_t *uid) = no_limit;

static struct mutex lock;
static struct list accounts = LIST_INIT(accounts);
static struct list flying = LIST_INIT(flying); /* sockets in flight, by `flight.link` */
static atomic_uint nflying;                    /* so many */
static unsigned trigger = TRIGGER_MIN;         /* with more, senders collect as well */
static atomic_int skip;                        /* releases not to look at, after a vain search */
static atomic_bool collecting, again;
/* Files copied by MSG_PEEK: the references were there before this grew, and the socket was open. */
static atomic_ulong peeks;

/* --- leaving and arriving
 * ------------------------------------------------------------------------------------ */

/* The socket of this family behind a file; NULL: another kind of file. */
static struct unix_socket *unix_behind(const struct file *file)
{
    struct socket *socket = socket_of(file);
    return socket && socket->family == AF_UNIX ? unix_of(socket) : NULL;
}

static struct account *find_account(uint32_t uid)
{
    list_for_each_entry (struct account, account, &accounts, link)
        if (account->uid == uid)
            return account;
    struct account *account = kzalloc(sizeof(*account));
    if (account) {
        account->uid = uid;
        list_add(&accounts, &account->link);
    }
    return account;
}

/* 0, -ETOOMANYREFS, -ENOMEM. */
static int charge(struct socket_files *files)
{
    unsigned long limit = unix_in_flight_hook(&files->uid);
    struct account *account = find_account(files->uid);
    if (!account)
        return -ENOMEM;
    if (account->files > limit)
        return -ETOOMANYREFS;
    account->files += files->n;
    return 0;
}

static void uncharge(const struct socket_files *files)
{
    struct account *account = find_account(files->uid);
    account->files -= files->n;
    if (account->files)
        return;
    list_del(&account->link);
    kfree(account);
}

int unix_files_depart(struct socket_files *files)
{
    if (nflying > trigger)
        unix_collect();
    mutex_lock(&lock);
    int err = charge(files);
    for (unsigned i = 0; i < files->n && !err; i++) {
        struct unix_socket *u = unix_behind(files->files[i]);
        if (!u || u->flight.times++)
            continue;
        list_add_tail(&flying, &u->flight.link);
        nflying++;
    }
    mutex_unlock(&lock);
    return err;
}

void unix_files_arrive(struct socket_files *files)
{
    mutex_lock(&lock);
    uncharge(files);
    for (unsigned i = 0; i < files->n; i++) {
        struct unix_socket *u = unix_behind(files->files[i]);
        if (!u || --u->flight.times)
            continue;
        list_del(&u->flight.link);
        nflying--;
    }
    mutex_unlock(&lock);
}

void unix_files_peeked(void)
{
    atomic_fetch_add_explicit(&peeks, 1, memory_order_release);
}

/* --- searching
 * -----------------------------------------------------------------------------------------------
 */

typedef void visit_fn(struct unix_socket *child, struct list *list);

static void visit_queue(struct unix_socket *u, visit_fn *visit, struct list *list)
{
    list_for_each_entry (struct unix_packet, packet, &u->queue, link)
        for (unsigned i = 0; packet->files && i < packet->files->n; i++) {
            struct unix_socket *child = unix_behind(packet->files->files[i]);
            if (child && child->flight.suspect)
                visit(child, list);
        }
}

/* Call for each suspect that lies in the queue of u, or in those of what waits to be accepted. */
static void visit_children(struct unix_socket *u, visit_fn *visit, struct list *list)
{
    mutex_lock(&u->lock);
    if (u->state != UNIX_LISTENING) {
        visit_queue(u, visit, list);
    } else {
        list_for_each_entry (struct unix_socket, pending, &u->queue, pending) {
            mutex_lock(&pending->lock);
            visit_queue(pending, visit, list);
            mutex_unlock(&pending->lock);
        }
    }
    mutex_unlock(&u->lock);
}

static void take_off(struct unix_socket *child, struct list *unused)
{
    (void)unused;
    child->flight.outside--;
}

static void reach(struct unix_socket *child, struct list *reached)
{
    child->flight.suspect = false;
    list_del(&child->flight.link);
    list_add_tail(reached, &child->flight.link);
}

/* Those with no reference but from packets. */
static unsigned suspect(void)
{
    unsigned n = 0;
    list_for_each_entry (struct unix_socket, u, &flying, flight.link) {
        unsigned refs = atomic_load(&u->socket.file->refs);
        u->flight.outside = u->flight.times;
        u->flight.suspect = refs == u->flight.times;
        n += u->flight.suspect;
    }
    return n;
}

/* Sort out of the suspects whoever is reached from outside them. */
static void clear_reached(void)
{
    struct list reached = LIST_INIT(reached);
    list_for_each_entry (struct unix_socket, each, &flying, flight.link)
        if (each->flight.suspect)
            visit_children(each, take_off, NULL);
    list_for_each_safe (at, next, &flying) {
        struct unix_socket *u = list_entry(at, struct unix_socket, flight.link);
        if (u->flight.suspect && u->flight.outside)
            reach(u, &reached);
    }
    list_for_each_entry (struct unix_socket, each, &reached, flight.link)
        visit_children(each, reach, &reached);
    while (!list_empty(&reached)) {
        struct unix_socket *u = list_first(&reached, struct unix_socket, flight.link);
        list_del(&u->flight.link);
        list_add_tail(&flying, &u->flight.link);
    }
}

/* --- emptying
 * ------------------------------------------------------------------------------------------------
 */

static unsigned take_packets(struct unix_socket *u, struct list *packets)
{
    unsigned n = 0;
    list_for_each_safe (at, next, &u->queue) {
        struct unix_packet *packet = list_entry(at, struct unix_packet, link);
        if (!packet->files)
            continue;
        unix_dequeue(u, packet);
        list_add_tail(packets, &packet->link);
        n++;
    }
    return n;
}

/* Take the packets with files out of the garbage; how many. */
static unsigned gather(struct list *packets)
{
    unsigned n = 0;
    list_for_each_entry (struct unix_socket, u, &flying, flight.link) {
        if (!u->flight.suspect)
            continue;
        mutex_lock(&u->lock);
        if (u->state != UNIX_LISTENING) {
            n += take_packets(u, packets);
        } else {
            list_for_each_entry (struct unix_socket, pending, &u->queue, pending) {
                mutex_lock(&pending->lock);
                n += take_packets(pending, packets);
                mutex_unlock(&pending->lock);
            }
        }
        mutex_unlock(&u->lock);
    }
    return n;
}

static void collect_once(void)
{
    struct list packets = LIST_INIT(packets);
    unsigned long before;
    mutex_lock(&lock);
    do {
        before = atomic_load(&peeks);
        if (suspect())
            clear_reached();
    } while (atomic_load(&peeks) != before);
    unsigned found = gather(&packets);
    trigger = MAX((unsigned)TRIGGER_MIN, nflying * 2);
    mutex_unlock(&lock);
    if (!found)
        atomic_store(&skip, (int)(nflying / SKIP_SHARE));
    while (!list_empty(&packets)) {
        struct unix_packet *packet = list_first(&packets, struct unix_packet, link);
        list_del(&packet->link);
        unix_packet_free(packet);
    }
}

void unix_collect(void)
{
    atomic_store(&again, true);
    if (atomic_exchange(&collecting, true))
        return; /* whoever does looks once more, this thread further up perhaps */
    for (int i = 0; i < PASSES && atomic_exchange(&again, false); i++)
        collect_once();
    atomic_store(&collecting, false);
}

void unix_collect_at_release(void)
{
    if (likely(!nflying) || (skip > 0 && atomic_fetch_sub(&skip, 1) > 0))
        return;
    unix_collect();
}
