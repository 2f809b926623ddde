// SOCK_RAW over the loopback of IPv4: headers, filters, IP_HDRINCL; ping sockets.
#include "check.h"
#include "quiet_net.h"

#include <arpa/inet.h>
#include <linux/icmp.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <poll.h>
#include <sys/wait.h>

#ifndef ICMP_FILTER
#define ICMP_FILTER 1
#endif

static const struct sockaddr_in here = {.sin_family = AF_INET,
                                        .sin_addr.s_addr = __builtin_bswap32(INADDR_LOOPBACK)};

static uint16_t sum_of(const void *data, size_t n)
{
    const unsigned char *p = data;
    unsigned sum = 0;
    for (size_t i = 0; i + 1 < n; i += 2)
        sum += (unsigned)(p[i] << 8 | p[i + 1]);
    if (n & 1)
        sum += (unsigned)p[n - 1] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return htons((uint16_t)~sum);
}

static struct icmphdr echo(unsigned id, unsigned sequence)
{
    struct icmphdr h = {.type = ICMP_ECHO};
    h.un.echo.id = htons((uint16_t)id);
    h.un.echo.sequence = htons((uint16_t)sequence);
    h.checksum = sum_of(&h, sizeof(h));
    return h;
}

static void wait_for(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    CHECK_EQ(poll(&p, 1, 10000), 1);
}

static void echoes(void)
{
    struct sockaddr_in from;
    socklen_t len = sizeof(from);
    unsigned char buf[200];
    int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    NEED(fd >= 0);
    struct icmphdr h = echo(77, 5);
    CHECK_EQ(sendto(fd, &h, sizeof(h), 0, (void *)&here, sizeof(here)), sizeof(h));
    // Our own request first, then the answer; each with its IP header.
    for (int i = 0; i < 2; i++) {
        wait_for(fd);
        CHECK_EQ(recvfrom(fd, buf, sizeof(buf), 0, (void *)&from, &len), 28);
        CHECK_EQ(buf[0], 0x45);
        CHECK_EQ(buf[9], IPPROTO_ICMP);
        CHECK_EQ(buf[2] << 8 | buf[3], 28);
        CHECK_EQ(buf[20], i ? ICMP_ECHOREPLY : ICMP_ECHO);
        CHECK_EQ(buf[24] << 8 | buf[25], 77);
        CHECK_EQ(from.sin_addr.s_addr, here.sin_addr.s_addr);
        CHECK_EQ(from.sin_port, 0);
    }
    // Without the requests.
    uint32_t filter = ~(1u << ICMP_ECHOREPLY), got = 0;
    CHECK(setsockopt(fd, 255, ICMP_FILTER, &filter, sizeof(filter)) == 0);
    len = sizeof(got);
    CHECK(getsockopt(fd, 255, ICMP_FILTER, &got, &len) == 0);
    CHECK_EQ(got, filter);
    CHECK_EQ(sendto(fd, &h, sizeof(h), 0, (void *)&here, sizeof(here)), sizeof(h));
    wait_for(fd);
    CHECK_EQ(recv(fd, buf, sizeof(buf), 0), 28);
    CHECK_EQ(buf[20], ICMP_ECHOREPLY);
    CHECK_ERRNO(recv(fd, buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);

    close(fd);
}

static void own_protocol(void)
{
    enum { PROTOCOL = 253 };
    unsigned char buf[100];
    int a = socket(AF_INET, SOCK_RAW, PROTOCOL), b = socket(AF_INET, SOCK_RAW, PROTOCOL);
    NEED(a >= 0 && b >= 0);
    struct sockaddr_in second = here, name;
    socklen_t len = sizeof(name);
    second.sin_addr.s_addr = htonl(0x7f000002);
    CHECK(bind(b, (void *)&second, sizeof(second)) == 0);
    CHECK(getsockname(b, (void *)&name, &len) == 0);
    CHECK_EQ(name.sin_addr.s_addr, second.sin_addr.s_addr);
    CHECK_EQ(ntohs(name.sin_port), PROTOCOL);
    CHECK_ERRNO(send(a, "abc", 3, 0), EDESTADDRREQ);
    CHECK_EQ(sendto(a, "abc", 3, 0, (void *)&here, sizeof(here)), 3);
    wait_for(a);
    CHECK_EQ(recv(a, buf, sizeof(buf), 0), 23);
    CHECK_EQ(buf[9], PROTOCOL);
    CHECK(memcmp(buf + 20, "abc", 3) == 0);
    CHECK_ERRNO(recv(b, buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
    // To the other address: both.
    CHECK(connect(a, (void *)&second, sizeof(second)) == 0);
    CHECK_EQ(send(a, "defg", 4, 0), 4);
    wait_for(b);
    CHECK_EQ(recv(b, buf, sizeof(buf), 0), 24);
    close(a);
    close(b);
}

static void header_included(void)
{
    enum { PROTOCOL = 254 };
    unsigned char buf[100];
    int in = socket(AF_INET, SOCK_RAW, PROTOCOL), out = socket(AF_INET, SOCK_RAW, IPPROTO_RAW), on;
    socklen_t len = sizeof(on);
    NEED(in >= 0 && out >= 0);
    CHECK(getsockopt(out, IPPROTO_IP, IP_HDRINCL, &on, &len) == 0);
    CHECK_EQ(on, 1);
    struct {
        struct iphdr ip;
        char data[4];
    } packet = {{.version = 4, .ihl = 5, .tos = 8, .ttl = 9, .protocol = PROTOCOL}, "data"};
    packet.ip.daddr = here.sin_addr.s_addr;
    CHECK_EQ(sendto(out, &packet, sizeof(packet), 0, (void *)&here, sizeof(here)), sizeof(packet));
    wait_for(in);
    CHECK_EQ(recv(in, buf, sizeof(buf), 0), 24);
    CHECK_EQ(buf[1], 8);
    CHECK_EQ(buf[8], 9);
    CHECK_EQ(buf[9], PROTOCOL);
    CHECK_EQ(buf[2] << 8 | buf[3], 24);              // filled in
    CHECK(memcmp(buf + 12, &here.sin_addr, 4) == 0); // so is the source
    CHECK_EQ(sum_of(buf, 20), 0);                    // and the sum
    CHECK(memcmp(buf + 20, "data", 4) == 0);
    CHECK_ERRNO(sendto(out, &packet, 10, 0, (void *)&here, sizeof(here)), EINVAL);
    close(in);
    close(out);
}

static void names(void)
{
    struct sockaddr_in foreign = here;
    int fd = socket(AF_INET, SOCK_RAW, 253), one = 1;
    NEED(fd >= 0);
    foreign.sin_addr.s_addr = htonl(0x01020304);
    CHECK_ERRNO(bind(fd, (void *)&foreign, sizeof(foreign)), EADDRNOTAVAIL);
    CHECK_ERRNO(listen(fd, 1), EOPNOTSUPP);
    CHECK_ERRNO(setsockopt(fd, 255, ICMP_FILTER, &one, sizeof(one)), EOPNOTSUPP);
    close(fd);
    CHECK_ERRNO(socket(AF_INET, SOCK_RAW, 0), EPROTONOSUPPORT);
    CHECK_ERRNO(socket(AF_INET, SOCK_RAW, 300), EINVAL);
    CHECK_ERRNO(socket(AF_INET, SOCK_SEQPACKET, 0), ESOCKTNOSUPPORT);
    CHECK_ERRNO(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP), EPROTONOSUPPORT);
    CHECK_ERRNO(socket(AF_INET, 11, 0), EINVAL);
    CHECK_ERRNO(socket(47, SOCK_DGRAM, 0), EAFNOSUPPORT);
}

// Who has not the capability gets none.
static void unprivileged(void)
{
    pid_t pid = fork();
    NEED(pid >= 0);
    if (pid == 0) {
        bool good = setgid(12345) == 0 && setuid(12345) == 0;
        good = good && socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) < 0 && errno == EPERM;
        good = good && socket(AF_PACKET, SOCK_RAW, 0) < 0 && errno == EPERM;
        _exit(!good);
    }
    int status = -1;
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK_EQ(status, 0);
}

static void ping_socket(void)
{
    struct sockaddr_in name, from;
    socklen_t len = sizeof(name);
    unsigned char buf[100];
    int fd = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
    if (fd < 0 && errno == EACCES)
        SKIP("ping_group_range says no");
    NEED(fd >= 0);
    struct {
        struct icmphdr h;
        char data[5];
    } request = {echo(1, 3), "hello"}; // the identifier is the kernel's
    CHECK_ERRNO(sendto(fd, &request, 4, 0, (void *)&here, sizeof(here)), EINVAL);
    CHECK_EQ(sendto(fd, &request, sizeof(request), 0, (void *)&here, sizeof(here)),
             sizeof(request));
    CHECK(getsockname(fd, (void *)&name, &len) == 0);
    CHECK(name.sin_port != 0);
    wait_for(fd);
    CHECK_EQ(recvfrom(fd, buf, sizeof(buf), 0, (void *)&from, &len), sizeof(request));
    CHECK_EQ(buf[0], ICMP_ECHOREPLY);
    CHECK(memcmp(buf + 4, &name.sin_port, 2) == 0);
    CHECK_EQ(buf[6] << 8 | buf[7], 3);
    CHECK(memcmp(buf + 8, "hello", 5) == 0);
    CHECK_EQ(from.sin_addr.s_addr, here.sin_addr.s_addr);
    CHECK_ERRNO(recv(fd, buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
    // The same identifier twice: no.
    int other = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
    name.sin_addr.s_addr = INADDR_ANY;
    CHECK_ERRNO(bind(other, (void *)&name, sizeof(name)), EADDRINUSE);
    name.sin_port = htons(4242);
    CHECK(bind(other, (void *)&name, sizeof(name)) == 0);
    request.h.type = ICMP_TIMESTAMP;
    CHECK_ERRNO(sendto(fd, &request, sizeof(request), 0, (void *)&here, sizeof(here)), EINVAL);
    close(fd);
    close(other);
}

int main(void)
{
    quiet_net();
    int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    if (fd < 0 && errno == EPERM) {
        printf("1..0 # skip: needs CAP_NET_RAW\n");
        return 0;
    }
    close(fd);
    promise("echo request and reply, with their IP headers; ICMP_FILTER", echoes);
    promise("a protocol of one's own, by address", own_protocol);
    promise("IP_HDRINCL fills in what is left out", header_included);
    promise("what there is not", names);
    promise("nothing without CAP_NET_RAW", unprivileged);
    promise("a ping socket gets the answers to its own echoes", ping_socket);
    return check_end();
}
