#include "shim/net.h"

#include "core/boot.h"
#include "core/log.h"
#include "core/panic.h"
#include "core/random.h"
#include "core/thread.h"
#include "lib/endian.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "net/demux.h"
#include "net/igmp.h"
#include "net/loopback.h"
#include "net/worker.h"

void *malloc(size_t n);
void *calloc(size_t n, size_t size);
void *realloc(void *p, size_t n);
void free(void *p);
void abort(void) __attribute__((noreturn));
long syscall(long nr, ...);

long shim_blocks;
bool shim_starve, shim_privileged;
struct cpu *cpus[CPUS_MAX];
unsigned ncpus = 1;
static struct cpu cpu0;
static struct thread thread0;

enum { SYS_ARCH_PRCTL = 158, ARCH_SET_GS = 0x1001 };

/* --- heap */

void *kmalloc(size_t size)
{
    shim_blocks += !shim_starve;
    return shim_starve ? NULL : malloc(size);
}
void *kzalloc(size_t size)
{
    shim_blocks += !shim_starve;
    return shim_starve ? NULL : calloc(1, size);
}
void *kcalloc(size_t n, size_t size)
{
    return kzalloc(n * size);
}
void kfree(void *p)
{
    shim_blocks -= p != NULL;
    free(p);
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
    (void)cache;
    kfree(object);
}

/* --- core */

void panic(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    printf("not ok - panic: ");
    vprintf(fmt, ap);
    printf("\n");
    abort();
}
void log_at(int level, const char *fmt, ...)
{
    (void)level, (void)fmt;
}
size_t strlcpy(char *dst, const char *src, size_t size)
{
    snprintf(dst, size, "%s", src);
    return strlen(src);
}

static nsec_t now = 1000000000;
nsec_t clock_monotonic(void)
{
    return now;
}
nsec_t clock_realtime(void)
{
    return now + 1700000000000000000;
}

static uint64_t seed = 88172645463325252ull;
uint64_t shim_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}
uint64_t shim_below(uint64_t n)
{
    return (shim_random() >> 11) % n;
}
uint64_t random_u64(void)
{
    return shim_random();
}
void random_bytes(void *buf, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)buf)[i] = (uint8_t)shim_random();
}

void mutex_lock(struct mutex *mutex)
{
    NEED(mutex->count == 0);
    mutex->count = 1;
}
void mutex_unlock(struct mutex *mutex)
{
    NEED(mutex->count == 1);
    mutex->count = 0;
}
bool mutex_trylock(struct mutex *mutex)
{
    if (mutex->count)
        return false;
    mutex->count = 1;
    return true;
}
bool mutex_is_mine(const struct mutex *mutex)
{
    return mutex->count;
}

static struct rcu_head *waiting;
void rcu_call(struct rcu_head *head, void (*fn)(struct rcu_head *))
{
    head->fn = fn;
    head->next = waiting;
    waiting = head;
}
void shim_quiescent(void)
{
    while (waiting) {
        struct rcu_head *head = waiting;
        waiting = head->next;
        head->fn(head);
    }
}
void rcu_synchronize(void)
{
    shim_quiescent();
}

unsigned waitqueue_wake(struct waitqueue *queue, unsigned count, unsigned events)
{
    (void)queue, (void)count, (void)events;
    return 0;
}
void wait_prepare(struct waitqueue *queue, struct waiter *waiter, unsigned flags)
{
    (void)queue, (void)waiter, (void)flags;
    NEED(!"nothing waits here");
}
int wait_sleep(unsigned flags, nsec_t deadline)
{
    (void)flags, (void)deadline;
    return -EINTR;
}
void wait_finish(struct waitqueue *queue, struct waiter *waiter)
{
    (void)queue, (void)waiter;
}

/* --- timers */

enum { TIMERS = 8192 };
static struct timer *timers[TIMERS];
static unsigned ntimers;

void timer_init(struct timer *timer, void (*fire)(struct timer *))
{
    *timer = (struct timer){.fire = fire};
}
bool timer_cancel(struct timer *timer)
{
    for (unsigned i = 0; i < ntimers; i++)
        if (timers[i] == timer) {
            timers[i] = timers[--ntimers];
            timer->armed = false;
            return true;
        }
    return false;
}
void timer_start(struct timer *timer, nsec_t deadline)
{
    timer_cancel(timer);
    if (deadline == NSEC_FOREVER)
        return;
    NEED(ntimers < TIMERS);
    timer->deadline = deadline;
    timer->armed = true;
    timers[ntimers++] = timer;
}

static struct timer *due(nsec_t until)
{
    struct timer *first = NULL;

    for (unsigned i = 0; i < ntimers; i++)
        if (timers[i]->deadline <= until && (!first || timers[i]->deadline < first->deadline))
            first = timers[i];
    return first;
}

void shim_advance(nsec_t span)
{
    nsec_t until = now + span;
    struct timer *timer;

    while ((timer = due(until))) {
        now = MAX(now, timer->deadline);
        timer_cancel(timer);
        timer->fire(timer);
        shim_work();
    }
    now = until;
}

/* --- the worker */

static struct packet_queue input;
static struct inet_socket *sockets;
static struct worker_call *calls;

int worker_need(void)
{
    return demux_init();
}
bool worker_input(struct packet *packet)
{
    if (!worker_has_room(input.n, packet)) {
        netif_count_drop(packet->netif, true);
        packet_free(packet);
        return false;
    }
    packet_enqueue(&input, packet);
    return true;
}
void worker_socket(struct inet_socket *s)
{
    if (atomic_exchange(&s->queued, true) || !inet_try_get(s))
        return;
    s->work_next = sockets;
    sockets = s;
}
void worker_sweep(struct inet_socket *s)
{
    worker_socket(s);
}
void worker_post(struct worker_call *call)
{
    if (atomic_exchange(&call->queued, true))
        return;
    call->next = calls;
    calls = call;
}
unsigned shim_backlog(void)
{
    return input.n;
}

static bool work_once(void)
{
    struct worker_call *call = calls;
    struct inet_socket *s = sockets;
    struct packet *packet;

    if (call) {
        calls = call->next;
        atomic_store(&call->queued, false);
        call->fn(call);
        return true;
    }
    if (s) {
        sockets = s->work_next;
        atomic_store(&s->queued, false);
        inet_lock(s);
        inet_unlock(s);
        inet_put(s);
        return true;
    }
    packet = packet_dequeue(&input);
    if (!packet)
        return false;
    if (packet->protocol == ETH_P_IP)
        ipv4_receive(packet);
    else if (packet->protocol == ETH_P_ARP)
        arp_receive(packet);
    else
        packet_free(packet);
    return true;
}

void shim_work(void)
{
    /* Answers to answers must come to an end. */
    for (unsigned i = 0; work_once(); i++)
        NEED(i < 100000);
}

/* --- sockets */

static struct vfs_caller *shim_caller(void);
struct vfs_caller *(*vfs_caller_hook)(void) = shim_caller;
static struct credentials cred;
static struct vfs_caller *shim_caller(void)
{
    static struct vfs_caller caller = {.cred = &cred};
    cred.cap_effective = shim_privileged ? ~0ull : 0;
    return &caller;
}

void socket_init(struct socket *socket, const struct socket_ops *ops, int family, int type,
                 int protocol)
{
    *socket = (struct socket){.ops = ops, .family = family, .type = type, .protocol = protocol};
}

void inet_options_init(struct inet_socket *s)
{
    list_init(&s->options.memberships);
    if (s->socket.family == AF_INET)
        s->local = s->remote = inet_v4(0);
}
void igmp_group_changed(struct netif *netif, const struct inet_addr *group, bool joined)
{
    (void)netif, (void)group, (void)joined;
}

unsigned shim_frees, shim_nobody;

static struct shim_socket *shim_of(struct inet_socket *s)
{
    return container_of(s, struct shim_socket, inet);
}
static bool input_one(struct inet_socket *s, struct packet *packet)
{
    NEED(packet->transport == packet->data && packet->network);
    if (shim_of(s)->refuse) {
        shim_of(s)->refuse = false;
        return false;
    }
    packet_enqueue(&shim_of(s)->got, packet);
    return true;
}
static void work(struct inet_socket *s, unsigned events)
{
    shim_of(s)->worked |= events;
}
static void free_one(struct inet_socket *s)
{
    packet_queue_purge(&shim_of(s)->got);
    shim_frees++;
    kfree(shim_of(s));
}
static const struct inet_proto proto = {
    .number = IPPROTO_UDP, .input = input_one, .work = work, .free = free_one};
static const struct inet_proto stream = {
    .number = IPPROTO_TCP, .input = input_one, .work = work, .free = free_one};

struct shim_socket *shim_socket(int family, int type)
{
    struct shim_socket *s = kzalloc(sizeof(*s));

    inet_init(&s->inet, NULL, type == SOCK_STREAM ? &stream : &proto, family, type, 0);
    return s;
}
void shim_close(struct shim_socket *s)
{
    inet_unhash(&s->inet);
    inet_put(&s->inet);
}

static struct inet_socket *find(const struct packet *packet, const struct inet_addr *source,
                                const struct inet_addr *destination)
{
    return inet_find(IPPROTO_UDP, source, get_be16(packet->data), destination,
                     get_be16(packet->data + 2), packet->netif, packet);
}
static void to_one(struct inet_socket *s, void *arg)
{
    struct packet *copy = packet_clone(arg);
    if (copy)
        channel_push(s, copy);
}
static void receive(struct packet *packet)
{
    struct inet_addr source = ip_source(packet), destination = ip_destination(packet);
    struct inet_socket *s = NULL;

    if (packet->total >= 8 && packet_pull_up(packet, 8) && packet->kind != PACKET_HOST)
        inet_find_all(IPPROTO_UDP, packet, get_be16(packet->data + 2), get_be16(packet->data),
                      to_one, packet);
    else if (packet->total >= 8 && packet->len >= 8)
        s = find(packet, &source, &destination);
    if (s) {
        channel_push(s, packet);
        return;
    }
    shim_nobody++;
    if (packet->kind == PACKET_HOST)
        ip_complain(packet, COMPLAIN_PORT, 0);
    packet_free(packet);
}
static void error(const struct ip_error *e)
{
    NEED(e->transport_len >= 8);
    struct inet_socket *s = inet_find(IPPROTO_UDP, &e->destination, get_be16(e->transport + 2),
                                      &e->source, get_be16(e->transport), e->netif, NULL);
    if (!s)
        return;
    shim_of(s)->errors++;
    shim_of(s)->error = e->err;
    if (e->mtu)
        ip_learn_mtu(&e->destination, e->mtu);
}
static bool shed(struct packet *packet, const struct inet_addr *source,
                 const struct inet_addr *destination)
{
    return packet->netif != loopback && !ip_would_complain(source);
}
static const struct ip_protocol udp = {.number = IPPROTO_UDP,
                                       .receive = receive,
                                       .error = error,
                                       .classify = find,
                                       .shed = shed,
                                       .v4 = true,
                                       .v6 = true};

/* --- eth0 */

struct packet_queue shim_out;
static int transmit(struct netif *netif, struct packet *packet)
{
    (void)netif;
    NEED(packet->link == packet->data);
    packet_enqueue(&shim_out, packet);
    return 0;
}
static const struct netif_ops ops = {.transmit = transmit};
struct netif shim_eth = {
    .ops = &ops, .type = ARPHRD_ETHER, .mac = {2, 0, 0, 0, 0, 2}, .features = NETIF_PIECES};

struct packet *shim_packet(const void *bytes, unsigned n, unsigned pieces)
{
    struct packet *packet = packet_alloc(0, n), *cut = NULL, **end = &cut;
    unsigned at = 0;

    memcpy(packet_append(packet, n), bytes, n);
    if (pieces <= 1 || n < pieces)
        return packet;
    for (unsigned i = 0; i < pieces; i++) {
        unsigned part =
            i + 1 < pieces ? 1 + (unsigned)shim_below(n - at - (pieces - 1 - i)) : n - at;
        *end = packet_slice(packet, at, part);
        at += part;
        end = &(*end)->more;
    }
    cut->total = n;
    packet_free(packet);
    return cut;
}

void shim_ipv4_sum(uint8_t *ip)
{
    put_le16(ip + 10, 0);
    put_le16(ip + 10, checksum_fold(checksum_add(0, ip, (ip[0] & 15) * 4u)));
}

unsigned shim_ipv4(uint8_t *frame, uint32_t source, uint32_t destination, unsigned protocol,
                   const void *payload, unsigned n)
{
    uint8_t *ip = frame + ETH_HLEN;

    memcpy(frame, shim_eth.mac, ETH_ALEN);
    memcpy(frame + 6, "\2\0\0\0\0\1", ETH_ALEN);
    put_be16(frame + 12, ETH_P_IP);
    memset(ip, 0, 20);
    ip[0] = 0x45;
    put_be16(ip + 2, (uint16_t)(20 + n));
    ip[8] = 64;
    ip[9] = (uint8_t)protocol;
    put_be32(ip + 12, source);
    put_be32(ip + 16, destination);
    shim_ipv4_sum(ip);
    memcpy(ip + 20, payload, n);
    return ETH_HLEN + 20 + n;
}

void shim_receive(const void *frame, unsigned n)
{
    netif_receive(&shim_eth, shim_packet(frame, n, 1));
    shim_work();
}

/* --- */

int (*shim_boot_steps[16])(void);
unsigned shim_nboot_steps;

void shim_start(void)
{
    struct netif_address a = {
        .prefix = 24, .valid_until = NSEC_FOREVER, .preferred_until = NSEC_FOREVER};
    struct route gateway = {.valid_until = NSEC_FOREVER};

    cpu0.self = &cpu0;
    cpu0.running = &thread0;
    cpus[0] = &cpu0;
    NEED(syscall(SYS_ARCH_PRCTL, ARCH_SET_GS, &cpu0) == 0);
    for (unsigned i = 0; i < shim_nboot_steps; i++)
        NEED(shim_boot_steps[i]() == 0);
    ip_protocol_register(&udp);
    NEED(netif_register(&shim_eth, "eth%d") == 0);
    NEED(netif_set_flags(&shim_eth, IFF_UP, IFF_UP) == 0);
    inet_parse("10.0.0.2", &a.address);
    inet_parse("10.0.0.255", &a.broadcast);
    NEED(netif_add_address(&shim_eth, &a) == 0);
    gateway.destination = inet_v4(0);
    inet_parse("10.0.0.1", &gateway.gateway);
    NEED(route_add(&gateway) == 0);
    packet_queue_purge(&shim_out);
}

/* Programs of SO_ATTACH_REUSEPORT_CBPF: none here, but where net/filter.c is linked. */
__attribute__((weak)) int socket_filter_make(const void *value, size_t len,
                                             struct socket_filter **filter)
{
    return -ENOMEM;
}
__attribute__((weak)) void socket_filter_drop(struct socket_filter *filter)
{
}
__attribute__((weak)) uint32_t socket_filter_ask(const struct socket_filter *filter,
                                                 const struct packet *packet, unsigned skip)
{
    return 0;
}
