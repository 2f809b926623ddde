// cpus: 1
/* Options of TCP sockets (tcp(7), socket(7)): what they start with, what they take, what accepted
 * sockets have from their listener; TCP_INFO. */
#include "check.h"
#include "quiet_net.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#ifndef TCP_NOTSENT_LOWAT
#define TCP_NOTSENT_LOWAT 25
#endif

static int get(int fd, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof(value);
    return getsockopt(fd, level, name, &value, &len) ? -errno : value;
}

static int set(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof(value));
}

static int listening(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in in = {.sin_family = AF_INET};
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (struct sockaddr *)&in, sizeof(in)) || listen(fd, 5))
        return -1;
    return fd;
}

static bool pair_of(int listener, int s[2])
{
    struct sockaddr_in in;
    socklen_t len = sizeof(in);
    s[0] = socket(AF_INET, SOCK_STREAM, 0);
    getsockname(listener, (struct sockaddr *)&in, &len);
    if (connect(s[0], (struct sockaddr *)&in, len))
        return CHECK(!"connected");
    s[1] = accept(listener, NULL, NULL);
    return CHECK(s[1] >= 0);
}

static void beginnings(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    char name[16] = "";
    socklen_t len = sizeof(name);
    CHECK_EQ(get(fd, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
    CHECK_EQ(get(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
    CHECK_EQ(get(fd, SOL_SOCKET, SO_DOMAIN), AF_INET);
    CHECK_EQ(get(fd, SOL_SOCKET, SO_ACCEPTCONN), 0);
    CHECK_EQ(get(fd, SOL_SOCKET, SO_ERROR), 0);
    CHECK_EQ(get(fd, IPPROTO_TCP, TCP_NODELAY), 0);
    CHECK_EQ(get(fd, IPPROTO_TCP, TCP_CORK), 0);
    CHECK_EQ(get(fd, IPPROTO_TCP, TCP_KEEPIDLE), 7200);
    CHECK_EQ(get(fd, IPPROTO_TCP, TCP_KEEPINTVL), 75);
    CHECK_EQ(get(fd, IPPROTO_TCP, TCP_KEEPCNT), 9);
    CHECK_EQ(get(fd, IPPROTO_TCP, TCP_SYNCNT), 6);
    CHECK_EQ(get(fd, IPPROTO_TCP, TCP_LINGER2), 60);
    CHECK_EQ(get(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT), 0);
    CHECK_EQ(get(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
    CHECK_EQ(get(fd, IPPROTO_TCP, TCP_MAXSEG), 536);
    CHECK_EQ(get(fd, IPPROTO_TCP, TCP_QUICKACK), 1);
    CHECK_EQ(get(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT), 0);
    CHECK(!getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len));
    CHECK_EQ(len, 16);
    CHECK(name[0] != 0);
    CHECK_EQ(get(fd, SOL_SOCKET, SO_KEEPALIVE), 0);
    CHECK_EQ(get(fd, IPPROTO_TCP, 1000), -ENOPROTOOPT);
    CHECK_ERRNO(set(fd, IPPROTO_TCP, 1000, 1), ENOPROTOOPT);
    close(fd);
}

struct range {
    int name, least, most, below, above;
};

static void ranges(void)
{
    static const struct range all[] = {
        {TCP_KEEPIDLE, 1, 32767, 0, 32768}, {TCP_KEEPINTVL, 1, 32767, 0, 32768},
        {TCP_KEEPCNT, 1, 127, 0, 128},      {TCP_SYNCNT, 1, 127, 0, 128},
        {TCP_MAXSEG, 88, 32767, 87, 32768},
    };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        const struct range *r = &all[i];
        CHECK(!set(fd, IPPROTO_TCP, r->name, r->least));
        CHECK_EQ(get(fd, IPPROTO_TCP, r->name), r->least);
        CHECK(!set(fd, IPPROTO_TCP, r->name, r->most));
        CHECK_EQ(get(fd, IPPROTO_TCP, r->name), r->most);
        CHECK_ERRNO(set(fd, IPPROTO_TCP, r->name, r->below), EINVAL);
        CHECK_ERRNO(set(fd, IPPROTO_TCP, r->name, r->above), EINVAL);
    }
    CHECK_ERRNO(set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, -1), EINVAL);
    CHECK(!set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 5000));
    CHECK_EQ(get(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 5000);
    CHECK(!set(fd, IPPROTO_TCP, TCP_LINGER2, -5));
    CHECK_EQ(get(fd, IPPROTO_TCP, TCP_LINGER2), -1);
    CHECK(!set(fd, IPPROTO_TCP, TCP_LINGER2, 30));
    CHECK_EQ(get(fd, IPPROTO_TCP, TCP_LINGER2), 30);
    CHECK(!set(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 4)); /* as many as there are tries: 1, 3, 7 */
    CHECK_EQ(get(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT), 7);
    CHECK(!set(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, 1));
    CHECK_EQ(get(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP), 1152);
    CHECK(!set(fd, IPPROTO_TCP, TCP_NODELAY, 17));
    CHECK_EQ(get(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    CHECK_ERRNO(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, "\1", 1), EINVAL);
    char byte = 0;
    socklen_t len = 1;
    CHECK(!getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &byte, &len) && len == 1 && byte == 1);
    close(fd);
}

static void congestion(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    char name[16] = "";
    socklen_t len = sizeof(name);
    CHECK(!setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
    CHECK(!getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len));
    CHECK(!strcmp(name, "reno"));
    CHECK_ERRNO(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "none such", 9), ENOENT);
    CHECK_ERRNO(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "", 0), EINVAL);
    close(fd);
}

static void buffers(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(get(fd, SOL_SOCKET, SO_SNDBUF) >= 4608);
    CHECK(get(fd, SOL_SOCKET, SO_RCVBUF) >= 4608);
    CHECK(!set(fd, SOL_SOCKET, SO_SNDBUF, 10000));
    CHECK_EQ(get(fd, SOL_SOCKET, SO_SNDBUF), 20000);
    CHECK(!set(fd, SOL_SOCKET, SO_RCVBUF, 20000));
    CHECK_EQ(get(fd, SOL_SOCKET, SO_RCVBUF), 40000);
    close(fd);
}

static void inherited(void)
{
    int listener = listening(), s[2];
    struct linger linger = {1, 7}, got = {0, 0};
    socklen_t len = sizeof(got);
    NEED(listener >= 0);
    set(listener, IPPROTO_TCP, TCP_NODELAY, 1);
    set(listener, IPPROTO_TCP, TCP_KEEPIDLE, 100);
    set(listener, IPPROTO_TCP, TCP_KEEPCNT, 3);
    set(listener, IPPROTO_TCP, TCP_USER_TIMEOUT, 4321);
    set(listener, SOL_SOCKET, SO_KEEPALIVE, 1);
    set(listener, SOL_SOCKET, SO_RCVBUF, 30000);
    set(listener, SOL_SOCKET, SO_RCVLOWAT, 3);
    set(listener, IPPROTO_IP, IP_TOS, 0x10);
    setsockopt(listener, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    setsockopt(listener, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
    CHECK_EQ(get(listener, SOL_SOCKET, SO_ACCEPTCONN), 1);
    NEED(pair_of(listener, s));
    CHECK_EQ(get(s[1], IPPROTO_TCP, TCP_NODELAY), 1);
    CHECK_EQ(get(s[1], IPPROTO_TCP, TCP_KEEPIDLE), 100);
    CHECK_EQ(get(s[1], IPPROTO_TCP, TCP_KEEPCNT), 3);
    CHECK_EQ(get(s[1], IPPROTO_TCP, TCP_USER_TIMEOUT), 4321);
    CHECK_EQ(get(s[1], SOL_SOCKET, SO_KEEPALIVE), 1);
    CHECK_EQ(get(s[1], SOL_SOCKET, SO_RCVBUF), 60000);
    CHECK_EQ(get(s[1], SOL_SOCKET, SO_RCVLOWAT), 3);
    CHECK_EQ(get(s[1], IPPROTO_IP, IP_TOS), 0x10);
    CHECK_EQ(get(s[1], SOL_SOCKET, SO_ACCEPTCONN), 0);
    CHECK(!getsockopt(s[1], SOL_SOCKET, SO_LINGER, &got, &len));
    CHECK(got.l_onoff == 1 && got.l_linger == 7);
    char name[16] = "";
    len = sizeof(name);
    CHECK(!getsockopt(s[1], IPPROTO_TCP, TCP_CONGESTION, name, &len) && !strcmp(name, "reno"));
    linger.l_onoff = 0;
    setsockopt(s[1], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    close(s[0]);
    close(s[1]);
    close(listener);
}

static void information(void)
{
    int listener = listening(), s[2], n = -1;
    struct tcp_info info;
    socklen_t len = sizeof(info);
    char buf[3000] = "";
    NEED(listener >= 0 && pair_of(listener, s));
    for (int attempt = 0;; attempt++) {
        CHECK_EQ(write(s[0], buf, sizeof(buf)), sizeof(buf));
        CHECK_EQ(recv(s[1], buf, sizeof(buf), MSG_WAITALL), sizeof(buf));
        while (!ioctl(s[0], TIOCOUTQ, &n) && n)
            usleep(1000);
        CHECK(!getsockopt(s[0], IPPROTO_TCP, TCP_INFO, &info, &len));
        if (info.tcpi_total_retrans == 0 || attempt == 20)
            break;
        close(s[0]); /* where the machine stood still for too long, it has been sent twice */
        close(s[1]);
        NEED(pair_of(listener, s));
    }
    CHECK_EQ(info.tcpi_state, TCP_ESTABLISHED);
    CHECK_EQ(info.tcpi_unacked, 0);
    CHECK_EQ(info.tcpi_ca_state, 0);
    CHECK(info.tcpi_options & TCPI_OPT_TIMESTAMPS && info.tcpi_options & TCPI_OPT_SACK &&
          info.tcpi_options & TCPI_OPT_WSCALE);
    CHECK(info.tcpi_snd_cwnd >= 10 && info.tcpi_snd_ssthresh >= 0x7fffffff);
    CHECK(info.tcpi_rtt > 0 && info.tcpi_rto >= 200000 && info.tcpi_pmtu >= 1500);
    CHECK(info.tcpi_snd_mss >= 536 && info.tcpi_advmss >= info.tcpi_snd_mss);
    CHECK_EQ(info.tcpi_total_retrans, 0);
    len = 1;
    CHECK(!getsockopt(s[0], IPPROTO_TCP, TCP_INFO, &info, &len) && len == 1);
    len = sizeof(info);
    CHECK(!getsockopt(listener, IPPROTO_TCP, TCP_INFO, &info, &len));
    CHECK_EQ(info.tcpi_state, TCP_LISTEN);
    CHECK_EQ(info.tcpi_unacked, 0); /* wait to be accepted */
    CHECK_EQ(info.tcpi_sacked, 5);  /* the backlog */
    close(s[0]);
    close(s[1]);
    close(listener);
}

static void segment_sizes(void)
{
    int listener = listening(), s[2];
    NEED(listener >= 0 && !set(listener, IPPROTO_TCP, TCP_MAXSEG, 1000));
    CHECK_EQ(get(listener, IPPROTO_TCP, TCP_MAXSEG), 1000);
    NEED(pair_of(listener, s));
    CHECK_EQ(get(s[0], IPPROTO_TCP, TCP_MAXSEG), 988); /* timestamps take twelve */
    char buf[5000] = "";
    CHECK_EQ(write(s[0], buf, sizeof(buf)), sizeof(buf));
    CHECK_EQ(recv(s[1], buf, sizeof(buf), MSG_WAITALL), sizeof(buf));
    close(s[0]);
    close(s[1]);
    close(listener);
}

static void deferred(void)
{
    int listener = listening();
    struct sockaddr_in in;
    socklen_t len = sizeof(in);
    char byte;
    NEED(listener >= 0 && !set(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, 30));
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    getsockname(listener, (struct sockaddr *)&in, &len);
    CHECK(!connect(fd, (struct sockaddr *)&in, len));
    CHECK_EQ(write(fd, "?", 1), 1);
    int accepted = accept(listener, NULL, NULL); /* not before there is something to read */
    CHECK_EQ(recv(accepted, &byte, 1, MSG_DONTWAIT), 1);
    close(fd);
    close(accepted);
    close(listener);
}

static void fast_open_is_off_for_clients(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(get(fd, IPPROTO_TCP, TCP_FASTOPEN), 0);
    CHECK_ERRNO(set(fd, IPPROTO_TCP, TCP_FASTOPEN, -1), EINVAL);
    close(fd);
}

int main(void)
{
    quiet_net();
    promise("what a socket starts with", beginnings);
    promise("which numbers are taken", ranges);
    promise("TCP_CONGESTION", congestion);
    promise("SO_SNDBUF and SO_RCVBUF", buffers);
    promise("accepted sockets have their listener's options", inherited);
    promise("TCP_INFO", information);
    promise("TCP_MAXSEG", segment_sizes);
    promise("TCP_DEFER_ACCEPT", deferred);
    promise("TCP_FASTOPEN", fast_open_is_off_for_clients);
    return check_end();
}
