// clang-format off
// sources: tests/unit/shim/net.c kernel/net/packet.c kernel/net/checksum.c kernel/net/segment.c
// sources: kernel/net/netif.c kernel/net/receive.c kernel/net/loopback.c kernel/net/route.c
// sources: kernel/net/neighbour.c kernel/net/channel.c kernel/net/demux.c kernel/net/ports.c
// sources: kernel/net/reuseport.c kernel/net/mib.c kernel/net/ip.c kernel/net/path_mtu.c
// sources: kernel/net/ip_fragment.c kernel/net/ipv4.c kernel/net/ipv4_output.c
// sources: kernel/net/ipv4_options.c kernel/net/icmp.c kernel/net/arp.c kernel/net/address.c
// sources: tests/unit/shim/net_no_ipv6.c kernel/lib/rbtree.c
// flags: -Itests/unit -Itests/unit/shim/net -Itests/unit/shim -Ikernel -fwrapv -fno-sanitize=alignment
// clang-format on
/* libFuzzer: frames that arrive one after the other at an Ethernet device, with sockets behind it.
 * Each begins with a byte: its length in bytes of 8 (0: time passes), and one: how many pieces,
 * whether it is addressed to us, and whether checksums are made right before it arrives. */
#include "shim/net.h"

#include "lib/endian.h"
#include "lib/string.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void bind(struct shim_socket *s, struct inet_addr address, unsigned port)
{
    NEED(inet_bind(&s->inet, &address, port) == 0 && inet_hash_bound(&s->inet) == 0);
}

static void start(void)
{
    static bool started;

    if (started)
        return;
    started = true;
    shim_start();
    shim_privileged = true;
    bind(shim_socket(AF_INET, SOCK_DGRAM), inet_v4(0), 0x3030);
    bind(shim_socket(AF_INET6, SOCK_DGRAM), (struct inet_addr){}, 0x3131);
    struct inet_addr group = inet_v4(0x010000e0);
    NEED(netif_join(&shim_eth, &group) == 0);
}

/* What no fuzzer guesses: that it is for us, by the words of `how`. */
static void address(uint8_t *frame, unsigned n, unsigned how)
{
    static const uint32_t destinations[] = {0x0200000a, 0xff00000a, 0x010000e0, 0x0100007f};

    if (n < 34)
        return;
    memcpy(frame, shim_eth.mac, ETH_ALEN);
    put_be16(frame + 12, ETH_P_IP);
    frame[14] = 0x40 | (frame[14] & 15);
    if (how & 0x20)
        frame[14] = 0x45;
    put_le32(frame + 26, 0x0100000a);
    put_le32(frame + 30, destinations[how >> 3 & 3]);
    if (how & 0x20)
        put_be16(frame + 16, (uint16_t)(n - ETH_HLEN));
}

static void mend(uint8_t *frame, unsigned n)
{
    uint8_t *ip = frame + ETH_HLEN;
    unsigned header = n > 34 ? (ip[0] & 15) * 4u : 0;

    if (header < 20 || ETH_HLEN + header > n)
        return;
    shim_ipv4_sum(ip);
    unsigned total = get_be16(ip + 2), len = total > header ? total - header : 0;
    if (ip[9] == IPPROTO_ICMP && len >= 8 && ETH_HLEN + total <= n) {
        put_le16(ip + header + 2, 0);
        put_le16(ip + header + 2, checksum_fold(checksum_add(0, ip + header, len)));
    }
}

static bool drop(struct inet_socket *s, void *arg)
{
    struct shim_socket *socket = container_of(s, struct shim_socket, inet);

    packet_queue_purge(&socket->got);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t frame[4096];
    unsigned queues;

    start();
    while (size >= 2) {
        unsigned n = MIN(data[0] * 8u, (unsigned)size - 2), how = data[1];
        memcpy(frame, data + 2, n);
        data += 2 + n;
        size -= 2 + n;
        if (!n) {
            shim_advance(how * 300000000ll);
            continue;
        }
        if (how & 0x40)
            address(frame, n, how);
        if (how & 0x80)
            mend(frame, n);
        netif_receive(&shim_eth, shim_packet(frame, n, how & 7));
        shim_work();
        packet_queue_purge(&shim_out);
    }
    shim_advance(100 * 1000000000ll);
    packet_queue_purge(&shim_out);
    inet_each(IPPROTO_UDP, drop, NULL);
    shim_quiescent();
    NEED(ip_fragment_memory(&queues) == 0);
    return 0;
}
