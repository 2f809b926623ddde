/* net/rtnl_rule.c: the rules by which tables of routes are chosen, in NETLINK_ROUTE: those that
 * every machine has, and which cannot be changed. */
#include "net/rtnetlink.h"

enum { /* FRA_* */
       PRIORITY = 6,
       SUPPRESS_PREFIXLEN = 14,
       TABLE,
       PROTOCOL = 21,
};
enum { TO_TABLE = 1 }; /* FR_ACT_TO_TBL */

struct rule {
    uint8_t family, dst_len, src_len, tos, table, unused[2], action;
    uint32_t flags;
};
static const struct {
    uint32_t priority;
    uint8_t table;
    bool v6;
} rules[] = {
    {0, RT_TABLE_LOCAL, true}, {32766, RT_TABLE_MAIN, true}, {32767, RT_TABLE_DEFAULT, false}};

struct answer {
    struct rtnl_head head;
    unsigned family, which;
};

static bool fill(struct nl_out *out, void *arg)
{
    const struct answer *answer = arg;
    const struct rtnl_head *head = &answer->head;
    struct rule *rule =
        nl_begin(out, head->type, head->flags, head->seq, head->port, sizeof(*rule));

    rule->family = (uint8_t)answer->family;
    rule->table = rules[answer->which].table;
    rule->action = TO_TABLE;
    nl_put_u32(out, TABLE, rules[answer->which].table);
    nl_put_u32(out, SUPPRESS_PREFIXLEN, UINT32_MAX);
    nl_put_u8(out, PROTOCOL, RTPROT_KERNEL);
    if (rules[answer->which].priority)
        nl_put_u32(out, PRIORITY, rules[answer->which].priority);
    return nl_end(out);
}

static int dump_family(struct netlink_request *r, unsigned family)
{
    struct answer answer = {.head = rtnl_answer(r, RTM_NEWRULE), .family = family};
    int err = 0;

    for (; !err && answer.which < ARRAY_SIZE(rules); answer.which++)
        if (family == RTNL_INET || rules[answer.which].v6)
            err = netlink_reply(r, fill, &answer);
    return err;
}

int rtnl_rule(struct netlink_request *r)
{
    struct rule rule;
    int err = rtnl_fixed(r, &rule, sizeof(rule), "Invalid header for fib rule dump request");

    if (err)
        return err;
    if (r->message.type != RTM_GETRULE || !rtnl_is_dump(r))
        return rtnl_refuse(r, -EOPNOTSUPP, "Rules cannot be changed");
    err = netlink_dump_begin(r);
    if (err)
        return err;
    if (rule.family && rule.family != RTNL_INET && rule.family != RTNL_INET6)
        return -EAFNOSUPPORT;
    if (rule.family != RTNL_INET6)
        err = dump_family(r, RTNL_INET);
    if (!err && rule.family != RTNL_INET)
        err = dump_family(r, RTNL_INET6);
    return err;
}
