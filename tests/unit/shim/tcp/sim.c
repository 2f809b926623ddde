#include "sim.h"

#include "core/random.h"
#include "core/waitqueue.h"
#include "lib/errno.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include <malloc.h>

struct sim_link sim_link;
uint64_t sim_sent, sim_lost;
long sim_blocks, sim_bytes;
bool sim_force_iss;
uint32_t sim_iss;
bool (*sim_filter)(uint8_t *segment, unsigned len, const struct inet_addr *source);

static uint64_t state;
static nsec_t now = 1000 * TCP_SECOND;

uint64_t sim_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 0x2545f4914f6cdd1d;
}

uint64_t sim_below(uint64_t n)
{
    return sim_random() % n;
}

/* --- what the kernel supplies --- */

nsec_t clock_monotonic(void)
{
    return now;
}
nsec_t clock_realtime(void)
{
    return now;
}
void random_bytes(void *buf, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)buf)[i] = (uint8_t)sim_random();
}
uint64_t random_u64(void)
{
    return sim_random();
}
/* As much as the kernel's heap takes for it: beyond half a page a power of two. */
static void *count(void *p, long n)
{
    size_t size = malloc_usable_size(p);

    sim_blocks += p ? n : 0;
    sim_bytes += n * (long)(size <= 2048 ? size : 1ul << (64 - __builtin_clzl(size - 1)));
    return p;
}
void *kmalloc(size_t size)
{
    return count(malloc(size), 1);
}
void *kzalloc(size_t size)
{
    return count(calloc(1, size), 1);
}
void kfree(void *p)
{
    free(count(p, -1));
}

void kfree_sized(void *p, size_t size)
{
    (void)size;
    kfree(p);
}
void *kcache_alloc(struct kcache *cache)
{
    return kzalloc(cache->size);
}
void kcache_free(struct kcache *cache, void *object)
{
    kfree(object);
}
void frame_get_stats(struct frame_stats *stats)
{
    *stats = (struct frame_stats){.total = 65536, .free = 65536};
}
unsigned waitqueue_wake(struct waitqueue *queue, unsigned count, unsigned events)
{
    return 0;
}
size_t io_put(struct io *io, const void *src, size_t n)
{
    n = MIN(n, io->left);
    memcpy((void *)(io->iov->base + io->offset), src, n);
    io->offset += n;
    io->left -= n;
    return n;
}
size_t io_get(struct io *io, void *dst, size_t n)
{
    n = MIN(n, io->left);
    memcpy(dst, (void *)(io->iov->base + io->offset), n);
    io->offset += n;
    io->left -= n;
    return n;
}
void io_skip(struct io *io, size_t n)
{
    io->offset += n;
    io->left -= n;
}
int user_put32(uintptr_t dst, uint32_t value)
{
    *(uint32_t *)dst = value;
    return 0;
}
static void ignore_file(struct file *file)
{
}
void (*socket_urgent_hook)(struct file *file) = ignore_file;
void (*vfs_sigpipe_hook)(void);
__noreturn void panic(const char *fmt, ...)
{
    printf("not ok - panic: %s\n", fmt);
    exit(1);
}

/* --- sockets and tables --- */

static struct list connected[4096], bound = LIST_INIT(bound);
static struct inet_socket *pending[65536], *dying;
static unsigned npending;
static const struct ip_protocol *tcp;

void inet_kind_register(struct inet_kind *kind)
{
}
void ip_protocol_register(const struct ip_protocol *protocol)
{
    tcp = protocol;
}

void inet_init(struct inet_socket *s, const struct socket_ops *ops, const struct inet_proto *proto,
               int family, int type, int protocol)
{
    s->socket = (struct socket){
        .ops = ops, .family = family, .type = type, .protocol = protocol, .receive_low = 1};
    s->proto = proto;
    s->refs = 1;
    s->local = s->remote = inet_v4(0);
    list_init(&s->hash_link);
    list_init(&s->bound_link);
    list_init(&s->options.memberships);
}

static void queue_pending(struct inet_socket *s)
{
    if (s->queued)
        return;
    s->queued = true;
    inet_get(s);
    pending[npending++] = s;
}

bool inet_try_get(struct inet_socket *s)
{
    if (!s->refs)
        return false;
    s->refs++;
    return true;
}

void inet_put(struct inet_socket *s)
{
    if (--s->refs)
        return;
    s->work_next = dying;
    dying = s;
}

static void bury(void)
{
    while (dying) {
        struct inet_socket *s = dying;

        dying = s->work_next;
        packet_free_list(s->channel);
        s->channel = NULL;
        s->proto->free(s);
    }
}

static void give_back(struct packet *packet)
{
    tcp->receive(packet);
}

void inet_drain(struct inet_socket *s)
{
    bool any = false;
    unsigned events = atomic_exchange(&s->events, 0);

    if (events)
        s->proto->work(s, events);
    while (s->channel) {
        struct packet *packet = s->channel, *oldest = NULL;

        s->channel = NULL;
        for (struct packet *older; packet; packet = older) {
            older = packet->next;
            packet->next = oldest;
            oldest = packet;
        }
        for (struct packet *next; oldest; oldest = next) {
            next = oldest->next;
            oldest->next = NULL;
            s->channel_bytes -= oldest->total;
            if (!s->proto->input(s, oldest))
                give_back(oldest);
        }
        any = true;
    }
    if (any)
        s->proto->input_done(s);
}

void inet_lock(struct inet_socket *s)
{
    NEED(!s->lock.count);
    s->lock.count = 1;
    inet_drain(s);
}

void inet_unlock(struct inet_socket *s)
{
    if (inet_pending(s))
        inet_drain(s);
    NEED(s->lock.count == 1);
    s->lock.count = 0;
}

int inet_wait(struct inet_socket *s, struct waitqueue *queue, bool (*ready)(struct inet_socket *s),
              nsec_t deadline)
{
    while (!ready(s)) {
        inet_unlock(s);
        bool more = now < deadline && sim_step();
        inet_lock(s);
        if (!more)
            return ready(s) ? 0 : -ETIMEDOUT;
    }
    return 0;
}

void channel_push(struct inet_socket *s, struct packet *packet)
{
    if (s->channel_bytes > s->channel_limit) {
        packet_free(packet);
        return;
    }
    s->channel_bytes += packet->total;
    packet->next = s->channel;
    s->channel = packet;
    queue_pending(s);
}

void inet_post(struct inet_socket *s, unsigned events)
{
    s->events |= events;
    queue_pending(s);
}

/* The worker: some come a little later, as if they were busy. */
static bool work(void)
{
    bool any = npending;

    while (npending) {
        struct inet_socket *s = pending[sim_below(npending)];

        for (unsigned i = 0; i < npending; i++)
            if (pending[i] == s)
                pending[i--] = pending[--npending];
        s->queued = false;
        if (!s->lock.count) {
            inet_lock(s);
            inet_unlock(s);
        }
        inet_put(s);
    }
    bury();
    return any;
}

static struct list *bucket_of(unsigned local_port, unsigned remote_port)
{
    struct list *bucket = &connected[(local_port * 31 + remote_port) % ARRAY_SIZE(connected)];

    if (!bucket->next)
        list_init(bucket);
    return bucket;
}

static struct inet_socket *find_connected(const struct inet_addr *source, unsigned source_port,
                                          const struct inet_addr *destination, unsigned port)
{
    list_for_each_entry (struct inet_socket, s, bucket_of(port, source_port), hash_link)
        if (s->local_port == port && s->remote_port == source_port &&
            inet_equal(&s->remote, source) && inet_equal(&s->local, destination))
            return s;
    return NULL;
}

struct inet_socket *inet_find_connected(unsigned protocol, const struct inet_addr *source,
                                        unsigned source_port, const struct inet_addr *destination,
                                        unsigned destination_port)
{
    return find_connected(source, source_port, destination, destination_port);
}

struct inet_socket *inet_find(unsigned protocol, const struct inet_addr *source,
                              unsigned source_port, const struct inet_addr *destination,
                              unsigned destination_port, struct netif *netif,
                              const struct packet *packet)
{
    struct inet_socket *found = find_connected(source, source_port, destination, destination_port);

    if (found)
        return found;
    list_for_each_entry (struct inet_socket, s, &bound, bound_link)
        if (s->local_port == destination_port && inet_equal(&s->local, destination))
            return s;
    return NULL;
}

static void enter(struct inet_socket *s)
{
    if (!s->tabled)
        inet_get(s);
    s->tabled = true;
}

int inet_bind(struct inet_socket *s, const struct inet_addr *address, unsigned port)
{
    if (port && s->proto->port_held(s, address, port))
        return -EADDRINUSE;
    s->local = *address;
    s->local_port = (uint16_t)port;
    s->bound_port = port;
    s->bound_address = !inet_is_any(address);
    s->port = (void *)s;
    enter(s);
    return 0;
}

int inet_hash_connect(struct inet_socket *s)
{
    static unsigned next = 10000;

    if (!s->local_port)
        for (unsigned i = 0; i < 55000; i++) {
            unsigned port = 10000 + next++ % 55000;

            if (!find_connected(&s->remote, s->remote_port, &s->local, port) &&
                !s->proto->in_use(s, port)) {
                s->local_port = (uint16_t)port;
                break;
            }
        }
    else if (find_connected(&s->remote, s->remote_port, &s->local, s->local_port) ||
             s->proto->in_use(s, s->local_port))
        return -EADDRNOTAVAIL;
    if (!s->local_port)
        return -EADDRNOTAVAIL;
    s->port = (void *)s;
    list_add(bucket_of(s->local_port, s->remote_port), &s->hash_link);
    enter(s);
    return 0;
}

int inet_hash_accepted(struct inet_socket *s, struct inet_socket *listener)
{
    if (find_connected(&s->remote, s->remote_port, &s->local, listener->local_port))
        return -EEXIST;
    s->local_port = listener->local_port;
    s->port = listener->port;
    list_add(bucket_of(s->local_port, s->remote_port), &s->hash_link);
    enter(s);
    return 0;
}

int inet_hash_bound(struct inet_socket *s)
{
    list_add(&bound, &s->bound_link);
    enter(s);
    return 0;
}

void inet_unhash(struct inet_socket *s)
{
    list_del(&s->hash_link);
    list_del(&s->bound_link);
    s->port = NULL;
    if (s->tabled) {
        s->tabled = false;
        inet_put(s);
    }
}

/* The port stays its own. */
void inet_unhash_but_port(struct inet_socket *s)
{
    list_del(&s->hash_link);
    list_del(&s->bound_link);
    list_init(&s->hash_link);
    list_init(&s->bound_link);
}

/* Messages have no control data here. */
int message_next_control(const struct message *message, size_t *at, struct control_message *next)
{
    return 0;
}

int socket_get_control(const struct socket *socket, uint32_t *mark, uint16_t *stamps,
                       const struct control_message *control)
{
    return 0;
}

uint32_t inet_hash_flow(const struct inet_addr *local, unsigned local_port,
                        const struct inet_addr *remote, unsigned remote_port)
{
    uint64_t h = (uint64_t)local->words[3] << 32 | remote->words[3];

    h ^= (uint64_t)local_port << 16 | remote_port;
    h *= 0x9e3779b97f4a7c15;
    return (uint32_t)(h >> 32);
}

/* --- socket calls of inet.c that TCP leans on */

int inet_flow(struct inet_socket *s, struct ip_flow *flow, const struct inet_addr *destination,
              uint32_t scope)
{
    *flow =
        (struct ip_flow){.source = s->local, .destination = *destination, .protocol = IPPROTO_TCP};
    return 0;
}
int inet_destination_get(const struct inet_socket *s, const struct socket_address *address,
                         struct inet_addr *ip, unsigned *port, uint32_t *scope)
{
    struct sockaddr_in in;

    *scope = 0;
    if (address->family == AF_UNSPEC)
        return 1;
    memcpy(&in, address->bytes, sizeof(in));
    *ip = inet_v4(in.address);
    *port = get_be16(&in.port);
    return 0;
}
int inet_op_bind(struct socket *socket, const struct socket_address *address)
{
    struct inet_addr ip;
    unsigned port;
    uint32_t scope;

    inet_destination_get(inet_of(socket), address, &ip, &port, &scope);
    return inet_bind(inet_of(socket), &ip, port);
}
int inet_op_name(struct socket *socket, bool peer, struct socket_address *address)
{
    return -ENOTCONN;
}
int inet_op_set_option(struct socket *socket, int level, int name, const void *value, size_t len)
{
    if (level == SOL_SOCKET && name == SO_REUSEADDR)
        inet_of(socket)->reuse_address = true;
    return -ENOPROTOOPT;
}
int inet_op_get_option(struct socket *socket, int level, int name, void *value, size_t len)
{
    return -ENOPROTOOPT;
}
int64_t inet_op_ioctl(struct socket *socket, unsigned cmd, uintptr_t arg)
{
    return -ENOTTY;
}
void inet_queue_icmp(struct inet_socket *s, const struct ip_error *error, unsigned port,
                     const void *payload, unsigned len)
{
}
void inet_queue_notice(struct inet_socket *s, unsigned origin, int err, uint32_t info,
                       uint32_t data, nsec_t stamp, const void *payload, unsigned len)
{
}
void inet_tell_copied(struct inet_socket *s)
{
}
unsigned inet_poll_errors(const struct inet_socket *s)
{
    return 0;
}
void inet_options_end(struct inet_socket *s)
{
}
#include "no_ipv6.h"
ssize_t inet_receive_error(struct inet_socket *s, struct message *message)
{
    return -EAGAIN;
}

/* --- IP and the link --- */

/* What is on its way, in a heap by time. */
struct flying {
    nsec_t at;
    uint64_t number;
    struct inet_addr source, destination;
    unsigned len;
    uint8_t bytes[];
};
static struct flying *heap[1 << 20];
static unsigned nflying;
static uint64_t numbers;
static nsec_t link_free[2];
static struct netif netif = {.name = "sim0", .index = 2};
atomic_uint route_generation = 1;

static bool is_before(const struct flying *a, const struct flying *b)
{
    return a->at < b->at || (a->at == b->at && a->number < b->number);
}

static void heap_push(struct flying *f)
{
    unsigned i = nflying++;

    f->number = numbers++;
    for (; i && is_before(f, heap[(i - 1) / 2]); i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = f;
}

static struct flying *heap_pop(void)
{
    struct flying *first = heap[0], *last = heap[--nflying];
    unsigned i = 0, child;

    while ((child = 2 * i + 1) < nflying) {
        if (child + 1 < nflying && is_before(heap[child + 1], heap[child]))
            child++;
        if (!is_before(heap[child], last))
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = last;
    return first;
}

int ip_route(struct ip_flow *flow)
{
    if (sim_link.down)
        return -ENETUNREACH;
    if (inet_is_any(&flow->source))
        flow->source = sim_address(inet_v4_of(&flow->destination) ==
                                           inet_v4_of(&(struct inet_addr[1]){sim_address(1)}[0])
                                       ? 2
                                       : 1);
    netif.mtu = sim_link.mtu;
    netif.features = sim_link.features;
    netif.gso_max = 65535;
    flow->netif = &netif;
    flow->mtu = sim_link.mtu;
    return 0;
}
unsigned ip_header_len(const struct ip_flow *flow)
{
    return 20;
}
unsigned route_kind(const struct inet_addr *address, struct netif *n)
{
    return RTN_UNICAST;
}
struct inet_addr ip_source(const struct packet *packet)
{
    struct inet_addr a;

    memcpy(&a, packet->network, sizeof(a));
    return a;
}
struct inet_addr ip_destination(const struct packet *packet)
{
    struct inet_addr a;

    memcpy(&a, packet->network + 16, sizeof(a));
    return a;
}
uint32_t ip_pseudo_sum(const struct inet_addr *source, const struct inet_addr *destination,
                       unsigned protocol, unsigned len)
{
    uint32_t sum = checksum_add(0, &source->words[3], 4);

    sum = checksum_add(sum, &destination->words[3], 4);
    return sum + __builtin_bswap16((uint16_t)protocol) + __builtin_bswap16((uint16_t)len);
}

static void fly(const struct inet_addr *source, const struct inet_addr *destination,
                const uint8_t *bytes, unsigned len, nsec_t at)
{
    struct flying *f = malloc(sizeof(*f) + len);

    *f = (struct flying){.at = at, .source = *source, .destination = *destination, .len = len};
    memcpy(f->bytes, bytes, len);
    heap_push(f);
}

static bool happens(unsigned thousandths)
{
    return thousandths && sim_below(1000) < thousandths;
}

/* One segment enters the link. */
static void onto_link(const struct inet_addr *source, const struct inet_addr *destination,
                      uint8_t *bytes, unsigned len)
{
    unsigned way = source->bytes[15] & 1;
    nsec_t at = now;

    sim_sent++;
    if (sim_filter && sim_filter(bytes, len, source))
        return;
    if (happens(sim_link.loss)) {
        sim_lost++;
        return;
    }
    if (sim_link.rate) {
        link_free[way] = MAX(link_free[way], now);
        if (sim_link.queue &&
            (link_free[way] - now) / 1000 * sim_link.rate / 1000 > sim_link.queue) {
            sim_lost++;
            return;
        }
        link_free[way] += (nsec_t)(len + 20) * TCP_MS / sim_link.rate;
        at = link_free[way];
    }
    at += sim_link.delay * 1000ll;
    if (happens(sim_link.late))
        at += (nsec_t)sim_below(sim_link.jitter * 1000ull + 1);
    if (happens(sim_link.spoil)) {
        unsigned byte = (unsigned)sim_below(len);

        bytes[byte] ^= (uint8_t)(1 + sim_below(255));
    }
    fly(source, destination, bytes, len, at);
    if (happens(sim_link.again))
        fly(source, destination, bytes, len, at + (nsec_t)sim_below(1000000));
}

static void finish_checksum(const struct inet_addr *source, const struct inet_addr *destination,
                            uint8_t *bytes, unsigned len)
{
    uint32_t sum = ip_pseudo_sum(source, destination, IPPROTO_TCP, len);

    put_le16(bytes + 16, 0);
    put_le16(bytes + 16, checksum_fold(checksum_add(sum, bytes, len)));
}

/* Cut what is too large, as a device with TSO does. */
static void send_segments(const struct ip_flow *flow, uint8_t *bytes, unsigned len, unsigned header,
                          unsigned size)
{
    static uint8_t one[70000];
    uint32_t seq = get_be32(bytes + 4);

    for (unsigned at = header; at < len || at == header; at += size) {
        unsigned n = MIN(size, len - at);

        memcpy(one, bytes, header);
        memcpy(one + header, bytes + at, n);
        put_be32(one + 4, seq + at - header);
        if (at + n < len)
            one[13] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
        NEED(header + n + 20 <= sim_link.mtu || (sim_link.mtu > 65535 && header + n <= 65515));
        finish_checksum(&flow->source, &flow->destination, one, header + n);
        onto_link(&flow->source, &flow->destination, one, header + n);
        if (!size)
            break;
    }
}

int ip_output(struct ip_flow *flow, struct packet *packet)
{
    static uint8_t bytes[70000];
    unsigned len = packet->total, header;

    NEED(packet_read(packet, 0, bytes, len));
    NEED(packet->checksum == CHECKSUM_PARTIAL);
    NEED(len < 65536);
    header = bytes[12] >> 4 << 2;
    if (packet->gso)
        NEED(packet->header_len == header && len - header > packet->gso_size);
    if (!sim_link.down)
        send_segments(flow, bytes, len, header, packet->gso ? packet->gso_size : len - header);
    packet_free(packet);
    return sim_link.down ? -ENETUNREACH : 0;
}

/* As a driver and netif_receive() do. */
static void arrive(const struct inet_addr *source, const struct inet_addr *destination,
                   const uint8_t *bytes, unsigned len)
{
    struct packet *packet = packet_alloc(PACKET_HEADROOM, len);
    struct inet_socket *s;

    memcpy(packet_append(packet, len), bytes, len);
    packet->network = packet->data - 32;
    memcpy(packet->network, source, 16);
    memcpy(packet->network + 16, destination, 16);
    packet->kind = PACKET_HOST;
    packet->netif = &netif;
    s = len >= 4 ? tcp->classify(packet, source, destination) : NULL;
    if (s)
        channel_push(s, packet);
    else
        tcp->receive(packet);
    work();
}

void sim_inject(unsigned from, unsigned to, uint8_t *segment, unsigned len, bool fix_checksum)
{
    struct inet_addr source = sim_address(from), destination = sim_address(to);

    if (fix_checksum && len >= 20)
        finish_checksum(&source, &destination, segment, len);
    arrive(&source, &destination, segment, len);
}

/* --- running --- */

void sim_start(uint64_t seed)
{
    sim_link = (struct sim_link){.seed = seed, .delay = 1000, .mtu = 1500};
    state = seed * 0x9e3779b97f4a7c15 + 0x1234567;
    sim_sent = sim_lost = 0;
    sim_filter = NULL;
    sim_force_iss = false;
    sim_random();
    work();
}

bool sim_step(void)
{
    struct timer *timer = sim_first_timer();
    struct flying *f;

    if (work())
        return true;
    if (timer && (!nflying || timer->deadline <= heap[0]->at)) {
        now = MAX(now, timer->deadline);
        timer_cancel(timer);
        timer->fire(timer);
        work();
        return true;
    }
    if (!nflying)
        return false;
    f = heap_pop();
    now = MAX(now, f->at);
    arrive(&f->source, &f->destination, f->bytes, f->len);
    free(f);
    return true;
}

bool sim_until(bool (*cond)(void *arg), void *arg, unsigned seconds)
{
    nsec_t end = now + seconds * TCP_SECOND;

    work();
    while (!cond(arg) && now < end)
        if (!sim_step())
            break;
    return cond(arg);
}

void sim_run(nsec_t time)
{
    nsec_t end = now + time;

    work();
    for (;;) {
        struct timer *timer = sim_first_timer();
        nsec_t next =
            MIN(timer ? timer->deadline : NSEC_FOREVER, nflying ? heap[0]->at : NSEC_FOREVER);

        if (next > end)
            break;
        sim_step();
    }
    now = end;
}

struct inet_addr sim_address(unsigned host)
{
    return inet_v4(__builtin_bswap32(0x0a000000 + host));
}

uint32_t __real_tcp_initial_sequence(const struct inet_addr *local, unsigned local_port,
                                     const struct inet_addr *remote, unsigned remote_port);
uint32_t __wrap_tcp_initial_sequence(const struct inet_addr *local, unsigned local_port,
                                     const struct inet_addr *remote, unsigned remote_port);
uint32_t __wrap_tcp_initial_sequence(const struct inet_addr *local, unsigned local_port,
                                     const struct inet_addr *remote, unsigned remote_port)
{
    return sim_force_iss ? sim_iss
                         : __real_tcp_initial_sequence(local, local_port, remote, remote_port);
}

/* --- calls
 * ------------------------------------------------------------------------------------------------
 */

struct socket *sim_socket(void)
{
    struct socket *socket = NULL;

    NEED(!tcp_kind.create(AF_INET, IPPROTO_TCP, &socket));
    return socket;
}

static struct socket_address address_of(unsigned host, unsigned port)
{
    struct socket_address address = {.len = sizeof(struct sockaddr_in)};
    struct inet_addr ip = sim_address(host);
    struct sockaddr_in in = {.family = AF_INET, .address = inet_v4_of(&ip)};

    put_be16(&in.port, (uint16_t)port);
    memcpy(address.bytes, &in, sizeof(in));
    return address;
}

int sim_bind(struct socket *socket, unsigned host, unsigned port)
{
    struct socket_address address = address_of(host, port);

    return socket->ops->bind(socket, &address);
}

int sim_connect(struct socket *socket, unsigned host, unsigned port)
{
    struct socket_address address = address_of(host, port);
    int err = socket->ops->connect(socket, &address, true);

    work();
    return err;
}

ssize_t sim_send(struct socket *socket, const void *data, size_t n, unsigned flags)
{
    struct iovec iov;
    struct message message = {.io = io_kernel(&iov, data, n), .flags = flags, .nonblock = true};
    ssize_t result = socket->ops->send(socket, &message);

    work();
    return result;
}

ssize_t sim_receive(struct socket *socket, void *data, size_t n, unsigned flags)
{
    struct iovec iov;
    struct message message = {.io = io_kernel(&iov, data, n), .flags = flags, .nonblock = true};
    ssize_t result = socket->ops->receive(socket, &message);

    work();
    return result;
}

struct socket *sim_accept(struct socket *socket)
{
    struct socket *accepted = NULL;

    return socket->ops->accept(socket, true, &accepted) ? NULL : accepted;
}

void sim_close(struct socket *socket)
{
    socket->ops->release(socket);
    work();
}

void sim_set(struct socket *socket, int level, int name, int value)
{
    socket->ops->set_option(socket, level, name, &value, sizeof(value));
    work();
}

unsigned sim_poll(struct socket *socket)
{
    return socket->ops->poll(socket, NULL);
}

/* Nobody asks in here. */
void tcp_describe(struct inet_socket *s, struct inet_description *d)
{
    (void)s, (void)d;
}

/* There is no program memory to map anything into. */
int tcp_op_mmap(struct socket *socket, struct map_request *request)
{
    return -ENODEV;
}

int tcp_zerocopy_receive(struct tcp *tp, void *value, size_t len)
{
    return -EINVAL;
}

int message_put_control(struct message *message, int level, int type, const void *data, size_t n)
{
    return 0;
}

unsigned ip_ttl(const struct packet *packet)
{
    return 64;
}

unsigned ip_tos(const struct packet *packet)
{
    return 0;
}

/* Everybody is root. */
static struct vfs_caller *caller(void)
{
    static struct credentials cred = {.cap_effective = ~0ull};
    static struct vfs_caller all = {.cred = &cred};

    return &all;
}
struct vfs_caller *(*vfs_caller_hook)(void) = caller;
