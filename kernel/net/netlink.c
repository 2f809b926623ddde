#include "net/netlink.h"

#include "core/boot.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "net/socket.h"

enum { AF_NETLINK = 16, ADDRESS_SIZE = 12, NETLINK_MAX = 32 };

struct packet {
    struct list link;
    size_t len;
    char data[];
};

struct netlink {
    struct socket socket; /* first */
    struct mutex lock;
    struct list queue;
    struct waitqueue readable;
    uint32_t port;
};

static const struct socket_ops netlink_ops;

static struct netlink *netlink_of(struct socket *socket)
{
    return container_of(socket, struct netlink, socket);
}

bool netlink_is(const struct file *file)
{
    const struct socket *socket = socket_of(file);
    return socket && socket->ops == &netlink_ops;
}

void netlink_deliver(struct file *file, const void *data, size_t len)
{
    struct netlink *n = netlink_of(socket_of(file));
    struct packet *packet = kmalloc(sizeof(*packet) + len);
    if (!packet)
        return;
    packet->len = len;
    memcpy(packet->data, data, len);
    mutex_lock(&n->lock);
    list_add_tail(&n->queue, &packet->link);
    mutex_unlock(&n->lock);
    waitqueue_wake(&n->readable, 0, POLLIN | POLLRDNORM);
}

/* --- the operations */

static int check_address(const struct socket_address *address)
{
    return address->len < ADDRESS_SIZE || address->family != AF_NETLINK ? -EINVAL : 0;
}

static int bind(struct socket *socket, const struct socket_address *address)
{
    int err = check_address(address);
    if (!err)
        memcpy(&netlink_of(socket)->port, address->bytes + 4, sizeof(uint32_t));
    return err;
}

static int refuse_listen(struct socket *socket, int backlog)
{
    return -EOPNOTSUPP;
}

static int connect(struct socket *socket, const struct socket_address *address, bool nonblock)
{
    return check_address(address);
}

static int refuse_accept(struct socket *socket, bool nonblock, struct socket **accepted)
{
    return -EOPNOTSUPP;
}

static int name(struct socket *socket, bool peer, struct socket_address *address)
{
    *address = (struct socket_address){.len = ADDRESS_SIZE, .family = AF_NETLINK};
    if (!peer)
        memcpy(address->bytes + 4, &netlink_of(socket)->port, sizeof(uint32_t));
    return 0;
}

/* Nobody listens. */
static ssize_t refuse_send(struct socket *socket, struct message *message)
{
    return -ECONNREFUSED;
}

static int wait_for_packet(struct netlink *n, const struct message *message)
{
    nsec_t deadline = socket_deadline(n->socket.receive_timeout);
    if (list_empty(&n->queue) && message->nonblock)
        return -EAGAIN;
    int err = WAIT_EVENT(&n->readable, !list_empty(&n->queue), WAIT_INTERRUPTIBLE, deadline);
    return err ? socket_wait_error(err, deadline) : 0;
}

static ssize_t copy_packet(struct message *message, const struct packet *packet)
{
    size_t len = MIN(packet->len, message->io.left);
    if (io_put(&message->io, packet->data, len) != len)
        return -EFAULT;
    if (len < packet->len)
        message->result |= MSG_TRUNC;
    if (message->address)
        *message->address = (struct socket_address){.len = ADDRESS_SIZE, .family = AF_NETLINK};
    return (ssize_t)(message->flags & MSG_TRUNC ? packet->len : len);
}

static ssize_t receive(struct socket *socket, struct message *message)
{
    struct netlink *n = netlink_of(socket);
    if (message->flags & MSG_OOB)
        return -EOPNOTSUPP;
    for (;;) {
        int err = wait_for_packet(n, message);
        if (err)
            return err;
        struct packet *packet = NULL;
        ssize_t len = 0;
        mutex_lock(&n->lock);
        if (!list_empty(&n->queue)) {
            packet = list_first(&n->queue, struct packet, link);
            len = copy_packet(message, packet);
            if (!(message->flags & MSG_PEEK))
                list_del(&packet->link);
        }
        mutex_unlock(&n->lock);
        if (!packet)
            continue;
        if (!(message->flags & MSG_PEEK))
            kfree(packet);
        return len;
    }
}

static int refuse_shutdown(struct socket *socket, int how)
{
    return -EOPNOTSUPP;
}

static unsigned poll(struct socket *socket, struct poll_table *table)
{
    struct netlink *n = netlink_of(socket);
    poll_wait(table, &n->readable);
    return POLLOUT | POLLWRNORM | (list_empty(&n->queue) ? 0 : POLLIN | POLLRDNORM);
}

static void release(struct socket *socket)
{
    struct netlink *n = netlink_of(socket);
    while (!list_empty(&n->queue)) {
        struct packet *packet = list_first(&n->queue, struct packet, link);
        list_del(&packet->link);
        kfree(packet);
    }
    kfree(n);
}

static const struct socket_ops netlink_ops = {
    .bind = bind,
    .listen = refuse_listen,
    .connect = connect,
    .accept = refuse_accept,
    .name = name,
    .send = refuse_send,
    .receive = receive,
    .shutdown = refuse_shutdown,
    .poll = poll,
    .release = release,
};

/* Protocol 0 (routes) carries nothing; no other is there. */
static int create(int type, int protocol, struct socket **socket)
{
    if (type != SOCK_RAW && type != SOCK_DGRAM)
        return -ESOCKTNOSUPPORT;
    if (protocol)
        return -EPROTONOSUPPORT;
    struct netlink *n = kzalloc(sizeof(*n));
    if (!n)
        return -ENOMEM;
    socket_init(&n->socket, &netlink_ops, AF_NETLINK, type, protocol);
    list_init(&n->queue);
    waitqueue_init(&n->readable);
    *socket = &n->socket;
    return 0;
}

static int start(void)
{
    static const struct socket_family family = {AF_NETLINK, create};
    socket_family_register(&family);
    return 0;
}
BOOT_STEP(PHASE_BUS, "netlink sockets", start);
