#include "image.h"

#include "file.h"
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    /* Documentation/filesystems/erofs.rst, struct erofs_super_block */
    SUPER_AT = 1024,
    SUPER_SIZE = 128,
    MAGIC = 0xe0f5e1e2,
    CHECKSUM_AT = 4,
    COMPATIBLE_AT = 8,
    BLOCK_BITS_AT = 12,
    BLOCKS_AT = 36,
    INCOMPATIBLE_AT = 80,
    HAS_CHECKSUM = 1,
    BLOCK = 4096,
    STAGE_WITH_PROGRESS = 200, /* entries */
};

static const int ending[] = {SIGINT, SIGTERM, SIGHUP};
static volatile sig_atomic_t ended_by; /* the one of them that came */

static char stage[PATH_MAX]; /* to be removed at the end; empty if there is none */
static pid_t stage_owner;

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    remove(path);
    return 0;
}

static int open_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)ftw;
    if (kind == FTW_D)
        chmod(path, 0700);
    return 0;
}

void image_remove_stage(const char *path)
{
    if (geteuid()) /* a folder that its owner may not write to keeps what is in it */
        nftw(path, open_one, 16, FTW_PHYS);
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void remove_stage(void)
{
    if (stage[0] && getpid() == stage_owner)
        image_remove_stage(stage);
    stage[0] = 0;
}

static void note_signal(int number)
{
    ended_by = number;
}

static void catch_signals(void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler}, old;

    for (size_t i = 0; i < sizeof ending / sizeof *ending; i++)
        if (!sigaction(ending[i], NULL, &old) && old.sa_handler != SIG_IGN)
            sigaction(ending[i], &action, NULL);
}

/* End as the signal asks, leaving nothing behind. */
static void end_if_asked(void)
{
    if (!ended_by)
        return;
    remove_stage();
    scratch_remove();
    progress(NULL);
    catch_signals(SIG_DFL);
    raise(ended_by);
}

static void stage_path(char out[PATH_MAX], const char *path)
{
    if (snprintf(out, PATH_MAX, "%s%s", stage, path) >= PATH_MAX)
        die(STATUS_FAILED, "%s: the path is too long for an image", path);
}

static void failed(const char *what, const char *path)
{
    die(STATUS_FAILED, "%s: cannot %s: %s", path, what, strerror(errno));
}

static void copy_slowly(int from, int to, const char *path)
{
    static char buffer[1 << 16];
    ssize_t size;

    while ((size = read(from, buffer, sizeof buffer)) > 0)
        if (write(to, buffer, (size_t)size) != size)
            failed("copy it for the image", path);
    if (size < 0)
        failed("read it", path);
}

static void stage_file(const struct tree *tree, const struct entry *entry, const char *to)
{
    char host[PATH_MAX];
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (out < 0)
        failed("copy it for the image", entry->path);
    if (entry->content) {
        if (write(out, entry->content, entry->size) != (ssize_t)entry->size)
            failed("write it for the image", entry->path);
        close(out);
        return;
    }
    root_host(&tree->root, entry->path, host);
    int in = open(host, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        failed("read it", host);
    if (ioctl(out, FICLONE, in)) {
        ssize_t size;
        while ((size = copy_file_range(in, NULL, out, NULL, 1 << 30, 0)) > 0)
            continue;
        if (size < 0)
            copy_slowly(in, out, host);
    }
    close(in);
    close(out);
}

static void stage_entry(const struct tree *tree, const struct entry *entry)
{
    char to[PATH_MAX];

    stage_path(to, entry->path);
    if (entry->target) {
        if (symlink(entry->target, to))
            failed("link it for the image", entry->path);
    } else if (S_ISDIR(entry->mode)) {
        if (mkdir(to, 0700))
            failed("make the folder for the image", entry->path);
    } else if (S_ISFIFO(entry->mode)) {
        if (mkfifo(to, 0600))
            failed("make the FIFO for the image", entry->path);
    } else {
        stage_file(tree, entry, to);
    }
}

/* Owner, mode and times, folders after what is in them. */
static void stage_state(const struct entry *entry)
{
    const struct timespec times[2] = {entry->mtime, entry->mtime};
    char to[PATH_MAX];

    stage_path(to, entry->path);
    if (!geteuid() && lchown(to, entry->uid, entry->gid))
        failed("set the owner for the image", entry->path);
    if (!entry->target && chmod(to, entry->mode & 07777))
        failed("set the mode for the image", entry->path);
    utimensat(AT_FDCWD, to, times, AT_SYMLINK_NOFOLLOW);
}

const char *image_tool(void)
{
    static const char *const places[] = {"/usr/bin/mkfs.erofs", "/usr/sbin/mkfs.erofs",
                                         "/sbin/mkfs.erofs", "/usr/local/bin/mkfs.erofs",
                                         "/usr/local/sbin/mkfs.erofs"};

    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (!access(places[i], X_OK))
            return places[i];
    return NULL;
}

/* mkfs.erofs reads what mode and owner forbid only as root: others keep the staged files
 * readable, and the image says root of all of them. */
static void run_mkfs(const char *file, const char *name)
{
    char *uuid =
        formatted("-U%.8s-%.4s-%.4s-%.4s-%.12s", name, name + 8, name + 12, name + 16, name + 20);
    const char *all_root = geteuid() ? "--all-root" : "--quiet";
    const char *tool = image_tool();
    int output[2];
    char said[2048];
    size_t size = 0;
    ssize_t more;
    int status = 0;

    if (!tool)
        die(STATUS_FAILED, "mkfs.erofs is missing: install the package erofs-utils");
    if (pipe2(output, O_CLOEXEC))
        failed("make a pipe", "mkfs.erofs");
    pid_t child = fork();
    if (child < 0)
        failed("start it", "mkfs.erofs");
    if (!child) {
        dup2(output[1], STDOUT_FILENO);
        dup2(output[1], STDERR_FILENO);
        execl(tool, tool, "--quiet", "-x-1", "-Eforce-inode-extended,noinline_data", uuid, all_root,
              file, stage, NULL);
        _exit(127);
    }
    close(output[1]);
    while ((more = read(output[0], said + size, sizeof said - 1 - size)) > 0)
        size += (size_t)more;
    said[size] = 0;
    close(output[0]);
    free(uuid);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    end_if_asked();
    if (status) {
        said[strcspn(said, "\n")] = 0;
        die(STATUS_FAILED, "mkfs.erofs could not make the image: %s", said);
    }
}

void image_write(const struct tree *tree, const char *file, const char *scratch, const char *name)
{
    if (snprintf(stage, sizeof stage, "%s/stage.XXXXXX", scratch) >= (int)sizeof stage)
        die(STATUS_FAILED, "%s: the path is too long", scratch);
    if (!mkdtemp(stage)) {
        stage[0] = 0;
        failed("make a folder there", scratch);
    }
    stage_owner = getpid();
    atexit(remove_stage);
    catch_signals(note_signal);
    for (size_t i = 0; i < tree->count; i++) {
        end_if_asked();
        if (i % STAGE_WITH_PROGRESS == STAGE_WITH_PROGRESS - 1)
            progress("gathering the image: %zu of %zu files", i, tree->count);
        if (strcmp(tree->entry[i].path, "/"))
            stage_entry(tree, &tree->entry[i]);
    }
    chmod(stage, 0755);
    for (size_t i = tree->count; i-- > 0;)
        if (strcmp(tree->entry[i].path, "/"))
            stage_state(&tree->entry[i]);
    if (tree->size > 32 << 20)
        progress("writing the image: %llu MiB", (unsigned long long)tree->size >> 20);
    run_mkfs(file, name);
    remove_stage();
    catch_signals(SIG_DFL);
    progress(NULL);
}

static uint32_t number(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* CRC-32C of the superblock's block with its checksum field taken as 0, not inverted at the
 * end (erofs-utils, erofs_superblock_csum_set). */
static uint32_t checksum(const uint8_t *at, size_t size)
{
    uint32_t crc = ~(uint32_t)0;

    for (size_t i = 0; i < size; i++) {
        crc ^= i >= CHECKSUM_AT && i < CHECKSUM_AT + 4 ? 0 : at[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    return crc;
}

void image_seal(void *start)
{
    uint8_t *super = (uint8_t *)start + SUPER_AT;

    if (number(super + COMPATIBLE_AT) & HAS_CHECKSUM) {
        uint32_t sum = checksum(super, BLOCK - SUPER_AT);
        for (int i = 0; i < 4; i++)
            super[CHECKSUM_AT + i] = (uint8_t)(sum >> 8 * i);
    }
}

const char *image_fault(const void *start, size_t start_size, uint64_t size)
{
    if (start_size < BLOCK || size < BLOCK)
        return "is too short for an EROFS image";
    const uint8_t *super = (const uint8_t *)start + SUPER_AT;
    if (number(super) != MAGIC)
        return "is not an EROFS image";
    if (super[BLOCK_BITS_AT] != 12)
        return "has blocks of another size than 4 KiB";
    if (number(super + COMPATIBLE_AT) & HAS_CHECKSUM &&
        checksum(super, BLOCK - SUPER_AT) != number(super + CHECKSUM_AT))
        return "is a damaged EROFS image (checksum of the superblock)";
    if ((uint64_t)number(super + BLOCKS_AT) * BLOCK > size)
        return "is a truncated EROFS image";
    if (number(super + INCOMPATIBLE_AT))
        return "uses features of EROFS that Osprey does not read (compression, chunks)";
    return NULL;
}

uint64_t image_check(const char *file)
{
    static uint8_t start[BLOCK];
    struct stat st;
    int fd = open(file, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &st))
        die(STATUS_FAILED, "image %s: %s", file, strerror(errno));
    if (!S_ISREG(st.st_mode))
        die(STATUS_FAILED, "image %s: is not a regular file", file);
    ssize_t size = read(fd, start, sizeof start);
    close(fd);
    const char *fault = image_fault(start, size < 0 ? 0 : (size_t)size, (uint64_t)st.st_size);
    if (fault)
        die(STATUS_FAILED, "image %s: %s", file, fault);
    return ((uint64_t)st.st_size + BLOCK - 1) / BLOCK * BLOCK;
}
