/* net/proc_mib.c: the counters of /proc/net/snmp, snmp6 and netstat. */
#include "lib/string.h"
#include "net/mib.h"
#include "net/proc_net.h"

/* A line of names and one of numbers, of one group; `lead` stands before the counters in both. */
static void put_group(struct text *text, const char *group, const char *lead_names,
                      const char *lead_values)
{
    text_printf(text, "%s:%s", group, lead_names);
    for (unsigned i = 0; i < MIB_COUNT; i++)
        if (!strcmp(mib_names[i].group, group))
            text_printf(text, " %s", mib_names[i].name);
    text_printf(text, "\n%s:%s", group, lead_values);
    for (unsigned i = 0; i < MIB_COUNT; i++)
        if (!strcmp(mib_names[i].group, group))
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
    char name[64];

    for (unsigned i = 0; i < MIB_COUNT; i++) {
        const struct mib_name *m = &mib_names[i];
        if (strcmp(m->group, "Ip6") && strcmp(m->group, "Icmp6") && strcmp(m->group, "Udp6"))
            continue;
        snprintf(name, sizeof(name), "%s%s", m->group, m->name);
        text_printf(text, "%-32s\t%lu\n", name, mib_sum((enum mib)i));
    }
    return 0;
}
