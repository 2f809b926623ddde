#include "net/packet.h"

#include "lib/string.h"
#include "mm/heap.h"

/* What packet_alloc() makes, in one block. `alias` is packet_alias()'s. */
struct whole {
    struct packet packet, alias;
    struct packet_buffer buffer;
    uint8_t bytes[];
};
/* A buffer alone. */
struct bytes {
    struct packet_buffer buffer;
    uint8_t bytes[];
};

enum { PACKET_MAX = 65536 + 256 };

static struct kcache pieces = {.name = "packet", .size = sizeof(struct packet)};

static void free_whole(struct packet_buffer *buffer)
{
    kfree_sized(container_of(buffer, struct whole, buffer), sizeof(struct whole) + buffer->size);
}

static void free_bytes(struct packet_buffer *buffer)
{
    kfree(container_of(buffer, struct bytes, buffer));
}

static void drop(struct packet_buffer *buffer)
{
    /* The last one needs no atomic operation: nobody else can come by a reference. */
    if (atomic_load_explicit(&buffer->refs, memory_order_acquire) == 1 ||
        atomic_fetch_sub_explicit(&buffer->refs, 1, memory_order_acq_rel) == 1)
        buffer->free(buffer);
}

static void share(struct packet_buffer *buffer)
{
    atomic_fetch_add_explicit(&buffer->refs, 1, memory_order_relaxed);
}

static bool is_shared(const struct packet_buffer *buffer)
{
    return atomic_load_explicit(&buffer->refs, memory_order_acquire) != 1;
}

void packet_init(struct packet *packet, struct packet_buffer *buffer, uint8_t *data, unsigned len)
{
    *packet =
        (struct packet){.buffer = buffer, .home = buffer, .data = data, .len = len, .total = len};
}

struct packet *packet_alloc(unsigned headroom, unsigned size)
{
    if (size > PACKET_MAX || headroom > PACKET_MAX)
        return NULL;
    struct whole *whole = kmalloc(sizeof(*whole) + headroom + size);
    if (!whole)
        return NULL;
    whole->buffer = (struct packet_buffer){
        .refs = 1, .size = headroom + size, .start = whole->bytes, .free = free_whole};
    packet_init(&whole->packet, &whole->buffer, whole->bytes + headroom, 0);
    return &whole->packet;
}

struct packet *packet_piece(struct packet_buffer *buffer, uint8_t *data, unsigned len)
{
    struct packet *piece = kcache_alloc(&pieces);

    if (!piece)
        return NULL;
    share(buffer);
    piece->buffer = buffer;
    piece->data = data;
    piece->len = piece->total = len;
    return piece;
}

struct packet *packet_alias(const struct packet *packet)
{
    struct packet_buffer *buffer = packet->buffer;
    struct packet *alias = &container_of(buffer, struct whole, buffer)->alias;

    if (unlikely(buffer->free != free_whole || packet == alias)) {
        alias = packet_piece(buffer, packet->data, packet->len);
    } else {
        share(buffer);
        packet_init(alias, buffer, packet->data, packet->len);
    }
    if (alias)
        alias->front_own = true;
    return alias;
}

static void free_piece(struct packet *piece)
{
    struct packet_buffer *buffer = piece->buffer, *home = piece->home;

    if (!home)
        kcache_free(&pieces, piece);
    else if (home != buffer)
        drop(home);
    drop(buffer);
}

void packet_free(struct packet *packet)
{
    while (packet) {
        struct packet *more = packet->more;
        free_piece(packet);
        packet = more;
    }
}

void packet_free_list(struct packet *packet)
{
    while (packet) {
        struct packet *next = packet->next;
        packet_free(packet);
        packet = next;
    }
}

void packet_queue_purge(struct packet_queue *queue)
{
    packet_free_list(queue->first);
    *queue = (struct packet_queue){};
}

/* What describes the whole, but for header pointers and lengths. */
static void copy_about(struct packet *to, const struct packet *from)
{
    to->netif = from->netif;
    to->stamp = from->stamp;
    to->protocol = from->protocol;
    to->kind = from->kind;
    to->checksum = from->checksum;
    to->gso = from->gso;
    to->csum_start = from->csum_start;
    to->csum_offset = from->csum_offset;
    to->gso_size = from->gso_size;
    to->header_len = from->header_len;
    to->vlan = from->vlan;
    to->hash = from->hash;
    to->mark = from->mark;
    memcpy(to->scratch, from->scratch, sizeof(to->scratch));
}

struct packet *packet_clone(const struct packet *packet)
{
    struct packet *clone = NULL, **end = &clone;

    for (const struct packet *from = packet; from; from = from->more) {
        struct packet *piece = packet_piece(from->buffer, from->data, from->len);
        if (!piece) {
            packet_free(clone);
            return NULL;
        }
        *end = piece;
        end = &piece->more;
    }
    copy_about(clone, packet);
    clone->total = packet->total;
    clone->link = packet->link;
    clone->network = packet->network;
    clone->transport = packet->transport;
    return clone;
}

/* How many bytes before data belong to headers that are known. */
static unsigned behind(const struct packet *packet)
{
    uint8_t *const headers[] = {packet->link, packet->network, packet->transport};
    const uint8_t *lowest = packet->data;

    for (unsigned i = 0; i < ARRAY_SIZE(headers); i++)
        if (headers[i] && headers[i] < lowest && headers[i] >= packet->buffer->start)
            lowest = headers[i];
    return (unsigned)(packet->data - lowest);
}

/* A header of `from` in the copy whose bytes are `delta` further on. */
static uint8_t *moved(uint8_t *header, const uint8_t *from, uint8_t *to)
{
    return header ? to + (header - from) : NULL;
}

static void move_headers(struct packet *packet, const struct packet *from, uint8_t *to)
{
    const uint8_t *data = from->data;

    packet->link = moved(from->link, data, to);
    packet->network = moved(from->network, data, to);
    packet->transport = moved(from->transport, data, to);
}

struct packet *packet_copy(const struct packet *packet, unsigned headroom)
{
    unsigned keep = behind(packet), len = packet->total;
    struct packet *copy = packet_alloc(headroom + keep, len);

    if (!copy)
        return NULL;
    memcpy(copy->data - keep, packet->data - keep, keep);
    packet_read(packet, 0, packet_append(copy, len), len);
    copy_about(copy, packet);
    move_headers(copy, packet, copy->data);
    return copy;
}

bool packet_read(const struct packet *packet, unsigned offset, void *buf, unsigned n)
{
    char *to = buf;

    if (offset > packet->total || n > packet->total - offset)
        return false;
    for (; n; packet = packet->more) {
        if (offset >= packet->len) {
            offset -= packet->len;
            continue;
        }
        unsigned part = MIN(n, packet->len - offset);
        memcpy(to, packet->data + offset, part);
        to += part;
        n -= part;
        offset = 0;
    }
    return true;
}

struct packet *packet_slice(const struct packet *packet, unsigned offset, unsigned n)
{
    struct packet *slice = NULL, **end = &slice;
    unsigned total = n;

    if (offset > packet->total || n > packet->total - offset)
        return NULL;
    for (; n; packet = packet->more) {
        if (offset >= packet->len) {
            offset -= packet->len;
            continue;
        }
        unsigned part = MIN(n, packet->len - offset);
        *end = packet_piece(packet->buffer, packet->data + offset, part);
        if (!*end) {
            packet_free(slice);
            return NULL;
        }
        end = &(*end)->more;
        n -= part;
        offset = 0;
    }
    slice->total = total;
    return slice;
}

/* --- cutting */

/* The first piece has no bytes left and there are more: it takes over the place of the next. */
static void take_over_next(struct packet *packet)
{
    struct packet *next = packet->more;

    if (packet->home != packet->buffer)
        drop(packet->buffer);
    share(next->buffer);
    if (packet->home == next->buffer)
        drop(next->buffer); /* home's reference is buffer's from now on */
    packet->buffer = next->buffer;
    packet->data = next->data;
    packet->len = next->len;
    packet->more = next->more;
    free_piece(next);
}

void packet_skip(struct packet *packet, unsigned n)
{
    unsigned total = packet->total - MIN(n, packet->total);

    n = packet->total - total;
    while (n > packet->len || (n == packet->len && packet->more)) {
        n -= packet->len;
        packet->len = 0;
        take_over_next(packet);
    }
    packet->data += n;
    packet->len -= n;
    packet->total = total;
}

void packet_trim(struct packet *packet, unsigned n)
{
    struct packet *piece = packet;

    if (n >= packet->total)
        return;
    packet->total = n;
    while (n > piece->len) {
        n -= piece->len;
        piece = piece->more;
    }
    piece->len = n;
    packet_free(piece->more);
    piece->more = NULL;
}

static struct packet_buffer *new_buffer(unsigned size)
{
    struct bytes *b = kmalloc(sizeof(*b) + size);

    if (!b)
        return NULL;
    b->buffer =
        (struct packet_buffer){.refs = 1, .size = size, .start = b->bytes, .free = free_bytes};
    return &b->buffer;
}

/* Free what lies before n bytes of the pieces behind the first. */
static void drop_front(struct packet *packet, unsigned n)
{
    while (n) {
        struct packet *piece = packet->more;
        unsigned part = MIN(n, piece->len);
        piece->data += part;
        piece->len -= part;
        n -= part;
        if (!piece->len) {
            packet->more = piece->more;
            free_piece(piece);
        }
    }
}

/* Give the packet a buffer of its own with its first n bytes (in one piece) and the headers that
 * it has passed. What is left of its first piece becomes the second. */
static bool move_front(struct packet *packet, unsigned n)
{
    unsigned keep = behind(packet), rest = packet->len > n ? packet->len - n : 0;
    unsigned headroom = ALIGN_UP(keep + PACKET_HEADROOM, 16u);
    struct packet_buffer *buffer = new_buffer(headroom + n);
    struct packet *second = NULL;

    if (buffer && rest)
        second = packet_piece(packet->buffer, packet->data + n, rest);
    if (!buffer || (rest && !second)) {
        if (buffer)
            drop(buffer);
        return false;
    }
    uint8_t *data = buffer->start + headroom;
    memcpy(data - keep, packet->data - keep, keep);
    packet_read(packet, 0, data, n);
    move_headers(packet, packet, data);
    if (second) {
        second->more = packet->more;
        packet->more = second;
    } else {
        drop_front(packet, n - packet->len);
    }
    if (packet->home != packet->buffer)
        drop(packet->buffer);
    packet->buffer = buffer;
    packet->data = data;
    packet->len = n;
    return true;
}

bool packet_pull_up(struct packet *packet, unsigned n)
{
    if (likely(packet->len >= n))
        return true;
    if (packet->total < n)
        return false;
    unsigned missing = n - packet->len;
    if (is_shared(packet->buffer) || packet_tailroom(packet) < missing)
        return move_front(packet, n);
    packet_read(packet, packet->len, packet->data + packet->len, missing);
    drop_front(packet, missing);
    packet->len += missing;
    return true;
}

bool packet_own(struct packet *packet, unsigned n)
{
    if (packet->total < n)
        return false;
    if (is_shared(packet->buffer))
        return move_front(packet, n);
    return packet_pull_up(packet, n);
}
