/* NETLINK_SOCK_DIAG (man 7 sock_diag): what ss(8) asks of Internet and AF_UNIX sockets. */
#include "netlink.h"
#include "quiet_net.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>

enum { LISTEN = 10, ESTABLISHED = 1, SYN_RECV = 3, CLOSE = 7, ALL = -1 };

static int fd, listener, client, server, udp, unix_listener, pair[2];
static uint16_t port, udp_port;

static uint32_t inode_of(int s)
{
    struct stat st;

    return fstat(s, &st) == 0 ? (uint32_t)st.st_ino : 0;
}

static uint16_t local_port(int s)
{
    struct sockaddr_in a;
    socklen_t len = sizeof(a);

    return getsockname(s, (void *)&a, &len) == 0 ? ntohs(a.sin_port) : 0;
}

static void make_sockets(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_un u = {AF_UNIX, "\0netlink_diag test"};

    listener = socket(AF_INET, SOCK_STREAM, 0);
    NEED(bind(listener, (void *)&a, sizeof(a)) == 0 && listen(listener, 7) == 0);
    port = local_port(listener);
    a.sin_port = htons(port);
    client = socket(AF_INET, SOCK_STREAM, 0);
    NEED(connect(client, (void *)&a, sizeof(a)) == 0);
    server = accept(listener, NULL, NULL);
    NEED(server >= 0);
    CHECK_EQ(send(client, "12345", 5, 0), 5);
    char c[5];
    CHECK_EQ(recv(server, c, 5, MSG_PEEK | MSG_WAITALL), 5);
    udp = socket(AF_INET, SOCK_DGRAM, 0);
    a.sin_port = 0;
    NEED(bind(udp, (void *)&a, sizeof(a)) == 0);
    udp_port = local_port(udp);
    unix_listener = socket(AF_UNIX, SOCK_STREAM, 0);
    NEED(bind(unix_listener, (void *)&u, 2 + 18) == 0 && listen(unix_listener, 9) == 0);
    NEED(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
}

/* --- Internet */

struct seen {
    uint32_t inode; /* looked for; 0: any */
    uint16_t port;  /* of the other side; 0: any */
    int count, found, type;
    struct inet_diag_msg m;
    int info, skmeminfo;
    char congestion[16];
    struct tcp_info tcp;
};

static void see(const struct nlmsghdr *n, void *arg)
{
    struct seen *s = arg;
    const struct inet_diag_msg *m = NLMSG_DATA(n);
    const void *data;
    int len = 0;

    s->count++;
    if ((s->inode && m->idiag_inode != s->inode) ||
        (s->port && ntohs(m->id.idiag_dport) != s->port))
        return;
    s->found++;
    s->type = n->nlmsg_type;
    s->m = *m;
    data = attr_of(n, sizeof(*m), INET_DIAG_INFO, &s->info);
    if (data)
        memcpy(&s->tcp, data, (size_t)s->info < sizeof(s->tcp) ? (size_t)s->info : sizeof(s->tcp));
    attr_of(n, sizeof(*m), INET_DIAG_SKMEMINFO, &s->skmeminfo);
    data = attr_of(n, sizeof(*m), INET_DIAG_CONG, &len);
    if (data)
        memcpy(s->congestion, data, (size_t)len < 16 ? (size_t)len : 16);
}

static int ask_with(int family, int protocol, unsigned states, const void *code, size_t len,
                    struct seen *s)
{
    struct request r;
    struct inet_diag_req_v2 *q = request_begin(&r, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, sizeof(*q));

    q->sdiag_family = family;
    q->sdiag_protocol = protocol;
    q->idiag_states = states;
    q->idiag_ext =
        1 << (INET_DIAG_INFO - 1) | 1 << (INET_DIAG_CONG - 1) | 1 << (INET_DIAG_SKMEMINFO - 1);
    if (len)
        request_attr(&r, INET_DIAG_REQ_BYTECODE, code, len);
    return netlink_talk(fd, &r, see, s);
}

static int ask(int family, int protocol, unsigned states, struct seen *s)
{
    return ask_with(family, protocol, states, NULL, 0, s);
}

static void listening(void)
{
    struct seen s = {.inode = inode_of(listener)};

    CHECK_EQ(ask(AF_INET, IPPROTO_TCP, 1 << LISTEN, &s), 0);
    CHECK_EQ(s.found, 1);
    CHECK(s.m.idiag_family == AF_INET && s.m.idiag_state == LISTEN &&
          ntohs(s.m.id.idiag_sport) == port && s.m.id.idiag_dport == 0 &&
          s.m.id.idiag_src[0] == htonl(INADDR_LOOPBACK) && s.m.idiag_rqueue == 0 &&
          s.m.idiag_wqueue == 7);
    s.found = 0;
    CHECK_EQ(ask(AF_INET, IPPROTO_TCP, 1 << ESTABLISHED, &s), 0);
    CHECK_EQ(s.found, 0);
    CHECK_EQ(ask(AF_INET6, IPPROTO_TCP, (unsigned)ALL, &s), 0);
    CHECK_EQ(s.found, 0);
}

static void established(void)
{
    struct seen s = {.inode = inode_of(server)};

    CHECK_EQ(ask(AF_INET, IPPROTO_TCP, 1 << ESTABLISHED, &s), 0);
    NEED(s.found == 1);
    CHECK(ntohs(s.m.id.idiag_sport) == port && ntohs(s.m.id.idiag_dport) == local_port(client));
    CHECK_EQ(s.m.idiag_rqueue, 5);
    CHECK(s.info >= 100 && s.tcp.tcpi_state == ESTABLISHED && s.tcp.tcpi_snd_mss > 0);
    CHECK(s.skmeminfo >= 32 && s.congestion[0]);
}

/* A connection that has only begun: the client is through, the listener waits for its data. */
static void begun(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int slow = socket(AF_INET, SOCK_STREAM, 0), near = socket(AF_INET, SOCK_STREAM, 0), wait = 60;
    char line[256], wanted[64];
    struct seen s = {};
    FILE *f;

    setsockopt(slow, IPPROTO_TCP, TCP_DEFER_ACCEPT, &wait, sizeof(wait));
    NEED(bind(slow, (void *)&a, sizeof(a)) == 0 && listen(slow, 3) == 0);
    a.sin_port = htons(local_port(slow));
    NEED(connect(near, (void *)&a, sizeof(a)) == 0);
    s.port = local_port(near);
    CHECK_EQ(ask(AF_INET, IPPROTO_TCP, 1 << SYN_RECV, &s), 0);
    CHECK_EQ(s.found, 1);
    CHECK(s.m.idiag_state == SYN_RECV && s.m.idiag_timer == 1 && s.m.idiag_inode == 0 &&
          s.m.id.idiag_src[0] == htonl(INADDR_LOOPBACK) &&
          s.m.id.idiag_dst[0] == htonl(INADDR_LOOPBACK));
    snprintf(wanted, sizeof(wanted), ": 0100007F:%04X 0100007F:%04X 03 ", local_port(slow),
             local_port(near));
    f = fopen("/proc/net/tcp", "r");
    NEED(f);
    for (s.count = 0; fgets(line, sizeof(line), f);)
        s.count += strstr(line, wanted) != NULL;
    fclose(f);
    CHECK_EQ(s.count, 1);
    close(near);
    close(slow);
}

/* The request of before Linux 3.3: answered in its own kind, whatever the family. */
static void older_kind(void)
{
    struct request r;
    struct inet_diag_req *q = request_begin(&r, TCPDIAG_GETSOCK, NLM_F_DUMP, sizeof(*q));
    struct seen s = {.inode = inode_of(listener)};

    q->idiag_family = AF_INET6;
    q->idiag_states = 1 << LISTEN;
    CHECK_EQ(netlink_talk(fd, &r, see, &s), 0);
    CHECK_EQ(s.found, 1);
    CHECK(s.type == TCPDIAG_GETSOCK && s.m.idiag_family == AF_INET &&
          ntohs(s.m.id.idiag_sport) == port);
    request_begin(&r, TCPDIAG_GETSOCK, NLM_F_DUMP, sizeof(*q) - 4);
    CHECK_EQ(netlink_talk(fd, &r, see, &s), -EINVAL);
    q = request_begin(&r, DCCPDIAG_GETSOCK, NLM_F_DUMP, sizeof(*q)); /* ss asks for these, too */
    q->idiag_states = 1 << LISTEN;
    s.count = 0;
    int err = netlink_talk(fd, &r, see, &s);
    CHECK((err == -ENOENT || err == -EINVAL /* Linux 6.16 */ || !err) && s.count == 0);
}

static void datagrams(void)
{
    struct seen s = {.inode = inode_of(udp)};

    CHECK_EQ(ask(AF_INET, IPPROTO_UDP, (unsigned)ALL, &s), 0);
    CHECK_EQ(s.found, 1);
    CHECK(s.m.idiag_state == CLOSE && ntohs(s.m.id.idiag_sport) == udp_port);
}

static void filters(void)
{
    struct inet_diag_bc_op by_port[2] = {{INET_DIAG_BC_S_GE, 8, 12}, {0, 0, port}};
    struct inet_diag_bc_op two[4] = {
        {INET_DIAG_BC_S_GE, 8, 20}, {0, 0, port}, {INET_DIAG_BC_S_LE, 8, 12}, {0, 0, port}};
    struct inet_diag_bc_op bad[2] = {{INET_DIAG_BC_S_GE, 0, 12}, {0, 0, port}};
    struct inet_diag_bc_op wild[2] = {{INET_DIAG_BC_S_GE, 8, 400}, {0, 0, port}};
    struct seen s = {0};

    CHECK_EQ(ask_with(AF_INET, IPPROTO_TCP, 1 << LISTEN, two, sizeof(two), &s), 0);
    CHECK(s.count >= 1 && ntohs(s.m.id.idiag_sport) == port);
    memset(&s, 0, sizeof(s));
    by_port[1].no = port;
    s.inode = inode_of(listener);
    CHECK_EQ(ask_with(AF_INET, IPPROTO_TCP, (unsigned)ALL, by_port, sizeof(by_port), &s), 0);
    CHECK_EQ(s.found, 1);
    CHECK_EQ(ask_with(AF_INET, IPPROTO_TCP, (unsigned)ALL, bad, sizeof(bad), &s), -EINVAL);
    CHECK_EQ(ask_with(AF_INET, IPPROTO_TCP, (unsigned)ALL, wild, sizeof(wild), &s), -EINVAL);
}

static void one_socket(void)
{
    struct request r;
    struct seen s = {0}, all = {.inode = inode_of(client)};

    NEED(ask(AF_INET, IPPROTO_TCP, 1 << ESTABLISHED, &all) == 0 && all.found == 1);
    struct inet_diag_req_v2 *q = request_begin(&r, SOCK_DIAG_BY_FAMILY, 0, sizeof(*q));
    q->sdiag_family = AF_INET;
    q->sdiag_protocol = IPPROTO_TCP;
    q->idiag_states = (unsigned)ALL;
    q->id = all.m.id;
    CHECK_EQ(netlink_talk(fd, &r, see, &s), 0);
    CHECK(s.count == 1 && s.m.idiag_inode == all.inode);
    q = request_begin(&r, SOCK_DIAG_BY_FAMILY, 0, sizeof(*q));
    q->sdiag_family = AF_INET;
    q->sdiag_protocol = IPPROTO_TCP;
    q->id = all.m.id;
    q->id.idiag_sport = htons(1);
    CHECK_EQ(netlink_talk(fd, &r, see, &s), -ENOENT);
}

static void refused(void)
{
    struct seen s = {0};
    struct request r;

    CHECK_EQ(ask(AF_INET, 250, (unsigned)ALL, &s), -ENOENT);
    CHECK_EQ(ask(255, IPPROTO_TCP, (unsigned)ALL, &s), -EINVAL);
    request_begin(&r, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, 1);
    r.body[0] = AF_INET;
    CHECK_EQ(netlink_talk(fd, &r, NULL, NULL), -EINVAL);
}

/* --- AF_UNIX */

struct unix_seen {
    uint32_t inode;
    int found;
    struct unix_diag_msg m;
    int name_len;
    char name[108];
    uint32_t peer, queue[2];
};

static void see_unix(const struct nlmsghdr *n, void *arg)
{
    struct unix_seen *s = arg;
    const struct unix_diag_msg *m = NLMSG_DATA(n);
    const void *data;
    int len = 0;

    if (m->udiag_ino != s->inode)
        return;
    s->found++;
    s->m = *m;
    data = attr_of(n, sizeof(*m), UNIX_DIAG_NAME, &s->name_len);
    if (data && s->name_len <= (int)sizeof(s->name))
        memcpy(s->name, data, (size_t)s->name_len);
    s->peer = attr_u32(n, sizeof(*m), UNIX_DIAG_PEER);
    data = attr_of(n, sizeof(*m), UNIX_DIAG_RQLEN, &len);
    if (data && len >= 8)
        memcpy(s->queue, data, 8);
}

static int ask_unix(int flags, uint32_t inode, unsigned states, struct unix_seen *s)
{
    struct request r;
    struct unix_diag_req *q = request_begin(&r, SOCK_DIAG_BY_FAMILY, flags, sizeof(*q));

    q->sdiag_family = AF_UNIX;
    q->udiag_states = states;
    q->udiag_ino = inode;
    q->udiag_cookie[0] = q->udiag_cookie[1] = UINT32_MAX;
    q->udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN;
    return netlink_talk(fd, &r, see_unix, s);
}

static void unix_sockets(void)
{
    struct unix_seen s = {.inode = inode_of(unix_listener)};

    CHECK_EQ(ask_unix(NLM_F_DUMP, 0, (unsigned)ALL, &s), 0);
    CHECK_EQ(s.found, 1);
    CHECK(s.m.udiag_state == LISTEN && s.m.udiag_type == SOCK_STREAM && s.name_len == 18 &&
          !memcmp(s.name, "\0netlink_diag test", 18) && s.queue[0] == 0 && s.queue[1] == 9);
    memset(&s, 0, sizeof(s));
    s.inode = inode_of(pair[0]);
    CHECK_EQ(send(pair[1], "abc", 3, 0), 3);
    CHECK_EQ(ask_unix(0, s.inode, (unsigned)ALL, &s), 0);
    CHECK(s.found == 1 && s.m.udiag_state == ESTABLISHED && s.peer == inode_of(pair[1]) &&
          s.queue[0] == 3 && s.name_len == 0);
    s.found = 0;
    CHECK_EQ(ask_unix(NLM_F_DUMP, 0, 1 << CLOSE, &s), 0);
    CHECK_EQ(s.found, 0);
    CHECK_EQ(ask_unix(0, 0, (unsigned)ALL, &s), -EINVAL);
    CHECK_EQ(ask_unix(0, 0x7fffffff, (unsigned)ALL, &s), -ENOENT);
}

int main(void)
{
    quiet_net();
    fd = netlink_open(NETLINK_SOCK_DIAG);
    promise("sockets to be found", make_sockets);
    promise("who listens", listening);
    promise("who is connected, with tcp_info", established);
    promise("a connection that has only begun", begun);
    promise("a request of the older kind", older_kind);
    promise("datagram sockets", datagrams);
    promise("programs that choose", filters);
    promise("one socket by its ends", one_socket);
    promise("what is refused", refused);
    promise("AF_UNIX: names, peers, queues", unix_sockets);
    return check_end();
}
