// clang-format off
// sources: tests/unit/shim/net.c kernel/net/packet.c kernel/net/checksum.c kernel/net/segment.c
// sources: kernel/net/netif.c kernel/net/receive.c kernel/net/loopback.c kernel/net/route.c
// sources: kernel/net/neighbour.c kernel/net/channel.c kernel/net/demux.c kernel/net/ports.c
// sources: kernel/net/reuseport.c kernel/net/mib.c kernel/net/ip.c kernel/net/path_mtu.c
// sources: kernel/net/ip_fragment.c kernel/net/ipv4.c kernel/net/ipv4_output.c
// sources: kernel/net/ipv4_options.c kernel/net/icmp.c kernel/net/arp.c kernel/net/address.c
// sources: tests/unit/shim/net_no_ipv6.c kernel/lib/rbtree.c
// flags: -Itests/unit -Itests/unit/shim/net -Itests/unit/shim -Ikernel -Wno-unused-parameter -fwrapv -Wno-missing-field-initializers
// clang-format on
/* Ports and the tables that find sockets: who may bind beside whom, who gets a packet, which ports
 * connect() takes. The expected answers are Linux's. */
#include "shim/net.h"

#include "lib/errno.h"
#include "lib/string.h"

enum { MANY = 15000 };

static struct inet_addr parse(const char *text)
{
    struct inet_addr a;

    NEED(inet_parse(text, &a) == 0);
    return a;
}

struct how {
    int family, type;
    bool reuse_address, reuse_port, v6only, listening;
    unsigned uid;
    struct netif *bound;
};

static struct shim_socket *make(struct how how)
{
    struct shim_socket *s = shim_socket(how.family, how.type);

    s->inet.reuse_address = how.reuse_address;
    s->inet.reuse_port = how.reuse_port;
    s->inet.v6only = how.v6only;
    s->inet.socket.listening = how.listening;
    s->inet.socket.cred.uid = how.uid;
    s->inet.flow.bound = how.bound;
    return s;
}

static int bind(struct shim_socket *s, const char *address, unsigned port)
{
    struct inet_addr a = parse(address);

    return inet_bind(&s->inet, &a, port);
}

/* May b bind to the port while a has it? */
static int beside(struct how a, const char *address_a, struct how b, const char *address_b)
{
    struct shim_socket *first = make(a), *second = make(b);
    int err;

    NEED(bind(first, address_a, 5000) == 0);
    err = bind(second, address_b, 5000);
    shim_close(second);
    shim_close(first);
    shim_quiescent();
    return err;
}

static void test_conflicts(void)
{
    static const char any4[] = "0.0.0.0", lo4[] = "127.0.0.1", me4[] = "10.0.0.2", any6[] = "::";
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM};

    for (unsigned i = 0; i < 2; i++) {
        struct how p = {AF_INET, types[i]}, p6 = {AF_INET6, types[i]}, r = p, rp = p, only = p6;
        struct how other = p, dev = p, listener;
        r.reuse_address = rp.reuse_port = only.v6only = true;
        other.reuse_port = true;
        other.uid = 1;
        dev.bound = &shim_eth;
        listener = r;
        listener.listening = true;
        NEED(beside(p, lo4, p, lo4) == -EADDRINUSE);
        NEED(beside(p, any4, p, lo4) == -EADDRINUSE);
        NEED(beside(p, lo4, p, any4) == -EADDRINUSE);
        NEED(beside(p, lo4, p, me4) == 0);
        NEED(beside(p, any4, p6, any6) == -EADDRINUSE);
        NEED(beside(p6, any6, p, lo4) == -EADDRINUSE);
        NEED(beside(p, any4, only, any6) == 0);
        NEED(beside(only, any6, p, any4) == 0);
        NEED(beside(only, any6, p6, "::1") == -EADDRINUSE);
        NEED(beside(p6, "::1", p, lo4) == 0);
        NEED(beside(p6, "::ffff:127.0.0.1", p, lo4) == -EADDRINUSE);
        NEED(beside(r, any4, r, any4) == 0);
        NEED(beside(r, any4, p, any4) == -EADDRINUSE);
        NEED(beside(p, any4, r, any4) == -EADDRINUSE);
        NEED(beside(rp, any4, rp, any4) == 0);
        NEED(beside(rp, any4, other, any4) == -EADDRINUSE);
        NEED(beside(rp, any4, r, any4) == -EADDRINUSE);
        NEED(beside(dev, any4, p, any4) == -EADDRINUSE);
        dev.bound = loopback;
        struct how eth = dev;
        eth.bound = &shim_eth;
        NEED(beside(dev, any4, eth, any4) == 0);
        NEED(beside(listener, any4, r, any4) == (types[i] == SOCK_STREAM ? -EADDRINUSE : 0));
    }
    struct how tcp = {AF_INET, SOCK_STREAM}, udp = {AF_INET, SOCK_DGRAM};
    NEED(beside(tcp, any4, udp, any4) == 0);
}

static void test_addresses(void)
{
    struct shim_socket *s = make((struct how){AF_INET, SOCK_DGRAM});

    NEED(bind(s, "10.0.0.77", 5000) == -EADDRNOTAVAIL);
    shim_privileged = false;
    NEED(bind(s, "0.0.0.0", 80) == -EACCES);
    shim_privileged = true;
    s->inet.options.freebind = true;
    NEED(bind(s, "10.0.0.77", 80) == 0 && bind(s, "10.0.0.2", 81) == -EINVAL);
    shim_close(s);
    /* Two that share by SO_REUSEADDR cannot both listen. */
    struct how how = {AF_INET, SOCK_STREAM, .reuse_address = true};
    struct shim_socket *a = make(how), *b = make(how);
    NEED(bind(a, "0.0.0.0", 80) == 0 && bind(b, "0.0.0.0", 80) == 0);
    a->inet.socket.listening = true;
    NEED(inet_hash_bound(&a->inet) == 0 && inet_hash_bound(&b->inet) == -EADDRINUSE);
    shim_close(a);
    NEED(inet_hash_bound(&b->inet) == 0);
    shim_close(b);
    shim_quiescent();
}

/* --- who gets a packet */

static struct shim_socket *bound(struct how how, const char *address)
{
    struct shim_socket *s = make(how);

    s->inet.reuse_address = true;
    NEED(bind(s, address, 5000) == 0 && inet_hash_bound(&s->inet) == 0);
    return s;
}

static struct inet_socket *find(const char *source, const char *destination, struct netif *netif)
{
    struct inet_addr a = parse(source), b = parse(destination);

    return inet_find(IPPROTO_UDP, &a, 1, &b, 5000, netif, NULL);
}

static void test_find(void)
{
    struct how v4 = {AF_INET, SOCK_DGRAM}, v6 = {AF_INET6, SOCK_DGRAM}, only = v6, dev = v4;

    only.v6only = true;
    dev.bound = &shim_eth;
    NEED(!find("10.0.0.1", "10.0.0.2", &shim_eth));
    struct shim_socket *both = bound(v6, "::");
    NEED(find("10.0.0.1", "10.0.0.2", &shim_eth) == &both->inet);
    NEED(find("fd00::1", "fd00::2", &shim_eth) == &both->inet);
    struct shim_socket *four = bound(v4, "0.0.0.0");
    NEED(find("10.0.0.1", "10.0.0.2", &shim_eth) == &four->inet);
    NEED(find("fd00::1", "fd00::2", &shim_eth) == &both->inet);
    struct shim_socket *device = bound(dev, "0.0.0.0");
    NEED(find("10.0.0.1", "10.0.0.2", &shim_eth) == &device->inet);
    NEED(find("127.0.0.1", "127.0.0.1", loopback) == &four->inet);
    struct shim_socket *exact = bound(v4, "10.0.0.2");
    NEED(find("10.0.0.1", "10.0.0.2", &shim_eth) == &exact->inet);
    NEED(find("10.0.0.1", "10.0.0.255", &shim_eth) == &device->inet);
    struct shim_socket *newer = bound(v4, "10.0.0.2");
    NEED(find("10.0.0.1", "10.0.0.2", &shim_eth) == &newer->inet);
    /* A connection beats them all, for its own peer; and goes back. */
    exact->inet.remote = parse("10.0.0.1");
    exact->inet.remote_port = 1;
    NEED(inet_hash_connect(&exact->inet) == 0);
    NEED(find("10.0.0.1", "10.0.0.2", &shim_eth) == &exact->inet);
    NEED(find("10.0.0.3", "10.0.0.2", &shim_eth) == &newer->inet);
    exact->inet.remote = parse("10.0.0.3");
    NEED(inet_hash_connect(&exact->inet) == 0);
    NEED(find("10.0.0.1", "10.0.0.2", &shim_eth) == &newer->inet);
    NEED(find("10.0.0.3", "10.0.0.2", &shim_eth) == &exact->inet);
    exact->inet.remote = parse("0.0.0.0");
    exact->inet.remote_port = 0;
    NEED(inet_hash_bound(&exact->inet) == 0);
    NEED(find("10.0.0.3", "10.0.0.2", &shim_eth) == &exact->inet);
    shim_close(exact);
    shim_close(newer);
    shim_close(device);
    shim_close(four);
    NEED(find("10.0.0.1", "10.0.0.2", &shim_eth) == &both->inet);
    shim_close(both);
    struct shim_socket *six = bound(only, "::");
    NEED(!find("10.0.0.1", "10.0.0.2", &shim_eth) && find("fd00::1", "fd00::2", NULL));
    shim_close(six);
    shim_quiescent();
}

/* What arrives is shared out, each flow to one; who leaves gets nothing more. */
static void test_reuse_port(void)
{
    enum { N = 7, FLOWS = 7000 };
    struct shim_socket *s[N];
    unsigned got[N] = {};
    struct inet_addr me = parse("10.0.0.2");

    for (unsigned i = 0; i < N; i++) {
        s[i] = make((struct how){AF_INET, SOCK_DGRAM, .reuse_port = true});
        NEED(bind(s[i], "0.0.0.0", 5000) == 0 && inet_hash_bound(&s[i]->inet) == 0);
    }
    for (unsigned left = N; left; left--) {
        memset(got, 0, sizeof(got));
        for (unsigned f = 0; f < FLOWS; f++) {
            struct inet_addr peer = inet_v4(0x0a + (f << 8));
            struct inet_socket *to = inet_find(IPPROTO_UDP, &peer, 7, &me, 5000, &shim_eth, NULL);
            NEED(to == inet_find(IPPROTO_UDP, &peer, 7, &me, 5000, &shim_eth, NULL));
            for (unsigned i = 0; i < N; i++)
                got[i] += to == &s[i]->inet;
        }
        for (unsigned i = 0; i < N; i++)
            NEED(i < left ? got[i] > FLOWS / left * 8 / 10 && got[i] < FLOWS / left * 12 / 10 + 1
                          : got[i] == 0);
        shim_close(s[left - 1]);
        shim_quiescent();
    }
}

/* --- ports for connections */

static struct shim_socket *connect(const char *remote, unsigned port, int *err)
{
    struct shim_socket *s = make((struct how){AF_INET, SOCK_STREAM});

    s->inet.local = parse("10.0.0.2");
    s->inet.remote = parse(remote);
    s->inet.remote_port = (uint16_t)port;
    *err = inet_hash_connect(&s->inet);
    return s;
}

static void test_connect(void)
{
    static struct shim_socket *s[MANY];
    static uint8_t used[65536];
    unsigned odd = 0, repeats = 0;
    int err;

    for (unsigned i = 0; i < MANY; i++) {
        s[i] = connect("10.0.0.1", 80, &err);
        unsigned port = s[i]->inet.local_port;
        NEED(err == 0 && port >= inet_port_low && port <= inet_port_high && !used[port]);
        used[port] = 1;
        odd += (port - inet_port_low) & 1;
        repeats += i && port == s[i - 1]->inet.local_port + 2;
    }
    NEED(odd == MANY - (inet_port_high - inet_port_low + 2) / 2 && repeats < MANY / 2 + MANY / 4);
    /* Another destination has them all again; a full range says so. */
    struct shim_socket *t = connect("10.0.0.9", 80, &err);
    NEED(err == 0);
    shim_close(t);
    inet_port_high = inet_port_low + 9;
    for (unsigned i = 0; i < 20; i++) {
        struct shim_socket *u = connect("10.0.0.8", 80, &err);
        NEED(err == (i < 10 ? 0 : -EADDRNOTAVAIL));
        if (err)
            shim_close(u);
        else
            s[i]->worked = 0, shim_close(s[i]), s[i] = u;
    }
    inet_port_high = 60999;
    /* Ports of connections may be bound only beside them; bound ones are not taken by connect. */
    struct shim_socket *b = make((struct how){AF_INET, SOCK_STREAM});
    NEED(bind(b, "0.0.0.0", s[100]->inet.local_port) == -EADDRINUSE);
    NEED(bind(b, "127.0.0.1", s[100]->inet.local_port) == 0);
    shim_close(b);
    for (unsigned i = 0; i < MANY; i++)
        shim_close(s[i]);
    shim_quiescent();
    /* The same ends twice. */
    struct shim_socket *a = make((struct how){AF_INET, SOCK_STREAM, .reuse_address = true});
    b = make((struct how){AF_INET, SOCK_STREAM, .reuse_address = true});
    NEED(bind(a, "10.0.0.2", 6000) == 0 && bind(b, "10.0.0.2", 6000) == 0);
    a->inet.remote = b->inet.remote = parse("10.0.0.1");
    a->inet.remote_port = b->inet.remote_port = 80;
    NEED(inet_hash_connect(&a->inet) == 0 && inet_hash_connect(&b->inet) == -EADDRNOTAVAIL);
    shim_close(a);
    NEED(inet_hash_connect(&b->inet) == 0);
    shim_close(b);
    shim_quiescent();
}

static void test_accepted(void)
{
    struct shim_socket *listener = make((struct how){AF_INET, SOCK_STREAM});
    struct shim_socket *a = shim_socket(AF_INET, SOCK_STREAM),
                       *b = shim_socket(AF_INET, SOCK_STREAM);
    struct inet_addr me = parse("10.0.0.2"), peer = parse("10.0.0.1");

    NEED(bind(listener, "0.0.0.0", 80) == 0 && inet_hash_bound(&listener->inet) == 0);
    a->inet.local = b->inet.local = me;
    a->inet.remote = b->inet.remote = peer;
    a->inet.remote_port = b->inet.remote_port = 999;
    NEED(inet_hash_accepted(&a->inet, &listener->inet) == 0);
    NEED(inet_hash_accepted(&b->inet, &listener->inet) == -EEXIST);
    NEED(inet_find(IPPROTO_TCP, &peer, 999, &me, 80, NULL, NULL) == &a->inet);
    NEED(inet_find(IPPROTO_TCP, &peer, 998, &me, 80, NULL, NULL) == &listener->inet);
    shim_close(listener);
    NEED(!inet_find(IPPROTO_TCP, &peer, 998, &me, 80, NULL, NULL));
    /* The port is still taken. */
    struct shim_socket *c = make((struct how){AF_INET, SOCK_STREAM});
    NEED(bind(c, "0.0.0.0", 80) == -EADDRINUSE);
    c->inet.reuse_address = a->inet.reuse_address = true;
    NEED(bind(c, "0.0.0.0", 80) == 0);
    shim_close(a);
    inet_put(&b->inet);
    shim_close(c);
    shim_quiescent();
}

/* bind(0): free ports only, and all of them. */
static void test_bind_any(void)
{
    enum { N = 100 };
    struct shim_socket *s[N], *more = make((struct how){AF_INET, SOCK_DGRAM});
    bool used[N] = {};

    inet_port_high = inet_port_low + N - 1;
    for (unsigned i = 0; i < N; i++) {
        s[i] = make((struct how){AF_INET, SOCK_DGRAM});
        NEED(bind(s[i], "0.0.0.0", 0) == 0);
        unsigned at = s[i]->inet.local_port - inet_port_low;
        NEED(at < N && !used[at]);
        used[at] = true;
    }
    NEED(bind(more, "0.0.0.0", 0) == -EADDRINUSE);
    for (unsigned i = 0; i < N; i++)
        shim_close(s[i]);
    NEED(bind(more, "0.0.0.0", 0) == 0);
    shim_close(more);
    shim_quiescent();
    inet_port_high = 60999;
}

int main(void)
{
    long before;

    shim_start();
    shim_privileged = true;
    before = shim_blocks;
    test_conflicts();
    test_addresses();
    test_find();
    test_reuse_port();
    test_connect();
    test_accepted();
    test_bind_any();
    NEED(shim_blocks == before);
    printf("ok - ports and tables are as Linux has them\n");
    return 0;
}
