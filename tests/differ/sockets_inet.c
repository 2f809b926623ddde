// Sockets of AF_INET and AF_INET6 over lo: TCP, UDP, raw ones; names, ports, states, errors.
#include "sockets.h"

#include <arpa/inet.h>
#include <linux/errqueue.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <time.h>

// LEFT OUT: MSG_MORE of TCP, Nagle's and TCP_CORK's waiting, full queues of listeners (timers send
// on); MSG_OOB; what groups of SO_REUSEPORT deliver (the hash is random); how many bytes TCP has
// not been told to have arrived.
static const struct named send_flags[] = {
    N(MSG_DONTWAIT), N(MSG_NOSIGNAL), N(MSG_EOR),     N(MSG_DONTROUTE), N(MSG_CONFIRM),
    N(MSG_PEEK),     N(MSG_TRUNC),    N(MSG_WAITALL), N(MSG_CTRUNC),    N(MSG_ERRQUEUE)};
static const struct named receive_flags[] = {
    N(MSG_DONTWAIT), N(MSG_PEEK),       N(MSG_PEEK),         N(MSG_TRUNC),
    N(MSG_WAITALL),  N(MSG_ERRQUEUE),   N(MSG_CMSG_CLOEXEC), N(MSG_NOSIGNAL),
    N(MSG_ERRQUEUE), N(MSG_CTRUNC),     N(MSG_ERRQUEUE),     N(MSG_EOR),
    N(MSG_OOB),      N(MSG_WAITFORONE), N(MSG_DONTROUTE),    N(MSG_PEEK | MSG_TRUNC)};

// --- addresses ---

enum { PORTS = 6, FIRST_PORT = 2000, APART = 16, EPHEMERAL = 32768 };
static unsigned base; /* of this run's ports: the ones before may have left some busy */

static const char *const hosts4[] = {"127.0.0.1", "127.0.0.1", "127.0.0.1", "0.0.0.0", "127.0.0.2"};
static const char *const odd_hosts4[] = {"192.0.2.1",       "255.255.255.255", "224.0.0.1",
                                         "127.255.255.255", "240.0.0.1",       "0.0.0.1",
                                         "127.0.0.0"};
static const char *const hosts6[] = {"::1", "::1", "::1", "::", "::ffff:127.0.0.1"};
static const char *const odd_hosts6[] = {
    "2001:db8::1",      "fe80::1",          "ff02::1", "::ffff:0.0.0.0", "::2",
    "::ffff:192.0.2.1", "::ffff:127.0.0.2", "ff01::1", "::127.0.0.1",    "::ffff:224.0.0.1"};

static unsigned draw_port(void)
{
    unsigned which = below(PORTS);
    if (chance(94))
        return arg("p%u", which), base + which;
    return (unsigned)CHOOSE(0, 0, 1, 1023);
}

static void draw4(struct sockaddr_in *a)
{
    const char *host =
        chance(90) ? hosts4[below(COUNT(hosts4))] : odd_hosts4[below(COUNT(odd_hosts4))];
    arg("%s", host);
    a->sin_family = AF_INET;
    inet_pton(AF_INET, host, &a->sin_addr);
    a->sin_port = htons((uint16_t)draw_port());
}

static void draw6(struct sockaddr_in6 *a)
{
    const char *host =
        chance(90) ? hosts6[below(COUNT(hosts6))] : odd_hosts6[below(COUNT(odd_hosts6))];
    arg("%s", host);
    a->sin6_family = AF_INET6;
    inet_pton(AF_INET6, host, &a->sin6_addr);
    a->sin6_port = htons((uint16_t)draw_port());
    if (chance(8))
        a->sin6_scope_id = (uint32_t)CHOOSE(1, 99);
}

static socklen_t draw_address(struct sockaddr_storage *a)
{
    socklen_t len;
    memset(a, 0, sizeof(*a));
    if (chance(50))
        draw4((void *)a), len = sizeof(struct sockaddr_in);
    else
        draw6((void *)a), len = sizeof(struct sockaddr_in6);
    if (chance(4))
        a->ss_family = (sa_family_t)CHOOSE(AF_UNSPEC, AF_UNSPEC, AF_UNIX, AF_INET6, AF_INET, 99);
    if (chance(4))
        len = (socklen_t)CHOOSE(0, 1, 2, 8, 15, 16, 24, 27, 28, 128, 129, -1);
    return len;
}

static void show_port(unsigned port)
{
    if (port >= base && port < base + APART)
        say(" p%u", port - base);
    else if (port >= EPHEMERAL)
        say(" auto");
    else
        say(" %u", port);
}

static void show_address(const struct sockaddr_storage *a, socklen_t len)
{
    const struct sockaddr_in *four = (const void *)a;
    const struct sockaddr_in6 *six = (const void *)a;
    char text[INET6_ADDRSTRLEN];
    if (len < 2)
        return;
    say("%u", a->ss_family);
    if (a->ss_family == AF_INET && len >= sizeof(*four)) {
        say(" %s", inet_ntop(AF_INET, &four->sin_addr, text, sizeof(text)));
        show_port(ntohs(four->sin_port));
    } else if (a->ss_family == AF_INET6 && len >= sizeof(*six)) {
        say(" %s", inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof(text)));
        show_port(ntohs(six->sin6_port));
        say(" %u %x", six->sin6_scope_id, ntohl(six->sin6_flowinfo));
    }
}

/* LEFT OUT: of TCP and IPv6, to an IPv6 address after an IPv4 one: Linux goes on with IPv4's calls
 * and is not answered. The marker has no effect otherwise. */
static bool refuses(int fd, const struct sockaddr_storage *a)
{
    enum { MARKER = 1000 };
    const struct sockaddr_in6 *six = (const void *)a;
    struct sockaddr_in6 own = {0};
    struct timeval marker = {0};
    int type = 0, domain = 0;
    socklen_t len = sizeof(own), four = sizeof(type);
    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &four);
    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &four);
    if (a->ss_family != AF_INET6 || domain != AF_INET6 || type != SOCK_STREAM)
        return false;
    getsockname(fd, (void *)&own, &len);
    len = sizeof(marker);
    getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &marker, &len);
    if (!IN6_IS_ADDR_V4MAPPED(&six->sin6_addr) && !IN6_IS_ADDR_V4MAPPED(&own.sin6_addr))
        return marker.tv_sec == MARKER;
    marker.tv_sec = MARKER;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &marker, sizeof(marker));
    return false;
}

// --- making ---

/* What is under way arrives: on Linux before a call returns, in the machine by a thread that comes
 * each millisecond. */
static void settle(void)
{
    for (int i = 0; i < 2; i++)
        nanosleep(&(struct timespec){0, 2000000}, NULL);
}

static void make_ready(int fd)
{
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    fcntl(fd, F_SETFL, O_NONBLOCK);
}

static void op_socket(void)
{
    static const struct named types[] = {N(SOCK_STREAM), N(SOCK_STREAM), N(SOCK_DGRAM),
                                         N(SOCK_DGRAM)};
    static const struct named odd[] = {N(SOCK_SEQPACKET),     N(SOCK_RDM), N(0),
                                       N(SOCK_PACKET),        N(SOCK_RAW), N(15),
                                       N(SOCK_STREAM | 0x100)};
    static const struct named flags[] = {N(SOCK_NONBLOCK), N(SOCK_CLOEXEC)};
    int in = take_slot();
    begin("socket");
    long family = CHOOSE(AF_INET, AF_INET6);
    uint64_t type = chance(95) ? ONE(types) : ONE(odd);
    type |= SOME(flags, 2);
    long protocol = chance(92) ? 0 : CHOOSE(1, 2, 6, 17, 58, 132, 136, 255, 256, 262, 263, -1);
    long r = call(SYS_socket, family, type, protocol);
    end(r < 0 ? r : 0);
    keep(r, in);
    if (r >= 0)
        make_ready(in);
    settle();
}

static void set(int fd, int level, int name, int value)
{
    setsockopt(fd, level, name, &value, sizeof(value));
}

static socklen_t at_home(struct sockaddr_storage *a, bool six, bool stream)
{
    memset(a, 0, sizeof(*a));
    if (!six) {
        draw4((void *)a);
        return sizeof(struct sockaddr_in);
    }
    draw6((void *)a);
    (void)stream;
    return sizeof(struct sockaddr_in6);
}

/* Bound, listening, connected and accepted at once. */
static void op_set_up(void)
{
    struct sockaddr_storage a;
    int in = take_slot(), other = take_slot(), third = take_slot();
    begin("set up");
    bool stream = CHOOSE(SOCK_STREAM, SOCK_DGRAM) == SOCK_STREAM, six = chance(50);
    int type = (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK;
    socklen_t len = at_home(&a, six, stream);
    int family = six ? AF_INET6 : AF_INET;
    int listener = socket(family, type, 0), client = socket(family, type, 0), got;
    make_ready(listener);
    make_ready(client);
    if (chance(60))
        set(listener, SOL_SOCKET, SO_REUSEADDR, 1), say(" REUSEADDR");
    say(" bind=%s", error_name(-call(SYS_bind, listener, &a, len)));
    if (stream)
        say(" listen=%s", error_name(-call(SYS_listen, listener, 100)));
    refuses(client, &a);
    long r = call(SYS_connect, client, &a, len);
    end(r);
    if (r == -EINPROGRESS)
        poll(&(struct pollfd){client, POLLOUT, 0}, 1, 1000);
    settle();
    if (stream && (got = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        make_ready(got);
        keep(got, third);
    }
    keep(listener, in);
    keep(client, other);
    settle();
}

// --- options ---

struct option {
    int level, name;
    const char *text;
};
#define O(level, name)                                                                             \
    {                                                                                              \
        level, name, #name                                                                         \
    }
// LEFT OUT: SO_PEEK_OFF of TCP (Linux 6.9), TTL of groups (an accepted socket has that of
// the packet that made it), sizes of buffers, TCP_INFO, what depends on the processor, the device
// or the host.
static const struct option options[] = {
    O(SOL_SOCKET, SO_REUSEADDR),
    O(SOL_SOCKET, SO_REUSEADDR),
    O(SOL_SOCKET, SO_REUSEPORT),
    O(SOL_SOCKET, SO_ERROR),
    O(SOL_SOCKET, SO_ERROR),
    O(SOL_SOCKET, SO_TYPE),
    O(SOL_SOCKET, SO_DOMAIN),
    O(SOL_SOCKET, SO_PROTOCOL),
    O(SOL_SOCKET, SO_ACCEPTCONN),
    O(SOL_SOCKET, SO_BROADCAST),
    O(SOL_SOCKET, SO_KEEPALIVE),
    O(SOL_SOCKET, SO_DONTROUTE),
    O(SOL_SOCKET, SO_OOBINLINE),
    O(SOL_SOCKET, SO_PRIORITY),
    O(SOL_SOCKET, SO_RCVLOWAT),
    O(SOL_SOCKET, SO_SNDLOWAT),
    O(SOL_SOCKET, SO_MARK),
    O(SOL_SOCKET, SO_NO_CHECK),
    O(SOL_SOCKET, SO_PEERNAME),
    O(SOL_SOCKET, SO_PEERCRED),
    O(SOL_SOCKET, SO_PASSCRED),
    O(SOL_SOCKET, SO_BINDTOIFINDEX),
    O(SOL_SOCKET, SO_SELECT_ERR_QUEUE),
    O(IPPROTO_IP, IP_TTL),
    O(IPPROTO_IP, IP_TOS),
    O(IPPROTO_IP, IP_RECVTTL),
    O(IPPROTO_IP, IP_RECVTOS),
    O(IPPROTO_IP, IP_PKTINFO),
    O(IPPROTO_IP, IP_RECVERR),
    O(IPPROTO_IP, IP_RECVERR),
    O(IPPROTO_IP, IP_RECVORIGDSTADDR),
    O(IPPROTO_IP, IP_MTU_DISCOVER),
    O(IPPROTO_IP, IP_MTU),
    O(IPPROTO_IP, IP_FREEBIND),
    O(IPPROTO_IP, IP_MULTICAST_LOOP),
    O(IPPROTO_IP, IP_MULTICAST_ALL),
    O(IPPROTO_IP, IP_MINTTL),
    O(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT),
    O(IPPROTO_IP, IP_HDRINCL),
    O(IPPROTO_IP, IP_NODEFRAG),
    O(IPPROTO_IP, IP_OPTIONS),
    O(IPPROTO_IP, IP_RECVOPTS),
    O(IPPROTO_IPV6, IPV6_V6ONLY),
    O(IPPROTO_IPV6, IPV6_V6ONLY),
    O(IPPROTO_IPV6, IPV6_UNICAST_HOPS),
    O(IPPROTO_IPV6, IPV6_TCLASS),
    O(IPPROTO_IPV6, IPV6_RECVPKTINFO),
    O(IPPROTO_IPV6, IPV6_RECVHOPLIMIT),
    O(IPPROTO_IPV6, IPV6_RECVTCLASS),
    O(IPPROTO_IPV6, IPV6_RECVERR),
    O(IPPROTO_IPV6, IPV6_RECVERR),
    O(IPPROTO_IPV6, IPV6_MTU_DISCOVER),
    O(IPPROTO_IPV6, IPV6_MTU),
    O(IPPROTO_IPV6, IPV6_MULTICAST_LOOP),
    O(IPPROTO_IPV6, IPV6_DONTFRAG),
    O(IPPROTO_IPV6, IPV6_FREEBIND),
    O(IPPROTO_IPV6, IPV6_MINHOPCOUNT),
    O(IPPROTO_IPV6, IPV6_RECVORIGDSTADDR),
    O(IPPROTO_IPV6, IPV6_ADDRFORM),
    O(IPPROTO_TCP, TCP_KEEPIDLE),
    O(IPPROTO_TCP, TCP_KEEPINTVL),
    O(IPPROTO_TCP, TCP_KEEPCNT),
    O(IPPROTO_TCP, TCP_SYNCNT),
    O(IPPROTO_TCP, TCP_LINGER2),
    O(IPPROTO_TCP, TCP_USER_TIMEOUT),
    O(IPPROTO_TCP, TCP_DEFER_ACCEPT),
    O(IPPROTO_TCP, TCP_INQ),
    O(IPPROTO_TCP, TCP_FASTOPEN_CONNECT),
    O(IPPROTO_TCP, TCP_NOTSENT_LOWAT),
    O(IPPROTO_UDP, UDP_CORK),
    O(IPPROTO_UDP, UDP_SEGMENT),
    O(IPPROTO_UDP, UDP_NO_CHECK6_TX),
    O(IPPROTO_UDP, UDP_NO_CHECK6_RX),
};

static const struct option *draw_option(void)
{
    const struct option *o = &options[below(COUNT(options))];
    arg("%s", o->text);
    return o;
}

static void op_getsockopt(void)
{
    char value[64];
    begin("getsockopt");
    int fd = socket_slot();
    const struct option *o = draw_option();
    int level = chance(97) ? o->level : (int)CHOOSE(SOL_SOCKET, 0, 6, 17, 41, 58, 99, 255);
    int room = (int)CHOOSE(64, 64, 4, 4, 8, 2, 1, 0, -1), len;
    bool bad = chance(2) && level == SOL_SOCKET;
    memset(value, 0x55, sizeof(value));
    if (room < 0 && level != SOL_SOCKET)
        room = 4; // LEFT OUT: of two mistakes, which is told
    len = room;
    long r = call(SYS_getsockopt, fd, level, o->name, bad ? BAD_POINTER : value, &len);
    end(r);
    if (r < 0)
        return;
    say(" %d", len);
    if (level == SOL_SOCKET && o->name == SO_PEERNAME)
        return show_peer_name((void *)value, room, len);
    for (int i = 0; i < len && i < 64; i++)
        say(" %02x" + (i > 0), (unsigned char)value[i]);
}

static void op_setsockopt(void)
{
    begin("setsockopt");
    int fd = socket_slot();
    const struct option *o = draw_option();
    int level = chance(97) ? o->level : (int)CHOOSE(SOL_SOCKET, 0, 6, 17, 41, 58, 99, 255);
    int value[2] = {(int)CHOOSE(0, 1, 1, 1, 2, 3, 5, -1, 64, 255, 256, 1000, 0x7fffffff), 0};
    int len = chance(85) ? 4 : (int)CHOOSE(0, 1, 2, 3, 5, 8, -1);
    if (level == IPPROTO_TCP && o->name == TCP_DEFER_ACCEPT)
        value[0] = 0; // LEFT OUT: whether it is in effect after a second
    if (level == SOL_SOCKET && o->name == SO_RCVLOWAT && value[0] > 1000)
        value[0] = 1000;
    bool bad = chance(2) && level == SOL_SOCKET;
    end(call(SYS_setsockopt, fd, level, o->name, bad ? BAD_POINTER : value, len));
    settle();
}

static void op_linger(void)
{
    struct linger l = {(int)below(2), 0};
    begin("linger");
    int fd = socket_slot();
    arg("%d", l.l_onoff);
    end(call(SYS_setsockopt, fd, SOL_SOCKET, SO_LINGER, &l, chance(95) ? sizeof(l) : 4));
}

static void op_ioctl(void)
{
    static const struct named commands[] = {
        N(0x8910), N(0x8912), N(0x8913), N(0x8915), N(0x8917), N(0x8919), N(0x891b), N(0x891d),
        N(0x891f), N(0x8921), N(0x8927), N(0x8929), N(0x8933), N(0x8938), N(0x8942), N(0x8970),
        N(0x8971), N(0x89f0), N(0x8904), N(0x8905), N(0x8901), N(0x8902), N(0x8903), N(0x8906),
        N(0x8953), N(0x8954), N(0x8955), N(0x890b), N(0x890c), N(0x8946)};
    struct ifreq r = {0};
    begin("ioctl");
    int fd = socket_slot();
    uint64_t command = ONE(commands);
    if (!sockets_is(fd))
        return end(0);
    strcpy(r.ifr_name, chance(85) ? "lo" : chance(50) ? "none" : "lo:1");
    arg("%s", r.ifr_name);
    if (command == 0x8910)
        r.ifr_ifindex = (int)CHOOSE(1, 1, 0, 99);
    else if (command == 0x8912 || command == 0x8946 || command == 0x8901 || command == 0x8902)
        memset(&r, 0, sizeof(r));
    else
        memset(&r.ifr_ifru, 0, sizeof(r.ifr_ifru));
    long got = call(SYS_ioctl, fd, command, &r);
    end(got);
    if (got == 0 && command != 0x8906)
        for (int i = 0; i < 40; i++)
            say(" %02x" + (i > 0), ((unsigned char *)&r)[i]);
}

// --- control data ---

static void show_extra(struct cmsghdr *c)
{
    long len = (long)(c->cmsg_len - CMSG_LEN(0));
    unsigned char *at = CMSG_DATA(c);
    bool dst = (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_ORIGDSTADDR) ||
               (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_ORIGDSTADDR);
    bool error = (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
                 (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR);
    struct sockaddr_storage a = {0};
    if (c->cmsg_level == SOL_SOCKET)
        return;
    if (dst || (error && len >= 16)) {
        long skip = error ? 16 : 0;
        for (long i = 0; i < skip; i++)
            say(" %02x" + (i > 0), at[i]);
        if (len - skip > 0 && len - skip <= (long)sizeof(a)) {
            memcpy(&a, at + skip, (size_t)(len - skip));
            say(" ");
            show_address(&a, (socklen_t)(len - skip));
        }
        return;
    }
    for (long i = 0; i < len && i < 64; i++)
        say(" %02x" + (i > 0), at[i]);
}

static size_t put(char *at, int level, int type, const void *data, size_t n)
{
    struct cmsghdr *c = (void *)at;
    memset(at, 0, CMSG_SPACE(n));
    *c = (struct cmsghdr){CMSG_LEN(n), level, type};
    memcpy(CMSG_DATA(c), data, n);
    return CMSG_SPACE(n);
}

static size_t put_one(char *at)
{
    struct in_pktinfo info = {0};
    struct in6_pktinfo info6 = {0};
    int value;
    switch (below(9)) {
    case 0:
        arg("TTL");
        value = (int)CHOOSE(1, 64, 255, 0, 256, -1);
        return put(at, IPPROTO_IP, IP_TTL, &value, chance(90) ? 4 : 1);
    case 1:
        arg("TOS");
        value = (int)CHOOSE(0, 4, 0x10, 255, 256, -1);
        return put(at, IPPROTO_IP, IP_TOS, &value, chance(70) ? 4 : chance(50) ? 1 : 2);
    case 2:
        arg("PKTINFO");
        info.ipi_ifindex = (int)CHOOSE(0, 1, 1, 99);
        // LEFT OUT: what is told where neither is there
        info.ipi_spec_dst.s_addr =
            info.ipi_ifindex == 99 ? 0
                                   : htonl((uint32_t)CHOOSE(0, 0x7f000001, 0x7f000002, 0xc0000201));
        return put(at, IPPROTO_IP, IP_PKTINFO, &info, chance(95) ? sizeof(info) : 8);
    case 3:
        arg("HOPLIMIT");
        value = (int)CHOOSE(1, 64, 255, 0, 256, -1, -2);
        return put(at, IPPROTO_IPV6, IPV6_HOPLIMIT, &value, chance(95) ? 4 : 1);
    case 4:
        arg("TCLASS");
        value = (int)CHOOSE(0, 4, 255, 256, -1, -2);
        return put(at, IPPROTO_IPV6, IPV6_TCLASS, &value, chance(95) ? 4 : 1);
    case 5:
        arg("PKTINFO6");
        info6.ipi6_ifindex = (unsigned)CHOOSE(0, 1, 1, 99);
        inet_pton(AF_INET6, hosts6[below(COUNT(hosts6))], &info6.ipi6_addr);
        return put(at, IPPROTO_IPV6, IPV6_PKTINFO, &info6, chance(95) ? sizeof(info6) : 16);
    case 6:
        arg("SEGMENT");
        value = (int)CHOOSE(0, 1, 100, 1000, 65000);
        return put(at, IPPROTO_UDP, UDP_SEGMENT, &value, chance(90) ? 2 : 4);
    case 7:
        arg("DONTFRAG");
        value = (int)CHOOSE(0, 1, 2, -1);
        return put(at, IPPROTO_IPV6, IPV6_DONTFRAG, &value, 4);
    default:
        arg("MARK");
        value = (int)CHOOSE(0, 1);
        return put(at, SOL_SOCKET, SO_MARK, &value, chance(90) ? 4 : 2);
    }
}

static size_t draw_control(char *at)
{
    struct cmsghdr *c = (void *)at;
    size_t n = put_one(at);
    if (chance(15))
        n += put_one(at + n);
    if (chance(5))
        c->cmsg_len = (size_t)CHOOSE(0, 15, 16, 17, 19, 1000, -1);
    if (chance(4))
        c->cmsg_level = (int)CHOOSE(0, 1, 41, 6, 17, 99);
    if (chance(4))
        c->cmsg_type = (int)CHOOSE(0, 1, 2, 3, 29, 37, 99, -1);
    if (chance(4))
        n = (size_t)CHOOSE(0, 1, 15, 16, 20, 24);
    return n;
}

// --- the world ---

/* Only lo, and that is up. */
static bool lo_alone(void)
{
    struct ifreq r = {.ifr_name = "lo"};
    struct if_nameindex *all = if_nameindex();
    bool alone = all && strcmp(all[0].if_name, "lo") == 0 && !all[1].if_name;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if_freenameindex(all);
    bool up = ioctl(fd, SIOCGIFFLAGS, &r) == 0;
    r.ifr_flags |= IFF_UP;
    up = up && ioctl(fd, SIOCSIFFLAGS, &r) == 0;
    close(fd);
    return alone && up;
}

bool sockets_inet_setup(void)
{
    if (unshare(CLONE_NEWNET) != 0 && errno != EINVAL)
        return why = "no network namespace of its own", false;
    if (!lo_alone())
        return why = "there are interfaces other than lo", false;
    for (int fd = 3; fd < SLOT_FIRST; fd++)
        close(fd);
    int fd = open("f", O_CREAT | O_RDWR, 0644);
    data_fill(5000);
    if (fd != 3 || write(fd, buffer, 5000) != 5000)
        abort();
    close(fd);
    base = FIRST_PORT + (unsigned)getpid() % 1800 * APART;
    socket_world = (struct socket_world){
        draw_address, show_address, settle,        show_extra,        draw_control,
        refuses,      send_flags,   receive_flags, COUNT(send_flags), COUNT(receive_flags)};
    return true;
}

const struct op sockets_inet_ops[] = {
    {op_socket, 14}, {op_set_up, 16}, {op_getsockopt, 12}, {op_setsockopt, 18},
    {op_linger, 2},  {op_ioctl, 5},   {NULL, 0},
};
