/* quiet_net.h: on Linux a test gets a network of its own, so that nobody else talks on its lo;
 * inside Osprey nobody does. */
#ifndef QUIET_NET_H
#define QUIET_NET_H

#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static inline void quiet_net(void)
{
    struct ifreq r = {.ifr_flags = IFF_UP | IFF_RUNNING};
    int fd;

    if (unshare(CLONE_NEWNET))
        return;
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    strcpy(r.ifr_name, "lo");
    ioctl(fd, SIOCSIFFLAGS, &r);
    close(fd);
}

#endif
