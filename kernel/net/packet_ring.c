/* net/packet_ring.c: TPACKET_V2 rings for receiving: frames that the program maps, each with a word
 * that says whose it is. */
#include "arch/x86_64/memory_map.h"
#include "core/clock.h"
#include "lib/string.h"
#include "mm/address_space.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "net/packet_socket.h"

/* struct tpacket2_hdr */
struct frame_header {
    uint32_t status, len, snaplen;
    uint16_t mac, net;
    uint32_t sec, nsec;
    uint16_t vlan_tci, vlan_tpid;
    uint8_t pad[4];
};
enum {
    ALIGNMENT = 16,
    HEADER = sizeof(struct frame_header) + sizeof(struct sockaddr_ll),
    RING_MAX = 64 << 20,
};

struct packet_ring {
    struct mem_object object;
    atomic_uint refs;
    unsigned reserve, frame_size, frames_per_block, block_size, frames, next;
    unsigned npages;
    paddr_t pages[];
};

static struct packet_ring *ring_of(struct mem_object *object)
{
    return container_of(object, struct packet_ring, object);
}

static void ring_get(struct mem_object *object)
{
    atomic_fetch_add_explicit(&ring_of(object)->refs, 1, memory_order_relaxed);
}

static void ring_put(struct mem_object *object)
{
    packet_ring_put(ring_of(object));
}

static int ring_page(struct mem_object *object, uint64_t index, bool write, paddr_t *frame,
                     bool *writable)
{
    struct packet_ring *ring = ring_of(object);
    if (index >= ring->npages)
        return -EFAULT;
    *frame = ring->pages[index];
    frame_get(*frame);
    *writable = true;
    return 0;
}

static void ring_name(struct mem_object *object, void *file, char *buf, size_t size)
{
    strlcpy(buf, "socket:[packet]", size);
}

static const struct mem_object_ops ring_ops = {
    .page = ring_page,
    .get = ring_get,
    .put = ring_put,
    .name = ring_name,
};

void packet_ring_put(struct packet_ring *ring)
{
    if (!ring || atomic_fetch_sub_explicit(&ring->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (unsigned i = 0; i < ring->npages; i++)
        frame_put(ring->pages[i]);
    kfree(ring);
}

static bool is_sound(const struct packet_ring_request *r, unsigned reserve)
{
    if (!r->block_size || !r->block_nr || r->block_size % PAGE_SIZE || !r->frame_size)
        return false;
    if (r->frame_size % ALIGNMENT || r->frame_size > r->block_size ||
        r->frame_size < ALIGN_UP((size_t)HEADER, (size_t)ALIGNMENT) + reserve)
        return false;
    if ((uint64_t)r->block_size * r->block_nr > RING_MAX)
        return false;
    return (uint64_t)(r->block_size / r->frame_size) * r->block_nr == r->frame_nr;
}

int packet_ring_make(const struct packet_ring_request *request, unsigned reserve,
                     struct packet_ring **made)
{
    if (!is_sound(request, reserve))
        return -EINVAL;
    unsigned npages = (unsigned)((uint64_t)request->block_size * request->block_nr / PAGE_SIZE);
    struct packet_ring *ring = kzalloc(sizeof(*ring) + npages * sizeof(ring->pages[0]));
    if (!ring)
        return -ENOMEM;
    mem_object_init(&ring->object, &ring_ops);
    atomic_init(&ring->refs, 1);
    ring->reserve = reserve;
    ring->frame_size = request->frame_size;
    ring->block_size = request->block_size;
    ring->frames_per_block = request->block_size / request->frame_size;
    ring->frames = request->frame_nr;
    for (; ring->npages < npages; ring->npages++) {
        ring->pages[ring->npages] = frame_alloc(0, FRAME_ZERO | FRAME_USER);
        if (!ring->pages[ring->npages]) {
            packet_ring_put(ring);
            return -ENOMEM;
        }
    }
    *made = ring;
    return 0;
}

int packet_ring_map(struct packet_ring *ring, struct map_request *request)
{
    if (request->object_page || request->length != (size_t)ring->npages * PAGE_SIZE)
        return -EINVAL;
    request->object = &ring->object;
    return 0;
}

/* --- filling
 * ---------------------------------------------------------------------------------------------- */

static size_t place_of(const struct packet_ring *ring, unsigned frame)
{
    return (size_t)(frame / ring->frames_per_block) * ring->block_size +
           (size_t)(frame % ring->frames_per_block) * ring->frame_size;
}

static char *byte_at(const struct packet_ring *ring, size_t at)
{
    return (char *)phys_to_virt(ring->pages[at / PAGE_SIZE]) + at % PAGE_SIZE;
}

static void write_bytes(struct packet_ring *ring, size_t at, const void *data, size_t n)
{
    const char *from = data;
    while (n) {
        size_t part = MIN(n, PAGE_SIZE - at % PAGE_SIZE);
        memcpy(byte_at(ring, at), from, part);
        at += part;
        from += part;
        n -= part;
    }
}

static uint32_t *status_of(const struct packet_ring *ring, unsigned frame)
{
    return (uint32_t *)byte_at(ring, place_of(ring, frame));
}

static void write_packet(struct packet_ring *ring, size_t at, const struct packet *packet, size_t n)
{
    for (const struct packet *piece = packet; piece && n; piece = piece->more) {
        size_t part = MIN((size_t)piece->len, n);
        write_bytes(ring, at, piece->data, part);
        at += part;
        n -= part;
    }
}

bool packet_ring_fill(struct packet_ring *ring, const struct packet *packet, unsigned link,
                      unsigned snaplen, const struct packet_note *note,
                      const struct sockaddr_ll *from)
{
    size_t at = place_of(ring, ring->next);
    uint32_t *status = status_of(ring, ring->next);
    if (__atomic_load_n(status, __ATOMIC_ACQUIRE) != PACKET_STATUS_KERNEL)
        return false;
    /* As Linux lays it out: the network header is aligned, the link header lies before it. */
    unsigned net = (unsigned)ALIGN_UP((size_t)HEADER + (link ? MAX(link, 16u) : 0), ALIGNMENT);
    net += (link ? 0 : 16) + ring->reserve;
    unsigned mac = net - link, room = ring->frame_size > mac ? ring->frame_size - mac : 0;
    snaplen = MIN(MIN(snaplen, packet->total), room);
    nsec_t stamp = packet->stamp ? packet->stamp : clock_realtime();
    struct frame_header header = {
        .status = PACKET_STATUS_KERNEL,
        .len = packet->total,
        .snaplen = snaplen,
        .mac = (uint16_t)mac,
        .net = (uint16_t)net,
        .sec = (uint32_t)(stamp / 1000000000),
        .nsec = (uint32_t)(stamp % 1000000000),
    };
    write_bytes(ring, at, &header, sizeof(header));
    write_bytes(ring, at + sizeof(header), from, sizeof(*from));
    write_packet(ring, at + mac, packet, snaplen);
    ring->next = ring->next + 1 < ring->frames ? ring->next + 1 : 0;
    __atomic_store_n(status, note->status | PACKET_STATUS_USER, __ATOMIC_RELEASE);
    return true;
}

bool packet_ring_has_any(const struct packet_ring *ring)
{
    unsigned last = ring->next ? ring->next - 1 : ring->frames - 1;
    return __atomic_load_n(status_of(ring, last), __ATOMIC_ACQUIRE) != PACKET_STATUS_KERNEL;
}
