// sources: kernel/fs/erofs_image.c kernel/lib/crc32c.c
// flags: -Ikernel
/* libFuzzer: an EROFS image of 16 blocks whose superblock is sound, the rest of it as it comes:
 * every file and folder is read, in memory or in blocks that are gone when they are released. */
#include "fs/erofs_image.h"

#include "lib/endian.h"
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 16, SUPER = 1024, STEPS = 500 };

static uint8_t image[BLOCKS * EROFS_BLOCK] __attribute__((aligned(16)));
static unsigned steps, held;

static int hold(void *owner, uint64_t block, struct erofs_piece *piece)
{
    if (block >= BLOCKS)
        abort();
    uint8_t *copy = malloc(EROFS_BLOCK);
    memcpy(copy, image + block * EROFS_BLOCK, EROFS_BLOCK);
    piece->data = copy;
    piece->held = (uintptr_t)copy;
    held++;
    return 0;
}

static void release(void *owner, struct erofs_piece *piece)
{
    held--;
    free((void *)(uintptr_t)piece->held);
}

static void walk(const struct erofs_image *erofs, uint64_t nid, unsigned depth)
{
    struct erofs_inode inode;
    struct erofs_xattr xattr;
    struct erofs_entry entry;
    struct erofs_piece piece = {};
    uint8_t buf[300];
    uint64_t at, n, child;

    if (++steps > STEPS || erofs_inode(erofs, nid, &inode))
        return;
    for (unsigned i = 0; i < 20 && erofs_xattr_at(erofs, &inode, i, &xattr) == 1; i++)
        if (erofs_read(erofs, xattr.value_at, buf, xattr.size < 300 ? xattr.size : 300))
            abort();
    for (uint64_t pos = 0, i = 0; i < 20 && !erofs_extent(erofs, &inode, pos, &at, &n); i++) {
        if (!n || n > inode.size - pos)
            abort();
        if (at != EROFS_HOLE && erofs_read(erofs, at + n - 1, buf, 1))
            abort();
        pos += n;
    }
    if ((inode.mode & 0170000) != 0040000)
        return;
    for (uint64_t pos = 0;
         depth < 4 && steps++ < STEPS && erofs_entry_at(erofs, &inode, pos, &piece, &entry) == 1;) {
        if (entry.next <= pos)
            abort();
        pos = entry.next;
        erofs_lookup(erofs, &inode, entry.name, entry.len, &child);
        walk(erofs, entry.nid, depth + 1);
    }
    erofs_release(erofs, &piece);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct erofs_source source = {hold, release};
    struct erofs_image erofs;
    if (!size || size > sizeof(image) - SUPER - 128)
        return 0;
    memset(image, 0, sizeof(image));
    memcpy(image + SUPER + 128, data, size);
    put_le32(image + SUPER, 0xe0f5e1e2);
    image[SUPER + 12] = 12;
    put_le16(image + SUPER + 14, (SUPER + 128) / 32); /* the root is the first thing */
    put_le32(image + SUPER + 36, BLOCKS);
    put_le32(image + SUPER + 44, 1);
    image[SUPER + 128 + 4] = 0;
    image[SUPER + 128 + 5] = 0x41; /* a folder */
    steps = 0;
    int err = data[0] & 0x80 ? erofs_open(&erofs, image, sizeof(image))
                             : erofs_open_source(&erofs, &source, NULL, sizeof(image));
    if (err)
        abort();
    walk(&erofs, erofs.root_nid, 0);
    if (held)
        abort();
    return 0;
}
