/* fs/erofs_image.h: reading an EROFS image (Linux's Documentation/filesystems/erofs.rst) that lies
 * in memory as a whole, or comes piece by piece.
 *
 * Pure: no kernel around it, no allocation, no state; every read is bounded by the image. Errors:
 * -EINVAL no EROFS, -EIO damaged, -EOPNOTSUPP a feature that is not understood (compression,
 * several devices), and those of the source. */
#pragma once

#include "lib/types.h"

enum { EROFS_BLOCK = 4096 };

/* Bytes of an image, for as long as they are held. */
struct erofs_piece {
    const uint8_t *data;
    uint64_t n;
    uint64_t held; /* the source's; 0: nothing to release */
};
struct erofs_source {
    /* A block of the image, whole; 0 or a negative errno. May sleep. */
    int (*hold)(void *owner, uint64_t block, struct erofs_piece *piece);
    void (*release)(void *owner, struct erofs_piece *piece);
};

struct erofs_image {
    const uint8_t *base; /* the image in memory; NULL: by the source */
    const struct erofs_source *source;
    void *owner;
    uint64_t size; /* bytes that belong to the image */
    uint64_t root_nid, inodes;
    uint64_t meta, xattrs; /* byte offsets of the two areas */
    uint64_t build_time;
    uint32_t build_nsec, blocks;
};

/* A file's description, taken out of the image. */
struct erofs_inode {
    uint64_t nid, size, mtime;
    uint32_t mode, uid, gid, nlink, rdev, mtime_nsec;
    uint8_t layout;
    uint8_t chunk_bits;  /* of a chunked file: log2 of the chunk's bytes */
    bool chunk_indexes;  /* 8 bytes a chunk rather than 4 */
    uint64_t data;       /* offset of flat data */
    uint64_t inline_at;  /* offset of the inline tail, or of the chunk table */
    uint64_t tail_from;  /* position in the file where the inline tail starts */
    uint64_t xattr_at;   /* offset of the inline attributes */
    uint32_t xattr_size; /* their bytes; 0: none */
};

struct erofs_entry {
    const char *name; /* in the image, not NUL-terminated */
    size_t len;
    uint64_t nid, next; /* next: position of the entry after it */
    uint8_t type;       /* S_IFMT >> 12; 0: unknown */
};

struct erofs_xattr {
    const char *prefix; /* "user."; NULL: unknown */
    size_t len;         /* of name */
    uint64_t value_at;  /* for erofs_read() */
    size_t size;        /* of the value */
    char name[256];     /* not NUL-terminated */
};

/* An image in memory, which stays there: its superblock is checked. -EINVAL: no EROFS; -EOPNOTSUPP:
 * with features that are unknown; -EIO: cut short. */
int erofs_open(struct erofs_image *image, const void *base, size_t size);
/* The same by a source of so many bytes. */
int erofs_open_source(struct erofs_image *image, const struct erofs_source *source, void *owner,
                      uint64_t size);

/* Bytes of the image from an offset on, as many as lie in one piece (at least 1); the caller
 * releases them. -EIO: beyond the image. */
int erofs_hold(const struct erofs_image *image, uint64_t at, struct erofs_piece *piece);
static inline void erofs_release(const struct erofs_image *image, struct erofs_piece *piece)
{
    if (piece->held)
        image->source->release(image->owner, piece);
    piece->held = 0;
}
/* Copy n bytes out of the image. */
int erofs_read(const struct erofs_image *image, uint64_t at, void *buf, uint64_t n);

/* Read inode nid. -EIO: beyond the image or damaged. */
int erofs_inode(const struct erofs_image *image, uint64_t nid, struct erofs_inode *inode);

/* Where the bytes of a file at pos < inode->size are: *n of them (at least 1, not beyond the end of
 * the file) from offset *at of the image on, inside it; EROFS_HOLE: zeros. */
#define EROFS_HOLE UINT64_MAX
int erofs_extent(const struct erofs_image *image, const struct erofs_inode *inode, uint64_t pos,
                 uint64_t *at, uint64_t *n);

/* A name in a folder: 0 and its nid, -ENOENT, -ENOTDIR. */
int erofs_lookup(const struct erofs_image *image, const struct erofs_inode *dir, const char *name,
                 size_t len, uint64_t *nid);
/* The entry at a position (0: the first; then entry.next): 1, or 0 at the end. Its name is good
 * until the piece ({} at first), which the next call uses again, is released. */
int erofs_entry_at(const struct erofs_image *image, const struct erofs_inode *dir, uint64_t pos,
                   struct erofs_piece *piece, struct erofs_entry *entry);

/* The index-th extended attribute: 1, or 0 at the end. */
int erofs_xattr_at(const struct erofs_image *image, const struct erofs_inode *inode, unsigned index,
                   struct erofs_xattr *xattr);
