/* TCP_ZEROCOPY_RECEIVE: pages of what has arrived in the program's memory. Packets of a network
 * card, headers and all, never are whole pages here; as on Linux where they are not, nothing is
 * mapped, and the program is told how much there is to be read, or gets it into the buffer that it
 * has named for that. */
#include "core/thread.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/address_space.h"
#include "mm/uaccess.h"
#include "net/tcp.h"

/* struct tcp_zerocopy_receive */
struct request {
    uint64_t address;
    uint32_t length, skip, waiting;
    int32_t err;
    uint64_t copy_address;
    int32_t copy_length;
    uint32_t flags;
    uint64_t control, control_length;
    uint32_t message_flags, reserved;
};
enum { LEAST = 12, WITH_WAITING = 20, WITH_ERR = 24, STAMPS = 2 };

/* --- the mapping: no page is ever in it */

static int no_page(struct mem_object *object, uint64_t index, bool write, paddr_t *frame,
                   bool *writable)
{
    return -EFAULT;
}

static void keep(struct mem_object *object)
{
}

static void name(struct mem_object *object, void *file, char *buf, size_t size)
{
    strlcpy(buf, "socket:[tcp]", size);
}

static const struct mem_object_ops ops = {.page = no_page, .get = keep, .put = keep, .name = name};
static struct mem_object nothing = {.ops = &ops, .mappings = LIST_INIT(nothing.mappings)};

int tcp_op_mmap(struct socket *socket, struct map_request *request)
{
    if (request->prot & (PROT_WRITE | PROT_EXEC))
        return -EPERM;
    request->max_prot &= ~(unsigned)(PROT_WRITE | PROT_EXEC);
    request->object = &nothing;
    return 0;
}

static bool is_mapping(uintptr_t addr)
{
    struct address_space *space = current->space;

    read_lock(&space->lock);
    const struct mapping *m = address_space_find(space, addr);
    bool is = m && m->start <= addr && m->object == &nothing;
    read_unlock(&space->lock);
    return is;
}

/* --- receiving */

static uint32_t waiting_of(struct tcp *tp)
{
    inet_lock(&tp->inet);
    uint32_t n = tcp_readable(tp);
    inet_unlock(&tp->inet);
    return n;
}

static int copy(struct tcp *tp, struct request *r, uint32_t n)
{
    struct iovec iov;
    struct message message = {.io = io_user(&iov, r->copy_address, n), .nonblock = true};
    ssize_t got = tcp_op_receive(&tp->inet.socket, &message);

    if (got < 0)
        return (int)got;
    r->copy_length = (int32_t)got;
    r->skip = n - (uint32_t)got;
    return 0;
}

static int receive(struct tcp *tp, struct request *r, uint32_t room)
{
    uint32_t n;

    if (r->address % PAGE_SIZE)
        return -EINVAL;
    if (tp->state == TCP_LISTEN)
        return -ENOTCONN;
    n = waiting_of(tp);
    r->length = 0;
    r->skip = n;
    if (n && n <= room)
        return copy(tp, r, n);
    if (n < PAGE_SIZE)
        return !n && tp->shutdown & 1 ? -EIO : 0;
    return is_mapping(r->address) ? 0 : -EINVAL;
}

int tcp_zerocopy_receive(struct tcp *tp, void *value, size_t len)
{
    struct request r = {};
    uint32_t room;
    int err;

    if (len < LEAST)
        return -EINVAL;
    len = MIN(len, sizeof(r));
    memcpy(&r, value, len);
    if (r.reserved || r.message_flags & ~(uint32_t)STAMPS)
        return -EINVAL;
    room = r.copy_length > 0 ? (uint32_t)r.copy_length : 0;
    r.copy_length = 0;
    r.message_flags = 0;
    err = receive(tp, &r, room);
    if (err)
        return err;
    if (len >= WITH_ERR)
        r.err = tcp_take_error(tp);
    if (len >= WITH_WAITING)
        r.waiting = tcp_inq(tp);
    memcpy(value, &r, len);
    return (int)len;
}
