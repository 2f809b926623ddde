/* One server and one client for what TCP promises: every byte arrives, in order, once, whatever the
 * wire does. Both run here and in the machine.
 *
 * netload serve PORT [COUNT]          until COUNT connections that ask for something have ended
 * netload up|down|both|half ADDR PORT KIB [SEED]
 *         KIB to the server, from it, both ways at once, or from it after this end was closed
 * netload reset ADDR PORT             the server breaks the connection off: ECONNRESET is seen
 * netload many ADDR PORT N            N connections open at a time, each asks and is answered
 * netload churn ADDR PORT N           N connections one after the other, 50 at a time
 * netload udp ADDR PORT N             N datagrams of all lengths come back; lost ones are sent
 * again netload bye ADDR PORT               the server ends ADDR is numeric, of either family; %IF
 * for a scope. The client waits up to 30 s for its own address and a way to the server. */
#define _GNU_SOURCE
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { UP = 'U', DOWN = 'D', BOTH = 'B', HALF = 'H', RESET = 'R', ECHO = 'E', BYE = 'Q' };
enum { CHUNK = 65536, ECHO_LEN = 64, RESET_AFTER = 4096, AT_A_TIME = 50 };

struct request {
    uint32_t op, seed;
    uint64_t bytes;
};

static void die(const char *what)
{
    fprintf(stderr, "netload: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* --- the bytes: the same at both ends for a seed */

struct pattern {
    uint64_t state;
    unsigned have;
    uint64_t word;
};

static struct pattern pattern(uint32_t seed)
{
    return (struct pattern){.state = seed * 0x9e3779b97f4a7c15u + 1};
}

static void fill(struct pattern *p, uint8_t *out, size_t n)
{
    while (n--) {
        if (!p->have) {
            p->state ^= p->state << 13;
            p->state ^= p->state >> 7;
            p->state ^= p->state << 17;
            p->word = p->state;
            p->have = 8;
        }
        *out++ = (uint8_t)p->word;
        p->word >>= 8;
        p->have--;
    }
}

static void send_all(int fd, const void *bytes, size_t n)
{
    const char *p = bytes;

    while (n) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);

        if (sent < 0)
            die("send");
        p += sent;
        n -= (size_t)sent;
    }
}

static void send_pattern(int fd, uint32_t seed, uint64_t bytes)
{
    struct pattern p = pattern(seed);
    uint8_t chunk[CHUNK];

    while (bytes) {
        size_t n = bytes < CHUNK ? bytes : CHUNK;

        fill(&p, chunk, n);
        send_all(fd, chunk, n);
        bytes -= n;
    }
}

/* Just these bytes; then the end, if it is expected. */
static void expect_pattern(int fd, uint32_t seed, uint64_t bytes, bool end)
{
    struct pattern p = pattern(seed);
    uint8_t got[CHUNK], want[CHUNK];

    while (bytes) {
        ssize_t n = recv(fd, got, bytes < CHUNK ? bytes : CHUNK, 0);

        if (n < 0)
            die("recv");
        if (n == 0) {
            fprintf(stderr, "netload: ended %lu bytes early\n", bytes);
            exit(1);
        }
        fill(&p, want, (size_t)n);
        if (memcmp(got, want, (size_t)n)) {
            fprintf(stderr, "netload: other bytes, %lu before the end\n", bytes);
            exit(1);
        }
        bytes -= (uint64_t)n;
    }
    if (end && recv(fd, got, 1, 0) != 0) {
        fprintf(stderr, "netload: bytes beyond the end\n");
        exit(1);
    }
}

/* The same control of congestion at both ends, whatever the system's default is. */
static void use_cubic(int fd)
{
    setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5);
}

/* --- both ways at once */

struct sending {
    int fd;
    uint32_t seed;
    uint64_t bytes;
};

static void *send_thread(void *arg)
{
    struct sending *s = arg;

    send_pattern(s->fd, s->seed, s->bytes);
    shutdown(s->fd, SHUT_WR);
    return NULL;
}

static void both_ways(int fd, uint32_t out, uint32_t in, uint64_t bytes)
{
    struct sending s = {fd, out, bytes};
    pthread_t thread;

    if (pthread_create(&thread, NULL, send_thread, &s))
        die("pthread_create");
    expect_pattern(fd, in, bytes, true);
    pthread_join(thread, NULL);
}

/* --- the server */

struct served {
    int fd;
    struct request request;
};

static void break_off(int fd)
{
    struct linger linger = {1, 0};
    char bytes[RESET_AFTER];

    recv(fd, bytes, sizeof(bytes), MSG_WAITALL);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

static void serve_one(int fd, const struct request *r)
{
    char byte;

    switch (r->op) {
    case UP:
        expect_pattern(fd, r->seed, r->bytes, true);
        send_all(fd, "k", 1);
        break;
    case DOWN:
        send_pattern(fd, r->seed, r->bytes);
        break;
    case BOTH:
        both_ways(fd, r->seed, r->seed + 1, r->bytes);
        break;
    case HALF:
        if (recv(fd, &byte, 1, 0) != 0)
            die("no end before the answer");
        send_pattern(fd, r->seed, r->bytes);
        break;
    case RESET:
        break_off(fd);
        break;
    default:
        fprintf(stderr, "netload: request %u\n", r->op);
        exit(1);
    }
    close(fd);
}

static int done_pipe[2];

static void *serve_thread(void *arg)
{
    struct served *served = arg;

    serve_one(served->fd, &served->request);
    free(served);
    if (write(done_pipe[1], "", 1) != 1)
        die("pipe");
    return NULL;
}

/* A connection's request is there. False: it asks the server to end. */
static bool take_request(int epoll, int fd)
{
    struct served *served = calloc(1, sizeof(*served));
    pthread_t thread;
    char text[ECHO_LEN];

    served->fd = fd;
    if (recv(fd, &served->request, sizeof(served->request), MSG_WAITALL) !=
        sizeof(served->request)) {
        close(fd); /* the end of one that was answered */
        free(served);
        return true;
    }
    if (served->request.op == ECHO) {
        if (recv(fd, text, ECHO_LEN, MSG_WAITALL) != ECHO_LEN)
            die("recv");
        send_all(fd, text, ECHO_LEN);
        free(served);
        return true;
    }
    epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL);
    if (served->request.op == BYE) {
        close(fd);
        free(served);
        return false;
    }
    if (pthread_create(&thread, NULL, serve_thread, served))
        die("pthread_create");
    pthread_detach(thread);
    return true;
}

static void watch(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
        die("epoll_ctl");
}

static void accept_all(int epoll, int listener)
{
    int fd;

    while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
        watch(epoll, fd);
    if (errno != EAGAIN && errno != ECONNABORTED)
        die("accept4");
}

static int make_listener(unsigned port)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1, off = 0;

    if (fd < 0)
        die("socket");
    use_cubic(fd);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 4096))
        die("bind");
    return fd;
}

/* Datagrams go back as they came. */
static void *echo_datagrams(void *arg)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6,
                                   .sin6_port = htons((uint16_t) * (unsigned *)arg)};
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    static char bytes[65536];

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)))
        die("bind");
    while (fd >= 0) {
        socklen_t len = sizeof(address);
        ssize_t n = recvfrom(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&address, &len);

        if (n >= 0)
            (void)!sendto(fd, bytes, (size_t)n, 0, (struct sockaddr *)&address, len);
    }
    return NULL;
}

static int serve(unsigned port, unsigned count)
{
    int listener = make_listener(port), epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event events[64];
    pthread_t datagrams;
    unsigned ended = 0;
    char bytes[64];

    if (pipe(done_pipe))
        die("pipe");
    if (pthread_create(&datagrams, NULL, echo_datagrams, &port))
        die("pthread_create");
    watch(epoll, listener);
    watch(epoll, done_pipe[0]);
    printf("serving\n");
    fflush(stdout);
    while (!count || ended < count) {
        int n = epoll_wait(epoll, events, 64, -1);

        if (n < 0 && errno != EINTR)
            die("epoll_wait");
        for (int i = 0; i < n; i++)
            if (events[i].data.fd == listener)
                accept_all(epoll, listener);
            else if (events[i].data.fd == done_pipe[0])
                ended += (unsigned)read(done_pipe[0], bytes, sizeof(bytes));
            else if (!take_request(epoll, events[i].data.fd))
                return 0;
    }
    return 0;
}

/* --- the client */

static struct addrinfo *server;

/* Not yet: no address of our own, no way, or nobody there. */
static bool may_come(int err)
{
    return err == ENETUNREACH || err == EADDRNOTAVAIL || err == EHOSTUNREACH || err == ENETDOWN;
}

static int connect_socket(int type)
{
    for (unsigned tries = 0;; tries++) {
        int fd = socket(server->ai_family, type | SOCK_CLOEXEC, 0);

        if (fd < 0)
            die("socket");
        if (type == SOCK_STREAM)
            use_cubic(fd);
        if (connect(fd, server->ai_addr, server->ai_addrlen) == 0)
            return fd;
        if (!may_come(errno) || tries == 300)
            die("connect");
        close(fd);
        usleep(100000);
    }
}

static int connect_to(void)
{
    return connect_socket(SOCK_STREAM);
}

static int ask(uint32_t op, uint32_t seed, uint64_t bytes)
{
    struct request request = {op, seed, bytes};
    int fd = connect_to();

    send_all(fd, &request, sizeof(request));
    return fd;
}

static int transfer(const char *how, uint64_t bytes, uint32_t seed)
{
    char verdict = 0;
    int fd;

    if (strcmp(how, "up") == 0) {
        fd = ask(UP, seed, bytes);
        send_pattern(fd, seed, bytes);
        shutdown(fd, SHUT_WR);
        if (recv(fd, &verdict, 1, 0) != 1 || verdict != 'k' || recv(fd, &verdict, 1, 0) != 0)
            die("no answer");
    } else if (strcmp(how, "down") == 0) {
        fd = ask(DOWN, seed, bytes);
        expect_pattern(fd, seed, bytes, true);
    } else if (strcmp(how, "both") == 0) {
        fd = ask(BOTH, seed, bytes);
        both_ways(fd, seed + 1, seed, bytes);
    } else {
        fd = ask(HALF, seed, bytes);
        shutdown(fd, SHUT_WR);
        expect_pattern(fd, seed, bytes, true);
    }
    close(fd);
    return 0;
}

static int expect_reset(void)
{
    struct timeval patience = {1, 0};
    char bytes[RESET_AFTER] = "";
    int fd = ask(RESET, 0, 0);
    ssize_t n;

    send_all(fd, bytes, sizeof(bytes));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    /* A reset that is lost is not sent again, unless there is something to reset. */
    while ((n = recv(fd, bytes, 1, 0)) < 0 && errno == EAGAIN)
        if (send(fd, bytes, 1, MSG_NOSIGNAL) < 0 && errno == ECONNRESET)
            return 0;
    if (n >= 0 || errno != ECONNRESET)
        die("not reset");
    return 0;
}

static void echo_out(int fd, unsigned i)
{
    struct request request = {ECHO, 0, 0};
    char text[sizeof(request) + ECHO_LEN] = "";

    memcpy(text, &request, sizeof(request));
    snprintf(text + sizeof(request), ECHO_LEN, "connection %u", i);
    send_all(fd, text, sizeof(text));
}

static void echo_in(int fd, unsigned i)
{
    char want[ECHO_LEN] = "", got[ECHO_LEN];

    snprintf(want, ECHO_LEN, "connection %u", i);
    if (recv(fd, got, ECHO_LEN, MSG_WAITALL) != ECHO_LEN || memcmp(got, want, ECHO_LEN))
        die("another answer");
}

/* n connections at a time, `total` in all. */
static int many(unsigned n, unsigned total)
{
    int *fds = calloc(n, sizeof(*fds));

    for (unsigned done = 0; done < total; done += n) {
        for (unsigned i = 0; i < n; i++)
            fds[i] = connect_to();
        for (unsigned i = 0; i < n; i++)
            echo_out(fds[i], i);
        for (unsigned i = 0; i < n; i++)
            echo_in(fds[i], i);
        for (unsigned i = 0; i < n; i++)
            close(fds[i]);
    }
    free(fds);
    return 0;
}

/* Lengths up to 6000 bytes: some have to be cut. */
static int datagrams(unsigned n)
{
    struct timeval patience = {1, 0};
    int fd = connect_socket(SOCK_DGRAM);
    uint8_t out[6000], in[6001];

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    for (unsigned i = 0, tries = 0; i < n;) {
        size_t len = 4 + (i * 2654435761u >> 8) % (sizeof(out) - 4);
        struct pattern p = pattern(i);
        ssize_t got;

        fill(&p, out, len);
        memcpy(out, &i, 4);
        if (send(fd, out, len, 0) < 0 && errno != ECONNREFUSED && errno != EMSGSIZE)
            die("send");
        do
            got = recv(fd, in, sizeof(in), 0);
        while (got >= 4 && memcmp(in, out, 4)); /* an answer that came after all */
        if (got == (ssize_t)len && memcmp(in, out, len) == 0)
            i++, tries = 0;
        else if (got >= 0 || tries++ == 30)
            die("other bytes, or none");
    }
    close(fd);
    return 0;
}

static int client(char **argv)
{
    const char *how = argv[1];
    uint64_t number = argv[4] ? strtoull(argv[4], NULL, 0) : 0;
    uint32_t seed = argv[4] && argv[5] ? (uint32_t)strtoul(argv[5], NULL, 0) : 1;
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                             .ai_socktype = SOCK_STREAM};

    if (getaddrinfo(argv[2], argv[3], &hints, &server)) {
        fprintf(stderr, "netload: %s %s?\n", argv[2], argv[3]);
        return 2;
    }
    if (strcmp(how, "reset") == 0)
        return expect_reset();
    if (strcmp(how, "many") == 0)
        return many((unsigned)number, (unsigned)number);
    if (strcmp(how, "churn") == 0)
        return many(AT_A_TIME, (unsigned)number);
    if (strcmp(how, "udp") == 0)
        return datagrams((unsigned)number);
    if (strcmp(how, "bye") == 0)
        return close(ask(BYE, 0, 0));
    return transfer(how, number * 1024, seed);
}

int main(int argc, char **argv)
{
    struct rlimit files = {20000, 20000};

    setrlimit(RLIMIT_NOFILE, &files);
    if (argc >= 3 && strcmp(argv[1], "serve") == 0)
        return serve((unsigned)atoi(argv[2]), argc > 3 ? (unsigned)atoi(argv[3]) : 0);
    if (argc < 4) {
        fprintf(stderr, "netload: see netload.c\n");
        return 2;
    }
    return client(argv);
}
