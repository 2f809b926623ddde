// cpus: 1
/* Options that few programs use: not what they answer (socket_option_table.c) but what they do. */
#include "check.h"
#include "quiet_net.h"
#include <arpa/inet.h>
#include <grp.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/un.h>
#include <sys/wait.h>

#ifndef SO_RCVMARK
#define SO_RCVMARK 75
#endif
#ifndef SO_MEMINFO
#define SO_MEMINFO 55
#endif
#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif
#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX 62
#endif
#ifndef SO_TXTIME
#define SO_TXTIME 61
#endif
#ifndef IP_RECVFRAGSIZE
#define IP_RECVFRAGSIZE 25
#endif
#ifndef IPV6_RECVFRAGSIZE
#define IPV6_RECVFRAGSIZE 77
#endif

static int set(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value);
}

static int get(int fd, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof value;
    return getsockopt(fd, level, name, &value, &len) ? -errno : value;
}

static bool may_use_raw(void)
{
    int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);

    return fd >= 0 && close(fd) == 0;
}

/* Hosts may be without IPv6, inside Osprey there is always ::1. */
#define NEED_IPV6(fd)                                                                              \
    do {                                                                                           \
        if ((fd) < 0 && !inside_osprey())                                                          \
            SKIP("no IPv6 here");                                                                  \
    } while (0)

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* A socket bound to a free port of lo. */
static int bound(int family, int type, union address *at)
{
    socklen_t len = family == AF_INET ? sizeof at->v4 : sizeof at->v6;
    int fd = socket(family, type, 0);

    memset(at, 0, sizeof *at);
    at->any.sa_family = (sa_family_t)family;
    if (family == AF_INET)
        at->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else
        at->v6.sin6_addr = in6addr_loopback;
    if (bind(fd, &at->any, len) || getsockname(fd, &at->any, &len))
        return -1;
    return fd;
}

static socklen_t size_of(const union address *at)
{
    return at->any.sa_family == AF_INET ? sizeof at->v4 : sizeof at->v6;
}

/* A connection: listener (closed), the two ends. */
static bool connection(int family, int s[2], void (*prepare)(int listener))
{
    union address at;
    int listener = bound(family, SOCK_STREAM, &at);

    if (prepare)
        prepare(listener);
    s[0] = socket(family, SOCK_STREAM, 0);
    if (listen(listener, 5) || connect(s[0], &at.any, size_of(&at)))
        return false;
    s[1] = accept(listener, NULL, NULL);
    close(listener);
    return s[1] >= 0;
}

/* A datagram's length, and the number in a control message of that kind (-1: there is none). */
static ssize_t receive(int fd, int level, int type, int *number)
{
    static char data[1 << 16];
    char control[512];
    struct iovec iov = {data, sizeof data};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t n = recvmsg(fd, &m, 0);

    *number = -1;
    for (struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
        if (c->cmsg_level == level && c->cmsg_type == type)
            memcpy(number, CMSG_DATA(c), sizeof *number);
    return n;
}

static void mark_is_told(void)
{
    union address at;
    int fd = bound(AF_INET, SOCK_DGRAM, &at), out = socket(AF_INET, SOCK_DGRAM, 0), mark;

    if (set(fd, SOL_SOCKET, SO_RCVMARK, 1) && errno == ENOPROTOOPT)
        SKIP("before Linux 5.19");
    if (set(out, SOL_SOCKET, SO_MARK, 77) && errno == EPERM)
        SKIP("needs CAP_NET_ADMIN");
    CHECK_EQ(get(out, SOL_SOCKET, SO_MARK), 77);
    CHECK_EQ(sendto(out, "x", 1, 0, &at.any, size_of(&at)), 1);
    CHECK_EQ(receive(fd, SOL_SOCKET, SO_MARK, &mark), 1);
    CHECK_EQ(mark, 77);
    CHECK_EQ(set(fd, SOL_SOCKET, SO_RCVMARK, 0), 0);
    CHECK_EQ(sendto(out, "x", 1, 0, &at.any, size_of(&at)), 1);
    CHECK_EQ(receive(fd, SOL_SOCKET, SO_MARK, &mark), 1);
    CHECK_EQ(mark, -1);
    close(fd);
    close(out);
}

/* The first byte of a datagram says which socket of the group gets it. */
static void program_chooses(void)
{
    struct sock_filter load = {BPF_LD | BPF_B | BPF_ABS, 0, 0, 0},
                       code[] = {load, {BPF_RET | BPF_A, 0, 0, 0}};
    struct sock_fprog program = {2, code};
    union address at;
    int fd[3], out = socket(AF_INET, SOCK_DGRAM, 0), first = socket(AF_INET, SOCK_DGRAM, 0);
    char byte;

    CHECK_ERRNO(setsockopt(first, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program),
                EINVAL);
    CHECK_EQ(set(first, SOL_SOCKET, SO_REUSEPORT, 1), 0);
    CHECK_EQ(setsockopt(first, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program), 0);
    close(first); /* it never was bound */
    memset(&at, 0, sizeof at);
    at.v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (int i = 0; i < 3; i++) {
        socklen_t len = sizeof at.v4;
        fd[i] = socket(AF_INET, SOCK_DGRAM, 0);
        set(fd[i], SOL_SOCKET, SO_REUSEPORT, 1);
        NEED(bind(fd[i], &at.any, len) == 0 && getsockname(fd[i], &at.any, &len) == 0);
    }
    CHECK_EQ(setsockopt(fd[1], SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program), 0);
    for (int round = 0; round < 9; round++) {
        byte = (char)(round % 3);
        CHECK_EQ(sendto(out, &byte, 1, 0, &at.any, sizeof at.v4), 1);
        CHECK_EQ(recv(fd[round % 3], &byte, 1, 0), 1);
    }
    CHECK_EQ(set(fd[2], SOL_SOCKET, 68 /* SO_DETACH_REUSEPORT_BPF */, 0), 0);
    CHECK_ERRNO(set(fd[2], SOL_SOCKET, 68, 0), ENOENT);
    for (int i = 0; i < 3; i++)
        close(fd[i]);
    close(out);
}

/* A program at an AF_UNIX socket: datagrams lose their tail, or are lost. */
static void unix_filter(void)
{
    struct sock_filter keep2 = {BPF_RET | BPF_K, 0, 0, 2}, none = {BPF_RET | BPF_K, 0, 0, 0};
    struct sock_fprog program = {1, &keep2};
    char buf[8];
    int s[2];

    NEED(socketpair(AF_UNIX, SOCK_DGRAM, 0, s) == 0);
    CHECK_EQ(setsockopt(s[1], SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program), 0);
    CHECK_EQ(send(s[0], "abcd", 4, 0), 4);
    CHECK_EQ(recv(s[1], buf, sizeof buf, MSG_DONTWAIT), 2);
    program.filter = &none;
    CHECK_EQ(setsockopt(s[1], SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program), 0);
    CHECK_EQ(send(s[0], "abcd", 4, 0), 4);
    CHECK_ERRNO(recv(s[1], buf, sizeof buf, MSG_DONTWAIT), EAGAIN);
    close(s[0]);
    close(s[1]);
}

/* The groups of the peer are those that it had when it connected. */
static void peer_groups(void)
{
    gid_t before[2] = {7, 9}, got[8] = {};
    socklen_t len = sizeof got;
    int s[2];

    if (setgroups(2, before))
        SKIP("needs CAP_SETGID");
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
    CHECK_EQ(setgroups(0, NULL), 0);
    CHECK_EQ(getsockopt(s[0], SOL_SOCKET, SO_PEERGROUPS, got, &len), 0);
    CHECK(len == sizeof before && got[0] == 7 && got[1] == 9);
    len = 4;
    CHECK_ERRNO(getsockopt(s[0], SOL_SOCKET, SO_PEERGROUPS, got, &len), ERANGE);
    CHECK_EQ(len, sizeof before);
    close(s[0]);
    close(s[1]);
}

static void memory_is_told(void)
{
    enum { RMEM, RCVBUF, WMEM, SNDBUF };
    uint32_t info[9] = {};
    socklen_t len = sizeof info;
    union address at;
    int fd = bound(AF_INET, SOCK_DGRAM, &at), out = socket(AF_INET, SOCK_DGRAM, 0), number;

    CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len), 0);
    CHECK_EQ(len, sizeof info);
    CHECK_EQ(info[RMEM], 0);
    CHECK_EQ(info[RCVBUF], get(fd, SOL_SOCKET, SO_RCVBUF));
    CHECK_EQ(info[SNDBUF], get(fd, SOL_SOCKET, SO_SNDBUF));
    CHECK_EQ(sendto(out, "x", 1, 0, &at.any, size_of(&at)), 1);
    CHECK_EQ(recv(fd, &number, 1, MSG_PEEK), 1);
    CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len), 0);
    CHECK(info[RMEM] > 0);
    close(fd);
    close(out);
}

/* Bound to an interface that is not there: nothing comes, nothing goes. */
static void absent_interface(void)
{
    union address at;
    int fd = bound(AF_INET, SOCK_DGRAM, &at), out = socket(AF_INET, SOCK_DGRAM, 0);
    char byte;

    if (!may_use_raw())
        SKIP("needs CAP_NET_RAW");
    CHECK_EQ(set(fd, SOL_SOCKET, SO_BINDTOIFINDEX, 4321), 0);
    CHECK_EQ(get(fd, SOL_SOCKET, SO_BINDTOIFINDEX), 4321);
    CHECK_EQ(sendto(out, "x", 1, 0, &at.any, size_of(&at)), 1);
    CHECK_ERRNO(recv(fd, &byte, 1, MSG_DONTWAIT), EAGAIN);
    CHECK_EQ(set(out, SOL_SOCKET, SO_BINDTOIFINDEX, 4321), 0);
    CHECK(sendto(out, "x", 1, 0, &at.any, size_of(&at)) == -1);
    CHECK_EQ(set(fd, SOL_SOCKET, SO_BINDTOIFINDEX, 1), 0);
    CHECK_EQ(set(out, SOL_SOCKET, SO_BINDTOIFINDEX, 0), 0);
    CHECK_EQ(sendto(out, "y", 1, 0, &at.any, size_of(&at)), 1);
    CHECK_EQ(recv(fd, &byte, 1, 0), 1);
    close(fd);
    close(out);
}

/* SCM_TXTIME is taken once the option is on. */
static void departure_times(void)
{
    uint32_t asked[2] = {CLOCK_MONOTONIC, 0}, got[2] = {9, 9};
    socklen_t len = sizeof got;
    union address at;
    int fd = bound(AF_INET, SOCK_DGRAM, &at), byte;
    struct {
        struct cmsghdr head;
        uint64_t when;
    } control = {{sizeof control, SOL_SOCKET, SO_TXTIME}, 1};
    struct iovec iov = {"x", 1};
    struct msghdr m = {.msg_name = &at,
                       .msg_namelen = size_of(&at),
                       .msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = sizeof control};

    CHECK_ERRNO(sendmsg(fd, &m, 0), EINVAL);
    CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_TXTIME, asked, sizeof asked), 0);
    CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_TXTIME, got, &len), 0);
    CHECK(len == 8 && got[0] == CLOCK_MONOTONIC && got[1] == 0);
    CHECK_EQ(sendmsg(fd, &m, 0), 1);
    CHECK_EQ(recv(fd, &byte, 1, 0), 1);
    close(fd);
}

static void fragment_sizes(void)
{
    static const char data[65527]; /* beyond lo's MTU */
    union address at;
    int fd = bound(AF_INET6, SOCK_DGRAM, &at), out = socket(AF_INET6, SOCK_DGRAM, 0), size;

    NEED_IPV6(fd);
    CHECK_EQ(set(fd, IPPROTO_IPV6, IPV6_RECVFRAGSIZE, 1), 0);
    CHECK_EQ(sendto(out, data, 4000, 0, &at.any, size_of(&at)), 4000);
    CHECK_EQ(receive(fd, IPPROTO_IPV6, IPV6_RECVFRAGSIZE, &size), 4000);
    CHECK_EQ(size, -1); /* lo takes it whole */
    CHECK_EQ(set(out, IPPROTO_IPV6, IPV6_MTU, 1280), 0);
    CHECK_EQ(sendto(out, data, sizeof data, 0, &at.any, size_of(&at)), sizeof data);
    CHECK_EQ(receive(fd, IPPROTO_IPV6, IPV6_RECVFRAGSIZE, &size), sizeof data);
    CHECK_EQ(size, 1280);
    close(fd);
    close(out);
}

/* A destination-options header before a datagram, made by hand, is told as it came. */
static void extension_headers(void)
{
    struct {
        uint8_t next, len, options[6];
        uint16_t from, to, size, sum;
        char data;
    } __attribute__((packed)) packet = {IPPROTO_UDP, 0, {1, 4}, htons(7), 0, htons(9), 0, 'x'};
    char data[16], control[256];
    struct iovec iov = {data, sizeof data};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *c;
    union address at;
    int fd = bound(AF_INET6, SOCK_DGRAM, &at), raw = socket(AF_INET6, SOCK_RAW, IPPROTO_DSTOPTS);

    NEED_IPV6(fd);
    if (raw < 0)
        SKIP("needs CAP_NET_RAW");
    CHECK_EQ(set(fd, IPPROTO_UDP, 102 /* UDP_NO_CHECK6_RX */, 1), 0);
    CHECK_EQ(set(fd, IPPROTO_IPV6, IPV6_RECVDSTOPTS, 1), 0);
    CHECK_EQ(set(fd, IPPROTO_IPV6, IPV6_RECVHOPOPTS, 1), 0);
    packet.to = at.v6.sin6_port;
    at.v6.sin6_port = 0;
    CHECK_EQ(sendto(raw, &packet, sizeof packet, 0, &at.any, size_of(&at)), sizeof packet);
    CHECK_EQ(recvmsg(fd, &m, 0), 1);
    c = CMSG_FIRSTHDR(&m);
    NEED(c && c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_DSTOPTS);
    CHECK_EQ(c->cmsg_len, CMSG_LEN(8));
    CHECK(memcmp(CMSG_DATA(c), &packet, 8) == 0);
    CHECK(!CMSG_NXTHDR(&m, c));
    close(fd);
    close(raw);
}

/* Sources of a group can be asked for as they were set. */
static void sources_are_told(void)
{
    struct {
        struct ip_msfilter filter;
        struct in_addr more[3];
    } f = {};
    struct ip_mreq_source r = {.imr_multiaddr.s_addr = inet_addr("239.1.2.3"),
                               .imr_interface.s_addr = htonl(INADDR_LOOPBACK),
                               .imr_sourceaddr.s_addr = inet_addr("10.0.0.1")};
    struct group_filter g = {.gf_interface = 1, .gf_numsrc = 1};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    socklen_t len = sizeof f;

    CHECK_EQ(setsockopt(fd, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, &r, sizeof r), 0);
    r.imr_sourceaddr.s_addr = inet_addr("10.0.0.2");
    CHECK_EQ(setsockopt(fd, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, &r, sizeof r), 0);
    f.filter.imsf_multiaddr = r.imr_multiaddr;
    f.filter.imsf_interface = r.imr_interface;
    f.filter.imsf_numsrc = 4;
    CHECK_EQ(getsockopt(fd, IPPROTO_IP, IP_MSFILTER, &f, &len), 0);
    CHECK_EQ(len, IP_MSFILTER_SIZE(2));
    CHECK_EQ(f.filter.imsf_fmode, MCAST_INCLUDE);
    CHECK(f.filter.imsf_slist[0].s_addr == inet_addr("10.0.0.1") &&
          (&f.filter.imsf_slist[0])[1].s_addr == inet_addr("10.0.0.2"));
    memcpy(&g.gf_group, &(struct sockaddr_in){.sin_family = AF_INET, .sin_addr = r.imr_multiaddr},
           sizeof(struct sockaddr_in));
    len = sizeof g;
    CHECK_EQ(getsockopt(fd, IPPROTO_IP, MCAST_MSFILTER, &g, &len), 0);
    CHECK_EQ(g.gf_numsrc, 2); /* that many; there was room for one */
    CHECK_EQ(len, GROUP_FILTER_SIZE(1));
    CHECK_EQ(((struct sockaddr_in *)&g.gf_slist[0])->sin_addr.s_addr, inet_addr("10.0.0.1"));
    f.filter.imsf_multiaddr.s_addr = inet_addr("239.9.9.9");
    len = sizeof f;
    CHECK_ERRNO(getsockopt(fd, IPPROTO_IP, IP_MSFILTER, &f, &len), EADDRNOTAVAIL);
    close(fd);
}

/* A connected socket of AF_INET6 becomes one of AF_INET. */
static void address_form(void)
{
    union address at, to = {.v6 = {.sin6_family = AF_INET6}};
    socklen_t len = sizeof at;
    int in = bound(AF_INET, SOCK_DGRAM, &at), fd = socket(AF_INET6, SOCK_DGRAM, 0);
    char byte;

    NEED_IPV6(fd);
    CHECK_ERRNO(set(fd, IPPROTO_IPV6, IPV6_ADDRFORM, AF_INET), ENOTCONN);
    inet_pton(AF_INET6, "::ffff:127.0.0.1", &to.v6.sin6_addr);
    to.v6.sin6_port = at.v4.sin_port;
    NEED(connect(fd, &to.any, sizeof to.v6) == 0);
    CHECK_EQ(get(fd, IPPROTO_IPV6, IPV6_ADDRFORM), AF_INET6);
    CHECK_EQ(set(fd, IPPROTO_IPV6, IPV6_ADDRFORM, AF_INET), 0);
    CHECK_EQ(get(fd, SOL_SOCKET, SO_DOMAIN), AF_INET);
    CHECK_EQ(getpeername(fd, &to.any, &len), 0);
    CHECK(len == sizeof to.v4 && to.v4.sin_family == AF_INET && to.v4.sin_port == at.v4.sin_port);
    CHECK_EQ(send(fd, "x", 1, 0), 1);
    CHECK_EQ(recv(in, &byte, 1, 0), 1);
    close(fd);
    close(in);
}

/* --- TCP */

static void left_to_read(void)
{
    char data[100] = {}, control[64];
    struct iovec iov = {data, 40};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *c;
    int s[2], left;

    NEED(connection(AF_INET, s, NULL));
    CHECK_EQ(set(s[1], IPPROTO_TCP, TCP_INQ, 1), 0);
    CHECK_EQ(write(s[0], data, sizeof data), sizeof data);
    CHECK_EQ(recv(s[1], data, sizeof data, MSG_PEEK | MSG_WAITALL), sizeof data);
    CHECK_EQ(recvmsg(s[1], &m, 0), 40);
    c = CMSG_FIRSTHDR(&m);
    NEED(c && c->cmsg_level == IPPROTO_TCP && c->cmsg_type == TCP_CM_INQ);
    memcpy(&left, CMSG_DATA(c), sizeof left);
    CHECK_EQ(left, 60);
    close(s[0]);
    close(s[1]);
}

static void keep_syn(int listener)
{
    CHECK_EQ(set(listener, IPPROTO_TCP, TCP_SAVE_SYN, 1), 0);
}

/* The SYN of a connection: IPv4 header and TCP header, once. */
static void saved_syn(void)
{
    uint8_t syn[128] = {};
    socklen_t len = sizeof syn;
    union address at;
    int s[2];

    NEED(connection(AF_INET, s, keep_syn));
    len = 8; /* too little: what it takes is told, and the SYN stays */
    CHECK_ERRNO(getsockopt(s[1], IPPROTO_TCP, TCP_SAVED_SYN, syn, &len), EINVAL);
    CHECK(len >= 40 && syn[0] == 0);
    len = sizeof syn;
    CHECK_EQ(getsockopt(s[1], IPPROTO_TCP, TCP_SAVED_SYN, syn, &len), 0);
    NEED(len >= 40);
    CHECK_EQ(syn[0], 0x45);
    CHECK_EQ(syn[9], IPPROTO_TCP);
    CHECK_EQ(syn[20 + 13], 2); /* SYN */
    CHECK_EQ(len, 20 + (syn[20 + 12] >> 4) * 4);
    len = sizeof at;
    getsockname(s[0], &at.any, &len);
    CHECK(memcmp(syn + 20, &at.v4.sin_port, 2) == 0);
    len = sizeof syn;
    CHECK_EQ(getsockopt(s[1], IPPROTO_TCP, TCP_SAVED_SYN, syn, &len), 0);
    CHECK_EQ(len, 0);
    close(s[0]);
    close(s[1]);
}

/* What a packet would come with can be asked for at a connection. */
static void packet_options(void)
{
    char control[256];
    socklen_t len = sizeof control;
    struct msghdr m = {.msg_control = control};
    int s[2], ttl = 0;

    NEED(connection(AF_INET, s, NULL));
    CHECK_EQ(getsockopt(s[1], IPPROTO_IP, IP_PKTOPTIONS, control, &len), 0);
    CHECK_EQ(len, 0);
    CHECK_EQ(set(s[1], IPPROTO_IP, IP_RECVTTL, 1), 0);
    len = sizeof control;
    CHECK_EQ(getsockopt(s[1], IPPROTO_IP, IP_PKTOPTIONS, control, &len), 0);
    m.msg_controllen = len;
    NEED(CMSG_FIRSTHDR(&m) && CMSG_FIRSTHDR(&m)->cmsg_type == IP_TTL);
    memcpy(&ttl, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof ttl);
    CHECK_EQ(ttl, 64);
    close(s[0]);
    close(s[1]);
}

struct zerocopy {
    uint64_t address;
    uint32_t length, skip, waiting;
    int32_t err;
    uint64_t copy_address;
    int32_t copy_length;
    uint32_t flags;
    uint64_t control, control_length;
    uint32_t message_flags, reserved;
};

/* Few bytes are never mapped: the program is told to read them, or gets a copy. */
static void zerocopy_receive(void)
{
    char buf[64] = "";
    struct zerocopy z = {};
    socklen_t len = sizeof z;
    int s[2];
    void *map;

    NEED(connection(AF_INET, s, NULL));
    map = mmap(NULL, 65536, PROT_READ, MAP_SHARED, s[1], 0);
    NEED(map != MAP_FAILED);
    CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, s[1], 0) == MAP_FAILED &&
          errno == EPERM);
    CHECK_EQ(write(s[0], "hello", 5), 5);
    CHECK_EQ(recv(s[1], buf, 5, MSG_PEEK | MSG_WAITALL), 5);
    z.address = (uintptr_t)map;
    z.length = 65536;
    CHECK_EQ(getsockopt(s[1], IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE, &z, &len), 0);
    CHECK_EQ(z.length, 0);
    CHECK_EQ(z.skip, 5);
    memset(buf, 0, sizeof buf);
    z = (struct zerocopy){.address = (uintptr_t)map,
                          .length = 65536,
                          .copy_address = (uintptr_t)buf,
                          .copy_length = sizeof buf};
    CHECK_EQ(getsockopt(s[1], IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE, &z, &len), 0);
    CHECK_EQ(z.copy_length, 5);
    CHECK(strcmp(buf, "hello") == 0);
    munmap(map, 65536);
    close(s[0]);
    close(s[1]);
}

/* --- a connection moves to another socket (TCP_REPAIR) */

struct saved {
    union address ours, theirs;
    uint32_t sent, received;
    uint32_t window[5], stamp;
    struct tcp_info info;
};

static uint32_t sequence(int fd, int queue)
{
    CHECK_EQ(set(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, queue), 0);
    return (uint32_t)get(fd, IPPROTO_TCP, TCP_QUEUE_SEQ);
}

static void take_apart(int fd, struct saved *saved)
{
    socklen_t len = sizeof saved->ours;
    char buf[16];

    CHECK_ERRNO(set(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, TCP_SEND_QUEUE), EPERM);
    CHECK_EQ(set(fd, IPPROTO_TCP, TCP_REPAIR, 1), 0);
    getsockname(fd, &saved->ours.any, &len);
    len = sizeof saved->theirs;
    getpeername(fd, &saved->theirs.any, &len);
    saved->sent = sequence(fd, TCP_SEND_QUEUE);
    CHECK_EQ(recv(fd, buf, sizeof buf, MSG_PEEK | MSG_DONTWAIT), 0); /* all is acknowledged */
    saved->received = sequence(fd, TCP_RECV_QUEUE);
    CHECK_EQ(recv(fd, buf, sizeof buf, MSG_PEEK | MSG_DONTWAIT), 3); /* unread */
    CHECK_ERRNO(recv(fd, buf, sizeof buf, MSG_DONTWAIT), EPERM);
    len = sizeof saved->window;
    CHECK_EQ(getsockopt(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, saved->window, &len), 0);
    len = sizeof saved->info;
    getsockopt(fd, IPPROTO_TCP, TCP_INFO, &saved->info, &len);
    saved->stamp = (uint32_t)get(fd, IPPROTO_TCP, TCP_TIMESTAMP);
    close(fd); /* nobody hears of that */
}

static int put_together(const struct saved *saved)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct tcp_repair_opt options[] = {
        {2 /* MSS */, saved->info.tcpi_snd_mss},
        {3 /* window scales */,
         (uint32_t)(saved->info.tcpi_snd_wscale | saved->info.tcpi_rcv_wscale << 16)},
        {4 /* SACK */, 0},
        {8 /* timestamps */, 0},
    };

    CHECK_EQ(set(fd, IPPROTO_TCP, TCP_REPAIR, 1), 0);
    CHECK_EQ(set(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, TCP_SEND_QUEUE), 0);
    CHECK_EQ(set(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, (int)saved->sent), 0);
    CHECK_EQ(set(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, TCP_RECV_QUEUE), 0);
    CHECK_EQ(set(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, (int)saved->received - 3), 0);
    CHECK_EQ(bind(fd, &saved->ours.any, sizeof saved->ours.v4), 0);
    CHECK_EQ(connect(fd, &saved->theirs.any, sizeof saved->theirs.v4), 0);
    CHECK_EQ(setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_OPTIONS, options, sizeof options), 0);
    CHECK_EQ(set(fd, IPPROTO_TCP, TCP_TIMESTAMP, (int)saved->stamp), 0);
    CHECK_EQ(send(fd, "abc", 3, 0), 3); /* into the queue of what has arrived */
    CHECK_EQ(setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, saved->window, sizeof saved->window),
             0);
    CHECK_EQ(set(fd, IPPROTO_TCP, TCP_REPAIR, 0), 0);
    return fd;
}

static void moved_connection(void)
{
    struct saved saved = {};
    char buf[16];
    int s[2], fd, waiting;

    NEED(connection(AF_INET, s, NULL));
    if (set(s[0], IPPROTO_TCP, TCP_REPAIR, 1) && errno == EPERM)
        SKIP("needs CAP_NET_ADMIN");
    CHECK_EQ(set(s[0], IPPROTO_TCP, TCP_REPAIR, -1), 0);
    CHECK_EQ(write(s[0], "hello", 5), 5);
    CHECK_EQ(read(s[1], buf, 5), 5);
    CHECK_EQ(write(s[1], "abc", 3), 3);
    CHECK_EQ(recv(s[0], buf, 3, MSG_PEEK | MSG_WAITALL), 3);
    /* An acknowledgement of "hello" came with "abc"; that one has to be acknowledged, too, or it is
     * sent again while nobody is there. */
    CHECK_EQ(set(s[0], IPPROTO_TCP, TCP_QUICKACK, 1), 0);
    while (ioctl(s[1], TIOCOUTQ, &waiting) == 0 && waiting)
        usleep(1000);
    take_apart(s[0], &saved);
    fd = put_together(&saved);
    CHECK_EQ(read(fd, buf, sizeof buf), 3);
    CHECK(memcmp(buf, "abc", 3) == 0);
    CHECK_EQ(write(fd, "again", 5), 5);
    CHECK_EQ(recv(s[1], buf, 5, MSG_WAITALL), 5);
    CHECK(memcmp(buf, "again", 5) == 0);
    CHECK_EQ(write(s[1], "back", 4), 4);
    CHECK_EQ(recv(fd, buf, 4, MSG_WAITALL), 4);
    close(fd);
    CHECK_EQ(read(s[1], buf, sizeof buf), 0);
    close(s[1]);
}

int main(void)
{
    quiet_net();
    promise("SO_RCVMARK tells the sender's mark", mark_is_told);
    promise("a program chooses among sockets with SO_REUSEPORT", program_chooses);
    promise("SO_ATTACH_FILTER cuts and drops datagrams of AF_UNIX", unix_filter);
    promise("SO_PEERGROUPS tells the groups at the time of connecting", peer_groups);
    promise("SO_MEMINFO tells what waits", memory_is_told);
    promise("SO_BINDTOIFINDEX of an interface that is not there", absent_interface);
    promise("SO_TXTIME", departure_times);
    promise("IPV6_MTU cuts smaller, IPV6_RECVFRAGSIZE tells how small", fragment_sizes);
    promise("IPV6_RECVDSTOPTS tells the header", extension_headers);
    promise("IP_MSFILTER and MCAST_MSFILTER can be read", sources_are_told);
    promise("IPV6_ADDRFORM", address_form);
    promise("TCP_INQ tells what is left to be read", left_to_read);
    promise("TCP_SAVED_SYN", saved_syn);
    promise("IP_PKTOPTIONS", packet_options);
    promise("TCP_ZEROCOPY_RECEIVE of a few bytes", zerocopy_receive);
    promise("TCP_REPAIR moves a connection", moved_connection);
    return check_end();
}
