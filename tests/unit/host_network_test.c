// sources: host/network.c host/quote.c host/text.c host/say.c
// flags: -D_GNU_SOURCE -Ihost
/* What the command reads of -p, --net, --mac, --ip and --nic, and the words for QEMU and the kernel
 * that come of them; values that are damaged at random are refused or make sense. */
#include "network.h"

#include "say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

static void check(bool good, const char *what)
{
    printf("%sok - %s\n", good ? "" : "not ", what);
    failures += !good;
}

static bool publishes(const char *value, uint32_t address, unsigned host, unsigned guest, bool udp)
{
    struct network network = {0};
    bool good = network_publish(&network, value) && network.nforwards == 1;
    const struct forward *forward = network.forward;

    good = good && forward->address == address && forward->host == host &&
           forward->guest == guest && forward->udp == udp;
    free(network.forward);
    return good;
}

static bool refuses(bool (*take)(struct network *, const char *), const char *const *values)
{
    for (; *values; values++) {
        struct network network = {0};
        bool taken = take(&network, *values);
        free(network.forward);
        if (taken) {
            printf("# taken: '%s'\n", *values);
            return false;
        }
    }
    return true;
}

static void forwards(void)
{
    static const char *const wrong[] = {"",
                                        ":",
                                        "1:",
                                        ":1",
                                        "x:1",
                                        "1:x",
                                        "1:2/sctp",
                                        "65536:1",
                                        "1:65536",
                                        "1:0",
                                        "0",
                                        "-1:1",
                                        "1:1 ",
                                        "127.0.0.1:1",
                                        "1.2.3:1:2",
                                        "1.2.3.256:1:2",
                                        "1.2.3.4.5:1:2",
                                        "1:2:3",
                                        "[::1]:1:2",
                                        "host:1:2",
                                        "1:2/",
                                        "1:2/udpx",
                                        "+1:2",
                                        NULL};

    check(publishes("6379:6379", 0, 6379, 6379, false), "HOST:GUEST");
    check(publishes("127.0.0.1:8080:80/tcp", 0x7f000001, 8080, 80, false), "ADDR:HOST:GUEST/tcp");
    check(publishes("53:5353/udp", 0, 53, 5353, true), "HOST:GUEST/udp");
    check(publishes("80", 0, 0, 80, false) && publishes("0:80", 0, 0, 80, false) &&
              publishes("127.0.0.1:0:80/udp", 0x7f000001, 0, 80, true),
          "any free port");
    check(refuses(network_publish, wrong), "what is no port is refused");
}

static void other_values(void)
{
    static const char *const macs[] = {"",
                                       "52:54:00:12:34",
                                       "52:54:00:12:34:56:78",
                                       "52:54:00:12:34:5",
                                       "52:54:00:12:34:5g",
                                       "525400123456",
                                       "01:00:5e:00:00:01",
                                       "52-54-00-12-34-56",
                                       NULL};
    static const char *const ips[] = {"",           "10.0.0.1",      "10.0.0.1/",  "10.0.0.1/33",
                                      "10.0.0.1/0", "10.0.0.1/24,",  "10.0.0/24",  "DHCP",
                                      "0.0.0.0/8",  "10.0.0.1/24,x", "fe80::1/64", "10.0.0.1/24 ",
                                      NULL};
    static const char *const modes[] = {
        "", "users", "tap", "tap=", "tap=a/b", "tap=a,b", "tap=sixteen-letters-x", NULL};
    static const char *const nics[] = {"", "e100", "mmio ", NULL};
    struct network n = {0};

    check(network_mac(&n, "52:54:00:aB:cd:EF") && n.mac[3] == 0xab && n.mac[5] == 0xef &&
              refuses(network_mac, macs),
          "hardware addresses");
    check(network_ip(&n, "192.168.7.9/20,192.168.0.1") && n.address == 0xc0a80709 &&
              n.prefix == 20 && n.gateway == 0xc0a80001 && !n.dhcp && network_ip(&n, "dhcp") &&
              n.dhcp && !n.address && refuses(network_ip, ips),
          "addresses");
    check(network_mode(&n, "tap=tap0") && n.mode == NET_TAP && !strcmp(n.tap, "tap0") &&
              network_mode(&n, "none") && n.mode == NET_NONE && network_mode(&n, "user") &&
              n.mode == NET_USER && refuses(network_mode, modes),
          "kinds of network");
    check(network_nic(&n, "packed") && n.nic == NIC_PACKED && refuses(network_nic, nics),
          "kinds of device");
}

/* What the network makes of these values, as one line; NULL ends the list. */
static char *line_of(const struct network *network, bool mmio, const char *hostname)
{
    struct words words = {0};
    struct text line = {0};

    text_str(&line, "");
    network_qemu_words(network, mmio, &words);
    for (size_t i = 0; i < words.count; i++)
        text_format(&line, "%s ", words.item[i]);
    network_kernel_words(network, hostname, &line);
    words_free(&words);
    return line.data ? line.data : copy("");
}

static void expect(const struct network *network, bool mmio, const char *hostname,
                   const char *wanted, const char *what)
{
    char *line = line_of(network, mmio, hostname);

    if (strcmp(line, wanted) != 0)
        printf("# %s\n# wanted: %s\n", line, wanted);
    check(!strcmp(line, wanted), what);
    free(line);
}

static void words(void)
{
    struct network n = {0};

    expect(&n, true, NULL, "", "no network without a wish for one");
    network_publish(&n, "127.0.0.1:7000:6379");
    network_publish(&n, "53:53/udp");
    expect(&n, true, NULL,
           "-netdev user,id=net,hostfwd=tcp:127.0.0.1:7000-10.0.2.15:6379,"
           "hostfwd=udp::53-10.0.2.15:53 "
           "-device virtio-net-device,bus=virtio-mmio-bus.1,netdev=net "
           " ip=10.0.2.15::10.0.2.2:255.255.255.0::eth0:off:10.0.2.3",
           "-p makes the user network");
    free(n.forward);
    n = (struct network){.mode = NET_USER, .dump = "a,b"};
    network_nic(&n, "legacy");
    network_mac(&n, "52:54:00:00:00:01");
    network_ip(&n, "192.168.1.2/24");
    expect(&n, false, "box",
           "-netdev user,id=net,net=192.168.1.0/24,host=192.168.1.4,dns=192.168.1.3,"
           "dhcpstart=192.168.1.2 "
           "-device virtio-net-pci,romfile=,vectors=4,netdev=net,disable-modern=on,"
           "disable-legacy=off,mac=52:54:00:00:00:01 "
           "-object filter-dump,id=dump,netdev=net,maxlen=262144,file=a,,b "
           " ip=192.168.1.2::192.168.1.4:255.255.255.0:box:eth0:off:192.168.1.3",
           "an address, a name, a legacy device, a dump");
    n = (struct network){.mode = NET_TAP, .tap = "tap0", .queues = 4};
    expect(&n, false, NULL,
           "-netdev tap,id=net,ifname=tap0,script=no,downscript=no,queues=4 "
           "-device virtio-net-pci,romfile=,vectors=10,netdev=net,disable-modern=off,"
           "disable-legacy=on,mq=on "
           " ip=::::" /* no name */
           ":eth0:dhcp",
           "a tap with several queues");
    network_ip(&n, "10.1.2.3/16,10.1.0.1");
    n.queues = 1;
    expect(&n, true, NULL,
           "-netdev tap,id=net,ifname=tap0,script=no,downscript=no "
           "-device virtio-net-device,bus=virtio-mmio-bus.1,netdev=net "
           " ip=10.1.2.3::10.1.0.1:255.255.0.0::eth0:off",
           "a tap with a fixed address");
}

static void faults(void)
{
    struct network tap = {.mode = NET_TAP, .tap = "t"}, none = {.mode = NET_NONE}, n = {0};

    check(!network_fault(&n, 0) && !network_fault(&tap, -1) && !network_fault(&none, 1),
          "what goes together");
    network_publish(&tap, "1:1");
    network_publish(&none, "1:1");
    check(network_fault(&tap, -1) && network_fault(&none, -1), "ports need the user network");
    free(tap.forward);
    free(none.forward);
    none = (struct network){.mode = NET_NONE, .dhcp = true};
    check(network_fault(&none, -1), "an address needs a network");
    n = (struct network){.mode = NET_USER};
    network_ip(&n, "10.0.0.5/24,10.0.1.1");
    check(network_fault(&n, -1), "the gateway is a neighbour");
    n = (struct network){.nic = NIC_MMIO};
    check(network_fault(&n, 1) && !network_fault(&n, 0) && !network_fault(&n, -1),
          "mmio is microvm's");
    n.nic = NIC_LEGACY;
    check(network_fault(&n, 0) && !network_fault(&n, 1) && !network_fault(&n, -1),
          "legacy needs PCI");
}

static unsigned long seed = 1;
static unsigned rnd(unsigned n)
{
    seed = seed * 6364136223846793005ul + 1442695040888963407ul;
    return (unsigned)(seed >> 33) % n;
}

/* Whatever is taken makes words without blanks within. */
static void mutants(void)
{
    static const char *const good[] = {"127.0.0.1:8080:80/udp", "52:54:00:12:34:56",
                                       "10.0.0.5/24,10.0.0.1", "tap=tap0", "packed"};
    static bool (*const take[])(struct network *, const char *) = {
        network_publish, network_mac, network_ip, network_mode, network_nic};
    static const char letters[] = "0123456789:/.,abfx =tap\n";
    bool sane = true;

    for (int round = 0; round < 200000 && sane; round++) {
        char value[64];
        struct network n = {0};
        snprintf(value, sizeof value, "%s", good[rnd(5)]);
        for (unsigned changes = rnd(4); changes > 0; changes--)
            value[rnd((unsigned)strlen(value) + 1)] = letters[rnd(sizeof letters)];
        value[sizeof value - 1] = 0;
        if (take[rnd(5)](&n, value) && !network_fault(&n, -1)) {
            char *line = line_of(&n, rnd(2), NULL);
            sane = !strchr(line, '\n') && !strstr(line, ",,");
            if (!sane)
                printf("# '%s': %s\n", value, line);
            free(line);
        }
        free(n.forward);
    }
    check(sane, "damaged values are refused or make sense");
}

int main(void)
{
    forwards();
    other_values();
    words();
    faults();
    mutants();
    return failures != 0;
}
