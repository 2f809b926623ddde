/* /proc/net, /proc/sys/net and /sys/class/net as programs read them. */
#include "check.h"
#include "quiet_net.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <fcntl.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static char *slurp(const char *path)
{
    static char buf[1 << 20];
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(buf, 1, sizeof(buf) - 1, f) : 0;

    if (f)
        fclose(f);
    else
        printf("# %s: %s\n", path, strerror(errno));
    buf[n] = 0;
    return f ? buf : NULL;
}

static unsigned long inode_of(int s)
{
    struct stat st;

    return fstat(s, &st) == 0 ? st.st_ino : 0;
}

/* The line that has the number as its field of that place (from 0); NULL. */
static char *line_with(char *text, int field, unsigned long number)
{
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        char copy[512], *save = NULL, *word;
        int i = 0;
        snprintf(copy, sizeof(copy), "%s", line);
        for (word = strtok_r(copy, " ", &save); word && i < field; i++)
            word = strtok_r(NULL, " ", &save);
        if (word && strtoul(word, NULL, 10) == number && isdigit((unsigned char)word[0]))
            return line;
    }
    return NULL;
}

enum { INODE_FIELD = 9 };

/* The state and ports of an inode's line in the file. */
static int find_socket(const char *path, int s, unsigned *local, unsigned *port, unsigned *state,
                       unsigned *tx, unsigned *rx)
{
    char *text = slurp(path), *line = text ? line_with(text, INODE_FIELD, inode_of(s)) : NULL;
    unsigned remote, remote_port;

    return line && sscanf(line, "%*d: %x:%x %x:%x %x %x:%x", local, port, &remote, &remote_port,
                          state, tx, rx) == 7;
}

static int bound(int type, uint16_t *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int s = socket(AF_INET, type, 0);

    if (bind(s, (void *)&a, sizeof(a)) != 0 || getsockname(s, (void *)&a, &len) != 0)
        return -1;
    *port = ntohs(a.sin_port);
    return s;
}

static void tcp(void)
{
    uint16_t number;
    unsigned local, port, state, tx, rx;
    int s = bound(SOCK_STREAM, &number);

    NEED(s >= 0 && listen(s, 6) == 0);
    NEED(find_socket("/proc/net/tcp", s, &local, &port, &state, &tx, &rx));
    CHECK(local == htonl(INADDR_LOOPBACK) && port == number && state == 0x0a && rx == 0);
    char *text = slurp("/proc/self/net/tcp");
    NEED(text);
    CHECK_EQ(strchr(text, '\n') - text, 149);
    CHECK(!strncmp(text, "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when", 60));
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(number),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int c = socket(AF_INET, SOCK_STREAM, 0);
    NEED(connect(c, (void *)&a, sizeof(a)) == 0);
    int d = accept(s, NULL, NULL);
    char three[3];
    NEED(d >= 0 && send(c, "abc", 3, 0) == 3 && recv(d, three, 3, MSG_PEEK | MSG_WAITALL) == 3);
    NEED(find_socket("/proc/net/tcp", d, &local, &port, &state, &tx, &rx));
    CHECK(port == number && state == 1 && rx == 3);
    close(s);
    close(c);
    close(d);
}

static void udp(void)
{
    uint16_t number;
    unsigned local, port, state, tx, rx;
    int s = bound(SOCK_DGRAM, &number);

    NEED(s >= 0 && find_socket("/proc/net/udp", s, &local, &port, &state, &tx, &rx));
    CHECK(local == htonl(INADDR_LOOPBACK) && port == number && state == 7 && rx == 0);
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(number),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char c;
    NEED(sendto(s, "x", 1, 0, (void *)&a, sizeof(a)) == 1 && recv(s, &c, 1, MSG_PEEK) == 1);
    NEED(find_socket("/proc/net/udp", s, &local, &port, &state, &tx, &rx));
    CHECK(rx > 0);
    close(s);
}

static void six(void)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6};
    int s = socket(AF_INET6, SOCK_DGRAM, 0);

    if (s < 0 || bind(s, (void *)&a, sizeof(a)) != 0)
        SKIP("no IPv6 here");
    char *text = slurp("/proc/net/udp6"),
         *line = text ? line_with(text, INODE_FIELD, inode_of(s)) : 0;
    NEED(line);
    CHECK(strstr(line, " 00000000000000000000000000000000:") && strstr(line, ":0000 07 "));
    close(s);
}

static void unix_sockets(void)
{
    struct sockaddr_un a = {AF_UNIX, "\0proc_net"};
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    char type[8], state[8], flags[16];

    NEED(bind(s, (void *)&a, 2 + 9) == 0 && listen(s, 1) == 0);
    char *text = slurp("/proc/net/unix"), *line = text ? line_with(text, 6, inode_of(s)) : NULL;
    NEED(line);
    CHECK(sscanf(line, "%*s %*s %*s %15s %7s %7s", flags, type, state) == 3 &&
          !strcmp(flags, "00010000") && !strcmp(type, "0001") && !strcmp(state, "01"));
    CHECK(strstr(line, " @proc_net"));
    close(s);
}

static void devices(void)
{
    char *text = slurp("/proc/net/dev");

    NEED(text);
    CHECK(!strncmp(text, "Inter-|   Receive ", 18) && strstr(text, "\n    lo: "));
    text = slurp("/proc/net/route");
    NEED(text);
    CHECK(!strncmp(text, "Iface\tDestination\tGateway \tFlags\t", 33));
    text = slurp("/proc/net/if_inet6");
    if (text && *text)
        CHECK(strstr(text, "00000000000000000000000000000001 01 80 10 80       lo\n"));
    text = slurp("/proc/net/arp");
    CHECK(text && !strncmp(text, "IP address       HW type     Flags", 34));
    text = slurp("/proc/net/igmp");
    CHECK(text && !strncmp(text, "Idx\tDevice    : Count Querier", 29));
}

/* A counter of /proc/net/snmp. */
static long counter(const char *group, const char *name)
{
    char *text = slurp("/proc/net/snmp"), prefix[32], *names, *values, *s1 = NULL, *s2 = NULL;

    snprintf(prefix, sizeof(prefix), "\n%s: ", group);
    names = text ? strstr(text, prefix) : NULL;
    values = names ? strstr(names + 1, prefix) : NULL;
    if (!values)
        return -1;
    *values = 0;
    char *n = strtok_r(names, " \n", &s1), *v = strtok_r(values + 1, " \n", &s2);
    while (n && v && strcmp(n, name)) {
        n = strtok_r(NULL, " \n", &s1);
        v = strtok_r(NULL, " \n", &s2);
    }
    return n && v ? atol(v) : -1;
}

static void counters(void)
{
    uint16_t number;
    int s = bound(SOCK_DGRAM, &number);
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(number),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char c;
    long in = counter("Udp", "InDatagrams"), out = counter("Udp", "OutDatagrams");

    CHECK(in >= 0 && out >= 0 && counter("Tcp", "ActiveOpens") >= 0);
    for (int i = 0; i < 5; i++)
        CHECK(sendto(s, "x", 1, 0, (void *)&a, sizeof(a)) == 1 && recv(s, &c, 1, 0) == 1);
    CHECK(counter("Udp", "InDatagrams") >= in + 5);
    CHECK(counter("Udp", "OutDatagrams") >= out + 5);
    char *text = slurp("/proc/net/netstat");
    CHECK(text && !strncmp(text, "TcpExt: SyncookiesSent ", 23) && strstr(text, "\nIpExt: "));
    close(s);
}

static unsigned used_sockets(void)
{
    char *text = slurp("/proc/net/sockstat");
    unsigned used = 0;

    CHECK(text && sscanf(text, "sockets: used %u", &used) == 1 && strstr(text, "\nTCP: inuse ") &&
          strstr(text, "\nUDP: inuse ") && strstr(text, "\nFRAG: inuse "));
    return used;
}

static void sockstat(void)
{
    int s[50];
    bool alone = inside_osprey(); /* others come and go on Linux */
    unsigned before = used_sockets();

    for (int i = 0; i < 50; i++)
        s[i] = socket(AF_INET, SOCK_DGRAM, 0);
    unsigned with = used_sockets();
    CHECK(!alone || with == before + 50);
    for (int i = 0; i < 50; i++)
        close(s[i]);
    CHECK(!alone || used_sockets() == before);
}

static long number_in(const char *path)
{
    char *text = slurp(path);

    return text && *text ? atol(text) : -1;
}

static void sysctls(void)
{
    int low = 0, high = 0, three[3];
    char *text = slurp("/proc/sys/net/ipv4/ip_local_port_range");

    CHECK(text && sscanf(text, "%d\t%d\n", &low, &high) == 2 && low >= 1 && low < high);
    CHECK(number_in("/proc/sys/net/core/somaxconn") >= 128);
    text = slurp("/proc/sys/net/ipv4/tcp_rmem");
    CHECK(text && sscanf(text, "%d\t%d\t%d", three, three + 1, three + 2) == 3 &&
          three[0] <= three[1] && three[1] <= three[2]);
    CHECK(number_in("/proc/sys/net/ipv4/tcp_keepalive_time") > 0);
    char used[32] = "";
    text = slurp("/proc/sys/net/ipv4/tcp_congestion_control");
    NEED(text && sscanf(text, "%31s", used) == 1);
    text = slurp("/proc/sys/net/ipv4/tcp_available_congestion_control");
    CHECK(text && strstr(text, used));
    CHECK(number_in("/proc/sys/net/ipv6/conf/lo/disable_ipv6") >= -1);
}

static int put(const char *path, const char *value)
{
    int f = open(path, O_WRONLY), err = 0;

    if (f < 0 || write(f, value, strlen(value)) < 0)
        err = errno;
    if (f >= 0)
        close(f);
    return err;
}

static void obeyed(void)
{
    static const char ports[] = "/proc/sys/net/ipv4/ip_local_port_range";
    uint16_t number;

    if (!inside_osprey())
        SKIP("only where nobody else is changed");
    CHECK_EQ(put(ports, "40000 40003\n"), 0);
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(9)};
    socklen_t len = sizeof(a);
    CHECK(connect(s, (void *)&a, sizeof(a)) == 0 && getsockname(s, (void *)&a, &len) == 0);
    number = ntohs(a.sin_port);
    CHECK(number >= 40000 && number <= 40003);
    close(s);
    CHECK_EQ(put(ports, "5 4"), EINVAL);
    CHECK_EQ(put(ports, "0 70000"), EINVAL);
    CHECK_EQ(put(ports, "x"), EINVAL);
    CHECK_EQ(put(ports, "32768 60999"), 0);
    CHECK_EQ(put("/proc/sys/net/core/rmem_max", "100000"), 0);
    int size = 200000;
    s = socket(AF_INET, SOCK_DGRAM, 0);
    len = sizeof(size);
    CHECK(setsockopt(s, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) == 0 &&
          getsockopt(s, SOL_SOCKET, SO_RCVBUF, &size, &len) == 0 && size == 200000);
    close(s);
    CHECK_EQ(put("/proc/sys/net/core/rmem_max", "212992"), 0);
    CHECK_EQ(put("/proc/sys/net/ipv4/tcp_congestion_control", "nosuch"), ENOENT);
    CHECK_EQ(put("/proc/sys/net/ipv4/tcp_keepalive_probes", "300"), EINVAL);
    CHECK(put("/proc/sys/net/ipv4/ip_forward", "1") != 0);
}

static void sysfs(void)
{
    char *text;

    if (access("/sys/class/net/lo/mtu", R_OK) != 0 && !inside_osprey())
        SKIP("no /sys here");
    CHECK(number_in("/sys/class/net/lo/mtu") >= 1500);
    CHECK_EQ(number_in("/sys/class/net/lo/ifindex"), 1);
    CHECK_EQ(number_in("/sys/class/net/lo/type"), 772);
    text = slurp("/sys/class/net/lo/address");
    CHECK(text && !strcmp(text, "00:00:00:00:00:00\n"));
    text = slurp("/sys/class/net/lo/operstate");
    CHECK(text && !strcmp(text, "unknown\n"));
    text = slurp("/sys/class/net/lo/flags");
    CHECK(text && !strcmp(text, "0x9\n"));
    CHECK(number_in("/sys/class/net/lo/statistics/rx_packets") >= 0);
    CHECK_ERRNO(open("/sys/class/net/nosuch0/mtu", O_RDONLY), ENOENT);
}

/* A line for each processor, of numbers with eight digits. */
static void softnet(void)
{
    char *text, *line;
    long lines = 0;

    if (access("/proc/net/softnet_stat", R_OK) != 0 && !inside_osprey())
        SKIP("no softnet_stat here");
    text = slurp("/proc/net/softnet_stat");
    for (line = text ? strtok(text, "\n") : NULL; line; line = strtok(NULL, "\n"), lines++)
        CHECK(strlen(line) >= 13 * 9 - 1 && line[8] == ' ' &&
              strspn(line, "0123456789abcdef ") == strlen(line));
    CHECK(lines >= 1 && lines <= sysconf(_SC_NPROCESSORS_CONF));
}

int main(void)
{
    quiet_net();
    promise("/proc/net/tcp", tcp);
    promise("/proc/net/udp", udp);
    promise("/proc/net/udp6", six);
    promise("/proc/net/unix", unix_sockets);
    promise("dev, route, if_inet6, arp, igmp", devices);
    promise("snmp counts, netstat", counters);
    promise("sockstat", sockstat);
    promise("softnet_stat", softnet);
    promise("/proc/sys/net", sysctls);
    promise("what is written there is obeyed", obeyed);
    promise("/sys/class/net/lo", sysfs);
    return check_end();
}
