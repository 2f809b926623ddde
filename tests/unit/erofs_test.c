// sources: kernel/fs/erofs_image.c kernel/lib/crc32c.c
// flags: -Ikernel
// timeout: 600
/* The reader of EROFS images: images that mkfs.erofs makes from a folder show that folder, in every
 * layout; mutants of them never make it read outside the image, or go on without end. */
#include "fs/erofs_image.h"

#include "lib/crc32c.h"
#include "lib/endian.h"
#include "lib/errno.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { MUTANTS = 10000, STEPS = 3000, NAMES = 700 };

#define NEED(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            printf("not ok - %s:%d: %s (%s)\n", __FILE__, __LINE__, #cond, where);                 \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static const char *where = "";
static char folder[64];

/* --- the two ways to an image: in memory, and in blocks that are gone when they are released ----
 */

struct blocks {
    const uint8_t *base;
    size_t size;
    unsigned held;
    bool failing;
};
static struct blocks blocks;
static bool in_blocks;

static int hold(void *owner, uint64_t block, struct erofs_piece *piece)
{
    struct blocks *b = owner;
    NEED((block + 1) * EROFS_BLOCK <= b->size);
    if (b->failing)
        return -EIO;
    uint8_t *copy = malloc(EROFS_BLOCK);
    memcpy(copy, b->base + block * EROFS_BLOCK, EROFS_BLOCK);
    piece->data = copy;
    piece->held = (uintptr_t)copy;
    b->held++;
    return 0;
}

static void release(void *owner, struct erofs_piece *piece)
{
    ((struct blocks *)owner)->held--;
    free((void *)(uintptr_t)piece->held);
}

static int open_image(struct erofs_image *image, const void *base, size_t size)
{
    static const struct erofs_source source = {hold, release};
    if (!in_blocks)
        return erofs_open(image, base, size);
    blocks = (struct blocks){.base = base, .size = size};
    return erofs_open_source(image, &source, &blocks, size);
}

/* A copy of n bytes of the image, to be freed. */
static uint8_t *bytes_of(const struct erofs_image *image, uint64_t at, uint64_t n)
{
    uint8_t *copy = calloc(1, n + !n);
    NEED(erofs_read(image, at, copy, n) == 0 || blocks.failing);
    return copy;
}

/* --- a folder with something of everything
 * ---------------------------------------------------------- */

static void write_file(const char *name, size_t size, int fill)
{
    FILE *f = fopen(name, "w");
    NEED(f);
    for (size_t i = 0; i < size; i++)
        fputc(fill ? (int)(i / 7 * 31 + i) : 0, f);
    fclose(f);
}

static void make_tree(void)
{
    static const size_t sizes[] = {0,    1,    100,  4000,  4064,  4095,  4096,  4097,
                                   5000, 8192, 8300, 12287, 40960, 70000, 200001};
    char name[300];

    strcpy(folder, "/tmp/erofs_test.XXXXXX");
    NEED(mkdtemp(folder) && chdir(folder) == 0 && mkdir("tree", 0755) == 0);
    NEED(mkdir("tree/sub", 0700) == 0 && mkdir("tree/sub/deep", 0755) == 0);
    NEED(mkdir("tree/empty", 01777) == 0 && mkdir("tree/many", 0755) == 0);
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        snprintf(name, sizeof(name), "tree/size%zu", sizes[i]);
        write_file(name, sizes[i], 1);
    }
    write_file("tree/zeros", 100000, 0);
    write_file("tree/sub/setuid", 10, 1);
    NEED(chmod("tree/sub/setuid", 04755) == 0);
    NEED(link("tree/size100", "tree/sub/hard") == 0);
    NEED(symlink("../size100", "tree/sub/link") == 0);
    memset(name, 'l', 299);
    name[299] = 0;
    NEED(symlink(name, "tree/long link") == 0);
    for (int i = 0; i < NAMES; i++) {
        snprintf(name, sizeof(name), "tree/many/%0*d", 1 + i * 7 % 240, i);
        write_file(name, i % 3, 1);
    }
    memset(name, 'n', 250); /* mkfs.erofs 1.5 fails at 255 */
    name[250] = 0;
    NEED(chdir("tree/sub/deep") == 0);
    write_file(name, 3, 1);
    NEED(chdir(folder) == 0);
    NEED(mkfifo("tree/fifo", 0600) == 0);
    (void)!mknod("tree/device", S_IFCHR | 0666, makedev(5, 300)); /* root only */
    (void)!setxattr("tree/size4097", "user.colour", "green", 5, 0);
    (void)!setxattr("tree/size4097", "user.empty", "", 0, 0);
    for (int i = 0; i < 6; i++) { /* often enough to be shared */
        snprintf(name, sizeof(name), "tree/many/%0*d", 1 + i * 7 % 240, i);
        (void)!setxattr(name, "user.common", "the same value in many files", 28, 0);
    }
}

static uint8_t *read_whole(const char *name, size_t *size)
{
    FILE *f = fopen(name, "r");
    NEED(f);
    fseek(f, 0, SEEK_END);
    *size = ftell(f);
    rewind(f);
    uint8_t *data = malloc(*size + !*size);
    NEED(fread(data, 1, *size, f) == *size);
    fclose(f);
    return data;
}

static uint8_t *make_image(const char *options, size_t *size)
{
    char command[300];
    snprintf(command, sizeof(command), "mkfs.erofs --quiet %s image tree >/dev/null 2>&1", options);
    remove("image");
    if (system(command) != 0)
        return NULL;
    return read_whole("image", size);
}

/* --- the image shows the folder
 * ---------------------------------------------------------------------- */

static void compare_data(const struct erofs_image *image, const struct erofs_inode *inode,
                         const char *path)
{
    size_t size;
    uint8_t *wanted = read_whole(path, &size);
    NEED(inode->size == size);
    uint64_t at, n;
    for (uint64_t pos = 0; pos < size;) {
        NEED(erofs_extent(image, inode, pos, &at, &n) == 0);
        NEED(n > 0 && n <= size - pos);
        uint8_t *data = at == EROFS_HOLE ? calloc(1, n) : bytes_of(image, at, n);
        NEED(memcmp(data, wanted + pos, n) == 0);
        free(data);
        pos += n;
    }
    NEED(erofs_extent(image, inode, size, &at, &n) < 0);
    free(wanted);
}

static void compare_link(const struct erofs_image *image, const struct erofs_inode *inode,
                         const char *path)
{
    char target[4096];
    uint64_t at, n;
    ssize_t len = readlink(path, target, sizeof(target));
    NEED(len > 0 && inode->size == (uint64_t)len);
    NEED(erofs_extent(image, inode, 0, &at, &n) == 0 && n == (uint64_t)len);
    uint8_t *data = bytes_of(image, at, n);
    NEED(memcmp(data, target, len) == 0);
    free(data);
}

static void compare_xattrs(const struct erofs_image *image, const struct erofs_inode *inode,
                           const char *path)
{
    char list[4096], value[4096], name[300];
    struct erofs_xattr xattr;
    ssize_t n = llistxattr(path, list, sizeof(list));
    unsigned count = 0, found = 0;
    for (char *at = list; n > 0 && at < list + n; at += strlen(at) + 1)
        count += strncmp(at, "user.", 5) == 0;
    for (unsigned i = 0; erofs_xattr_at(image, inode, i, &xattr) == 1; i++) {
        if (!xattr.prefix || strcmp(xattr.prefix, "user.") != 0)
            continue;
        snprintf(name, sizeof(name), "user.%.*s", (int)xattr.len, xattr.name);
        NEED(lgetxattr(path, name, value, sizeof(value)) == (ssize_t)xattr.size);
        uint8_t *data = bytes_of(image, xattr.value_at, xattr.size);
        NEED(memcmp(value, data, xattr.size) == 0);
        free(data);
        found++;
    }
    NEED(found == count);
}

static void compare_file(const struct erofs_image *image, uint64_t nid, const char *path);

static void compare_dir(const struct erofs_image *image, const struct erofs_inode *dir,
                        const char *path)
{
    DIR *d = opendir(path);
    struct dirent *e;
    unsigned there = 0, listed = 0;
    uint64_t nid, pos = 0;
    struct erofs_entry entry;
    struct erofs_piece piece = {};

    NEED(d);
    while ((e = readdir(d))) {
        there++;
        NEED(erofs_lookup(image, dir, e->d_name, strlen(e->d_name), &nid) == 0);
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        char inner[1024];
        snprintf(inner, sizeof(inner), "%s/%s", path, e->d_name);
        compare_file(image, nid, inner);
        char other[300];
        snprintf(other, sizeof(other), "%s~", e->d_name);
        NEED(erofs_lookup(image, dir, other, strlen(other), &nid) == -ENOENT);
        other[strlen(e->d_name) - 1]++;
        other[strlen(e->d_name)] = 0;
        snprintf(inner, sizeof(inner), "%s/%s", path, other);
        struct stat st;
        NEED((erofs_lookup(image, dir, other, strlen(other), &nid) == 0) ==
             (lstat(inner, &st) == 0));
    }
    closedir(d);
    while (erofs_entry_at(image, dir, pos, &piece, &entry) == 1) {
        NEED(entry.next > pos);
        pos = entry.next;
        NEED(erofs_lookup(image, dir, entry.name, entry.len, &nid) == 0 && nid == entry.nid);
        listed++;
    }
    erofs_release(image, &piece);
    NEED(listed == there);
    NEED(erofs_lookup(image, dir, "", 0, &nid) == -ENOENT);
}

static void compare_file(const struct erofs_image *image, uint64_t nid, const char *path)
{
    struct erofs_inode inode;
    struct stat st;

    where = path;
    NEED(lstat(path, &st) == 0);
    NEED(erofs_inode(image, nid, &inode) == 0);
    NEED(inode.mode == st.st_mode && inode.uid == st.st_uid && inode.gid == st.st_gid);
    NEED(inode.nlink == st.st_nlink || S_ISDIR(st.st_mode));
    compare_xattrs(image, &inode, path);
    if (S_ISDIR(st.st_mode))
        compare_dir(image, &inode, path);
    else if (S_ISREG(st.st_mode))
        compare_data(image, &inode, path);
    else if (S_ISLNK(st.st_mode))
        compare_link(image, &inode, path);
    else if (S_ISCHR(st.st_mode))
        NEED((inode.rdev >> 8 & 0xfff) == major(st.st_rdev) &&
             ((inode.rdev & 0xff) | (inode.rdev >> 12 & 0xfff00)) == minor(st.st_rdev));
}

static void layouts(void)
{
    static const char *const options[] = {
        "",
        "-E force-inode-extended",
        "-E force-inode-compact,noinline_data",
        "-E force-chunk-indexes --chunksize=4096",
        "--chunksize=8192",
        "--chunksize=65536",
        "-x1",
        "-x-1 -T0",
        "-T1234567 --ignore-mtime",
    };
    unsigned made = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(options); i++) {
        size_t size;
        uint8_t *base = make_image(options[i], &size);
        if (!base)
            continue; /* another version of mkfs.erofs */
        made++;
        struct erofs_image image;
        where = options[i];
        NEED(open_image(&image, base, size) == 0);
        if (!strstr(options[i], "-x-1"))
            compare_file(&image, image.root_nid, "tree");
        NEED(blocks.held == 0);
        /* Cut short: said at once. */
        NEED(open_image(&image, base, size - EROFS_BLOCK) == -EIO);
        NEED(open_image(&image, base, 1000) == -EINVAL);
        free(base);
    }
    NEED(made >= 6);
}

static void fix_checksum(uint8_t *super)
{
    put_le32(super + 4, 0);
    put_le32(super + 4, crc32c(~0u, super, EROFS_BLOCK - 1024));
}

static void refused(void)
{
    size_t size;
    uint8_t *base = make_image("-zlz4hc", &size);
    struct erofs_image image;
    struct erofs_inode inode;
    uint64_t nid;

    where = "compressed";
    NEED(base && open_image(&image, base, size) == 0);
    NEED(erofs_inode(&image, image.root_nid, &inode) == 0);
    NEED(erofs_lookup(&image, &inode, "size200001", 10, &nid) == 0);
    NEED(erofs_inode(&image, nid, &inode) == -EOPNOTSUPP);
    free(base);

    where = "superblock";
    base = make_image("", &size);
    uint8_t *super = base + 1024;
    super[100] ^= 1;
    NEED(open_image(&image, base, size) == -EIO);
    super[100] ^= 1;
    put_le32(super + 80, 0x80);
    fix_checksum(super);
    NEED(open_image(&image, base, size) == -EOPNOTSUPP);
    put_le32(super + 80, 0);
    super[12] = 9;
    fix_checksum(super);
    NEED(open_image(&image, base, size) == -EOPNOTSUPP);
    super[0] ^= 1;
    NEED(open_image(&image, base, size) == -EINVAL);
    free(base);
}

/* --- mutants
 * ------------------------------------------------------------------------------------------ */

static uint64_t seed = 0x9e3779b97f4a7c15ull;
static uint64_t below(uint64_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (seed >> 11) % n;
}

static unsigned steps;
static uint64_t sum; /* makes every byte that is handed out be read */

static void walk(const struct erofs_image *image, uint64_t nid, unsigned depth)
{
    struct erofs_inode inode;
    struct erofs_entry entry;
    struct erofs_xattr xattr;
    struct erofs_piece piece = {};

    if (++steps > STEPS || erofs_inode(image, nid, &inode))
        return;
    for (unsigned i = 0; i < 300 && erofs_xattr_at(image, &inode, i, &xattr) == 1; i++) {
        for (size_t j = 0; j < xattr.len; j++)
            sum += xattr.name[j];
        uint8_t *data = bytes_of(image, xattr.value_at, xattr.size);
        for (size_t j = 0; j < xattr.size; j++)
            sum += data[j];
        free(data);
    }
    for (uint64_t pos = 0, n, pieces = 0; pos < inode.size && pieces < 50; pos += n, pieces++) {
        uint64_t at;
        if (erofs_extent(image, &inode, pos, &at, &n))
            break;
        NEED(n > 0 && n <= inode.size - pos);
        if (at == EROFS_HOLE)
            continue;
        if (erofs_hold(image, at, &piece) != 0) {
            NEED(blocks.failing);
            break;
        }
        NEED(piece.n > 0);
        for (uint64_t i = 0; i < MIN(n, piece.n); i += i < 64 ? 1 : 509)
            sum += piece.data[i];
        sum += piece.data[MIN(n, piece.n) - 1];
        erofs_release(image, &piece);
        uint8_t *last = bytes_of(image, at + n - 1, 1);
        sum += *last;
        free(last);
    }
    for (uint64_t pos = 0; depth < 6 && steps < STEPS && S_ISDIR(inode.mode);) {
        uint64_t child;
        if (erofs_entry_at(image, &inode, pos, &piece, &entry) != 1)
            break;
        NEED(entry.next > pos);
        pos = entry.next;
        steps++;
        if (erofs_lookup(image, &inode, entry.name, entry.len, &child) == 0)
            sum += child;
        if (entry.name[0] != '.')
            walk(image, entry.nid, depth + 1);
    }
    erofs_release(image, &piece);
    if (inode.size) { /* anywhere in the file */
        uint64_t at, n;
        if (!erofs_extent(image, &inode, below(inode.size), &at, &n) && at != EROFS_HOLE)
            NEED(at < image->size && n <= image->size - at);
    }
}

/* Where the image's own pointers and lengths are: inodes with what follows them, and folders. */
static size_t targets[4000];
static unsigned ntargets;

static void find_targets(const struct erofs_image *image, uint64_t nid)
{
    struct erofs_inode inode;
    struct erofs_entry entry;
    struct erofs_piece piece = {};

    if (ntargets + 2 > ARRAY_SIZE(targets) || erofs_inode(image, nid, &inode))
        return;
    targets[ntargets++] = image->meta + nid * 32;
    if (!S_ISDIR(inode.mode))
        return;
    for (uint64_t pos = 0; erofs_entry_at(image, &inode, pos, &piece, &entry) == 1;
         pos = entry.next) {
        if (pos % EROFS_BLOCK == 0 && ntargets < ARRAY_SIZE(targets)) {
            uint64_t n, at;
            NEED(erofs_extent(image, &inode, pos, &at, &n) == 0);
            targets[ntargets++] = at;
        }
        if (entry.name[0] != '.')
            find_targets(image, entry.nid);
    }
    erofs_release(image, &piece);
}

static void mutate(uint8_t *image, size_t size)
{
    uint32_t blocks = size / EROFS_BLOCK;
    const uint32_t words[] = {0,
                              ~0u,
                              0x7fffffff,
                              0x80000000,
                              4096,
                              0xffff,
                              0x1000000,
                              blocks,
                              blocks - 1,
                              blocks - 2,
                              (uint32_t)size,
                              12,
                              (uint32_t)size - 1,
                              (uint32_t)size / 2,
                              blocks / 2,
                              4095};
    for (uint64_t n = 1 + below(8); n; n--) {
        size_t at = targets[below(ntargets)] + below(72);
        switch (below(8)) {
        case 0:
            at = 1024 + below(128);
            break;
        case 1:
            at = below(size - 8);
            break;
        }
        at = MIN(at, size - 8);
        switch (below(4)) {
        case 0:
            image[at] ^= 1 << below(8);
            break;
        case 1:
            image[at] = below(256);
            break;
        case 2:
            put_le32(image + (at & ~3ul), words[below(ARRAY_SIZE(words))]);
            break;
        case 3:
            put_le16(image + (at & ~1ul), below(65536));
            break;
        }
    }
}

static void mutants(const char *options, unsigned count)
{
    size_t size;
    uint8_t *base = make_image(options, &size);
    struct erofs_image image;
    unsigned opened = 0;

    where = options;
    NEED(base && open_image(&image, base, size) == 0);
    ntargets = 0;
    find_targets(&image, image.root_nid);
    NEED(ntargets > 20);
    for (unsigned i = 0; i < count; i++) {
        size_t cut = below(16) ? size : below(size);
        uint8_t *copy = malloc(cut + !cut);
        memcpy(copy, base, cut);
        if (cut > EROFS_BLOCK) {
            mutate(copy, cut);
            put_le32(copy + 1024, 0xe0f5e1e2);
            fix_checksum(copy + 1024);
        }
        steps = 0;
        in_blocks = i & 1;
        if (open_image(&image, copy, cut) == 0) {
            opened++;
            blocks.failing = in_blocks && !below(64);
            walk(&image, image.root_nid, 0);
        }
        NEED(blocks.held == 0);
        in_blocks = blocks.failing = false;
        free(copy);
    }
    NEED(opened > count / 4);
    free(base);
}

int main(void)
{
    make_tree();
    layouts();
    refused();
    in_blocks = true;
    layouts();
    refused();
    in_blocks = false;
    const char *soak = getenv("SOAK");
    unsigned many = soak && *soak == '1' ? 10 : 1;
    NEED(system("rm -rf tree/many/0[0-9]* tree/size200001 tree/zeros") == 0);
    mutants("", many * MUTANTS / 2);
    mutants("-E force-inode-extended --chunksize=4096", many * MUTANTS / 4);
    mutants("-E noinline_data", many * MUTANTS / 4);
    NEED(chdir("/") == 0);
    char command[100];
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    NEED(system(command) == 0 && sum);
    return 0;
}
