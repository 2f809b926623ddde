/* TcpExt in /proc/net/netstat (man 8 nstat): what happens is counted. Others may count, too:
 * numbers only grow. */
#include "check.h"
#include "quiet_net.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int near, far;
static char bytes[65536];

/* One counter of one group of a file; -1: it has none of that name. */
static long counter(const char *file, const char *group, const char *name)
{
    static char names[8192], values[8192];
    char *at, *value, *save1, *save2;
    FILE *f = fopen(file, "r");
    long n = -1;

    while (f && n < 0 && fgets(names, sizeof(names), f) && fgets(values, sizeof(values), f)) {
        if (strncmp(names, group, strlen(group)) || names[strlen(group)] != ':')
            continue;
        at = strtok_r(names, " \n", &save1);
        value = strtok_r(values, " \n", &save2);
        for (; at && value;
             at = strtok_r(NULL, " \n", &save1), value = strtok_r(NULL, " \n", &save2))
            if (!strcmp(at, name))
                n = atol(value);
    }
    if (f)
        fclose(f);
    return n;
}

static long ext(const char *name)
{
    return counter("/proc/net/netstat", "TcpExt", name);
}

/* Does it rise above what it was? It has half a minute. */
static int rises(const char *name, long before)
{
    for (int i = 0; i < 30000 && ext(name) <= before; i++)
        usleep(1000);
    return ext(name) > before;
}

static void make_pair(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    NEED(bind(listener, (void *)&a, sizeof(a)) == 0 && listen(listener, 1) == 0);
    NEED(getsockname(listener, (void *)&a, &len) == 0);
    near = socket(AF_INET, SOCK_STREAM, 0);
    NEED(connect(near, (void *)&a, sizeof(a)) == 0);
    far = accept(listener, NULL, NULL);
    NEED(far >= 0);
    close(listener);
}

static void data_and_acks(void)
{
    long sent = ext("TCPOrigDataSent"), acks = ext("TCPPureAcks");

    for (int i = 0; i < 20; i++) {
        CHECK_EQ(send(near, bytes, 40000, 0), 40000);
        CHECK_EQ(recv(far, bytes, 40000, MSG_WAITALL), 40000);
    }
    CHECK(rises("TCPOrigDataSent", sent));
    CHECK(rises("TCPPureAcks", acks));
}

/* Who answers what it gets waits with its acknowledgement, and after the last word in vain. */
static void delayed(void)
{
    long before = ext("DelayedACKs");
    char c;

    for (int i = 0; i < 200 && ext("DelayedACKs") <= before; i++) {
        for (int k = 0; k < 20; k++) {
            CHECK_EQ(send(near, "x", 1, 0), 1);
            CHECK_EQ(recv(far, &c, 1, 0), 1);
            CHECK_EQ(send(far, "y", 1, 0), 1);
            CHECK_EQ(recv(near, &c, 1, 0), 1);
        }
        usleep(100000);
    }
    CHECK(ext("DelayedACKs") > before);
}

static void zero_windows(void)
{
    long to = ext("TCPToZeroWindowAdv"), from = ext("TCPFromZeroWindowAdv");
    size_t sent = 0, got = 0;
    ssize_t n;

    fcntl(near, F_SETFL, O_NONBLOCK);
    for (int i = 0; i < 30000 && ext("TCPToZeroWindowAdv") <= to; i++) {
        while ((n = send(near, bytes, sizeof(bytes), MSG_NOSIGNAL)) > 0)
            sent += (size_t)n;
        usleep(1000);
    }
    CHECK(ext("TCPToZeroWindowAdv") > to);
    while (got < sent && (n = recv(far, bytes, sizeof(bytes), 0)) > 0)
        got += (size_t)n;
    CHECK_EQ(got, sent);
    CHECK(rises("TCPFromZeroWindowAdv", from));
}

static void names(void)
{
    static const char *const known[] = {
        "SyncookiesSent",
        "SyncookiesRecv",
        "SyncookiesFailed",
        "EmbryonicRsts",
        "TW",
        "TWRecycled",
        "PAWSEstab",
        "DelayedACKs",
        "DelayedACKLost",
        "ListenOverflows",
        "ListenDrops",
        "TCPSackRecovery",
        "TCPFastRetrans",
        "TCPTimeouts",
        "TCPLossProbes",
        "TCPDSACKRecv",
        "TCPAbortOnData",
        "TCPAbortOnTimeout",
        "TCPChallengeACK",
        "TCPSpuriousRTOs",
        "TCPOFOQueue",
        "TCPSynRetrans",
        "TCPKeepAlive",
        "TCPRcvQDrop",
    };

    for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        check_that(ext(known[i]) >= 0, __FILE__, __LINE__, known[i]);
}

int main(void)
{
    quiet_net();
    promise("a connection", make_pair);
    promise("counters by their names", names);
    promise("segments with data, and acknowledgements without", data_and_acks);
    promise("acknowledgements that wait", delayed);
    promise("windows that close and open again", zero_windows);
    return check_end();
}
