/* net/tcp.h: TCP inside (RFC 9293): a connection and who does what with it.
 *
 *   tcp_options.c   headers and options as bytes      tcp_recovery.c  what was lost (SACK, RACK,
 * TLP) tcp_input.c     what a segment does to a state    tcp_cong.c      how much may be on the way
 *   tcp_receive.c   data that came, up to recvmsg     tcp_timer.c     what happens when nothing
 * comes tcp_output.c    data that goes, and headers       tcp_listen.c    connections that others
 * begin tcp_timewait.c  connections that have ended       tcp_socket.c    socket calls, life and
 * death tcp_send.c      sendmsg                           tcp_sockopt.c   options, TCP_INFO
 *
 * All but tcp_timewait.c runs with the socket's lock held (inet_lock), in the thread that reads,
 * writes or polls, or in the CPU's worker. Timers and news of the MTU only post TCP_EV_* bits.
 *
 * Bytes on their way out are a list of packets by `next`, each of one piece: those before `unsent`
 * have been sent and wait for their acknowledgement. What goes to the wire shares their bytes; the
 * header is put before them if nobody else holds the buffer, else into a piece of its own. SYN and
 * FIN are flags of such packets and count as a byte. Sizes of windows are bytes. */
#pragma once

#include "core/clock.h"
#include "core/timer.h"
#include "net/inet.h"
#include "net/tcp_header.h"

/* As /proc/net/tcp and TCP_INFO number them. */
enum tcp_state {
    TCP_ESTABLISHED = 1,
    TCP_SYN_SENT,
    TCP_SYN_RECV,
    TCP_FIN_WAIT1,
    TCP_FIN_WAIT2,
    TCP_TIME_WAIT,
    TCP_CLOSE,
    TCP_CLOSE_WAIT,
    TCP_LAST_ACK,
    TCP_LISTEN,
    TCP_CLOSING,
};
#define TCP_IN(state, mask) (1u << (state) & (mask))
enum {
    TCP_CAN_RECEIVE = 1 << TCP_ESTABLISHED | 1 << TCP_FIN_WAIT1 | 1 << TCP_FIN_WAIT2,
    TCP_CAN_SEND = 1 << TCP_ESTABLISHED | 1 << TCP_CLOSE_WAIT,
    TCP_SYNCED = (1 << 12) - 1 -
                 (1 | 1 << TCP_SYN_SENT | 1 << TCP_SYN_RECV | 1 << TCP_CLOSE | 1 << TCP_LISTEN |
                  1 << TCP_TIME_WAIT),
};

/* inet_post's bits. */
enum { TCP_EV_TIMER = 1, TCP_EV_MTU = 2 };

/* How loss is being dealt with: as TCP_INFO numbers it. */
enum tcp_ca { CA_OPEN, CA_DISORDER, CA_CWR, CA_RECOVERY, CA_LOSS };

/* In the scratch of a packet that is to be sent, or has been. */
enum { SENT_SACKED = 1, SENT_LOST = 2, SENT_AGAIN = 4, SENT_TWICE = 8 };
struct tcp_sent {
    uint32_t seq;
    uint8_t flags; /* TCP_SYN, TCP_FIN, TCP_PSH */
    uint8_t state; /* AGAIN: sent again and on its way; TWICE: that has happened */
    bool app_limited;
    uint32_t stamp;     /* the timestamp with which it went last */
    uint32_t cost;      /* counted in tx_cost */
    nsec_t sent_at;     /* last */
    uint64_t delivered; /* by then */
    nsec_t delivered_at;
};
/* In that of one that has been received. */
struct tcp_got {
    uint32_t seq;
    uint32_t cost; /* counted in rx_cost */
    bool own;      /* nobody else has its buffer: more may be appended */
    bool fin;
};
static inline struct tcp_sent *tcp_sent(struct packet *packet)
{
    return (struct tcp_sent *)packet->scratch;
}
static inline struct tcp_got *tcp_got(struct packet *packet)
{
    return (struct tcp_got *)packet->scratch;
}
static inline uint32_t tcp_sent_len(struct packet *packet)
{
    return packet->len + ((tcp_sent(packet)->flags & (TCP_SYN | TCP_FIN)) != 0);
}
static inline uint32_t tcp_sent_end(struct packet *packet)
{
    return tcp_sent(packet)->seq + tcp_sent_len(packet);
}

struct tcp;
struct tcp_congestion {
    const char *name;
    void (*begin)(struct tcp *tp);
    uint32_t (*threshold)(struct tcp *tp);         /* a loss: the new ssthresh */
    void (*acked)(struct tcp *tp, uint32_t bytes); /* while nothing is lost */
    void (*restart)(struct tcp *tp);               /* after RTO or idleness; may be NULL */
};

enum tcp_retransmit { RT_NONE, RT_RTO, RT_PROBE_TAIL, RT_REORDER, RT_PROBE_WINDOW };
enum { URG_NONE, URG_COMING = 0x100, URG_HERE = 0x200, URG_READ = 0x400 };

struct tcp {
    struct inet_socket inet; /* first */
    _Atomic(uint8_t) state;
    uint8_t shutdown; /* 1: nothing more is read, 2: nothing more is sent */
    bool done;        /* it was connected once: reads end with 0 */
    bool orphan;      /* its file is closed */

    /* Sending (RFC 9293, 3.3.1). */
    uint32_t snd_una, snd_nxt, snd_wnd, snd_wl1, iss;
    uint32_t write_seq;  /* behind the last byte that was written */
    uint32_t pushed_seq; /* up to here with PSH */
    uint32_t snd_up;     /* the urgent pointer; urgent */
    uint32_t small_end;  /* of the last segment that was not full (Minshall's Nagle) */
    uint32_t max_window;
    uint16_t peer_mss, user_mss, mss; /* mss: payload of a full segment, timestamps off */
    uint16_t received_mss;            /* what the other side fills its segments with */
    uint8_t snd_wscale, rcv_wscale;
    bool urgent, stamps, sack, wscale_ok;
    bool nodelay, quick_once;
    bool fin_queued;
    uint8_t cork; /* 1: TCP_CORK */
    struct packet *first, *last, *unsent;
    uint32_t tx_cost; /* memory of that list */

    /* Acknowledgements and round trips. */
    uint32_t stamp_offset, recent_stamp; /* ours is the clock's plus; TS.Recent */
    uint32_t recent_stamp_at;            /* seconds */
    nsec_t srtt, rttvar, rto, min_rtt;   /* srtt 0: never measured */
    nsec_t min_rtt_at;
    unsigned backoff;
    uint64_t delivered; /* bytes that are known to have arrived */
    nsec_t delivered_at;

    /* Loss. */
    uint8_t ca_state;
    bool reordering, cwnd_limited, undo_possible;
    bool tail_probe_again;        /* the tail-loss probe repeated old bytes */
    uint8_t dup_acks;             /* without SACK */
    uint32_t sacked, lost, again; /* bytes */
    uint32_t high_seq;            /* recovery ends here */
    uint32_t highest_sacked;
    uint32_t undo_stamp;     /* of the first repetition */
    int32_t undo_again;      /* bytes repeated whose DSACK is not there yet */
    uint32_t undo_until;     /* snd_una when it began */
    uint32_t tail_probe_end; /* 0: none on its way */
    nsec_t rack_sent_at, rack_rtt;
    uint32_t rack_end;
    uint8_t rack_window, rack_persist;
    uint32_t rack_dsack_round;
    bool rack_dsack, rack_advanced, rack_fired;

    /* Congestion. */
    const struct tcp_congestion *congestion;
    uint32_t cwnd, ssthresh, prior_cwnd, prior_ssthresh;
    uint32_t prr_delivered, prr_out, prr_flight;
    uint32_t cwnd_used; /* the most on its way in this round */
    uint32_t acked_rest;
    struct {
        uint32_t max, last_max, origin;
        nsec_t epoch, k;
        uint32_t reno;
        uint64_t rest;
        nsec_t round_rtt, last_rtt; /* HyStart: the least of this round and of the one before */
        uint32_t round_end;
        unsigned samples;
    } cubic;
    nsec_t last_send, last_receive;
    nsec_t now; /* when the segment came that is worked off, or was last */

    /* Receiving. */
    uint32_t rcv_nxt, rcv_wup, rcv_wnd, copied_seq, irs;
    uint32_t last_ack_sent, window_clamp;
    uint32_t urg_seq;
    uint16_t urg_data;                   /* URG_* and the byte */
    struct packet *got_first, *got_last; /* in order; from the packet with copied_seq on */
    struct packet *early, *early_last;   /* beyond a gap, by sequence */
    uint32_t rx_cost;                    /* memory of both */
    uint32_t wait_mark;                  /* rcv_nxt when a reader began to wait */
    struct tcp_range dsack, recent_sacks[TCP_SACKS_MAX];
    uint8_t nsacks; /* of recent_sacks, the last one that grew first */
    uint8_t small;  /* ends of writes (not full, or PSH) since the last acknowledgement: 2: more */
    bool dsack_due;
    bool ack_now, ack_due, pingpong;
    uint16_t quick; /* so many acknowledgements at once */
    uint16_t wary;  /* so many segments: some were lost, and acknowledgements may be */
    nsec_t ack_delay;
    struct {
        uint32_t seq, space;
        nsec_t at, rtt;
        uint32_t rtt_seq;
        nsec_t rtt_at;
    } tune; /* of the receive buffer */

    /* Timers: one for all. */
    struct timer timer;
    nsec_t timer_at; /* what it is armed for */
    nsec_t retransmit_at, ack_at, keep_at;
    nsec_t pace_at;          /* nothing is sent before, if paced */
    uint8_t retransmit_what; /* enum tcp_retransmit */
    unsigned retries, probes, keep_probes;
    nsec_t retry_began; /* the first of these retries */
    nsec_t challenge_at;

    /* Options. */
    unsigned keep_idle, keep_interval, keep_count; /* seconds; 0: the system's */
    unsigned user_timeout;                         /* milliseconds */
    unsigned syn_count, defer_accept, notsent_low;
    int linger2;
    bool send_locked, receive_locked;
    union {
        struct {
            bool nospace;   /* somebody waits for room in the send buffer */
            bool departing; /* `departures` has some: looked at when bytes are acknowledged */
        };
        uint16_t on_ack; /* one of them */
    };
    bool connecting; /* connect(2) has begun and not been told how it went */
    bool connected;  /* it has been told that it went well */
    bool cut;        /* shutdown(2) came while connect(2) had not been told of its failure */
    bool counted_orphan, thin, fastopen_no_cookie, no_rehash;
    union {
        struct {
            bool repair, paced; /* TCP_REPAIR; SO_MAX_PACING_RATE has been set */
            bool stamping;      /* SO_TIMESTAMPING of what is sent */
        };
        uint32_t unusual; /* one of them */
    };
    bool tell_inq; /* TCP_INQ */
    uint8_t repair_queue, save_syn;
    unsigned fastopen, tx_delay;
    struct tcp_saved *saved_syn, *fastopen_keys; /* kmalloc; NULL: none */
    struct tcp_departures *departures;           /* likewise */
    struct {
        uint32_t ifindex, flow; /* flow: traffic class and label, network order */
        uint8_t ttl, tos;
    } noted; /* of what came last (IP_PKTOPTIONS) */
    uint8_t soft_error;
    uint16_t mss_limit;  /* a black hole is suspected: no larger ones; 0 */
    atomic_uint new_mtu; /* from below (TCP_EV_MTU) */
    long charged;        /* to tcp_memory */

    /* TCP_INFO */
    uint32_t total_again, lost_total, early_total, dsacks, reorder_seen;
    uint64_t bytes_acked, bytes_received, bytes_sent, bytes_again;
    uint32_t segs_out, segs_in, data_out, data_in;
    uint64_t rate_delivered;
    nsec_t rate_interval;
    nsec_t last_ack_received;

    /* Listening (tcp_listen.c). */
    struct tcp_listen *listen;
    struct tcp *accept_next; /* in the queue of its listener */
};

/* Bytes that an option keeps. */
struct tcp_saved {
    unsigned len;
    uint8_t bytes[];
};

static inline struct tcp *tcp_of(struct inet_socket *s)
{
    return container_of(s, struct tcp, inet);
}
static inline struct tcp *tcp_of_socket(struct socket *socket)
{
    return tcp_of(inet_of(socket));
}
static inline unsigned tcp_state(const struct tcp *tp)
{
    return atomic_load_explicit(&tp->state, memory_order_relaxed);
}

/* What /proc/sys/net/ipv4 shows; any of them may be changed at any time. */
struct tcp_settings {
    int tw_reuse, fin_timeout, keepalive_time, keepalive_intvl, keepalive_probes, syn_retries,
        synack_retries, retries1, retries2, orphan_retries, syncookies, timestamps, sack, dsack,
        window_scaling, max_syn_backlog, max_tw_buckets, max_orphans, abort_on_overflow,
        slow_start_after_idle, moderate_rcvbuf, mtu_probing, challenge_ack_limit, notsent_lowat,
        somaxconn, recovery, early_retrans, rfc1337, stdurg, autocorking, workaround, fastopen;
    long mem[3]; /* pages */
    int rmem[3], wmem[3];
    char congestion[16];
};
extern struct tcp_settings tcp_settings;
enum { TCP_NO_SSTHRESH = 0x7fffffff, TCP_INITIAL_WINDOW = 10, TCP_ACK_DELAY_MS = 40 };
#define TCP_MS       1000000ll
#define TCP_SECOND   1000000000ll
#define TCP_RTO_MIN  (200 * TCP_MS)
#define TCP_RTO_MAX  (120 * TCP_SECOND)
#define TCP_RTO_INIT TCP_SECOND

extern atomic_long tcp_memory; /* bytes in all queues, but for less than a page of each */
/* Is it above one of tcp_settings.mem? Above PRESSURE no buffer grows and windows are small; above
 * MOST a connection keeps no more than its first few KiB. */
enum { TCP_MEMORY_PRESSURE = 1, TCP_MEMORY_MOST };
static inline bool tcp_memory_above(unsigned which)
{
    return atomic_load_explicit(&tcp_memory, memory_order_relaxed) / (long)PAGE_SIZE >
           tcp_settings.mem[which];
}
extern atomic_uint tcp_orphans; /* connections whose file is closed */

/* --- tcp_input.c */
/* The channel's packets (struct inet_proto). */
bool tcp_input(struct inet_socket *s, struct packet *packet);
void tcp_input_done(struct inet_socket *s);
/* The header of a packet, its options left out, checksum verified; packet->data stays. false: it is
 * none (counted). */
bool tcp_packet_header(struct packet *packet, struct tcp_header *header);
void tcp_packet_options(const struct packet *packet, struct tcp_header *header);
/* One segment for a connection that is neither listening nor closed; takes the packet. For
 * tcp_listen.c, whose packet begins a connection: `trusted`, its ACK has been checked. */
void tcp_segment(struct tcp *tp, struct packet *packet, struct tcp_header *header);
/* The connection is there: buffers, windows, timers. */
void tcp_established(struct tcp *tp);
/* The other side resets, or the connection cannot go on: err is positive, 0: none. */
void tcp_abort(struct tcp *tp, int err);
void tcp_challenge_ack(struct tcp *tp);

/* --- tcp_receive.c */
/* Bytes [seq, seq + packet->total) are in the packet (at data); of flags, TCP_FIN (behind them) and
 * TCP_PSH count. Takes it. */
void tcp_receive_data(struct tcp *tp, struct packet *packet, uint32_t seq, unsigned flags);
/* A segment with URG; the packet's data begins with what is at header->seq. */
void tcp_receive_urgent(struct tcp *tp, const struct packet *packet,
                        const struct tcp_header *header);
/* What is left of the window that was offered. */
static inline uint32_t tcp_window_left(const struct tcp *tp)
{
    uint32_t left = tp->rcv_wup + tp->rcv_wnd - tp->rcv_nxt;

    return (int32_t)left > 0 ? left : 0;
}
/* Free all that has been received and not read; socket_ops.receive. */
void tcp_receive_purge(struct tcp *tp);
ssize_t tcp_op_receive(struct socket *socket, struct message *message);
/* Bytes that can be read, as SIOCINQ tells and poll wants to know. */
uint32_t tcp_readable(const struct tcp *tp);
bool tcp_at_mark(const struct tcp *tp);
/* The window to offer now: never less than was offered (moves rcv_wnd, rcv_wup). */
uint32_t tcp_new_window(struct tcp *tp);
uint32_t tcp_window_for(const struct tcp *tp); /* what could be offered */
/* In receive-buffer bytes what a window of so many takes, and back. */
static inline uint32_t tcp_window_of_space(int64_t space)
{
    return space > 0 ? (uint32_t)(space / 2) : 0;
}
/* After the program has read: acknowledge what should be, offer the new room. */
void tcp_reader_done(struct tcp *tp, bool read);
/* The room that the clamp and the buffers allow at most, for the first window and its scale. */
void tcp_first_window(struct tcp *tp);
unsigned tcp_choose_wscale(const struct tcp *tp);
/* The first ranges of an acknowledgement's SACK option: how many, into `ranges`. */
unsigned tcp_sack_ranges(struct tcp *tp, struct tcp_range ranges[TCP_SACKS_MAX]);
void tcp_dsack(struct tcp *tp, uint32_t start, uint32_t end);

/* --- tcp_output.c */
uint32_t tcp_stamp(const struct tcp *tp, nsec_t now);
void tcp_update_mss(struct tcp *tp);
unsigned
tcp_mss(const struct tcp *tp); /* of the next segment: never above half the peer's window */
/* Send what windows, Nagle and corks allow; NOW: without waiting for more, MORE: as if corked. */
enum tcp_push { PUSH_NORMAL, PUSH_NOW, PUSH_MORE };
void tcp_push(struct tcp *tp, enum tcp_push how);
/* Acknowledge now. */
void tcp_send_ack(struct tcp *tp);
/* A segment without data of its own: keep-alive and window probes (seq below snd_una). */
void tcp_send_probe(struct tcp *tp, bool urgent);
void tcp_send_reset(struct tcp *tp); /* for a connection that ends by force */
/* Send a packet of the list again, at most `limit` bytes of it. */
bool tcp_send_again(struct tcp *tp, struct packet *packet, uint32_t limit);
/* Send the first unsent bytes, up to limit, whatever Nagle says: a probe. False: there are none. */
bool tcp_send_forced(struct tcp *tp, uint32_t limit);
/* At most so many bytes a second go out: what SO_MAX_PACING_RATE allows, and not much more than the
 * window in a round trip. Does that say that nothing goes now? Then the timer fires when it may. */
uint64_t tcp_pacing_rate(const struct tcp *tp);
bool tcp_pacing_waits(struct tcp *tp);
/* Cut a packet of the list in two behind n bytes (0 < n < len). False: no memory. */
bool tcp_split(struct tcp *tp, struct packet *packet, uint32_t n);
/* A packet with n bytes of room at the list's end, nothing in it yet; SYN and FIN by flags. NULL:
 * no memory. */
struct packet *tcp_append(struct tcp *tp, uint32_t room, unsigned flags);
/* The same with a packet that has been made. */
void tcp_attach(struct tcp *tp, struct packet *packet, unsigned flags);
void tcp_queue_fin(struct tcp *tp);
void tcp_send_syn(struct tcp *tp); /* queue and send SYN, or SYN|ACK in SYN_RECV */
void tcp_send_purge(struct tcp *tp);
/* Answer a segment that belongs to nobody with a RST (RFC 9293, 3.10.7.1); the packet stays. */
void tcp_refuse(const struct packet *packet, const struct tcp_header *header);
/* A segment without a connection behind it: TIME-WAIT, RST, SYN|ACK of a request. options: as many
 * bytes as options_len. */
struct tcp_reply {
    struct ip_flow *flow;
    uint16_t source, destination, window;
    uint32_t seq, ack;
    uint8_t flags;
    const uint8_t *options;
    unsigned options_len;
};
void tcp_send_reply(const struct tcp_reply *reply);

/* --- tcp_send.c */
/* SO_TIMESTAMPING (tcp_departures.c): the socket's option has changed; the bytes before `end` are
 * about to be sent, have been acknowledged up to snd_una. Socket locked. */
void tcp_departures_set(struct tcp *tp, uint32_t stamping);
void tcp_departures_sent(struct tcp *tp, uint32_t end);
void tcp_departures_acknowledged(struct tcp *tp);
/* Around what takes a message's n bytes: begin's answer is for taken, with whether there were any.
 */
uint32_t tcp_departures_begin(struct tcp *tp, size_t n);
void tcp_departures_taken(struct tcp *tp, uint32_t end, bool any);
ssize_t tcp_op_send(struct socket *socket, struct message *message);
bool tcp_writable(const struct tcp *tp);
void tcp_grow_send_buffer(struct tcp *tp);
void tcp_charge(struct tcp *tp); /* tell tcp_memory */

/* --- tcp_recovery.c */
void tcp_ack(struct tcp *tp, const struct tcp_header *header, uint32_t seq, uint32_t len,
             nsec_t now);
uint32_t tcp_in_flight(const struct tcp *tp);
void tcp_enter_loss(struct tcp *tp); /* the retransmission timer has fired */
void tcp_rack_timeout(struct tcp *tp, nsec_t now);
/* Send again what is known to be lost, as far as the window allows. */
void tcp_repeat_lost(struct tcp *tp);
void tcp_measured(struct tcp *tp, nsec_t rtt, nsec_t now);
void tcp_forget_losses(struct tcp *tp); /* marks off the whole list */

/* --- tcp_cong.c */
extern const struct tcp_congestion tcp_cubic, tcp_reno;
const struct tcp_congestion *tcp_congestion_find(const char *name);
void tcp_cong_begin(struct tcp *tp);

/* --- tcp_timer.c */
void tcp_timer_init(struct tcp *tp);
void tcp_timer_stop(struct tcp *tp);
/* Deadlines have changed: let the timer fire in time. */
void tcp_timer_arm(struct tcp *tp);
void tcp_arm_retransmit(struct tcp *tp, nsec_t now); /* RTO or tail probe by what is on its way */
void tcp_work(struct inet_socket *s, unsigned events);
unsigned tcp_keep_idle(const struct tcp *tp);
void tcp_arm_keepalive(struct tcp *tp);

/* --- tcp_listen.c */
int tcp_op_listen(struct socket *socket, int backlog);
int tcp_op_accept(struct socket *socket, bool nonblock, struct socket **accepted);
bool tcp_listen_input(struct tcp *tp, struct packet *packet, struct tcp_header *header);
void tcp_listen_timer(struct tcp *tp, nsec_t now);
void tcp_listen_stop(struct tcp *tp);
bool tcp_accept_ready(const struct tcp *tp);
/* What has only begun (inet_requests_hook). */
void tcp_requests_each(struct inet_socket *s, inet_remnant_fn *fn, void *arg);
uint32_t tcp_listen_queued(const struct tcp *tp);
uint32_t tcp_listen_backlog(const struct tcp *tp);
/* The sequence number to begin with for the next SYN; 0: as always. */
void tcp_listen_new_iss(struct tcp *tp, uint32_t iss);
uint32_t tcp_initial_sequence(const struct inet_addr *local, unsigned local_port,
                              const struct inet_addr *remote, unsigned remote_port);
uint32_t tcp_stamp_offset_for(const struct inet_addr *local, const struct inet_addr *remote);
/* --- tcp_syncookie.c: a SYN|ACK's sequence number that remembers the SYN. mss and what its echo
 * of our timestamp says come back; false: not one of ours. */
uint32_t tcp_cookie_make(const struct inet_addr *local, const struct inet_addr *remote,
                         const struct tcp_header *header, nsec_t now);
bool tcp_cookie_check(const struct inet_addr *local, const struct inet_addr *remote,
                      const struct tcp_header *header, nsec_t now, uint16_t *mss);
uint32_t tcp_cookie_stamp(uint32_t stamp, const struct tcp_options *options);
void tcp_cookie_options(uint32_t echo, struct tcp_options *options);

/* --- tcp_timewait.c */
/* The connection has ended in order (or its file is closed and the other side is to end it):
 * remember it for `timeout`, as state TIME_WAIT or FIN_WAIT2. The socket is done then. */
void tcp_time_wait(struct tcp *tp, unsigned state, nsec_t timeout);
/* Is there one for these four? Any context. */
bool tcp_time_wait_has(const struct inet_addr *local, unsigned local_port,
                       const struct inet_addr *remote, unsigned remote_port);
/* A segment that may be for one: true: dealt with (the packet is taken). False: none, or it has
 * made room for a new connection, whose first sequence number should be beyond *iss if that is not
 * 0. */
bool tcp_time_wait_input(struct packet *packet, struct tcp_header *header, uint32_t *iss);
/* May a new connection take the place of one (tcp_tw_reuse)? It is gone then and its sequence and
 * timestamp go on in tp; false: it stays. */
bool tcp_time_wait_reuse(struct tcp *tp, unsigned local_port, bool really);
/* Does one keep the socket from being bound there? */
bool tcp_port_held(const struct inet_socket *s, const struct inet_addr *address, unsigned port);
unsigned tcp_time_wait_count(void);
struct tcp_time_wait_info {
    struct inet_addr local, remote;
    uint16_t local_port, remote_port;
    uint8_t state;
    nsec_t left;
};
void tcp_time_wait_each(bool (*fn)(const struct tcp_time_wait_info *info, void *arg), void *arg);

/* --- tcp_socket.c */
struct tcp *tcp_make(int family);
extern const struct socket_ops tcp_socket_ops;
extern const struct inet_proto tcp_proto;
extern struct inet_kind tcp_kind;
bool tcp_ends_in_use(struct inet_socket *s, unsigned port);
void tcp_set_state(struct tcp *tp, unsigned state);
/* CLOSE: out of the tables, timers off. */
void tcp_done(struct tcp *tp);
void tcp_wake(struct tcp *tp, unsigned events);
/* The program has closed its file and the other side nothing more to say: FIN_WAIT2's timer. */
void tcp_fin_wait2(struct tcp *tp);
int tcp_take_error(struct tcp *tp); /* negative errno or 0; told once */
unsigned tcp_op_poll(struct socket *socket, struct poll_table *table);

/* --- tcp_repair.c: socket locked but for the calls */
enum {
    TCP_REPAIR = 19,
    TCP_REPAIR_QUEUE,
    TCP_QUEUE_SEQ,
    TCP_REPAIR_OPTIONS,
    TCP_TIMESTAMP = 24,
    TCP_REPAIR_WINDOW = 29
};
int tcp_repair_set(struct tcp *tp, int name, int number, const void *value, size_t len);
int tcp_repair_get(struct tcp *tp, int name, void *value, size_t len); /* the length */
/* connect(2): the other end is taken to know. */
void tcp_repair_connect(struct tcp *tp);
/* Before a send: 0: goes on as always, else what it answers. */
ssize_t tcp_repair_send(struct tcp *tp, struct message *message);
ssize_t tcp_repair_receive(struct tcp *tp, struct message *message);
ssize_t tcp_receive_stream(struct tcp *tp, struct message *message); /* tcp_receive.c */
/* --- tcp_zerocopy.c */
int tcp_op_mmap(struct socket *socket, struct map_request *request);
/* getsockopt(TCP_ZEROCOPY_RECEIVE); not locked. */
int tcp_zerocopy_receive(struct tcp *tp, void *value, size_t len);
/* Bytes that can be read, and 1 more for the end (TCP_INQ). */
static inline uint32_t tcp_inq(const struct tcp *tp)
{
    return (tp->rcv_nxt - tp->copied_seq) ?: tp->shutdown & 1u;
}

/* --- tcp_sockopt.c */
/* What IP_PKTOPTIONS tells of a packet. */
void tcp_note(struct tcp *tp, const struct packet *packet);
int tcp_op_set_option(struct socket *socket, int level, int name, const void *value, size_t len);
int tcp_op_get_option(struct socket *socket, int level, int name, void *value, size_t len);
/* Linux's struct tcp_info into value, as much as fits in len; its length. Without the lock: a
 * snapshot (sock_diag). */
int tcp_info(struct tcp *tp, void *value, size_t len);

/* --- tcp_describe.c */
void tcp_describe(struct inet_socket *s, struct inet_description *d);
int64_t tcp_op_ioctl(struct socket *socket, unsigned cmd, uintptr_t arg);
