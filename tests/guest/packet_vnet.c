// PACKET_VNET_HDR: what the sender leaves to be done, and what has not been done to what is shown.
#include "packet_lo.h"

#include <fcntl.h>
#include <linux/virtio_net.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>

#ifndef PACKET_VNET_HDR_SZ
#define PACKET_VNET_HDR_SZ 24
#endif
#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

enum { HEADER = sizeof(struct virtio_net_hdr), IP_AT = HEADER + FRAME_HEAD, MOST = 20000 };

static const uint32_t here = 0xc0000201, there = 0xc6336409;

// A socket of UDP at an address of lo that is not 127.0.0.1: what comes by hand may go there.
static int open_udp(struct sockaddr_in *at)
{
    struct ifreq second = {.ifr_name = "lo:1"};
    struct timeval timeout = {60, 0};
    socklen_t len = sizeof(*at);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    *at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(here)};
    memcpy(&second.ifr_addr, at, sizeof(*at));
    CHECK(ioctl(fd, SIOCSIFADDR, &second) == 0);
    CHECK(bind(fd, (void *)at, len) == 0 && getsockname(fd, (void *)at, &len) == 0);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) == 0);
    return fd;
}

// What comes from there may come by lo, though no way leads back: hosts hand their rp_filter on.
static void let_in_what_is_far(void)
{
    static const char *const files[] = {"/proc/sys/net/ipv4/conf/all/rp_filter",
                                        "/proc/sys/net/ipv4/conf/lo/rp_filter"};
    for (unsigned i = 0; i < 2; i++) {
        int fd = open(files[i], O_WRONLY);
        CHECK(fd < 0 || write(fd, "0", 1) == 1);
        close(fd);
    }
}

static unsigned sum_of(const unsigned char *data, unsigned n, unsigned sum)
{
    for (unsigned i = 0; i < n; i += 2)
        sum += (unsigned)(data[i] << 8 | data[i + 1]);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

static void put16(unsigned char *at, unsigned value)
{
    at[0] = (unsigned char)(value >> 8);
    at[1] = (unsigned char)value;
}

// A virtio header, Ethernet, IPv4, and room for `transport` bytes of headers and n of data, of
// which the first `sums` tell nothing yet. Its length.
static unsigned make(unsigned char *frame, unsigned protocol, unsigned port, unsigned transport,
                     unsigned n)
{
    unsigned char *ip = frame + IP_AT, *t = ip + 20;
    memset(frame, 0, IP_AT + 20 + transport);
    memset(t + transport, 'x', n);
    frame[HEADER + 12] = 8;
    ip[0] = 0x45;
    put16(ip + 2, 20 + transport + n);
    ip[8] = 64;
    ip[9] = (unsigned char)protocol;
    memcpy(ip + 12, &(uint32_t){htonl(there)}, 4);
    memcpy(ip + 16, &(uint32_t){htonl(here)}, 4);
    put16(ip + 10, ~sum_of(ip, 20, 0) & 0xffff);
    put16(t, 0x1234);
    put16(t + 2, port);
    unsigned pseudo = sum_of(ip + 12, 8, protocol + transport + n);
    if (protocol == IPPROTO_UDP) {
        put16(t + 4, 8 + n);
        put16(t + 6, pseudo);
    } else {
        t[12] = 5 << 4;
        t[13] = 0x10;
        put16(t + 16, pseudo);
    }
    return IP_AT + 20 + transport + n;
}

static void options(void)
{
    int raw = open_at_lo(SOCK_RAW, 0), bare = open_at_lo(SOCK_DGRAM, 0);
    NEED(raw >= 0 && bare >= 0);
    CHECK(!set_int(bare, PACKET_VNET_HDR, 1) && errno == EINVAL);
    CHECK(!set_int(raw, PACKET_VNET_HDR_SZ, 11) && errno == EINVAL);
    CHECK(set_int(raw, PACKET_VNET_HDR, 5));
    CHECK_EQ(get_int(raw, PACKET_VNET_HDR), 1);
    CHECK_EQ(get_int(raw, PACKET_VNET_HDR_SZ), 10);
    CHECK(set_int(raw, PACKET_VNET_HDR_SZ, 12));
    CHECK_EQ(get_int(raw, PACKET_VNET_HDR_SZ), 12);
    CHECK(set_int(raw, PACKET_VNET_HDR, 0));
    CHECK_EQ(get_int(raw, PACKET_VNET_HDR_SZ), 0);
    close(raw);
    close(bare);
}

static void received(void)
{
    unsigned char buf[500];
    struct virtio_net_hdr *h = (void *)buf;
    struct sockaddr_in at;
    int fd = open_at_lo(SOCK_RAW, OURS), ip = open_at_lo(SOCK_RAW, ETH_P_IP), udp = open_udp(&at);
    NEED(fd >= 0 && ip >= 0 && udp >= 0);
    CHECK(set_int(fd, PACKET_VNET_HDR, 1) && set_int(ip, PACKET_VNET_HDR_SZ, 12));
    CHECK(send_ours(100, 3) && send_ours(100, 4));
    CHECK_ERRNO(recv(fd, buf, HEADER - 1, 0), EINVAL);
    memset(buf, 0xff, sizeof(buf));
    CHECK_EQ(recv(fd, buf, sizeof(buf), 0), HEADER + 114);
    CHECK_EQ(h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM, 0);
    CHECK_EQ(h->gso_type, VIRTIO_NET_HDR_GSO_NONE);
    CHECK_EQ(buf[HEADER + 113], 4);
    // A datagram that never leaves this host: nobody sums it up.
    int out = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_EQ(sendto(out, "hey", 3, 0, (void *)&at, sizeof(at)), 3);
    NEED(is_readable(ip));
    CHECK_EQ(recv(ip, buf, sizeof(buf), 0), 12 + 14 + 28 + 3);
    CHECK_EQ(h->flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
    CHECK_EQ(h->csum_start, 34);
    CHECK_EQ(h->csum_offset, 6);
    CHECK(memcmp(buf + 12 + 14 + 28, "hey", 3) == 0);
    close(fd);
    close(ip);
    close(udp);
    close(out);
}

static void checksums(void)
{
    unsigned char frame[MOST], buf[100];
    struct virtio_net_hdr *h = (void *)frame;
    struct sockaddr_in at;
    int udp = open_udp(&at), fd = open_at_lo(SOCK_RAW, 0);
    unsigned n = make(frame, IPPROTO_UDP, ntohs(at.sin_port), 8, 30);
    NEED(udp >= 0 && fd >= 0 && set_int(fd, PACKET_VNET_HDR, 1));
    CHECK_EQ(send(fd, frame, n, 0), n); // its checksum is wrong, and nobody is to mend it
    h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
    h->csum_start = 34;
    h->csum_offset = 6;
    frame[n - 1] = 'y';
    CHECK_EQ(send(fd, frame, n, 0), n);
    CHECK_EQ(recv(udp, buf, sizeof(buf), 0), 30);
    CHECK_EQ(buf[29], 'y');
    // What cannot be.
    h->csum_start = (uint16_t)(n - HEADER - 7);
    CHECK_ERRNO(send(fd, frame, n, 0), EINVAL);
    h->csum_start = 10;
    CHECK_ERRNO(send(fd, frame, n, 0), EINVAL);
    memset(h, 0, sizeof(*h));
    h->hdr_len = (uint16_t)(n - HEADER + 1);
    CHECK_ERRNO(send(fd, frame, n, 0), EINVAL);
    CHECK_ERRNO(send(fd, frame, HEADER - 1, 0), EINVAL);
    CHECK_ERRNO(send(fd, frame, HEADER + 5, 0), EINVAL);
    close(udp);
    close(fd);
}

static void cut_up(void)
{
    unsigned char frame[MOST], buf[2000];
    struct virtio_net_hdr *h = (void *)frame;
    struct sockaddr_in at;
    int udp = open_udp(&at), fd = open_at_lo(SOCK_RAW, 0);
    unsigned n = make(frame, IPPROTO_UDP, ntohs(at.sin_port), 8, 250);
    NEED(udp >= 0 && fd >= 0 && set_int(fd, PACKET_VNET_HDR, 1));
    *h = (struct virtio_net_hdr){.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                                 .gso_type = VIRTIO_NET_HDR_GSO_UDP_L4,
                                 .hdr_len = 42,
                                 .gso_size = 100,
                                 .csum_start = 34,
                                 .csum_offset = 6};
    CHECK_EQ(send(fd, frame, n, 0), n);
    CHECK_EQ(recv(udp, buf, sizeof(buf), 0), 100);
    CHECK_EQ(recv(udp, buf, sizeof(buf), 0), 100);
    CHECK_EQ(recv(udp, buf, sizeof(buf), 0), 50);
    h->gso_size = 0;
    CHECK_ERRNO(send(fd, frame, n, 0), EINVAL);
    h->gso_size = 100;
    h->gso_type = 9;
    CHECK_ERRNO(send(fd, frame, n, 0), EINVAL);
    h->gso_type = VIRTIO_NET_HDR_GSO_ECN;
    CHECK_ERRNO(send(fd, frame, n, 0), EINVAL);
    h->gso_type = VIRTIO_NET_HDR_GSO_UDP_L4;
    h->flags = 0;
    CHECK_ERRNO(send(fd, frame, n, 0), EINVAL);
    close(udp);
    close(fd);
}

// One large segment of TCP, as whoever looks on sees it.
static void large_segment(void)
{
    unsigned char frame[MOST], buf[MOST];
    struct virtio_net_hdr *h = (void *)frame, *told = (void *)buf;
    struct sockaddr_in at;
    int udp = open_udp(&at), fd = open_at_lo(SOCK_RAW, 0), in = open_at_lo(SOCK_RAW, ETH_P_IP);
    unsigned n = make(frame, IPPROTO_TCP, 9, 20, 9000);
    NEED(fd >= 0 && in >= 0);
    CHECK(set_int(fd, PACKET_VNET_HDR, 1) && set_int(in, PACKET_VNET_HDR, 1));
    *h = (struct virtio_net_hdr){.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                                 .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
                                 .hdr_len = 54,
                                 .gso_size = 1000,
                                 .csum_start = 34,
                                 .csum_offset = 16};
    CHECK_EQ(send(fd, frame, n, 0), n);
    NEED(is_readable(in));
    CHECK_EQ(recv(in, buf, sizeof(buf), 0), n);
    CHECK_EQ(told->gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
    CHECK_EQ(told->gso_size, 1000);
    CHECK_EQ(told->flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
    CHECK_EQ(told->csum_start, 34);
    CHECK_EQ(told->csum_offset, 16);
    CHECK(memcmp(buf + IP_AT + 40, frame + IP_AT + 40, 9000) == 0);
    h->csum_offset = 6;
    CHECK_ERRNO(send(fd, frame, n, 0), EINVAL);
    close(udp);
    close(fd);
    close(in);
}

static void in_rings(void)
{
    enum { BLOCK = 4096, FRAME = 1024, MAP = 4 * BLOCK };
    struct tpacket_req r = {BLOCK, 4, FRAME, MAP / FRAME};
    struct sockaddr_in at;
    unsigned char buf[100];
    int udp = open_udp(&at), fd = open_at_lo(SOCK_RAW, ETH_P_IP);
    NEED(udp >= 0 && fd >= 0);
    CHECK(set_int(fd, PACKET_VERSION, TPACKET_V2) && set_int(fd, PACKET_VNET_HDR, 1));
    NEED(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &r, sizeof(r)) == 0);
    NEED(setsockopt(fd, SOL_PACKET, PACKET_TX_RING, &r, sizeof(r)) == 0);
    char *in = mmap(NULL, 2 * MAP, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), *out = in + MAP;
    NEED(in != MAP_FAILED);
    struct tpacket2_hdr *h = (void *)out, *got = (void *)in;
    struct virtio_net_hdr *v = (void *)(out + 32);
    unsigned n = make((void *)v, IPPROTO_UDP, ntohs(at.sin_port), 8, 30);
    v->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
    v->csum_start = 34;
    v->csum_offset = 6;
    h->tp_len = n;
    h->tp_status = TP_STATUS_SEND_REQUEST;
    CHECK_EQ(send(fd, NULL, 0, 0), n - HEADER);
    CHECK_EQ(recv(udp, buf, sizeof(buf), 0), 30);
    CHECK_EQ(h->tp_status, TP_STATUS_AVAILABLE);
    NEED(is_readable(fd));
    CHECK_EQ(got->tp_status & 9, TP_STATUS_USER | TP_STATUS_CSUMNOTREADY);
    CHECK_EQ(got->tp_len, n - HEADER);
    CHECK_EQ(got->tp_mac, 66 + 10);
    v = (void *)(in + got->tp_mac - HEADER);
    CHECK_EQ(v->flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
    CHECK_EQ(v->csum_start, 34);
    // Shorter than its header; and a header longer than the frame.
    h = (void *)(out + FRAME);
    h->tp_len = HEADER - 1;
    h->tp_status = TP_STATUS_SEND_REQUEST;
    CHECK_ERRNO(send(fd, NULL, 0, 0), EINVAL);
    CHECK_EQ(h->tp_status, TP_STATUS_WRONG_FORMAT);
    make((void *)(out + FRAME + 32), IPPROTO_UDP, 9, 8, 30);
    ((struct virtio_net_hdr *)(out + FRAME + 32))->hdr_len = 500;
    h->tp_len = n;
    h->tp_status = TP_STATUS_SEND_REQUEST;
    CHECK_ERRNO(send(fd, NULL, 0, 0), EINVAL);
    munmap(in, 2 * MAP);
    close(fd);
    close(udp);
}

int main(void)
{
    begin_on_lo();
    let_in_what_is_far();
    promise("the header's size is set", options);
    promise("what arrives says what is not done yet", received);
    promise("checksums are left to be made", checksums);
    promise("datagrams are cut up", cut_up);
    promise("large segments are shown whole", large_segment);
    promise("rings have the header before the frame", in_rings);
    return check_end();
}
