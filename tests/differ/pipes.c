// Pipes: sizes, packets, splice, tee, vmsplice, sendfile, and what is told of them.
//
// LEFT OUT: pipes that get full (Linux counts pieces, Osprey bytes); O_NOTIFICATION_PIPE, which not
// every Linux has; files that are written to while pages of theirs are in a pipe (Osprey has copies
// there).
#include "families.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

enum { FILE_FROM = SLOT_FIRST + 6, FILE_TO, FILE_APPEND };

static void pair_at(int slot, int flags)
{
    int ends[2];
    if (pipe2(ends, flags) != 0)
        abort();
    dup2(ends[0], slot);
    dup2(ends[1], slot + 1);
    close(ends[0]);
    close(ends[1]);
    fcntl(slot, F_SETPIPE_SZ, 1 << 20);
}

bool pipes_setup(void)
{
    for (int fd = 3; fd < PEER_OUT; fd++)
        close(fd);
    int from = open("a", O_CREAT | O_RDWR, 0644), to = open("b", O_CREAT | O_RDWR, 0644);
    int append = open("c", O_CREAT | O_RDWR | O_APPEND, 0644);
    data_fill(10000);
    if (write(from, buffer, 10000) != 10000)
        abort();
    dup2(from, FILE_FROM);
    dup2(to, FILE_TO);
    dup2(append, FILE_APPEND);
    for (int fd = 3; fd < SLOT_FIRST; fd++)
        close(fd);
    for (int i = 0; i < 3; i++)
        pair_at(SLOT_FIRST + 2 * i, O_NONBLOCK | (i == 1 ? O_DIRECT : 0));
    return true;
}

static int end_arg(bool to_write)
{
    if (chance(5))
        return slot();
    int fd = SLOT_FIRST + 2 * (int)below(3) + to_write;
    arg("%d", fd);
    return fd;
}

static size_t size_arg(void)
{
    return (size_t)CHOOSE(0, 1, 1, 100, 4095, 4096, 4097, 10000);
}

static void op_write(void)
{
    begin("write");
    int fd = end_arg(true);
    size_t n = size_arg();
    if (type_of(fd) == S_IFREG)
        return end(0);
    data_fill(n);
    end(call(SYS_write, fd, chance(98) ? buffer : (arg("BAD"), (char *)BAD_POINTER), n));
}

static void op_read(void)
{
    begin("read");
    int fd = end_arg(false);
    size_t n = chance(30) ? 100000 : size_arg();
    long r = call(SYS_read, fd, chance(98) ? buffer : (arg("BAD"), (char *)BAD_POINTER), n);
    end(r);
    show_data(buffer, r);
}

static const struct named splice_flags[] = {N(SPLICE_F_MOVE), N(SPLICE_F_NONBLOCK),
                                            N(SPLICE_F_MORE), N(SPLICE_F_GIFT), N(0x10)};

/* Waits for nothing, whatever it is made with. */
static unsigned how_arg(void)
{
    return (unsigned)SOME(splice_flags, 1) | SPLICE_F_NONBLOCK;
}

static void op_splice(void)
{
    begin("splice");
    int in = chance(60) ? end_arg(false) : (arg("file"), FILE_FROM);
    int out = chance(60) ? end_arg(true) : (int)CHOOSE(FILE_TO, FILE_TO, FILE_APPEND);
    loff_t in_at = 0, out_at = 0, *in_off = NULL, *out_off = NULL;
    if (out == FILE_FROM)
        return end(0);
    if (chance(in == FILE_FROM ? 60 : 4))
        in_at = offset_arg(), in_off = &in_at;
    if (chance(out == FILE_TO ? 40 : 4))
        out_at = CHOOSE(0, 1, 5000, 10000, -1), out_off = &out_at;
    size_t n = size_arg();
    end(call(SYS_splice, in, in_off, out, out_off, n, how_arg()));
    say(" %ld %ld at %ld %ld", in_off ? (long)in_at : 0, out_off ? (long)out_at : 0,
        (long)lseek(FILE_FROM, 0, SEEK_CUR), (long)lseek(FILE_TO, 0, SEEK_CUR));
}

static void op_tee(void)
{
    begin("tee");
    int in = end_arg(false), out = end_arg(true);
    size_t n = size_arg();
    end(call(SYS_tee, in, out, n, how_arg()));
}

static void op_vmsplice(void)
{
    struct iovec iov[4];
    begin("vmsplice");
    bool out = true; // LEFT OUT: into memory, where Linux does not stop at packets
    int fd = end_arg(out);
    unsigned n = 1 + below(3);
    static char page[3][8192] __attribute__((aligned(4096)));
    char *at = page[0];
    for (unsigned i = 0; i < n; i++) {
        iov[i].iov_len = (size_t)CHOOSE(0, 1, 100, 4096, 5000);
        iov[i].iov_base = chance(97) ? (arg("-"), at + i * 8192) : (arg("BAD"), (char *)8);
    }
    if (type_of(fd) == S_IFIFO && !(fcntl(fd, F_GETFL) & O_WRONLY))
        return end(0);
    memset(page, (int)(out ? 'v' : 0), sizeof(page)); // the same each time: pages may be shared
    long r = call(SYS_vmsplice, fd, iov, chance(96) ? n : (unsigned)CHOOSE(0, 1025), how_arg());
    end(r);
}

static void op_sendfile(void)
{
    off_t at = 0, *offset = NULL;
    begin("sendfile");
    int out = end_arg(true);
    if (type_of(out) == S_IFREG)
        return end(0);
    if (chance(50))
        at = offset_arg(), offset = &at;
    size_t n = size_arg();
    end(call(SYS_sendfile, out, chance(95) ? FILE_FROM : slot(), offset, n));
    say(" %ld at %ld", offset ? (long)at : 0, (long)lseek(FILE_FROM, 0, SEEK_CUR));
}

static void op_size(void)
{
    begin("F_SETPIPE_SZ");
    int fd = end_arg(chance(50));
    long n = chance(95) ? CHOOSE(1 << 20, 1 << 20, 1 << 19, (1 << 19) + 1)
                        : CHOOSE(-1, INT32_MIN, INT32_MAX, (1 << 20) + 1, 1l << 32);
    end(call(SYS_fcntl, fd, F_SETPIPE_SZ, n));
    say(" %ld", call(SYS_fcntl, fd, F_GETPIPE_SZ, 0));
}

static void op_flags(void)
{
    static const struct named some[] = {N(O_APPEND), N(O_NOATIME)};
    begin("F_SETFL"); // LEFT OUT: O_DIRECT, with what is in it already

    int fd = end_arg(chance(50));
    end(call(SYS_fcntl, fd, F_SETFL, SOME(some, 1) | O_NONBLOCK));
    say(" %#lx", call(SYS_fcntl, fd, F_GETFL, 0));
}

static void op_state(void)
{
    begin("state");
    for (int i = 0; i < 3; i++) {
        int queued = -1;
        struct pollfd p[2] = {{.fd = SLOT_FIRST + 2 * i, .events = POLLIN | POLLOUT | POLLRDNORM},
                              {.fd = SLOT_FIRST + 2 * i + 1, .events = POLLIN | POLLOUT}};
        poll(p, 2, 0);
        long r = call(SYS_ioctl, SLOT_FIRST + 2 * i, FIONREAD, &queued);
        say(" %ld %d %#x %#x", r < 0 ? r : 0, queued, p[0].revents, p[1].revents);
    }
    end(0);
}

static void op_content(void)
{
    struct stat st;
    begin("content");
    int fd = (int)CHOOSE(FILE_TO, FILE_APPEND);
    if (fstat(fd, &st) != 0)
        return end(-errno);
    long n = pread(fd, buffer, sizeof(buffer), 0);
    end(n);
    show_data(buffer, n);
    if (n > 50000 && ftruncate(fd, 0) == 0)
        say(" emptied");
}

static void op_seek(void)
{
    begin("lseek");
    end(call(SYS_lseek, CHOOSE(FILE_FROM, FILE_TO), offset_arg(), SEEK_SET));
}

static void op_again(void)
{
    static const struct named flags[] = {N(O_DIRECT), N(O_CLOEXEC), N(O_APPEND)};
    int ends[2] = {-1, -1};
    begin("pipe2");
    int i = SLOT_FIRST + 2 * (int)below(3);
    arg("%d", i);
    if (chance(40)) {
        arg("close");
        return end(call(SYS_close, i + (int)below(2)));
    }
    long r = call(SYS_pipe2, chance(97) ? (void *)ends : BAD_POINTER,
                  (chance(80) ? (arg("0"), 0) : ONE(flags)) | O_NONBLOCK);
    end(r);
    if (r == 0) {
        dup2(ends[0], i);
        dup2(ends[1], i + 1);
        fcntl(i, F_SETPIPE_SZ, 1 << 20);
        close(ends[0]);
        close(ends[1]);
    }
}

const struct op pipes_ops[] = {
    {op_write, 16},   {op_read, 18}, {op_splice, 16}, {op_tee, 8},   {op_vmsplice, 8},
    {op_sendfile, 6}, {op_size, 6},  {op_flags, 3},   {op_state, 6}, {op_content, 3},
    {op_seek, 2},     {op_again, 4}, {NULL, 0},
};
