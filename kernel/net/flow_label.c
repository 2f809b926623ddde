#include "net/flow_label.h"

#include "core/clock.h"
#include "core/mutex.h"
#include "core/random.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "net/proc_net.h"

enum { GET, PUT, RENEW = 2 }; /* actions */
enum { CREATE = 1, EXCL = 2, REFLECT = 4, REMOTE = 8 };
enum { SHARE_NONE = 0, SHARE_EXCL, SHARE_PROCESS, SHARE_USER, SHARE_ANY = 255 };
enum { LINGER_LEAST = 6, LINGER_MOST = 150, LABELS_MAX = 4096, SOCKET_MAX = 32 };
enum { OPTIONS_MAX = 64 * 1024 };
#define SECOND 1000000000ll

/* struct in6_flowlabel_req */
struct request {
    uint8_t destination[16];
    uint32_t label;
    uint8_t action, share;
    uint16_t flags, expires, linger;
    uint32_t pad;
};
_Static_assert(sizeof(struct request) == FLOW_LABEL_REQUEST, "the program's");

struct flow_label {
    struct flow_label *next;
    uint32_t label;
    unsigned users; /* leases */
    uint8_t share;
    uint32_t owner; /* of SHARE_PROCESS and SHARE_USER */
    struct inet_addr destination;
    nsec_t used, linger, expires;
    struct ipv6_headers *headers; /* that go with it; NULL */
};
struct flow_lease {
    struct flow_lease *next;
    struct flow_label *label;
};

int flow_label_consistency = 1;

static struct mutex lock;
static struct flow_label *labels;
static unsigned count;
static atomic_uint nexclusive; /* while there is one, only who has a lease may send with a label */

static bool is_exclusive(const struct flow_label *l)
{
    return l->share != SHARE_ANY || l->headers;
}

static void free_label(struct flow_label *l)
{
    kfree(l->headers);
    kfree(l);
}

/* --- all of them; with the lock held */

/* Those that nobody has and that have lingered. */
static void reap(void)
{
    nsec_t now = clock_monotonic();

    for (struct flow_label *l, **at = &labels; (l = *at);) {
        if (l->users || now < MAX(l->expires, l->used + l->linger)) {
            at = &l->next;
            continue;
        }
        *at = l->next;
        count--;
        atomic_fetch_sub(&nexclusive, is_exclusive(l));
        free_label(l);
    }
}

static struct flow_label *find(uint32_t label)
{
    struct flow_label *l = labels;

    while (l && l->label != label)
        l = l->next;
    return l;
}

static void enter(struct flow_label *l, uint32_t label)
{
    while (!label || find(label))
        label = (uint32_t)random_u64() & IPV6_LABEL;
    l->label = label;
    l->next = labels;
    labels = l;
    count++;
    atomic_fetch_add(&nexclusive, is_exclusive(l));
}

static void release(struct flow_label *l)
{
    l->used = clock_monotonic();
    if (!--l->users)
        l->expires = MAX(l->expires, l->used + l->linger);
}

/* --- requests; with the lock held */

/* Seconds as nsec_t; 0: longer than this program may have it. */
static nsec_t allowed(unsigned seconds)
{
    if (seconds > LINGER_MOST && !socket_capable(NET_CAP_ADMIN))
        return 0;
    return MAX(seconds, (unsigned)LINGER_LEAST) * SECOND;
}

static int renew(struct flow_label *l, const struct request *r)
{
    nsec_t linger = allowed(r->linger), expires = allowed(r->expires);

    if (!linger || !expires)
        return -EPERM;
    l->used = clock_monotonic();
    l->linger = MAX(l->linger, linger);
    l->expires = MAX(l->expires, l->used + MAX(expires, l->linger));
    return 0;
}

static struct flow_lease **lease_of(struct inet6_extras *six, uint32_t label)
{
    static struct flow_lease *none;
    struct flow_lease **at = six ? &six->leases : &none;

    while (*at && (*at)->label->label != label)
        at = &(*at)->next;
    return at;
}

static int put(struct inet6_extras *six, const struct request *r)
{
    struct flow_lease **at = lease_of(six, r->label), *lease = *at;

    if (!lease)
        return -ESRCH;
    if ((six->flowinfo & IPV6_LABEL) == r->label)
        six->flowinfo &= ~IPV6_LABEL;
    *at = lease->next;
    release(lease->label);
    kfree(lease);
    return 0;
}

static int renew_any(struct inet6_extras *six, const struct request *r)
{
    struct flow_lease *lease = *lease_of(six, r->label);
    struct flow_label *l = lease ? lease->label : NULL;

    if (!l && r->share == SHARE_NONE && socket_capable(NET_CAP_ADMIN))
        l = find(r->label);
    return l && l->users ? renew(l, r) : -ESRCH;
}

/* Is there room for one more? */
static int check_room(const struct inet6_extras *six)
{
    unsigned n = 0, room = LABELS_MAX - count;

    if (room > LABELS_MAX - SOCKET_MAX)
        return 0;
    for (const struct flow_lease *lease = six->leases; lease; lease = lease->next)
        n++;
    if (!room || ((n >= SOCKET_MAX || (n && room < LABELS_MAX / 2) || room < LABELS_MAX / 4) &&
                  !socket_capable(NET_CAP_ADMIN)))
        return -ENOBUFS;
    return 0;
}

/* Who asks for one that is there has to be of those who share it. */
static int join(struct flow_label *there, const struct flow_label *wanted, unsigned flags)
{
    if (flags & EXCL)
        return -EEXIST;
    if (there->share == SHARE_EXCL || there->share != wanted->share ||
        there->owner != wanted->owner)
        return -EPERM;
    there->linger = MAX(there->linger, wanted->linger);
    there->expires = MAX(there->expires, wanted->expires);
    return 0;
}

/* Lease `wanted`, or one like it that is there already; *taken: it has been entered. One that only
 * lingers is not there for who would not make one. */
static int lease(struct inet6_extras *six, struct flow_label *wanted, struct flow_lease *new,
                 const struct request *r, bool *taken)
{
    struct flow_label *there = r->label ? find(r->label) : NULL;
    int err = 0;

    if (!there || !there->users)
        err = r->flags & CREATE ? check_room(six) : -ENOENT;
    if (!err && there)
        err = join(there, wanted, r->flags);
    if (err)
        return err;
    if (!there) {
        enter(wanted, r->label);
        *taken = true;
        there = wanted;
    }
    there->users++;
    *new = (struct flow_lease){six->leases, there};
    six->leases = new;
    return 0;
}

/* --- what is wanted */

/* The headers that go with it, behind the request. */
static int take_headers(struct inet_socket *s, struct flow_label *l, const void *value, size_t len)
{
    struct message message = {.sent = value, .sent_size = len};
    struct ipv6_headers headers = {};
    struct ip_flow flow = {};
    int err = inet_get_control(s, &message, &flow, &headers, NULL, NULL);

    if (!err && headers.part[IPV6_LAST])
        err = -EINVAL;
    if (!err && ipv6_headers_any(&headers) && !(l->headers = ipv6_headers_copy(&headers)))
        err = -ENOMEM;
    return err;
}

static int describe(struct inet_socket *s, struct flow_label *l, const struct request *r,
                    const char *value, size_t len)
{
    static const struct inet_addr none;
    int err = 0;

    if (len > sizeof(*r))
        err = len - sizeof(*r) > OPTIONS_MAX
                  ? -EINVAL
                  : take_headers(s, l, value + sizeof(*r), len - sizeof(*r));
    if (!err)
        err = renew(l, r);
    memcpy(l->destination.bytes, r->destination, sizeof(l->destination.bytes));
    if (!err && (inet_is_v4(&l->destination) || inet_equal(&l->destination, &none)))
        err = -EINVAL;
    l->share = r->share;
    if (l->share == SHARE_PROCESS)
        l->owner = (uint32_t)socket_cred_hook().pid;
    else if (l->share == SHARE_USER)
        l->owner = vfs_caller_hook()->cred->euid;
    else if (l->share != SHARE_EXCL && l->share != SHARE_ANY)
        err = err ? err : -EINVAL;
    return err;
}

static int get(struct inet_socket *s, const struct request *r, char *value, size_t len)
{
    struct flow_label *wanted = kzalloc(sizeof(*wanted));
    struct flow_lease *new = kmalloc(sizeof(*new));
    struct inet6_extras *six = inet6_need(s);
    bool taken = false;
    int err = wanted && new &&six ? describe(s, wanted, r, value, len) : -ENOMEM;

    if (!err) {
        mutex_lock(&lock);
        reap();
        err = lease(six, wanted, new, r, &taken);
        if (!err)
            memcpy(value + offsetof(struct request, label), &new->label->label, 4);
        mutex_unlock(&lock);
    }
    if (err)
        kfree(new);
    if (!taken && wanted)
        free_label(wanted);
    return err;
}

/* TCP answers with the label that the peer sends. */
static int set_reflect(struct inet_socket *s, bool on)
{
    struct inet6_extras *six = s->options.six;

    if (on && flow_label_consistency)
        return -EPERM;
    if (s->socket.protocol != IPPROTO_TCP)
        return -ENOPROTOOPT;
    if (!on && (!six || !six->reflect))
        return -ESRCH;
    six = inet6_need(s);
    if (!six)
        return -ENOMEM;
    six->reflect = on;
    if (!on)
        six->flowinfo = 0;
    return 0;
}

int flow_label_set(struct inet_socket *s, void *value, size_t len)
{
    struct request r;
    int err;

    if (len < sizeof(r))
        return -EINVAL;
    memcpy(&r, value, sizeof(r));
    if (r.action > RENEW)
        return -EINVAL;
    if (r.action != RENEW && r.flags & REFLECT)
        return set_reflect(s, r.action == GET);
    if (r.action == GET)
        return r.label & ~IPV6_LABEL ? -EINVAL : get(s, &r, value, len);
    mutex_lock(&lock);
    err = r.action == PUT ? put(s->options.six, &r) : renew_any(s->options.six, &r);
    mutex_unlock(&lock);
    return err;
}

int flow_label_get(struct inet_socket *s, void *value, size_t len, uint32_t remote)
{
    struct inet6_extras *six = s->options.six;
    struct request r, told = {};
    struct flow_lease *lease;

    if (len < sizeof(r))
        return -EINVAL;
    memcpy(&r, value, sizeof(r));
    if (r.action != GET)
        return -EINVAL;
    if (r.flags & REMOTE) {
        told.label = remote & IPV6_LABEL;
    } else if (six && six->reflect) {
        told.label = six->flowinfo;
    } else {
        mutex_lock(&lock);
        lease = six ? *lease_of(six, six->flowinfo & IPV6_LABEL) : NULL;
        if (lease) {
            const struct flow_label *l = lease->label;
            memcpy(told.destination, l->destination.bytes, sizeof(told.destination));
            told.label = l->label;
            told.share = l->share;
            told.expires = (uint16_t)((l->expires - clock_monotonic()) / SECOND);
            told.linger = (uint16_t)(l->linger / SECOND);
        }
        mutex_unlock(&lock);
        if (!lease)
            return -ENOENT;
    }
    memcpy(value, &told, sizeof(told));
    return (int)sizeof(told);
}

/* --- sending */

int flow_label_use(struct inet_socket *s, uint32_t label, const struct ipv6_headers **headers,
                   bool *leased)
{
    struct flow_lease *lease;

    *leased = false;
    if (!atomic_load_explicit(&nexclusive, memory_order_relaxed))
        return 0;
    lease = *lease_of(s->options.six, label); /* the socket's list is under its own lock */
    if (!lease)
        return -EINVAL;
    lease->label->used = clock_monotonic();
    *headers = lease->label->headers;
    *leased = true;
    return 0;
}

void flow_label_release(struct inet6_extras *six)
{
    mutex_lock(&lock);
    for (struct flow_lease *lease; (lease = six->leases);) {
        six->leases = lease->next;
        release(lease->label);
        kfree(lease);
    }
    mutex_unlock(&lock);
}

/* --- /proc/net/ip6_flowlabel */

static void show(struct text *text, const struct flow_label *l, nsec_t now)
{
    unsigned options = 0;

    for (unsigned i = 0; l->headers && i < IPV6_PARTS; i++)
        options += ipv6_header_size(l->headers->part[i]);
    text_printf(text, "%05X %-1d %-6d %-6d %-6ld %-8ld ", __builtin_bswap32(l->label), l->share,
                (int)l->owner, l->users, (long)(l->linger / SECOND),
                (long)((l->expires - now) / SECOND));
    for (unsigned i = 0; i < 16; i++)
        text_printf(text, "%02x", l->destination.bytes[i]);
    text_printf(text, " %-4d\n", options);
}

int proc_show_ip6_flowlabel(struct text *text, const struct pseudo *self)
{
    nsec_t now = clock_monotonic();

    text_printf(text,
                "Label S Owner  Users  Linger Expires  Dst                              Opt\n");
    mutex_lock(&lock);
    reap();
    for (const struct flow_label *l = labels; l; l = l->next)
        show(text, l, now);
    mutex_unlock(&lock);
    return 0;
}
