/* net/proc_sysctl.c: /proc/sys/net. What may be written is obeyed; what is only there because
 * programs look it up cannot be written. */
#include "net/proc_sysctl.h"

#include "fs/procfs.h"
#include "lib/string.h"
#include "net/flow_label.h"
#include "net/ip_core.h"
#include "net/raw.h"
#include "net/tcp.h"

/* --- kinds
 * ------------------------------------------------------------------------------------------------------
 */

int sysctl_show_number(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%d\n", *((const struct sysctl_number *)self->entry->arg)->value);
    return 0;
}

int sysctl_show_constant(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%ld\n", (long)self->entry->arg);
    return 0;
}

int sysctl_show_text(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%s\n", (const char *)self->entry->arg);
    return 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

int sysctl_parse(const char *text, size_t len, int64_t *numbers, unsigned n)
{
    unsigned found = 0;

    for (size_t at = 0; at < len && text[at];) {
        char word[24];
        size_t used = 0;
        uint64_t value;
        if (is_blank(text[at])) {
            at++;
            continue;
        }
        while (at < len && text[at] && !is_blank(text[at]) && used < sizeof(word) - 1)
            word[used++] = text[at++];
        word[used] = 0;
        bool minus = word[0] == '-';
        if (found == n || parse_u64(word + minus, 0, &value) || value > INT64_MAX)
            return -EINVAL;
        numbers[found++] = minus ? -(int64_t)value : (int64_t)value;
    }
    return (int)found;
}

int sysctl_store_number(const struct pseudo *self, const char *text, size_t len)
{
    const struct sysctl_number *number = (const struct sysctl_number *)self->entry->arg;
    int64_t value;

    if (sysctl_parse(text, len, &value, 1) != 1 || value < number->least || value > number->most)
        return -EINVAL;
    *number->value = (int)value;
    return 0;
}

/* --- several numbers in a file
 * ----------------------------------------------------------------------------- */

static int show_three(struct text *text, const struct pseudo *self)
{
    const int *v = (const int *)self->entry->arg;

    text_printf(text, "%d\t%d\t%d\n", v[0], v[1], v[2]);
    return 0;
}

static int store_three(const struct pseudo *self, const char *text, size_t len)
{
    int *v = (int *)self->entry->arg;
    int64_t numbers[3];
    int n = sysctl_parse(text, len, numbers, 3);

    for (int i = 0; i < n; i++)
        if (numbers[i] < 1 || numbers[i] > INT32_MAX)
            return -EINVAL;
    for (int i = 0; i < n; i++)
        v[i] = (int)numbers[i];
    return n < 1 ? -EINVAL : 0;
}

static int show_mem(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%ld\t%ld\t%ld\n", tcp_settings.mem[0], tcp_settings.mem[1],
                tcp_settings.mem[2]);
    return 0;
}

static int store_mem(const struct pseudo *self, const char *text, size_t len)
{
    int64_t numbers[3];
    int n = sysctl_parse(text, len, numbers, 3);

    for (int i = 0; i < n; i++)
        if (numbers[i] < 0)
            return -EINVAL;
    for (int i = 0; i < n; i++)
        tcp_settings.mem[i] = numbers[i];
    return n < 1 ? -EINVAL : 0;
}

static int show_ports(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%u\t%u\n", inet_port_low, inet_port_high);
    return 0;
}

static int store_ports(const struct pseudo *self, const char *text, size_t len)
{
    int64_t numbers[2];

    if (sysctl_parse(text, len, numbers, 2) != 2 || numbers[0] < 1 || numbers[1] > 65535 ||
        numbers[0] > numbers[1])
        return -EINVAL;
    inet_port_low = (unsigned)numbers[0];
    inet_port_high = (unsigned)numbers[1];
    return 0;
}

static int show_groups(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%u\t%u\n", ping_group_low, ping_group_high);
    return 0;
}

/* None where the first is above the second: 1 0. */
static int store_groups(const struct pseudo *self, const char *text, size_t len)
{
    int64_t numbers[2];

    if (sysctl_parse(text, len, numbers, 2) != 2 || numbers[0] < 0 || numbers[1] < 0 ||
        numbers[0] > INT32_MAX || numbers[1] > INT32_MAX)
        return -EINVAL;
    bool none = numbers[1] < numbers[0];
    ping_group_low = none ? 1 : (uint32_t)numbers[0];
    ping_group_high = none ? 0 : (uint32_t)numbers[1];
    return 0;
}

/* --- others
 * -----------------------------------------------------------------------------------------------------
 */

static int show_congestion(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%s\n", tcp_settings.congestion);
    return 0;
}

static int store_congestion(const struct pseudo *self, const char *text, size_t len)
{
    char name[sizeof(tcp_settings.congestion)];

    while (len && is_blank(text[len - 1]))
        len--;
    if (!len || len >= sizeof(name))
        return -EINVAL;
    memcpy(name, text, len);
    name[len] = 0;
    if (!tcp_congestion_find(name))
        return -ENOENT;
    memcpy(tcp_settings.congestion, name, len + 1);
    return 0;
}

static int show_flag(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%d\n", *(const bool *)self->entry->arg);
    return 0;
}

static int store_flag(const struct pseudo *self, const char *text, size_t len)
{
    int64_t value;

    if (sysctl_parse(text, len, &value, 1) != 1 || value < 0 || value > 1)
        return -EINVAL;
    *(bool *)self->entry->arg = value;
    return 0;
}

static int show_frag_high(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%lu\n", ip_fragment_high);
    return 0;
}

static int store_frag_high(const struct pseudo *self, const char *text, size_t len)
{
    enum { LEAST = 65536 };
    int64_t value;

    if (sysctl_parse(text, len, &value, 1) != 1 || value < LEAST)
        return -EINVAL;
    ip_fragment_high = (size_t)value;
    return 0;
}

/* --- the files
 * ---------------------------------------------------------------------------------------------- */

enum { LEAST_RECEIVE = 2304, LEAST_SEND = 4608 };

static const struct pseudo_entry core_table[] = {
    SYSCTL("somaxconn", tcp_settings.somaxconn, 0, INT32_MAX),
    SYSCTL("rmem_max", socket_receive_most, LEAST_RECEIVE, INT32_MAX),
    SYSCTL("wmem_max", socket_send_most, LEAST_SEND, INT32_MAX),
    SYSCTL("rmem_default", socket_receive_default, LEAST_RECEIVE, INT32_MAX),
    SYSCTL("wmem_default", socket_send_default, LEAST_SEND, INT32_MAX),
    SYSCTL_CONSTANT("optmem_max", 20480),
    SYSCTL_CONSTANT("netdev_max_backlog", 1000),
    SYSCTL_CONSTANT("netdev_budget", 300),
    SYSCTL_CONSTANT("dev_weight", 64),
    SYSCTL_CONSTANT("busy_poll", 0),
    SYSCTL_CONSTANT("busy_read", 0),
    SYSCTL_CONSTANT("message_burst", 10),
    SYSCTL_CONSTANT("message_cost", 5),
    SYSCTL_CONSTANT("rps_sock_flow_entries", 0),
    SYSCTL_CONSTANT("bpf_jit_enable", 0),
    SYSCTL_TEXT("default_qdisc", "noqueue"),
};

static const struct pseudo_entry route_table[] = {
    SYSCTL("min_pmtu", ip_min_pmtu, 68, INT32_MAX),
    SYSCTL("mtu_expires", ip_mtu_expires_seconds, 0, INT32_MAX),
};

#define TCP(n, field, low, high) SYSCTL("tcp_" n, tcp_settings.field, low, high)
static const struct pseudo_entry ipv4_table[] = {
    SYSCTL_CONSTANT("ip_forward", 0),
    SYSCTL_CONSTANT("ip_nonlocal_bind", 0),
    SYSCTL_CONSTANT("ip_no_pmtu_disc", 0),
    SYSCTL_CONSTANT("igmp_max_memberships", 20),
    SYSCTL("ip_default_ttl", ip_default_ttl, 1, 255),
    SYSCTL("ip_unprivileged_port_start", inet_port_unprivileged, 0, 65535),
    SYSCTL_FILE("ip_local_port_range", show_ports, store_ports, 0),
    SYSCTL_FILE("ping_group_range", show_groups, store_groups, 0),
    SYSCTL_TEXT("ip_local_reserved_ports", ""),
    SYSCTL_FILE("ipfrag_high_thresh", show_frag_high, store_frag_high, 0),
    SYSCTL("ipfrag_time", ip_fragment_seconds, 1, 3600),
    SYSCTL_FILE("icmp_echo_ignore_all", show_flag, store_flag, (uintptr_t)&icmp_echo_ignore_all),
    SYSCTL_FILE("icmp_echo_ignore_broadcasts", show_flag, store_flag,
                (uintptr_t)&icmp_echo_ignore_broadcasts),
    SYSCTL("icmp_ratelimit", icmp_ratelimit_ms, 0, INT32_MAX),
    SYSCTL("icmp_ratemask", icmp_ratemask, 0, INT32_MAX),
    SYSCTL("icmp_msgs_per_sec", icmp_msgs_per_sec, 0, INT32_MAX),
    SYSCTL("icmp_msgs_burst", icmp_msgs_burst, 0, INT32_MAX),
    TCP("tw_reuse", tw_reuse, 0, 2),
    TCP("fin_timeout", fin_timeout, 1, INT32_MAX / 1000),
    TCP("keepalive_time", keepalive_time, 1, INT32_MAX / 1000),
    TCP("keepalive_intvl", keepalive_intvl, 1, INT32_MAX / 1000),
    TCP("keepalive_probes", keepalive_probes, 0, 255),
    TCP("syn_retries", syn_retries, 1, 127),
    TCP("synack_retries", synack_retries, 0, 255),
    TCP("retries1", retries1, 0, 255),
    TCP("retries2", retries2, 0, 255),
    TCP("orphan_retries", orphan_retries, 0, 255),
    TCP("syncookies", syncookies, 0, 2),
    TCP("timestamps", timestamps, 0, 2),
    TCP("sack", sack, 0, 1),
    TCP("dsack", dsack, 0, 1),
    TCP("window_scaling", window_scaling, 0, 1),
    TCP("max_syn_backlog", max_syn_backlog, 0, INT32_MAX),
    TCP("max_tw_buckets", max_tw_buckets, 0, INT32_MAX),
    TCP("max_orphans", max_orphans, 0, INT32_MAX),
    TCP("slow_start_after_idle", slow_start_after_idle, 0, 1),
    TCP("moderate_rcvbuf", moderate_rcvbuf, 0, 1),
    TCP("mtu_probing", mtu_probing, 0, 2),
    TCP("early_retrans", early_retrans, 0, 4),
    TCP("rfc1337", rfc1337, 0, 1),
    TCP("stdurg", stdurg, 0, 1),
    TCP("notsent_lowat", notsent_lowat, -1, UINT32_MAX),
    SYSCTL_FILE("tcp_mem", show_mem, store_mem, 0),
    SYSCTL_FILE("tcp_rmem", show_three, store_three, (uintptr_t)tcp_settings.rmem),
    SYSCTL_FILE("tcp_wmem", show_three, store_three, (uintptr_t)tcp_settings.wmem),
    SYSCTL_FILE("tcp_congestion_control", show_congestion, store_congestion, 0),
    SYSCTL_TEXT("tcp_available_congestion_control", "reno cubic"),
    SYSCTL_TEXT("tcp_allowed_congestion_control", "reno cubic"),
    SYSCTL_CONSTANT("tcp_fastopen", 0),
    SYSCTL_CONSTANT("tcp_ecn", 0),
    SYSCTL_CONSTANT("tcp_autocorking", 0),
    SYSCTL_CONSTANT("tcp_abort_on_overflow", 0),
    SYSCTL_CONSTANT("tcp_recovery", 1),
    SYSCTL_CONSTANT("tcp_base_mss", 1024),
    SYSCTL_CONSTANT("tcp_adv_win_scale", 1),
    SYSCTL_CONSTANT("tcp_low_latency", 0),
    SYSCTL_CONSTANT("tcp_no_metrics_save", 1),
    SYSCTL_CONSTANT("udp_rmem_min", 4096),
    SYSCTL_CONSTANT("udp_wmem_min", 4096),
    SYSCTL_FOLDER("route", route_table),
};

static const struct pseudo_entry ipv6_table[] = {
    SYSCTL_CONSTANT("auto_flowlabels", 1),
    SYSCTL_CONSTANT("bindv6only", 0),
    SYSCTL("flowlabel_consistency", flow_label_consistency, 0, 1),
    SYSCTL_CONSTANT("flowlabel_reflect", 0),
    SYSCTL_CONSTANT("flowlabel_state_ranges", 0),
    SYSCTL_CONSTANT("ip_nonlocal_bind", 0),
    SYSCTL_CONSTANT("mld_qrv", 2),
};
static const struct pseudo_entry unix_table[] = {SYSCTL_CONSTANT("max_dgram_qlen", 512)};

static struct pseudo_entry net = {.name = "net", .mode = S_IFDIR | 0555};
static struct pseudo_entry ipv4 = SYSCTL_FOLDER("ipv4", ipv4_table);
static struct pseudo_entry ipv6 = SYSCTL_FOLDER("ipv6", ipv6_table);
static struct pseudo_entry others[] = {
    SYSCTL_FOLDER("core", core_table),
    SYSCTL_FOLDER("unix", unix_table),
};

static int start(void)
{
    static struct pseudo_entry conf4, conf6;

    conf4 = sysctl_ipv4_conf;
    conf6 = sysctl_ipv6_conf;
    pseudo_register(proc_folder("sys"), &net);
    pseudo_register(&net, &ipv4);
    pseudo_register(&net, &ipv6);
    pseudo_register(&ipv4, &conf4);
    pseudo_register(&ipv6, &conf6);
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        pseudo_register(&net, &others[i]);
    return 0;
}
BOOT_STEP(PHASE_FS, "/proc/sys/net", start);
