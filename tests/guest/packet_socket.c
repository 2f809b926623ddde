// AF_PACKET on lo: what passes is seen, filtered, counted, put into rings; frames can be sent.
#include "packet_lo.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>

// A datagram of our own over lo, to a socket that takes it: returns the port.
static unsigned send_one(unsigned bytes)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    static char data[2000];
    int a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK(bind(a, (void *)&at, len) == 0);
    CHECK(getsockname(a, (void *)&at, &len) == 0);
    CHECK_EQ(sendto(b, data, bytes, 0, (void *)&at, sizeof(at)), bytes);
    CHECK_EQ(recv(a, data, sizeof(data), 0), bytes);
    close(a);
    close(b);
    return ntohs(at.sin_port);
}

// Is that our datagram? frame: at its IP header.
static bool is_ours(const unsigned char *ip, unsigned port)
{
    return ip[0] == 0x45 && ip[9] == IPPROTO_UDP && (ip[22] << 8 | ip[23]) == (int)port;
}

// The next of the datagram's two frames, others passed over: its length, and where from.
static ssize_t next_frame(int fd, unsigned char *buf, size_t size, unsigned port, unsigned link,
                          struct sockaddr_ll *from)
{
    for (;;) {
        socklen_t len = sizeof(*from);
        ssize_t n = recvfrom(fd, buf, size, MSG_DONTWAIT, (void *)from, &len);
        if (n < 0 || (n >= (ssize_t)link + 24 && is_ours(buf + link, port)))
            return n;
    }
}

static void see_both_ways(void)
{
    unsigned char buf[2000];
    struct sockaddr_ll from;
    int fd = open_at_lo(SOCK_RAW, ETH_P_ALL);
    NEED(fd >= 0);
    unsigned port = send_one(100);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    CHECK_EQ(poll(&p, 1, 10000), 1);
    CHECK_EQ(next_frame(fd, buf, sizeof(buf), port, 14, &from), 142);
    CHECK_EQ(from.sll_family, AF_PACKET);
    CHECK_EQ(from.sll_pkttype, PACKET_OUTGOING);
    CHECK_EQ(from.sll_ifindex, lo);
    CHECK_EQ(from.sll_hatype, ARPHRD_LOOPBACK);
    CHECK_EQ(from.sll_halen, 6);
    CHECK_EQ(ntohs(from.sll_protocol), ETH_P_IP);
    CHECK_EQ(buf[12] << 8 | buf[13], ETH_P_IP);
    CHECK_EQ(next_frame(fd, buf, sizeof(buf), port, 14, &from), 142);
    CHECK_EQ(from.sll_pkttype, PACKET_HOST);
    struct tpacket_stats stats;
    socklen_t len = sizeof(stats);
    CHECK(getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0);
    CHECK(stats.tp_packets >= 2);
    CHECK_EQ(stats.tp_drops, 0);
    len = sizeof(stats);
    CHECK(getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0);
    close(fd);
}

static void without_link_header(void)
{
    unsigned char buf[2000];
    struct sockaddr_ll from;
    int fd = open_at_lo(SOCK_DGRAM, ETH_P_IP), arp = open_at_lo(SOCK_DGRAM, ETH_P_ARP);
    NEED(fd >= 0 && arp >= 0);
    unsigned port = send_one(50);
    // One protocol: what arrives only.
    CHECK_EQ(next_frame(fd, buf, sizeof(buf), port, 0, &from), 78);
    CHECK_EQ(from.sll_pkttype, PACKET_HOST);
    CHECK_EQ(next_frame(fd, buf, sizeof(buf), port, 0, &from), -1);
    CHECK_EQ(next_frame(arp, buf, sizeof(buf), port, 0, &from), -1);
    // Cut, and told.
    port = send_one(50);
    CHECK_EQ(recv(fd, buf, 10, MSG_PEEK), 10);
    CHECK_EQ(recv(fd, buf, 10, MSG_PEEK | MSG_TRUNC), 78);
    struct iovec iov = {buf, 10};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    CHECK_EQ(recvmsg(fd, &msg, 0), 10);
    CHECK_EQ(msg.msg_flags, MSG_TRUNC);
    close(fd);
    close(arp);
}

static void names(void)
{
    struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_ifindex = 9999};
    socklen_t len = sizeof(at);
    int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_IP));
    NEED(fd >= 0);
    CHECK_ERRNO(bind(fd, (void *)&at, sizeof(at)), ENODEV);
    at.sll_ifindex = lo;
    CHECK_ERRNO(bind(fd, (void *)&at, sizeof(at) - 1), EINVAL);
    at.sll_family = AF_INET;
    CHECK_ERRNO(bind(fd, (void *)&at, sizeof(at)), EINVAL);
    at.sll_family = AF_PACKET;
    CHECK(bind(fd, (void *)&at, sizeof(at)) == 0);
    memset(&at, 0xff, sizeof(at));
    CHECK(getsockname(fd, (void *)&at, &len) == 0);
    CHECK_EQ(len, 18);
    CHECK_EQ(at.sll_ifindex, lo);
    CHECK_EQ(at.sll_hatype, ARPHRD_LOOPBACK);
    CHECK_EQ(ntohs(at.sll_protocol), ETH_P_IP);
    CHECK_ERRNO(getpeername(fd, (void *)&at, &len), EOPNOTSUPP);
    CHECK_ERRNO(connect(fd, (void *)&at, sizeof(at)), EOPNOTSUPP);
    CHECK_ERRNO(listen(fd, 1), EOPNOTSUPP);
    CHECK_ERRNO(shutdown(fd, SHUT_RD), EOPNOTSUPP);
    close(fd);
    CHECK_ERRNO(socket(AF_PACKET, SOCK_STREAM, 0), ESOCKTNOSUPPORT);
}

// udp and ip[22:2] = port, cut to 30 bytes
static void filtered(void)
{
    struct sock_filter insns[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 5),
        BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
        BPF_STMT(BPF_LD | BPF_H | BPF_IND, 4), // the length
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 8 + 77, 0, 2),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)(SKF_AD_OFF + SKF_AD_IFINDEX)),
        BPF_STMT(BPF_RET | BPF_K, 30),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_fprog program = {sizeof(insns) / sizeof(insns[0]), insns};
    struct sock_filter got[8];
    unsigned char buf[200];
    struct sockaddr_ll from;
    int fd = socket(AF_PACKET, SOCK_DGRAM, 0), one = 1;
    NEED(fd >= 0);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0);
    socklen_t n = 0;
    CHECK(getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, got, &n) == 0);
    CHECK_EQ(n, 8);
    CHECK(getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, got, &n) == 0);
    CHECK(memcmp(got, insns, sizeof(insns)) == 0);
    struct sockaddr_ll at = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP), .sll_ifindex = lo};
    CHECK(bind(fd, (void *)&at, sizeof(at)) == 0);
    CHECK(setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)) == 0);
    send_one(60);
    unsigned port = send_one(77);
    char control[128];
    struct iovec iov = {buf, sizeof(buf)};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control,
                         .msg_controllen = sizeof(control)};
    CHECK_EQ(recvmsg(fd, &msg, MSG_DONTWAIT), 30);
    CHECK(is_ours(buf, port));
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    NEED(c != NULL);
    CHECK_EQ(c->cmsg_level, SOL_PACKET);
    CHECK_EQ(c->cmsg_type, PACKET_AUXDATA);
    const struct tpacket_auxdata *aux = (void *)CMSG_DATA(c);
    CHECK_EQ(aux->tp_len, 105);
    CHECK_EQ(aux->tp_snaplen, 30);
    CHECK_EQ(next_frame(fd, buf, sizeof(buf), port, 0, &from), -1);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &one, sizeof(one)) == 0);
    CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &one, sizeof(one)), ENOENT);
    // What could run without end, or is nothing.
    insns[7] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_IMM, 0);
    CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)), EINVAL);
    insns[7] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
    insns[1].jt = 200;
    CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)), EINVAL);
    insns[1].jt = 0;
    CHECK(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &one, sizeof(one)) == 0);
    CHECK_ERRNO(setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &one, sizeof(one)), EPERM);
    close(fd);
}

static void ring(void)
{
    enum { FRAME = 2048, BLOCK = 4096, BLOCKS = 4, FRAMES = 8 };
    struct tpacket_req req = {BLOCK, BLOCKS, FRAME, FRAMES};
    int fd = socket(AF_PACKET, SOCK_RAW, 0), version = TPACKET_V2, value = TPACKET_V2;
    socklen_t len = sizeof(value);
    NEED(fd >= 0);
    CHECK(getsockopt(fd, SOL_PACKET, PACKET_HDRLEN, &value, &len) == 0);
    CHECK_EQ(value, sizeof(struct tpacket2_hdr));
    value = 77;
    CHECK_ERRNO(getsockopt(fd, SOL_PACKET, PACKET_HDRLEN, &value, &len), EINVAL);
    CHECK(setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) == 0);
    req.tp_frame_nr = 7;
    CHECK_ERRNO(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof(req)), EINVAL);
    req.tp_frame_nr = FRAMES;
    CHECK(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof(req)) == 0);
    CHECK_ERRNO(mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), EINVAL);
    char *map = mmap(NULL, BLOCK * BLOCKS, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    NEED(map != MAP_FAILED);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    CHECK_EQ(poll(&p, 1, 0), 0);
    struct sockaddr_ll at = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP), .sll_ifindex = lo};
    CHECK(bind(fd, (void *)&at, sizeof(at)) == 0);
    unsigned port = send_one(100);
    CHECK_EQ(poll(&p, 1, 10000), 1);
    struct tpacket2_hdr *frame = NULL;
    for (int i = 0; i < FRAMES && !frame; i++) { // others may talk on lo, too
        struct tpacket2_hdr *f = (void *)(map + i * FRAME);
        if (f->tp_status & TP_STATUS_USER && is_ours((unsigned char *)f + f->tp_net, port))
            frame = f;
    }
    NEED(frame != NULL);
    CHECK_EQ(frame->tp_len, 142);
    CHECK_EQ(frame->tp_snaplen, 142);
    CHECK_EQ(frame->tp_net, frame->tp_mac + 14);
    CHECK(frame->tp_sec > 1000000000);
    const struct sockaddr_ll *from = (void *)((char *)frame + TPACKET_ALIGN(sizeof(*frame)));
    CHECK_EQ(from->sll_ifindex, lo);
    CHECK_EQ(from->sll_pkttype, PACKET_HOST);
    frame->tp_status = TP_STATUS_KERNEL;
    // Longer than a frame: as much as there is room for.
    port = send_one(1990);
    // More than there are frames: counted.
    for (int i = 0; i < 2 * FRAMES; i++)
        send_one(10);
    struct tpacket_stats stats;
    len = sizeof(stats);
    CHECK(getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0);
    CHECK(stats.tp_drops > 0 && stats.tp_drops < stats.tp_packets);
    bool cut = false;
    for (int i = 0; i < FRAMES; i++) {
        struct tpacket2_hdr *f = (void *)(map + i * FRAME);
        if (f->tp_status & TP_STATUS_USER && is_ours((unsigned char *)f + f->tp_net, port))
            cut = f->tp_len == 1990 + 42 && f->tp_snaplen == (unsigned)FRAME - f->tp_mac;
    }
    CHECK(cut);
    CHECK(munmap(map, BLOCK * BLOCKS) == 0);
    close(fd);
}

// A frame by hand: it arrives as any other. (Not from or to 127.0.0.1: Linux takes that for
// forged.)
static void sending(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000201)};
    struct ifreq second = {.ifr_name = "lo:1"};
    socklen_t len = sizeof(at);
    unsigned char frame[14 + 28 + 3] = {[12] = 8, 0, 0x45, 0, 0, 31, 0, 0, 0, 0, 64, 17};
    unsigned char buf[100];
    int u = socket(AF_INET, SOCK_DGRAM, 0), fd = open_at_lo(SOCK_RAW, ETH_P_ALL);
    NEED(u >= 0 && fd >= 0);
    memcpy(&second.ifr_addr, &at, sizeof(at));
    CHECK(ioctl(u, SIOCSIFADDR, &second) == 0);
    CHECK(bind(u, (void *)&at, len) == 0);
    CHECK(getsockname(u, (void *)&at, &len) == 0);
    memcpy(frame + 26, &(uint32_t){htonl(0xc6336409)}, 4);
    memcpy(frame + 30, &at.sin_addr, 4);
    unsigned sum = 0;
    for (int i = 14; i < 34; i += 2)
        sum += (unsigned)(frame[i] << 8 | frame[i + 1]);
    sum = ~((sum & 0xffff) + (sum >> 16));
    frame[24] = (unsigned char)(sum >> 8);
    frame[25] = (unsigned char)sum;
    frame[34] = 0x12;
    frame[35] = 0x34;
    memcpy(frame + 36, &at.sin_port, 2);
    frame[39] = 11; // length; no checksum
    memcpy(frame + 42, "hey", 3);
    struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = lo, .sll_halen = 6};
    CHECK_EQ(sendto(fd, frame, sizeof(frame), 0, (void *)&to, sizeof(to)), sizeof(frame));
    struct sockaddr_in from;
    len = sizeof(from);
    CHECK_EQ(recvfrom(u, buf, sizeof(buf), 0, (void *)&from, &len), 3);
    CHECK(memcmp(buf, "hey", 3) == 0);
    CHECK_EQ(ntohs(from.sin_port), 0x1234);
    CHECK_EQ(send(fd, frame, sizeof(frame), 0), sizeof(frame)); // where it is bound to
    CHECK_EQ(recv(u, buf, sizeof(buf), 0), 3);
    // The IP packet alone.
    int cooked = open_at_lo(SOCK_DGRAM, ETH_P_IP);
    to.sll_protocol = htons(ETH_P_IP);
    CHECK_EQ(sendto(cooked, frame + 14, sizeof(frame) - 14, 0, (void *)&to, sizeof(to)),
             sizeof(frame) - 14);
    CHECK_EQ(recv(u, buf, sizeof(buf), 0), 3);
    to.sll_ifindex = 9999;
    CHECK_ERRNO(sendto(fd, frame, sizeof(frame), 0, (void *)&to, sizeof(to)), ENXIO);
    CHECK_ERRNO(sendto(fd, frame, sizeof(frame), 0, (void *)&to, 8), EINVAL);
    close(u);
    close(fd);
    close(cooked);
}

static void memberships(void)
{
    struct packet_mreq mreq = {.mr_ifindex = lo, .mr_type = PACKET_MR_PROMISC};
    int fd = open_at_lo(SOCK_RAW, ETH_P_ALL);
    NEED(fd >= 0);
    CHECK(setsockopt(fd, SOL_PACKET, PACKET_DROP_MEMBERSHIP, &mreq, sizeof(mreq)) == 0); // none
    CHECK(setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &mreq, sizeof(mreq)) == 0);
    CHECK(setsockopt(fd, SOL_PACKET, PACKET_DROP_MEMBERSHIP, &mreq, sizeof(mreq)) == 0);
    mreq.mr_ifindex = 9999;
    CHECK_ERRNO(setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &mreq, sizeof(mreq)), ENODEV);
    close(fd);
}

int main(void)
{
    quiet_net();
    lo = (int)if_nametoindex("lo");
    int fd = socket(AF_PACKET, SOCK_RAW, 0);
    if (fd < 0 && errno == EPERM) {
        printf("1..0 # skip: needs CAP_NET_RAW\n");
        return 0;
    }
    close(fd);
    promise("what leaves and what arrives is seen, each once, with its link header", see_both_ways);
    promise("SOCK_DGRAM has no link header; a protocol is what arrives of it", without_link_header);
    promise("names, and what there is not", names);
    promise("a filter chooses and cuts", filtered);
    promise("a TPACKET_V2 ring", ring);
    promise("frames by hand", sending);
    promise("memberships", memberships);
    return check_end();
}
