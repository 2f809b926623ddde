#include "net/netlink.h"

#include "core/boot.h"
#include "core/random.h"
#include "lib/string.h"
#include "mm/heap.h"

enum {
    ADDRESS_SIZE = 12,
    CHUNK = 4096 - sizeof(struct netlink_packet), /* programs read with a page's room */
    CHUNK_LARGEST = 65536,
    SCM_CREDENTIALS = 2,
};
enum { /* options of SOL_NETLINK */
       ADD_MEMBERSHIP = 1,
       DROP_MEMBERSHIP,
       PKTINFO,
       BROADCAST_ERROR,
       NO_ENOBUFS,
       LISTEN_ALL_NSID = 8,
       LIST_MEMBERSHIPS,
       CAP_ACK,
       EXT_ACK,
       GET_STRICT_CHK,
};
enum { /* attributes of an error */
       ERROR_MSG = 1,
       ERROR_OFFS = 2,
};

static const struct socket_ops netlink_ops;
static const struct netlink_protocol *protocols[NETLINK_PROTOCOLS];

/* All sockets, by protocol; under sockets_lock, which is taken before a socket's own lock. A head
 * of zeros is an empty list. */
static struct mutex sockets_lock;
static struct list sockets[NETLINK_PROTOCOLS];
static atomic_ulong listened[NETLINK_PROTOCOLS]; /* the union of their groups */

static struct netlink *netlink_of(struct socket *socket)
{
    return container_of(socket, struct netlink, socket);
}

void netlink_register(const struct netlink_protocol *protocol)
{
    protocols[protocol->number] = protocol;
}

/* --- the queue
 * --------------------------------------------------------------------------------------------------
 */

static struct netlink_packet *packet_make(size_t size)
{
    struct netlink_packet *packet = kmalloc(sizeof(*packet) + size);

    if (packet)
        *packet = (struct netlink_packet){};
    return packet;
}

/* Somebody sends more than is read: told once by the next call. */
static void overrun(struct netlink *n)
{
    n->drops++;
    if (!n->no_enobufs)
        atomic_store(&n->socket.error, ENOBUFS);
}

/* Takes the packet. always: also where there is too much already. */
static void enqueue(struct netlink *n, struct netlink_packet *packet, bool always)
{
    mutex_lock(&n->lock);
    if (!always && n->queued_bytes && n->queued_bytes + packet->len > n->socket.receive_buffer) {
        overrun(n);
        kfree(packet);
    } else {
        n->queued_bytes += packet->len;
        n->dumping += packet->of_dump;
        list_add_tail(&n->queue, &packet->link);
    }
    mutex_unlock(&n->lock);
    waitqueue_wake(&n->readable, 0, POLLIN | POLLRDNORM);
}

/* Socket locked. */
static void dequeue(struct netlink *n, struct netlink_packet *packet)
{
    list_del(&packet->link);
    n->queued_bytes -= packet->len;
    n->dumping -= packet->of_dump;
}

/* --- answers
 * ----------------------------------------------------------------------------------------------
 */

static int open_chunk(struct netlink_request *r, size_t size)
{
    r->packet = packet_make(size);
    if (!r->packet)
        return -ENOMEM;
    r->out = (struct nl_out){.buf = r->packet->data, .size = size};
    return 0;
}

static void close_chunk(struct netlink_request *r)
{
    if (!r->packet)
        return;
    r->packet->len = r->out.len;
    r->packet->of_dump = r->dump;
    if (r->out.len)
        list_add_tail(&r->packets, &r->packet->link);
    else
        kfree(r->packet);
    r->packet = NULL;
}

int netlink_reply(struct netlink_request *r, bool (*fill)(struct nl_out *out, void *arg), void *arg)
{
    int err = r->packet ? 0 : open_chunk(r, CHUNK);

    for (size_t size = CHUNK; !err; size *= 4) {
        bool fresh = !r->out.len;
        if (fill(&r->out, arg))
            return 0;
        if (fresh && size >= CHUNK_LARGEST)
            return -EMSGSIZE;
        if (!fresh)
            size = CHUNK / 4;
        close_chunk(r);
        err = open_chunk(r, size * 4);
    }
    return err;
}

/* What has been written so far becomes datagrams of their own. */
static void send_replies(struct netlink_request *r)
{
    close_chunk(r);
    while (!list_empty(&r->packets)) {
        struct netlink_packet *packet = list_first(&r->packets, struct netlink_packet, link);
        list_del(&packet->link);
        enqueue(r->netlink, packet, r->dump);
    }
}

int netlink_dump_begin(struct netlink_request *r)
{
    if (r->netlink->dumping)
        return -EBUSY;
    r->dump = true;
    return 0;
}

unsigned netlink_flags(const struct netlink_request *r)
{
    return r->dump ? NLM_F_MULTI : 0;
}

struct done {
    struct netlink_request *request;
    int result;
};

static void put_why(struct nl_out *out, const struct netlink_request *r)
{
    if (r->why)
        nl_put_text(out, ERROR_MSG, r->why);
    if (r->bad)
        nl_put_u32(out, ERROR_OFFS, r->bad);
}

static bool fill_done(struct nl_out *out, void *arg)
{
    const struct done *done = arg;
    const struct netlink_request *r = done->request;
    bool tell = r->netlink->extended_ack && r->why && done->result;
    int32_t *result = nl_begin(out, NLMSG_DONE, NLM_F_MULTI | (tell ? NLM_F_ACK_TLVS : 0),
                               r->message.seq, r->netlink->port, sizeof(*result));

    *result = done->result;
    if (tell)
        put_why(out, r);
    return nl_end(out);
}

int netlink_dump_end(struct netlink_request *r, int result)
{
    struct done done = {r, result};

    r->dump_done = true;
    return netlink_reply(r, fill_done, &done);
}

/* NLMSG_ERROR: an acknowledgement, or what went wrong and with what. */
static bool fill_ack(struct nl_out *out, void *arg)
{
    const struct done *done = arg;
    const struct netlink_request *r = done->request;
    const struct nl_message *m = &r->message;
    bool tell = r->netlink->extended_ack && (r->why || r->bad);
    bool whole = done->result && !r->netlink->cap_ack;
    unsigned flags = (whole ? 0 : NLM_F_CAPPED) | (tell ? NLM_F_ACK_TLVS : 0);
    uint8_t *p = nl_begin(out, NLMSG_ERROR, flags, m->seq, r->netlink->port, 4 + NL_HEAD);
    int32_t result = done->result;

    memcpy(p, &result, sizeof(result));
    memcpy(p + 4, m->raw, NL_HEAD);
    if (whole && m->len) {
        size_t room = out->size - out->len;
        if (room < nl_align(m->len) || out->full) {
            out->full = true;
        } else {
            memcpy(out->buf + out->len, m->payload, m->len);
            memset(out->buf + out->len + m->len, 0, nl_align(m->len) - m->len);
            out->len += nl_align(m->len);
        }
    }
    if (tell)
        put_why(out, r);
    return nl_end(out);
}

static void acknowledge(struct netlink_request *r, int result)
{
    struct done done = {r, result};

    if (netlink_reply(r, fill_ack, &done))
        overrun(r->netlink);
}

/* One message to the kernel. Errors in dumps are told by NLMSG_DONE. */
static void handle(struct netlink_request *r, const struct netlink_protocol *protocol)
{
    const struct nl_message *m = &r->message;
    int err = 0;

    list_init(&r->packets);
    if (m->flags & NLM_F_REQUEST && m->type >= NLMSG_MIN_TYPE)
        err = protocol->request(r);
    if (r->dump && (err || !r->dump_done))
        netlink_dump_end(r, err);
    send_replies(r);
    if (r->dump)
        return;
    if (err || m->flags & NLM_F_ACK)
        acknowledge(r, err);
    send_replies(r);
}

static void to_kernel(struct netlink *n, const struct netlink_protocol *protocol,
                      const uint8_t *data, size_t len)
{
    struct netlink_request request;
    size_t at = 0;
    bool admin = socket_capable(NET_CAP_ADMIN);

    for (;;) {
        request = (struct netlink_request){.netlink = n, .admin = admin};
        if (!nl_next(data, len, &at, &request.message))
            return;
        handle(&request, protocol);
    }
}

/* --- to each other, and to groups
 * ---------------------------------------------------------------------------
 */

static struct list *sockets_of(int protocol)
{
    if (!sockets[protocol].next)
        list_init(&sockets[protocol]);
    return &sockets[protocol];
}

/* Under sockets_lock. */
static struct netlink *find_port(int protocol, uint32_t port)
{
    list_for_each_entry (struct netlink, n, sockets_of(protocol), link)
        if (n->bound && n->port == port)
            return n;
    return NULL;
}

static int deliver_copy(struct netlink *to, const void *data, size_t len, uint32_t group,
                        uint32_t port, const struct socket_cred *cred)
{
    struct netlink_packet *packet = packet_make(len);

    if (!packet)
        return -ENOBUFS;
    memcpy(packet->data, data, len);
    packet->len = len;
    packet->group = group;
    packet->port = port;
    packet->cred = *cred;
    enqueue(to, packet, false);
    return 0;
}

static int to_port(struct netlink *n, uint32_t port, const void *data, size_t len,
                   const struct socket_cred *cred)
{
    mutex_lock(&sockets_lock);
    struct netlink *to = find_port(n->socket.protocol, port);
    int err = to ? deliver_copy(to, data, len, 0, n->port, cred) : -ECONNREFUSED;
    mutex_unlock(&sockets_lock);
    return err;
}

/* Not to the sender: and as on Linux, a socket without a port counts as the kernel's. */
static void to_group(int protocol, const struct netlink *from, unsigned group, const void *data,
                     size_t len, const struct socket_cred *cred)
{
    uint32_t port = from ? from->port : 0;

    mutex_lock(&sockets_lock);
    list_for_each_entry (struct netlink, n, sockets_of(protocol), link)
        if (n->port != port && n->groups >> (group - 1) & 1)
            if (deliver_copy(n, data, len, group, port, cred))
                overrun(n);
    mutex_unlock(&sockets_lock);
}

bool netlink_listened(int protocol, unsigned group)
{
    return atomic_load_explicit(&listened[protocol], memory_order_relaxed) >> (group - 1) & 1;
}

void netlink_multicast(int protocol, unsigned group, const void *data, size_t n)
{
    static const struct socket_cred kernel;

    if (netlink_listened(protocol, group))
        to_group(protocol, NULL, group, data, n, &kernel);
}

void netlink_each(bool (*fn)(struct netlink *netlink, void *arg), void *arg)
{
    mutex_lock(&sockets_lock);
    for (int i = 0; i < NETLINK_PROTOCOLS; i++)
        list_for_each_entry (struct netlink, n, sockets_of(i), link)
            if (!fn(n, arg))
                goto out;
out:
    mutex_unlock(&sockets_lock);
}

/* --- who a socket is
 * ---------------------------------------------------------------------------------------
 */

/* Under sockets_lock. */
static void count_listeners(int protocol)
{
    uint64_t all = 0;

    list_for_each_entry (struct netlink, n, sockets_of(protocol), link)
        all |= n->groups;
    atomic_store(&listened[protocol], all);
}

/* Under sockets_lock. The process's number, or another that no process has. */
static void bind_free_port(struct netlink *n)
{
    uint32_t port = (uint32_t)socket_cred_hook().pid;

    while (!port || find_port(n->socket.protocol, port))
        port = (uint32_t)-4096 - (uint32_t)(random_u64() % 0x3fffffff);
    n->port = port;
    n->bound = true;
}

static void bind_if_needed(struct netlink *n)
{
    if (n->bound)
        return;
    mutex_lock(&sockets_lock);
    if (!n->bound)
        bind_free_port(n);
    mutex_unlock(&sockets_lock);
}

static int check_address(const struct socket_address *address, uint32_t *port, uint32_t *groups)
{
    if (address->len < ADDRESS_SIZE || address->family != AF_NETLINK)
        return -EINVAL;
    memcpy(port, address->bytes + 4, sizeof(*port));
    memcpy(groups, address->bytes + 8, sizeof(*groups));
    return 0;
}

static unsigned count_groups(const struct netlink *n)
{
    const struct netlink_protocol *protocol = protocols[n->socket.protocol];

    return protocol ? MAX(protocol->groups, 32u) : 0;
}

/* Under sockets_lock. */
static int bind_port(struct netlink *n, uint32_t port)
{
    if (n->bound)
        return port == n->port ? 0 : -EINVAL;
    if (!port) {
        bind_free_port(n);
        return 0;
    }
    if (find_port(n->socket.protocol, port))
        return -EADDRINUSE;
    n->port = port;
    n->bound = true;
    return 0;
}

static int bind(struct socket *socket, const struct socket_address *address)
{
    struct netlink *n = netlink_of(socket);
    unsigned known = count_groups(n);
    uint32_t port, groups;
    int err = check_address(address, &port, &groups);

    if (err)
        return err;
    if (known < 32)
        groups &= (1u << known) - 1;
    mutex_lock(&sockets_lock);
    err = bind_port(n, port);
    if (!err) {
        n->groups = (n->groups & ~0xffffffffull) | groups;
        count_listeners(socket->protocol);
    }
    mutex_unlock(&sockets_lock);
    return err;
}

static int connect(struct socket *socket, const struct socket_address *address, bool nonblock)
{
    struct netlink *n = netlink_of(socket);
    uint32_t port, groups;

    if (address->len < sizeof(uint16_t))
        return -EINVAL;
    if (address->family == AF_UNSPEC) {
        n->peer_port = n->peer_groups = 0;
        return 0;
    }
    int err = check_address(address, &port, &groups);
    if (err)
        return err;
    if ((port || groups) && !socket_capable(NET_CAP_ADMIN))
        return -EPERM;
    bind_if_needed(n);
    n->peer_port = port;
    n->peer_groups = groups;
    return 0;
}

static void put_address(struct socket_address *address, uint32_t port, uint32_t groups)
{
    *address = (struct socket_address){.len = ADDRESS_SIZE, .family = AF_NETLINK};
    memcpy(address->bytes + 4, &port, sizeof(port));
    memcpy(address->bytes + 8, &groups, sizeof(groups));
}

static int name(struct socket *socket, bool peer, struct socket_address *address)
{
    const struct netlink *n = netlink_of(socket);

    if (peer)
        put_address(address, n->peer_port, n->peer_groups);
    else
        put_address(address, n->port, (uint32_t)n->groups);
    return 0;
}

/* --- sending and receiving
 * ---------------------------------------------------------------------------------
 */

static int send_copy(struct netlink *n, const uint8_t *data, size_t len, uint32_t port,
                     uint32_t groups, const struct socket_cred *cred)
{
    const struct netlink_protocol *protocol = protocols[n->socket.protocol];

    if (groups)
        to_group(n->socket.protocol, n, (unsigned)__builtin_ctz(groups) + 1, data, len, cred);
    if (port)
        return to_port(n, port, data, len, cred);
    if (!protocol || !protocol->request)
        return groups ? 0 : -ECONNREFUSED;
    to_kernel(n, protocol, data, len);
    return 0;
}

static ssize_t send(struct socket *socket, struct message *message)
{
    struct netlink *n = netlink_of(socket);
    uint32_t port = n->peer_port, groups = n->peer_groups;
    size_t len = message->io.left;
    int err = 0;

    if (message->flags & MSG_OOB)
        return -EOPNOTSUPP;
    if (!len)
        return -ENODATA;
    if (message->address && message->address->len) {
        err = check_address(message->address, &port, &groups);
        if (!err && (port || groups) && !socket_capable(NET_CAP_ADMIN))
            err = -EPERM;
    }
    if (err)
        return err;
    bind_if_needed(n);
    if (len > socket->send_buffer - 32)
        return -EMSGSIZE;
    uint8_t *copy = kmalloc(len);
    if (!copy)
        return -ENOBUFS;
    if (io_get(&message->io, copy, len) != len)
        err = -EFAULT;
    if (!err)
        err = send_copy(n, copy, len, port, groups, &message->cred);
    kfree(copy);
    return err ? err : (ssize_t)len;
}

static bool may_receive(const struct netlink *n)
{
    return !list_empty(&n->queue) || atomic_load(&n->socket.error);
}

static int wait_for_packet(struct netlink *n, const struct message *message)
{
    nsec_t deadline = socket_deadline(n->socket.receive_timeout);

    if (!may_receive(n) && message->nonblock)
        return -EAGAIN;
    int err = WAIT_EVENT(&n->readable, may_receive(n), WAIT_INTERRUPTIBLE, deadline);
    if (err)
        return socket_wait_error(err, deadline);
    return -atomic_exchange(&n->socket.error, 0);
}

static ssize_t copy_packet(struct netlink *n, struct message *message,
                           const struct netlink_packet *packet)
{
    size_t len = MIN(packet->len, message->io.left);
    uint32_t group = packet->group;
    int err = 0;

    if (io_put(&message->io, packet->data, len) != len)
        return -EFAULT;
    if (len < packet->len)
        message->result |= MSG_TRUNC;
    if (message->address)
        put_address(message->address, packet->port, group ? 1u << (group - 1) % 32 : 0);
    if (n->packet_info)
        err = message_put_control(message, SOL_NETLINK, PKTINFO, &group, sizeof(group));
    if (!err && socket_flag(&n->socket, SO_PASSCRED))
        err = message_put_control(message, SOL_SOCKET, SCM_CREDENTIALS, &packet->cred,
                                  sizeof(packet->cred));
    return err ? err : (ssize_t)(message->flags & MSG_TRUNC ? packet->len : len);
}

/* 0: there was nothing after all. */
static ssize_t take_packet(struct netlink *n, struct message *message)
{
    bool keep = message->flags & MSG_PEEK;

    mutex_lock(&n->lock);
    if (list_empty(&n->queue)) {
        mutex_unlock(&n->lock);
        return 0;
    }
    struct netlink_packet *packet = list_first(&n->queue, struct netlink_packet, link);
    ssize_t len = copy_packet(n, message, packet);
    if (!keep)
        dequeue(n, packet);
    mutex_unlock(&n->lock);
    if (!keep)
        kfree(packet);
    return len;
}

static ssize_t receive(struct socket *socket, struct message *message)
{
    struct netlink *n = netlink_of(socket);
    ssize_t len = 0;

    if (message->flags & MSG_OOB)
        return -EOPNOTSUPP;
    while (!len) {
        int err = wait_for_packet(n, message);
        if (err)
            return err;
        if (!message->io.left && !(message->flags & MSG_TRUNC)) {
            take_packet(n, message);
            return 0;
        }
        len = take_packet(n, message);
    }
    return len;
}

static unsigned poll(struct socket *socket, struct poll_table *table)
{
    struct netlink *n = netlink_of(socket);

    poll_wait(table, &n->readable);
    return POLLOUT | POLLWRNORM | (list_empty(&n->queue) ? 0 : POLLIN | POLLRDNORM) |
           (atomic_load(&socket->error) ? POLLERR : 0);
}

static int refuse_listen(struct socket *socket, int backlog)
{
    return -EOPNOTSUPP;
}

static int refuse_accept(struct socket *socket, bool nonblock, struct socket **accepted)
{
    return -EOPNOTSUPP;
}

static int refuse_shutdown(struct socket *socket, int how)
{
    return -EOPNOTSUPP;
}

/* --- options
 * -----------------------------------------------------------------------------------------------
 */

static bool *flag_of(struct netlink *n, int option)
{
    switch (option) {
    case PKTINFO:
        return &n->packet_info;
    case BROADCAST_ERROR:
        return &n->broadcast_error;
    case NO_ENOBUFS:
        return &n->no_enobufs;
    case LISTEN_ALL_NSID:
        return &n->all_namespaces;
    case CAP_ACK:
        return &n->cap_ack;
    case EXT_ACK:
        return &n->extended_ack;
    case GET_STRICT_CHK:
        return &n->strict;
    default:
        return NULL;
    }
}

static int change_membership(struct netlink *n, uint32_t group, bool join)
{
    if (!group || group > count_groups(n))
        return -EINVAL;
    mutex_lock(&sockets_lock);
    n->grouped = true;
    uint64_t bit = 1ull << (group - 1);
    n->groups = join ? n->groups | bit : n->groups & ~bit;
    count_listeners(n->socket.protocol);
    mutex_unlock(&sockets_lock);
    return 0;
}

static int set_option(struct socket *socket, int level, int option, const void *value, size_t len)
{
    struct netlink *n = netlink_of(socket);
    uint32_t number = 0;
    bool *flag = flag_of(n, option);

    if (level != SOL_NETLINK)
        return -ENOPROTOOPT;
    if (len >= sizeof(number))
        memcpy(&number, value, sizeof(number));
    if (option == ADD_MEMBERSHIP || option == DROP_MEMBERSHIP)
        return change_membership(n, number, option == ADD_MEMBERSHIP);
    if (!flag)
        return -ENOPROTOOPT;
    if (option == LISTEN_ALL_NSID && !socket_capable(NET_CAP_ADMIN))
        return -EPERM;
    *flag = number;
    return 0;
}

static int get_option(struct socket *socket, int level, int option, void *value, size_t len)
{
    struct netlink *n = netlink_of(socket);
    const bool *flag = flag_of(n, option);

    if (level != SOL_NETLINK)
        return -ENOPROTOOPT;
    if (option == LIST_MEMBERSHIPS) {
        size_t size = n->grouped || n->groups ? (count_groups(n) + 31) / 32 * 4 : 0;
        memcpy(value, &n->groups, MIN(size, len & ~3ul));
        return (int)size;
    }
    if (!flag)
        return -ENOPROTOOPT;
    if (len < sizeof(int32_t))
        return -EINVAL;
    int32_t number = *flag;
    memcpy(value, &number, sizeof(number));
    return sizeof(number);
}

/* --- a socket's life
 * ---------------------------------------------------------------------------------------
 */

static void release(struct socket *socket)
{
    struct netlink *n = netlink_of(socket);

    mutex_lock(&sockets_lock);
    list_del(&n->link);
    count_listeners(socket->protocol);
    mutex_unlock(&sockets_lock);
    while (!list_empty(&n->queue)) {
        struct netlink_packet *packet = list_first(&n->queue, struct netlink_packet, link);
        dequeue(n, packet);
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
    .send = send,
    .receive = receive,
    .shutdown = refuse_shutdown,
    .poll = poll,
    .set_option = set_option,
    .get_option = get_option,
    .release = release,
    .control = true,
};

static int create(int type, int protocol, struct socket **socket)
{
    if (type != SOCK_RAW && type != SOCK_DGRAM)
        return -ESOCKTNOSUPPORT;
    if (protocol < 0 || protocol >= NETLINK_PROTOCOLS || !protocols[protocol])
        return -EPROTONOSUPPORT;
    struct netlink *n = kzalloc(sizeof(*n));
    if (!n)
        return -ENOMEM;
    socket_init(&n->socket, &netlink_ops, AF_NETLINK, type, protocol);
    list_init(&n->queue);
    waitqueue_init(&n->readable);
    mutex_lock(&sockets_lock);
    list_add_tail(sockets_of(protocol), &n->link);
    mutex_unlock(&sockets_lock);
    *socket = &n->socket;
    return 0;
}

bool netlink_is(const struct file *file)
{
    const struct socket *socket = socket_of(file);

    return socket && socket->ops == &netlink_ops;
}

void netlink_deliver(struct file *file, const void *data, size_t len)
{
    static const struct socket_cred kernel;

    deliver_copy(netlink_of(socket_of(file)), data, len, 0, 0, &kernel);
}

/* Events of devices that come and go: none do. */
static const struct netlink_protocol uevents = {.number = NETLINK_KOBJECT_UEVENT, .groups = 32};

static int start(void)
{
    static const struct socket_family family = {AF_NETLINK, create};

    socket_family_register(&family);
    netlink_register(&uevents);
    return 0;
}
BOOT_STEP(PHASE_BUS, "netlink sockets", start);
