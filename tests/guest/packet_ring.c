// Rings of AF_PACKET that a program maps: TPACKET_V1 to V3, received and sent.
#include "packet_lo.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

enum { BLOCK = 4096, BLOCKS = 4, FRAME = 512, FRAMES = BLOCK * BLOCKS / FRAME };

static int set_ring(int fd, int name, unsigned block, unsigned blocks, unsigned frame)
{
    struct tpacket_req3 r = {block, blocks, frame, blocks ? block / frame * blocks : 0, 0, 0, 0};
    return setsockopt(fd, SOL_PACKET, name, &r,
                      get_int(fd, PACKET_VERSION) == TPACKET_V3 ? sizeof(r)
                                                                : sizeof(struct tpacket_req));
}

static char *map_ring(int fd, size_t size)
{
    return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

static void receive_v1(void)
{
    int fd = open_at_lo(SOCK_RAW, OURS);
    NEED(fd >= 0);
    CHECK_EQ(get_int(fd, PACKET_VERSION), TPACKET_V1);
    NEED(set_ring(fd, PACKET_RX_RING, BLOCK, BLOCKS, FRAME) == 0);
    char *map = map_ring(fd, BLOCK * BLOCKS);
    NEED(map != MAP_FAILED);
    for (int i = 0; i < FRAMES + 3; i++) {
        struct tpacket_hdr *h = (void *)(map + i % FRAMES * FRAME);
        CHECK(send_ours(100, i));
        NEED(is_readable(fd));
        CHECK_EQ(h->tp_status & 7, TP_STATUS_USER);
        CHECK_EQ(h->tp_len, 114);
        CHECK_EQ(h->tp_snaplen, 114);
        CHECK_EQ(h->tp_mac, 66);
        CHECK_EQ(h->tp_net, 80);
        CHECK(h->tp_usec < 1000000 && h->tp_sec > 1000000000);
        struct sockaddr_ll *from = (void *)(map + i % FRAMES * FRAME + TPACKET_ALIGN(sizeof(*h)));
        CHECK_EQ(from->sll_protocol, htons(OURS));
        CHECK_EQ(from->sll_pkttype, PACKET_HOST);
        CHECK_EQ(from->sll_addr[5], 7);
        CHECK_EQ(((unsigned char *)h)[h->tp_net + 99], i);
        h->tp_status = TP_STATUS_KERNEL;
    }
    munmap(map, BLOCK * BLOCKS);
    close(fd);
}

static void rules(void)
{
    struct tpacket_req r = {BLOCK, BLOCKS, FRAME, FRAMES};
    int fd = open_at_lo(SOCK_RAW, OURS), forked;
    NEED(fd >= 0);
    CHECK_ERRNO(mmap(NULL, BLOCK, PROT_READ, MAP_SHARED, fd, 0), EINVAL);
    CHECK_ERRNO(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &r, sizeof(r) - 1), EINVAL);
    CHECK_ERRNO(set_ring(fd, PACKET_RX_RING, 100, 1, 50), EINVAL);
    CHECK_ERRNO(set_ring(fd, PACKET_RX_RING, BLOCK, BLOCKS, 48), EINVAL);
    CHECK_ERRNO(set_ring(fd, PACKET_RX_RING, BLOCK, BLOCKS, 520), EINVAL);
    CHECK_ERRNO(set_ring(fd, PACKET_RX_RING, BLOCK, BLOCKS, 2 * BLOCK), EINVAL);
    CHECK_ERRNO(set_ring(fd, PACKET_RX_RING, 0x80000000, 1, 2048), EINVAL);
    r.tp_frame_nr--;
    CHECK_ERRNO(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &r, sizeof(r)), EINVAL);
    r.tp_block_nr = 0;
    CHECK_ERRNO(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &r, sizeof(r)), EINVAL);
    CHECK(set_int(fd, PACKET_RESERVE, 16));
    CHECK_ERRNO(set_ring(fd, PACKET_RX_RING, BLOCK, BLOCKS, 64), EINVAL);
    CHECK(set_ring(fd, PACKET_RX_RING, BLOCK, BLOCKS, FRAME) == 0);
    CHECK_ERRNO(set_ring(fd, PACKET_RX_RING, BLOCK, BLOCKS, FRAME), EBUSY);
    CHECK(!set_int(fd, PACKET_VERSION, TPACKET_V2) && errno == EBUSY);
    CHECK(!set_int(fd, PACKET_VERSION, 3) && errno == EINVAL);
    CHECK(!set_int(fd, PACKET_RESERVE, 32) && errno == EBUSY);
    CHECK(!set_int(fd, PACKET_LOSS, 1) && errno == EBUSY);
    CHECK(!set_int(fd, PACKET_VNET_HDR, 1) && errno == EBUSY);
    CHECK(set_int(fd, PACKET_TX_HAS_OFF, 1));
    CHECK_EQ(get_int(fd, PACKET_TX_HAS_OFF), 0);
    CHECK_EQ(get_int(fd, PACKET_RESERVE), 16);
    // Both rings, one behind the other.
    CHECK(set_ring(fd, PACKET_TX_RING, 2 * BLOCK, 1, FRAME) == 0);
    CHECK_ERRNO(map_ring(fd, BLOCK * BLOCKS), EINVAL);
    CHECK_ERRNO(mmap(NULL, BLOCK * BLOCKS, PROT_READ, MAP_SHARED, fd, BLOCK), EINVAL);
    char *map = map_ring(fd, BLOCK * (BLOCKS + 2));
    NEED(map != MAP_FAILED);
    map[BLOCK * (BLOCKS + 2) - 1] = 1;
    CHECK_ERRNO(set_ring(fd, PACKET_RX_RING, 0, 0, 0), EBUSY);
    CHECK_ERRNO(set_ring(fd, PACKET_TX_RING, 0, 0, 0), EBUSY);
    // Whoever has a part of it mapped holds it.
    munmap(map, BLOCK);
    CHECK_ERRNO(set_ring(fd, PACKET_RX_RING, 0, 0, 0), EBUSY);
    forked = fork();
    if (forked == 0) {
        munmap(map + BLOCK, BLOCK * (BLOCKS + 1));
        _exit(set_ring(fd, PACKET_RX_RING, 0, 0, 0) == 0 || errno != EBUSY);
    }
    int status = -1;
    CHECK(waitpid(forked, &status, 0) == forked && status == 0);
    munmap(map + BLOCK, BLOCK * (BLOCKS + 1));
    CHECK(set_ring(fd, PACKET_RX_RING, 0, 0, 0) == 0);
    CHECK(set_ring(fd, PACKET_RX_RING, 0, 0, 0) == 0);
    CHECK(set_ring(fd, PACKET_TX_RING, 0, 0, 0) == 0);
    CHECK(set_int(fd, PACKET_VERSION, TPACKET_V2));
    close(fd);
}

static void long_frames_are_queued_too(void)
{
    char buf[2000];
    int fd = open_at_lo(SOCK_RAW, OURS);
    NEED(fd >= 0);
    CHECK(set_int(fd, PACKET_VERSION, TPACKET_V2));
    CHECK(set_int(fd, PACKET_COPY_THRESH, 1));
    CHECK(set_int(fd, PACKET_RESERVE, 40));
    NEED(set_ring(fd, PACKET_RX_RING, BLOCK, BLOCKS, FRAME) == 0);
    char *map = map_ring(fd, BLOCK * BLOCKS);
    NEED(map != MAP_FAILED);
    CHECK(send_ours(1000, 3));
    CHECK(send_ours(100, 4));
    NEED(is_readable(fd));
    struct tpacket2_hdr *h = (void *)map;
    CHECK_EQ(h->tp_status & 7, TP_STATUS_USER | TP_STATUS_COPY);
    CHECK_EQ(h->tp_mac, 66 + 40);
    CHECK_EQ(h->tp_len, 1014);
    CHECK_EQ(h->tp_snaplen, FRAME - h->tp_mac);
    CHECK_EQ(recv(fd, buf, sizeof(buf), 0), 1014);
    CHECK_EQ(buf[1013], 3);
    CHECK_ERRNO(recv(fd, buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
    // Some other packet in the ring, whole.
    h = (void *)(map + FRAME);
    CHECK_EQ(h->tp_status & 7, TP_STATUS_USER);
    // What is dropped is told of until it has been asked about.
    for (int i = 0; i < FRAMES; i++)
        CHECK(send_ours(10, i));
    h->tp_status = ((struct tpacket2_hdr *)map)->tp_status = 0;
    CHECK(send_ours(10, 1));
    CHECK_EQ(((struct tpacket2_hdr *)map)->tp_status & 7, TP_STATUS_USER | TP_STATUS_LOSING);
    struct tpacket_stats stats;
    socklen_t len = sizeof(stats);
    CHECK(getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0 && len == 8);
    CHECK_EQ(stats.tp_packets, FRAMES + 3);
    CHECK_EQ(stats.tp_drops, 2);
    CHECK(send_ours(10, 1));
    CHECK_EQ(h->tp_status & 7, TP_STATUS_USER);
    munmap(map, BLOCK * BLOCKS);
    close(fd);
}

/* --- blocks */

enum { BIG = 8192 };

static int open_v3(unsigned retire, unsigned private, unsigned features, char **map)
{
    struct tpacket_req3 r = {BIG, BLOCKS, 2048, BIG / 2048 * BLOCKS, retire, private, features};
    int fd = open_at_lo(SOCK_RAW, OURS);
    if (fd < 0 || !set_int(fd, PACKET_VERSION, TPACKET_V3) ||
        setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &r, sizeof(r)))
        return -1;
    *map = map_ring(fd, BIG * BLOCKS);
    return *map == MAP_FAILED ? -1 : fd;
}

static struct tpacket_hdr_v1 *block_at(char *map, int i)
{
    return &((struct tpacket_block_desc *)(map + i % BLOCKS * BIG))->hdr.bh1;
}

static void blocks_by_time(void)
{
    char *map;
    int fd = open_v3(20, 100, TP_FT_REQ_FILL_RXHASH, &map);
    NEED(fd >= 0);
    for (int i = 0; i < BLOCKS + 2; i++) {
        struct tpacket_hdr_v1 *b = block_at(map, i);
        char *start = map + i % BLOCKS * BIG;
        CHECK_EQ(b->block_status, TP_STATUS_KERNEL);
        CHECK(send_ours(100, i));
        NEED(is_readable(fd));
        CHECK_EQ(b->block_status, TP_STATUS_USER | TP_STATUS_BLK_TMO);
        CHECK_EQ(((struct tpacket_block_desc *)start)->version, TPACKET_V3);
        CHECK_EQ(((struct tpacket_block_desc *)start)->offset_to_priv, 48);
        CHECK_EQ(b->num_pkts, 1);
        CHECK_EQ(b->offset_to_first_pkt, 48 + 104);
        CHECK_EQ(b->seq_num, i + 1);
        struct tpacket3_hdr *h = (void *)(start + b->offset_to_first_pkt);
        CHECK_EQ(h->tp_next_offset, 0);
        CHECK_EQ(h->tp_len, 114);
        CHECK_EQ(h->tp_snaplen, 114);
        CHECK_EQ(h->tp_mac, 82);
        CHECK_EQ(h->tp_net, 96);
        CHECK_EQ(h->tp_status & 7, TP_STATUS_USER);
        CHECK_EQ(b->ts_last_pkt.ts_sec, h->tp_sec);
        CHECK_EQ(b->ts_last_pkt.ts_nsec, h->tp_nsec);
        CHECK_EQ(b->blk_len, 48 + 104 + 200);
        CHECK_EQ(((unsigned char *)h)[h->tp_net + 99], i);
        b->block_status = TP_STATUS_KERNEL;
    }
    munmap(map, BIG * BLOCKS);
    close(fd);
}

// 1,000 bytes of payload take 1,096 of a block: seven each.
static void blocks_by_size(void)
{
    enum { EACH = 7 };
    char *map;
    int fd = open_v3(3600 * 1000, 0, 0, &map), sent = 0;
    struct tpacket_stats_v3 stats;
    socklen_t len = sizeof(stats);
    NEED(fd >= 0);
    for (; sent < EACH; sent++)
        CHECK(send_ours(1000, sent));
    struct pollfd p = {.fd = fd, .events = POLLIN};
    CHECK_EQ(poll(&p, 1, 0), 0);
    for (; sent < EACH * BLOCKS + 5; sent++)
        CHECK(send_ours(1000, sent));
    NEED(is_readable(fd));
    for (int i = 0; i < BLOCKS; i++) {
        struct tpacket_hdr_v1 *b = block_at(map, i);
        CHECK_EQ(b->block_status & ~TP_STATUS_LOSING, TP_STATUS_USER);
        NEED(b->num_pkts == EACH);
        CHECK_EQ(b->blk_len, 48 + EACH * 1096);
        struct tpacket3_hdr *h = (void *)(map + i * BIG + b->offset_to_first_pkt);
        for (int j = 0; j < EACH; j++) {
            CHECK_EQ(h->tp_next_offset, j == EACH - 1 ? 0 : 1096);
            CHECK_EQ(((unsigned char *)h)[h->tp_net], i * EACH + j);
            h = (void *)((char *)h + h->tp_next_offset);
        }
    }
    CHECK(getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0 && len == 12);
    CHECK_EQ(stats.tp_packets, sent);
    CHECK_EQ(stats.tp_drops, 5);
    CHECK_EQ(stats.tp_freeze_q_cnt, 1);
    // It goes on where it stopped. A frame longer than a block is cut, and begins a new one.
    for (int i = 0; i < BLOCKS; i++)
        block_at(map, i)->block_status = 0;
    CHECK(send_ours(9000, 77));
    CHECK(send_ours(9000, 78));
    CHECK_EQ(block_at(map, 0)->block_status, TP_STATUS_USER);
    CHECK_EQ(block_at(map, 0)->num_pkts, 0);
    CHECK_EQ(block_at(map, 0)->seq_num, BLOCKS + 1);
    CHECK_EQ(block_at(map, 1)->block_status, TP_STATUS_USER);
    CHECK_EQ(block_at(map, 1)->num_pkts, 1);
    struct tpacket3_hdr *h = (void *)(map + BIG + block_at(map, 1)->offset_to_first_pkt);
    CHECK_EQ(h->tp_len, 9014);
    CHECK_EQ(h->tp_snaplen, BIG - 48 - 82);
    CHECK_EQ(((unsigned char *)h)[h->tp_mac + h->tp_snaplen - 1], 77);
    munmap(map, BIG * BLOCKS);
    close(fd);
}

static void rules_v3(void)
{
    struct tpacket_req3 r = {BIG, BLOCKS, 2048, BIG / 2048 * BLOCKS, 0, BIG - 48 - 60, 0};
    int fd = open_at_lo(SOCK_RAW, OURS);
    NEED(fd >= 0 && set_int(fd, PACKET_VERSION, TPACKET_V3));
    CHECK_ERRNO(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &r, sizeof(struct tpacket_req)), EINVAL);
    CHECK_ERRNO(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &r, sizeof(r)), EINVAL);
    r.tp_sizeof_priv = 0xffffffff;
    CHECK_ERRNO(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &r, sizeof(r)), EINVAL);
    r.tp_sizeof_priv = 8;
    CHECK_ERRNO(setsockopt(fd, SOL_PACKET, PACKET_TX_RING, &r, sizeof(r)), EINVAL);
    r.tp_sizeof_priv = 0;
    CHECK(setsockopt(fd, SOL_PACKET, PACKET_TX_RING, &r, sizeof(r)) == 0);
    close(fd);
}

/* --- sending */

struct slot {
    char *at;
    int version;
};

static uint32_t status_of(struct slot s)
{
    return s.version == TPACKET_V1   ? (uint32_t)((volatile struct tpacket_hdr *)s.at)->tp_status
           : s.version == TPACKET_V2 ? ((volatile struct tpacket2_hdr *)s.at)->tp_status
                                     : ((volatile struct tpacket3_hdr *)s.at)->tp_status;
}

// A frame of ours of `len` bytes at `offset` (0: the usual place).
static void put_frame(struct slot s, unsigned len, int fill, unsigned offset)
{
    unsigned usual = s.version == TPACKET_V3 ? 48 : 32;
    unsigned char *data = (void *)(s.at + (offset ? offset : usual));
    if (len >= FRAME_HEAD && len <= 400) {
        memset(data, 0, FRAME_HEAD);
        memset(data + FRAME_HEAD, fill, len - FRAME_HEAD);
        data[12] = OURS >> 8;
        data[13] = OURS & 0xff;
    }
    if (s.version == TPACKET_V1) {
        struct tpacket_hdr *h = (void *)s.at;
        h->tp_len = len;
        h->tp_mac = (unsigned short)offset;
        h->tp_status = TP_STATUS_SEND_REQUEST;
    } else if (s.version == TPACKET_V2) {
        struct tpacket2_hdr *h = (void *)s.at;
        h->tp_len = len;
        h->tp_mac = (unsigned short)offset;
        h->tp_status = TP_STATUS_SEND_REQUEST;
    } else {
        struct tpacket3_hdr *h = (void *)s.at;
        h->tp_next_offset = 0;
        h->tp_len = len;
        h->tp_mac = (unsigned short)offset;
        h->tp_status = TP_STATUS_SEND_REQUEST;
    }
}

static void expect_ours(int fd, unsigned len, int fill)
{
    unsigned char buf[2000];
    NEED(is_readable(fd));
    CHECK_EQ(recv(fd, buf, sizeof(buf), MSG_DONTWAIT), len);
    CHECK_EQ(buf[len - 1], fill);
}

static void send_with(int version)
{
    int in = open_at_lo(SOCK_RAW, OURS), fd = open_at_lo(SOCK_RAW, 0);
    NEED(in >= 0 && fd >= 0);
    CHECK(set_int(fd, PACKET_VERSION, version));
    NEED(set_ring(fd, PACKET_TX_RING, BLOCK, BLOCKS, FRAME) == 0);
    char *map = map_ring(fd, BLOCK * BLOCKS);
    NEED(map != MAP_FAILED);
#define SLOT(i) ((struct slot){map + (i) % FRAMES * FRAME, version})
    CHECK_EQ(send(fd, NULL, 0, 0), 0);
    for (int i = 0; i < FRAMES + 2; i += 2) {
        put_frame(SLOT(i), 100, i, 0);
        put_frame(SLOT(i + 1), 60, i + 1, 0);
        CHECK_EQ(send(fd, NULL, 0, 0), 160);
        expect_ours(in, 100, i);
        expect_ours(in, 60, i + 1);
        CHECK_EQ(status_of(SLOT(i)), TP_STATUS_AVAILABLE);
        CHECK_EQ(status_of(SLOT(i + 1)), TP_STATUS_AVAILABLE);
    }
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    CHECK(poll(&p, 1, 0) == 1 && p.revents == POLLOUT);
    // What is no frame stops it, and stays where it is.
    put_frame(SLOT(2), 100, 1, 0);
    put_frame(SLOT(3), FRAME, 2, 0);
    put_frame(SLOT(4), 100, 3, 0);
    CHECK_ERRNO(send(fd, NULL, 0, 0), EMSGSIZE);
    expect_ours(in, 100, 1);
    CHECK_EQ(status_of(SLOT(3)), TP_STATUS_WRONG_FORMAT);
    CHECK_EQ(send(fd, NULL, 0, 0), 0);
    put_frame(SLOT(3), 3, 2, 0);
    CHECK_ERRNO(send(fd, NULL, 0, 0), EINVAL);
    put_frame(SLOT(3), 50, 2, 0);
    CHECK_EQ(send(fd, NULL, 0, MSG_DONTWAIT), 150);
    expect_ours(in, 50, 2);
    expect_ours(in, 100, 3);
    munmap(map, BLOCK * BLOCKS);
    // Passed over, if asked for; and at another place.
    CHECK(set_ring(fd, PACKET_TX_RING, 0, 0, 0) == 0);
    CHECK(set_int(fd, PACKET_LOSS, 1) && set_int(fd, PACKET_TX_HAS_OFF, 1));
    NEED(set_ring(fd, PACKET_TX_RING, BLOCK, BLOCKS, FRAME) == 0);
    map = map_ring(fd, BLOCK * BLOCKS);
    NEED(map != MAP_FAILED);
    put_frame(SLOT(0), 100, 5, 16);
    put_frame(SLOT(1), 100, 6, 77);
    put_frame(SLOT(2), 100, 7, FRAME - 99);
    put_frame(SLOT(3), 100, 8, FRAME - 100);
    CHECK_EQ(send(fd, NULL, 0, 0), 200);
    expect_ours(in, 100, 6);
    expect_ours(in, 100, 8);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(status_of(SLOT(i)), TP_STATUS_AVAILABLE);
    munmap(map, BLOCK * BLOCKS);
    close(fd);
    close(in);
}

static void send_v1(void)
{
    send_with(TPACKET_V1);
}
static void send_v2(void)
{
    send_with(TPACKET_V2);
}
static void send_v3(void)
{
    send_with(TPACKET_V3);
}

/* --- nothing that the program writes matters */

static atomic_bool stop;

struct memory {
    char *at;
    size_t size;
};

static void *scribble(void *arg)
{
    struct memory *m = arg;
    unsigned seed = 1;
    while (!stop)
        for (int i = 0; i < 256; i++) {
            seed = seed * 1103515245 + 12345;
            ((volatile unsigned *)m->at)[(seed >> 4) % (m->size / 4)] =
                seed & 8 ? seed >> 20 & 7 : seed;
        }
    return NULL;
}

static void scribbled(int version)
{
    struct tpacket_req3 r = {BLOCK, BLOCKS, FRAME, FRAMES, 5, 0, TP_FT_REQ_FILL_RXHASH};
    int fd = open_at_lo(SOCK_RAW, OURS);
    pthread_t thread;
    NEED(fd >= 0 && set_int(fd, PACKET_VERSION, version));
    CHECK(set_int(fd, PACKET_LOSS, 1) && set_int(fd, PACKET_TX_HAS_OFF, 1));
    NEED(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &r,
                    version == TPACKET_V3 ? sizeof(r) : sizeof(struct tpacket_req)) == 0);
    NEED(set_ring(fd, PACKET_TX_RING, BLOCK, BLOCKS, FRAME) == 0);
    struct memory m = {map_ring(fd, 2 * BLOCK * BLOCKS), 2 * BLOCK * BLOCKS};
    NEED(m.at != MAP_FAILED);
    stop = false;
    CHECK_EQ(pthread_create(&thread, NULL, scribble, &m), 0);
    for (int i = 0; i < 3000; i++) {
        send_only((unsigned)i % 3000, i);
        send(fd, NULL, 0, MSG_DONTWAIT);
    }
    stop = true;
    pthread_join(thread, NULL);
    munmap(m.at, m.size);
    close(fd);
}

static void scribbled_v2(void)
{
    scribbled(TPACKET_V2);
}
static void scribbled_v3(void)
{
    scribbled(TPACKET_V3);
}

// Rings are made, mapped and ended while frames arrive and others send.
static void *come_and_go(void *arg)
{
    int fd = *(int *)arg;
    for (int i = 0; i < 200; i++) {
        if (set_ring(fd, i & 1 ? PACKET_RX_RING : PACKET_TX_RING, BLOCK, BLOCKS, FRAME) == 0) {
            char *map = map_ring(fd, BLOCK * BLOCKS);
            if (map != MAP_FAILED) {
                ((volatile char *)map)[BLOCK] = 1;
                munmap(map, BLOCK * BLOCKS);
            }
        }
        set_ring(fd, i & 1 ? PACKET_RX_RING : PACKET_TX_RING, 0, 0, 0);
    }
    return NULL;
}

static void races(void)
{
    pthread_t threads[3];
    int fd = open_at_lo(SOCK_RAW, OURS), status;
    NEED(fd >= 0 && set_int(fd, PACKET_VERSION, TPACKET_V2));
    pid_t child = fork(); // where a fault for want of a page does no harm
    if (child == 0) {
        for (int i = 0; i < 3; i++)
            pthread_create(&threads[i], NULL, come_and_go, &fd);
        for (int i = 0; i < 1000; i++)
            send_only(100, i), send(fd, NULL, 0, MSG_DONTWAIT);
        for (int i = 0; i < 3; i++)
            pthread_join(threads[i], NULL);
        _exit(0);
    }
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status) || WTERMSIG(status) == SIGBUS);
    close(fd);
}

int main(void)
{
    begin_on_lo();
    promise("TPACKET_V1 is received", receive_v1);
    promise("rings are checked, and held by those who have them mapped", rules);
    promise("what is longer than a frame is queued as well", long_frames_are_queued_too);
    promise("TPACKET_V3 gives a block when its time is over", blocks_by_time);
    promise("TPACKET_V3 gives a block when it is full", blocks_by_size);
    promise("TPACKET_V3 is checked", rules_v3);
    promise("TPACKET_V1 is sent", send_v1);
    promise("TPACKET_V2 is sent", send_v2);
    promise("TPACKET_V3 is sent", send_v3);
    promise("a program may write what it likes into V2", scribbled_v2);
    promise("a program may write what it likes into V3", scribbled_v3);
    promise("rings come and go while others use the socket", races);
    return check_end();
}
