/* echo.c: round trips of one byte, by TCP and UDP.
 *
 * echo serve PORT                  says what a round trip over the loopback interface costs
 *                                  (`loop tcp NANOSECONDS`, `loop udp NANOSECONDS`), then sends
 * back whatever comes echo tcp|udp HOST PORT COUNT     nanoseconds for a byte there and back: the
 * median of COUNT echo accept HOST PORT COUNT      connections a second that are made, used once
 * and closed
 */
#define _GNU_SOURCE 1
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LOOP_TURNS = 5000 };

static struct sockaddr_in name = {.sin_family = AF_INET};

static int64_t now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void answer_datagram(int fd)
{
    char buffer[65536];
    struct sockaddr_in from;
    socklen_t size = sizeof(from);
    ssize_t len = recvfrom(fd, buffer, sizeof(buffer), 0, (void *)&from, &size);

    if (len >= 0)
        sendto(fd, buffer, len, 0, (void *)&from, size);
}

/* False at the end of the connection. */
static int answer_stream(int fd)
{
    char buffer[65536];
    ssize_t len = read(fd, buffer, sizeof(buffer));

    return len > 0 && write(fd, buffer, len) == len;
}

static int listener(int type)
{
    int fd = socket(AF_INET, type, 0), on = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&name, sizeof(name)) != 0)
        fail("bind");
    if (type == SOCK_STREAM)
        listen(fd, 128);
    return fd;
}

static void *serve(void *listeners)
{
    const int *listener = listeners;
    struct pollfd fds[64] = {{.fd = listener[0], .events = POLLIN},
                             {.fd = listener[1], .events = POLLIN}};
    int n = 2;

    for (;;) {
        poll(fds, n, -1);
        if (fds[0].revents && n < 64) {
            fds[n].fd = accept(fds[0].fd, NULL, NULL);
            fds[n].revents = 0;
            fds[n++].events = POLLIN;
        }
        if (fds[1].revents)
            answer_datagram(fds[1].fd);
        for (int i = 2; i < n; i++) {
            if (!fds[i].revents || answer_stream(fds[i].fd))
                continue;
            close(fds[i].fd);
            fds[i--] = fds[--n];
        }
    }
    return NULL;
}

/* A connected socket that waits 20 seconds at most. */
static int connection(int type)
{
    struct timeval limit = {.tv_sec = 20};
    int fd = socket(AF_INET, type, 0), on = 1;

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    if (connect(fd, (struct sockaddr *)&name, sizeof(name)) != 0)
        fail("connect");
    if (type == SOCK_STREAM)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

static int64_t turn(int fd)
{
    int64_t start = now();
    char byte = 'x';

    if (send(fd, &byte, 1, 0) != 1 || recv(fd, &byte, 1, 0) != 1)
        fail("round trip");
    return now() - start;
}

static int compare(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static int64_t median_turn(int type, int count)
{
    int64_t *took = calloc(count, sizeof(*took)), median;
    int fd = connection(type);

    for (int i = 0; i < count; i++)
        took[i] = turn(fd);
    close(fd);
    qsort(took, count, sizeof(*took), compare);
    median = took[count / 2];
    free(took);
    return median;
}

static int64_t accept_rate(int count)
{
    int64_t start = now();

    for (int i = 0; i < count; i++) {
        int fd = connection(SOCK_STREAM);

        turn(fd);
        close(fd);
    }
    return count * 1000000000LL / (now() - start);
}

static int server(void)
{
    int listeners[] = {listener(SOCK_STREAM), listener(SOCK_DGRAM)};
    pthread_t thread;

    setvbuf(stdout, NULL, _IOLBF, 0);
    pthread_create(&thread, NULL, serve, listeners);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    printf("loop tcp %ld\n", (long)median_turn(SOCK_STREAM, LOOP_TURNS));
    printf("loop udp %ld\n", (long)median_turn(SOCK_DGRAM, LOOP_TURNS));
    pthread_join(thread, NULL);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "serve") == 0) {
        name.sin_port = htons(atoi(argv[2]));
        return server();
    }
    if (argc != 5 || inet_aton(argv[2], &name.sin_addr) == 0)
        return 2;
    name.sin_port = htons(atoi(argv[3]));
    if (strcmp(argv[1], "accept") == 0)
        printf("%ld\n", (long)accept_rate(atoi(argv[4])));
    else
        printf("%ld\n", (long)median_turn(strcmp(argv[1], "tcp") == 0 ? SOCK_STREAM : SOCK_DGRAM,
                                          atoi(argv[4])));
    return 0;
}
