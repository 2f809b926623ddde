/* Floods on a wire: frames as fast as is asked for, from a packet socket on an interface.
 *
 * flood IF KIND TO-MAC TO-ADDRESS PORT RATE
 *   syn        beginnings of connections from anywhere: each another source beyond the link
 *   near       the same from sources on the link (10 of the address's /24 to 250)
 *   udp        datagrams of 18 bytes, from one source
 *   fragment   first or later parts of datagrams of which the rest never comes
 *
 * RATE in frames a second. Ends by SIGTERM and says how many it has sent. Sources are chosen by a
 * seed of its own: each run sends the same frames. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, ETHERNET = 14, IP = 20, FRAGMENT_BYTES = 1400, FRAME_MAX = 1514 };

static volatile sig_atomic_t stopped;
static uint8_t frames[BATCH][FRAME_MAX];
static uint8_t to_mac[6];
static const uint8_t own_mac[6] = {0x02, 0, 0, 0, 0x66, 0x66};
static uint32_t to; /* host order, as all numbers here */
static unsigned port;

static void stop(int signal)
{
    stopped = signal;
}

static uint32_t rnd(void)
{
    static uint64_t state = 88172645463325252u;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 16);
}

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v & 0xffff);
}

static uint32_t add(const uint8_t *p, unsigned n, uint32_t sum)
{
    for (unsigned i = 0; i + 1 < n; i += 2)
        sum += (uint32_t)p[i] << 8 | p[i + 1];
    return n & 1 ? sum + ((uint32_t)p[n - 1] << 8) : sum;
}

static unsigned folded(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return ~sum & 0xffff;
}

/* Ethernet and IP in front of n bytes; which part of a datagram by `fragment`. */
static unsigned put_ip(uint8_t *f, uint32_t from, unsigned protocol, unsigned n, unsigned fragment)
{
    uint8_t *ip = f + ETHERNET;

    memcpy(f, to_mac, 6);
    memcpy(f + 6, own_mac, 6);
    put16(f + 12, ETHERTYPE_IP);
    memset(ip, 0, IP);
    ip[0] = 0x45;
    put16(ip + 2, IP + n);
    put16(ip + 4, rnd() & 0xffff);
    put16(ip + 6, fragment);
    ip[8] = 64;
    ip[9] = (uint8_t)protocol;
    put32(ip + 12, from);
    put32(ip + 16, to);
    put16(ip + 10, folded(add(ip, IP, 0)));
    return ETHERNET + IP + n;
}

/* The sum over addresses, protocol, length and the n bytes behind the IP header. */
static unsigned transport_sum(const uint8_t *f, unsigned n)
{
    const uint8_t *ip = f + ETHERNET;

    return folded(add(ip + IP, n, add(ip + 12, 8, ip[9] + n)));
}

static unsigned syn_from(uint8_t *f, uint32_t from)
{
    uint8_t *tcp = f + ETHERNET + IP;
    unsigned len = put_ip(f, from, IPPROTO_TCP, 24, 0);

    memset(tcp, 0, 24);
    put16(tcp, 1024 + rnd() % 60000);
    put16(tcp + 2, port);
    put32(tcp + 4, rnd());
    tcp[12] = 6 << 4;
    tcp[13] = 2; /* SYN */
    put16(tcp + 14, 65535);
    put32(tcp + 20, 2u << 24 | 4 << 16 | 1460);
    put16(tcp + 16, transport_sum(f, 24));
    return len;
}

static unsigned make_syn(uint8_t *f)
{
    return syn_from(f, 0xc6120000 | (rnd() & 0x1ffff)); /* 198.18.0.0/15, RFC 2544 */
}

static unsigned make_near(uint8_t *f)
{
    return syn_from(f, (to & 0xffffff00) | (10 + rnd() % 240));
}

static unsigned make_udp(uint8_t *f)
{
    uint8_t *udp = f + ETHERNET + IP;
    unsigned len = put_ip(f, (to & 0xffffff00) | 1, IPPROTO_UDP, 26, 0);

    put16(udp, 4000 + rnd() % 1000);
    put16(udp + 2, port);
    put16(udp + 4, 26);
    put16(udp + 6, 0);
    memset(udp + 8, 'x', 18);
    put16(udp + 6, transport_sum(f, 26));
    return len;
}

static unsigned make_fragment(uint8_t *f)
{
    unsigned first = rnd() & 1, at = first ? 0 : FRAGMENT_BYTES / 8 * (1 + rnd() % 30);
    unsigned len = put_ip(f, 0xc6120000 | (rnd() & 0xff), IPPROTO_UDP, FRAGMENT_BYTES, 0x2000 | at);

    memset(f + ETHERNET + IP, (int)at, FRAGMENT_BYTES);
    return len;
}

static const struct kind {
    const char *name;
    unsigned (*make)(uint8_t *f);
} kinds[] = {
    {"syn", make_syn}, {"near", make_near}, {"udp", make_udp}, {"fragment", make_fragment}};

static int open_interface(const char *name)
{
    struct sockaddr_ll address = {.sll_family = AF_PACKET,
                                  .sll_ifindex = (int)if_nametoindex(name)};
    int fd = socket(AF_PACKET, SOCK_RAW, 0), on = 1;

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        perror(name);
        exit(2);
    }
    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on));
    return fd;
}

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void send_batch(int fd, unsigned (*make)(uint8_t *f))
{
    struct mmsghdr messages[BATCH] = {};
    struct iovec pieces[BATCH];
    int sent = 0, n;

    for (unsigned i = 0; i < BATCH; i++) {
        pieces[i] = (struct iovec){frames[i], make(frames[i])};
        messages[i].msg_hdr.msg_iov = &pieces[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    while (sent < BATCH && !stopped) {
        n = sendmmsg(fd, messages + sent, (unsigned)(BATCH - sent), 0);
        if (n < 0 && errno != ENOBUFS && errno != EINTR && errno != EAGAIN) {
            perror("sendmmsg");
            exit(1);
        }
        sent += n > 0 ? n : 1; /* no room: that frame is lost */
    }
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = stop};
    const struct kind *kind = NULL;
    uint64_t began, sent = 0, rate;
    struct in_addr address;

    for (unsigned i = 0; argc == 7 && i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (!strcmp(argv[2], kinds[i].name))
            kind = &kinds[i];
    if (!kind || !ether_aton(argv[3]) || !inet_aton(argv[4], &address)) {
        fprintf(stderr, "flood IF KIND TO-MAC TO-ADDRESS PORT RATE; see flood.c\n");
        return 2;
    }
    memcpy(to_mac, ether_aton(argv[3]), 6);
    to = ntohl(address.s_addr);
    port = (unsigned)atoi(argv[5]);
    rate = strtoull(argv[6], NULL, 0);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);

    int fd = open_interface(argv[1]);

    for (began = now_ns(); !stopped; sent += BATCH) {
        uint64_t due = began + sent * 1000000000u / rate, now = now_ns();

        if (due > now)
            usleep((useconds_t)((due - now) / 1000));
        send_batch(fd, kind->make);
    }
    printf("%llu frames, %llu a second\n", (unsigned long long)sent,
           (unsigned long long)(sent * 1000000000u / (now_ns() - began + 1)));
    return 0;
}
