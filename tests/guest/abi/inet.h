/* inet.h: addresses and sockets of AF_INET on the loopback, for the programs of socket calls. */
#ifndef ABI_INET_H
#define ABI_INET_H
#include <netinet/in.h>
#include <sys/socket.h>

static inline struct sockaddr_in inet_at(unsigned port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* A socket bound to a free port, and where that is. */
static inline int inet_bound(int type, struct sockaddr_in *at)
{
    int fd = socket(AF_INET, type, 0);
    socklen_t len = sizeof *at;

    *at = inet_at(0);
    if (fd < 0 || bind(fd, (void *)at, sizeof *at) || getsockname(fd, (void *)at, &len))
        return -1;
    return fd;
}

/* A port where nobody listens (it is bound, so nobody comes either). */
static inline struct sockaddr_in inet_deaf(void)
{
    struct sockaddr_in at;

    inet_bound(SOCK_STREAM, &at);
    return at;
}
#endif
