// Options of SOL_SOCKET, SOL_IP and SOL_IPV6 on sockets of UDP and TCP, and the ioctls of
// interfaces.
#include "check.h"
#include "quiet_net.h"

#include <arpa/inet.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <netinet/in.h>
#include <sys/wait.h>

#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX 62
#endif

static int get(int fd, int level, int name)
{
    int value = -12345;
    socklen_t len = sizeof(value);
    return getsockopt(fd, level, name, &value, &len) ? -errno : value;
}

static int set(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof(value)) ? -errno : 0;
}

// Options that are nothing but on or off, and begin off.
static void toggles(void)
{
    static const struct {
        int level, name;
    } all[] = {
        {SOL_IP, IP_PKTINFO},         {SOL_IP, IP_RECVTTL},
        {SOL_IP, IP_RECVTOS},         {SOL_IP, IP_RECVOPTS},
        {SOL_IP, IP_RETOPTS},         {SOL_IP, IP_RECVERR},
        {SOL_IP, IP_RECVORIGDSTADDR}, {SOL_IP, IP_FREEBIND},
        {SOL_IP, IP_TRANSPARENT},     {SOL_IP, IP_BIND_ADDRESS_NO_PORT},
        {SOL_SOCKET, SO_REUSEADDR},   {SOL_SOCKET, SO_REUSEPORT},
        {SOL_SOCKET, SO_BROADCAST},   {SOL_SOCKET, SO_DONTROUTE},
        {SOL_SOCKET, SO_KEEPALIVE},   {SOL_SOCKET, SO_OOBINLINE},
        {SOL_SOCKET, SO_TIMESTAMP},   {SOL_SOCKET, SO_TIMESTAMPNS},
        {SOL_SOCKET, SO_RXQ_OVFL},    {SOL_SOCKET, SO_NO_CHECK},
    };
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    NEED(fd >= 0);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        int was = check_failed_here;
        CHECK_EQ(get(fd, all[i].level, all[i].name), 0);
        CHECK_EQ(set(fd, all[i].level, all[i].name, 1), 0);
        CHECK_EQ(get(fd, all[i].level, all[i].name), 1);
        CHECK_EQ(set(fd, all[i].level, all[i].name, 0), 0);
        CHECK_EQ(get(fd, all[i].level, all[i].name), 0);
        if (check_failed_here != was)
            printf("# option %d of level %d\n", all[i].name, all[i].level);
    }
    CHECK_EQ(get(fd, SOL_IP, IP_MULTICAST_LOOP), 1);
    CHECK_EQ(get(fd, SOL_IP, IP_MULTICAST_ALL), 1);
    CHECK_EQ(set(fd, SOL_IP, IP_MULTICAST_ALL, 0), 0);
    CHECK_EQ(get(fd, SOL_IP, IP_MULTICAST_ALL), 0);
    close(fd);
}

static void numbers(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0), tcp = socket(AF_INET, SOCK_STREAM, 0);
    unsigned char byte = 7;
    socklen_t len = 1;
    NEED(fd >= 0 && tcp >= 0);
    CHECK_EQ(get(fd, SOL_IP, IP_TTL), 64);
    CHECK_EQ(set(fd, SOL_IP, IP_TTL, 0), -EINVAL);
    CHECK_EQ(set(fd, SOL_IP, IP_TTL, 256), -EINVAL);
    CHECK_EQ(set(fd, SOL_IP, IP_TTL, 255), 0);
    CHECK_EQ(get(fd, SOL_IP, IP_TTL), 255);
    CHECK_EQ(set(fd, SOL_IP, IP_TTL, -1), 0);
    CHECK_EQ(get(fd, SOL_IP, IP_TTL), 64);
    CHECK(setsockopt(fd, SOL_IP, IP_TTL, &byte, 1) == 0);
    CHECK(getsockopt(fd, SOL_IP, IP_TTL, &byte, &len) == 0);
    CHECK_EQ(len, 1);
    CHECK_EQ(byte, 7);
    CHECK_EQ(get(fd, SOL_IP, IP_TOS), 0);
    CHECK_EQ(set(fd, SOL_IP, IP_TOS, 0x10), 0);
    CHECK_EQ(get(fd, SOL_IP, IP_TOS), 0x10);
    CHECK_EQ(get(fd, SOL_IP, IP_MULTICAST_TTL), 1);
    CHECK_EQ(set(fd, SOL_IP, IP_MULTICAST_TTL, 256), -EINVAL);
    CHECK_EQ(set(fd, SOL_IP, IP_MULTICAST_TTL, 5), 0);
    CHECK_EQ(get(fd, SOL_IP, IP_MULTICAST_TTL), 5);
    CHECK_EQ(set(tcp, SOL_IP, IP_MULTICAST_TTL, 5), -EINVAL);
    CHECK_EQ(get(fd, SOL_IP, IP_MTU_DISCOVER), IP_PMTUDISC_WANT);
    CHECK_EQ(set(fd, SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO), 0);
    CHECK_EQ(get(fd, SOL_IP, IP_MTU_DISCOVER), IP_PMTUDISC_DO);
    CHECK_EQ(set(fd, SOL_IP, IP_MTU_DISCOVER, 77), -EINVAL);
    CHECK_EQ(set(fd, SOL_IP, IP_MINTTL, 256), -EINVAL);
    CHECK_EQ(set(fd, SOL_IP, IP_MINTTL, 3), 0);
    CHECK_EQ(get(fd, SOL_IP, IP_MINTTL), 3);
    CHECK_EQ(get(fd, SOL_IP, IP_MTU), -ENOTCONN);
    CHECK_EQ(set(fd, SOL_IP, IP_HDRINCL, 1), -ENOPROTOOPT);
    CHECK_EQ(get(fd, SOL_IP, 250), -ENOPROTOOPT);
    CHECK_EQ(set(fd, SOL_IP, 250, 1), -ENOPROTOOPT);
    CHECK_EQ(set(fd, SOL_IPV6, IPV6_V6ONLY, 1), -ENOPROTOOPT);
    CHECK_EQ(get(fd, 999, 1), -EOPNOTSUPP);
    CHECK_EQ(set(fd, 999, 1, 1), -ENOPROTOOPT);
    CHECK_EQ(get(fd, SOL_SOCKET, SO_TYPE), SOCK_DGRAM);
    CHECK_EQ(get(fd, SOL_SOCKET, SO_DOMAIN), AF_INET);
    CHECK_EQ(get(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_UDP);
    CHECK_EQ(get(tcp, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    CHECK(connect(fd, (void *)&at, sizeof(at)) == 0);
    CHECK_EQ(get(fd, SOL_IP, IP_MTU), 65535);
    close(fd);
    close(tcp);
}

static void devices(void)
{
    char name[32] = "";
    socklen_t len = sizeof(name);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    NEED(fd >= 0);
    CHECK(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &len) == 0);
    CHECK_EQ(len, 0);
    CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "nosuch", 7), ENODEV);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3) == 0);
    len = sizeof(name);
    CHECK(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &len) == 0);
    CHECK_EQ(len, 3);
    CHECK(strcmp(name, "lo") == 0);
    CHECK_EQ(get(fd, SOL_SOCKET, SO_BINDTOIFINDEX), 1);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "", 0) == 0);
    CHECK_EQ(get(fd, SOL_SOCKET, SO_BINDTOIFINDEX), 0);
    CHECK_EQ(set(fd, SOL_SOCKET, SO_BINDTOIFINDEX, 1), 0);
    CHECK_EQ(get(fd, SOL_SOCKET, SO_BINDTOIFINDEX), 1);
    // A datagram of this device's gets there.
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    len = sizeof(at);
    CHECK(bind(fd, (void *)&at, len) == 0);
    CHECK(getsockname(fd, (void *)&at, &len) == 0);
    CHECK_EQ(sendto(fd, "x", 1, 0, (void *)&at, sizeof(at)), 1);
    CHECK_EQ(recv(fd, name, sizeof(name), 0), 1);
    close(fd);
}

static void cookies(void)
{
    uint64_t a = 0, b = 0;
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_DGRAM, 0), other = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &a, &len) == 0);
    CHECK(getsockopt(other, SOL_SOCKET, SO_COOKIE, &b, &len) == 0);
    CHECK(a != 0 && b != 0 && a != b);
    CHECK(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &b, &len) == 0);
    CHECK_EQ(a, b);
    close(fd);
    close(other);
}

static void broadcasts(void)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(0x7fffffff)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0), in = socket(AF_INET, SOCK_DGRAM, 0), one = 1;
    struct sockaddr_in any = {.sin_family = AF_INET};
    socklen_t len = sizeof(any);
    char buf[4];
    NEED(fd >= 0 && in >= 0);
    CHECK_ERRNO(sendto(fd, "x", 1, 0, (void *)&to, sizeof(to)), EACCES);
    CHECK_ERRNO(connect(fd, (void *)&to, sizeof(to)), EACCES);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one)) == 0);
    CHECK(bind(in, (void *)&any, sizeof(any)) == 0);
    CHECK(getsockname(in, (void *)&any, &len) == 0);
    to.sin_port = any.sin_port;
    CHECK_EQ(sendto(fd, "x", 1, 0, (void *)&to, sizeof(to)), 1);
    CHECK_EQ(recv(in, buf, sizeof(buf), 0), 1);
    close(fd);
    close(in);
}

/*
 * Sends to `fd` itself and receives that with its time of arrival. Linux switches the stamps on
 * from a work queue: there the first packets after setsockopt() may still come without.
 */
static struct cmsghdr *receive_stamped(int fd, struct sockaddr_in *at, struct msghdr *msg,
                                       size_t room)
{
    struct cmsghdr *c = NULL;
    for (int left = inside_osprey() ? 1 : 1000; !c && left; left--) {
        msg->msg_controllen = room;
        CHECK_EQ(sendto(fd, "x", 1, 0, (void *)at, sizeof(*at)), 1);
        CHECK_EQ(recvmsg(fd, msg, 0), 1);
        c = CMSG_FIRSTHDR(msg);
        if (!c)
            usleep(10000);
    }
    return c;
}

static void stamps(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    struct timespec then;
    char buf[4], control[128];
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    NEED(fd >= 0);
    CHECK(bind(fd, (void *)&at, len) == 0);
    CHECK(getsockname(fd, (void *)&at, &len) == 0);
    CHECK_ERRNO(ioctl(fd, SIOCGSTAMPNS, &then), ENOENT);
    CHECK_EQ(sendto(fd, "x", 1, 0, (void *)&at, sizeof(at)), 1);
    CHECK_EQ(recv(fd, buf, sizeof(buf), 0), 1);
    CHECK(ioctl(fd, SIOCGSTAMPNS, &then) == 0);
    CHECK(then.tv_sec > 1000000000);
    // SO_TIMESTAMPING: software stamps of what arrives and of what left.
    CHECK_EQ(set(fd, SOL_SOCKET, SO_TIMESTAMPING, 8 | 16 | 2 | 0x800), 0);
    CHECK_EQ(get(fd, SOL_SOCKET, SO_TIMESTAMPING), 8 | 16 | 2 | 0x800);
    struct iovec iov = {buf, sizeof(buf)};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control};
    struct cmsghdr *c = receive_stamped(fd, &at, &msg, sizeof(control));
    NEED(c != NULL);
    CHECK_EQ(c->cmsg_type, SO_TIMESTAMPING);
    CHECK_EQ(c->cmsg_len, CMSG_LEN(3 * sizeof(struct timespec)));
    memcpy(&then, CMSG_DATA(c), sizeof(then));
    CHECK(then.tv_sec > 1000000000);
    msg.msg_controllen = sizeof(control);
    CHECK_EQ(recvmsg(fd, &msg, MSG_ERRQUEUE), 0);
    c = CMSG_FIRSTHDR(&msg);
    NEED(c != NULL);
    CHECK_EQ(c->cmsg_type, SO_TIMESTAMPING);
    close(fd);
}

static void ipv6_options(void)
{
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    if (fd < 0)
        SKIP("no IPv6");
    CHECK_EQ(get(fd, SOL_IPV6, IPV6_V6ONLY), 0);
    CHECK_EQ(set(fd, SOL_IPV6, IPV6_V6ONLY, 1), 0);
    CHECK_EQ(get(fd, SOL_IPV6, IPV6_V6ONLY), 1);
    CHECK_EQ(set(fd, SOL_IPV6, IPV6_V6ONLY, 0), 0);
    static const int names[] = {IPV6_RECVPKTINFO, IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS, IPV6_RECVERR,
                                IPV6_DONTFRAG};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        CHECK_EQ(get(fd, SOL_IPV6, names[i]), 0);
        CHECK_EQ(set(fd, SOL_IPV6, names[i], 1), 0);
        CHECK_EQ(get(fd, SOL_IPV6, names[i]), 1);
    }
    CHECK_EQ(get(fd, SOL_IPV6, IPV6_UNICAST_HOPS), 64);
    CHECK_EQ(set(fd, SOL_IPV6, IPV6_UNICAST_HOPS, 256), -EINVAL);
    CHECK_EQ(set(fd, SOL_IPV6, IPV6_UNICAST_HOPS, 9), 0);
    CHECK_EQ(get(fd, SOL_IPV6, IPV6_UNICAST_HOPS), 9);
    CHECK_EQ(get(fd, SOL_IPV6, IPV6_MULTICAST_HOPS), 1);
    CHECK_EQ(set(fd, SOL_IPV6, IPV6_TCLASS, 256), -EINVAL);
    CHECK_EQ(set(fd, SOL_IPV6, IPV6_TCLASS, 0x20), 0);
    CHECK_EQ(get(fd, SOL_IPV6, IPV6_TCLASS), 0x20);
    CHECK_EQ(get(fd, SOL_IPV6, IPV6_MTU), -ENOTCONN);
    CHECK_EQ(set(fd, SOL_IP, IP_TTL, 9), 0); // for mapped addresses
    // A mapped address both ways.
    struct sockaddr_in6 at = {.sin6_family = AF_INET6}, from;
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    char buf[4];
    CHECK(bind(fd, (void *)&at, sizeof(at)) == 0);
    CHECK(getsockname(fd, (void *)&at, &len) == 0);
    in.sin_port = at.sin6_port;
    int v4 = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_EQ(sendto(v4, "x", 1, 0, (void *)&in, sizeof(in)), 1);
    len = sizeof(from);
    CHECK_EQ(recvfrom(fd, buf, sizeof(buf), 0, (void *)&from, &len), 1);
    CHECK(IN6_IS_ADDR_V4MAPPED(&from.sin6_addr));
    CHECK_EQ(sendto(fd, "y", 1, 0, (void *)&from, sizeof(from)), 1);
    CHECK_EQ(recv(v4, buf, sizeof(buf), 0), 1);
    CHECK_EQ(set(fd, SOL_IPV6, IPV6_V6ONLY, 1), -EINVAL); // too late
    close(fd);
    fd = socket(AF_INET6, SOCK_DGRAM, 0);
    CHECK_EQ(set(fd, SOL_IPV6, IPV6_V6ONLY, 1), 0);
    CHECK_ERRNO(sendto(fd, "y", 1, 0, (void *)&from, sizeof(from)), ENETUNREACH);
    CHECK_ERRNO(bind(fd, (void *)&in, sizeof(in)), EINVAL);
    in.sin_family = AF_INET;
    CHECK_ERRNO(bind(fd, (void *)&from, sizeof(from)), EINVAL);
    close(fd);
    close(v4);
}

// --- ioctls

static struct ifreq ask(int fd, unsigned long cmd, const char *name)
{
    struct ifreq r = {};
    snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
    errno = 0;
    if (ioctl(fd, cmd, &r))
        r.ifr_name[0] = 0;
    return r;
}

static void interfaces(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0), local = socket(AF_UNIX, SOCK_DGRAM, 0);
    NEED(fd >= 0 && local >= 0);
    CHECK_EQ(ask(fd, SIOCGIFINDEX, "lo").ifr_ifindex, 1);
    CHECK_EQ(ask(local, SIOCGIFINDEX, "lo").ifr_ifindex, 1); // any socket will do
    CHECK_EQ(ask(fd, SIOCGIFFLAGS, "lo").ifr_flags & (IFF_UP | IFF_LOOPBACK),
             IFF_UP | IFF_LOOPBACK);
    CHECK_EQ(ask(fd, SIOCGIFMTU, "lo").ifr_mtu, 65536);
    CHECK_EQ(ask(fd, SIOCGIFHWADDR, "lo").ifr_hwaddr.sa_family, ARPHRD_LOOPBACK);
    struct ifreq r = ask(fd, SIOCGIFADDR, "lo");
    struct sockaddr_in *in = (void *)&r.ifr_addr;
    CHECK_EQ(in->sin_family, AF_INET);
    CHECK_EQ(in->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    r = ask(fd, SIOCGIFNETMASK, "lo");
    CHECK_EQ(in->sin_addr.s_addr, htonl(0xff000000));
    ask(fd, SIOCGIFINDEX, "nosuch");
    CHECK_EQ(errno, ENODEV);
    r = (struct ifreq){.ifr_ifindex = 1};
    CHECK(ioctl(fd, SIOCGIFNAME, &r) == 0);
    CHECK(strcmp(r.ifr_name, "lo") == 0);
    r.ifr_ifindex = 9999;
    CHECK_ERRNO(ioctl(fd, SIOCGIFNAME, &r), ENODEV);
    // The list: how long, then as much as there is room for.
    struct ifreq list[8];
    struct ifconf conf = {.ifc_len = 0};
    CHECK(ioctl(fd, SIOCGIFCONF, &conf) == 0);
    CHECK(conf.ifc_len >= (int)sizeof(list[0]));
    conf = (struct ifconf){.ifc_len = sizeof(list), .ifc_req = list};
    CHECK(ioctl(fd, SIOCGIFCONF, &conf) == 0);
    CHECK(conf.ifc_len >= (int)sizeof(list[0]) && conf.ifc_len % (int)sizeof(list[0]) == 0);
    CHECK(strcmp(list[0].ifr_name, "lo") == 0);
    conf.ifc_len = 10;
    CHECK(ioctl(fd, SIOCGIFCONF, &conf) == 0);
    CHECK_EQ(conf.ifc_len, 0);
    struct ethtool_value value = {.cmd = ETHTOOL_GLINK};
    r = (struct ifreq){.ifr_name = "lo", .ifr_data = (void *)&value};
    CHECK(ioctl(fd, SIOCETHTOOL, &r) == 0);
    CHECK_EQ(value.data, 1);
    CHECK_ERRNO(ioctl(fd, 0x89ef, &r), ENOTTY);
    close(fd);
    close(local);
}

static void second_address(void)
{
    struct ifreq r = {.ifr_name = "lo:2"};
    struct sockaddr_in *in = (void *)&r.ifr_addr, at;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    NEED(fd >= 0);
    *in = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000205)};
    if (ioctl(fd, SIOCSIFADDR, &r)) {
        CHECK_EQ(errno, EPERM);
        SKIP("needs CAP_NET_ADMIN");
    }
    in->sin_addr.s_addr = htonl(0xffffff00);
    CHECK(ioctl(fd, SIOCSIFNETMASK, &r) == 0);
    in->sin_addr.s_addr = 0;
    CHECK(ioctl(fd, SIOCGIFADDR, &r) == 0);
    CHECK_EQ(in->sin_addr.s_addr, htonl(0xc0000205));
    CHECK(ioctl(fd, SIOCGIFNETMASK, &r) == 0);
    CHECK_EQ(in->sin_addr.s_addr, htonl(0xffffff00));
    at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000205)};
    CHECK(bind(fd, (void *)&at, sizeof(at)) == 0);
    in->sin_family = AF_INET;
    in->sin_addr.s_addr = htonl(0xff00ff00);
    CHECK_ERRNO(ioctl(fd, SIOCSIFNETMASK, &r), EINVAL);
    in->sin_addr.s_addr = 0; // takes it away
    CHECK(ioctl(fd, SIOCSIFADDR, &r) == 0);
    CHECK_ERRNO(ioctl(fd, SIOCGIFADDR, &r), EADDRNOTAVAIL);
    close(fd);
}

static void routes(void)
{
    struct rtentry route = {.rt_flags = RTF_UP | RTF_HOST, .rt_dev = (char *)"lo"};
    struct sockaddr_in *to = (void *)&route.rt_dst, *mask = (void *)&route.rt_genmask;
    struct sockaddr_in peer = {
        .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(0xc6336401)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    NEED(fd >= 0);
    *to = peer;
    to->sin_port = 0;
    mask->sin_family = AF_INET;
    if (ioctl(fd, SIOCADDRT, &route)) {
        CHECK_EQ(errno, EPERM);
        SKIP("needs CAP_NET_ADMIN");
    }
    CHECK_ERRNO(ioctl(fd, SIOCADDRT, &route), EEXIST);
    CHECK(connect(fd, (void *)&peer, sizeof(peer)) == 0);
    CHECK(ioctl(fd, SIOCDELRT, &route) == 0);
    CHECK_ERRNO(ioctl(fd, SIOCDELRT, &route), ESRCH);
    route.rt_dev = (char *)"nosuch";
    CHECK_ERRNO(ioctl(fd, SIOCADDRT, &route), ENODEV);
    close(fd);
}

int main(void)
{
    quiet_net();
    promise("options that are on or off", toggles);
    promise("options that are numbers, with their bounds", numbers);
    promise("SO_BINDTODEVICE", devices);
    promise("SO_COOKIE", cookies);
    promise("SO_BROADCAST", broadcasts);
    promise("times of arrival by ioctl and SO_TIMESTAMPING", stamps);
    promise("options of IPv6, and mapped addresses", ipv6_options);
    promise("what interfaces are and have", interfaces);
    promise("an address is added, changed, taken away", second_address);
    promise("a route is added and taken away", routes);
    return check_end();
}
