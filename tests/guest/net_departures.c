/* SO_TIMESTAMPING of what is sent: notices of MSG_ERRQUEUE when it was handed to the interface
 * (SCHED) and when it left (SOFTWARE), with the frame's bytes or without, by number, for the socket
 * or for one message; UDP, ping and raw sockets, and packet sockets. */
#include <arpa/inet.h>
#include <linux/errqueue.h>
#include <linux/if_packet.h>
#include <linux/net_tstamp.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>

#include "check.h"

enum {
    SW = SOF_TIMESTAMPING_TX_SOFTWARE,
    SCHED = SOF_TIMESTAMPING_TX_SCHED,
    ACK = SOF_TIMESTAMPING_TX_ACK,
    TELL = SOF_TIMESTAMPING_SOFTWARE,
    ID = SOF_TIMESTAMPING_OPT_ID,
    ONLY = SOF_TIMESTAMPING_OPT_TSONLY,
    ID_TCP = 1 << 16
};
enum { WAIT_MS = 20000 };

struct told {
    struct sock_extended_err error;
    struct timespec when[3];
    int level, type;
    bool stamped, any;
    ssize_t n;
    unsigned char bytes[4096];
};

static int set(int fd, unsigned flags)
{
    return setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof(flags));
}

/* The next notice, which comes when it is ready. */
static void next(int fd, struct told *t)
{
    char control[512];
    struct iovec iov = {t->bytes, sizeof(t->bytes)};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control,
                         .msg_controllen = sizeof(control)};
    struct pollfd p = {fd, 0, 0};
    t->stamped = t->any = false;
    NEED(poll(&p, 1, WAIT_MS) == 1);
    CHECK(p.revents & POLLERR);
    t->n = recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT);
    NEED(t->n >= 0);
    CHECK(msg.msg_flags & MSG_ERRQUEUE);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPING) {
            memcpy(t->when, CMSG_DATA(c), sizeof(t->when));
            t->stamped = true;
        } else if (c->cmsg_len >= CMSG_LEN(sizeof(t->error))) {
            t->level = c->cmsg_level;
            t->type = c->cmsg_type;
            memcpy(&t->error, CMSG_DATA(c), sizeof(t->error));
            t->any = true;
        }
}

/* Nothing (more) is told. */
static bool is_silent(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_ERRQUEUE | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static void check_notice(const struct told *t, unsigned info, unsigned number)
{
    CHECK(t->any);
    CHECK_EQ(t->error.ee_errno, ENOMSG);
    CHECK_EQ(t->error.ee_origin, SO_EE_ORIGIN_TIMESTAMPING);
    CHECK_EQ(t->error.ee_info, info);
    CHECK_EQ(t->error.ee_data, number);
    CHECK(t->stamped && t->when[0].tv_sec > 1000000000);
    CHECK_EQ(t->when[2].tv_sec, 0);
}

/* A UDP socket that sends to another; both of lo. */
static int pair(int family, int *other)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_in b = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr *at = family == AF_INET ? (void *)&b : (void *)&a;
    socklen_t len = family == AF_INET ? sizeof(b) : sizeof(a);
    *other = socket(family, SOCK_DGRAM, 0);
    if (*other < 0 || bind(*other, at, len) || getsockname(*other, at, &len))
        return -1;
    int fd = socket(family, SOCK_DGRAM, 0);
    return fd >= 0 && connect(fd, at, len) == 0 ? fd : -1;
}

static void udp(void)
{
    struct told t;
    int other, fd = pair(AF_INET, &other);
    NEED(fd >= 0);
    CHECK_EQ(set(fd, SW | TELL), 0);
    CHECK_EQ(send(fd, "payload", 7, 0), 7);
    next(fd, &t);
    check_notice(&t, SCM_TSTAMP_SND, 0);
    CHECK(t.level == SOL_IP && t.type == IP_RECVERR);
    // The frame with all its headers.
    struct iphdr *ip = (void *)(t.bytes + ETH_HLEN);
    CHECK_EQ(t.n, ETH_HLEN + 20 + 8 + 7);
    CHECK(t.bytes[12] == 8 && t.bytes[13] == 0);
    CHECK(ip->version == 4 && ip->protocol == IPPROTO_UDP && ntohs(ip->tot_len) == 35);
    CHECK(memcmp(t.bytes + t.n - 7, "payload", 7) == 0);
    CHECK(is_silent(fd));
    // Both, by number, without the bytes; numbers begin when they are asked for.
    CHECK_EQ(set(fd, SW | SCHED | TELL | ID | ONLY), 0);
    for (unsigned i = 0; i < 3; i++) {
        CHECK_EQ(send(fd, "x", 1, 0), 1);
        next(fd, &t);
        check_notice(&t, SCM_TSTAMP_SCHED, i);
        CHECK_EQ(t.n, 0);
        next(fd, &t);
        check_notice(&t, SCM_TSTAMP_SND, i);
    }
    CHECK_EQ(set(fd, SW | TELL | ONLY), 0);
    CHECK_EQ(set(fd, SW | TELL | ONLY | ID), 0);
    CHECK_EQ(send(fd, "x", 1, 0), 1);
    next(fd, &t);
    check_notice(&t, SCM_TSTAMP_SND, 0);
    // A notice without a time: nobody wants to see it.
    CHECK_EQ(set(fd, SW | ONLY), 0);
    CHECK_EQ(send(fd, "x", 1, 0), 1);
    next(fd, &t);
    CHECK(t.any && !t.stamped);
    CHECK_EQ(set(fd, TELL), 0);
    CHECK_EQ(send(fd, "x", 1, 0), 1);
    CHECK(is_silent(fd));
    close(fd);
    close(other);
}

static ssize_t send_with(int fd, unsigned flags)
{
    char control[CMSG_SPACE(sizeof(flags))] = {};
    struct iovec iov = {"one", 3};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control,
                         .msg_controllen = sizeof(control)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SO_TIMESTAMPING;
    c->cmsg_len = CMSG_LEN(sizeof(flags));
    memcpy(CMSG_DATA(c), &flags, sizeof(flags));
    return sendmsg(fd, &msg, 0);
}

static void one_message(void)
{
    struct told t;
    int other, fd = pair(AF_INET, &other);
    NEED(fd >= 0);
    CHECK_EQ(set(fd, TELL), 0);
    CHECK_EQ(send_with(fd, SW), 3);
    next(fd, &t);
    check_notice(&t, SCM_TSTAMP_SND, 0);
    CHECK(is_silent(fd));
    CHECK_EQ(set(fd, TELL | SW), 0);
    CHECK_EQ(send_with(fd, 0), 3);
    CHECK(is_silent(fd));
    CHECK_ERRNO(send_with(fd, TELL), EINVAL);
    close(fd);
    close(other);
}

static void ipv6(void)
{
    struct told t;
    int other, fd = pair(AF_INET6, &other);
    if (fd < 0)
        SKIP("no IPv6");
    CHECK_EQ(set(fd, SW | TELL), 0);
    CHECK_EQ(send(fd, "payload", 7, 0), 7);
    next(fd, &t);
    check_notice(&t, SCM_TSTAMP_SND, 0);
    CHECK(t.level == SOL_IPV6 && t.type == IPV6_RECVERR);
    CHECK_EQ(t.n, ETH_HLEN + 40 + 8 + 7);
    CHECK(t.bytes[12] == 0x86 && t.bytes[13] == 0xdd && t.bytes[ETH_HLEN] >> 4 == 6);
    CHECK(memcmp(t.bytes + t.n - 7, "payload", 7) == 0);
    close(fd);
    close(other);
}

static int connected(int *other)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0 || fd < 0 || bind(listener, (void *)&at, len) || listen(listener, 1) ||
        getsockname(listener, (void *)&at, &len) || connect(fd, (void *)&at, len))
        return -1;
    *other = accept(listener, NULL, NULL);
    close(listener);
    return *other < 0 ? -1 : fd;
}

/* Each message's last byte, counted from when numbers were asked for. */
static void tcp(void)
{
    static char bytes[5000];
    struct told t;
    int other, fd = connected(&other);
    NEED(fd >= 0);
    CHECK_EQ(send(fd, "before", 6, 0), 6);
    CHECK_EQ(set(fd, SW | SCHED | ACK | TELL | ID | ID_TCP | ONLY), 0);
    for (unsigned i = 0, last = 0; i < 4; i++) {
        size_t n = 1 + i * 1200;
        CHECK_EQ(send(fd, bytes, n, 0), (ssize_t)n);
        last += n;
        next(fd, &t);
        check_notice(&t, SCM_TSTAMP_SCHED, last - 1);
        CHECK_EQ(t.n, 0);
        next(fd, &t);
        check_notice(&t, SCM_TSTAMP_SND, last - 1);
        next(fd, &t);
        check_notice(&t, SCM_TSTAMP_ACK, last - 1);
    }
    CHECK(is_silent(fd));
    CHECK_EQ(set(fd, TELL), 0);
    CHECK_EQ(send(fd, bytes, 10, 0), 10);
    CHECK(is_silent(fd));
    close(fd);
    close(other);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_ERRNO(set(fd, SW | ID), EINVAL);
    close(fd);
}

/* Bytes that have to wait for room at the other end. */
static void tcp_later(void)
{
    static char bytes[1 << 16];
    struct told t;
    size_t filled = 0, left;
    int other, fd = connected(&other);
    NEED(fd >= 0);
    for (ssize_t n; (n = send(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0;)
        filled += (size_t)n;
    CHECK_EQ(set(fd, SW | ACK | TELL | ID | ONLY), 0);
    CHECK(is_silent(fd));
    left = filled;
    for (ssize_t n; left && (n = recv(other, bytes, sizeof(bytes), 0)) > 0;)
        left -= (size_t)n;
    CHECK_EQ(left, 0u);
    CHECK(is_silent(fd));
    CHECK_EQ(send(fd, "last", 4, 0), 4);
    next(fd, &t);
    CHECK_EQ(t.error.ee_info, SCM_TSTAMP_SND);
    next(fd, &t);
    CHECK_EQ(t.error.ee_info, SCM_TSTAMP_ACK);
    close(fd);
    close(other);
}

static void raw(void)
{
    struct told t;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_RAW, 253);
    if (fd < 0 && errno == EPERM)
        SKIP("not allowed");
    NEED(fd >= 0);
    CHECK_EQ(set(fd, SW | TELL | ID), 0);
    for (unsigned i = 0; i < 2; i++) {
        CHECK_EQ(sendto(fd, "raw", 3, 0, (void *)&to, sizeof(to)), 3);
        next(fd, &t);
        check_notice(&t, SCM_TSTAMP_SND, i);
        CHECK_EQ(t.n, ETH_HLEN + 20 + 3);
    }
    close(fd);
}

static void packet(void)
{
    struct told t;
    unsigned char frame[60] = {[12] = 0x88, [13] = 0xb5, [14] = 1, [59] = 9};
    struct sockaddr_ll to = {.sll_family = AF_PACKET,
                             .sll_protocol = htons(0x88b5),
                             .sll_ifindex = (int)if_nametoindex("lo"),
                             .sll_halen = 6};
    int fd = socket(AF_PACKET, SOCK_RAW, 0);
    if (fd < 0 && errno == EPERM)
        SKIP("not allowed");
    NEED(fd >= 0);
    CHECK_EQ(set(fd, SW | SCHED | TELL | ID), 0);
    for (unsigned i = 0; i < 2; i++) {
        CHECK_EQ(sendto(fd, frame, 60, 0, (void *)&to, sizeof(to)), 60);
        for (unsigned info = 2; info--;) {
            next(fd, &t);
            check_notice(&t, info ? SCM_TSTAMP_SCHED : SCM_TSTAMP_SND, i);
            CHECK(t.level == SOL_PACKET && t.type == PACKET_TX_TIMESTAMP);
            CHECK(t.n == 60 && memcmp(t.bytes, frame, 60) == 0);
        }
    }
    CHECK(is_silent(fd));
    close(fd);
    fd = socket(AF_PACKET, SOCK_DGRAM, 0);
    NEED(fd >= 0);
    CHECK_EQ(set(fd, SW | TELL | ONLY), 0);
    CHECK_EQ(sendto(fd, frame + 14, 46, 0, (void *)&to, sizeof(to)), 46);
    next(fd, &t);
    check_notice(&t, SCM_TSTAMP_SND, 0);
    CHECK_EQ(t.n, 0);
    close(fd);
}

int main(void)
{
    promise("datagrams: when they were queued and left", udp);
    promise("for one message", one_message);
    promise("over IPv6", ipv6);
    promise("TCP: when a message was sent and acknowledged", tcp);
    promise("TCP: only what is sent from then on", tcp_later);
    promise("raw sockets", raw);
    promise("packet sockets", packet);
    return check_end();
}
