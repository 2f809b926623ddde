// cpus: 1
/* IPV6_JOIN_ANYCAST and IPV6_LEAVE_ANYCAST: who may, which addresses, and what /proc says. That
 * packets come and are answered is seen over a wire (tests/system/net_anycast.sh). */
#include "check.h"
#include "quiet_net.h"
#include <arpa/inet.h>
#include <linux/ipv6.h>
#include <sys/wait.h>

#ifndef IPV6_JOIN_ANYCAST
#define IPV6_JOIN_ANYCAST  27
#define IPV6_LEAVE_ANYCAST 28
#endif

static int with(int fd, int name, const char *address, unsigned ifindex)
{
    struct ipv6_mreq m = {.ipv6mr_interface = ifindex};

    inet_pton(AF_INET6, address, &m.ipv6mr_multiaddr);
    return setsockopt(fd, SOL_IPV6, name, &m, sizeof m);
}

static int join(int fd, const char *address, unsigned ifindex)
{
    return with(fd, IPV6_JOIN_ANYCAST, address, ifindex);
}

static int leave(int fd, const char *address, unsigned ifindex)
{
    return with(fd, IPV6_LEAVE_ANYCAST, address, ifindex);
}

/* The number of users that /proc tells of the test's address; 0: it is not there. */
static int users(void)
{
    char name[16], address[33], line[128];
    FILE *f = fopen("/proc/net/anycast6", "r");
    int index, n, result = 0;

    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "%d %15s %32s %d", &index, name, address, &n) == 4 &&
            !strcmp(address, "fd000005000000000000000000000aaa") && !strcmp(name, "lo") &&
            index == (int)if_nametoindex("lo"))
            result = n;
    if (f)
        fclose(f);
    return result;
}

static bool prepared;

/* fd00:5::1/64 on lo. */
static void prepare(void)
{
    struct in6_ifreq r = {.ifr6_prefixlen = 64, .ifr6_ifindex = (int)if_nametoindex("lo")};
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);

    inet_pton(AF_INET6, "fd00:5::1", &r.ifr6_addr);
    prepared = fd >= 0 && geteuid() == 0 && ioctl(fd, SIOCSIFADDR, &r) == 0;
    close(fd);
    while (prepared) { /* it is tentative at first */
        struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = r.ifr6_addr};

        fd = socket(AF_INET6, SOCK_DGRAM, 0);
        bool usable = bind(fd, (void *)&at, sizeof at) == 0;
        close(fd);
        if (usable)
            break;
        usleep(10000);
    }
}

#define NEED_PREPARED()                                                                            \
    do {                                                                                           \
        if (!prepared && !inside_osprey())                                                         \
            SKIP("needs IPv6 and CAP_NET_ADMIN");                                                  \
        NEED(prepared);                                                                            \
    } while (0)

static void refused(void)
{
    NEED_PREPARED();
    struct ipv6_mreq m = {};
    int fd = socket(AF_INET6, SOCK_DGRAM, 0), v4 = socket(AF_INET, SOCK_DGRAM, 0);
    socklen_t len = sizeof m;

    CHECK_ERRNO(join(fd, "ff02::5", 0), EINVAL);
    CHECK_ERRNO(join(fd, "fd00:5::1", 0), EINVAL); /* one's own */
    CHECK_ERRNO(join(fd, "::1", 1), EINVAL);
    CHECK_ERRNO(join(fd, "fd00:6::1", 0), EADDRNOTAVAIL); /* no way there */
    CHECK_ERRNO(join(fd, "fd00:6::1", if_nametoindex("lo")), EADDRNOTAVAIL);
    CHECK_ERRNO(join(fd, "fd00:5::aaa", 4711), ENODEV);
    CHECK_ERRNO(leave(fd, "fd00:5::aaa", 0), ENOENT);
    CHECK_ERRNO(leave(fd, "fd00:5::aaa", 4711), ENOENT);
    CHECK_ERRNO(setsockopt(fd, SOL_IPV6, IPV6_JOIN_ANYCAST, &m, sizeof m - 1), EINVAL);
    CHECK_ERRNO(setsockopt(fd, SOL_IPV6, IPV6_LEAVE_ANYCAST, &m, 4), EINVAL);
    CHECK_ERRNO(setsockopt(fd, SOL_IPV6, IPV6_JOIN_ANYCAST, NULL, sizeof m), EFAULT);
    CHECK_ERRNO(getsockopt(fd, SOL_IPV6, IPV6_JOIN_ANYCAST, &m, &len), ENOPROTOOPT);
    CHECK_ERRNO(join(v4, "fd00:5::aaa", 0), ENOPROTOOPT);
    close(fd);
    close(v4);
}

static void unprivileged(void)
{
    NEED_PREPARED();
    int status, fd = socket(AF_INET6, SOCK_DGRAM, 0);
    pid_t pid = fork();

    if (!pid) {
        if (setuid(65534))
            _exit(1);
        _exit(join(fd, "ff02::5", 0) == -1 && errno == EPERM && leave(fd, "::5", 0) == -1 &&
                      errno == ENOENT
                  ? 0
                  : 2);
    }
    NEED(waitpid(pid, &status, 0) == pid);
    CHECK_EQ(status, 0);
    close(fd);
}

static void counted(void)
{
    NEED_PREPARED();
    unsigned lo = if_nametoindex("lo");
    int a = socket(AF_INET6, SOCK_DGRAM, 0), b = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 at = {.sin6_family = AF_INET6};

    CHECK_EQ(users(), 0);
    CHECK_EQ(join(a, "fd00:5::aaa", lo), 0);
    CHECK_EQ(users(), 1);
    CHECK_EQ(join(a, "fd00:5::aaa", 0), 0); /* twice is once more */
    CHECK_EQ(join(b, "fd00:5::aaa", lo), 0);
    CHECK_EQ(users(), 3);
    /* Nobody can have it as a name. */
    inet_pton(AF_INET6, "fd00:5::aaa", &at.sin6_addr);
    CHECK_ERRNO(bind(a, (void *)&at, sizeof at), EADDRNOTAVAIL);
    CHECK_EQ(leave(a, "fd00:5::aaa", 0), 0);
    CHECK_EQ(users(), 2);
    CHECK_EQ(leave(a, "fd00:5::aaa", lo), 0);
    CHECK_ERRNO(leave(a, "fd00:5::aaa", lo), ENOENT);
    CHECK_EQ(users(), 1);
    close(b);
    CHECK_EQ(users(), 0);
    CHECK_EQ(join(a, "fd00:5::aaa", lo), 0);
    CHECK_EQ(users(), 1);
    close(a);
    CHECK_EQ(users(), 0);
}

int main(void)
{
    quiet_net();
    prepare();
    promise("addresses that cannot be joined", refused);
    promise("it takes CAP_NET_ADMIN", unprivileged);
    promise("users are counted, and a closed socket leaves", counted);
    return check_end();
}
