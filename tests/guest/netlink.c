/* AF_NETLINK and NETLINK_ROUTE: ports, groups, dumps, errors, and changes of addresses and routes.
 */
#include "netlink.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/wait.h>

static int fd;

static void kinds(void)
{
    CHECK_ERRNO(socket(AF_NETLINK, SOCK_STREAM, 0), ESOCKTNOSUPPORT);
    CHECK_ERRNO(socket(AF_NETLINK, SOCK_RAW, 1), EPROTONOSUPPORT);
    CHECK_ERRNO(socket(AF_NETLINK, SOCK_RAW, 33), EPROTONOSUPPORT);
    CHECK_ERRNO(socket(AF_NETLINK, SOCK_RAW, -1), EPROTONOSUPPORT);
    int dgram = socket(AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE);
    NEED(dgram >= 0);
    CHECK_ERRNO(listen(dgram, 1), EOPNOTSUPP);
    CHECK_ERRNO(accept(dgram, NULL, NULL), EOPNOTSUPP);
    CHECK_ERRNO(shutdown(dgram, SHUT_RD), EOPNOTSUPP);
    close(dgram);
}

static uint32_t port_of(int s)
{
    struct sockaddr_nl a;
    socklen_t len = sizeof(a);

    CHECK(getsockname(s, (void *)&a, &len) == 0 && len == sizeof(a) && a.nl_family == AF_NETLINK);
    return a.nl_pid;
}

static void ports(void)
{
    struct sockaddr_nl a = {.nl_family = AF_NETLINK};
    int one = netlink_open(NETLINK_ROUTE), two = netlink_open(NETLINK_ROUTE);

    NEED(one >= 0 && two >= 0);
    CHECK_EQ(port_of(one), 0);
    CHECK(bind(one, (void *)&a, sizeof(a)) == 0);
    CHECK(bind(two, (void *)&a, sizeof(a)) == 0);
    CHECK(port_of(one) != 0 && port_of(two) != 0 && port_of(one) != port_of(two));
    a.nl_pid = port_of(one) + 1;
    CHECK_ERRNO(bind(one, (void *)&a, sizeof(a)), EINVAL);
    a.nl_pid = port_of(one);
    CHECK(bind(one, (void *)&a, sizeof(a)) == 0);
    int three = netlink_open(NETLINK_ROUTE);
    CHECK_ERRNO(bind(three, (void *)&a, sizeof(a)), EADDRINUSE);
    CHECK_ERRNO(bind(three, (void *)&a, sizeof(a) - 1), EINVAL);
    a.nl_family = AF_INET;
    CHECK_ERRNO(bind(three, (void *)&a, sizeof(a)), EINVAL);
    close(one);
    close(two);
    close(three);
}

static void options(void)
{
    int s = netlink_open(NETLINK_ROUTE), on = 1, group = 0;
    uint32_t groups[4] = {0};
    socklen_t len = sizeof(groups);

    CHECK(setsockopt(s, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on)) == 0);
    on = 0;
    len = sizeof(on);
    CHECK(getsockopt(s, SOL_NETLINK, NETLINK_CAP_ACK, &on, &len) == 0 && on == 1 && len == 4);
    CHECK(getsockopt(s, SOL_NETLINK, NETLINK_EXT_ACK, &on, &len) == 0 && on == 0);
    CHECK_ERRNO(setsockopt(s, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, 4), EINVAL);
    group = 1000;
    CHECK_ERRNO(setsockopt(s, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, 4), EINVAL);
    CHECK_ERRNO(setsockopt(s, SOL_NETLINK, 99, &group, 4), ENOPROTOOPT);
    group = RTNLGRP_IPV4_ROUTE;
    CHECK(setsockopt(s, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, 4) == 0);
    len = sizeof(groups);
    CHECK(getsockopt(s, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, groups, &len) == 0 &&
          groups[0] == 1u << (RTNLGRP_IPV4_ROUTE - 1));
    CHECK(setsockopt(s, SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, &group, 4) == 0);
    CHECK(getsockopt(s, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, groups, &len) == 0 && !groups[0]);
    close(s);
}

/* --- links */

struct found {
    int count, lo, multi;
    uint32_t flags, mtu, port;
    int stats;
};

static void see_link(const struct nlmsghdr *m, void *arg)
{
    struct found *f = arg;
    const struct ifinfomsg *info = NLMSG_DATA(m);
    const char *name = attr_of(m, sizeof(*info), IFLA_IFNAME, NULL);

    f->count += m->nlmsg_type == RTM_NEWLINK;
    f->multi += !!(m->nlmsg_flags & NLM_F_MULTI);
    f->port = m->nlmsg_pid;
    if (name && !strcmp(name, "lo")) {
        f->lo = info->ifi_index;
        f->flags = info->ifi_flags;
        f->mtu = attr_u32(m, sizeof(*info), IFLA_MTU);
        attr_of(m, sizeof(*info), IFLA_STATS64, &f->stats);
    }
}

static void link_dump(void)
{
    struct request r;
    struct found f = {0};

    request_begin(&r, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg));
    CHECK_EQ(netlink_talk(fd, &r, see_link, &f), 0);
    CHECK(f.count >= 1 && f.multi == f.count && f.lo == 1 && f.flags & IFF_LOOPBACK &&
          f.mtu >= 1500);
    CHECK(f.stats >= 23 * 8);
    CHECK_EQ(f.port, port_of(fd));
    struct rtgenmsg *old;
    memset(&f, 0, sizeof(f));
    old = request_begin(&r, RTM_GETLINK, NLM_F_DUMP, sizeof(*old));
    old->rtgen_family = AF_UNSPEC;
    CHECK_EQ(netlink_talk(fd, &r, see_link, &f), 0);
    CHECK(f.lo == 1);
}

static void link_one(void)
{
    struct request r;
    struct found f = {0};
    struct ifinfomsg *info = request_begin(&r, RTM_GETLINK, 0, sizeof(*info));

    info->ifi_index = 1;
    CHECK_EQ(netlink_talk(fd, &r, see_link, &f), 0);
    CHECK(f.lo == 1 && f.multi == 0);
    memset(&f, 0, sizeof(f));
    request_begin(&r, RTM_GETLINK, 0, sizeof(*info));
    request_attr(&r, IFLA_IFNAME, "lo", 3);
    CHECK_EQ(netlink_talk(fd, &r, see_link, &f), 0);
    CHECK(f.lo == 1);
    request_begin(&r, RTM_GETLINK, 0, sizeof(*info));
    request_attr(&r, IFLA_IFNAME, "nosuch", 7);
    CHECK_EQ(netlink_talk(fd, &r, NULL, NULL), -ENODEV);
    request_begin(&r, RTM_GETLINK, 0, sizeof(*info));
    request_attr(&r, IFLA_ALT_IFNAME, "longer-than-fifteen", 20);
    CHECK_EQ(netlink_talk(fd, &r, NULL, NULL), -ENODEV);
    request_begin(&r, RTM_GETLINK, 0, sizeof(*info));
    request_attr(&r, IFLA_IFNAME, "longer-than-fifteen", 20);
    CHECK_EQ(netlink_talk(fd, &r, NULL, NULL), -ERANGE);
    request_begin(&r, RTM_GETLINK, 0, sizeof(*info));
    CHECK_EQ(netlink_talk(fd, &r, NULL, NULL), -EINVAL);
}

/* --- errors and acknowledgements */

static void errors(void)
{
    char buf[512];
    struct nlmsghdr *m = (void *)buf;
    struct nlmsgerr *err = NLMSG_DATA(m);
    int on = 1, s = netlink_open(NETLINK_ROUTE);
    struct request r;
    struct ifinfomsg *info = request_begin(&r, RTM_GETLINK, 0, sizeof(*info));

    info->ifi_index = 54321;
    CHECK(send(s, &r, r.head.nlmsg_len, 0) > 0);
    CHECK_EQ(recv(s, buf, sizeof(buf), 0), NLMSG_LENGTH(sizeof(*err)) + sizeof(*info));
    CHECK(m->nlmsg_type == NLMSG_ERROR && err->error == -ENODEV && m->nlmsg_flags == 0 &&
          !memcmp(&err->msg, &r, r.head.nlmsg_len));
    CHECK(setsockopt(s, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on)) == 0);
    CHECK(send(s, &r, r.head.nlmsg_len, 0) > 0);
    CHECK_EQ(recv(s, buf, sizeof(buf), 0), NLMSG_LENGTH(sizeof(*err)));
    CHECK(m->nlmsg_flags == NLM_F_CAPPED && err->msg.nlmsg_len == r.head.nlmsg_len);
    request_begin(&r, NLMSG_NOOP, NLM_F_ACK, 0);
    CHECK_EQ(netlink_talk(s, &r, NULL, NULL), 0);
    request_begin(&r, 1000, 0, 4);
    CHECK_EQ(netlink_talk(s, &r, NULL, NULL), -EOPNOTSUPP);
    CHECK(setsockopt(s, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on)) == 0);
    CHECK(setsockopt(s, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on)) == 0);
    info = request_begin(&r, RTM_GETLINK, NLM_F_DUMP, sizeof(*info));
    info->ifi_flags = 1;
    CHECK(send(s, &r, r.head.nlmsg_len, 0) > 0);
    CHECK(recv(s, buf, sizeof(buf), 0) > (ssize_t)NLMSG_LENGTH(4));
    CHECK(m->nlmsg_type == NLMSG_DONE && *(int *)NLMSG_DATA(m) == -EINVAL &&
          m->nlmsg_flags == (NLM_F_MULTI | NLM_F_ACK_TLVS) &&
          attr_of(m, 4, NLMSGERR_ATTR_MSG, NULL));
    close(s);
}

static void datagrams(void)
{
    char buf[65536];
    struct request r;
    struct sockaddr_nl from;
    socklen_t len = sizeof(from);
    int s = netlink_open(NETLINK_ROUTE);

    request_begin(&r, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg));
    CHECK(send(s, &r, r.head.nlmsg_len, 0) > 0);
    ssize_t size = recv(s, NULL, 0, MSG_PEEK | MSG_TRUNC);
    CHECK(size > 100);
    CHECK_EQ(recv(s, buf, sizeof(buf), MSG_PEEK), size);
    CHECK_EQ(recvfrom(s, buf, 20, MSG_TRUNC, (void *)&from, &len), size);
    CHECK(len == sizeof(from) && from.nl_pid == 0 && from.nl_groups == 0);
    while (((struct nlmsghdr *)buf)->nlmsg_type != NLMSG_DONE)
        if (recv(s, buf, sizeof(buf), MSG_DONTWAIT) < 0)
            break;
    CHECK_ERRNO(recv(s, buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
    struct pollfd p = {s, POLLIN | POLLOUT, 0};
    CHECK(poll(&p, 1, 0) == 1 && p.revents == POLLOUT);
    struct sockaddr_nl nobody = {.nl_family = AF_NETLINK, .nl_pid = 0x7ffffff1};
    CHECK_ERRNO(sendto(s, &r, r.head.nlmsg_len, 0, (void *)&nobody, sizeof(nobody)), ECONNREFUSED);
    CHECK_ERRNO(send(s, &r, r.head.nlmsg_len, MSG_OOB), EOPNOTSUPP);
    close(s);
    int one = netlink_open(NETLINK_ROUTE), two = netlink_open(NETLINK_ROUTE);
    struct sockaddr_nl to = {.nl_family = AF_NETLINK};
    CHECK(bind(one, (void *)&to, sizeof(to)) == 0 && bind(two, (void *)&to, sizeof(to)) == 0);
    to.nl_pid = port_of(two);
    CHECK_EQ(sendto(one, "hello", 5, 0, (void *)&to, sizeof(to)), 5);
    len = sizeof(from);
    CHECK_EQ(recvfrom(two, buf, sizeof(buf), 0, (void *)&from, &len), 5);
    CHECK_EQ(from.nl_pid, port_of(one));
    CHECK(connect(one, (void *)&to, sizeof(to)) == 0);
    len = sizeof(from);
    CHECK(getpeername(one, (void *)&from, &len) == 0 && from.nl_pid == to.nl_pid);
    close(one);
    close(two);
}

/* --- rules and looked-up routes */

static void see_rule(const struct nlmsghdr *m, void *arg)
{
    uint32_t table = attr_u32(m, sizeof(struct rtmsg), 15 /* FRA_TABLE */);

    *(unsigned *)arg |= table == RT_TABLE_LOCAL     ? 1
                        : table == RT_TABLE_MAIN    ? 2
                        : table == RT_TABLE_DEFAULT ? 4
                                                    : 0;
}

static void rules(void)
{
    struct request r;
    unsigned tables = 0;
    struct rtmsg *m = request_begin(&r, RTM_GETRULE, NLM_F_DUMP, sizeof(*m));

    m->rtm_family = AF_INET;
    CHECK_EQ(netlink_talk(fd, &r, see_rule, &tables), 0);
    CHECK_EQ(tables, 7);
}

static void see_local(const struct nlmsghdr *m, void *arg)
{
    const struct rtmsg *route = NLMSG_DATA(m);
    int len = 0;
    const void *source = attr_of(m, sizeof(*route), RTA_PREFSRC, &len);

    *(int *)arg = m->nlmsg_type == RTM_NEWROUTE && route->rtm_type == RTN_LOCAL &&
                  route->rtm_dst_len == 32 && route->rtm_flags & RTM_F_CLONED &&
                  attr_u32(m, sizeof(*route), RTA_OIF) == 1 && source && len == 4 &&
                  *(const uint32_t *)source == htonl(INADDR_LOOPBACK);
}

static void bring_up_lo(void)
{
    struct request r;
    struct ifinfomsg *info = request_begin(&r, RTM_NEWLINK, NLM_F_ACK, sizeof(*info));

    info->ifi_index = 1;
    info->ifi_flags = info->ifi_change = IFF_UP;
    CHECK_EQ(netlink_talk(fd, &r, NULL, NULL), 0);
}

static void route_get(void)
{
    struct request r;
    int good = 0;
    struct rtmsg *m = request_begin(&r, RTM_GETROUTE, 0, sizeof(*m));

    m->rtm_family = AF_INET;
    m->rtm_dst_len = 32;
    request_u32(&r, RTA_DST, htonl(INADDR_LOOPBACK));
    CHECK_EQ(netlink_talk(fd, &r, see_local, &good), 0);
    CHECK(good);
}

/* --- changes */

static void make_address(struct request *r, int type, int flags, uint32_t address, int prefix)
{
    struct ifaddrmsg *m = request_begin(r, type, NLM_F_ACK | flags, sizeof(*m));

    m->ifa_family = AF_INET;
    m->ifa_prefixlen = prefix;
    m->ifa_index = 1;
    request_u32(r, IFA_LOCAL, htonl(address));
    request_u32(r, IFA_ADDRESS, htonl(address));
}

/* Wait for a notification of a type, and whether it carries the address or route. */
static int hears(int s, int type, size_t fixed, int attribute, uint32_t value)
{
    char buf[8192];

    for (;;) {
        int n = (int)recv(s, buf, sizeof(buf), 0);
        if (n < 0)
            return 0;
        for (struct nlmsghdr *m = (void *)buf; NLMSG_OK(m, (unsigned)n); m = NLMSG_NEXT(m, n))
            if (m->nlmsg_type == type && attr_u32(m, fixed, attribute) == htonl(value))
                return m->nlmsg_seq == 0 || m->nlmsg_pid != 0;
    }
}

enum { OURS = 0x0a4d0001, NET = 0x0a4e0000 }; /* 10.77.0.1, 10.78.0.0 */

static void addresses(void)
{
    struct request r;
    struct sockaddr_nl a = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_IPV4_IFADDR};
    int s = netlink_open(NETLINK_ROUTE);

    CHECK(bind(s, (void *)&a, sizeof(a)) == 0);
    make_address(&r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, OURS, 24);
    CHECK_EQ(netlink_talk(fd, &r, NULL, NULL), 0);
    CHECK(hears(s, RTM_NEWADDR, sizeof(struct ifaddrmsg), IFA_LOCAL, OURS));
    make_address(&r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, OURS, 24);
    CHECK_EQ(netlink_talk(fd, &r, NULL, NULL), -EEXIST);
    make_address(&r, RTM_NEWADDR, NLM_F_CREATE, OURS, 33);
    CHECK_EQ(netlink_talk(fd, &r, NULL, NULL), -EINVAL);
    int u = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(OURS)};
    CHECK(bind(u, (void *)&in, sizeof(in)) == 0);
    close(u);
    make_address(&r, RTM_DELADDR, 0, OURS, 24);
    CHECK_EQ(netlink_talk(fd, &r, NULL, NULL), 0);
    CHECK(hears(s, RTM_DELADDR, sizeof(struct ifaddrmsg), IFA_LOCAL, OURS));
    make_address(&r, RTM_DELADDR, 0, OURS, 24);
    CHECK_EQ(netlink_talk(fd, &r, NULL, NULL), -EADDRNOTAVAIL);
    close(s);
}

/* --- neighbours (of IPv6: to Linux all those of IPv4 on lo are one) */

static const uint8_t friend[16] = {0xfd, [15] = 9};

static void make_neighbour(struct request *r, int type, int flags, int state, uint8_t mac)
{
    const uint8_t address[6] = {2, 0, 0, 0, 0, mac};
    struct ndmsg *m = request_begin(r, type, NLM_F_ACK | flags, sizeof(*m));

    m->ndm_family = AF_INET6;
    m->ndm_ifindex = 1;
    m->ndm_state = (uint16_t)state;
    request_attr(r, NDA_DST, friend, sizeof(friend));
    if (mac)
        request_attr(r, NDA_LLADDR, address, sizeof(address));
}

/* The next that is told of the neighbour: of this type, in this state, with this end of its
 * hardware address (0: none). */
static void expect_neighbour(int s, int type, int state, uint8_t mac)
{
    char buf[8192];
    const uint8_t *address;
    struct nlmsghdr *m = (void *)buf;
    struct ndmsg *n = NLMSG_DATA(m);
    int len = 0;

    do { /* others' */
        if (!CHECK(recv(s, buf, sizeof(buf), 0) > 0))
            return;
        address = attr_of(m, sizeof(*n), NDA_DST, &len);
    } while (!address || len != 16 || memcmp(address, friend, 16));
    CHECK_EQ(m->nlmsg_type, type);
    CHECK_EQ(n->ndm_state, state);
    CHECK_EQ(n->ndm_ifindex, 1);
    CHECK_EQ(n->ndm_family, AF_INET6);
    address = attr_of(m, sizeof(*n), NDA_LLADDR, &len);
    CHECK(mac ? address && len == 6 && address[5] == mac : !address);
    CHECK(attr_of(m, sizeof(*n), NDA_CACHEINFO, &len) && len == sizeof(struct nda_cacheinfo));
}

static void neighbours(void)
{
    enum { NEW = NLM_F_CREATE | NLM_F_EXCL, AGAIN = NLM_F_CREATE | NLM_F_REPLACE };
    static const struct {
        int flags, state;
        uint8_t mac;
        bool told;
    } steps[] = {
        {NEW, NUD_PERMANENT, 1, true},    {AGAIN, NUD_PERMANENT, 2, true},
        {AGAIN, NUD_PERMANENT, 2, false}, {AGAIN, NUD_STALE, 2, true},
        {AGAIN, NUD_NOARP, 3, true},
    };
    struct request r;
    struct sockaddr_nl a = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_NEIGH};
    int s = netlink_open(NETLINK_ROUTE);

    CHECK(bind(s, (void *)&a, sizeof(a)) == 0);
    for (unsigned i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        make_neighbour(&r, RTM_NEWNEIGH, steps[i].flags, steps[i].state, steps[i].mac);
        CHECK_EQ(netlink_talk(fd, &r, NULL, NULL), 0);
        if (steps[i].told)
            expect_neighbour(s, RTM_NEWNEIGH, steps[i].state, steps[i].mac);
    }
    make_neighbour(&r, RTM_NEWNEIGH, NEW, NUD_STALE, 3);
    CHECK_EQ(netlink_talk(fd, &r, NULL, NULL), -EEXIST);
    make_neighbour(&r, RTM_DELNEIGH, 0, 0, 0);
    CHECK_EQ(netlink_talk(fd, &r, NULL, NULL), 0);
    expect_neighbour(s, RTM_NEWNEIGH, NUD_FAILED, 0);
    expect_neighbour(s, RTM_DELNEIGH, NUD_FAILED, 0);
    make_neighbour(&r, RTM_DELNEIGH, 0, 0, 0);
    CHECK_EQ(netlink_talk(fd, &r, NULL, NULL), -ENOENT);
    close(s);
}

static void make_route(struct request *r, int type, int flags, uint32_t net, int prefix)
{
    struct rtmsg *m = request_begin(r, type, NLM_F_ACK | flags, sizeof(*m));

    m->rtm_family = AF_INET;
    m->rtm_dst_len = prefix;
    m->rtm_table = RT_TABLE_MAIN;
    m->rtm_protocol = RTPROT_STATIC;
    m->rtm_scope = RT_SCOPE_LINK;
    m->rtm_type = RTN_UNICAST;
    request_u32(r, RTA_DST, htonl(net));
    request_u32(r, RTA_OIF, 1);
}

static void see_route(const struct nlmsghdr *m, void *arg)
{
    const struct rtmsg *route = NLMSG_DATA(m);

    if (route->rtm_dst_len == 16 && attr_u32(m, sizeof(*route), RTA_DST) == htonl(NET))
        *(int *)arg += route->rtm_table == RT_TABLE_MAIN && route->rtm_protocol == RTPROT_STATIC;
}

static int count_routes(void)
{
    struct request r;
    int n = 0;
    struct rtmsg *m = request_begin(&r, RTM_GETROUTE, NLM_F_DUMP, sizeof(*m));

    m->rtm_family = AF_INET;
    CHECK_EQ(netlink_talk(fd, &r, see_route, &n), 0);
    return n;
}

static void routes(void)
{
    struct request r;
    int s = netlink_open(NETLINK_ROUTE), group = RTNLGRP_IPV4_ROUTE;
    struct sockaddr_nl a = {.nl_family = AF_NETLINK};

    CHECK(bind(s, (void *)&a, sizeof(a)) == 0); /* without a port it would hear nothing */
    CHECK(setsockopt(s, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, 4) == 0);
    make_route(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, NET, 16);
    CHECK_EQ(netlink_talk(fd, &r, NULL, NULL), 0);
    CHECK(hears(s, RTM_NEWROUTE, sizeof(struct rtmsg), RTA_DST, NET));
    CHECK_EQ(count_routes(), 1);
    make_route(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, NET, 16);
    CHECK_EQ(netlink_talk(fd, &r, NULL, NULL), -EEXIST);
    make_route(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, NET + 1, 16);
    CHECK_EQ(netlink_talk(fd, &r, NULL, NULL), -EINVAL);
    make_route(&r, RTM_DELROUTE, 0, NET, 16);
    CHECK_EQ(netlink_talk(fd, &r, NULL, NULL), 0);
    CHECK(hears(s, RTM_DELROUTE, sizeof(struct rtmsg), RTA_DST, NET));
    make_route(&r, RTM_DELROUTE, 0, NET, 16);
    CHECK_EQ(netlink_talk(fd, &r, NULL, NULL), -ESRCH);
    CHECK_EQ(count_routes(), 0);
    close(s);
}

static void link_changes(void)
{
    struct request r;
    struct ifinfomsg *info;
    struct found f = {0};
    int s = netlink_open(NETLINK_ROUTE);
    struct sockaddr_nl a = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};

    CHECK(bind(s, (void *)&a, sizeof(a)) == 0);
    info = request_begin(&r, RTM_NEWLINK, NLM_F_ACK, sizeof(*info));
    info->ifi_index = 1;
    request_u32(&r, IFLA_MTU, 30000);
    CHECK_EQ(netlink_talk(fd, &r, NULL, NULL), 0);
    CHECK(hears(s, RTM_NEWLINK, sizeof(*info), IFLA_MTU, htonl(30000)));
    info = request_begin(&r, RTM_GETLINK, 0, sizeof(*info));
    info->ifi_index = 1;
    CHECK_EQ(netlink_talk(fd, &r, see_link, &f), 0);
    CHECK_EQ(f.mtu, 30000);
    info = request_begin(&r, RTM_NEWLINK, NLM_F_ACK, sizeof(*info));
    info->ifi_index = 1;
    request_u32(&r, IFLA_MTU, 65536);
    CHECK_EQ(netlink_talk(fd, &r, NULL, NULL), 0);
    request_begin(&r, RTM_NEWLINK, NLM_F_ACK, sizeof(*info));
    request_attr(&r, IFLA_IFNAME, "nosuch", 7);
    CHECK_EQ(netlink_talk(fd, &r, NULL, NULL), -ENODEV);
    close(s);
}

static void permission(void)
{
    pid_t child = fork();

    if (!child) {
        struct request r;
        struct found f = {0};
        int bad = setresuid(65534, 65534, 65534);
        int s = netlink_open(NETLINK_ROUTE);
        make_route(&r, RTM_NEWROUTE, NLM_F_CREATE, NET, 16);
        bad |= netlink_talk(s, &r, NULL, NULL) != -EPERM;
        request_begin(&r, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg));
        bad |= netlink_talk(s, &r, see_link, &f) != 0 || f.lo != 1;
        _exit(bad);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static void in_own_network(void (*check)(void))
{
    if (!own_network())
        SKIP("no network name space may be made here");
    if (!inside_osprey()) {
        close(fd);
        fd = netlink_open(NETLINK_ROUTE);
    }
    bring_up_lo();
    check();
}
static void own_addresses(void)
{
    in_own_network(addresses);
}
static void own_routes(void)
{
    in_own_network(routes);
}
static void own_neighbours(void)
{
    in_own_network(neighbours);
}
static void own_links(void)
{
    in_own_network(link_changes);
}

int main(void)
{
    fd = netlink_open(NETLINK_ROUTE);
    promise("kinds of sockets", kinds);
    promise("ports are given and kept apart", ports);
    promise("options and memberships", options);
    promise("interfaces in a dump", link_dump);
    promise("one interface by number and by name", link_one);
    promise("errors carry the request, or its head, and say why", errors);
    promise("datagrams: peeked, cut, to each other", datagrams);
    promise("the three rules", rules);
    promise("the way to 127.0.0.1", route_get);
    promise("others may read, but not change", permission);
    promise("addresses come, are told, and go", own_addresses);
    promise("routes come, are told, and go", own_routes);
    promise("neighbours come, change, are told, and go", own_neighbours);
    promise("an interface's MTU changes, and is told", own_links);
    return check_end();
}
