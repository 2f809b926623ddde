/* Multicast listener discovery: reports of version 2 (RFC 3810) without source lists, or of version
 * 1 (RFC 2710) while a querier speaks that. All in the thread, under netif_lock, unless noted. */
#include "net/ipv6_core.h"

#include "core/clock.h"
#include "core/random.h"
#include "mm/heap.h"
#include "net/mib.h"
#include "net/mld_parse.h"

enum { VERSION1_SECONDS = 2 * 125 + 10 }; /* RFC 3810, 9.12 */
static const struct inet_addr all_mld2 = {.bytes = {0xff, 2, [15] = 0x16}};

/* A record to be sent. */
struct report {
    struct list link;
    struct inet_addr group;
    unsigned type; /* MLD_* */
    unsigned left; /* so often */
    nsec_t next;
};

static struct report *find(struct ipv6_netif *state, const struct inet_addr *group)
{
    list_for_each_entry (struct report, r, &state->reports, link)
        if (inet_equal(&r->group, group))
            return r;
    return NULL;
}

static void drop(struct report *r)
{
    list_del(&r->link);
    kfree(r);
}

static void plan(struct ipv6_netif *state, const struct inet_addr *group, unsigned type,
                 unsigned times, nsec_t at)
{
    struct report *r = find(state, group);

    if (!r) {
        r = kzalloc(sizeof(*r));
        if (!r)
            return;
        r->group = *group;
        list_add_tail(&state->reports, &r->link);
    }
    r->type = type;
    r->left = times;
    r->next = at;
}

void mld_group_changed(struct netif *netif, const struct inet_addr *group, bool joined)
{
    struct ipv6_netif *state = ipv6_netif(netif);

    if (!state || !state->up || !mld_reported(group))
        return;
    plan(state, group, joined ? MLD_TO_EXCLUDE : MLD_TO_INCLUDE, state->robustness, 0);
    ipv6_thread_kick();
}

void mld_up(struct netif *netif)
{
    list_for_each_entry (struct netif_group, g, &netif->groups, link)
        if (!inet_is_v4(&g->group))
            mld_group_changed(netif, &g->group, true);
}

void mld_down(struct netif *netif)
{
    struct ipv6_netif *state = ipv6_netif(netif);

    while (!list_empty(&state->reports))
        drop(list_first(&state->reports, struct report, link));
    state->general_at = NSEC_FOREVER;
}

/* --- sending */

static bool speaks_v1(const struct ipv6_netif *state, nsec_t now)
{
    if (state->conf.force_mld_version)
        return state->conf.force_mld_version == 1;
    return state->mld1_until > now;
}

static void send_v1(struct netif *netif, unsigned type, const struct inet_addr *group)
{
    struct packet *packet = icmpv6_message(type, MLD1_LEN);
    struct inet_addr source = ipv6_link_local(netif);

    if (!packet)
        return;
    memcpy(packet->data + 8, group->bytes, 16);
    icmpv6_send_alert(netif, &source, type == MLD_DONE1 ? &ipv6_all_routers : group, packet);
}

/* A report of version 2 that is being filled. */
struct filling {
    struct netif *netif;
    struct packet *packet;
    unsigned n, most;
};

static void flush(struct filling *f)
{
    struct inet_addr source = ipv6_link_local(f->netif);

    if (!f->packet)
        return;
    put_be16(f->packet->data + 6, (uint16_t)f->n);
    icmpv6_send_alert(f->netif, &source, &all_mld2, f->packet);
    f->packet = NULL;
    f->n = 0;
}

static void add_record(struct filling *f, unsigned type, const struct inet_addr *group)
{
    if (!f->packet) {
        f->packet = packet_alloc(PACKET_HEADROOM, MLD_HEAD + f->most * MLD_RECORD);
        if (!f->packet)
            return;
        memset(packet_append(f->packet, MLD_HEAD), 0, MLD_HEAD);
        f->packet->data[0] = MLD_REPORT2;
    }
    mld_put_record(packet_append(f->packet, MLD_RECORD), type, group);
    if (++f->n == f->most)
        flush(f);
}

static void send_one(struct filling *f, bool v1, unsigned type, const struct inet_addr *group)
{
    if (v1)
        send_v1(f->netif, type == MLD_TO_INCLUDE ? MLD_DONE1 : MLD_REPORT1, group);
    else
        add_record(f, type, group);
}

static void send_all(struct filling *f, bool v1)
{
    list_for_each_entry (struct netif_group, g, &f->netif->groups, link)
        if (!inet_is_v4(&g->group) && mld_reported(&g->group))
            send_one(f, v1, MLD_IS_EXCLUDE, &g->group);
}

static nsec_t random_delay(unsigned most_ms)
{
    return (nsec_t)(random_u64() % (most_ms * 1000000ull + 1));
}

nsec_t mld_run(struct netif *netif, nsec_t now)
{
    struct ipv6_netif *state = ipv6_netif(netif);
    struct filling f = {.netif = netif,
                        .most = (IPV6_MTU_MIN - IPV6_HLEN - 8 - MLD_HEAD) / MLD_RECORD};
    bool v1 = speaks_v1(state, now);
    nsec_t next;

    if (state->general_at <= now) {
        state->general_at = NSEC_FOREVER;
        send_all(&f, v1);
    }
    next = state->general_at;
    list_for_each_safe (p, n, &state->reports) {
        struct report *r = list_entry(p, struct report, link);

        if (r->next <= now) {
            send_one(&f, v1, r->type, &r->group);
            r->next = now + random_delay(1000);
            if (--r->left == 0 || (v1 && r->type == MLD_TO_INCLUDE)) {
                drop(r);
                continue;
            }
        }
        next = MIN(next, r->next);
    }
    flush(&f);
    return next;
}

/* --- queries */

/* In the worker. */
void mld_receive(struct packet *packet)
{
    struct inet_addr source = ip_source(packet);
    unsigned type = packet->data[0];
    struct packet *copy;

    if (packet->netif == loopback || packet->network[7] != 1 || !inet_is_link_local(&source) ||
        (type != MLD_QUERY && type != MLD_REPORT1))
        return;
    copy = packet_copy(packet, 0);
    if (!copy)
        return;
    copy->netif = packet->netif;
    memcpy(copy->scratch, packet->network + 8, 32);
    ipv6_thread_post(copy);
}

/* Version 1: somebody else has told the querier (RFC 2710, 4). */
static void take_report(struct ipv6_netif *state, const struct packet *packet)
{
    struct inet_addr group;
    struct report *r;

    if (packet->len < MLD1_LEN)
        return;
    memcpy(group.bytes, packet->data + 8, 16);
    r = find(state, &group);
    if (r && r->type == MLD_IS_EXCLUDE && speaks_v1(state, clock_monotonic()))
        drop(r);
}

void mld_slow(struct netif *netif, const struct packet *packet, const struct inet_addr *source)
{
    struct ipv6_netif *state = ipv6_netif(netif);
    nsec_t now = clock_monotonic(), at;
    struct mld_query query;
    struct report *r;

    if (packet->data[0] == MLD_REPORT1) {
        take_report(state, packet);
        return;
    }
    if (mld_parse_query(packet->data, packet->len, &query))
        return;
    if (query.version == 1)
        state->mld1_until = now + VERSION1_SECONDS * IPV6_SECOND;
    else if (query.robustness)
        state->robustness = query.robustness;
    at = now + random_delay(MIN(query.max_delay_ms, 60000u));
    if (inet_is_any(&query.group)) {
        state->general_at = MIN(state->general_at, at);
        return;
    }
    r = find(state, &query.group);
    if (netif_in_group(netif, &query.group) && mld_reported(&query.group) && (!r || r->next > at))
        plan(state, &query.group, r ? r->type : MLD_IS_EXCLUDE, r ? r->left : 1, at);
}
