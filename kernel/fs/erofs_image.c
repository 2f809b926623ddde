#include "fs/erofs_image.h"

#include "lib/crc32c.h"
#include "lib/endian.h"
#include "lib/errno.h"
#include "lib/string.h"

enum {
    SUPER_OFFSET = 1024,
    SUPER_SIZE = 128,
    BLOCK_BITS = 12,
    INODE_SLOT = 32,
    DIRENT_SIZE = 12,
    XATTR_HEADER = 12,
    FEATURE_CHECKSUM = 1,
    /* Incompatible features that change nothing for files that are not compressed: zero padding,
     * compression settings, chunked files, tail packing, fragments, attribute prefixes. */
    FEATURES_KNOWN = 0x1 | 0x2 | 0x4 | 0x10 | 0x20 | 0x40,
};
#define MAGIC 0xe0f5e1e2u
#define HOLE  0xffffffffu

enum { /* superblock */
       SB_CHECKSUM = 4,
       SB_COMPAT = 8,
       SB_BLOCK_BITS = 12,
       SB_ROOT = 14,
       SB_INODES = 16,
       SB_TIME = 24,
       SB_NSEC = 32,
       SB_BLOCKS = 36,
       SB_META = 40,
       SB_XATTR = 44,
       SB_INCOMPAT = 80,
       SB_DEVICES = 86,
       SB_DIR_BITS = 90,
};
enum { /* inodes: both forms, the compact one, the extended one */
       IN_FORMAT = 0,
       IN_XATTRS = 2,
       IN_MODE = 4,
       IN_SIZE = 8,
       IN_U = 16,
       COMPACT_NLINK = 6,
       COMPACT_UID = 24,
       COMPACT_GID = 26,
       COMPACT_SIZE = 32,
       EXTENDED_UID = 24,
       EXTENDED_GID = 28,
       EXTENDED_TIME = 32,
       EXTENDED_NSEC = 40,
       EXTENDED_NLINK = 44,
       EXTENDED_SIZE = 64,
};
enum { FLAT_PLAIN = 0, COMPRESSED_FULL = 1, FLAT_INLINE = 2, COMPRESSED_COMPACT = 3, CHUNKED = 4 };
enum { CHUNK_BITS = 0x1f, CHUNK_INDEXES = 0x20, CHUNK_KNOWN = 0x3f };
enum { TYPE_MASK = 0170000, TYPE_DIR = 0040000, TYPE_REG = 0100000, TYPE_LINK = 0120000 };

static bool inside(const struct erofs_image *image, uint64_t at, uint64_t n)
{
    return at <= image->size && n <= image->size - at;
}

int erofs_hold(const struct erofs_image *image, uint64_t at, struct erofs_piece *piece)
{
    uint64_t in_block = at % EROFS_BLOCK;
    *piece = (struct erofs_piece){};
    if (!inside(image, at, 1))
        return -EIO;
    if (image->base) {
        piece->data = image->base + at;
        piece->n = image->size - at;
        return 0;
    }
    int err = image->source->hold(image->owner, at / EROFS_BLOCK, piece);
    piece->data += in_block;
    piece->n = EROFS_BLOCK - in_block;
    return err;
}

int erofs_read(const struct erofs_image *image, uint64_t at, void *buf, uint64_t n)
{
    struct erofs_piece piece;
    if (!inside(image, at, n))
        return -EIO;
    for (uint64_t done = 0; done < n;) {
        int err = erofs_hold(image, at + done, &piece);
        if (err)
            return err;
        uint64_t part = MIN(piece.n, n - done);
        memcpy((uint8_t *)buf + done, piece.data, part);
        erofs_release(image, &piece);
        done += part;
    }
    return 0;
}

/* --- superblock ----------------------------------------------------------------------------------
 */

/* Over the rest of the first block, with the checksum's own field as zero. */
static bool checksum_ok(const uint8_t *super)
{
    static const uint8_t zeros[4];
    uint32_t crc = crc32c(~0u, super, SB_CHECKSUM);
    crc = crc32c(crc, zeros, sizeof(zeros));
    crc = crc32c(crc, super + SB_COMPAT, EROFS_BLOCK - SUPER_OFFSET - SB_COMPAT);
    return crc == get_le32(super + SB_CHECKSUM);
}

/* The first block, of an image that has so many bytes. */
static int take_super(struct erofs_image *image, const uint8_t *block, uint64_t size)
{
    const uint8_t *super = block + SUPER_OFFSET;

    if (get_le32(super) != MAGIC)
        return -EINVAL;
    if (super[SB_BLOCK_BITS] != BLOCK_BITS || super[SB_DIR_BITS] ||
        get_le32(super + SB_INCOMPAT) & ~(uint32_t)FEATURES_KNOWN || get_le16(super + SB_DEVICES))
        return -EOPNOTSUPP;
    if (get_le32(super + SB_COMPAT) & FEATURE_CHECKSUM && !checksum_ok(super))
        return -EIO;
    image->size = (uint64_t)get_le32(super + SB_BLOCKS) * EROFS_BLOCK;
    image->root_nid = get_le16(super + SB_ROOT);
    image->inodes = get_le64(super + SB_INODES);
    image->meta = (uint64_t)get_le32(super + SB_META) * EROFS_BLOCK;
    image->xattrs = (uint64_t)get_le32(super + SB_XATTR) * EROFS_BLOCK;
    image->build_time = get_le64(super + SB_TIME);
    image->build_nsec = get_le32(super + SB_NSEC);
    image->blocks = get_le32(super + SB_BLOCKS);
    return image->size > size || !image->size ? -EIO : 0; /* cut short */
}

int erofs_open(struct erofs_image *image, const void *base, size_t size)
{
    *image = (struct erofs_image){.base = base};
    return size < EROFS_BLOCK ? -EINVAL : take_super(image, base, size);
}

int erofs_open_source(struct erofs_image *image, const struct erofs_source *source, void *owner,
                      uint64_t size)
{
    struct erofs_piece piece;

    *image = (struct erofs_image){.source = source, .owner = owner, .size = EROFS_BLOCK};
    if (size < EROFS_BLOCK)
        return -EINVAL;
    int err = erofs_hold(image, 0, &piece);
    if (!err)
        err = take_super(image, piece.data, size);
    erofs_release(image, &piece);
    return err;
}

/* --- inodes --------------------------------------------------------------------------------------
 */

static int take_compact(const struct erofs_image *image, const uint8_t *p,
                        struct erofs_inode *inode)
{
    inode->size = get_le32(p + IN_SIZE);
    inode->nlink = get_le16(p + COMPACT_NLINK);
    inode->uid = get_le16(p + COMPACT_UID);
    inode->gid = get_le16(p + COMPACT_GID);
    inode->mtime = image->build_time;
    inode->mtime_nsec = image->build_nsec;
    return COMPACT_SIZE;
}

static int take_extended(const uint8_t *p, struct erofs_inode *inode)
{
    inode->size = get_le64(p + IN_SIZE);
    inode->nlink = get_le32(p + EXTENDED_NLINK);
    inode->uid = get_le32(p + EXTENDED_UID);
    inode->gid = get_le32(p + EXTENDED_GID);
    inode->mtime = get_le64(p + EXTENDED_TIME);
    inode->mtime_nsec = get_le32(p + EXTENDED_NSEC);
    return EXTENDED_SIZE;
}

/* Where the data is: u is the word whose meaning the layout decides. */
static int take_layout(const struct erofs_image *image, struct erofs_inode *inode, uint32_t u,
                       uint64_t body_end)
{
    uint64_t blocks = inode->size / EROFS_BLOCK;

    inode->tail_from = UINT64_MAX;
    switch (inode->layout) {
    case FLAT_PLAIN:
        inode->data = (uint64_t)u * EROFS_BLOCK;
        return 0;
    case FLAT_INLINE:
        inode->data = (uint64_t)u * EROFS_BLOCK;
        if (inode->size % EROFS_BLOCK == 0)
            return 0;
        inode->tail_from = blocks * EROFS_BLOCK;
        inode->inline_at = body_end;
        /* The tail lies in the block of its inode. */
        if (body_end % EROFS_BLOCK + inode->size % EROFS_BLOCK > EROFS_BLOCK ||
            !inside(image, body_end, inode->size % EROFS_BLOCK))
            return -EIO;
        return 0;
    case CHUNKED:
        if (u & ~(uint32_t)CHUNK_KNOWN)
            return -EOPNOTSUPP;
        inode->chunk_bits = BLOCK_BITS + (u & CHUNK_BITS);
        inode->chunk_indexes = u & CHUNK_INDEXES;
        inode->inline_at = ALIGN_UP(body_end, inode->chunk_indexes ? 8ull : 4ull);
        return 0;
    }
    return -EOPNOTSUPP; /* compressed */
}

static bool has_data(const struct erofs_inode *inode)
{
    uint32_t type = inode->mode & TYPE_MASK;
    return type == TYPE_REG || type == TYPE_DIR || type == TYPE_LINK;
}

int erofs_inode(const struct erofs_image *image, uint64_t nid, struct erofs_inode *inode)
{
    uint64_t at = image->meta + nid * INODE_SLOT;
    uint8_t p[EXTENDED_SIZE];
    int err = nid > image->size / INODE_SLOT ? -EIO : erofs_read(image, at, p, COMPACT_SIZE);
    if (err)
        return err;
    uint16_t format = get_le16(p + IN_FORMAT), nxattrs = get_le16(p + IN_XATTRS);
    bool extended = format & 1;
    if (extended)
        err = erofs_read(image, at + COMPACT_SIZE, p + COMPACT_SIZE, EXTENDED_SIZE - COMPACT_SIZE);
    if (err)
        return err;
    *inode = (struct erofs_inode){.nid = nid, .mode = get_le16(p + IN_MODE)};
    inode->layout = format >> 1 & 7;
    uint64_t body = at + (extended ? take_extended(p, inode) : take_compact(image, p, inode));
    if (nxattrs) {
        inode->xattr_at = body;
        inode->xattr_size = XATTR_HEADER + (nxattrs - 1u) * 4;
        if (!inside(image, body, inode->xattr_size))
            return -EIO;
    }
    uint32_t u = get_le32(p + IN_U);
    if (!has_data(inode)) {
        inode->rdev = u;
        inode->size = 0;
        return 0;
    }
    if (inode->size > INT64_MAX)
        return -EIO;
    return take_layout(image, inode, u, body + inode->xattr_size);
}

/* --- data ----------------------------------------------------------------------------------------
 */

/* The block address of a chunk. */
static int chunk_address(const struct erofs_image *image, const struct erofs_inode *inode,
                         uint64_t chunk, uint32_t *block)
{
    uint64_t unit = inode->chunk_indexes ? 8 : 4;
    uint8_t p[8];
    int err = chunk > image->size / unit
                  ? -EIO
                  : erofs_read(image, inode->inline_at + chunk * unit, p, unit);
    if (!err)
        *block = get_le32(inode->chunk_indexes ? p + 4 : p);
    return err;
}

static int chunk_extent(const struct erofs_image *image, const struct erofs_inode *inode,
                        uint64_t pos, uint64_t *at, uint64_t *n)
{
    uint64_t size = 1ull << inode->chunk_bits, inside_chunk = pos & (size - 1);
    uint32_t block = 0;
    int err = chunk_address(image, inode, pos >> inode->chunk_bits, &block);
    if (err)
        return err;
    *n = size - inside_chunk;
    *at = block == HOLE ? EROFS_HOLE : (uint64_t)block * EROFS_BLOCK + inside_chunk;
    return 0;
}

int erofs_extent(const struct erofs_image *image, const struct erofs_inode *inode, uint64_t pos,
                 uint64_t *at, uint64_t *n)
{
    if (pos >= inode->size)
        return -EINVAL;
    if (inode->layout == CHUNKED) {
        int err = chunk_extent(image, inode, pos, at, n);
        if (err)
            return err;
    } else if (pos >= inode->tail_from) {
        *at = inode->inline_at + (pos - inode->tail_from);
        *n = inode->size - pos;
    } else {
        *at = inode->data + pos;
        *n = MIN(inode->tail_from, inode->size) - pos;
    }
    *n = MIN(*n, inode->size - pos);
    return *at == EROFS_HOLE || inside(image, *at, *n) ? 0 : -EIO;
}

/* --- folders -------------------------------------------------------------------------------------
 */

struct block {
    const uint8_t *data;
    uint32_t size, count;
};

/* A folder's block: entries of 12 bytes, then their names. The first name's offset tells how many
 * entries there are. It is in the piece, which the caller releases. */
static int dir_block(const struct erofs_image *image, const struct erofs_inode *dir, uint64_t index,
                     struct erofs_piece *piece, struct block *block)
{
    uint64_t pos = index * EROFS_BLOCK, at, n;
    erofs_release(image, piece);
    if (pos >= dir->size)
        return -EIO;
    uint64_t want = MIN((uint64_t)EROFS_BLOCK, dir->size - pos);
    int err = erofs_extent(image, dir, pos, &at, &n);
    if (!err && (at == EROFS_HOLE || n < want || want < DIRENT_SIZE))
        err = -EIO;
    if (!err)
        err = erofs_hold(image, at, piece);
    if (err)
        return err;
    if (piece->n < want)
        return -EIO;
    block->data = piece->data;
    block->size = want;
    uint32_t names = get_le16(block->data + 8);
    block->count = names / DIRENT_SIZE;
    return !block->count || names % DIRENT_SIZE || names > want ? -EIO : 0;
}

static uint64_t dir_blocks(const struct erofs_inode *dir)
{
    return (dir->size + EROFS_BLOCK - 1) / EROFS_BLOCK;
}

/* The i-th entry's name runs to the next one's, the last one's to a NUL or the end of the block. */
static int block_entry(const struct block *block, uint32_t i, struct erofs_entry *entry)
{
    /* Linux's FT_* in order: unknown, file, folder, char, block, fifo, socket, link. */
    static const uint8_t types[8] = {0, 8, 4, 2, 6, 1, 12, 10};
    const uint8_t *p = block->data + i * DIRENT_SIZE;
    uint32_t from = get_le16(p + 8), to = block->size;
    if (i + 1 < block->count)
        to = get_le16(p + DIRENT_SIZE + 8);
    if (from >= to || to > block->size || from < block->count * DIRENT_SIZE)
        return -EIO;
    entry->nid = get_le64(p);
    entry->type = p[10] < 8 ? types[p[10]] : 0;
    entry->name = (const char *)block->data + from;
    entry->len = strnlen(entry->name, to - from);
    return entry->len && entry->len <= 255 ? 0 : -EIO;
}

static int compare(const char *name, size_t len, const struct erofs_entry *entry)
{
    int order = memcmp(name, entry->name, MIN(len, entry->len));
    return order ? order : (len > entry->len) - (len < entry->len);
}

/* Names are in order within a block and from block to block. */
static int find_block(const struct erofs_image *image, const struct erofs_inode *dir,
                      const char *name, size_t len, struct erofs_piece *piece, struct block *block)
{
    uint64_t low = 0, high = dir_blocks(dir);
    struct erofs_entry entry;

    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        int err = dir_block(image, dir, middle, piece, block);
        if (!err)
            err = block_entry(block, 0, &entry);
        if (err)
            return err;
        if (compare(name, len, &entry) >= 0)
            low = middle;
        else
            high = middle;
    }
    return high ? dir_block(image, dir, low, piece, block) : -ENOENT;
}

static int find_entry(const struct block *block, const char *name, size_t len, uint64_t *nid)
{
    struct erofs_entry entry;

    for (uint32_t low = 0, high = block->count; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        int err = block_entry(block, middle, &entry);
        if (err)
            return err;
        int order = compare(name, len, &entry);
        if (!order) {
            *nid = entry.nid;
            return 0;
        }
        if (order > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -ENOENT;
}

int erofs_lookup(const struct erofs_image *image, const struct erofs_inode *dir, const char *name,
                 size_t len, uint64_t *nid)
{
    struct erofs_piece piece = {};
    struct block block;

    if ((dir->mode & TYPE_MASK) != TYPE_DIR)
        return -ENOTDIR;
    int err = find_block(image, dir, name, len, &piece, &block);
    if (!err)
        err = find_entry(&block, name, len, nid);
    erofs_release(image, &piece);
    return err;
}

int erofs_entry_at(const struct erofs_image *image, const struct erofs_inode *dir, uint64_t pos,
                   struct erofs_piece *piece, struct erofs_entry *entry)
{
    struct block block;

    for (;;) {
        uint64_t index = pos / EROFS_BLOCK;
        if (index >= dir_blocks(dir))
            return 0;
        int err = dir_block(image, dir, index, piece, &block);
        if (err)
            return err;
        uint64_t i = (pos % EROFS_BLOCK + DIRENT_SIZE - 1) / DIRENT_SIZE;
        if (i >= block.count) {
            pos = (index + 1) * EROFS_BLOCK;
            continue;
        }
        err = block_entry(&block, i, entry);
        if (err)
            return err;
        entry->next = i + 1 < block.count ? index * EROFS_BLOCK + (i + 1) * DIRENT_SIZE
                                          : (index + 1) * EROFS_BLOCK;
        return 1;
    }
}

/* --- extended attributes
 * --------------------------------------------------------------------------- */

/* An entry: length of the name, index of its prefix, length of the value, then both. *size: bytes
 * it takes up. An unknown prefix gives prefix NULL. 0, or 1 with all zeros: padding. */
static int take_xattr(const struct erofs_image *image, uint64_t at, uint64_t end,
                      struct erofs_xattr *xattr, uint64_t *size)
{
    static const char *const prefixes[] = {
        NULL, "user.",    "system.posix_acl_access", "system.posix_acl_default", "trusted.",
        NULL, "security."};
    uint8_t p[4];
    int err = at > end || end - at < sizeof(p) ? -EIO : erofs_read(image, at, p, sizeof(p));
    if (err)
        return err;
    *size = sizeof(p) + p[0] + get_le16(p + 2);
    if (*size > end - at || !inside(image, at, *size))
        return -EIO;
    xattr->prefix = p[1] < ARRAY_SIZE(prefixes) ? prefixes[p[1]] : NULL;
    xattr->len = p[0];
    xattr->value_at = at + sizeof(p) + p[0];
    xattr->size = get_le16(p + 2);
    *size = ALIGN_UP(*size, 4ull);
    err = erofs_read(image, at + sizeof(p), xattr->name, p[0]);
    return err ? err : !get_le32(p);
}

/* Shared ones are numbers of entries elsewhere, behind the header; then inline ones follow. */
int erofs_xattr_at(const struct erofs_image *image, const struct erofs_inode *inode, unsigned index,
                   struct erofs_xattr *xattr)
{
    uint8_t header[XATTR_HEADER], id[4];
    uint64_t size;

    if (!inode->xattr_size)
        return 0;
    int err = erofs_read(image, inode->xattr_at, header, sizeof(header));
    if (err)
        return err;
    unsigned shared = header[4];
    uint64_t at = inode->xattr_at + XATTR_HEADER + shared * 4;
    uint64_t end = inode->xattr_at + inode->xattr_size;
    if (at > end)
        return -EIO;
    if (index < shared) {
        err = erofs_read(image, inode->xattr_at + XATTR_HEADER + index * 4, id, sizeof(id));
        if (!err)
            err = take_xattr(image, image->xattrs + get_le32(id) * 4ull, image->size, xattr, &size);
        return err < 0 ? err : 1;
    }
    for (index -= shared;; index--) {
        if (end - at < 4)
            return 0; /* the rest may be padding */
        err = take_xattr(image, at, end, xattr, &size);
        if (err)
            return err < 0 ? err : 0;
        if (!index)
            return 1;
        at = MIN(at + size, end);
    }
}
