#include "net/socket.h"

#include "core/spinlock.h"
#include "core/thread.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/uaccess.h"
#include "net/filter.h"
#include "net/ifioctl.h"
#include "net/inet.h"

enum { NETIF_NAME_MAX = 15, AF_NETLINK = 16 };

static struct socket_cred nobody(void)
{
    return (struct socket_cred){};
}

struct socket_cred (*socket_cred_hook)(void) = nobody;
static void tell_nobody(struct file *file)
{
}

void (*socket_urgent_hook)(struct file *file) = tell_nobody;
static const struct socket_family *families[SOCKET_FAMILIES];
uint32_t socket_receive_default = SOCKET_BUFFER, socket_send_default = SOCKET_BUFFER,
         socket_receive_most = SOCKET_BUFFER, socket_send_most = SOCKET_BUFFER;

void socket_family_register(const struct socket_family *family)
{
    families[family->family] = family;
}

int socket_create(int family, int type, int protocol, struct socket **socket)
{
    if (family < 0 || family >= SOCKET_FAMILIES)
        return -EAFNOSUPPORT;
    if (type < 0 || type >= SOCK_TYPES)
        return -EINVAL;
    if (family == AF_INET && type == SOCK_PACKET) /* as in the days before AF_PACKET */
        family = AF_PACKET;
    if (!families[family])
        return -EAFNOSUPPORT;
    return families[family]->create(type, protocol, socket);
}

void socket_init(struct socket *socket, const struct socket_ops *ops, int family, int type,
                 int protocol)
{
    *socket = (struct socket){
        .ops = ops,
        .family = family,
        .type = type,
        .protocol = protocol,
        .send_buffer = socket_send_default,
        .receive_buffer = socket_receive_default,
        .receive_low = 1,
        .incoming_cpu = -1,
        .pacing_rate = UINT64_MAX,
    };
}

/* A file among them may be a socket, in whose queue there are files again, and so on: what a thread
 * comes to free while it frees waits until it is through, for its stack is not that deep. */
struct freeing {
    struct list link;
    const struct thread *thread;
    struct socket_files *more;
};
static struct spinlock freeing_lock;
static struct list all_freeing = LIST_INIT(all_freeing);

/* Under freeing_lock: what this thread is at. */
static struct freeing *freeing_now(void)
{
    list_for_each_entry (struct freeing, freeing, &all_freeing, link)
        if (freeing->thread == current)
            return freeing;
    return NULL;
}

/* True: they wait in what this thread is at; else `mine` is that from now on. */
static bool begin_freeing(struct socket_files *files, struct freeing *mine)
{
    uint64_t flags = spin_lock_irq(&freeing_lock);
    struct freeing *outer = freeing_now();

    if (outer) {
        files->next = outer->more;
        outer->more = files;
    } else {
        list_add(&all_freeing, &mine->link);
    }
    spin_unlock_irq(&freeing_lock, flags);
    return outer;
}

/* The next ones; NULL: there are none, and `mine` has ended. */
static struct socket_files *next_to_free(struct freeing *mine)
{
    uint64_t flags = spin_lock_irq(&freeing_lock);
    struct socket_files *files = mine->more;

    if (files)
        mine->more = files->next;
    else
        list_del(&mine->link);
    spin_unlock_irq(&freeing_lock, flags);
    return files;
}

void socket_files_free(struct socket_files *files)
{
    struct freeing mine = {.thread = current};

    if (!files || begin_freeing(files, &mine))
        return;
    while (files) {
        for (unsigned i = 0; i < files->n; i++)
            file_put(files->files[i]);
        kfree(files);
        files = next_to_free(&mine);
    }
}

/* --- control messages
 * ------------------------------------------------------------------------------------- */

int message_next_control(const struct message *message, size_t *at, struct control_message *next)
{
    struct control_header header;
    size_t left = message->sent_size - *at;
    if (left < sizeof(header))
        return 0;
    const char *from = (const char *)message->sent + *at;
    memcpy(&header, from, sizeof(header));
    if (header.len < sizeof(header) || header.len > left)
        return -EINVAL;
    *next = (struct control_message){header.level, header.type, from + sizeof(header),
                                     header.len - sizeof(header)};
    *at += MIN(ALIGN_UP(header.len, 8ul), left);
    return 1;
}

int message_put_control(struct message *message, int level, int type, const void *data, size_t n)
{
    struct control *control = &message->control;
    struct control_header header = {sizeof(header) + n, level, type};
    if (control->left < sizeof(header)) {
        message->result |= MSG_CTRUNC;
        return 0;
    }
    if (control->left < header.len) {
        message->result |= MSG_CTRUNC;
        header.len = control->left;
    }
    if (user_write(control->at, &header, sizeof(header)) < 0 ||
        user_write(control->at + sizeof(header), data, header.len - sizeof(header)) < 0)
        return -EFAULT;
    size_t space = MIN(ALIGN_UP(header.len, 8ul), control->left);
    control->at += space;
    control->left -= space;
    return 0;
}

/* --- the file
 * --------------------------------------------------------------------------------------------- */

static bool is_nonblocking(const struct file *file, const struct io *io)
{
    return atomic_load_explicit(&file->flags, memory_order_relaxed) & O_NONBLOCK || io->nowait;
}

static ssize_t file_receive(struct file *file, struct io *io, off_t *pos)
{
    struct socket *socket = file->data;
    if (!io->left)
        return 0;
    struct message message = {.io = *io, .nonblock = is_nonblocking(file, io)};
    ssize_t n = socket->ops->receive(socket, &message);
    if (unlikely(message.files))
        socket_files_free(message.files); /* read(2) has no place for them */
    return n;
}

static ssize_t file_send(struct file *file, struct io *io, off_t *pos)
{
    struct socket *socket = file->data;
    struct message message = {
        .io = *io, .nonblock = is_nonblocking(file, io), .cred = socket_cred_hook()};
    if (socket->type == SOCK_SEQPACKET)
        message.flags = MSG_EOR;
    return socket->ops->send(socket, &message);
}

/* The short cuts of read(2) and write(2). The call may sleep, so it holds the file itself. */
static ssize_t receive_user(struct file *file, uintptr_t buf, size_t n)
{
    struct iovec iov;
    struct io io = io_user(&iov, buf, n);
    file_get(file);
    ssize_t result = file_receive(file, &io, NULL);
    file_put(file);
    return result;
}

static ssize_t send_user(struct file *file, uintptr_t buf, size_t n)
{
    struct iovec iov;
    struct io io = io_user(&iov, buf, n);
    file_get(file);
    ssize_t result = file_send(file, &io, NULL);
    file_put(file);
    return result;
}

static unsigned file_poll_socket(struct file *file, struct poll_table *table)
{
    struct socket *socket = file->data;
    return socket->ops->poll(socket, table);
}

static int64_t file_ioctl_socket(struct file *file, unsigned cmd, uintptr_t arg)
{
    struct socket *socket = file->data;
    int64_t result = socket->ops->ioctl ? socket->ops->ioctl(socket, cmd, arg) : -ENOTTY;
    return result == -ENOTTY ? netif_ioctl(socket, cmd, arg) : result;
}

static int file_mmap_socket(struct file *file, struct map_request *request)
{
    struct socket *socket = file->data;
    return socket->ops->mmap ? socket->ops->mmap(socket, request) : -ENODEV;
}

atomic_uint socket_count;

static void file_release(struct file *file)
{
    struct socket *socket = file->data;
    atomic_fetch_sub_explicit(&socket_count, 1, memory_order_relaxed);
    socket->ops->release(socket);
}

static const struct file_ops socket_file_ops = {
    .read = file_receive,
    .write = file_send,
    .read_user = receive_user,
    .write_user = send_user,
    .poll = file_poll_socket,
    .ioctl = file_ioctl_socket,
    .mmap = file_mmap_socket,
    .release = file_release,
};

/* --- the attribute by which strace and lsof know the protocol */

static const char attribute[] = "system.sockprotoname";

static const char *protocol_name(const struct socket *s)
{
    static const char *const inet[][2] = {{"TCP", "TCPv6"}, {"UDP", "UDPv6"}, {"RAW", "RAWv6"}};
    switch (s->family) {
    case AF_INET:
    case AF_INET6:
        if (s->type == SOCK_DGRAM && s->protocol != IPPROTO_UDP)
            return s->family == AF_INET ? "PING" : "PINGv6";
        return inet[s->type - SOCK_STREAM][s->family == AF_INET6];
    case AF_UNIX:
        return s->type == SOCK_STREAM ? "UNIX-STREAM" : "UNIX";
    default:
        return s->family == AF_PACKET ? "PACKET" : "NETLINK";
    }
}

static ssize_t give(const char *text, void *to, size_t size)
{
    size_t len = strlen(text) + 1;
    if (size && size < len)
        return -ERANGE;
    if (size)
        memcpy(to, text, len);
    return (ssize_t)len;
}

static ssize_t get_attribute(struct inode *inode, const char *name, void *value, size_t size)
{
    return strcmp(name, attribute) ? -EOPNOTSUPP : give(inode->data, value, size);
}

static ssize_t list_attributes(struct inode *inode, char *list, size_t size)
{
    return give(attribute, list, size);
}

static const struct inode_ops socket_inode_ops = {
    .setattr = file_anonymous_setattr,
    .getxattr = get_attribute,
    .listxattr = list_attributes,
    .destroy = file_anonymous_destroy,
};

int socket_file(struct socket *socket, int flags, struct file **file)
{
    int err = file_anonymous("socket:[%ino]", &socket_file_ops, S_IFSOCK | 0777,
                             O_RDWR | (flags & O_NONBLOCK), socket, file);
    if (!err) {
        socket->file = *file;
        (*file)->inode->ops = &socket_inode_ops;
        (*file)->inode->data = (void *)protocol_name(socket); /* it may outlive the socket */
        socket->ino = (*file)->inode->ino;
        atomic_fetch_add_explicit(&socket_count, 1, memory_order_relaxed);
    }
    return err;
}

struct socket *socket_of(const struct file *file)
{
    return file->ops == &socket_file_ops ? file->data : NULL;
}

/* --- options
 * ---------------------------------------------------------------------------------------------- */

/* Those that are nothing but on or off here. */
static bool is_flag(int name)
{
    switch (name) {
    case SO_DEBUG:
    case SO_REUSEADDR:
    case SO_DONTROUTE:
    case SO_BROADCAST:
    case SO_KEEPALIVE:
    case SO_OOBINLINE:
    case SO_NO_CHECK:
    case SO_REUSEPORT:
    case SO_PASSCRED:
    case SO_PASSSEC:
    case SO_RXQ_OVFL:
    case SO_WIFI_STATUS:
    case SO_NOFCS:
    case SO_SELECT_ERR_QUEUE:
        return true;
    default:
        return false;
    }
}

/* Credentials come with messages of these families only. */
static bool may_pass(const struct socket *socket, int name)
{
    return (name != SO_PASSCRED && name != SO_PASSSEC) || socket->family == AF_UNIX ||
           socket->family == AF_NETLINK;
}

/* Linux doubles what is asked for, to make room for its own. */
static uint32_t buffer_size(int asked, bool force, uint32_t most, uint32_t least)
{
    uint32_t size = (uint32_t)asked;
    if (!force || asked < 0)
        size = MIN(size, most);
    size = MIN(size, (uint32_t)INT32_MAX / 2) * 2;
    return MAX(size, least);
}

static int set_buffer(struct socket *socket, int name, int asked, bool privileged)
{
    bool force = name == SO_SNDBUFFORCE || name == SO_RCVBUFFORCE;
    if (force && !privileged)
        return -EPERM;
    if (name == SO_SNDBUF || name == SO_SNDBUFFORCE)
        socket->send_buffer = buffer_size(asked, force, socket_send_most, SOCKET_SEND_MIN);
    else
        socket->receive_buffer = buffer_size(asked, force, socket_receive_most, SOCKET_RECEIVE_MIN);
    return 0;
}

struct timeval {
    int64_t sec, usec;
};

static int set_timeout(nsec_t *timeout, const void *value, size_t len)
{
    struct timeval tv;
    if (len < sizeof(tv))
        return -EINVAL;
    memcpy(&tv, value, sizeof(tv));
    if (tv.usec < 0 || tv.usec >= 1000000)
        return -EDOM;
    if (tv.sec < 0)
        *timeout = 1; /* as on Linux: does not wait */
    else
        *timeout = tv.sec > INT64_MAX / 2000000000 ? 0 : tv.sec * 1000000000 + tv.usec * 1000;
    return 0;
}

/* One of the two ways to tell times of arrival, or neither. */
static void set_stamps(struct socket *socket, int name, bool on)
{
    uint64_t both = 1ull << SO_TIMESTAMP | 1ull << SO_TIMESTAMPNS;
    bool fine = name == SO_TIMESTAMPNS || name == SO_TIMESTAMPNS_NEW;
    socket->flags &= ~both;
    if (on)
        socket->flags |= 1ull << (fine ? SO_TIMESTAMPNS : SO_TIMESTAMP);
}

static int bind_to(struct socket *socket, uint32_t index)
{
    if ((int32_t)index < 0)
        return -EINVAL;
    if (socket->bound_index && !socket_capable(NET_CAP_RAW))
        return -EPERM;
    socket->bound_index = index;
    return 0;
}

static int bind_to_name(struct socket *socket, const char *value, size_t len)
{
    char name[NETIF_NAME_MAX + 1] = "";
    memcpy(name, value, MIN(len, (size_t)NETIF_NAME_MAX));
    if (!name[0])
        return bind_to(socket, 0);
    rcu_read_lock();
    const struct netif *netif = netif_find(name);
    rcu_read_unlock();
    return netif ? bind_to(socket, netif->index) : -ENODEV;
}

int socket_set_bound(struct socket *socket, int name, const void *value, size_t len)
{
    uint32_t index;
    if (name == SO_BINDTODEVICE)
        return bind_to_name(socket, value, len);
    if (len < sizeof(index))
        return -EINVAL;
    memcpy(&index, value, sizeof(index));
    return bind_to(socket, index);
}

static int set_txtime(struct socket *socket, const void *value, size_t len)
{
    enum { MONOTONIC = 1, TAI = 11, FLAGS = 3 };
    uint32_t asked[2];
    if (len != sizeof(asked))
        return -EINVAL;
    memcpy(asked, value, len);
    if (asked[1] & ~FLAGS)
        return -EINVAL;
    if (asked[0] != MONOTONIC && !socket_capable(NET_CAP_ADMIN))
        return -EPERM;
    if (asked[0] > MONOTONIC && asked[0] != TAI)
        return -EINVAL;
    memcpy(&socket->txtime, asked, len);
    socket->flags |= 1ull << SO_TXTIME;
    return 0;
}

/* Options that say how a network's device is to be used: kept, of no effect on a socket that never
 * leaves the machine. */
static int set_network(struct socket *socket, int name, int32_t number, size_t len, bool privileged)
{
    switch (name) {
    case SO_BUSY_POLL:
        if (number < 0)
            return -EINVAL;
        if ((uint32_t)number > socket->busy_poll && !privileged)
            return -EPERM;
        socket->busy_poll = (uint32_t)number;
        return 0;
    case SO_PREFER_BUSY_POLL:
        if (number && !privileged)
            return -EPERM;
        socket->prefer_busy_poll = number;
        return 0;
    case SO_BUSY_POLL_BUDGET:
        if (number < 0 || number > UINT16_MAX)
            return -EINVAL;
        return number > 8 && !privileged ? -EPERM : 0;
    case SO_BSDCOMPAT: /* of no effect on Linux, too */
    case SO_CNX_ADVICE:
        return 0;
    case SO_ATTACH_BPF: /* as without CONFIG_BPF_SYSCALL */
    case SO_ATTACH_REUSEPORT_EBPF:
        return len == sizeof(number) ? -EOPNOTSUPP : -EINVAL;
    case SO_DETACH_REUSEPORT_BPF: /* there is none */
        return socket_flag(socket, SO_REUSEPORT) ? -ENOENT : -EINVAL;
    case SO_RESERVE_MEM: /* as without a memory cgroup */
        return number < 0 ? -EINVAL : -EOPNOTSUPP;
    case SO_INCOMING_CPU:
        socket->incoming_cpu = number;
        return 0;
    case SO_PEEK_OFF: /* those who know it have seen it before, as these: */
    case SO_TXREHASH:
    case SO_ZEROCOPY:
        return -EOPNOTSUPP;
    case SO_ATTACH_REUSEPORT_CBPF:
        return -EINVAL;
    case SO_RCVMARK:
        if (!privileged && !socket_capable(NET_CAP_RAW))
            return -EPERM;
        socket->flags =
            number ? socket->flags | 1ull << SO_MARK : socket->flags & ~(1ull << SO_MARK);
        return 0;
    case SO_BUF_LOCK:
        if (number & ~3)
            return -EINVAL;
        socket->buffer_lock = (uint32_t)number;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

/* SO_TIMESTAMPING is for devices and for sockets that wait for what they sent. */
static int set_timestamping(struct socket *socket, int32_t number)
{
    enum {
        KNOWN = (1 << 19) - 1,
        ID = 1 << 7,
        ONLY = 1 << 11,
        STATS = 1 << 12,
        BIND_PHC = 1 << 15, /* to a clock of the interface's: none has any */
        ID_TCP = 1 << 16
    };
    if (number & ~KNOWN || (number & ID_TCP && !(number & ID)) ||
        (number & STATS && !(number & ONLY)))
        return -EINVAL;
    if (number & BIND_PHC)
        return socket->bound_index ? -EINVAL : -EOPNOTSUPP;
    if (socket->type != SOCK_STREAM && number & ID && !(socket->timestamping & ID))
        socket->stamp_key = 0;
    socket->timestamping = (uint32_t)number;
    return 0;
}

static int set_generic(struct socket *socket, int name, const void *value, size_t len,
                       bool privileged)
{
    int32_t number;
    if (name == SO_RCVTIMEO || name == SO_RCVTIMEO_NEW)
        return set_timeout(&socket->receive_timeout, value, len);
    if (name == SO_SNDTIMEO || name == SO_SNDTIMEO_NEW)
        return set_timeout(&socket->send_timeout, value, len);
    if (name == SO_ATTACH_FILTER)
        return socket_filter_attach(socket, value, len);
    if (name == SO_BINDTODEVICE || name == SO_BINDTOIFINDEX)
        return socket_set_bound(socket, name, value, len);
    if (name == SO_TXTIME && len >= sizeof(number))
        return set_txtime(socket, value, len);
    if (len < sizeof(number))
        return -EINVAL;
    memcpy(&number, value, sizeof(number));
    if (is_flag(name)) {
        uint64_t bit = 1ull << name;
        if (!may_pass(socket, name))
            return -EOPNOTSUPP;
        if (name == SO_REUSEPORT && number && socket->family != AF_INET &&
            socket->family != AF_INET6)
            return -EOPNOTSUPP;
        if (name == SO_DEBUG && number && !privileged && !socket_capable(NET_CAP_ADMIN))
            return -EACCES;
        socket->flags = number ? socket->flags | bit : socket->flags & ~bit;
        return 0;
    }
    switch (name) {
    case SO_SNDBUF:
    case SO_RCVBUF:
    case SO_SNDBUFFORCE:
    case SO_RCVBUFFORCE:
        return set_buffer(socket, name, number, privileged);
    case SO_RCVLOWAT:
        socket->receive_low = number < 0 ? INT32_MAX : number ? number : 1;
        return 0;
    case SO_PRIORITY:
        if ((number < 0 || number > 6) && !privileged)
            return -EPERM;
        socket->priority = number;
        return 0;
    case SO_MARK:
        if (!privileged)
            return -EPERM;
        socket->mark = number;
        return 0;
    case SO_LINGER:
        if (len < sizeof(socket->linger))
            return -EINVAL;
        memcpy(&socket->linger, value, sizeof(socket->linger));
        socket->linger.on = number != 0;
        return 0;
    case SO_TIMESTAMP:
    case SO_TIMESTAMPNS:
    case SO_TIMESTAMP_NEW:
    case SO_TIMESTAMPNS_NEW:
        set_stamps(socket, name, number);
        return 0;
    case SO_TIMESTAMPING:
    case SO_TIMESTAMPING_NEW:
        return set_timestamping(socket, number);
    case SO_MAX_PACING_RATE:
        socket->pacing_rate = number == -1 ? UINT64_MAX : (uint32_t)number;
        if (len >= sizeof(socket->pacing_rate))
            memcpy(&socket->pacing_rate, value, sizeof(socket->pacing_rate));
        return 0;
    case SO_DETACH_FILTER:
        return socket_filter_detach(socket);
    case SO_LOCK_FILTER:
        if (socket_flag(socket, SO_LOCK_FILTER) && !number)
            return -EPERM;
        socket->flags |= (uint64_t)(number != 0) << SO_LOCK_FILTER;
        return 0;
    default:
        return set_network(socket, name, number, len, privileged);
    }
}

int socket_set_option(struct socket *socket, int level, int name, const void *value, size_t len,
                      bool privileged)
{
    int err = -ENOPROTOOPT;
    if (socket->ops->set_option)
        err = socket->ops->set_option(socket, level, name, value, len);
    if (err != -ENOPROTOOPT || level != SOL_SOCKET)
        return err;
    err = set_generic(socket, name, value, len, privileged);
    if (!err && socket->ops->resized &&
        (name == SO_RCVBUF || name == SO_SNDBUF || name == SO_RCVBUFFORCE ||
         name == SO_SNDBUFFORCE))
        socket->ops->resized(socket);
    return err;
}

static int put_value(void *value, size_t len, const void *from, size_t size)
{
    size = MIN(size, len);
    memcpy(value, from, size);
    return (int)size;
}

static int put_timeout(void *value, size_t len, nsec_t timeout)
{
    struct timeval tv = {timeout / 1000000000, timeout % 1000000000 / 1000};
    return put_value(value, len, &tv, sizeof(tv));
}

/* Where the number of an option is: a field of the socket (its place), another option's flag, or
 * always the same. */
#define IN(field) offsetof(struct socket, field)
static const struct {
    uint8_t name;
    enum __packed { WORD, BOOL, FLAG, CONSTANT } kind;
    uint8_t value;
} numbers[] = {
    {SO_TYPE, WORD, IN(type)},
    {SO_DOMAIN, WORD, IN(family)},
    {SO_PROTOCOL, WORD, IN(protocol)},
    {SO_SNDBUF, WORD, IN(send_buffer)},
    {SO_RCVBUF, WORD, IN(receive_buffer)},
    {SO_RCVLOWAT, WORD, IN(receive_low)},
    {SO_PRIORITY, WORD, IN(priority)},
    {SO_MARK, WORD, IN(mark)},
    {SO_BUSY_POLL, WORD, IN(busy_poll)},
    {SO_BUF_LOCK, WORD, IN(buffer_lock)},
    {SO_INCOMING_CPU, WORD, IN(incoming_cpu)},
    {SO_BINDTOIFINDEX, WORD, IN(bound_index)},
    {SO_ACCEPTCONN, BOOL, IN(listening)},
    {SO_PREFER_BUSY_POLL, BOOL, IN(prefer_busy_poll)},
    {SO_TIMESTAMP, FLAG, SO_TIMESTAMP},
    {SO_TIMESTAMP_NEW, FLAG, SO_TIMESTAMP},
    {SO_TIMESTAMPNS, FLAG, SO_TIMESTAMPNS},
    {SO_TIMESTAMPNS_NEW, FLAG, SO_TIMESTAMPNS},
    {SO_LOCK_FILTER, FLAG, SO_LOCK_FILTER},
    {SO_ZEROCOPY, FLAG, SO_ZEROCOPY},
    {SO_RCVMARK, FLAG, SO_MARK},
    {SO_SNDLOWAT, CONSTANT, 1},
    {SO_BPF_EXTENSIONS, CONSTANT, 64 /* SKF_AD_MAX */},
    {SO_BSDCOMPAT, CONSTANT, 0},
    {SO_RESERVE_MEM, CONSTANT, 0},
    {SO_INCOMING_NAPI_ID, CONSTANT, 0},
};
#undef IN

static int get_number(struct socket *socket, int name, int32_t *number)
{
    if (is_flag(name)) {
        *number = socket_flag(socket, name);
        return may_pass(socket, name) ? 0 : -EOPNOTSUPP;
    }
    if (name == SO_ERROR) {
        *number = atomic_exchange(&socket->error, 0);
        return 0;
    }
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        if (numbers[i].name != name)
            continue;
        *number = numbers[i].value;
        const char *field = (const char *)socket + numbers[i].value;
        if (numbers[i].kind == WORD)
            memcpy(number, field, sizeof(*number));
        else if (numbers[i].kind == BOOL)
            *number = *field;
        else if (numbers[i].kind == FLAG)
            *number = socket_flag(socket, numbers[i].value);
        return 0;
    }
    return name == SO_PEEK_OFF || name == SO_TXREHASH ? -EOPNOTSUPP : -ENOPROTOOPT;
}

static int get_device(const struct socket *socket, void *value, size_t len)
{
    if (!socket->bound_index)
        return 0;
    if (len < NETIF_NAME_MAX + 1)
        return -EINVAL;
    rcu_read_lock();
    const struct netif *netif = netif_by_index(socket->bound_index);
    rcu_read_unlock();
    return netif ? put_value(value, len, netif->name, strlen(netif->name) + 1) : -ENODEV;
}

int socket_put_meminfo(const struct socket *socket, void *value, size_t len, size_t received,
                       size_t sent, uint32_t drops)
{
    enum { RMEM, RCVBUF, WMEM, SNDBUF, FORWARD, WMEM_QUEUED, OPTMEM, BACKLOG, DROPS, ALL };
    uint32_t info[ALL] = {[RMEM] = (uint32_t)received,
                          [RCVBUF] = socket->receive_buffer,
                          [SNDBUF] = socket->send_buffer,
                          [WMEM_QUEUED] = (uint32_t)sent,
                          [DROPS] = drops};
    return put_value(value, len, info, sizeof(info));
}

/* A number that no other socket ever has. */
static int get_cookie(struct socket *socket, void *value, size_t len)
{
    static atomic_ulong last;
    if (len < sizeof(socket->cookie))
        return -EINVAL;
    if (!socket->cookie)
        socket->cookie = atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
    return put_value(value, len, &socket->cookie, sizeof(socket->cookie));
}

/* The peer's address, where there is room for all of it. */
static int get_peer_name(struct socket *socket, void *value, size_t len)
{
    struct socket_address address;
    int err = socket->ops->name(socket, true, &address);
    if (err)
        return -ENOTCONN;
    return address.len < len ? -EINVAL : put_value(value, len, address.bytes, len);
}

/* Those that are longer than a number. */
static int get_long(struct socket *socket, int name, void *value, size_t len)
{
    static const struct socket_cred nobody = {0, UINT32_MAX, UINT32_MAX};
    static const uint64_t netns_cookie = 1;
    uint32_t stamping[2] = {socket->timestamping}, rate;
    switch (name) {
    case SO_RCVTIMEO:
    case SO_RCVTIMEO_NEW:
        return put_timeout(value, len, socket->receive_timeout);
    case SO_SNDTIMEO:
    case SO_SNDTIMEO_NEW:
        return put_timeout(value, len, socket->send_timeout);
    case SO_LINGER:
        return put_value(value, len, &socket->linger, sizeof(socket->linger));
    case SO_COOKIE:
        return get_cookie(socket, value, len);
    case SO_NETNS_COOKIE:
        return len != sizeof(netns_cookie) ? -EINVAL : put_value(value, len, &netns_cookie, len);
    case SO_BINDTODEVICE:
        return get_device(socket, value, len);
    case SO_TXTIME:
        return put_value(value, len, &socket->txtime, sizeof(socket->txtime));
    case SO_MEMINFO: /* families that count tell more */
        return socket_put_meminfo(socket, value, len, 0, 0, 0);
    case SO_PEERCRED: /* AF_UNIX tells its own */
        return put_value(value, len, &nobody, sizeof(nobody));
    case SO_PEERNAME:
        return get_peer_name(socket, value, len);
    case SO_TIMESTAMPING:
    case SO_TIMESTAMPING_NEW:
        return put_value(value, len, stamping, sizeof(stamping));
    case SO_MAX_PACING_RATE:
        rate = (uint32_t)MIN(socket->pacing_rate, (uint64_t)UINT32_MAX);
        return len < sizeof(socket->pacing_rate)
                   ? put_value(value, len, &rate, sizeof(rate))
                   : put_value(value, len, &socket->pacing_rate, sizeof(socket->pacing_rate));
    default:
        return -ENOPROTOOPT;
    }
}

int socket_get_option(struct socket *socket, int level, int name, void *value, size_t len)
{
    int result = -ENOPROTOOPT;
    if (socket->ops->get_option)
        result = socket->ops->get_option(socket, level, name, value, len);
    if (result != -ENOPROTOOPT || level != SOL_SOCKET)
        return result;
    result = get_long(socket, name, value, len);
    if (result != -ENOPROTOOPT)
        return result;
    int32_t number;
    result = get_number(socket, name, &number);
    return result ? result : put_value(value, len, &number, sizeof(number));
}
