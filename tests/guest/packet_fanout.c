// PACKET_FANOUT: what arrives is shared out among the sockets of a group.
#include "packet_lo.h"

#include <linux/filter.h>
#include <linux/udp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#ifndef PACKET_FANOUT_FLAG_IGNORE_OUTGOING
#define PACKET_FANOUT_FLAG_IGNORE_OUTGOING 0x4000
#endif

enum { MEMBERS = 3, ID = 77 };

static bool join(int fd, unsigned id, unsigned type)
{
    return set_int(fd, PACKET_FANOUT, (int)(id | type << 16));
}

static int join_many(int fd, unsigned id, unsigned type, unsigned most)
{
    struct fanout_args args = {.id = (uint16_t)id, .type_flags = (uint16_t)type};
    args.max_num_members = most;
    return setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &args, sizeof(args));
}

static bool open_group(int fds[MEMBERS], unsigned type, unsigned protocol)
{
    for (int i = 0; i < MEMBERS; i++) {
        fds[i] = open_at_lo(SOCK_RAW, protocol);
        if (!CHECK(fds[i] >= 0) || !CHECK(join(fds[i], ID, type)))
            return false;
    }
    return true;
}

static void close_group(const int fds[MEMBERS])
{
    for (int i = 0; i < MEMBERS; i++)
        close(fds[i]);
}

static unsigned count(int fd)
{
    struct tpacket_stats stats = {0};
    socklen_t len = sizeof(stats);
    CHECK(getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0);
    return stats.tp_packets;
}

static void rules(void)
{
    int a = open_at_lo(SOCK_RAW, OURS), b = open_at_lo(SOCK_RAW, OURS),
        c = open_at_lo(SOCK_RAW, OURS);
    int none = socket(AF_PACKET, SOCK_RAW, 0), other = open_at_lo(SOCK_RAW, ETH_P_ARP);
    struct sockaddr_ll at = {
        .sll_family = AF_PACKET, .sll_protocol = htons(OURS), .sll_ifindex = lo};
    uint64_t stats[3];
    socklen_t len = sizeof(stats);
    NEED(a >= 0 && b >= 0 && c >= 0 && none >= 0 && other >= 0);
    CHECK_EQ(get_int(a, PACKET_FANOUT), 0);
    CHECK(!join(a, ID, 8) && errno == EINVAL);
    CHECK(!join(a, ID, PACKET_FANOUT_ROLLOVER | PACKET_FANOUT_FLAG_ROLLOVER) && errno == EINVAL);
    CHECK(!join(a, ID, PACKET_FANOUT_FLAG_UNIQUEID) && errno == EINVAL);
    CHECK(!join(none, ID, PACKET_FANOUT_HASH) && errno == EINVAL);
    CHECK_ERRNO(setsockopt(a, SOL_PACKET, PACKET_FANOUT, &at, 7), EINVAL);
    CHECK_ERRNO(join_many(a, ID, PACKET_FANOUT_LB, (1 << 16) + 1), EINVAL);
    CHECK(join_many(a, ID, PACKET_FANOUT_LB | PACKET_FANOUT_FLAG_ROLLOVER, 2) == 0);
    CHECK_EQ(get_int(a, PACKET_FANOUT), ID | 0x1001 << 16);
    CHECK(!join(a, ID, 0) && errno == EALREADY);
    CHECK_ERRNO(bind(a, (void *)&at, sizeof(at)), EINVAL);
    CHECK(!join(b, ID, PACKET_FANOUT_LB) && errno == EINVAL);
    CHECK(!join(b, ID, PACKET_FANOUT_HASH | PACKET_FANOUT_FLAG_ROLLOVER) && errno == EINVAL);
    CHECK(!join(other, ID, PACKET_FANOUT_LB | PACKET_FANOUT_FLAG_ROLLOVER) && errno == EINVAL);
    CHECK_ERRNO(join_many(b, ID, PACKET_FANOUT_LB | PACKET_FANOUT_FLAG_ROLLOVER, 3), EINVAL);
    CHECK(join(b, ID, PACKET_FANOUT_LB | PACKET_FANOUT_FLAG_ROLLOVER));
    CHECK(!join(c, ID, PACKET_FANOUT_LB | PACKET_FANOUT_FLAG_ROLLOVER) && errno == ENOSPC);
    CHECK(getsockopt(a, SOL_PACKET, PACKET_ROLLOVER_STATS, stats, &len) == 0 && len == 24);
    CHECK_ERRNO(getsockopt(c, SOL_PACKET, PACKET_ROLLOVER_STATS, stats, &len), EINVAL);
    CHECK_ERRNO(setsockopt(a, SOL_PACKET, PACKET_FANOUT_DATA, stats, 16), EINVAL);
    CHECK_ERRNO(setsockopt(c, SOL_PACKET, PACKET_FANOUT_DATA, stats, 16), EINVAL);
    close(a);
    CHECK(join(c, ID, PACKET_FANOUT_LB | PACKET_FANOUT_FLAG_ROLLOVER));
    close(b);
    close(c);
    // With the last member the group has gone.
    a = open_at_lo(SOCK_RAW, OURS);
    CHECK(join(a, ID, PACKET_FANOUT_RND));
    b = open_at_lo(SOCK_RAW, OURS);
    CHECK(join(b, 0, PACKET_FANOUT_FLAG_UNIQUEID));
    unsigned unique = (unsigned)get_int(b, PACKET_FANOUT);
    CHECK(unique >> 16 == 0 && unique != ID);
    c = open_at_lo(SOCK_RAW, OURS);
    CHECK(join(c, unique, PACKET_FANOUT_HASH));
    close(a);
    close(b);
    close(c);
    close(none);
    close(other);
}

static void in_turn(void)
{
    int fds[MEMBERS];
    char buf[100];
    NEED(open_group(fds, PACKET_FANOUT_LB, OURS));
    for (int i = 0; i < 9; i++)
        CHECK(send_ours(10, i));
    for (int i = 0; i < MEMBERS; i++) {
        for (int j = (i + 2) % 3; j < 9; j += 3) {
            CHECK_EQ(recv(fds[i], buf, sizeof(buf), MSG_DONTWAIT), 24);
            CHECK_EQ(buf[23], j);
        }
        CHECK_ERRNO(recv(fds[i], buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
    }
    // Who leaves gets nothing more; the last one takes its place.
    close(fds[0]);
    count(fds[1]);
    count(fds[2]);
    for (int i = 0; i < 10; i++)
        CHECK(send_ours(10, i));
    CHECK_EQ(count(fds[1]), 5);
    CHECK_EQ(count(fds[2]), 5);
    close(fds[1]);
    close(fds[2]);
}

// All to one.
static void by_type(unsigned type, int to)
{
    int fds[MEMBERS];
    NEED(open_group(fds, type, OURS));
    for (int i = 0; i < 9; i++)
        CHECK(send_ours(10, i));
    for (int i = 0; i < MEMBERS; i++)
        CHECK_EQ(count(fds[i]), i == to ? 9 : 0);
    close_group(fds);
}

static void by_processor(void)
{
    by_type(PACKET_FANOUT_CPU, sched_getcpu() % MEMBERS);
    by_type(PACKET_FANOUT_QM, 0);
}

static void at_random(void)
{
    int fds[MEMBERS];
    NEED(open_group(fds, PACKET_FANOUT_RND, OURS));
    for (int i = 0; i < 300; i++)
        CHECK(send_ours(10, i));
    unsigned n[3] = {count(fds[0]), count(fds[1]), count(fds[2])};
    CHECK_EQ(n[0] + n[1] + n[2], 300);
    CHECK(n[0] && n[1] && n[2]);
    close_group(fds);
}

static int udp_at_lo(struct sockaddr_in *at)
{
    socklen_t len = sizeof(*at);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    *at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    CHECK(bind(fd, (void *)at, len) == 0 && getsockname(fd, (void *)at, &len) == 0);
    return fd;
}

// Both directions of a flow go to the same one; of many flows not all do.
static void by_flow(void)
{
    enum { FLOWS = 60 };
    int fds[MEMBERS], with[MEMBERS] = {0};
    char byte;
    NEED(open_group(fds, PACKET_FANOUT_HASH, ETH_P_IP));
    for (int i = 0; i < FLOWS; i++) {
        struct sockaddr_in at_a, at_b;
        int a = udp_at_lo(&at_a), b = udp_at_lo(&at_b), to = -1;
        for (int j = 0; j < 4; j++) {
            CHECK(sendto(j & 1 ? a : b, "x", 1, 0, (void *)(j & 1 ? &at_b : &at_a), sizeof(at_a)) ==
                  1);
            CHECK_EQ(recv(j & 1 ? b : a, &byte, 1, 0), 1);
        }
        for (int j = 0; j < MEMBERS; j++) {
            unsigned n = count(fds[j]);
            CHECK(n == 0 || (n == 4 && to < 0));
            if (n)
                to = j;
        }
        CHECK(to >= 0);
        with[to < 0 ? 0 : to]++;
        close(a);
        close(b);
    }
    CHECK(with[0] < FLOWS && with[1] < FLOWS && with[2] < FLOWS);
    close_group(fds);
}

static void by_program(void)
{
    struct sock_filter insns[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), // of the payload
        BPF_STMT(BPF_RET | BPF_A, 0),
    };
    struct sock_fprog program = {2, insns};
    int fds[MEMBERS], one = 1;
    NEED(open_group(fds, PACKET_FANOUT_CBPF, OURS));
    CHECK(send_ours(10, 2));
    CHECK_EQ(count(fds[0]), 1); // no program yet
    CHECK_ERRNO(setsockopt(fds[1], SOL_PACKET, PACKET_FANOUT_DATA, &program, 4), EINVAL);
    CHECK(setsockopt(fds[1], SOL_PACKET, PACKET_FANOUT_DATA, &program, sizeof(program)) == 0);
    for (int i = 0; i < 7; i++)
        CHECK(send_ours(10, i));
    CHECK_EQ(count(fds[0]), 3);
    CHECK_EQ(count(fds[1]), 2);
    CHECK_EQ(count(fds[2]), 2);
    CHECK(setsockopt(fds[1], SOL_SOCKET, SO_LOCK_FILTER, &one, sizeof(one)) == 0);
    CHECK_ERRNO(setsockopt(fds[1], SOL_PACKET, PACKET_FANOUT_DATA, &program, sizeof(program)),
                EPERM);
    close_group(fds);
}

// The first until three quarters of its ring are full, then the next.
static void rolls_over(void)
{
    enum { FRAMES = 32 };
    struct tpacket_req r = {4096, 4, 512, FRAMES};
    uint64_t stats[3];
    socklen_t len = sizeof(stats);
    int a = open_at_lo(SOCK_RAW, OURS), b = open_at_lo(SOCK_RAW, OURS);
    NEED(setsockopt(a, SOL_PACKET, PACKET_RX_RING, &r, sizeof(r)) == 0);
    NEED(setsockopt(b, SOL_PACKET, PACKET_RX_RING, &r, sizeof(r)) == 0);
    NEED(join(a, ID, PACKET_FANOUT_ROLLOVER) && join(b, ID, PACKET_FANOUT_ROLLOVER));
    for (int i = 0; i < 48; i++)
        CHECK(send_ours(10, i));
    CHECK_EQ(count(a), 24);
    CHECK_EQ(count(b), 24);
    CHECK(getsockopt(a, SOL_PACKET, PACKET_ROLLOVER_STATS, stats, &len) == 0);
    CHECK_EQ(stats[0], 48);
    CHECK_EQ(stats[1], 0);
    CHECK_EQ(stats[2], 0);
    CHECK(send_ours(10, 0));
    CHECK(getsockopt(a, SOL_PACKET, PACKET_ROLLOVER_STATS, stats, &len) == 0);
    CHECK_EQ(stats[2], 1);
    CHECK_EQ(count(a), 1);
    close(a);
    close(b);
}

// What members send nobody of the group sees; what others send all do, unless they will not.
static void outgoing(void)
{
    int fds[MEMBERS];
    char frame[60] = {[12] = 0x88, [13] = 0xb5}, byte;
    NEED(open_group(fds, PACKET_FANOUT_LB, ETH_P_ALL));
    CHECK_EQ(send(fds[1], frame, sizeof(frame), 0), sizeof(frame));
    CHECK_EQ(recv(witness, &byte, 1, 0), 1);
    CHECK_EQ(count(fds[0]) + count(fds[1]) + count(fds[2]), 1);
    CHECK(send_ours(10, 1));
    CHECK_EQ(count(fds[0]) + count(fds[1]) + count(fds[2]), 2);
    close_group(fds);
    NEED(open_group(fds, PACKET_FANOUT_LB | PACKET_FANOUT_FLAG_IGNORE_OUTGOING, ETH_P_ALL));
    CHECK(send_ours(10, 1));
    CHECK_EQ(count(fds[0]) + count(fds[1]) + count(fds[2]), 1);
    close_group(fds);
}

// Fragments are joined first.
static void joins_fragments(void)
{
    struct ifreq r = {.ifr_name = "lo"};
    struct sockaddr_in at;
    static char data[4000], got[5000];
    int fds[MEMBERS], udp = udp_at_lo(&at), out = socket(AF_INET, SOCK_DGRAM, 0), no = 0;
    CHECK(ioctl(udp, SIOCGIFMTU, &r) == 0);
    int mtu = r.ifr_mtu;
    r.ifr_mtu = 1500;
    NEED(ioctl(udp, SIOCSIFMTU, &r) == 0);
    CHECK(setsockopt(out, IPPROTO_IP, IP_MTU_DISCOVER, &no, sizeof(no)) == 0);
    NEED(open_group(fds, PACKET_FANOUT_LB | PACKET_FANOUT_FLAG_DEFRAG, ETH_P_IP));
    for (int i = 1; i <= 3; i++) {
        memset(data, i, sizeof(data));
        CHECK_EQ(sendto(out, data, sizeof(data), 0, (void *)&at, sizeof(at)), sizeof(data));
        CHECK_EQ(recv(udp, got, sizeof(got), 0), sizeof(data));
        NEED(is_readable(fds[i % 3]));
        CHECK_EQ(recv(fds[i % 3], got, sizeof(got), 0), 14 + 28 + sizeof(data));
        CHECK_EQ(got[14 + 28 + sizeof(data) - 1], i);
        CHECK_EQ(got[14 + 2] << 8 | (unsigned char)got[14 + 3], 28 + sizeof(data));
        CHECK_EQ(got[14 + 6] | got[14 + 7], 0);
    }
    CHECK_EQ(count(fds[0]) + count(fds[1]) + count(fds[2]), 3);
    close_group(fds);
    r.ifr_mtu = mtu;
    CHECK(ioctl(udp, SIOCSIFMTU, &r) == 0);
    close(udp);
    close(out);
}

// Members come and go while frames arrive.
static void races(void)
{
    enum { CHILDREN = 3 };
    pid_t children[CHILDREN];
    for (int i = 0; i < CHILDREN; i++)
        if ((children[i] = fork()) == 0) {
            for (int j = 0; j < 100; j++) {
                int fd = open_at_lo(SOCK_RAW, OURS);
                join(fd, ID, PACKET_FANOUT_HASH | PACKET_FANOUT_FLAG_ROLLOVER);
                send_only(100, j);
                close(fd);
            }
            _exit(0);
        }
    for (int i = 0; i < 1000; i++)
        send_only(100, i);
    for (int i = 0; i < CHILDREN; i++) {
        int status = -1;
        CHECK(waitpid(children[i], &status, 0) == children[i] && status == 0);
    }
    int fd = open_at_lo(SOCK_RAW, OURS);
    CHECK(join(fd, ID, PACKET_FANOUT_LB));
    close(fd);
}

int main(void)
{
    begin_on_lo();
    promise("groups are made, joined and left by the rules", rules);
    promise("LB: in turn", in_turn);
    promise("CPU and QM: by the processor and the queue", by_processor);
    promise("RND: at random", at_random);
    promise("HASH: by flow, both ways", by_flow);
    promise("CBPF: by a program", by_program);
    promise("ROLLOVER: the next one when one is full", rolls_over);
    promise("what the group sends it does not see", outgoing);
    promise("DEFRAG: fragments are joined", joins_fragments);
    promise("members come and go", races);
    return check_end();
}
