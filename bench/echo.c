/* echo.c: sends back what comes, by TCP (one connection after the other) and UDP, on one port. */
#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct sockaddr_in name = {.sin_family = AF_INET,
                               .sin_port = htons(argc > 1 ? atoi(argv[1]) : 7)};
    struct pollfd fds[64] = {{.events = POLLIN}, {.events = POLLIN}};
    char buffer[65536];
    int n = 2, on = 1;

    fds[0].fd = socket(AF_INET, SOCK_STREAM, 0);
    fds[1].fd = socket(AF_INET, SOCK_DGRAM, 0);
    setsockopt(fds[0].fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    for (int i = 0; i < 2; i++)
        if (bind(fds[i].fd, (struct sockaddr *)&name, sizeof(name)))
            return 1;
    listen(fds[0].fd, 128);
    for (;;) {
        poll(fds, n, -1);
        if (fds[0].revents && n < 64) {
            fds[n].fd = accept(fds[0].fd, NULL, NULL);
            fds[n].revents = 0;
            fds[n++].events = POLLIN;
        }
        if (fds[1].revents) {
            struct sockaddr_in from;
            socklen_t size = sizeof(from);
            ssize_t len = recvfrom(fds[1].fd, buffer, sizeof(buffer), 0, (void *)&from, &size);
            if (len >= 0)
                sendto(fds[1].fd, buffer, len, 0, (void *)&from, size);
        }
        for (int i = 2; i < n; i++) {
            if (!fds[i].revents)
                continue;
            ssize_t len = read(fds[i].fd, buffer, sizeof(buffer));
            if (len > 0 && write(fds[i].fd, buffer, len) == len)
                continue;
            close(fds[i].fd);
            fds[i--] = fds[--n];
        }
    }
}
