#include "network.h"

#include "quote.h"
#include "say.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    QUEUES_MAX = 8,
    /* QEMU's user network, unless --ip says otherwise: 10.0.2.0/24, where .2 is the host, .3
     * answers for the host's name servers, and .15 is the guest. */
    USER_NET = 0x0a000200,
    USER_PREFIX = 24,
    USER_HOST = 2,
    USER_DNS = 3,
    USER_GUEST = 15,
};

/* --- values of options */

/* A decimal number up to `max` at *text, which moves behind it; -1: none. */
static long take_number(const char **text, long max)
{
    long value = 0;
    const char *at = *text;

    if (*at < '0' || *at > '9')
        return -1;
    for (; *at >= '0' && *at <= '9'; at++)
        if ((value = value * 10 + (*at - '0')) > max)
            return -1;
    *text = at;
    return value;
}

/* a.b.c.d at *text in host order. */
static bool take_address(const char **text, uint32_t *address)
{
    uint32_t value = 0;

    for (int i = 0; i < 4; i++) {
        if (i && *(*text)++ != '.')
            return false;
        long byte = take_number(text, 255);
        if (byte < 0)
            return false;
        value = value << 8 | (uint32_t)byte;
    }
    *address = value;
    return true;
}

static bool add_forward(struct network *network, const struct forward *forward)
{
    if (network->nforwards == FORWARDS_MAX)
        return false;
    for (unsigned i = 0; i < network->nforwards; i++) {
        const struct forward *other = &network->forward[i];
        bool both = !other->address || !forward->address || other->address == forward->address;
        if (forward->host && other->host == forward->host && other->udp == forward->udp && both)
            die(STATUS_FAILED, "--publish: port %u of this host is there twice", forward->host);
    }
    network->forward = remake(network->forward, network->nforwards + 1, sizeof *network->forward);
    network->forward[network->nforwards++] = *forward;
    return true;
}

/* The ports; the address before them has been taken. */
static bool take_ports(struct forward *forward, const char **text, bool addressed)
{
    long first = take_number(text, 65535);

    if (first < 0)
        return false;
    if (**text != ':') { /* GUEST alone */
        forward->guest = (unsigned)first;
        return first > 0 && !addressed;
    }
    ++*text;
    long second = take_number(text, 65535);
    forward->host = (unsigned)first;
    forward->guest = (unsigned)second;
    return second > 0;
}

bool network_publish(struct network *network, const char *value)
{
    struct forward forward = {0};
    const char *text = value, *colon = strchr(value, ':');
    const char *dot = strchr(value, '.');
    bool addressed = dot && colon && dot < colon;

    if (addressed && (!take_address(&text, &forward.address) || *text++ != ':'))
        return false;
    if (!take_ports(&forward, &text, addressed))
        return false;
    forward.udp = !strcmp(text, "/udp");
    if (*text && !forward.udp && strcmp(text, "/tcp") != 0)
        return false;
    return add_forward(network, &forward);
}

bool network_mode(struct network *network, const char *value)
{
    if (!strncmp(value, "tap=", 4)) {
        network->mode = NET_TAP;
        network->tap = value + 4;
        size_t size = strlen(network->tap);
        return size > 0 && size < IFNAMSIZ && !strpbrk(network->tap, "/, \t\n");
    }
    network->mode = !strcmp(value, "user") ? NET_USER : NET_NONE;
    return network->mode == NET_USER || !strcmp(value, "none");
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool network_mac(struct network *network, const char *value)
{
    const char *text = value;

    for (int i = 0; i < 6; i++) {
        if (i && *text++ != ':')
            return false;
        int high = hex_digit(text[0]), low = high < 0 ? -1 : hex_digit(text[1]);
        if (low < 0)
            return false;
        network->mac[i] = (uint8_t)(high << 4 | low);
        text += 2;
    }
    network->has_mac = true;
    return !*text && !(network->mac[0] & 1); /* not a group's */
}

static uint32_t mask(unsigned prefix)
{
    return prefix ? ~0u << (32 - prefix) : 0;
}

bool network_ip(struct network *network, const char *value)
{
    const char *text = value;

    network->dhcp = !strcmp(value, "dhcp");
    network->address = network->gateway = 0;
    if (network->dhcp)
        return true;
    if (!take_address(&text, &network->address) || *text++ != '/')
        return false;
    long prefix = take_number(&text, 32);
    if (prefix < 1)
        return false;
    network->prefix = (unsigned)prefix;
    if (*text == ',') {
        text++;
        if (!take_address(&text, &network->gateway) || !network->gateway)
            return false;
    }
    return !*text && network->address;
}

bool network_nic(struct network *network, const char *value)
{
    static const char *const names[] = {
        [NIC_MMIO] = "mmio",       [NIC_LEGACY] = "legacy", [NIC_MODERN] = "modern",
        [NIC_PACKED] = "packed",   [NIC_E1000] = "e1000",   [NIC_E1000E] = "e1000e",
        [NIC_VMXNET3] = "vmxnet3",
    };

    for (unsigned i = NIC_MMIO; i < sizeof names / sizeof *names; i++)
        if (!strcmp(value, names[i])) {
            network->nic = (enum nic)i;
            return true;
        }
    return false;
}

/* --- what there is */

bool network_there(const struct network *network)
{
    return network->mode == NET_USER || network->mode == NET_TAP ||
           (network->mode == NET_AUTO && network->nforwards);
}

static bool user_network(const struct network *network)
{
    return network_there(network) && network->mode != NET_TAP;
}

bool network_needs_pci(const struct network *network)
{
    return network->nic != NIC_AUTO && network->nic != NIC_MMIO && network->nic != NIC_PACKED;
}

const char *network_fault(const struct network *network, int pci)
{
    uint32_t net = mask(network->prefix);

    if (network->nforwards && network->mode == NET_TAP)
        return "-p goes with the user network: behind a tap the guest has an address of its own";
    if (network->nforwards && network->mode == NET_NONE)
        return "-p and --net none exclude each other";
    if (network->mode == NET_NONE &&
        (network->has_mac || network->dhcp || network->address || network->dump || network->nic))
        return "--mac, --ip, --nic and --tcpdump need a network: --net none excludes them";
    if (network->address && network->gateway && (network->address ^ network->gateway) & net)
        return "--ip: the gateway is not in the address's network";
    if (network->address && user_network(network) && network->prefix > 28)
        return "--ip: the user network needs a prefix of 28 bits at most";
    if (network->nic == NIC_MMIO && pci == 1)
        return "--nic mmio goes with --machine microvm";
    if (network_needs_pci(network) && pci == 0)
        return "--nic legacy, modern, e1000, e1000e and vmxnet3 need PCI: --machine pc or q35";
    return NULL;
}

/* --- before the start */

static void dotted(uint32_t address, char text[INET_ADDRSTRLEN])
{
    uint32_t network_order = htonl(address);

    inet_ntop(AF_INET, &network_order, text, INET_ADDRSTRLEN);
}

/* Is the port free? A free one is chosen if it is 0. Else 0, or the error. */
static int try_port(struct forward *forward)
{
    int fd = socket(AF_INET, (forward->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in name = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)forward->host),
                               .sin_addr.s_addr = htonl(forward->address)};
    socklen_t size = sizeof name;

    if (fd < 0)
        return errno;
    if (!forward->udp)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    int failed = bind(fd, (struct sockaddr *)&name, sizeof name) ||
                 (!forward->udp && listen(fd, 1)) ||
                 getsockname(fd, (struct sockaddr *)&name, &size);
    int error = failed ? errno : 0;
    if (!failed)
        forward->host = ntohs(name.sin_port);
    close(fd);
    return error;
}

static void prepare_forward(struct forward *forward)
{
    char address[INET_ADDRSTRLEN];
    bool any = !forward->host;

    dotted(forward->address, address);
    int error = try_port(forward);
    if (error)
        die(STATUS_FAILED, "-p: port %u of %s cannot be used: %s", forward->host, address,
            strerror(error));
    if (any)
        warn("%s:%u leads to port %u/%s of the guest", address, forward->host, forward->guest,
             forward->udp ? "udp" : "tcp");
}

/* The flags (IFF_TAP ...) of a tap interface that is there. */
static unsigned tap_flags(const char *name)
{
    char *path = formatted("/sys/class/net/%s", name);
    char *flags_path = formatted("%s/tun_flags", path);
    unsigned flags = 0;

    if (access(path, F_OK))
        die(STATUS_FAILED,
            "--net tap=%s: there is no such interface (ip tuntap add dev %s mode tap)", name, name);
    FILE *file = fopen(flags_path, "re");
    if (!file || fscanf(file, "%x", &flags) != 1 || !(flags & IFF_TAP))
        die(STATUS_FAILED, "--net tap=%s: is not a tap interface", name);
    fclose(file);
    free(flags_path);
    free(path);
    return flags;
}

/* Attach for a moment, as QEMU will. */
static void try_tap(const char *name, unsigned flags)
{
    struct ifreq request = {0};
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

    if (fd < 0)
        die(STATUS_FAILED, "--net tap=%s: /dev/net/tun: %s", name, strerror(errno));
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    request.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (flags & IFF_MULTI_QUEUE));
    if (ioctl(fd, TUNSETIFF, &request)) {
        if (errno == EBUSY)
            die(STATUS_FAILED, "--net tap=%s: is in use", name);
        if (errno == EPERM)
            die(STATUS_FAILED,
                "--net tap=%s: no permission (ip tuntap add dev %s mode tap user NAME)", name,
                name);
        die(STATUS_FAILED, "--net tap=%s: %s", name, strerror(errno));
    }
    close(fd);
}

void network_prepare(struct network *network, unsigned cpus)
{
    for (unsigned i = 0; i < network->nforwards; i++)
        prepare_forward(&network->forward[i]);
    network->queues = 1;
    if (network->mode != NET_TAP)
        return;
    unsigned flags = tap_flags(network->tap);
    try_tap(network->tap, flags);
    if (flags & IFF_MULTI_QUEUE && network->dump)
        die(STATUS_FAILED, "--tcpdump: QEMU cannot record a tap that was made with multi_queue");
    if (flags & IFF_MULTI_QUEUE) /* QEMU attaches to such a one with several only */
        network->queues = network->nic >= NIC_E1000 ? 1
                          : cpus < 2                ? 2
                          : cpus < QUEUES_MAX       ? cpus
                                                    : QUEUES_MAX;
}

/* --- words */

/* Who is who in the user network. */
static uint32_t user_base(const struct network *network)
{
    return network->address ? network->address & mask(network->prefix) : USER_NET;
}
static uint32_t user_guest(const struct network *network)
{
    return network->address ? network->address : USER_NET + USER_GUEST;
}
/* The n-th address, or another if that is the guest's or the gateway's. */
static uint32_t user_place(const struct network *network, uint32_t n)
{
    uint32_t place = user_base(network) + n;

    while (place == user_guest(network) || (n != USER_HOST && place == network->gateway))
        place += 2;
    return place;
}
static uint32_t user_gateway(const struct network *network)
{
    return network->gateway ? network->gateway : user_place(network, USER_HOST);
}

static void user_words(const struct network *network, struct text *net)
{
    char base[INET_ADDRSTRLEN], host[INET_ADDRSTRLEN], dns[INET_ADDRSTRLEN], guest[INET_ADDRSTRLEN];

    text_str(net, "user,id=net");
    dotted(user_guest(network), guest);
    if (network->address) {
        dotted(user_base(network), base);
        dotted(user_gateway(network), host);
        dotted(user_place(network, USER_DNS), dns);
        text_format(net, ",net=%s/%u,host=%s,dns=%s,dhcpstart=%s", base, network->prefix, host, dns,
                    guest);
    }
    for (unsigned i = 0; i < network->nforwards; i++) {
        const struct forward *forward = &network->forward[i];
        char address[INET_ADDRSTRLEN] = "";
        if (forward->address)
            dotted(forward->address, address);
        text_format(net, ",hostfwd=%s:%s:%u-%s:%u", forward->udp ? "udp" : "tcp", address,
                    forward->host, guest, forward->guest);
    }
}

static void device_words(const struct network *network, bool mmio, struct text *device)
{
    unsigned queues = network->queues ? network->queues : 1;

    static const char *const cards[] = {
        [NIC_E1000] = "e1000", [NIC_E1000E] = "e1000e", [NIC_VMXNET3] = "vmxnet3"};
    bool card = network->nic >= NIC_E1000;

    if (card)
        text_format(device, "%s,romfile=", cards[network->nic]);
    else if (mmio)
        text_str(device, "virtio-net-device,bus=virtio-mmio-bus.1");
    else /* no boot ROM */
        text_format(device, "virtio-net-pci,romfile=,vectors=%u", 2 * queues + 2);
    text_str(device, ",netdev=net");
    if (network->nic == NIC_LEGACY)
        text_str(device, ",disable-modern=on,disable-legacy=off");
    else if (!mmio && !card)
        text_str(device, ",disable-modern=off,disable-legacy=on");
    if (network->nic == NIC_PACKED)
        text_str(device, ",packed=on");
    if (queues > 1 && !card)
        text_str(device, ",mq=on");
    const uint8_t *m = network->mac;
    if (network->has_mac)
        text_format(device, ",mac=%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4],
                    m[5]);
}

void network_qemu_words(const struct network *network, bool mmio, struct words *words)
{
    struct text net = {0}, device = {0};

    if (!network_there(network))
        return;
    if (network->mode == NET_TAP) {
        text_format(&net, "tap,id=net,ifname=%s,script=no,downscript=no", network->tap);
        if (network->queues > 1)
            text_format(&net, ",queues=%u", network->queues);
        if (network->dump) /* else the offloads' header would be in the file */
            text_str(&net, ",vnet_hdr=off");
    } else {
        user_words(network, &net);
    }
    device_words(network, mmio, &device);
    words_add(words, "-netdev");
    words_add(words, net.data);
    words_add(words, "-device");
    words_add(words, device.data);
    if (network->dump) {
        words_add(words, "-object");
        struct text file = {0};
        for (const char *c = network->dump; *c; c++) { /* QEMU's commas */
            text_char(&file, *c);
            if (*c == ',')
                text_char(&file, ',');
        }
        words_addf(words, "filter-dump,id=dump,netdev=net,maxlen=262144,file=%s", file.data);
        text_free(&file);
    }
    text_free(&net);
    text_free(&device);
}

/* ADDRESS::GATEWAY:MASK:HOSTNAME:DEVICE:off:DNS (Linux: nfsroot.rst). */
static void static_word(const struct network *network, const char *hostname, struct text *word)
{
    bool user = user_network(network);
    char address[INET_ADDRSTRLEN], gateway[INET_ADDRSTRLEN] = "", netmask[INET_ADDRSTRLEN],
                                   dns[INET_ADDRSTRLEN] = "";
    uint32_t way = user ? user_gateway(network) : network->gateway;

    dotted(user_guest(network), address);
    if (way)
        dotted(way, gateway);
    dotted(mask(network->address ? network->prefix : USER_PREFIX), netmask);
    if (user)
        dotted(user_place(network, USER_DNS), dns);
    text_format(word, "ip=%s::%s:%s:%s:eth0:off%s%s", address, gateway, netmask, hostname,
                *dns ? ":" : "", dns);
}

void network_kernel_words(const struct network *network, const char *hostname, struct text *line)
{
    struct text word = {0};

    if (!network_there(network))
        return;
    if (network->dhcp || (network->mode == NET_TAP && !network->address))
        text_format(&word, "ip=::::%s:eth0:dhcp", hostname ? hostname : "");
    else
        static_word(network, hostname ? hostname : "", &word);
    quote_kernel(line, word.data);
    text_free(&word);
}
