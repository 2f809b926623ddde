#include "net/sock_diag.h"

#include "core/boot.h"
#include "lib/string.h"

enum { DIAG_INET = 2, DIAG_INET6 = 10, DIAG_PACKET = 17 };

void diag_cookie(struct socket *socket, uint32_t cookie[2])
{
    uint64_t value = 0;

    if (socket)
        socket_get_option(socket, SOL_SOCKET, SO_COOKIE, &value, sizeof(value));
    cookie[0] = (uint32_t)value;
    cookie[1] = (uint32_t)(value >> 32);
}

bool diag_cookie_meets(struct socket *socket, const uint32_t cookie[2])
{
    uint32_t own[2];

    if (cookie[0] == UINT32_MAX && cookie[1] == UINT32_MAX)
        return true;
    diag_cookie(socket, own);
    return own[0] == cookie[0] && own[1] == cookie[1];
}

void diag_put_meminfo(struct nl_out *out, unsigned type, const struct socket *socket,
                      uint32_t received, uint32_t sent, uint32_t drops)
{
    enum { RMEM, RCVBUF, WMEM, SNDBUF, FORWARD, WMEM_QUEUED, OPTMEM, BACKLOG, DROPS };
    uint32_t info[DIAG_MEMINFO] = {[RMEM] = received,
                                   [RCVBUF] = socket->receive_buffer,
                                   [SNDBUF] = socket->send_buffer,
                                   [WMEM_QUEUED] = sent,
                                   [DROPS] = drops};

    nl_put(out, type, info, sizeof(info));
}

static int request(struct netlink_request *r)
{
    if (r->message.type == TCPDIAG_GETSOCK || r->message.type == DCCPDIAG_GETSOCK)
        return diag_inet(r);
    if (r->message.type != SOCK_DIAG_BY_FAMILY)
        return r->message.type > SOCK_DIAG_BY_FAMILY ? -EOPNOTSUPP : -EINVAL;
    if (r->message.len < 1)
        return -EINVAL;
    switch (r->message.payload[0]) {
    case DIAG_INET:
    case DIAG_INET6:
        return diag_inet(r);
    case AF_UNIX:
        return diag_unix(r);
    case DIAG_PACKET:
        return diag_packet(r);
    default:
        return r->message.payload[0] >= SOCKET_FAMILIES ? -EINVAL : -ENOENT;
    }
}

static int start(void)
{
    static const struct netlink_protocol protocol = {
        .number = NETLINK_SOCK_DIAG, .groups = 4, .request = request};

    netlink_register(&protocol);
    return 0;
}
BOOT_STEP(PHASE_FS, "socket monitoring", start);
