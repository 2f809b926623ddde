/* net/packet_ring.c: rings that the program maps (Documentation/networking/packet_mmap). Frames of
 * one size, each with a word that says whose it is; or (TPACKET_V3, received) blocks in which
 * packets lie one behind the other. The program may write anywhere at any time: nothing that is
 * read from a ring but those words decides where the kernel writes. */
#include "core/clock.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "net/packet_socket.h"

enum { ALIGNMENT = 16, BLOCK_HEADER = 48, BLOCK_ALIGNMENT = 8, PAGES_MAX = 1 << 18 };
enum { RETIRE_DEFAULT_MS = 8, OFFSET_MAX = 65535, NSEC = 1000000000 };

/* struct tpacket_block_desc */
struct block_header {
    uint32_t version, private_at, status, packets, first, len;
    uint64_t sequence;
    uint32_t first_sec, first_nsec, last_sec, last_nsec;
};
_Static_assert(sizeof(struct block_header) == BLOCK_HEADER, "as the program knows it");
enum { BLOCK_STATUS_AT = offsetof(struct block_header, status) };

/* --- memory
 * -----------------------------------------------------------------------------------------------
 */

static struct packet_socket *socket_of_object(struct mem_object *object)
{
    return container_of(object, struct packet_socket, object);
}

static void object_get(struct mem_object *object)
{
    atomic_fetch_add_explicit(&socket_of_object(object)->refs, 1, memory_order_relaxed);
}

static void object_put(struct mem_object *object)
{
    packet_drop_reference(socket_of_object(object));
}

static int object_page(struct mem_object *object, uint64_t index, bool write, paddr_t *frame,
                       bool *writable)
{
    struct packet_socket *p = socket_of_object(object);
    int err = -EFAULT;
    uint64_t flags = spin_lock_irq(&p->queue_lock);
    for (unsigned i = 0; i < RINGS; i++) {
        const struct packet_ring *ring = p->rings[i];
        if (ring && index < ring->npages) {
            frame_get(*frame = ring->pages[index]);
            err = 0;
            break;
        }
        index -= ring ? ring->npages : 0;
    }
    spin_unlock_irq(&p->queue_lock, flags);
    *writable = true;
    return err;
}

static void object_name(struct mem_object *object, void *file, char *buf, size_t size)
{
    snprintf(buf, size, "socket:[%lu]", socket_of_object(object)->socket.ino);
}

static const struct mem_object_ops ring_ops = {
    .page = object_page,
    .get = object_get,
    .put = object_put,
    .name = object_name,
};

void packet_ring_init(struct packet_socket *p)
{
    mem_object_init(&p->object, &ring_ops);
}

int packet_ring_map(struct socket *socket, struct map_request *request)
{
    struct packet_socket *p = container_of(socket, struct packet_socket, socket);
    size_t npages = 0;
    mutex_lock(&p->lock);
    for (unsigned i = 0; i < RINGS; i++)
        npages += p->rings[i] ? p->rings[i]->npages : 0;
    mutex_unlock(&p->lock);
    if (request->object_page || !npages || request->length != npages * PAGE_SIZE)
        return -EINVAL;
    request->object = &p->object;
    return 0;
}

static char *byte_at(const struct packet_ring *ring, size_t at)
{
    return (char *)phys_to_virt(ring->pages[at / PAGE_SIZE]) + at % PAGE_SIZE;
}

static void copy(const struct packet_ring *ring, size_t at, void *data, size_t n, bool out)
{
    for (char *p = data; n;) {
        size_t part = MIN(n, PAGE_SIZE - at % PAGE_SIZE);
        if (out)
            memcpy(p, byte_at(ring, at), part);
        else
            memcpy(byte_at(ring, at), p, part);
        at += part;
        p += part;
        n -= part;
    }
}

static void put(struct packet_ring *ring, size_t at, const void *data, size_t n)
{
    copy(ring, at, (void *)data, n, false);
}

void packet_ring_read(const struct packet_ring *ring, size_t at, void *data, size_t n)
{
    copy(ring, at, data, n, true);
}

static uint32_t status_at(const struct packet_ring *ring, size_t at)
{
    return __atomic_load_n((uint32_t *)byte_at(ring, at), __ATOMIC_ACQUIRE);
}

static void store_status(struct packet_ring *ring, size_t at, uint32_t status)
{
    __atomic_store_n((uint32_t *)byte_at(ring, at), status, __ATOMIC_RELEASE);
}

void packet_ring_set_status(struct packet_ring *ring, size_t at, uint32_t status)
{
    if (ring->socket->version == TPACKET_V1) /* an unsigned long there */
        __atomic_store_n((uint64_t *)byte_at(ring, at), status, __ATOMIC_RELEASE);
    else
        store_status(ring, at + (ring->socket->version == TPACKET_V3 ? 20 : 0), status);
}

static size_t place_of(const struct packet_ring *ring, unsigned frame)
{
    return (size_t)(frame / ring->per_block) * ring->request.block_size +
           (size_t)(frame % ring->per_block) * ring->request.frame_size;
}

size_t packet_ring_frame(const struct packet_ring *ring, uint32_t *status)
{
    size_t at = place_of(ring, ring->next);
    *status = status_at(ring, at + (ring->socket->version == TPACKET_V3 ? 20 : 0));
    return at;
}

void packet_ring_advance(struct packet_ring *ring)
{
    if (++ring->next == ring->request.frame_nr)
        ring->next = 0;
}

/* --- blocks
 * -----------------------------------------------------------------------------------------------
 */

static bool has_blocks(const struct packet_ring *ring)
{
    return ring->per_block == 0;
}

static size_t block_at(const struct packet_ring *ring, unsigned block)
{
    return (size_t)block * ring->request.block_size;
}

static unsigned first_in_block(const struct packet_ring_request *r)
{
    return BLOCK_HEADER + (unsigned)ALIGN_UP((size_t)r->private_size, BLOCK_ALIGNMENT);
}

static void write_block_header(struct packet_ring *ring, uint32_t status)
{
    size_t at = block_at(ring, ring->next);
    struct block_header header = {
        .version = TPACKET_V3,
        .private_at = BLOCK_HEADER,
        .packets = ring->packets,
        .first = first_in_block(&ring->request),
        .len = ring->at,
        .sequence = ring->sequence,
        .first_sec = (uint32_t)(ring->first_stamp / NSEC),
        .first_nsec = (uint32_t)(ring->first_stamp % NSEC),
        .last_sec = (uint32_t)(ring->last_stamp / NSEC),
        .last_nsec = (uint32_t)(ring->last_stamp % NSEC),
    };
    put(ring, at, &header, sizeof(header));
    if (status)
        store_status(ring, at + BLOCK_STATUS_AT, status);
}

static void open_block(struct packet_ring *ring)
{
    ring->frozen = false;
    ring->packets = 0;
    ring->at = ring->last = first_in_block(&ring->request);
    ring->sequence++;
    ring->first_stamp = ring->last_stamp = clock_realtime();
    write_block_header(ring, 0);
}

static uint32_t block_status(const struct packet_ring *ring, unsigned block)
{
    return status_at(ring, block_at(ring, block) + BLOCK_STATUS_AT);
}

/* The block is the program's, the next one is filled. False: it has that one still. */
static bool next_block(struct packet_ring *ring, uint32_t status)
{
    struct packet_socket *p = ring->socket;
    uint32_t none = 0;
    if (block_status(ring, ring->next) == PACKET_STATUS_KERNEL) {
        put(ring, block_at(ring, ring->next) + ring->last, &none, sizeof(none));
        write_block_header(ring,
                           status | PACKET_STATUS_USER | (p->drops ? PACKET_STATUS_LOSING : 0));
        if (++ring->next == ring->request.block_nr)
            ring->next = 0;
    }
    if (block_status(ring, ring->next) != PACKET_STATUS_KERNEL) {
        ring->frozen = true;
        p->freezes++;
        return false;
    }
    open_block(ring);
    return true;
}

/* Room for n bytes at ring->at of the present block, n <= what a block holds. */
static bool make_room(struct packet_ring *ring, size_t n)
{
    if (ring->frozen) {
        if (block_status(ring, ring->next) & PACKET_STATUS_USER)
            return false;
        open_block(ring);
    }
    if (ring->at + ALIGN_UP(n, BLOCK_ALIGNMENT) < ring->request.block_size)
        return true;
    return next_block(ring, 0);
}

/* A block that has packets has waited long enough. */
static void retire(struct timer *timer)
{
    struct packet_ring *ring = container_of(timer, struct packet_ring, timer);
    struct packet_socket *p = ring->socket;
    uint64_t flags = spin_lock_irq(&p->queue_lock);
    bool due = p->rings[RING_RECEIVE] == ring && ring->packets && !ring->frozen;
    if (due)
        next_block(ring, PACKET_STATUS_TIMEOUT);
    spin_unlock_irq(&p->queue_lock, flags);
    if (due)
        waitqueue_wake(&p->readers, 0, POLLIN | POLLRDNORM);
}

/* A packet of n bytes (with its header) lies at ring->at. */
static void block_grows(struct packet_ring *ring, size_t n, nsec_t stamp)
{
    ring->last = ring->at;
    ring->at += (unsigned)ALIGN_UP(n, BLOCK_ALIGNMENT);
    ring->last_stamp = stamp;
    if (ring->packets++ == 0) {
        ring->first_stamp = stamp;
        timer_start(&ring->timer, clock_monotonic() + ring->request.retire_ms * 1000000ll);
    }
}

/* --- making
 * -----------------------------------------------------------------------------------------------
 */

static bool is_sound(const struct packet_socket *p, unsigned which,
                     const struct packet_ring_request *r)
{
    size_t least = packet_ring_header(p->version) + TPACKET_ADDRESS + (size_t)p->reserve;
    if ((int32_t)r->block_size <= 0 || r->block_size % PAGE_SIZE)
        return false;
    if (p->version == TPACKET_V3) {
        if (which == RING_SEND && (r->retire_ms || r->private_size || r->features))
            return false;
        if (r->block_size < ALIGN_UP((uint64_t)r->private_size, 8ul) + BLOCK_HEADER + least)
            return false;
    }
    if (r->frame_size < least || r->frame_size % ALIGNMENT || r->frame_size > r->block_size)
        return false;
    return (uint64_t)(r->block_size / r->frame_size) * r->block_nr == r->frame_nr;
}

static void free_ring(struct packet_ring *ring)
{
    if (!ring)
        return;
    if (ring->timer.fire)
        timer_cancel(&ring->timer);
    for (unsigned i = 0; i < ring->npages; i++)
        frame_put(ring->pages[i]);
    kfree(ring);
}

static struct packet_ring *make_ring(struct packet_socket *p, unsigned which,
                                     const struct packet_ring_request *r)
{
    uint64_t npages = (uint64_t)r->block_size / PAGE_SIZE * r->block_nr;
    struct packet_ring *ring = NULL;
    if (npages <= PAGES_MAX)
        ring = kzalloc(sizeof(*ring) + npages * sizeof(ring->pages[0]));
    if (!ring)
        return NULL;
    ring->request = *r;
    ring->socket = p;
    ring->per_block = r->block_size / r->frame_size;
    for (; ring->npages < npages; ring->npages++) {
        ring->pages[ring->npages] = frame_alloc(0, FRAME_ZERO | FRAME_USER);
        if (!ring->pages[ring->npages]) {
            free_ring(ring);
            return NULL;
        }
    }
    if (p->version == TPACKET_V3 && which == RING_RECEIVE) {
        ring->per_block = 0;
        if (!r->retire_ms)
            ring->request.retire_ms = RETIRE_DEFAULT_MS;
        timer_init(&ring->timer, retire);
        open_block(ring);
    }
    return ring;
}

/* From now on `ring` is used; what was queued beside the old one is lost. */
static void replace_ring(struct packet_socket *p, unsigned which, struct packet_ring *ring)
{
    struct packet_queue queue = {};
    mutex_lock(&p->send_lock);
    uint64_t flags = spin_lock_irq(&p->queue_lock);
    struct packet_ring *old = p->rings[which];
    p->rings[which] = ring;
    if (which == RING_RECEIVE) {
        queue = p->queue;
        p->queue = (struct packet_queue){};
        p->charged = 0;
    }
    spin_unlock_irq(&p->queue_lock, flags);
    mutex_unlock(&p->send_lock);
    packet_queue_purge(&queue);
    free_ring(old);
}

int packet_ring_set(struct packet_socket *p, unsigned which, const struct packet_ring_request *r)
{
    struct packet_ring *ring = NULL;
    if (atomic_load(&p->refs) > 1 || (r->block_nr && p->rings[which]))
        return -EBUSY;
    if (r->block_nr ? !is_sound(p, which, r) : r->frame_nr != 0)
        return -EINVAL;
    if (r->block_nr) {
        ring = make_ring(p, which, r);
        if (!ring)
            return -ENOMEM;
    }
    replace_ring(p, which, ring);
    return 0;
}

void packet_ring_end(struct packet_socket *p)
{
    for (unsigned i = 0; i < RINGS; i++)
        replace_ring(p, i, NULL);
}

/* --- filling
 * ---------------------------------------------------------------------------------------------- */

/* Where things lie, counted from the packet's header. */
struct shape {
    unsigned mac, net, snaplen, vnet;
};

/* As Linux lays it out: the network header is aligned, the link header before it. False: reserve
 * pushes it out of reach. *whole: nothing had to be cut. */
static bool find_shape(const struct packet_socket *p, struct shape *s, unsigned room, bool *whole)
{
    size_t header = packet_ring_header(p->version) + TPACKET_ADDRESS;
    unsigned link = p->socket.type == SOCK_RAW ? ETH_HLEN : 0;
    s->vnet = link ? p->vnet : 0;
    s->net = link ? (unsigned)ALIGN_UP(header + 16, ALIGNMENT)
                  : (unsigned)ALIGN_UP(header, ALIGNMENT) + 16;
    s->net += p->reserve + s->vnet;
    s->mac = s->net - link;
    *whole = s->mac + (uint64_t)s->snaplen <= room;
    if (!*whole && s->mac > room) {
        s->snaplen = s->vnet = 0;
        s->mac = p->version == TPACKET_V3 ? room : s->mac;
    } else if (!*whole) {
        s->snaplen = room - s->mac;
    }
    return s->net <= OFFSET_MAX;
}

static void put_header(struct packet_ring *ring, size_t at, const struct shape *s,
                       const struct packet_note *note, const struct packet *view)
{
    uint32_t sec = (uint32_t)(view->stamp / NSEC), nsec = (uint32_t)(view->stamp % NSEC);
    uint32_t offsets = s->mac | s->net << 16,
             tag = note->vlan_tci | (uint32_t)note->vlan_tpid << 16;
    switch (ring->socket->version) {
    case TPACKET_V1: {
        uint32_t header[6] = {note->len, s->snaplen, offsets, sec, nsec / 1000};
        put(ring, at + 8, header, sizeof(header));
        return;
    }
    case TPACKET_V2: {
        uint32_t header[7] = {note->len, s->snaplen, offsets, sec, nsec, tag};
        put(ring, at + 4, header, sizeof(header));
        return;
    }
    default: {
        uint32_t next = (uint32_t)ALIGN_UP(s->mac + s->snaplen, (unsigned)BLOCK_ALIGNMENT);
        uint32_t hash = ring->request.features & RING_FILL_HASH
                            ? packet_flow_hash(view, ring->socket->socket.type == SOCK_RAW)
                            : 0;
        uint32_t header[12] = {next,         sec,     nsec, s->snaplen,     note->len,
                               note->status, offsets, hash, note->vlan_tci, note->vlan_tpid};
        put(ring, at, header, sizeof(header));
    }
    }
}

static void put_packet(struct packet_ring *ring, size_t at, const struct packet *packet, size_t n)
{
    for (const struct packet *piece = packet; piece && n; piece = piece->more) {
        size_t part = MIN((size_t)piece->len, n);
        put(ring, at, piece->data, part);
        at += part;
        n -= part;
    }
}

static void put_all(struct packet_ring *ring, size_t at, const struct shape *s,
                    const struct packet_note *note, const struct packet *view,
                    const struct sockaddr_ll *from)
{
    put_header(ring, at, s, note, view);
    put(ring, at + packet_ring_header(ring->socket->version), from, sizeof(*from));
    if (s->vnet) {
        struct packet_vnet vnet;
        packet_vnet_tell(view, &vnet);
        put(ring, at + s->mac - sizeof(vnet), &vnet, sizeof(vnet));
    }
    put_packet(ring, at + s->mac, view, s->snaplen);
}

static int fill_block(struct packet_ring *ring, struct shape *s, const struct packet *view,
                      const struct packet_note *note, const struct sockaddr_ll *from)
{
    unsigned n = s->mac + s->snaplen;
    if (!make_room(ring, n))
        return 0;
    put_all(ring, block_at(ring, ring->next) + ring->at, s, note, view, from);
    block_grows(ring, n, view->stamp);
    return 1;
}

int packet_ring_fill(struct packet_socket *p, const struct packet *view, unsigned snaplen,
                     const struct packet_note *note, const struct sockaddr_ll *from)
{
    struct packet_ring *ring = p->rings[RING_RECEIVE];
    bool blocks = has_blocks(ring), whole;
    unsigned room = blocks ? ring->request.block_size - first_in_block(&ring->request)
                           : ring->request.frame_size;
    struct shape s = {.snaplen = MIN(snaplen, view->total)};
    struct packet_note told = *note;
    uint32_t status;
    if (!find_shape(p, &s, room, &whole))
        return 0;
    told.status |= PACKET_STATUS_USER;
    if (blocks)
        return fill_block(ring, &s, view, &told, from);
    size_t at = packet_ring_frame(ring, &status);
    if (status != PACKET_STATUS_KERNEL)
        return 0;
    bool queued = !whole && p->copy_threshold && p->charged < p->socket.receive_buffer;
    told.status |= (queued ? PACKET_STATUS_COPY : 0) | (p->drops ? PACKET_STATUS_LOSING : 0);
    put_all(ring, at, &s, &told, view, from);
    packet_ring_advance(ring);
    packet_ring_set_status(ring, at, told.status);
    return queued ? 2 : 1;
}

static uint32_t slot_status(const struct packet_ring *ring, unsigned slot)
{
    return has_blocks(ring) ? block_status(ring, slot) : status_at(ring, place_of(ring, slot));
}

static unsigned slots_of(const struct packet_ring *ring)
{
    return has_blocks(ring) ? ring->request.block_nr : ring->request.frame_nr;
}

bool packet_ring_has_any(const struct packet_socket *p)
{
    const struct packet_ring *ring = p->rings[RING_RECEIVE];
    unsigned last = (ring->next ? ring->next : slots_of(ring)) - 1;
    return slot_status(ring, last) != PACKET_STATUS_KERNEL;
}

bool packet_ring_has_room(const struct packet_socket *p, unsigned shift)
{
    const struct packet_ring *ring = p->rings[RING_RECEIVE];
    unsigned n = slots_of(ring), slot = ring->next + (shift ? n >> shift : 0);
    return slot_status(ring, slot < n ? slot : slot - n) == PACKET_STATUS_KERNEL;
}
