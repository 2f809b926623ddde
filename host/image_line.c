#include "image_line.h"

#include "image.h"
#include "say.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { /* Documentation/filesystems/erofs.rst; fs/erofs/erofs_fs.h of Linux has the numbers */
       BLOCK = 4096,
       SUPER_AT = 1024,
       ROOT_NID = 14, /* in the superblock */
       META_BLOCK = 40,
       EXTENDED = 1, /* in an inode's format */
       LAYOUT = 0x0e,
       PLAIN = 0,
       INLINE = 4,
       INODE_SLOT = 32,
       INODE = 64,
       INODE_XATTRS = 2,
       INODE_SIZE = 8,
       INODE_BLOCK = 16,
       XATTR_HEAD = 12,
       DIRENT = 12,
       DIRENT_NAME = 8,
};

struct view {
    uint8_t *data;
    uint64_t size;
};

static uint64_t number(const uint8_t *p, int bytes)
{
    uint64_t value = 0;

    for (int i = bytes - 1; i >= 0; i--)
        value = value << 8 | p[i];
    return value;
}

static uint8_t *bytes_at(const struct view *v, uint64_t at, uint64_t n)
{
    return at <= v->size && n <= v->size - at ? v->data + at : NULL;
}

/* An inode as `osprey build` has them made: extended, its data in blocks or, of a folder, the last
 * of it behind the inode. */
static uint8_t *inode_at(const struct view *v, uint64_t nid)
{
    uint64_t at = number(v->data + SUPER_AT + META_BLOCK, 4) * BLOCK;
    uint8_t *inode = nid < v->size ? bytes_at(v, at + nid * INODE_SLOT, INODE) : NULL;

    return inode && inode[0] & EXTENDED ? inode : NULL;
}

/* One block of a folder, or less at its end. */
static const uint8_t *folder_block(const struct view *v, const uint8_t *inode, uint64_t n,
                                   uint64_t *len)
{
    uint64_t size = number(inode + INODE_SIZE, 8), xattrs = number(inode + INODE_XATTRS, 2);
    uint64_t at = (number(inode + INODE_BLOCK, 4) + n) * BLOCK;

    *len = size - n * BLOCK < BLOCK ? size - n * BLOCK : BLOCK;
    if ((inode[0] & LAYOUT) == INLINE && *len < BLOCK)
        at = (uint64_t)(inode - v->data) + INODE + (xattrs ? XATTR_HEAD + 4 * (xattrs - 1) : 0);
    return bytes_at(v, at, *len);
}

/* A name in a block of a folder: its nid; 0: it is not there. */
static uint64_t find_in_block(const uint8_t *block, uint64_t len, const char *name)
{
    uint64_t first = len >= DIRENT ? number(block + DIRENT_NAME, 2) : 0;

    for (uint64_t at = 0; first <= len && at + DIRENT <= first; at += DIRENT) {
        uint64_t from = number(block + at + DIRENT_NAME, 2), size = strlen(name);
        bool last = at + 2 * DIRENT > first;
        uint64_t to = last ? len : number(block + at + DIRENT + DIRENT_NAME, 2);
        if (to > len || from > to || to - from < size || memcmp(block + from, name, size))
            continue;
        if (to - from == size || (last && !block[from + size]))
            return number(block + at, 8);
    }
    return 0;
}

static uint64_t find(const struct view *v, uint64_t folder, const char *name)
{
    const uint8_t *inode = inode_at(v, folder), *block;
    uint64_t size = inode ? number(inode + INODE_SIZE, 8) : 0, len, nid = 0;

    for (uint64_t n = 0; !nid && n * BLOCK < size; n++) {
        if (!(block = folder_block(v, inode, n, &len)))
            break;
        nid = find_in_block(block, len, name);
    }
    return nid;
}

/* The file's inode and data, *room bytes; NULL: this is no image with a command line. */
static uint8_t *find_line(const struct view *v, uint8_t **data, uint64_t *room)
{
    if (v->size < BLOCK || image_fault(v->data, BLOCK, v->size))
        return NULL;
    uint64_t nid = find(v, number(v->data + SUPER_AT + ROOT_NID, 2), ".osprey");
    nid = nid ? find(v, nid, "cmdline") : 0;
    uint8_t *inode = nid ? inode_at(v, nid) : NULL;
    if (!inode || (inode[0] & LAYOUT) != PLAIN || number(inode + INODE_SIZE, 8) > v->size)
        return NULL;
    *room = (number(inode + INODE_SIZE, 8) + BLOCK - 1) / BLOCK * BLOCK;
    *data = bytes_at(v, number(inode + INODE_BLOCK, 4) * BLOCK, *room);
    return *data ? inode : NULL;
}

static bool map(int fd, bool change, struct view *v)
{
    struct stat st;

    if (fstat(fd, &st) || st.st_size < BLOCK)
        return false;
    v->size = (uint64_t)st.st_size;
    v->data = mmap(NULL, v->size, PROT_READ | PROT_WRITE, change ? MAP_SHARED : MAP_PRIVATE, fd, 0);
    return v->data != MAP_FAILED;
}

int image_read_cmdline(int fd, char *line)
{
    struct view v;
    uint8_t *data;
    uint64_t room;

    if (!map(fd, false, &v))
        return -1;
    const uint8_t *inode = find_line(&v, &data, &room);
    uint64_t size = inode ? number(inode + INODE_SIZE, 8) : CMDLINE_AREA;
    if (size < CMDLINE_AREA) {
        memcpy(line, data, size);
        line[size] = 0;
        line[strcspn(line, "\n")] = 0;
    }
    munmap(v.data, v.size);
    return size < CMDLINE_AREA ? 0 : -1;
}

int image_replace_cmdline(int fd, const char *line)
{
    struct view v;
    uint8_t *data, *inode;
    uint64_t room, size = strlen(line) + 1;

    if (!map(fd, true, &v))
        return -1;
    inode = find_line(&v, &data, &room);
    if (inode && size > room)
        die(STATUS_FAILED,
            "the command line is too long for this image: %zu bytes, at most %llu: build it anew",
            strlen(line), (unsigned long long)room - 1);
    if (inode) {
        memset(data, 0, room);
        memcpy(data, line, size - 1);
        data[size - 1] = '\n';
        for (int i = 0; i < 8; i++)
            inode[INODE_SIZE + i] = (uint8_t)(size >> 8 * i);
        image_seal(v.data);
    }
    int fault = inode ? msync(v.data, v.size, MS_SYNC) : -1;
    munmap(v.data, v.size);
    return fault;
}
