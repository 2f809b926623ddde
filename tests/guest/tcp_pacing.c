/* SO_MAX_PACING_RATE: what it answers, and that a connection does not send faster. Only the lower
 * bound of the time is looked at: a busy machine may always be slower. */
#include "check.h"
#include "quiet_net.h"
#include <arpa/inet.h>
#include <linux/tcp.h>
#include <poll.h>
#include <time.h>

enum { RATE = 1 << 20, BYTES = 512 << 10 };

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int set(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value);
}

/* A connection over lo with small segments; rate: what the listener has (0: nothing set). */
static void connection(int s[2], unsigned rate)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    NEED(bind(listener, (void *)&at, len) == 0 && listen(listener, 1) == 0);
    NEED(getsockname(listener, (void *)&at, &len) == 0);
    NEED(set(listener, IPPROTO_TCP, TCP_MAXSEG, 1400) == 0);
    if (rate)
        NEED(set(listener, SOL_SOCKET, SO_MAX_PACING_RATE, (int)rate) == 0);
    s[0] = socket(AF_INET, SOCK_STREAM, 0);
    NEED(set(s[0], IPPROTO_TCP, TCP_MAXSEG, 1400) == 0);
    NEED(connect(s[0], (void *)&at, len) == 0);
    s[1] = accept(listener, NULL, NULL);
    NEED(s[1] >= 0);
    close(listener);
}

/* Seconds until all bytes have come to the other end; -1: they have not. */
static double move_all(int from, int to)
{
    static char data[1 << 16];
    double began = now();
    size_t sent = 0, got = 0;

    while (got < BYTES) {
        struct pollfd p[] = {{.fd = sent < BYTES ? from : -1, .events = POLLOUT},
                             {.fd = to, .events = POLLIN}};
        ssize_t n;

        poll(p, 2, -1);
        if (p[0].revents & POLLOUT) {
            size_t left = BYTES - sent;
            n = send(from, data, left < sizeof data ? left : sizeof data, MSG_DONTWAIT);
            sent += n > 0 ? (size_t)n : 0;
        }
        if (p[1].revents & POLLIN) {
            n = recv(to, data, sizeof data, MSG_DONTWAIT);
            if (n <= 0)
                return -1;
            got += (size_t)n;
        }
    }
    return now() - began;
}

static void answers(void)
{
    uint64_t rate = 0;
    uint32_t half = 0;
    socklen_t len = sizeof rate;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct tcp_info info;

    NEED(getsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, &len) == 0);
    CHECK_EQ(len, 8);
    CHECK(rate == UINT64_MAX);
    rate = 5ull << 32;
    CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, 8), 0);
    len = sizeof half;
    CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &half, &len), 0);
    CHECK_EQ(half, UINT32_MAX);
    len = sizeof info;
    NEED(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0);
    CHECK(info.tcpi_max_pacing_rate == 5ull << 32);
    CHECK(info.tcpi_pacing_rate == 5ull << 32);
    CHECK_EQ(set(fd, SOL_SOCKET, SO_MAX_PACING_RATE, 0), 0);
    len = sizeof info;
    NEED(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0);
    CHECK(info.tcpi_max_pacing_rate == 0);
    CHECK_EQ(set(fd, SOL_SOCKET, SO_MAX_PACING_RATE, -1), 0);
    len = sizeof rate;
    CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, &len), 0);
    CHECK(rate == UINT64_MAX);
    close(fd);
}

/* Ten segments may go at once; who was late has up to half of the time back. */
static void check_slow(int from, int to)
{
    double took = move_all(from, to), least = (double)(BYTES - 32 * 1400) / RATE / 2;
    struct tcp_info info;
    socklen_t len = sizeof info;

    if (!CHECK(took >= least))
        printf("# %f s, not %f or more\n", took, least);
    NEED(getsockopt(from, IPPROTO_TCP, TCP_INFO, &info, &len) == 0);
    CHECK(info.tcpi_max_pacing_rate == RATE);
    CHECK(info.tcpi_pacing_rate <= RATE && info.tcpi_pacing_rate > 0);
    CHECK(info.tcpi_data_segs_out >= BYTES / 1448);
    CHECK(info.tcpi_bytes_sent >= BYTES);
}

static void paced(void)
{
    int s[2];

    connection(s, 0);
    NEED(set(s[0], SOL_SOCKET, SO_MAX_PACING_RATE, RATE) == 0);
    check_slow(s[0], s[1]);
    /* The end comes behind what waits. */
    NEED(send(s[0], "end", 3, 0) == 3);
    close(s[0]);
    char data[8];
    CHECK_EQ(recv(s[1], data, sizeof data, MSG_WAITALL), 3);
    close(s[1]);
}

static void inherited(void)
{
    int s[2];

    connection(s, RATE);
    check_slow(s[1], s[0]);
    close(s[0]);
    close(s[1]);
}

/* What is sent after the rate was taken back comes, too. */
static void taken_back(void)
{
    struct tcp_info info;
    socklen_t len = sizeof info;
    int s[2];

    connection(s, 0);
    NEED(set(s[0], SOL_SOCKET, SO_MAX_PACING_RATE, RATE) == 0);
    CHECK(move_all(s[0], s[1]) >= 0);
    NEED(set(s[0], SOL_SOCKET, SO_MAX_PACING_RATE, -1) == 0);
    CHECK(move_all(s[0], s[1]) >= 0);
    NEED(getsockopt(s[0], IPPROTO_TCP, TCP_INFO, &info, &len) == 0);
    CHECK(info.tcpi_max_pacing_rate == UINT64_MAX);
    close(s[0]);
    close(s[1]);
}

int main(void)
{
    quiet_net();
    promise("SO_MAX_PACING_RATE in both widths, and what TCP_INFO says", answers);
    promise("a connection is not faster than its rate", paced);
    promise("an accepted one has the listener's", inherited);
    promise("without a rate it goes on", taken_back);
    return check_end();
}
