// Messages of sockets of any family: all the calls that send and receive.
#include "sockets.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/time.h>

// LEFT OUT: full buffers: Linux counts its own structures, too. Files that pass: sockets only that
// nobody has used (rings of them are collected some time later).
enum { UNDER_WAY = 36000, EACH = 800, CONTROL = 512, PARTS = 3 };

struct socket_world socket_world;
static size_t under_way;
static int passed[32], npassed;
int talks;

// --- what is under way ---

bool sockets_is(int fd)
{
    return type_of(fd) == S_IFSOCK;
}

void sockets_ready(int fd)
{
    struct timeval soon = {0, 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof(soon));
}

static void read_away(int fd)
{
    static char away[1 << 17];
    for (int i = 0; i < 100 && recv(fd, away, sizeof(away), MSG_DONTWAIT) >= 0; i++)
        ;
}

static void drop_pending(int fd)
{
    int one = 0, new;
    socklen_t len = sizeof(one);
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &one, &len) != 0 || !one)
        return;
    for (struct pollfd p = {fd, POLLIN, 0};
         poll(&p, 1, 0) == 1 && (new = accept(fd, NULL, NULL)) >= 0;)
        close(new);
}

void sockets_drain(void)
{
    for (int i = 0; i < 2; i++)
        for (int fd = SLOT_FIRST; fd < SLOT_FIRST + SLOTS; fd++) {
            if (!sockets_is(fd))
                continue;
            drop_pending(fd);
            read_away(fd);
        }
    for (int fd = SLOT_FIRST, n; fd < SLOT_FIRST + SLOTS && !socket_world.settle; fd++)
        if (sockets_is(fd) && ioctl(fd, TIOCOUTQ, &n) == 0 && n) // the other process has it
            close(fd), say(" x%d", fd);
    if (socket_world.settle)
        socket_world.settle();
    under_way = 0;
}

void sockets_sent(size_t bytes)
{
    under_way += bytes + EACH;
    if (socket_world.settle)
        socket_world.settle();
    if (under_way > UNDER_WAY)
        sockets_drain();
}

// --- slots ---

static bool connected(int fd)
{
    struct sockaddr_storage a;
    socklen_t len = sizeof(a);
    return getpeername(fd, (struct sockaddr *)&a, &len) == 0;
}

static int slot_with(bool (*fits)(int fd))
{
    unsigned first = below(SLOTS);
    for (unsigned i = 0; i < SLOTS; i++) {
        int fd = SLOT_FIRST + (int)((first + i) % SLOTS);
        if (fits(fd))
            return arg("%d", fd), fd;
    }
    return slot();
}

int socket_slot(void)
{
    return chance(80) ? slot_with(sockets_is) : slot();
}

void sockets_pass(int fd)
{
    if (fd >= 0)
        passed[npassed++] = fd;
}

int talker(void)
{
    while (npassed)
        close(passed[--npassed]);
    return talks = chance(60) ? slot_with(connected) : socket_slot();
}

// --- what messages are made of ---

static size_t message_length(void)
{
    static const size_t lengths[] = {0, 1, 1, 2, 7, 16, 100, 500, 1000, 4096, 5000};
    size_t n = chance(98) ? lengths[below(COUNT(lengths))] : 20000;
    arg("%zu", n);
    return n;
}

/* Some parts of `space` in a row. */
static unsigned draw_parts(struct iovec *parts, char *space, bool room)
{
    unsigned n = 1 + below(PARTS);
    size_t left = 1 << 16;
    if (chance(3)) {
        n = 0, arg("no parts");
        return n;
    }
    for (unsigned i = 0; i < n; i++) {
        size_t len = message_length();
        if (room && chance(15))
            len = 20000;
        if (len > left)
            len = left;
        left -= len;
        parts[i] = (struct iovec){space, len};
        space += len;
    }
    if (n == 1 && chance(2))
        parts[0] = (struct iovec){BAD_POINTER, 10}, arg("BAD");
    return n;
}

static size_t parts_length(const struct iovec *parts, unsigned n)
{
    size_t sum = 0;
    for (unsigned i = 0; i < n; i++)
        sum += parts[i].iov_len;
    return sum;
}

static void show_control(struct msghdr *m)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        long len = (long)(c->cmsg_len - CMSG_LEN(0));
        say(" [%d/%d %ld", c->cmsg_level, c->cmsg_type, len);
        socket_world.extra(c);
        say("]");
    }
}

void show_peer_name(const struct sockaddr_storage *a, long room, long len)
{
    say(" name %ld:", len);
    if (len > room)
        len = room;
    socket_world.show(a, (socklen_t)(len < (long)sizeof(*a) ? len : (long)sizeof(*a)));
}

// --- sending ---

static uint64_t send_flags(void)
{
    if (chance(60))
        return arg("0"), 0;
    return some_of(socket_world.send_flags, socket_world.nsend_flags, 2);
}

static uint64_t receive_flags(void)
{
    if (chance(45))
        return arg("0"), 0;
    return some_of(socket_world.receive_flags, socket_world.nreceive_flags, 2);
}

static void op_send(void)
{
    begin("send");
    int fd = talker();
    size_t n = message_length();
    uint64_t flags = send_flags();
    data_fill(n);
    long r = chance(97) ? call(SYS_sendto, fd, buffer, n, flags, NULL, 0)
                        : (arg("BAD"), call(SYS_sendto, fd, BAD_POINTER, n, flags, NULL, 0));
    end(r);
    sockets_sent(n);
}

static void op_sendto(void)
{
    struct sockaddr_storage a;
    begin("sendto");
    int fd = talker();
    socklen_t len = socket_world.draw(&a);
    size_t n = message_length();
    uint64_t flags = send_flags();
    data_fill(n);
    end(call(SYS_sendto, fd, buffer, n, flags, &a, len));
    sockets_sent(n);
}

static void op_write(void)
{
    struct iovec parts[PARTS];
    begin("write");
    int fd = talker();
    if (type_of(fd) == S_IFREG || may_block(fd) != may_block(fd))
        return end(0);
    if (type_of(fd) == S_IFIFO)
        return end(0);
    if (chance(50)) {
        size_t n = message_length();
        data_fill(n);
        end(call(SYS_write, fd, buffer, n));
        return sockets_sent(n);
    }
    data_fill(sizeof(buffer));
    unsigned n = draw_parts(parts, buffer, false);
    end(call(SYS_writev, fd, parts, n));
    sockets_sent(parts_length(parts, n));
}

/* A message: its name, parts and control data. */
struct draft {
    struct msghdr m;
    struct sockaddr_storage a;
    struct iovec parts[PARTS];
    _Alignas(8) char control[CONTROL];
};

static void draw_draft(struct draft *d, char *data)
{
    memset(d, 0, sizeof(*d));
    if (chance(30)) {
        d->m.msg_namelen = socket_world.draw(&d->a);
        d->m.msg_name = &d->a;
    }
    d->m.msg_iovlen = draw_parts(d->parts, data, false);
    d->m.msg_iov = d->parts;
    if (chance(45)) {
        d->m.msg_controllen = socket_world.control(d->control);
        d->m.msg_control = d->control;
    }
}

static void op_sendmsg(void)
{
    static struct draft d;
    begin("sendmsg");
    int fd = talker();
    draw_draft(&d, buffer);
    uint64_t flags = send_flags();
    data_fill(sizeof(buffer) / 2);
    if (chance(1))
        d.m.msg_iovlen = (size_t)CHOOSE(1025, -1, INT64_MAX);
    if (chance(1))
        d.m.msg_namelen = (socklen_t)CHOOSE(-1, 129, 1000), d.m.msg_name = &d.a;
    end(call(SYS_sendmsg, fd, &d.m, flags));
    sockets_sent(d.m.msg_iovlen > PARTS ? 0 : parts_length(d.parts, d.m.msg_iovlen));
}

static void op_sendmmsg(void)
{
    static struct draft d[3];
    struct mmsghdr all[3] = {0};
    size_t sum = 0;
    begin("sendmmsg");
    int fd = talker();
    unsigned n = below(socket_world.settle ? 2 : 4); // LEFT OUT: when errors of the first come
    arg("%u", n);
    for (unsigned i = 0; i < n; i++) {
        draw_draft(&d[i], buffer);
        all[i].msg_hdr = d[i].m;
        sum += parts_length(d[i].parts, d[i].m.msg_iovlen) + EACH;
    }
    uint64_t flags = send_flags();
    data_fill(sizeof(buffer) / 2);
    long r = call(SYS_sendmmsg, fd, all, n, flags);
    end(r);
    for (long i = 0; i < r; i++)
        say(" %u", all[i].msg_len);
    sockets_sent(sum);
}

// --- receiving ---

static void op_recv(void)
{
    begin("recv");
    int fd = talker();
    size_t n = message_length();
    uint64_t flags = receive_flags();
    memset(buffer, 0, n);
    long r = chance(97) ? call(SYS_recvfrom, fd, buffer, n, flags, NULL, NULL)
                        : (arg("BAD"), call(SYS_recvfrom, fd, BAD_POINTER, n, flags, NULL, NULL));
    end(r);
    show_data(buffer, r < (long)n ? r : (long)n);
}

static void op_recvfrom(void)
{
    struct sockaddr_storage a = {0};
    begin("recvfrom");
    int fd = talker();
    size_t n = message_length();
    uint64_t flags = receive_flags();
    int room = (int)CHOOSE(128, 128, 110, 16, 8, 2, 1, 0, -1), len = room;
    memset(buffer, 0, n);
    long r = call(SYS_recvfrom, fd, buffer, n, flags, &a, chance(97) ? &len : BAD_POINTER);
    end(r);
    show_data(buffer, r < (long)n ? r : (long)n);
    if (r >= 0)
        show_peer_name(&a, room, len);
}

static void op_read(void)
{
    struct iovec parts[PARTS];
    long r;
    size_t most;
    begin("read");
    int fd = talker();
    if (type_of(fd) != S_IFSOCK && type_of(fd) != S_IFREG)
        return end(0);
    memset(buffer, 0, sizeof(buffer));
    if (chance(50)) {
        most = message_length();
        r = call(SYS_read, fd, buffer, most);
    } else {
        unsigned n = draw_parts(parts, buffer, true);
        most = parts_length(parts, n);
        r = call(SYS_readv, fd, parts, n);
    }
    end(r);
    show_data(buffer, r);
}

static void draw_room(struct draft *d, char *data)
{
    memset(d, 0, sizeof(*d));
    if (chance(60)) {
        d->m.msg_namelen = (socklen_t)CHOOSE(128, 128, 110, 16, 2, 0);
        d->m.msg_name = &d->a;
    }
    d->m.msg_iovlen = draw_parts(d->parts, data, true);
    d->m.msg_iov = d->parts;
    if (chance(80)) {
        d->m.msg_controllen =
            (size_t)CHOOSE(512, 512, 512, 128, 64, 48, 40, 32, 28, 24, 20, 16, 8, 1);
        d->m.msg_control = d->control;
    }
    d->m.msg_flags = (int)CHOOSE(0, -1);
}

static void show_received(struct draft *d, long n)
{
    say(" flags=%#x", (unsigned)d->m.msg_flags);
    if (d->m.msg_name)
        show_peer_name(&d->a, sizeof(d->a), d->m.msg_namelen);
    say(" control %zu", d->m.msg_controllen);
    show_control(&d->m);
    for (unsigned i = 0; i < d->m.msg_iovlen && n > 0; i++) {
        long here = n < (long)d->parts[i].iov_len ? n : (long)d->parts[i].iov_len;
        show_data(d->parts[i].iov_base, here);
        n -= here;
    }
}

static void op_recvmsg(void)
{
    static struct draft d;
    begin("recvmsg");
    int fd = talker();
    memset(buffer, 0, sizeof(buffer));
    draw_room(&d, buffer);
    uint64_t flags = receive_flags();
    long r = call(SYS_recvmsg, fd, &d.m, flags);
    end(r);
    if (r >= 0)
        show_received(&d, r);
}

static void op_recvmmsg(void)
{
    static struct draft d[3];
    struct mmsghdr all[3] = {0};
    struct timespec none = {0, 0};
    begin("recvmmsg");
    int fd = talker();
    unsigned n = below(4);
    arg("%u", n);
    memset(buffer, 0, sizeof(buffer));
    for (unsigned i = 0; i < n; i++) {
        draw_room(&d[i], buffer + (i << 15));
        all[i].msg_hdr = d[i].m;
    }
    uint64_t flags = receive_flags();
    if (chance(20))
        none.tv_nsec = CHOOSE(-1, 1000000000);
    long r = call(SYS_recvmmsg, fd, all, n, flags, chance(20) ? &none : NULL);
    end(r);
    for (long i = 0; i < r; i++) {
        say(" <%u", all[i].msg_len);
        d[i].m = all[i].msg_hdr;
        show_received(&d[i], all[i].msg_len);
        say(">");
    }
}

// --- files and pipes ---

/* Between a socket and a pipe of its own. */
static void op_splice(void)
{
    int ends[2];
    begin("splice");
    int fd = talker();
    bool out = chance(50);
    size_t n = message_length(), fill = chance(80) ? 100 : 5000;
    arg(out ? "pipe to socket" : "socket to pipe");
    uint64_t flags = chance(70) ? SPLICE_F_NONBLOCK : 0;
    if (n > 4096)
        n = 4096; // LEFT OUT: how many pages one call moves
    if (pipe2(ends, O_NONBLOCK) != 0)
        return end(-errno);
    data_fill(fill);
    if (out)
        fill = (size_t)write(ends[1], buffer, fill);
    long r = out ? call(SYS_splice, ends[0], NULL, fd, NULL, n, flags)
                 : call(SYS_splice, fd, NULL, ends[1], NULL, n, flags);
    end(r);
    if (!out && r > 0)
        show_data(buffer, read(ends[0], buffer, sizeof(buffer)));
    close(ends[0]);
    close(ends[1]);
    if (out)
        sockets_sent(n);
}

static void op_sendfile(void)
{
    begin("sendfile");
    int fd = talker();
    bool from = chance(15);
    off_t at = CHOOSE(0, 0, 1, 4000, 4096, 100000);
    size_t n = message_length();
    int file = open("f", O_RDWR);
    if (from)
        arg("from it");
    long r = from ? call(SYS_sendfile, file, fd, NULL, n) : call(SYS_sendfile, fd, file, &at, n);
    end(r);
    say(" at %ld", (long)at);
    close(file);
    sockets_sent(n);
}

static void op_drain(void)
{
    begin("drain");
    sockets_drain();
    end(0);
}

const struct op socket_message_ops[] = {
    {op_send, 12},  {op_sendto, 8},   {op_write, 4}, {op_sendmsg, 14}, {op_sendmmsg, 3},
    {op_recv, 12},  {op_recvfrom, 6}, {op_read, 4},  {op_recvmsg, 16}, {op_recvmmsg, 3},
    {op_splice, 3}, {op_sendfile, 2}, {op_drain, 1}, {NULL, 0},
};
