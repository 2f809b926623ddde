#include "net/dhcp_client.h"

enum { REQUESTS_MAX = 4 };
#define RENEW_LEAST (60 * DHCP_SECOND) /* between two requests to extend a lease */
static const uint32_t everybody = 0xffffffff;

/* --- time
 * ------------------------------------------------------------------------------------------------------
 */

/* Twice as long each time, and a second more or less (RFC 2131, 4.1). */
static nsec_t backoff(struct dhcp_client *c)
{
    nsec_t wait = DHCP_FIRST_NS << MIN(c->tries, 6u);
    uint32_t jitter = c->ops->random(c) % 2000;

    return MIN(wait, DHCP_LAST_NS) + ((nsec_t)jitter - 1000) * (DHCP_SECOND / 1000);
}

static nsec_t after(nsec_t start, uint32_t seconds)
{
    return seconds == UINT32_MAX ? NSEC_FOREVER : start + seconds * DHCP_SECOND;
}

/* --- what it says
 * ---------------------------------------------------------------------------------------------- */

static void say(struct dhcp_client *c, nsec_t now, struct dhcp_query *query, uint32_t source,
                uint32_t destination)
{
    uint8_t buf[DHCP_MESSAGE_MAX];

    query->xid = c->xid;
    query->mac = c->mac;
    query->hostname = c->hostname;
    query->seconds = (uint16_t)MIN((now - c->started) / DHCP_SECOND, 65535ll);
    c->listen_until = now + DHCP_ANSWER_NS;
    c->ops->send(c, source, destination, buf, dhcp_message_build(query, buf));
}

static void discover(struct dhcp_client *c, nsec_t now)
{
    struct dhcp_query query = {.type = DHCP_DISCOVER};

    say(c, now, &query, 0, everybody);
    c->deadline = now + backoff(c);
    c->tries++;
}

static void request_offered(struct dhcp_client *c, nsec_t now)
{
    struct dhcp_query query = {
        .type = DHCP_REQUEST, .requested = c->offer.yours, .server = c->offer.server};

    say(c, now, &query, 0, everybody);
    c->deadline = now + backoff(c);
    c->tries++;
}

/* RFC 2131, 4.4.5: halfway to the next point in time, but not too often. */
static void request_again(struct dhcp_client *c, nsec_t now, nsec_t until)
{
    struct dhcp_query query = {.type = DHCP_REQUEST, .client = c->address};
    bool renewing = c->state == DHCP_RENEWING;

    c->asked_at = now;
    say(c, now, &query, c->address, renewing ? c->lease.server : everybody);
    c->deadline = MIN(until, now + MAX((until - now) / 2, RENEW_LEAST));
    c->tries++;
}

static void decline(struct dhcp_client *c, nsec_t now, const struct dhcp_message *m)
{
    struct dhcp_query query = {.type = DHCP_DECLINE, .requested = m->yours, .server = m->server};

    say(c, now, &query, 0, everybody);
}

/* --- states
 * ----------------------------------------------------------------------------------------------------
 */

static void restart(struct dhcp_client *c, nsec_t now, nsec_t pause)
{
    c->state = DHCP_INIT;
    c->tries = 0;
    c->deadline = now + pause;
    c->watch_until = 0;
}

static void lose(struct dhcp_client *c, nsec_t now, nsec_t pause, const char *why)
{
    if (c->address)
        c->ops->lost(c, why);
    c->address = 0;
    restart(c, now, pause);
}

void dhcp_client_init(struct dhcp_client *c, nsec_t now)
{
    restart(c, now, 0);
    c->address = 0;
}

static void begin(struct dhcp_client *c, nsec_t now)
{
    c->state = DHCP_SELECTING;
    c->xid = c->ops->random(c);
    c->started = now;
    c->tries = 0;
    discover(c, now);
}

static void start_renewal(struct dhcp_client *c, nsec_t now, enum dhcp_state state)
{
    if (c->state == DHCP_BOUND) {
        c->xid = c->ops->random(c);
        c->started = now;
    }
    c->state = state;
    c->tries = 0;
    request_again(c, now, state == DHCP_RENEWING ? c->t2_at : c->expires_at);
}

void dhcp_client_timeout(struct dhcp_client *c, nsec_t now)
{
    switch (c->state) {
    case DHCP_INIT:
        begin(c, now);
        break;
    case DHCP_SELECTING:
        discover(c, now);
        break;
    case DHCP_REQUESTING:
        if (c->tries < REQUESTS_MAX)
            request_offered(c, now);
        else
            begin(c, now);
        break;
    case DHCP_BOUND:
    case DHCP_RENEWING:
    case DHCP_REBINDING:
        if (now >= c->expires_at)
            lose(c, now, 0, "the lease has ended");
        else if (now >= c->t2_at && c->state != DHCP_REBINDING)
            start_renewal(c, now, DHCP_REBINDING);
        else if (c->state == DHCP_BOUND)
            start_renewal(c, now, DHCP_RENEWING);
        else
            request_again(c, now, c->state == DHCP_RENEWING ? c->t2_at : c->expires_at);
        break;
    }
}

/* --- what came
 * ---------------------------------------------------------------------------------------------- */

/* May a host have this address? */
static bool is_usable(uint32_t address)
{
    uint8_t first = (uint8_t)address;

    return first && first != 127 && first < 224;
}

static void take_offer(struct dhcp_client *c, nsec_t now, const struct dhcp_message *m)
{
    if (!is_usable(m->yours) || !m->server)
        return;
    c->offer = *m;
    c->state = DHCP_REQUESTING;
    c->tries = 0;
    c->asked_at = now;
    c->ops->probe(c, m->yours);
    request_offered(c, now);
}

/* The points in time that the lease sets, counted from when it was asked for. */
static void set_times(struct dhcp_client *c)
{
    struct dhcp_message *m = &c->lease;
    bool in_order;

    if (!m->has_lease)
        m->lease = DHCP_LEASE_UNTOLD;
    m->lease = MAX(m->lease, (uint32_t)DHCP_LEASE_LEAST);
    in_order = m->t1 && m->t2 && m->t1 < m->t2 && m->t2 < m->lease;
    c->expires_at = after(c->asked_at, m->lease);
    if (m->lease == UINT32_MAX) {
        c->t1_at = c->t2_at = NSEC_FOREVER;
    } else {
        c->t1_at = after(c->asked_at, in_order ? m->t1 : m->lease / 2);
        c->t2_at = after(c->asked_at, in_order ? m->t2 : m->lease - m->lease / 8);
    }
    c->deadline = c->t1_at;
}

static void take_lease(struct dhcp_client *c, nsec_t now, const struct dhcp_message *m)
{
    bool other = m->yours != c->address;

    if (!is_usable(m->yours))
        return;
    if (c->address && other)
        c->ops->lost(c, "the server gives another address");
    uint32_t server = m->server                     ? m->server
                      : c->state == DHCP_REQUESTING ? c->offer.server
                                                    : c->lease.server;
    c->lease = *m;
    c->lease.server = server;
    c->address = m->yours;
    c->state = DHCP_BOUND;
    if (other) {
        c->watch_until = now + DHCP_CONFLICT_NS;
        c->ops->probe(c, m->yours);
    }
    set_times(c);
    c->ops->bound(c);
}

static bool waits_for_answer(const struct dhcp_client *c, const struct dhcp_message *m)
{
    switch (c->state) {
    case DHCP_REQUESTING:
        return m->server == c->offer.server || !m->server;
    case DHCP_RENEWING:
    case DHCP_REBINDING:
        return true;
    default:
        return false;
    }
}

void dhcp_client_input(struct dhcp_client *c, nsec_t now, const uint8_t *data, size_t len)
{
    struct dhcp_message m;

    if (dhcp_message_parse(data, len, &m) || m.xid != c->xid || memcmp(m.mac, c->mac, 6))
        return;
    if (c->state == DHCP_SELECTING && m.type == DHCP_OFFER)
        take_offer(c, now, &m);
    else if (m.type == DHCP_ACK && waits_for_answer(c, &m))
        take_lease(c, now, &m);
    else if (m.type == DHCP_NAK && waits_for_answer(c, &m))
        lose(c, now, DHCP_SECOND, "the server has refused it");
}

void dhcp_client_conflict(struct dhcp_client *c, nsec_t now)
{
    if (!dhcp_client_watched(c, now))
        return;
    decline(c, now, c->state == DHCP_REQUESTING ? &c->offer : &c->lease);
    lose(c, now, DHCP_PAUSE_NS, "another machine has it");
}

void dhcp_client_relink(struct dhcp_client *c, nsec_t now)
{
    if (c->state == DHCP_BOUND && now < c->t2_at && c->t2_at != NSEC_FOREVER)
        start_renewal(c, now, DHCP_RENEWING);
    else if (c->state == DHCP_SELECTING || c->state == DHCP_REQUESTING)
        restart(c, now, 0);
}

uint32_t dhcp_client_watched(const struct dhcp_client *c, nsec_t now)
{
    if (c->state == DHCP_REQUESTING)
        return c->offer.yours;
    return c->address && now < c->watch_until ? c->address : 0;
}

bool dhcp_client_listens(const struct dhcp_client *c, nsec_t now)
{
    switch (c->state) {
    case DHCP_INIT:
        return false;
    case DHCP_SELECTING:
    case DHCP_REQUESTING:
        return true;
    case DHCP_BOUND:
        return dhcp_client_watched(c, now);
    default:
        return now < c->listen_until;
    }
}
