// UDP over the loopback of IPv4: what is sent arrives, and what does not is told.
#include "check.h"
#include "quiet_net.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

static struct sockaddr_in local(unsigned port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

// A bound socket and its address.
static int bound(struct sockaddr_in *at)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    socklen_t len = sizeof(*at);
    *at = local(0);
    if (fd >= 0 && (bind(fd, (void *)at, len) || getsockname(fd, (void *)at, &len)))
        fd = -1;
    return fd;
}

static void to_and_fro(void)
{
    struct sockaddr_in at, from;
    socklen_t len = sizeof(from);
    char buf[16] = "";
    int a = bound(&at), b = socket(AF_INET, SOCK_DGRAM, 0);
    NEED(a >= 0 && b >= 0);
    CHECK(at.sin_port != 0);
    CHECK_EQ(sendto(b, "hello", 5, 0, (void *)&at, sizeof(at)), 5);
    CHECK_EQ(recvfrom(a, buf, sizeof(buf), 0, (void *)&from, &len), 5);
    CHECK(memcmp(buf, "hello", 5) == 0);
    CHECK_EQ(len, sizeof(from));
    CHECK_EQ(from.sin_family, AF_INET);
    CHECK_EQ(from.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    struct sockaddr_in own;
    len = sizeof(own);
    CHECK(getsockname(b, (void *)&own, &len) == 0);
    CHECK_EQ(own.sin_port, from.sin_port);
    CHECK_EQ(own.sin_addr.s_addr, INADDR_ANY);
    // Back again, and one without bytes.
    CHECK_EQ(sendto(a, "", 0, 0, (void *)&from, sizeof(from)), 0);
    CHECK_EQ(recv(b, buf, sizeof(buf), 0), 0);
    CHECK_ERRNO(recv(b, buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
    close(a);
    close(b);
}

static void sizes(void)
{
    static char big[70000], back[70000];
    struct sockaddr_in at;
    char buf[8];
    int a = bound(&at), b = socket(AF_INET, SOCK_DGRAM, 0), n;
    NEED(a >= 0 && b >= 0);
    for (size_t i = 0; i < sizeof(big); i++)
        big[i] = (char)(i * 7 + i / 251);
    static const int lengths[] = {1, 1472, 1473, 9000, 32768, 65507};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        CHECK_EQ(sendto(b, big, (size_t)lengths[i], 0, (void *)&at, sizeof(at)), lengths[i]);
        CHECK(poll(&(struct pollfd){a, POLLIN, 0}, 1, -1) == 1);
        CHECK(ioctl(a, FIONREAD, &n) == 0);
        CHECK_EQ(recv(a, back, sizeof(back), 0), lengths[i]);
        CHECK_EQ(n, lengths[i]);
        CHECK(memcmp(big, back, (size_t)lengths[i]) == 0);
    }
    CHECK_ERRNO(sendto(b, big, 65508, 0, (void *)&at, sizeof(at)), EMSGSIZE);
    CHECK_ERRNO(sendto(b, big, 70000, 0, (void *)&at, sizeof(at)), EMSGSIZE);
    // What does not fit is gone, and told; a look leaves it.
    CHECK_EQ(sendto(b, big, 100, 0, (void *)&at, sizeof(at)), 100);
    CHECK_EQ(recv(a, buf, sizeof(buf), MSG_PEEK), 8);
    CHECK_EQ(recv(a, buf, sizeof(buf), MSG_PEEK | MSG_TRUNC), 100);
    struct iovec iov = {buf, sizeof(buf)};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    CHECK_EQ(recvmsg(a, &msg, 0), 8);
    CHECK_EQ(msg.msg_flags, MSG_TRUNC);
    CHECK_ERRNO(recv(a, buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
    close(a);
    close(b);
}

static void connecting(void)
{
    struct sockaddr_in at, own, other;
    socklen_t len = sizeof(own);
    char buf[8];
    int a = bound(&at), b = socket(AF_INET, SOCK_DGRAM, 0), c = bound(&other);
    NEED(a >= 0 && b >= 0 && c >= 0);
    CHECK_ERRNO(send(b, "x", 1, 0), EDESTADDRREQ);
    CHECK_ERRNO(getpeername(b, (void *)&own, &len), ENOTCONN);
    CHECK(connect(b, (void *)&at, sizeof(at)) == 0);
    len = sizeof(own);
    CHECK(getpeername(b, (void *)&own, &len) == 0);
    CHECK_EQ(own.sin_port, at.sin_port);
    len = sizeof(own);
    CHECK(getsockname(b, (void *)&own, &len) == 0);
    CHECK_EQ(own.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    CHECK(own.sin_port != 0);
    CHECK_EQ(send(b, "one", 3, 0), 3);
    CHECK_EQ(recv(a, buf, sizeof(buf), 0), 3);
    // Only from the peer.
    CHECK_EQ(sendto(c, "no", 2, 0, (void *)&own, sizeof(own)), 2);
    CHECK_EQ(sendto(a, "yes", 3, 0, (void *)&own, sizeof(own)), 3);
    CHECK_EQ(recv(b, buf, sizeof(buf), 0), 3);
    CHECK(memcmp(buf, "yes", 3) == 0);
    // To somebody else all the same, and to another peer.
    CHECK_EQ(sendto(b, "else", 4, 0, (void *)&other, sizeof(other)), 4);
    CHECK(connect(b, (void *)&other, sizeof(other)) == 0);
    CHECK_EQ(write(b, "more", 4), 4);
    CHECK_EQ(recv(c, buf, sizeof(buf), 0), 4);
    CHECK_EQ(read(c, buf, sizeof(buf)), 4);
    // To nobody: the port that nobody asked for goes.
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    CHECK(connect(b, &none, sizeof(none)) == 0);
    len = sizeof(own);
    CHECK(getsockname(b, (void *)&own, &len) == 0);
    CHECK_EQ(own.sin_port, 0);
    CHECK_EQ(own.sin_addr.s_addr, INADDR_ANY);
    CHECK_ERRNO(send(b, "x", 1, 0), EDESTADDRREQ);
    close(a);
    close(b);
    close(c);
}

static void refused(void)
{
    struct sockaddr_in at;
    int gone = bound(&at), b = socket(AF_INET, SOCK_DGRAM, 0);
    char buf[8];
    NEED(gone >= 0 && b >= 0);
    close(gone);
    CHECK(connect(b, (void *)&at, sizeof(at)) == 0);
    CHECK_EQ(send(b, "x", 1, 0), 1);
    struct pollfd p = {.fd = b, .events = POLLIN};
    CHECK_EQ(poll(&p, 1, -1), 1);
    CHECK(p.revents & POLLERR);
    CHECK_ERRNO(recv(b, buf, sizeof(buf), 0), ECONNREFUSED);
    CHECK_ERRNO(recv(b, buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
    CHECK_EQ(send(b, "x", 1, 0), 1);
    CHECK_EQ(poll(&p, 1, -1), 1);
    CHECK_ERRNO(send(b, "x", 1, 0), ECONNREFUSED);
    CHECK_EQ(send(b, "x", 1, 0), 1);
    CHECK_EQ(poll(&p, 1, -1), 1);
    int err = 0;
    socklen_t len = sizeof(err);
    CHECK(getsockopt(b, SOL_SOCKET, SO_ERROR, &err, &len) == 0);
    CHECK_EQ(err, ECONNREFUSED);
    close(b);
}

static void error_queue(void)
{
    struct sockaddr_in at, to;
    int gone = bound(&at), b = socket(AF_INET, SOCK_DGRAM, 0), one = 1;
    char buf[16], control[256];
    NEED(gone >= 0 && b >= 0);
    close(gone);
    CHECK(setsockopt(b, IPPROTO_IP, IP_RECVERR, &one, sizeof(one)) == 0);
    CHECK_ERRNO(recv(b, buf, sizeof(buf), MSG_ERRQUEUE), EAGAIN);
    CHECK_EQ(sendto(b, "payload", 7, 0, (void *)&at, sizeof(at)), 7);
    struct pollfd p = {.fd = b};
    CHECK_EQ(poll(&p, 1, -1), 1);
    CHECK_EQ(p.revents, POLLERR);
    struct iovec iov = {buf, sizeof(buf)};
    struct msghdr msg = {.msg_name = &to,
                         .msg_namelen = sizeof(to),
                         .msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control,
                         .msg_controllen = sizeof(control)};
    CHECK_EQ(recvmsg(b, &msg, MSG_ERRQUEUE), 7);
    CHECK_EQ(msg.msg_flags, MSG_ERRQUEUE);
    CHECK(memcmp(buf, "payload", 7) == 0);
    CHECK_EQ(to.sin_port, at.sin_port);
    CHECK_EQ(to.sin_addr.s_addr, at.sin_addr.s_addr);
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    NEED(c != NULL);
    CHECK_EQ(c->cmsg_level, IPPROTO_IP);
    CHECK_EQ(c->cmsg_type, IP_RECVERR);
    CHECK_EQ(c->cmsg_len, CMSG_LEN(sizeof(struct sock_extended_err) + sizeof(struct sockaddr_in)));
    const struct sock_extended_err *e = (void *)CMSG_DATA(c);
    CHECK_EQ(e->ee_errno, ECONNREFUSED);
    CHECK_EQ(e->ee_origin, SO_EE_ORIGIN_ICMP);
    CHECK_EQ(e->ee_type, 3);
    CHECK_EQ(e->ee_code, 3);
    const struct sockaddr_in *offender = (void *)SO_EE_OFFENDER(e);
    CHECK_EQ(offender->sin_family, AF_INET);
    CHECK_EQ(offender->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    CHECK(CMSG_NXTHDR(&msg, c) == NULL);
    CHECK_ERRNO(recv(b, buf, sizeof(buf), MSG_ERRQUEUE), EAGAIN);
    // Taking it has also taken SO_ERROR's.
    CHECK_ERRNO(recv(b, buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
    close(b);
}

static void control_messages(void)
{
    struct sockaddr_in at;
    int a = bound(&at), b = socket(AF_INET, SOCK_DGRAM, 0), one = 1;
    char buf[8], control[256], sent[CMSG_SPACE(4) * 2] __attribute__((aligned(8))) = "";
    NEED(a >= 0 && b >= 0);
    CHECK(setsockopt(a, IPPROTO_IP, IP_PKTINFO, &one, sizeof(one)) == 0);
    CHECK(setsockopt(a, IPPROTO_IP, IP_RECVTTL, &one, sizeof(one)) == 0);
    CHECK(setsockopt(a, IPPROTO_IP, IP_RECVTOS, &one, sizeof(one)) == 0);
    CHECK(setsockopt(a, IPPROTO_IP, IP_RECVORIGDSTADDR, &one, sizeof(one)) == 0);
    CHECK(setsockopt(a, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)) == 0);
    struct iovec iov = {"abc", 3};
    struct msghdr out = {.msg_name = &at,
                         .msg_namelen = sizeof(at),
                         .msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = sent,
                         .msg_controllen = sizeof(sent)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&out);
    *c = (struct cmsghdr){CMSG_LEN(4), IPPROTO_IP, IP_TTL};
    memcpy(CMSG_DATA(c), &(int){33}, 4);
    c = CMSG_NXTHDR(&out, c);
    *c = (struct cmsghdr){CMSG_LEN(4), IPPROTO_IP, IP_TOS};
    memcpy(CMSG_DATA(c), &(int){0x28}, 4);
    CHECK_EQ(sendmsg(b, &out, 0), 3);
    struct iovec in = {buf, sizeof(buf)};
    struct msghdr msg = {
        .msg_iov = &in, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    CHECK_EQ(recvmsg(a, &msg, 0), 3);
    CHECK_EQ(msg.msg_flags, 0);
    unsigned seen = 0;
    for (c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
            struct timespec then, now;
            clock_gettime(CLOCK_REALTIME, &now);
            memcpy(&then, CMSG_DATA(c), sizeof(then));
            CHECK(then.tv_sec > 1000000000 && then.tv_sec <= now.tv_sec);
            seen |= 1;
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) {
            CHECK_EQ(*(int *)(void *)CMSG_DATA(c), 33);
            seen |= 2;
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
            CHECK_EQ(c->cmsg_len, CMSG_LEN(1));
            CHECK_EQ(*CMSG_DATA(c), 0x28);
            seen |= 4;
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            const struct in_pktinfo *info = (void *)CMSG_DATA(c);
            CHECK_EQ(info->ipi_ifindex, 1);
            CHECK_EQ(info->ipi_addr.s_addr, htonl(INADDR_LOOPBACK));
            CHECK_EQ(info->ipi_spec_dst.s_addr, htonl(INADDR_LOOPBACK));
            seen |= 8;
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_ORIGDSTADDR) {
            const struct sockaddr_in *to = (void *)CMSG_DATA(c);
            CHECK_EQ(to->sin_port, at.sin_port);
            seen |= 16;
        }
    }
    CHECK_EQ(seen, 31);
    // No room: told, and the rest comes all the same.
    CHECK_EQ(sendto(b, "abc", 3, 0, (void *)&at, sizeof(at)), 3);
    msg.msg_controllen = 0;
    CHECK_EQ(recvmsg(a, &msg, 0), 3);
    CHECK_EQ(msg.msg_flags, MSG_CTRUNC);
    // What the kernel cannot take.
    c = CMSG_FIRSTHDR(&out);
    memcpy(CMSG_DATA(c), &(int){256}, 4);
    CHECK_ERRNO(sendmsg(b, &out, 0), EINVAL);
    c->cmsg_len = 1000;
    CHECK_ERRNO(sendmsg(b, &out, 0), EINVAL);
    close(a);
    close(b);
}

// From another of our addresses, by IP_PKTINFO.
static void choose_source(void)
{
    struct sockaddr_in at, from;
    int a = bound(&at), b = socket(AF_INET, SOCK_DGRAM, 0);
    char buf[8], sent[CMSG_SPACE(sizeof(struct in_pktinfo))] __attribute__((aligned(8))) = "";
    NEED(a >= 0 && b >= 0);
    struct iovec iov = {"abc", 3};
    struct msghdr out = {.msg_name = &at,
                         .msg_namelen = sizeof(at),
                         .msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = sent,
                         .msg_controllen = sizeof(sent)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&out);
    *c = (struct cmsghdr){CMSG_LEN(sizeof(struct in_pktinfo)), IPPROTO_IP, IP_PKTINFO};
    struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(0x7f000003)};
    memcpy(CMSG_DATA(c), &info, sizeof(info));
    CHECK_EQ(sendmsg(b, &out, 0), 3);
    socklen_t len = sizeof(from);
    CHECK_EQ(recvfrom(a, buf, sizeof(buf), 0, (void *)&from, &len), 3);
    CHECK_EQ(from.sin_addr.s_addr, htonl(0x7f000003));
    close(a);
    close(b);
}

static void many_at_once(void)
{
    enum { N = 10 };
    struct sockaddr_in at;
    int a = bound(&at), b = socket(AF_INET, SOCK_DGRAM, 0);
    struct mmsghdr out[N] = {}, in[N] = {};
    struct iovec from[N], to[N];
    char sent[N], got[N][4];
    NEED(a >= 0 && b >= 0);
    for (int i = 0; i < N; i++) {
        sent[i] = (char)('a' + i);
        from[i] = (struct iovec){&sent[i], 1};
        to[i] = (struct iovec){got[i], sizeof(got[i])};
        out[i].msg_hdr = (struct msghdr){
            .msg_name = &at, .msg_namelen = sizeof(at), .msg_iov = &from[i], .msg_iovlen = 1};
        in[i].msg_hdr = (struct msghdr){.msg_iov = &to[i], .msg_iovlen = 1};
    }
    CHECK_EQ(sendmmsg(b, out, N, 0), N);
    CHECK_EQ(recvmmsg(a, in, N, 0, NULL), N);
    for (int i = 0; i < N; i++) {
        CHECK_EQ(in[i].msg_len, 1);
        CHECK_EQ(got[i][0], 'a' + i);
    }
    CHECK_EQ(sendmmsg(b, out, 2, 0), 2);
    CHECK_EQ(recvmmsg(a, in, N, MSG_WAITFORONE, NULL), 2);
    close(a);
    close(b);
}

static void corked(void)
{
    struct sockaddr_in at;
    int a = bound(&at), b = socket(AF_INET, SOCK_DGRAM, 0), on = 1, off = 0;
    char buf[32];
    NEED(a >= 0 && b >= 0);
    CHECK(connect(b, (void *)&at, sizeof(at)) == 0);
    CHECK_EQ(send(b, "ab", 2, MSG_MORE), 2);
    CHECK_EQ(send(b, "cd", 2, MSG_MORE), 2);
    CHECK_ERRNO(recv(a, buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
    CHECK_EQ(send(b, "ef", 2, 0), 2);
    CHECK_EQ(recv(a, buf, sizeof(buf), 0), 6);
    CHECK(memcmp(buf, "abcdef", 6) == 0);
    CHECK(setsockopt(b, IPPROTO_UDP, UDP_CORK, &on, sizeof(on)) == 0);
    CHECK_EQ(send(b, "gh", 2, 0), 2);
    CHECK_EQ(send(b, "ij", 2, 0), 2);
    CHECK_ERRNO(recv(a, buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
    CHECK(setsockopt(b, IPPROTO_UDP, UDP_CORK, &off, sizeof(off)) == 0);
    CHECK_EQ(recv(a, buf, sizeof(buf), 0), 4);
    CHECK_EQ(send(b, "kl", 2, MSG_MORE), 2);
    close(b); /* with what was held back */
    b = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_EQ(sendto(b, "m", 1, 0, (void *)&at, sizeof(at)), 1);
    CHECK_EQ(recv(a, buf, sizeof(buf), 0), 1);
    close(a);
    close(b);
}

/* What is held back is bounded like what goes at once, from the first piece on. */
static void corked_to_the_full(void)
{
    static char big[65535];
    struct sockaddr_in at;
    struct sockaddr_in6 at6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    socklen_t len = sizeof(at6);
    int a = bound(&at), b = socket(AF_INET, SOCK_DGRAM, 0), on = 1, off = 0;
    NEED(a >= 0 && b >= 0 && connect(b, (void *)&at, sizeof(at)) == 0);
    for (int n = 65535; n > 65507; n--)
        CHECK_ERRNO(send(b, big, n, MSG_MORE), EMSGSIZE);
    CHECK_EQ(send(b, big, 65507, MSG_MORE), 65507);
    CHECK_ERRNO(send(b, big, 1, MSG_MORE), EMSGSIZE);
    CHECK_EQ(send(b, "x", 1, 0), 1);
    CHECK_EQ(recv(a, big, sizeof(big), 0), 1);
    close(a);
    close(b);
    a = socket(AF_INET6, SOCK_DGRAM, 0);
    b = socket(AF_INET6, SOCK_DGRAM, 0);
    if (a < 0 || bind(a, (void *)&at6, len) != 0)
        SKIP("no IPv6 here");
    NEED(getsockname(a, (void *)&at6, &len) == 0 && connect(b, (void *)&at6, len) == 0);
    CHECK_ERRNO(send(b, big, 65528, MSG_MORE), EMSGSIZE);
    NEED(setsockopt(b, IPPROTO_UDP, UDP_CORK, &on, sizeof(on)) == 0);
    CHECK_EQ(send(b, big, 65520, 0), 65520);
    CHECK_EQ(send(b, big, 7, 0), 7);
    CHECK_EQ(setsockopt(b, IPPROTO_UDP, UDP_CORK, &off, sizeof(off)), 0);
    CHECK_EQ(recv(a, big, sizeof(big), 0), 65527);
    CHECK_EQ(send(b, big, 2, MSG_MORE), 2);
    CHECK_ERRNO(send(b, (void *)8, 2, MSG_MORE), EFAULT); /* takes what was there with it */
    CHECK_EQ(send(b, big, 1, 0), 1);
    CHECK_EQ(recv(a, big, sizeof(big), 0), 1);
    close(a);
    close(b);
}

static void segments(void)
{
    static char big[5000], back[5000];
    struct sockaddr_in at;
    int a = bound(&at), b = socket(AF_INET, SOCK_DGRAM, 0), size = 1000, got = 0;
    socklen_t len = sizeof(got);
    NEED(a >= 0 && b >= 0);
    for (size_t i = 0; i < sizeof(big); i++)
        big[i] = (char)(i / 1000);
    if (setsockopt(b, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)))
        SKIP("no UDP_SEGMENT");
    CHECK(getsockopt(b, IPPROTO_UDP, UDP_SEGMENT, &got, &len) == 0);
    CHECK_EQ(got, size);
    CHECK_EQ(sendto(b, big, 4500, 0, (void *)&at, sizeof(at)), 4500);
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(recv(a, back, sizeof(back), 0), 1000);
        CHECK_EQ(back[0], i);
        CHECK_EQ(back[999], i);
    }
    CHECK_EQ(recv(a, back, sizeof(back), 0), 500);
    CHECK_EQ(back[0], 4);
    CHECK_ERRNO(recv(a, back, sizeof(back), MSG_DONTWAIT), EAGAIN);
    CHECK_EQ(sendto(b, big, 900, 0, (void *)&at, sizeof(at)), 900);
    CHECK_EQ(recv(a, back, sizeof(back), 0), 900);
    close(a);
    close(b);
}

static void full_queue(void)
{
    struct sockaddr_in at;
    int a = bound(&at), b = socket(AF_INET, SOCK_DGRAM, 0), small = 4096, one = 1, sent = 0, n = 0;
    char bytes[1000] = "", control[64];
    NEED(a >= 0 && b >= 0);
    CHECK(setsockopt(a, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)) == 0);
    CHECK(setsockopt(a, SOL_SOCKET, SO_RXQ_OVFL, &one, sizeof(one)) == 0);
    for (; sent < 200; sent++)
        CHECK_EQ(sendto(b, bytes, sizeof(bytes), 0, (void *)&at, sizeof(at)), 1000);
    while (recv(a, bytes, sizeof(bytes), MSG_DONTWAIT) == 1000)
        n++;
    CHECK(n >= 1 && n < 40);
    // The next says how many there would have been.
    CHECK_EQ(sendto(b, bytes, 1, 0, (void *)&at, sizeof(at)), 1);
    struct iovec iov = {bytes, sizeof(bytes)};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control,
                         .msg_controllen = sizeof(control)};
    CHECK_EQ(recvmsg(a, &msg, 0), 1);
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    NEED(c != NULL);
    CHECK_EQ(c->cmsg_type, SO_RXQ_OVFL);
    uint32_t drops;
    memcpy(&drops, CMSG_DATA(c), sizeof(drops));
    CHECK_EQ(drops, sent - n);
    close(a);
    close(b);
}

static void ports(void)
{
    struct sockaddr_in at, any;
    int a = bound(&at), b = socket(AF_INET, SOCK_DGRAM, 0), one = 1;
    char buf[8];
    NEED(a >= 0 && b >= 0);
    CHECK_ERRNO(bind(b, (void *)&at, sizeof(at)), EADDRINUSE);
    any = at;
    any.sin_addr.s_addr = INADDR_ANY;
    CHECK_ERRNO(bind(b, (void *)&any, sizeof(any)), EADDRINUSE);
    CHECK(setsockopt(a, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0);
    CHECK(setsockopt(b, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0);
    CHECK(bind(b, (void *)&any, sizeof(any)) == 0);
    // The better match gets it.
    int c = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_EQ(sendto(c, "x", 1, 0, (void *)&at, sizeof(at)), 1);
    CHECK_EQ(recv(a, buf, sizeof(buf), 0), 1);
    any.sin_addr.s_addr = htonl(0x7f000002);
    CHECK_EQ(sendto(c, "yy", 2, 0, (void *)&any, sizeof(any)), 2);
    CHECK_EQ(recv(b, buf, sizeof(buf), 0), 2);
    any.sin_addr.s_addr = htonl(0x01020304);
    any.sin_port = 0;
    CHECK_ERRNO(bind(c, (void *)&any, sizeof(any)), EADDRNOTAVAIL);
    any.sin_addr.s_addr = INADDR_ANY;
    CHECK_ERRNO(bind(c, (void *)&any, sizeof(any)), EINVAL); // it has a port by now
    CHECK_ERRNO(bind(c, (void *)&any, sizeof(any) - 1), EINVAL);
    any.sin_family = AF_UNIX;
    CHECK_ERRNO(bind(c, (void *)&any, sizeof(any)), EAFNOSUPPORT);
    CHECK_ERRNO(listen(c, 1), EOPNOTSUPP);
    CHECK_ERRNO(accept(c, NULL, NULL), EOPNOTSUPP);
    at.sin_port = 0;
    CHECK_ERRNO(sendto(c, "x", 1, 0, (void *)&at, sizeof(at)), EINVAL);
    CHECK_ERRNO(sendto(c, "x", 1, 0, (void *)&at, 8), EINVAL);
    CHECK_ERRNO(send(c, "x", 1, MSG_OOB), EOPNOTSUPP);
    close(a);
    close(b);
    close(c);
}

// Several that share a port: each flow goes to one of them, and all flows not to the same.
static void balanced(void)
{
    enum { SOCKETS = 4, FLOWS = 64 };
    struct sockaddr_in at = local(0);
    socklen_t len = sizeof(at);
    int s[SOCKETS], n[SOCKETS] = {0}, one = 1, total = 0, used = 0;
    struct pollfd p[SOCKETS];
    char buf[8];
    for (int i = 0; i < SOCKETS; i++) {
        s[i] = socket(AF_INET, SOCK_DGRAM, 0);
        NEED(setsockopt(s[i], SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) == 0);
        NEED(bind(s[i], (void *)&at, sizeof(at)) == 0);
        NEED(getsockname(s[i], (void *)&at, &len) == 0);
        p[i] = (struct pollfd){s[i], POLLIN, 0};
    }
    for (int i = 0; i < FLOWS; i++) {
        int c = socket(AF_INET, SOCK_DGRAM, 0);
        CHECK_EQ(sendto(c, "x", 1, 0, (void *)&at, sizeof(at)), 1);
        CHECK_EQ(sendto(c, "y", 1, 0, (void *)&at, sizeof(at)), 1);
        close(c);
    }
    while (total < 2 * FLOWS && poll(p, SOCKETS, 60000) > 0)
        for (int i = 0; i < SOCKETS; i++)
            while (recv(s[i], buf, sizeof(buf), MSG_DONTWAIT) == 1)
                n[i]++, total++;
    for (int i = 0; i < SOCKETS; i++) {
        CHECK_ERRNO(recv(s[i], buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
        CHECK_EQ(n[i] % 2, 0);
        used += n[i] > 0;
        close(s[i]);
    }
    CHECK_EQ(total, 2 * FLOWS);
    CHECK(used >= 2);
}

static void *send_later(void *arg)
{
    struct sockaddr_in *at = arg;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    sendto(fd, "late", 4, 0, (void *)at, sizeof(*at));
    close(fd);
    return NULL;
}

static void waiting(void)
{
    struct sockaddr_in at;
    int a = bound(&at), ep = epoll_create1(0);
    char buf[8];
    pthread_t thread;
    NEED(a >= 0 && ep >= 0);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = a}, got;
    CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, a, &event) == 0);
    CHECK_EQ(epoll_wait(ep, &got, 1, 0), 0);
    NEED(pthread_create(&thread, NULL, send_later, &at) == 0);
    CHECK_EQ(epoll_wait(ep, &got, 1, -1), 1);
    CHECK_EQ(got.events, EPOLLIN);
    pthread_join(thread, NULL);
    CHECK_EQ(epoll_wait(ep, &got, 1, 0), 0); // told once
    CHECK_EQ(recv(a, buf, sizeof(buf), 0), 4);
    NEED(pthread_create(&thread, NULL, send_later, &at) == 0);
    CHECK_EQ(recv(a, buf, sizeof(buf), MSG_PEEK), 4);
    pthread_join(thread, NULL);
    CHECK_EQ(epoll_wait(ep, &got, 1, -1), 1); // Linux queues it first, then tells
    CHECK_EQ(got.events, EPOLLIN);
    CHECK_EQ(epoll_wait(ep, &got, 1, 0), 0); // told once
    CHECK_EQ(epoll_wait(ep, &got, 1, 20), 0);
    CHECK_EQ(recv(a, buf, sizeof(buf), 0), 4);
    NEED(pthread_create(&thread, NULL, send_later, &at) == 0);
    CHECK_EQ(recv(a, buf, sizeof(buf), 0), 4); // sleeps, most often
    pthread_join(thread, NULL);
    struct timeval soon = {0, 1000};
    CHECK(setsockopt(a, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon)) == 0);
    CHECK_ERRNO(recv(a, buf, sizeof(buf), 0), EAGAIN);
    close(a);
    close(ep);
}

static void ending(void)
{
    struct sockaddr_in at;
    int a = bound(&at), b = socket(AF_INET, SOCK_DGRAM, 0);
    char buf[8];
    NEED(a >= 0 && b >= 0);
    CHECK_ERRNO(shutdown(b, SHUT_RD), ENOTCONN);
    close(b);
    b = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK(connect(b, (void *)&at, sizeof(at)) == 0);
    struct pollfd p = {.fd = b, .events = POLLIN | POLLOUT | POLLRDHUP};
    CHECK_EQ(poll(&p, 1, 0), 1);
    CHECK_EQ(p.revents, POLLOUT);
    CHECK(shutdown(b, SHUT_RD) == 0);
    CHECK_EQ(recv(b, buf, sizeof(buf), 0), 0);
    CHECK_EQ(poll(&p, 1, 0), 1);
    CHECK_EQ(p.revents, POLLOUT | POLLIN | POLLRDHUP);
    CHECK(shutdown(b, SHUT_WR) == 0);
    CHECK_ERRNO(send(b, "x", 1, MSG_NOSIGNAL), EPIPE);
    CHECK_EQ(poll(&p, 1, 0), 1);
    CHECK_EQ(p.revents, POLLOUT | POLLIN | POLLRDHUP | POLLHUP);
    close(a);
    close(b);
}

static void peeking_on(void)
{
    struct sockaddr_in at;
    int a = bound(&at), b = socket(AF_INET, SOCK_DGRAM, 0), zero = 0, off = -1;
    char buf[4] = "";
    NEED(a >= 0 && b >= 0);
    CHECK(setsockopt(a, SOL_SOCKET, SO_PEEK_OFF, &zero, sizeof(zero)) == 0);
    CHECK_EQ(sendto(b, "abcdef", 6, 0, (void *)&at, sizeof(at)), 6);
    CHECK_EQ(recv(a, buf, 2, MSG_PEEK), 2);
    CHECK(memcmp(buf, "ab", 2) == 0);
    CHECK_EQ(recv(a, buf, 2, MSG_PEEK), 2);
    CHECK(memcmp(buf, "cd", 2) == 0);
    CHECK(setsockopt(a, SOL_SOCKET, SO_PEEK_OFF, &off, sizeof(off)) == 0);
    CHECK_EQ(recv(a, buf, 2, 0), 2);
    CHECK(memcmp(buf, "ab", 2) == 0);
    close(a);
    close(b);
}

static int flipped;
static atomic_bool enough;

static void *flip(void *arg)
{
    int on = 1, off = 0;
    while (!enough) {
        setsockopt(flipped, IPPROTO_UDP, UDP_CORK, &on, sizeof(on));
        setsockopt(flipped, IPPROTO_UDP, UDP_CORK, &off, sizeof(off));
    }
    return arg;
}

// Each datagram is of whole sends: one, or several that were kept back together.
static void corked_meanwhile(void)
{
    struct sockaddr_in at;
    int a = bound(&at), wrong = 0, failed = 0;
    pthread_t thread;
    static char buf[65536];
    flipped = socket(AF_INET, SOCK_DGRAM, 0);
    NEED(a >= 0 && flipped >= 0 && connect(flipped, (void *)&at, sizeof(at)) == 0);
    NEED(pthread_create(&thread, NULL, flip, NULL) == 0);
    for (int i = 0; i < 10000; i++) {
        ssize_t n;
        failed += send(flipped, "hello", 5, 0) != 5;
        while ((n = recv(a, buf, sizeof(buf), MSG_DONTWAIT)) >= 0)
            wrong += n == 0 || n % 5;
    }
    enough = true;
    pthread_join(thread, NULL);
    CHECK_EQ(failed, 0);
    CHECK_EQ(wrong, 0);
    close(a);
    close(flipped);
}

int main(void)
{
    quiet_net();
    promise("a datagram arrives whole, with its sender, also an empty one", to_and_fro);
    promise("up to 65507 bytes; what does not fit the reader is cut and told", sizes);
    promise("a connected socket hears its peer only, and may change it", connecting);
    promise("a port that nobody has is told as ECONNREFUSED, once each", refused);
    promise("IP_RECVERR says who refused what", error_queue);
    promise("control messages go with datagrams, both ways", control_messages);
    promise("IP_PKTINFO chooses the source address", choose_source);
    promise("sendmmsg and recvmmsg", many_at_once);
    promise("MSG_MORE and UDP_CORK put datagrams together", corked);
    promise("MSG_MORE and UDP_CORK up to the largest datagram", corked_to_the_full);
    promise("UDP_CORK changes while another thread sends", corked_meanwhile);
    promise("UDP_SEGMENT cuts one send into datagrams", segments);
    promise("SO_RCVBUF bounds the queue, SO_RXQ_OVFL counts what it drops", full_queue);
    promise("ports and addresses are had by one, or shared where asked; errors of names", ports);
    promise("SO_REUSEPORT spreads flows over sockets", balanced);
    promise("recv, poll and epoll wait", waiting);
    promise("shutdown of either half", ending);
    promise("SO_PEEK_OFF", peeking_on);
    return check_end();
}
