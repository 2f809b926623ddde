#include "backlog.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

bool backlog_wanted(const struct network *network)
{
    for (unsigned i = 0; network && i < network->nforwards; i++)
        if (!network->forward[i].udp)
            return true;
    return false;
}

static bool is_ours(const struct network *network, int fd)
{
    struct sockaddr_in name;
    socklen_t size = sizeof name, length = sizeof(int);
    int listens = 0;

    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) || !listens ||
        getsockname(fd, (struct sockaddr *)&name, &size) || name.sin_family != AF_INET)
        return false;
    for (unsigned i = 0; i < network->nforwards; i++)
        if (!network->forward[i].udp && network->forward[i].host == ntohs(name.sin_port))
            return true;
    return false;
}

/* One file of QEMU's: whether it was one that listens. False and errno if it is not to be had. */
static bool widen(const struct network *network, int qemu, int number)
{
    int fd = (int)syscall(SYS_pidfd_getfd, qemu, number, 0);
    bool ours;

    errno = fd < 0 ? errno : 0;
    if (fd < 0)
        return false;
    ours = is_ours(network, fd) && !listen(fd, SOMAXCONN);
    close(fd);
    errno = 0;
    return ours;
}

bool backlog_widen(pid_t qemu, const struct network *network)
{
    unsigned wanted = 0, widened = 0;
    struct dirent *entry;
    bool refused = false;
    char path[32];

    for (unsigned i = 0; i < network->nforwards; i++)
        wanted += !network->forward[i].udp;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)qemu);
    DIR *files = opendir(path);
    int id = (int)syscall(SYS_pidfd_open, qemu, 0);

    refused = !files || id < 0;
    while (!refused && (entry = readdir(files))) {
        if (entry->d_name[0] == '.')
            continue;
        widened += widen(network, id, atoi(entry->d_name));
        refused = errno == EPERM || errno == ENOSYS;
    }
    if (files)
        closedir(files);
    if (id >= 0)
        close(id);
    return refused || widened >= wanted;
}
