// cpus: 1
/* IPv6 flow labels that are leased (IPV6_FLOWLABEL_MGR), and how packets come to have one. */
#include "check.h"
#include "quiet_net.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/wait.h>

enum { IPV6_FLOWINFO = 11, IPV6_FLOWLABEL_MGR = 32, IPV6_FLOWINFO_SEND };
enum { GET, PUT, RENEW };
enum { CREATE = 1, EXCL = 2, REFLECT = 4, REMOTE = 8 };
enum { S_NONE, S_EXCL, S_PROCESS, S_USER, S_ANY = 255 };

struct request { /* in6_flowlabel_req */
    struct in6_addr destination;
    uint32_t label;
    uint8_t action, share;
    uint16_t flags, expires, linger;
    uint32_t pad;
};

static const uint8_t hop[8] = {99, 0, 0x1e, 4, 1, 2, 3, 4}, last[8] = {97, 0, 0x1e, 4, 9, 9, 9, 9};

static int ask(int fd, const struct request *r)
{
    return setsockopt(fd, IPPROTO_IPV6, IPV6_FLOWLABEL_MGR, r, sizeof *r);
}

static struct request request(int action, uint32_t label, int share, int flags)
{
    return (struct request){.destination = in6addr_loopback,
                            .label = htonl(label),
                            .action = (uint8_t)action,
                            .share = (uint8_t)share,
                            .flags = (uint16_t)flags};
}

static int lease(int fd, uint32_t label, int share, int flags)
{
    struct request r = request(GET, label, share, flags);

    return ask(fd, &r);
}

static int give_back(int fd, uint32_t label)
{
    struct request r = request(PUT, label, 0, 0);

    return ask(fd, &r);
}

static int set(int fd, int name, int value)
{
    return setsockopt(fd, IPPROTO_IPV6, name, &value, sizeof value);
}

static int bound(int type, struct sockaddr_in6 *at)
{
    int fd = socket(AF_INET6, type, 0);
    socklen_t len = sizeof *at;

    *at = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    if (bind(fd, (void *)at, len) || getsockname(fd, (void *)at, &len))
        return -1;
    return fd;
}

/* A row of /proc/net/ip6_flowlabel. */
struct row {
    unsigned label;
    int share, owner, users, linger, expires, options;
    char destination[64];
};

static bool row_of(uint32_t label, struct row *row)
{
    static const char head[] =
        "Label S Owner  Users  Linger Expires  Dst                              Opt\n";
    static char text[1 << 16];
    int fd = open("/proc/net/ip6_flowlabel", O_RDONLY), n = 0;
    ssize_t got;

    while ((got = read(fd, text + n, sizeof text - 1 - (size_t)n)) > 0)
        n += (int)got;
    close(fd);
    text[n] = 0;
    CHECK(strncmp(text, head, sizeof head - 1) == 0);
    for (char *line = strchr(text, '\n'); line && line[1]; line = strchr(line + 1, '\n'))
        if (sscanf(line, "%X %d %d %d %d %d %63s %d", &row->label, &row->share, &row->owner,
                   &row->users, &row->linger, &row->expires, row->destination,
                   &row->options) == 8 &&
            row->label == label)
            return true;
    return false;
}

/* --- leases */

static void life(void)
{
    struct request r = request(GET, 0, S_ANY, CREATE), told;
    int fd = socket(AF_INET6, SOCK_DGRAM, 0), other = socket(AF_INET6, SOCK_DGRAM, 0);
    struct row row;
    socklen_t len = sizeof told;
    uint32_t label;

    NEED(ask(fd, &r) == 0);
    label = ntohl(r.label); /* one that was free */
    CHECK(label && label <= 0xfffff);
    CHECK(row_of(label, &row));
    CHECK(row.share == S_ANY && row.owner == 0 && row.users == 1 && row.options == 0);
    CHECK(row.linger == 6 && row.expires <= 6);
    CHECK(strcmp(row.destination, "00000000000000000000000000000001") == 0);
    CHECK_EQ(lease(other, label, S_ANY, 0), 0);
    CHECK(row_of(label, &row));
    CHECK_EQ(row.users, 2);
    CHECK_ERRNO(lease(other, label, S_ANY, EXCL), EEXIST);
    CHECK_ERRNO(lease(other, label, S_EXCL, 0), EPERM);
    CHECK_ERRNO(lease(other, label, S_USER, CREATE), EPERM);
    r = request(RENEW, label, 0, 0);
    r.linger = 150;
    r.expires = 120;
    CHECK_EQ(ask(other, &r), 0);
    CHECK(row_of(label, &row));
    CHECK(row.linger == 150 && row.expires <= 150);
    r.label = htonl(label ^ 1);
    CHECK_ERRNO(ask(other, &r), ESRCH);
    told = request(GET, 0, 0, 0); /* no label is connected with */
    CHECK_ERRNO(getsockopt(fd, IPPROTO_IPV6, IPV6_FLOWLABEL_MGR, &told, &len), ENOENT);
    CHECK_EQ(give_back(other, label), 0);
    CHECK_ERRNO(give_back(other, label), ESRCH);
    CHECK_EQ(give_back(fd, label), 0);
    CHECK(row_of(label, &row)); /* it lingers */
    CHECK_EQ(row.users, 0);
    CHECK_ERRNO(lease(other, label, S_ANY, 0), ENOENT);
    CHECK_EQ(lease(other, label, S_ANY, CREATE), 0);
    CHECK(row_of(label, &row));
    CHECK(row.users == 1 && row.linger == 150);
    close(fd);
    close(other);
}

static void refusals(void)
{
    struct request r = request(GET, 0x11111, S_ANY, CREATE);
    int fd = socket(AF_INET6, SOCK_DGRAM, 0), stream = socket(AF_INET6, SOCK_STREAM, 0);
    socklen_t len = sizeof r - 1;

    CHECK_ERRNO(setsockopt(fd, IPPROTO_IPV6, IPV6_FLOWLABEL_MGR, &r, sizeof r - 1), EINVAL);
    CHECK_ERRNO(getsockopt(fd, IPPROTO_IPV6, IPV6_FLOWLABEL_MGR, &r, &len), EINVAL);
    CHECK_ERRNO(lease(fd, 0x11111, S_ANY, 0), ENOENT);
    CHECK_ERRNO(lease(fd, 0x11111, S_NONE, CREATE), EINVAL);
    CHECK_ERRNO(lease(fd, 0x11111, 77, CREATE), EINVAL);
    CHECK_ERRNO(lease(fd, 0x123456, S_ANY, CREATE), EINVAL); /* more than 20 bits */
    r.action = 3;
    CHECK_ERRNO(ask(fd, &r), EINVAL);
    len = sizeof r;
    r.action = PUT;
    CHECK_ERRNO(getsockopt(fd, IPPROTO_IPV6, IPV6_FLOWLABEL_MGR, &r, &len), EINVAL);
    r.action = GET;
    r.destination = in6addr_any;
    CHECK_ERRNO(ask(fd, &r), EINVAL);
    inet_pton(AF_INET6, "::ffff:127.0.0.1", &r.destination);
    CHECK_ERRNO(ask(fd, &r), EINVAL);
    CHECK_ERRNO(give_back(fd, 0x11111), ESRCH);
    r = request(PUT, 0, 0, REFLECT);
    CHECK_ERRNO(ask(fd, &r), ENOPROTOOPT);
    CHECK_ERRNO(ask(stream, &r), ESRCH);
    r.action = GET; /* labels are to stay the same, by default */
    CHECK_ERRNO(ask(stream, &r), EPERM);
    close(fd);
    close(stream);
}

/* In a program that may do nothing. */
static void as_nobody(void (*what)(void))
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        if (setuid(65534))
            _exit(99);
        what();
        fflush(stdout);
        _exit(check_failed_here != 0);
    }
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(status == 0 || status == 99 << 8);
}

static void other_user(void)
{
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    struct request r = request(GET, 0x22224, S_ANY, CREATE);
    int got = 0;

    CHECK_ERRNO(lease(fd, 0x22221, S_PROCESS, 0), EPERM);
    CHECK_ERRNO(lease(fd, 0x22222, S_USER, 0), EPERM);
    CHECK_ERRNO(lease(fd, 0x22223, S_EXCL, 0), EPERM);
    r.linger = 151; /* so long only for administrators */
    CHECK_ERRNO(ask(fd, &r), EPERM);
    r.linger = 0;
    r.expires = 151;
    CHECK_ERRNO(ask(fd, &r), EPERM);
    for (int i = 0; i < 64; i++)
        got += lease(fd, 0, S_ANY, CREATE) == 0;
    CHECK_EQ(got, 32); /* for one socket, once there are that many */
    CHECK_ERRNO(lease(fd, 0, S_ANY, CREATE), ENOBUFS);
    close(fd);
}

static void same_user(void)
{
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    pid_t child;
    int status = 0;

    CHECK_EQ(lease(fd, 0x22221, S_PROCESS, 0), 0);
    CHECK_EQ(lease(fd, 0x22222, S_USER, 0), 0);
    CHECK_ERRNO(lease(fd, 0x22223, S_EXCL, 0), EPERM);
    child = fork();
    if (child == 0) {
        int own = socket(AF_INET6, SOCK_DGRAM, 0);
        CHECK_ERRNO(lease(own, 0x22221, S_PROCESS, 0), EPERM);
        CHECK_EQ(lease(own, 0x22222, S_USER, 0), 0);
        fflush(stdout);
        _exit(check_failed_here != 0);
    }
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
    close(fd);
}

static void sharing(void)
{
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    struct row row;

    CHECK_EQ(lease(fd, 0x22221, S_PROCESS, CREATE), 0);
    CHECK_EQ(lease(fd, 0x22222, S_USER, CREATE), 0);
    CHECK_EQ(lease(fd, 0x22223, S_EXCL, CREATE), 0);
    CHECK(row_of(0x22221, &row));
    CHECK(row.share == S_PROCESS && row.owner == getpid());
    CHECK(row_of(0x22222, &row));
    CHECK(row.share == S_USER && row.owner == (int)geteuid());
    same_user();
    if (geteuid() == 0)
        as_nobody(other_user);
    close(fd);
}

/* --- packets */

/* The label and class that a datagram came with; 0: none. */
static uint32_t arrived(int fd)
{
    char byte[8], control[256];
    struct iovec iov = {byte, sizeof byte};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    uint32_t info = 0;

    CHECK_EQ(recvmsg(fd, &m, 0), 1);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
        if (c->cmsg_type == IPV6_FLOWINFO)
            memcpy(&info, CMSG_DATA(c), sizeof info);
    return ntohl(info);
}

static ssize_t send_labelled(int fd, struct sockaddr_in6 at, uint32_t label)
{
    at.sin6_flowinfo = htonl(label);
    return sendto(fd, "x", 1, 0, (void *)&at, sizeof at);
}

static ssize_t send_with(int fd, struct sockaddr_in6 at, uint32_t label)
{
    struct {
        struct cmsghdr head;
        uint32_t info, pad;
    } c = {{CMSG_LEN(4), IPPROTO_IPV6, IPV6_FLOWINFO}, htonl(label), 0};
    struct iovec iov = {"x", 1};
    struct msghdr m = {&at, sizeof at, &iov, 1, &c, sizeof c, 0};

    return sendmsg(fd, &m, 0);
}

static void automatic(void)
{
    struct sockaddr_in6 at;
    int fd = bound(SOCK_DGRAM, &at), out = socket(AF_INET6, SOCK_DGRAM, 0);
    uint32_t first;

    CHECK_EQ(set(fd, IPV6_FLOWINFO, 1), 0);
    CHECK_EQ(send_labelled(out, at, 0x77777), 1); /* nobody looks at that yet */
    first = arrived(fd);
    CHECK(first && first < 1 << 20 && first != 0x77777);
    CHECK_EQ(send_labelled(out, at, 0), 1);
    CHECK_EQ(arrived(fd), first); /* a flow keeps its label */
    CHECK_EQ(set(out, IPV6_AUTOFLOWLABEL, 0), 0);
    CHECK_EQ(send_labelled(out, at, 0), 1);
    CHECK_EQ(arrived(fd), 0);
    close(fd);
    close(out);
}

static void sent(void)
{
    struct request told = request(GET, 0, 0, 0);
    struct sockaddr_in6 at, peer;
    int fd = bound(SOCK_DGRAM, &at), out = socket(AF_INET6, SOCK_DGRAM, 0);
    socklen_t len = sizeof told, peer_len = sizeof peer;

    CHECK_EQ(lease(out, 0x33331, S_EXCL, CREATE), 0); /* from now on a label takes a lease */
    CHECK_EQ(set(fd, IPV6_FLOWINFO, 1), 0);
    CHECK_EQ(set(out, IPV6_FLOWINFO_SEND, 1), 0);
    CHECK_EQ(send_labelled(out, at, 0x33331), 1);
    CHECK_EQ(arrived(fd), 0x33331);
    CHECK_ERRNO(send_labelled(out, at, 0x33332), EINVAL);
    CHECK_EQ(send_labelled(out, at, 0xab33331), 1); /* of the class nothing is sent */
    CHECK_EQ(arrived(fd), 0x33331);
    CHECK_EQ(set(out, IPV6_AUTOFLOWLABEL, 0), 0);
    CHECK_EQ(send_labelled(out, at, 0), 1);
    CHECK_EQ(arrived(fd), 0);
    CHECK_EQ(send_with(out, at, 0x33331), 1);
    CHECK_EQ(arrived(fd), 0x33331);
    CHECK_ERRNO(send_with(out, at, 0x33332), EINVAL);
    at.sin6_flowinfo = htonl(0x33331);
    CHECK_ERRNO(send_with(out, at, 0x10033331), EINVAL); /* bits that are no label's */
    CHECK_EQ(set(out, IPV6_FLOWINFO_SEND, 0), 0);
    CHECK_EQ(send_labelled(out, at, 0x33331), 1);
    CHECK_EQ(arrived(fd), 0);

    at.sin6_flowinfo = htonl(0x33332);
    CHECK_EQ(set(out, IPV6_FLOWINFO_SEND, 1), 0);
    CHECK_ERRNO(connect(out, (void *)&at, sizeof at), EINVAL);
    at.sin6_flowinfo = htonl(0x33331);
    CHECK_EQ(connect(out, (void *)&at, sizeof at), 0);
    CHECK_EQ(send(out, "x", 1, 0), 1);
    CHECK_EQ(arrived(fd), 0x33331);
    CHECK_EQ(getpeername(out, (void *)&peer, &peer_len), 0);
    CHECK_EQ(ntohl(peer.sin6_flowinfo), 0x33331);
    CHECK_EQ(getsockopt(out, IPPROTO_IPV6, IPV6_FLOWLABEL_MGR, &told, &len), 0);
    CHECK(len == sizeof told && ntohl(told.label) == 0x33331 && told.share == S_EXCL);
    CHECK(told.linger == 6 && (int16_t)told.expires <= 6 && /* or has, on a slow machine */
          told.destination.s6_addr[15] == 1);
    CHECK_EQ(give_back(out, 0x33331), 0); /* and the connection is without */
    told = request(GET, 0, 0, 0);
    CHECK_ERRNO(getsockopt(out, IPPROTO_IPV6, IPV6_FLOWLABEL_MGR, &told, &len), ENOENT);
    CHECK_EQ(send(out, "x", 1, 0), 1);
    CHECK_EQ(arrived(fd), 0);
    close(fd);
    close(out);
}

/* Headers that go with a label; what is for the destination alone is the sender's. */
static void with_headers(void)
{
    struct {
        struct request r;
        struct cmsghdr head;
        uint8_t data[8];
    } with = {request(GET, 0x44441, S_ANY, CREATE), {CMSG_LEN(8), IPPROTO_IPV6, 54}, {}};
    struct sockaddr_in6 at;
    int fd = bound(SOCK_DGRAM, &at), out = socket(AF_INET6, SOCK_DGRAM, 0), n = 0;
    char byte[8], control[256];
    struct row row;
    struct iovec iov = {byte, sizeof byte};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};

    memcpy(with.data, hop, sizeof hop);
    if (setsockopt(out, IPPROTO_IPV6, IPV6_FLOWLABEL_MGR, &with, sizeof with) && errno == EPERM)
        SKIP("needs CAP_NET_RAW");
    CHECK(row_of(0x44441, &row));
    CHECK_EQ(row.options, 8);
    CHECK_EQ(set(fd, 53 /* IPV6_RECVHOPOPTS */, 1), 0);
    CHECK_EQ(set(fd, 58 /* IPV6_RECVDSTOPTS */, 1), 0);
    CHECK_EQ(setsockopt(out, IPPROTO_IPV6, 59 /* IPV6_DSTOPTS */, last, sizeof last), 0);
    CHECK_EQ(set(out, IPV6_FLOWINFO_SEND, 1), 0);
    CHECK_EQ(send_labelled(out, at, 0x44441), 1);
    CHECK_EQ(recvmsg(fd, &m, 0), 1);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c), n++)
        CHECK(memcmp(CMSG_DATA(c) + 1, (n ? last : hop) + 1, 7) == 0);
    CHECK_EQ(n, 2);
    with.r = request(GET, 0x44442, S_ANY, CREATE); /* not that */
    with.head.cmsg_type = 59;
    CHECK_ERRNO(setsockopt(out, IPPROTO_IPV6, IPV6_FLOWLABEL_MGR, &with, sizeof with), EINVAL);
    close(fd);
    close(out);
}

static void connections(void)
{
    struct request told = request(GET, 0, 0, REMOTE);
    struct sockaddr_in6 at;
    int listener = bound(SOCK_STREAM, &at), out = socket(AF_INET6, SOCK_STREAM, 0), in;
    socklen_t len = sizeof told;

    CHECK_EQ(listen(listener, 1), 0);
    CHECK_EQ(lease(out, 0x55551, S_EXCL, CREATE), 0);
    CHECK_EQ(set(out, IPV6_FLOWINFO_SEND, 1), 0);
    at.sin6_flowinfo = htonl(0x55552);
    CHECK_ERRNO(connect(out, (void *)&at, sizeof at), EINVAL);
    at.sin6_flowinfo = htonl(0x55551);
    CHECK_EQ(connect(out, (void *)&at, sizeof at), 0);
    in = accept(listener, NULL, NULL);
    CHECK_EQ(getsockopt(in, IPPROTO_IPV6, IPV6_FLOWLABEL_MGR, &told, &len), 0);
    CHECK_EQ(ntohl(told.label), 0x55551);
    close(in);
    close(out);
    close(listener);
}

/* The one who accepts answers with the label that it hears. */
static void reflection(void)
{
    struct request r = request(GET, 0, 0, REFLECT), told = request(GET, 0, 0, 0);
    struct sockaddr_in6 at;
    int listener = bound(SOCK_STREAM, &at), out = socket(AF_INET6, SOCK_STREAM, 0), in, info = 0;
    int sysctl = open("/proc/sys/net/ipv6/flowlabel_consistency", O_RDWR);
    char control[256], byte;
    socklen_t len = sizeof told, n = sizeof control;
    struct msghdr m = {.msg_control = control};

    if (sysctl < 0 || write(sysctl, "0", 1) != 1)
        SKIP("needs root");
    CHECK_EQ(ask(listener, &r), 0);
    CHECK_EQ(listen(listener, 1), 0);
    CHECK_EQ(lease(out, 0x66661, S_EXCL, CREATE), 0);
    CHECK_EQ(set(out, IPV6_FLOWINFO_SEND, 1), 0);
    CHECK_EQ(set(out, IPV6_FLOWINFO, 1), 0);
    at.sin6_flowinfo = htonl(0x66661);
    CHECK_EQ(connect(out, (void *)&at, sizeof at), 0);
    in = accept(listener, NULL, NULL);
    CHECK_EQ(getsockopt(in, IPPROTO_IPV6, IPV6_FLOWLABEL_MGR, &told, &len), 0);
    CHECK_EQ(ntohl(told.label), 0x66661);
    CHECK_EQ(send(in, "x", 1, 0), 1);
    CHECK_EQ(recv(out, &byte, 1, 0), 1);
    CHECK_EQ(getsockopt(out, IPPROTO_IPV6, 6 /* IPV6_2292PKTOPTIONS */, control, &n), 0);
    m.msg_controllen = n;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
        if (c->cmsg_type == IPV6_FLOWINFO)
            memcpy(&info, CMSG_DATA(c), sizeof info);
    CHECK_EQ(ntohl((uint32_t)info), 0x66661);
    r.action = PUT;
    CHECK_EQ(ask(in, &r), 0);
    CHECK_ERRNO(ask(in, &r), ESRCH);
    CHECK_EQ(write(sysctl, "1", 1), 1);
    close(sysctl);
    close(in);
    close(out);
    close(listener);
}

int main(void)
{
    quiet_net();
    if (bound(SOCK_DGRAM, &(struct sockaddr_in6){}) < 0 && !inside_osprey()) {
        printf("1..0 # no IPv6 here\n");
        return 0;
    }
    promise("a packet has a label, if none is asked for", automatic);
    promise("leases are made, shared, renewed, given back", life);
    promise("what is not given", refusals);
    promise("who may share", sharing);
    promise("what is leased is sent", sent);
    promise("headers go with a label", with_headers);
    promise("TCP", connections);
    promise("IPV6_FL_F_REFLECT", reflection);
    return check_end();
}
