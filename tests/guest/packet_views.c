// What packet sockets are shown and told beside the bytes: addresses, tags, marks, memberships; the
// obsolete SOCK_PACKET; and what sock_diag says of them all.
#include "packet_lo.h"

#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/packet_diag.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

static void hand_made_frames(void)
{
    static const unsigned char to[][6] = {{0}, {2, 0, 0, 0, 0, 1}, {255, 255, 255, 255, 255, 255}};
    static const int kinds[] = {PACKET_HOST, PACKET_OTHERHOST, PACKET_MULTICAST};
    int fd = open_at_lo(SOCK_RAW, ETH_P_ALL);
    NEED(fd >= 0);
    for (int i = 0; i < 3; i++) {
        unsigned char frame[40] = {[6] = 6, 5, 4, 3, 2, 1, 0x88, 0xb5, 9}, buf[100];
        struct sockaddr_ll from;
        socklen_t len = sizeof(from);
        memcpy(frame, to[i], 6);
        CHECK_EQ(send(sender, frame, sizeof(frame), 0), sizeof(frame));
        CHECK_EQ(recv(witness, buf, sizeof(buf), 0), sizeof(frame) - 14);
        CHECK_EQ(recvfrom(fd, buf, sizeof(buf), 0, (void *)&from, &len), sizeof(frame));
        CHECK_EQ(from.sll_pkttype, PACKET_OUTGOING);
        CHECK(memcmp(buf, frame, sizeof(frame)) == 0);
        CHECK_EQ(recvfrom(fd, buf, sizeof(buf), 0, (void *)&from, &len), sizeof(frame));
        CHECK_EQ(from.sll_pkttype, kinds[i]);
        CHECK(memcmp(buf, frame, sizeof(frame)) == 0);
        CHECK(memcmp(from.sll_addr, frame + 6, 6) == 0);
    }
    close(fd);
}

static const unsigned char tagged[60] = {[6] = 2, 3, 4, 5, 6, 7, 0x81, 0, 0x20, 5, 0x88, 0xb5, 'd'};

static void take_tagged(int fd, bool expected)
{
    char control[200], buf[100];
    struct iovec iov = {buf, sizeof(buf)};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control,
                         .msg_controllen = sizeof(control)};
    NEED(is_readable(fd));
    CHECK_EQ(recvmsg(fd, &msg, 0), sizeof(tagged) - 4);
    CHECK(buf[12] == (char)0x88 && buf[14] == 'd');
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    NEED(c && c->cmsg_type == PACKET_AUXDATA);
    struct tpacket_auxdata aux;
    memcpy(&aux, CMSG_DATA(c), sizeof(aux));
    CHECK_EQ(aux.tp_len, sizeof(tagged) - 4);
    CHECK_EQ(aux.tp_status & (TP_STATUS_VLAN_VALID | TP_STATUS_VLAN_TPID_VALID),
             expected ? TP_STATUS_VLAN_VALID | TP_STATUS_VLAN_TPID_VALID : 0);
    CHECK_EQ(aux.tp_vlan_tci, expected ? 0x2005 : 0);
    CHECK_EQ(aux.tp_vlan_tpid, expected ? ETH_P_8021Q : 0);
}

// The same without its header, which is looked at all the same.
static void take_inner(int fd)
{
    unsigned char buf[100];
    struct sockaddr_ll from = {0};
    socklen_t len = sizeof(from);
    NEED(is_readable(fd));
    CHECK_EQ(recvfrom(fd, buf, sizeof(buf), 0, (void *)&from, &len), sizeof(tagged) - 18);
    CHECK_EQ(buf[0], 'd');
    CHECK_EQ(from.sll_protocol, htons(OURS));
    CHECK(memcmp(from.sll_addr, tagged + 6, 6) == 0);
}

// Tags are taken off what arrives, and told of; filters can ask for them.
static void tags(void)
{
    struct sock_filter insns[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)(SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 5),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)(SKF_AD_OFF + SKF_AD_VLAN_TAG)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x2005, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)(SKF_AD_OFF + SKF_AD_VLAN_TPID)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_8021Q, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 1000),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_fprog program = {8, insns};
    int all = open_at_lo(SOCK_RAW, ETH_P_ALL), one = open_at_lo(SOCK_RAW, OURS);
    int bare = open_at_lo(SOCK_DGRAM, ETH_P_ALL);
    char byte;
    NEED(all >= 0 && one >= 0 && bare >= 0);
    CHECK(setsockopt(bare, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0);
    CHECK(set_int(all, PACKET_AUXDATA, 1) && set_int(one, PACKET_AUXDATA, 1));
    CHECK(setsockopt(all, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0);
    CHECK(send_ours(30, 1));
    CHECK_EQ(send(sender, tagged, sizeof(tagged), 0), sizeof(tagged));
    CHECK_EQ(recv(witness, &byte, 1, MSG_TRUNC), sizeof(tagged) - 18);
    take_tagged(all, true);
    take_inner(bare);
    CHECK_EQ(recv(one, &byte, 1, MSG_TRUNC), 44);
    take_tagged(one, false);
    CHECK_ERRNO(recv(all, &byte, 1, MSG_DONTWAIT), EAGAIN);
    close(all);
    close(one);
    close(bare);
}

// The number a socket keeps, before and after.
static void numbers(void)
{
    static const struct {
        int name, value, kept;
    } all[] = {
        {PACKET_COPY_THRESH, 99, 99},   {PACKET_AUXDATA, 5, 1},      {PACKET_ORIGDEV, 5, 1},
        {PACKET_RESERVE, 4000, 4000},   {PACKET_LOSS, 5, 1},         {PACKET_TIMESTAMP, 77, 77},
        {PACKET_TX_HAS_OFF, 5, 1},      {PACKET_QDISC_BYPASS, 5, 1}, {PACKET_VERSION, 2, 2},
        {PACKET_IGNORE_OUTGOING, 1, 1},
    };
    int fd = open_at_lo(SOCK_RAW, OURS);
    NEED(fd >= 0);
    for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        char byte = 1;
        CHECK_EQ(get_int(fd, all[i].name), 0);
        CHECK_ERRNO(setsockopt(fd, SOL_PACKET, all[i].name, &byte, 1), EINVAL);
        CHECK(set_int(fd, all[i].name, all[i].value));
        CHECK_EQ(get_int(fd, all[i].name), all[i].kept);
    }
    CHECK(!set_int(fd, PACKET_RESERVE, -1) && errno == EINVAL);
    CHECK(!set_int(fd, PACKET_IGNORE_OUTGOING, 2) && errno == EINVAL);
    CHECK(!set_int(fd, PACKET_HDRLEN, 1) && errno == ENOPROTOOPT);
    CHECK(!set_int(fd, PACKET_TX_TIMESTAMP, 1) && errno == ENOPROTOOPT);
    CHECK(!set_int(fd, 99, 1) && errno == ENOPROTOOPT);
    CHECK_EQ(get_int(fd, PACKET_RX_RING), -1);
    static const int sizes[] = {32, 32, 48};
    for (int v = 0; v < 3; v++) {
        int value = v;
        socklen_t len = sizeof(value);
        CHECK(getsockopt(fd, SOL_PACKET, PACKET_HDRLEN, &value, &len) == 0);
        CHECK_EQ(value, sizes[v]);
    }
    close(fd);
}

static void calls(void)
{
    char byte;
    int fd = open_at_lo(SOCK_RAW, OURS), bare = open_at_lo(SOCK_DGRAM, 0);
    struct sockaddr_ll to = {
        .sll_family = AF_PACKET, .sll_ifindex = lo, .sll_protocol = htons(OURS)};
    NEED(fd >= 0 && bare >= 0);
    CHECK_ERRNO(recv(fd, &byte, 1, MSG_OOB), EINVAL);
    CHECK_ERRNO(recv(fd, &byte, 1, MSG_DONTWAIT | MSG_WAITALL), EINVAL);
    CHECK_ERRNO(recv(fd, &byte, 1, MSG_ERRQUEUE), EAGAIN);
    CHECK_ERRNO(sendto(bare, "x", 1, 0, (void *)&to, 18), EINVAL);
    to.sll_halen = 9;
    CHECK_ERRNO(sendto(bare, "x", 1, 0, (void *)&to, sizeof(to)), EINVAL);
    to.sll_halen = 6;
    CHECK_EQ(sendto(bare, "x", 1, 0, (void *)&to, sizeof(to)), 1);
    CHECK_EQ(recv(fd, &byte, 1, MSG_TRUNC), 15);
    CHECK_EQ(recv(witness, &byte, 1, 0), 1);
    CHECK(byte == 'x');
    static char big[70000];
    CHECK_ERRNO(send(sender, big, 65536 + 14 + 5, 0), EMSGSIZE);
    CHECK_ERRNO(send(sender, big, 65536 + 14 + 1, 0), EMSGSIZE);
    CHECK_ERRNO(send(sender, big, 13, 0), EINVAL);
    big[12] = (char)0x81; // a tag is not counted, but on lo
    CHECK_ERRNO(send(sender, big, 65536 + 14 + 4, 0), EMSGSIZE);
    close(fd);
    close(bare);
}

static void memberships(void)
{
    struct packet_mreq m = {.mr_ifindex = lo, .mr_type = PACKET_MR_MULTICAST, .mr_alen = 6};
    struct packet_mreq *p = &m;
    int fd = open_at_lo(SOCK_RAW, OURS);
    NEED(fd >= 0);
#define ADD  setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, p, sizeof(*p))
#define DROP setsockopt(fd, SOL_PACKET, PACKET_DROP_MEMBERSHIP, p, sizeof(*p))
    memcpy(m.mr_address, "\1\0\x5e\0\0\5", 6);
    CHECK(ADD == 0 && ADD == 0 && DROP == 0 && DROP == 0 && DROP == 0);
    m.mr_alen = 5;
    CHECK_ERRNO(ADD, EINVAL);
    m.mr_alen = 7;
    CHECK_ERRNO(ADD, EINVAL);
    m.mr_alen = 9;
    CHECK_ERRNO(ADD, EINVAL);
    m.mr_alen = 0;
    m.mr_type = PACKET_MR_ALLMULTI;
    CHECK(ADD == 0 && DROP == 0);
    m.mr_type = 99;
    CHECK(ADD == 0 && DROP == 0);
    m.mr_type = PACKET_MR_UNICAST;
    CHECK_ERRNO(ADD, EINVAL);
    CHECK_ERRNO(setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, p, sizeof(*p) - 1), EINVAL);
    m.mr_ifindex = 9999;
    CHECK_ERRNO(ADD, ENODEV);
    CHECK(DROP == 0);
    close(fd);
}

// An interface that goes down says so to those who are bound to it.
static void goes_down(void)
{
    struct ifreq r = {.ifr_name = "lo"};
    int fd = open_at_lo(SOCK_RAW, OURS), control = socket(AF_INET, SOCK_DGRAM, 0);
    char byte;
    NEED(fd >= 0 && ioctl(control, SIOCGIFFLAGS, &r) == 0);
    r.ifr_flags &= ~IFF_UP;
    NEED(ioctl(control, SIOCSIFFLAGS, &r) == 0);
    CHECK_ERRNO(recv(fd, &byte, 1, 0), ENETDOWN);
    CHECK_ERRNO(send(sender, tagged, sizeof(tagged), 0), ENETDOWN);
    r.ifr_flags |= IFF_UP;
    CHECK(ioctl(control, SIOCSIFFLAGS, &r) == 0);
    while (recv(witness, &byte, 1, MSG_DONTWAIT) < 0 && errno == ENETDOWN)
        ;
    CHECK(send_ours(10, 1));
    CHECK_EQ(recv(fd, &byte, 1, MSG_TRUNC), 24);
    close(fd);
    close(control);
    int error = 0;
    socklen_t len = sizeof(error);
    CHECK(getsockopt(sender, SOL_SOCKET, SO_ERROR, &error, &len) == 0);
}

static void obsolete(void)
{
    struct sockaddr_pkt at = {.spkt_family = AF_PACKET, .spkt_device = "lo"}, from;
    socklen_t len = sizeof(from);
    char buf[100];
    int fd = socket(AF_INET, SOCK_PACKET, htons(OURS)), one = 1; // the family that it had once
    NEED(fd >= 0);
    CHECK_ERRNO(bind(fd, (void *)&at, sizeof(at)), EINVAL);
    CHECK(bind(fd, (void *)&at, 16) == 0);
    CHECK(getsockname(fd, (void *)&from, &len) == 0 && len == 16);
    CHECK(from.spkt_family == AF_PACKET && strcmp((char *)from.spkt_device, "lo") == 0);
    CHECK_ERRNO(setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)), EOPNOTSUPP);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_TIMESTAMP, &one, sizeof(one)) == 0);
    CHECK(send_ours(20, 8));
    len = sizeof(from);
    CHECK_EQ(recvfrom(fd, buf, sizeof(buf), 0, (void *)&from, &len), 34);
    CHECK_EQ(len, 18);
    CHECK(strcmp((char *)from.spkt_device, "lo") == 0 && from.spkt_protocol == htons(OURS));
    CHECK_EQ(buf[33], 8);
    char frame[40] = {[12] = (char)0x88, [13] = (char)0xb5, [14] = 3};
    CHECK_ERRNO(send(fd, frame, sizeof(frame), 0), ENOTCONN);
    CHECK_ERRNO(sendto(fd, frame, sizeof(frame), 0, (void *)&at, 15), EINVAL);
    CHECK_EQ(sendto(fd, frame, sizeof(frame), 0, (void *)&at, sizeof(at)), sizeof(frame));
    CHECK_EQ(recv(witness, buf, sizeof(buf), 0), 26);
    CHECK_EQ(buf[0], 3);
    at.spkt_device[0] = 'x';
    CHECK_ERRNO(sendto(fd, frame, sizeof(frame), 0, (void *)&at, 16), ENODEV);
    CHECK_ERRNO(bind(fd, (void *)&at, 16), ENODEV);
    close(fd);
}

/* --- sock_diag */

static bool handle(const struct packet_diag_msg *m, unsigned len, uint16_t lens[])
{
    struct rtattr *a = (void *)(m + 1);
    for (len -= sizeof(*m); lens && RTA_OK(a, len); a = RTA_NEXT(a, len))
        if (a->rta_type <= PACKET_DIAG_MAX) {
            lens[a->rta_type] = (uint16_t)(RTA_PAYLOAD(a) + 1);
            if (a->rta_type == PACKET_DIAG_INFO) {
                const struct packet_diag_info *info = RTA_DATA(a);
                CHECK_EQ(info->pdi_index, lo);
                CHECK_EQ(info->pdi_version, TPACKET_V3);
                CHECK_EQ(info->pdi_reserve, 8);
                CHECK_EQ(info->pdi_flags, PDI_RUNNING | PDI_AUXDATA | PDI_LOSS);
            } else if (a->rta_type == PACKET_DIAG_RX_RING) {
                const struct packet_diag_ring *ring = RTA_DATA(a);
                CHECK_EQ(ring->pdr_block_size, 8192);
                CHECK_EQ(ring->pdr_frame_nr, 8);
                CHECK_EQ(ring->pdr_retire_tmo, 55);
                CHECK_EQ(ring->pdr_features, 1);
            } else if (a->rta_type == PACKET_DIAG_FANOUT) {
                CHECK_EQ(*(uint32_t *)RTA_DATA(a), 77 | PACKET_FANOUT_LB << 16);
            }
        }
    return m->pdiag_type == SOCK_RAW && m->pdiag_num == OURS;
}

// Everything about the socket with this inode: 1; 0: it is not among them; -errno.
static int ask(uint32_t ino, unsigned flags, uint16_t lens[])
{
    static char buf[65536];
    struct {
        struct nlmsghdr head;
        struct packet_diag_req body;
    } r = {{sizeof(r), SOCK_DIAG_BY_FAMILY, (uint16_t)(NLM_F_REQUEST | flags), 1, 0},
           {.sdiag_family = AF_PACKET, .pdiag_show = 63}};
    int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG), found = 0;
    CHECK_EQ(send(fd, &r, sizeof(r), 0), sizeof(r));
    for (bool more = true; more;) {
        ssize_t n = recv(fd, buf, sizeof(buf), 0);
        if (!CHECK(n > 0))
            break;
        for (struct nlmsghdr *h = (void *)buf; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
            const struct packet_diag_msg *m = NLMSG_DATA(h);
            if (h->nlmsg_type == NLMSG_ERROR)
                found = ((struct nlmsgerr *)NLMSG_DATA(h))->error;
            else if (h->nlmsg_type == SOCK_DIAG_BY_FAMILY && m->pdiag_ino == ino)
                found = handle(m, h->nlmsg_len - NLMSG_HDRLEN, lens);
            more = h->nlmsg_type == SOCK_DIAG_BY_FAMILY;
        }
    }
    close(fd);
    return found;
}

static void told(void)
{
    struct tpacket_req3 r = {8192, 2, 2048, 8, 55, 0, TP_FT_REQ_FILL_RXHASH};
    struct packet_mreq m = {.mr_ifindex = lo, .mr_type = PACKET_MR_PROMISC};
    struct sock_filter insn = BPF_STMT(BPF_RET | BPF_K, 1000);
    struct sock_fprog program = {1, &insn};
    uint16_t lens[PACKET_DIAG_MAX + 1] = {0}; // and 1; 0: not there
    struct stat st;
    int fd = open_at_lo(SOCK_RAW, OURS), last;
    NEED(fd >= 0 && fstat(fd, &st) == 0);
    last = ask((uint32_t)st.st_ino, NLM_F_DUMP, NULL);
    if (last == -ENOENT)
        SKIP("this kernel does not tell of packet sockets");
    CHECK_EQ(ask((uint32_t)st.st_ino, 0, NULL), -EOPNOTSUPP);
    CHECK(set_int(fd, PACKET_VERSION, TPACKET_V3) && set_int(fd, PACKET_RESERVE, 8));
    CHECK(set_int(fd, PACKET_AUXDATA, 1) && set_int(fd, PACKET_LOSS, 1));
    CHECK(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &r, sizeof(r)) == 0);
    CHECK(setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &m, sizeof(m)) == 0);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0);
    CHECK(set_int(fd, PACKET_FANOUT, 77 | PACKET_FANOUT_LB << 16));
    CHECK_EQ(ask((uint32_t)st.st_ino, NLM_F_DUMP, lens), 1);
    CHECK_EQ(lens[PACKET_DIAG_INFO], 25);
    CHECK_EQ(lens[PACKET_DIAG_MCLIST], sizeof(struct packet_diag_mclist) + 1);
    CHECK_EQ(lens[PACKET_DIAG_RX_RING], sizeof(struct packet_diag_ring) + 1);
    CHECK_EQ(lens[PACKET_DIAG_TX_RING], 0);
    CHECK_EQ(lens[PACKET_DIAG_FANOUT], 5);
    CHECK_EQ(lens[PACKET_DIAG_UID], 5);
    CHECK_EQ(lens[PACKET_DIAG_MEMINFO], 37);
    CHECK_EQ(lens[PACKET_DIAG_FILTER], 9);
    close(fd);
}

int main(void)
{
    begin_on_lo();
    promise("frames made by hand go over lo as they are", hand_made_frames);
    promise("tags are taken off and told of", tags);
    promise("numbers are kept", numbers);
    promise("calls are checked", calls);
    promise("memberships are counted and checked", memberships);
    promise("SOCK_PACKET is there", obsolete);
    promise("sock_diag tells of packet sockets", told);
    promise("an interface that goes down says so", goes_down);
    return check_end();
}
