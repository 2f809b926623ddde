/* What the C library makes of NETLINK_ROUTE: getifaddrs(3), if_nameindex(3), if_nametoindex(3). */
// libc: glibc musl
#include "check.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netpacket/packet.h>

static struct ifaddrs *list;

static struct ifaddrs *find(const char *name, int family)
{
    for (struct ifaddrs *i = list; i; i = i->ifa_next)
        if (!strcmp(i->ifa_name, name) && i->ifa_addr && i->ifa_addr->sa_family == family)
            return i;
    return NULL;
}

static void loopback4(void)
{
    const struct ifaddrs *lo = find("lo", AF_INET);

    NEED(lo);
    const struct sockaddr_in *a = (void *)lo->ifa_addr, *mask = (void *)lo->ifa_netmask;
    CHECK_EQ(ntohl(a->sin_addr.s_addr), INADDR_LOOPBACK);
    CHECK_EQ(ntohl(mask->sin_addr.s_addr), 0xff000000u);
    CHECK((lo->ifa_flags & (IFF_UP | IFF_LOOPBACK | IFF_RUNNING)) ==
          (IFF_UP | IFF_LOOPBACK | IFF_RUNNING));
}

static void loopback6(void)
{
    const struct ifaddrs *lo = find("lo", AF_INET6);

    if (!lo && !inside_osprey())
        SKIP("no IPv6 here");
    NEED(lo);
    const struct sockaddr_in6 *a = (void *)lo->ifa_addr, *mask = (void *)lo->ifa_netmask;
    CHECK(IN6_IS_ADDR_LOOPBACK(&a->sin6_addr));
    CHECK(mask->sin6_addr.s6_addr[0] == 0xff && mask->sin6_addr.s6_addr[15] == 0xff);
}

static void link_level(void)
{
    const struct ifaddrs *lo = find("lo", AF_PACKET);

    NEED(lo);
    const struct sockaddr_ll *a = (void *)lo->ifa_addr;
    CHECK(a->sll_ifindex == 1 && a->sll_hatype == 772 && a->sll_halen == 6 && lo->ifa_data);
}

static void names(void)
{
    char name[IF_NAMESIZE];
    struct if_nameindex *all = if_nameindex();
    int seen = 0;

    NEED(all);
    for (int i = 0; all[i].if_name; i++)
        seen += !strcmp(all[i].if_name, "lo") && all[i].if_index == 1;
    CHECK_EQ(seen, 1);
    if_freenameindex(all);
    CHECK_EQ(if_nametoindex("lo"), 1);
    CHECK(if_indextoname(1, name) == name && !strcmp(name, "lo"));
    CHECK_EQ(if_nametoindex("nosuch0"), 0);
    CHECK(!if_indextoname(4711, name) && errno == ENXIO);
}

int main(void)
{
    if (getifaddrs(&list) != 0)
        perror("getifaddrs");
    promise("lo has 127.0.0.1/8", loopback4);
    promise("lo has ::1/128", loopback6);
    promise("lo has its link level", link_level);
    promise("names and numbers", names);
    freeifaddrs(list);
    return check_end();
}
