/* net/proc_mib.c: the counters of /proc/net/snmp, snmp6 and netstat. */
#include "lib/string.h"
#include "net/mib.h"
#include "net/proc_net.h"

static const char *behind(const char *text)
{
    return text + strlen(text) + 1;
}

/* A line of names and one of numbers, of one group; `lead` stands before the counters in both. */
static void put_group(struct text *text, const char *group, const char *lead_names,
                      const char *lead_values)
{
    text_printf(text, "%s:%s", group, lead_names);
    const char *at = mib_names;
    for (unsigned i = 0; i < MIB_COUNT; i++, at = behind(behind(at)))
        if (!strcmp(at, group))
            text_printf(text, " %s", behind(at));
    text_printf(text, "\n%s:%s", group, lead_values);
    at = mib_names;
    for (unsigned i = 0; i < MIB_COUNT; i++, at = behind(behind(at)))
        if (!strcmp(at, group))
            text_printf(text, " %lu", mib_sum((enum mib)i));
    text_printf(text, "\n");
}

int proc_show_snmp(struct text *text, const struct pseudo *self)
{
    put_group(text, "Ip", " Forwarding DefaultTTL", " 2 64");
    put_group(text, "Icmp", "", "");
    put_group(text, "Tcp", " RtoAlgorithm RtoMin RtoMax MaxConn", " 1 200 120000 -1");
    put_group(text, "Udp", "", "");
    text_printf(text,
                "UdpLite: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors "
                "InCsumErrors IgnoredMulti MemErrors\nUdpLite: 0 0 0 0 0 0 0 0 0\n");
    return 0;
}

int proc_show_netstat(struct text *text, const struct pseudo *self)
{
    put_group(text, "TcpExt", "", "");
    put_group(text, "IpExt", "", "");
    return 0;
}

int proc_show_snmp6(struct text *text, const struct pseudo *self)
{
    const char *at = mib_names;
    char name[64];

    for (unsigned i = 0; i < MIB_COUNT; i++, at = behind(behind(at))) {
        if (strcmp(at, "Ip6") && strcmp(at, "Icmp6") && strcmp(at, "Udp6"))
            continue;
        snprintf(name, sizeof(name), "%s%s", at, behind(at));
        text_printf(text, "%-32s\t%lu\n", name, mib_sum((enum mib)i));
    }
    return 0;
}
