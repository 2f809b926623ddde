// Calls on what open files hold: offsets, data, holes, locks, seals.
#include "families.h"

#include <linux/fs.h>
#include <linux/memfd.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

/* Without waiting, whatever it is. */
static int calm_slot(void)
{
    int fd = slot();
    if (may_block(fd))
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    return fd;
}

static void show_offset(int fd)
{
    mode_t type = type_of(fd);
    if (type == S_IFREG)
        say(" at=%ld", (long)lseek(fd, 0, SEEK_CUR));
}

static void op_read(void)
{
    bool at = chance(40);
    begin(at ? "pread64" : "read");
    int fd = calm_slot();
    size_t n = length_arg();
    bool bad = chance(2);
    void *to = bad ? (arg("BAD"), BAD_POINTER) : buffer;
    long r = at ? call(SYS_pread64, fd, to, n, offset_arg()) : call(SYS_read, fd, to, n);
    end(r);
    if (!bad)
        show_data(buffer, r);
    show_offset(fd);
}

static void op_write(void)
{
    bool at = chance(40);
    begin(at ? "pwrite64" : "write");
    int fd = calm_slot();
    size_t n = length_arg();
    data_fill(n);
    const void *from = buffer;
    if (chance(2) &&
        type_of(fd) != S_IFREG) // LEFT OUT: Linux makes a file longer though nothing was written
        arg("BAD"), from = BAD_POINTER;
    end(at ? call(SYS_pwrite64, fd, from, n,
                  chance(97) ? CHOOSE(0, 1, 4096, 10000, 100000) : CHOOSE(-1, INT64_MAX, INT64_MIN))
           : call(SYS_write, fd, from, n));
    show_offset(fd);
}

static void op_vector(void)
{
    static const struct named rwf[] = {N(RWF_DSYNC), N(RWF_SYNC), N(RWF_APPEND), N(0),
                                       N(0),         N(0),        N(0x4000)};
    bool out = chance(50);
    begin(out ? "pwritev2" : "preadv2");
    int fd = calm_slot();
    size_t n = length_arg();
    struct iovec iov[3] = {{buffer, n / 3}, {buffer + n / 3, 0}, {buffer + n / 3, n - n / 3}};
    int count = (int)CHOOSE(3, 3, 3, 0, 1, -1, 1025);
    long at = CHOOSE(-1, 0, 4096, 5000, -2);
    uint64_t how = ONE(rwf);
    if (chance(2))
        arg("negative length"), iov[2].iov_len = -1;
    data_fill(n);
    long r = call(out ? SYS_pwritev2 : SYS_preadv2, fd, iov, count, at, 0, how);
    end(r);
    if (!out)
        show_data(buffer, r);
    show_offset(fd);
}

static void op_lseek(void)
{
    static const struct named from[] = {N(SEEK_SET),  N(SEEK_CUR),  N(SEEK_END),
                                        N(SEEK_DATA), N(SEEK_HOLE), N(5)};
    begin("lseek");
    int fd = slot();
    long at = offset_arg();
    if (chance(20))
        at = -at, say("*-1");
    uint64_t whence = ONE(from);
    if (odd_seed && (whence == SEEK_DATA || whence == SEEK_HOLE))
        whence = SEEK_SET; // LEFT OUT: after fallocate() Osprey takes for data what Linux takes for
                           // a hole
    if (type_of(fd) == S_IFDIR) // folders' offsets are the file system's own affair
        return end(0);
    end(call(SYS_lseek, fd, at, whence));
}

static void op_truncate(void)
{
    bool by_fd = chance(60);
    begin(by_fd ? "ftruncate" : "truncate");
    int fd = by_fd ? slot() : -1;
    const char *name = by_fd ? NULL : path();
    long n =
        chance(95) ? CHOOSE(0, 1, 4095, 4096, 5000, 8193, 50000) : CHOOSE(-1, INT64_MAX, INT64_MIN);
    end(by_fd ? call(SYS_ftruncate, fd, n) : call(SYS_truncate, name, n));
}

static void op_fallocate(void)
{
    static const struct named modes[] = {
        N(0),
        N(FALLOC_FL_KEEP_SIZE),
        N(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE),
        N(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE),
        N(FALLOC_FL_PUNCH_HOLE),
        N(0x1000)}; // LEFT OUT: COLLAPSE_RANGE and its like, which Linux has on disks only
    begin("fallocate");
    int fd = slot();
    uint64_t mode =
        odd_seed ? ONE(modes)
                 : (arg("PUNCH_HOLE"), (uint64_t)(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE));
    long at = chance(97) ? CHOOSE(0, 1, 4096, 5000, 20000) : CHOOSE(-1, INT64_MAX);
    end(call(SYS_fallocate, fd, mode, at, CHOOSE(1, 4096, 5000, 10000, 0, -1)));
}

static void op_copy(void)
{
    begin("copy_file_range");
    int from = calm_slot(), to = calm_slot();
    long in = offset_arg(), out = offset_arg();
    bool with_in = chance(50), with_out = chance(50);
    say(" %s%s", with_in ? "in" : "", with_out ? "out" : "");
    size_t n = length_arg();
    long r = call(SYS_copy_file_range, from, with_in ? &in : NULL, to, with_out ? &out : NULL, n,
                  chance(97) ? 0 : (arg("1"), 1));
    end(r);
    say(" in=%ld out=%ld", with_in ? in : 0, with_out ? out : 0);
    show_offset(from);
    show_offset(to);
}

/* LEFT OUT: Linux puts pages of a file into the pipe, Osprey copies, so that what is written to the
 * file later shows in the pipe there. From files only where it can be read back at once: the slot
 * to read from, or -1. */
static int reader_of(int pipe)
{
    struct stat a, b;
    for (int fd = SLOT_FIRST; fd < SLOT_FIRST + SLOTS; fd++)
        if (fstat(pipe, &a) == 0 && fstat(fd, &b) == 0 && S_ISFIFO(b.st_mode) &&
            a.st_dev == b.st_dev && a.st_ino == b.st_ino &&
            (fcntl(fd, F_GETFL) & (O_ACCMODE | O_PATH)) != O_WRONLY &&
            !(fcntl(fd, F_GETFL) & O_PATH) && (fcntl(fd, F_GETFL) & O_ACCMODE) != 3)
            return fd;
    return -1;
}

static bool into_pipe(int from, int to)
{
    return type_of(from) == S_IFREG && type_of(to) == S_IFIFO;
}

static void drain(int fd)
{
    static char read_back[1 << 21];
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    long n, total = 0;
    while (total < (long)sizeof(read_back) &&
           (n = read(fd, read_back + total, sizeof(read_back) - total)) > 0)
        total += n;
    show_data(read_back, total);
}

static void op_sendfile(void)
{
    begin("sendfile");
    int to = calm_slot(), from = calm_slot();
    long at = offset_arg();
    bool with = chance(50);
    size_t n = length_arg();
    say(" %s", with ? "at" : "");
    int back = into_pipe(from, to) ? reader_of(to) : -1;
    if (into_pipe(from, to) && back < 0)
        n = 0;
    long r = call(SYS_sendfile, to, from, with ? &at : NULL, n);
    end(r);
    if (r > 0 && back >= 0)
        drain(back);
    say(" at=%ld", with ? at : 0);
    show_offset(from);
    show_offset(to);
}

static void op_splice(void)
{
    static const struct named flags[] = {
        N(0), N(0), N(SPLICE_F_MOVE), N(SPLICE_F_MORE), N(SPLICE_F_GIFT), N(0x10)};
    begin("splice");
    int from = calm_slot();
    long in = offset_arg();
    int to = calm_slot();
    long out = offset_arg();
    bool with_in = chance(30), with_out = chance(30);
    say(" %s%s", with_in ? "in" : "", with_out ? "out" : "");
    size_t n = length_arg();
    uint64_t how = ONE(flags) | SPLICE_F_NONBLOCK;
    int back = into_pipe(from, to) ? reader_of(to) : -1;
    if (into_pipe(from, to) && back < 0)
        n = 0;
    long r = call(SYS_splice, from, with_in ? &in : NULL, to, with_out ? &out : NULL, n, how);
    end(r);
    if (r > 0 && back >= 0)
        drain(back);
    say(" in=%ld out=%ld", with_in ? in : 0, with_out ? out : 0);
    show_offset(from);
    show_offset(to);
}

static void op_tee(void)
{
    begin("tee");
    int from = calm_slot(), to = calm_slot();
    size_t n = length_arg();
    end(call(SYS_tee, from, to, n, SPLICE_F_NONBLOCK));
}

static void op_pipe(void)
{
    static const struct named flags[] = {N(0), N(O_CLOEXEC), N(O_DIRECT), N(O_WRONLY)};
    int fds[2] = {0}, in = take_slot(), out = take_slot();
    begin("pipe2");
    long r = call(SYS_pipe2, fds, ONE(flags) | O_NONBLOCK);
    end(r);
    if (r == 0) {
        keep(fds[0], in);
        keep(fds[1], out);
    }
}

static void op_flock(void)
{
    static const struct named ops[] = {N(LOCK_SH), N(LOCK_EX), N(LOCK_UN),           N(LOCK_SH),
                                       N(LOCK_EX), N(0),       N(LOCK_SH | LOCK_EX), N(64)};
    begin("flock");
    int fd = slot();
    end(call(SYS_flock, fd, ONE(ops) | LOCK_NB));
}

static void op_lock(void)
{
    static const struct named commands[] = {N(F_SETLK), N(F_SETLK), N(F_GETLK), N(F_OFD_SETLK),
                                            N(F_OFD_GETLK)};
    static const struct named types[] = {N(F_RDLCK), N(F_WRLCK), N(F_UNLCK),
                                         N(F_RDLCK), N(F_WRLCK), N(7)};
    static const struct named from[] = {N(SEEK_SET), N(SEEK_SET), N(SEEK_CUR), N(SEEK_END), N(9)};
    begin("fcntl");
    int fd = slot(), pid = getpid();
    uint64_t command = ONE(commands);
    struct flock lock = {.l_type = (short)ONE(types)};
    lock.l_whence = (short)ONE(from);
    if (type_of(fd) == S_IFDIR && lock.l_whence == SEEK_END)
        lock.l_whence = SEEK_SET; // LEFT OUT: the size of folders
    lock.l_start = CHOOSE(0, 10, 100, 4096, -10, INT64_MAX);
    lock.l_len = CHOOSE(0, 1, 10, 100, -10, INT64_MAX);
    if (chance(3))
        lock.l_pid = (int)CHOOSE(1, 2);
    long r = call(SYS_fcntl, fd, command, &lock);
    end(r);
    if (r == 0 && (command == F_GETLK || command == F_OFD_GETLK))
        say(" {type=%d whence=%d %ld+%ld %s}", lock.l_type, lock.l_whence, (long)lock.l_start,
            (long)lock.l_len,
            lock.l_pid == -1         ? "-1"
            : lock.l_type == F_UNLCK ? ""
            : lock.l_pid == pid      ? "own"
                                     : "other");
}

static void op_setfl(void)
{
    static const struct named flags[] = {N(O_APPEND), N(O_NOATIME), N(O_NONBLOCK),
                                         N(O_RDWR),   N(O_SYNC),    N(O_CREAT)};
    begin("fcntl");
    int fd = slot();
    arg("F_SETFL");
    uint64_t how = SOME(flags, 2);
    mode_t type = type_of(fd);
    if (type != S_IFREG && type != S_IFDIR)
        how |= O_NONBLOCK;
    end(call(SYS_fcntl, fd, F_SETFL, how));
    say(" fl=%#lx", call(SYS_fcntl, fd, F_GETFL));
}

static void op_fcntl(void)
{
    static const struct named some[] = {N(F_GETFD),      N(F_GETFL),    N(F_GETOWN),
                                        N(F_GETSIG),     N(F_GETLEASE), N(F_GET_SEALS),
                                        N(F_GETPIPE_SZ), N(1000),       N(F_GET_RW_HINT + 100)};
    begin("fcntl");
    int fd = slot();
    end(call(SYS_fcntl, fd, ONE(some), 0));
}

static void op_pipe_size(void)
{
    begin("fcntl");
    int fd = slot();
    arg("F_SETPIPE_SZ");
    end(call(SYS_fcntl, fd, F_SETPIPE_SZ, CHOOSE(0, 1, 4096, 4097, 65536, 1048576, 1048577, -1)));
}

static void op_dup(void)
{
    static const struct named flags[] = {N(0), N(O_CLOEXEC), N(O_NONBLOCK)};
    begin("dup3");
    int fd = slot(), to = slot();
    if (to < 0)
        to = -1;
    end(call(SYS_dup3, fd, to, ONE(flags)));
    close(99);
}

static void op_memfd(void)
{
    static const struct named flags[] = {N(MFD_CLOEXEC), N(MFD_ALLOW_SEALING), N(MFD_ALLOW_SEALING),
                                         N(0x100)};
    int in = take_slot();
    begin("memfd_create");
    long fd = call(SYS_memfd_create, "differ", SOME(flags, 2));
    end(fd);
    keep(fd, in);
}

static void op_seal(void)
{
    static const struct named seals[] = {N(F_SEAL_SEAL),  N(F_SEAL_SHRINK),       N(F_SEAL_GROW),
                                         N(F_SEAL_WRITE), N(F_SEAL_FUTURE_WRITE), N(0x100)};
    begin("fcntl");
    int fd = slot();
    arg("F_ADD_SEALS");
    end(call(SYS_fcntl, fd, F_ADD_SEALS, SOME(seals, 2)));
    say(" seals=%ld", call(SYS_fcntl, fd, F_GET_SEALS));
}

static void op_sync(void)
{
    bool data = chance(50);
    begin(data ? "fdatasync" : "fsync");
    end(call(data ? SYS_fdatasync : SYS_fsync, slot()));
}

static void op_sync_range(void)
{
    begin("sync_file_range");
    int fd = slot();
    long at = offset_arg(), n = offset_arg();
    end(call(SYS_sync_file_range, fd, at, n, CHOOSE(0, 1, 2, 4, 7, 8)));
}

static void op_fadvise(void)
{
    begin("fadvise64");
    int fd = slot();
    long at = offset_arg(), n = offset_arg();
    end(call(SYS_fadvise64, fd, at, n, CHOOSE(0, 1, 2, 3, 4, 5, 6, -1)));
}

static void op_readahead(void)
{
    begin("readahead");
    int fd = slot();
    long at = offset_arg();
    end(call(SYS_readahead, fd, at, length_arg()));
}

static void op_fstat(void)
{
    struct stat st;
    begin("fstat");
    long r = call(SYS_fstat, slot(), &st);
    end(r);
    if (r == 0)
        show_stat(&st);
}

static void op_poll(void)
{
    struct pollfd fds[3];
    begin("poll");
    for (int i = 0; i < 3; i++)
        fds[i] = (struct pollfd){
            .fd = slot(),
            .events =
                (short)CHOOSE(POLLIN, POLLOUT, 0, POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM, -1)};
    end(call(SYS_poll, fds, 3, 0));
    say(" %#x %#x %#x", fds[0].revents, fds[1].revents, fds[2].revents);
}

static void op_ioctl(void)
{
    static const struct named some[] = {N(FIONREAD), N(FIOCLEX),           N(FIONCLEX), N(FIGETBSZ),
                                        N(FIBMAP),   N(FS_IOC_GETVERSION), N(0x1234)};
    int value = 0;
    begin("ioctl");
    int fd = slot();
    long r = call(SYS_ioctl, fd, ONE(some), &value);
    end(r);
    say(" %d", value);
}

const struct op data_ops[] = {
    {op_read, 8},       {op_write, 10},  {op_vector, 6},    {op_lseek, 8},  {op_truncate, 6},
    {op_fallocate, 6},  {op_copy, 4},    {op_sendfile, 4},  {op_splice, 6}, {op_tee, 2},
    {op_pipe, 2},       {op_flock, 5},   {op_lock, 8},      {op_setfl, 4},  {op_fcntl, 3},
    {op_pipe_size, 2},  {op_dup, 3},     {op_memfd, 2},     {op_seal, 3},   {op_sync, 1},
    {op_sync_range, 1}, {op_fadvise, 1}, {op_readahead, 1}, {op_fstat, 4},  {op_poll, 3},
    {op_ioctl, 2},      {NULL, 0},
};
