/* netlink.h: requests to and answers from AF_NETLINK, for test programs. */
#ifndef TEST_NETLINK_H
#define TEST_NETLINK_H

#include "check.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <sys/socket.h>

/* A request as it is put together. */
struct request {
    struct nlmsghdr head;
    char body[1024];
};
static unsigned request_seq;

static inline void *request_begin(struct request *r, int type, int flags, size_t fixed)
{
    memset(r, 0, sizeof(*r));
    r->head.nlmsg_len = NLMSG_LENGTH(fixed);
    r->head.nlmsg_type = type;
    r->head.nlmsg_flags = NLM_F_REQUEST | flags;
    r->head.nlmsg_seq = ++request_seq;
    return r->body;
}

static inline void request_attr(struct request *r, int type, const void *data, size_t len)
{
    struct rtattr *attr = (void *)((char *)r + NLMSG_ALIGN(r->head.nlmsg_len));

    attr->rta_type = type;
    attr->rta_len = RTA_LENGTH(len);
    memcpy(RTA_DATA(attr), data, len);
    r->head.nlmsg_len = NLMSG_ALIGN(r->head.nlmsg_len) + RTA_ALIGN(attr->rta_len);
}

static inline void request_u32(struct request *r, int type, uint32_t value)
{
    request_attr(r, type, &value, sizeof(value));
}

static inline const void *attr_of(const struct nlmsghdr *m, size_t fixed, int type, int *len)
{
    const struct rtattr *attr = (const void *)((const char *)NLMSG_DATA(m) + NLMSG_ALIGN(fixed));
    int left = (int)(m->nlmsg_len - NLMSG_LENGTH(NLMSG_ALIGN(fixed)));

    for (; RTA_OK(attr, left); attr = RTA_NEXT(attr, left))
        if ((attr->rta_type & NLA_TYPE_MASK) == type) {
            if (len)
                *len = (int)RTA_PAYLOAD(attr);
            return RTA_DATA(attr);
        }
    return NULL;
}

static inline uint32_t attr_u32(const struct nlmsghdr *m, size_t fixed, int type)
{
    uint32_t value = 0;
    int len;
    const void *data = attr_of(m, fixed, type, &len);

    if (data && len >= 4)
        memcpy(&value, data, 4);
    return value;
}

static inline int netlink_open(int protocol)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
    struct timeval second = {20, 0};

    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second));
    return fd;
}

/* Send it, and give each message of the answer to fn until the answer has ended. The error that it
 * ends with: 0 or a negative errno. */
static inline int netlink_talk(int fd, struct request *r,
                               void (*fn)(const struct nlmsghdr *m, void *arg), void *arg)
{
    static char buf[65536];

    if (send(fd, r, r->head.nlmsg_len, 0) != (ssize_t)r->head.nlmsg_len)
        return -errno;
    for (;;) {
        int n = (int)recv(fd, buf, sizeof(buf), 0);
        if (n < 0)
            return -errno;
        for (struct nlmsghdr *m = (void *)buf; NLMSG_OK(m, (unsigned)n); m = NLMSG_NEXT(m, n)) {
            if (m->nlmsg_seq != r->head.nlmsg_seq)
                continue;
            if (m->nlmsg_type == NLMSG_DONE || m->nlmsg_type == NLMSG_ERROR)
                return *(int *)NLMSG_DATA(m);
            if (fn)
                fn(m, arg);
            if (!(m->nlmsg_flags & NLM_F_MULTI) && !(r->head.nlmsg_flags & NLM_F_ACK))
                return 0;
        }
    }
}

/* A place where interfaces may be changed: on Linux a network name space of its own. */
static inline bool own_network(void)
{
    static int have = -1;

    if (have < 0)
        have = inside_osprey() || unshare(CLONE_NEWNET) == 0;
    return have;
}

#endif
