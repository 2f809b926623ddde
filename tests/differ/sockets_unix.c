// Sockets of AF_UNIX: names, pairs, files and credentials that pass.
#include "sockets.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/un.h>

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif
enum { FDS_MOST = 3 };

// LEFT OUT: SO_PASSSEC (without security modules it only sets MSG_CTRUNC), SO_PASSPIDFD and
// SCM_PIDFD (Linux 6.5), MSG_OOB (its rules have changed from 6.1 to 6.12).
static const struct named send_flags[] = {N(MSG_DONTWAIT), N(MSG_NOSIGNAL),  N(MSG_EOR),
                                          N(MSG_MORE),     N(MSG_DONTROUTE), N(MSG_CONFIRM),
                                          N(MSG_PEEK),     N(MSG_TRUNC),     N(MSG_WAITALL),
                                          N(MSG_CTRUNC),   N(MSG_ERRQUEUE),  N(MSG_SYN)};
static const struct named receive_flags[] = {
    N(MSG_DONTWAIT), N(MSG_PEEK),         N(MSG_PEEK),       N(MSG_TRUNC),
    N(MSG_WAITALL),  N(MSG_CMSG_CLOEXEC), N(MSG_NOSIGNAL),   N(MSG_ERRQUEUE),
    N(MSG_CTRUNC),   N(MSG_EOR),          N(MSG_WAITFORONE), N(MSG_PEEK | MSG_TRUNC)};

// --- names ---

static const char *const names[] = {"s0", "s1", "s2", "s3", "d/s", "d/t", "p/s"};
static const char *const odd_names[] = {"f", "d", "none/s", "l", "f/s", "p", "s0/", "./s1", ""};

static socklen_t odd_address(struct sockaddr_un *a)
{
    switch (below(8)) {
    case 0:
        return arg("autobind"), 2;
    case 1:
        a->sun_family = (sa_family_t)CHOOSE(AF_UNSPEC, AF_INET, 99);
        strcpy(a->sun_path, "s0");
        return (socklen_t)CHOOSE(2, 5, 16, 110);
    case 2:
        strcpy(a->sun_path, "s0");
        return (socklen_t)CHOOSE(0, 1, 111, 128, 129, -1);
    case 3:
        memset(a->sun_path, 'q', sizeof(a->sun_path));
        return (socklen_t)CHOOSE(110, 109, 102);
    case 4:
        memset(a->sun_path, 0, sizeof(a->sun_path));
        memcpy(a->sun_path + 1, "long", 4);
        return (socklen_t)CHOOSE(110, 109, 8, 3);
    default:
        strcpy(a->sun_path, odd_names[below(COUNT(odd_names))]);
        arg("\"%s\"", a->sun_path);
        return (socklen_t)(2 + strlen(a->sun_path) + 1);
    }
}

static socklen_t draw_address(struct sockaddr_storage *storage)
{
    struct sockaddr_un *a = memset(storage, 0, sizeof(*storage));
    a->sun_family = AF_UNIX;
    if (chance(10))
        return odd_address(a);
    if (chance(55)) {
        strcpy(a->sun_path, names[chance(85) ? below(4) : below(COUNT(names))]);
        arg("\"%s\"", a->sun_path);
        return chance(70) ? sizeof(*a) : (socklen_t)(2 + strlen(a->sun_path) + below(2));
    }
    sprintf(a->sun_path + 1, "differ-n%u", below(4));
    arg("\"@%s\"", a->sun_path + 1);
    return (socklen_t)(2 + 1 + strlen(a->sun_path + 1));
}

static void show_address(const struct sockaddr_storage *storage, socklen_t len)
{
    const struct sockaddr_un *a = (const void *)storage;
    if (len < 2) {
        return;
    } else if (a->sun_family != AF_UNIX || len == 2) {
        say("%u", a->sun_family);
    } else if (a->sun_path[0] == 0 && len == 8) {
        say("automatic");
    } else {
        for (const char *at = a->sun_path; at < (const char *)a + len && at < a->sun_path + 14;
             at++)
            say("%c", *at >= ' ' ? *at : *at ? '?' : '@');
    }
}

// --- making ---

static void op_socket(void)
{
    static const struct named types[] = {N(SOCK_STREAM), N(SOCK_STREAM), N(SOCK_DGRAM),
                                         N(SOCK_DGRAM), N(SOCK_SEQPACKET)};
    static const struct named odd[] = {
        N(SOCK_RAW), N(SOCK_RDM), N(0), N(SOCK_PACKET), N(SOCK_STREAM | 0x100), N(15)};
    static const struct named flags[] = {N(SOCK_NONBLOCK), N(SOCK_NONBLOCK), N(SOCK_CLOEXEC)};
    int in = take_slot();
    begin("socket");
    uint64_t type = chance(95) ? ONE(types) : ONE(odd);
    type |= SOME(flags, 2);
    long protocol = chance(96) ? 0 : CHOOSE(1, 2, 17, -1);
    long r = call(SYS_socket, AF_UNIX, type, protocol);
    end(r < 0 ? r : 0);
    keep(r, in);
    if (r >= 0)
        sockets_ready(in);
}

static void op_pair(void)
{
    static const struct named types[] = {N(SOCK_STREAM),
                                         N(SOCK_STREAM | SOCK_CLOEXEC),
                                         N(SOCK_DGRAM | SOCK_NONBLOCK),
                                         N(SOCK_SEQPACKET),
                                         N(SOCK_RAW),
                                         N(SOCK_RDM),
                                         N(SOCK_STREAM | SOCK_NONBLOCK)};
    int in = take_slot(), other = take_slot(), ends[2] = {-1, -1};
    begin("socketpair");
    uint64_t type = ONE(types);
    long family = chance(97) ? AF_UNIX : CHOOSE(0, AF_INET, AF_INET6, 99);
    long r = call(SYS_socketpair, family, type, chance(97) ? 0 : CHOOSE(1, 2, -1), ends);
    end(r);
    if (r < 0) // LEFT OUT: Linux writes numbers that it takes back
        return;
    keep(ends[0], in);
    keep(ends[1], other);
    sockets_ready(in);
    sockets_ready(other);
}

/* Bound, listening and connected at once. */
static void op_set_up(void)
{
    struct sockaddr_storage a;
    int in = take_slot(), other = take_slot();
    begin("set up");
    int type = (int)CHOOSE(SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM);
    socklen_t len = draw_address(&a);
    if (len < 2 || len > 110)
        return end(0);
    if (chance(60) && ((struct sockaddr_un *)&a)->sun_path[0] &&
        ((struct sockaddr_un *)&a)->sun_path[0] != 'f')
        say(" unlink=%ld", call(SYS_unlink, ((struct sockaddr_un *)&a)->sun_path));
    int listener = socket(AF_UNIX, type | SOCK_NONBLOCK, 0), client = socket(AF_UNIX, type, 0);
    if (chance(30))
        setsockopt(listener, SOL_SOCKET, SO_PASSCRED, &(int){1}, sizeof(int)), say(" PASSCRED");
    sockets_ready(listener);
    sockets_ready(client);
    say(" bind=%s", error_name(-call(SYS_bind, listener, &a, len)));
    if (type != SOCK_DGRAM)
        say(" listen=%s", error_name(-call(SYS_listen, listener, 3)));
    end(call(SYS_connect, client, &a, len));
    keep(listener, in);
    keep(client, other);
}

static void op_names(void)
{
    begin("unlink");
    const char *name = names[below(COUNT(names))], *to = names[below(COUNT(names))];
    arg("%s", name);
    switch (below(8)) {
    case 0:
        return arg("rename %s", to), end(call(SYS_rename, name, to));
    case 1:
        arg("link %s", to); // LEFT OUT: fs.protected_hardlinks, which is on here and off there
        return end(setfsuid(-1) == 0 ? call(SYS_link, name, to) : 0);
    case 2:
        return arg("chmod"), end(call(SYS_chmod, name, CHOOSE(0, 0777, 0644, 0222)));
    case 3:
        arg("open");
        long fd =
            call(SYS_open, name, CHOOSE(O_RDONLY, O_WRONLY, O_RDWR, O_CREAT | O_WRONLY), 0644);
        end(fd < 0 ? fd : 0);
        close((int)fd);
        return;
    case 4: {
        struct stat st = {0};
        long r = call(SYS_stat, name, &st);
        arg("stat");
        end(r);
        if (r == 0)
            show_stat(&st);
        return;
    }
    default:
        return end(call(SYS_unlink, name));
    }
}

// --- credentials and files ---

static const char *who(pid_t pid)
{
    return pid == getpid()        ? "own"
           : pid == other_process ? "other"
           : pid == 0             ? "0"
           : pid == getppid()     ? "parent"
                                  : "strange";
}

static void show_extra(struct cmsghdr *c)
{
    int in = SLOT_FIRST;
    if (c->cmsg_level != SOL_SOCKET)
        return;
    if (c->cmsg_type == SCM_CREDENTIALS && c->cmsg_len >= CMSG_LEN(sizeof(struct ucred))) {
        struct ucred cred;
        memcpy(&cred, CMSG_DATA(c), sizeof(cred));
        say(" %s %u %u", who(cred.pid), cred.uid, cred.gid);
    }
    if (c->cmsg_type != SCM_RIGHTS)
        return;
    for (size_t at = 0; CMSG_LEN(at + 4) <= c->cmsg_len; at += 4) {
        int fd;
        memcpy(&fd, CMSG_DATA(c) + at, 4);
        say(" %o%s", type_of(fd), fcntl(fd, F_GETFD) ? "c" : "");
        if (at == 0)
            keep(fd, in);
        else
            close(fd);
    }
}

static bool careful; /* LEFT OUT: of SEQPACKET, which of two mistakes is told */

/* A descriptor to pass, and whether it is to be closed afterwards: files, and sockets that are new.
 */
static int draw_passed(void)
{
    int ends[2], fd = SLOT_FIRST + (int)below(SLOTS), other = take_slot();
    if (type_of(fd) != S_IFSOCK && chance(50)) {
        arg("pass %d", fd);
        return type_of(fd) ? fcntl(fd, F_DUPFD_CLOEXEC, 70) : careful ? open("f", O_RDONLY) : -1;
    }
    if (chance(50)) {
        arg("pass file");
        return open("f", O_RDONLY);
    }
    if (other == talks) // it would go through itself
        other = talks == SLOT_FIRST ? talks + 1 : talks - 1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) != 0)
        return -1;
    arg("pass pair");
    sockets_ready(ends[0]);
    sockets_ready(ends[1]);
    keep(ends[0], other);
    return ends[1];
}

static size_t put_rights(char *at)
{
    struct cmsghdr *c = (void *)at;
    int n = (int)below(FDS_MOST + 1);
    memset(at, 0, 64);
    *c = (struct cmsghdr){CMSG_LEN(4 * n), SOL_SOCKET, SCM_RIGHTS};
    arg("RIGHTS %d", n);
    for (int i = 0; i < n; i++) {
        int fd = chance(97) || careful ? draw_passed() : -1;
        memcpy(at + CMSG_LEN(4 * i), &fd, 4);
        sockets_pass(fd);
    }
    return CMSG_SPACE(4 * n);
}

static size_t put_cred(char *at)
{
    struct cmsghdr *c = (void *)at;
    struct ucred cred = {getpid(), getuid(), getgid()};
    if (!careful && chance(20))
        cred.pid = chance(50) ? other_process : (int)CHOOSE(0, -1, 0x3fffffff), arg("pid");
    if (!careful && chance(20))
        cred.uid = (uid_t)uid_arg();
    if (!careful && chance(20))
        cred.gid = (gid_t)gid_arg();
    arg("CREDENTIALS");
    *c = (struct cmsghdr){CMSG_LEN(sizeof(cred)), SOL_SOCKET, SCM_CREDENTIALS};
    memcpy(CMSG_DATA(c), &cred, sizeof(cred));
    return CMSG_SPACE(sizeof(cred));
}

static bool is_packets(int fd)
{
    int type = 0;
    socklen_t len = sizeof(type);
    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len);
    return type == SOCK_SEQPACKET;
}

static size_t draw_control(char *at)
{
    struct cmsghdr *c = (void *)at;
    size_t n = 0;
    careful = is_packets(talks);
    n += chance(60) ? put_rights(at) : put_cred(at);
    if (chance(15))
        n += chance(50) ? put_rights(at + n) : put_cred(at + n);
    if (careful)
        return n;
    if (chance(5))
        c->cmsg_len = (size_t)CHOOSE(0, 15, 16, 17, 19, 1000, -1);
    if (chance(4))
        c->cmsg_level = (int)CHOOSE(0, 41, 6, 99);
    if (chance(4))
        c->cmsg_type = (int)CHOOSE(0, 3, 29, 37, 99, -1);
    if (chance(4))
        n = (size_t)CHOOSE(0, 1, 15, 16, 20, 24);
    return n;
}

// --- options ---

static const struct named options[] = {
    N(SO_TYPE),      N(SO_ERROR),      N(SO_ERROR),      N(SO_PEERCRED), N(SO_PEERCRED),
    N(SO_PASSCRED),  N(SO_PASSCRED),   N(SO_ACCEPTCONN), N(SO_PEEK_OFF), N(SO_DOMAIN),
    N(SO_PROTOCOL),  N(SO_PEERGROUPS), N(SO_PEERSEC),    N(SO_PASSSEC),  N(SO_PEERNAME),
    N(SO_TIMESTAMP), N(SO_RCVLOWAT)};

static void op_getsockopt(void)
{
    char value[64] = {0};
    begin("getsockopt");
    int fd = socket_slot();
    long level = chance(96) ? SOL_SOCKET : CHOOSE(0, 6, 41, 99);
    uint64_t name = ONE(options);
    int room = (int)CHOOSE(64, 64, 4, 12, 2, 1, 0, -1), len = room;
    long r = call(SYS_getsockopt, fd, level, name, value, &len);
    end(r);
    if (r < 0)
        return;
    say(" %d", len);
    if (name == SO_PEERNAME)
        return;
    if (name == SO_PEERCRED && len >= 4) {
        pid_t pid;
        memcpy(&pid, value, 4);
        say(" %s", who(pid));
        memset(value, 0, 4);
    } else if (name == SO_PEERCRED) {
        memset(value, 0, (size_t)len);
    }
    for (int i = 0; i < len && i < 64; i++)
        say("%02x", (unsigned char)value[i]);
}

static void op_setsockopt(void)
{
    static const struct named set[] = {N(SO_PASSCRED),  N(SO_PASSCRED), N(SO_PEEK_OFF),
                                       N(SO_PEEK_OFF),  N(SO_RCVLOWAT), N(SO_TIMESTAMP),
                                       N(SO_ERROR),     N(SO_TYPE),     N(SO_PEERCRED),
                                       N(SO_REUSEADDR), N(SO_BROADCAST)};
    begin("setsockopt");
    int fd = socket_slot();
    uint64_t name = ONE(set);
    int value = (int)CHOOSE(0, 1, 1, 5, -1, 100);
    if (name == SO_TIMESTAMP)
        value = 0;
    int len = chance(95) ? 4 : (int)CHOOSE(0, 1, 3, 8, -1);
    end(call(SYS_setsockopt, fd, SOL_SOCKET, name,
             chance(97) || len != 4 ? (void *)&value : BAD_POINTER, len));
}

// --- the world ---

bool sockets_unix_setup(void)
{
    if (unshare(CLONE_NEWNET) == 0) {
        int fd = openat(PROC, "sys/net/unix/max_dgram_qlen", O_WRONLY);
        if (fd < 0 || write(fd, "512", 3) != 3)
            return why = "net.unix.max_dgram_qlen is not to be set", false;
    } else if (errno != EINVAL) {
        return why = "no network namespace of its own", false;
    }
    for (int fd = 3; fd < SLOT_FIRST; fd++)
        close(fd);
    int fd = open("f", O_CREAT | O_RDWR, 0644);
    data_fill(5000);
    if (fd != 3 || write(fd, buffer, 5000) != 5000)
        abort();
    close(fd);
    mkdir("d", 0777);
    chmod("d", 0777);
    mkdir("p", 0700);
    chmod(".", 0777);
    symlink("s0", "l");
    socket_world = (struct socket_world){
        draw_address, show_address, NULL,          show_extra,        draw_control,
        NULL,         send_flags,   receive_flags, COUNT(send_flags), COUNT(receive_flags)};
    return true;
}

const struct op sockets_unix_ops[] = {
    {op_socket, 14},     {op_pair, 10},      {op_set_up, 12}, {op_names, 10},
    {op_getsockopt, 10}, {op_setsockopt, 8}, {NULL, 0},
};
