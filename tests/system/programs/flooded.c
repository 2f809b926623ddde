/* A server to be flooded; by its ports from BASE on:
 *   BASE      answers what it is sent
 *   BASE + 1  takes connections and never reads
 *   BASE + 2  sends without end, whether or not anybody reads
 *   BASE + 3  tells how the machine is: files of /proc, one after the other
 *   BASE + 4  ends the program
 *
 * It is the client that ends a connection. One thread, edge by edge; thousands of connections. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ECHO, SINK, SOURCE, STATE, END, KINDS, FILES = 8192 };

static uint8_t kind_of[FILES]; /* of a connection */
static int listeners[KINDS];
static char bytes[65536];

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int listen_at(unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 128) < 0)
        die("listen");
    return fd;
}

static void watch(int epoll, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};

    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        die("epoll_ctl");
}

/* A file of /proc, with its name in front. */
static void tell(int fd, const char *path)
{
    int file = open(path, O_RDONLY);
    ssize_t n;

    dprintf(fd, "== %s\n", path);
    while (file >= 0 && (n = read(file, bytes, sizeof(bytes))) > 0)
        if (send(fd, bytes, (size_t)n, MSG_NOSIGNAL) < 0)
            break;
    if (file >= 0)
        close(file);
}

static void tell_all(int fd)
{
    fcntl(fd, F_SETFL, 0);
    tell(fd, "/proc/meminfo");
    tell(fd, "/proc/net/sockstat");
    tell(fd, "/proc/net/snmp");
    tell(fd, "/proc/net/netstat");
    tell(fd, "/proc/loadavg");
    tell(fd, "/end");
}

static void take(int epoll, int listener, int kind)
{
    int fd, on = 1;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        if (kind == END)
            exit(0);
        if (fd >= FILES) {
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        kind_of[fd] = (uint8_t)kind;
        watch(epoll, fd,
              EPOLLET | EPOLLRDHUP |
                  (kind == SOURCE ? EPOLLOUT
                   : kind == ECHO ? EPOLLIN
                                  : 0));
        if (kind == STATE)
            tell_all(fd);
    }
}

static void answer(int fd)
{
    ssize_t n;

    while ((n = recv(fd, bytes, 4096, 0)) > 0)
        if (send(fd, bytes, (size_t)n, MSG_NOSIGNAL) != n)
            break;
    if (n == 0 || (n < 0 && errno != EAGAIN))
        close(fd);
}

static void serve(int fd, uint32_t events)
{
    if (kind_of[fd] == ECHO)
        answer(fd);
    else if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        close(fd);
    else if (kind_of[fd] == SOURCE)
        while (send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL) > 0)
            ;
}

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);

    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        perror(path);
    close(fd);
}

int main(int argc, char **argv)
{
    struct rlimit most = {FILES, FILES};
    struct epoll_event events[64];
    int epoll = epoll_create1(0);

    signal(SIGPIPE, SIG_IGN);
    setrlimit(RLIMIT_NOFILE, &most);
    /* What only time removes goes soon, so that one can see that it goes. */
    write_file("/proc/sys/net/ipv4/tcp_synack_retries", "1");
    write_file("/proc/sys/net/ipv4/ipfrag_time", "2");
    for (int i = 0; i < KINDS; i++) {
        listeners[i] = listen_at((unsigned)atoi(argc > 1 ? argv[1] : "7000") + (unsigned)i);
        watch(epoll, listeners[i], EPOLLIN);
    }
    for (;;) {
        int n = epoll_wait(epoll, events, 64, -1);

        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd, kind = 0;

            while (kind < KINDS && listeners[kind] != fd)
                kind++;
            if (kind < KINDS)
                take(epoll, fd, kind);
            else
                serve(fd, events[i].events);
        }
    }
}
