// cpus: 2
// libc: glibc musl
/* Regular files: open flags, reading, writing, seeking, sizes. In a tmpfs inside Osprey. */
#include "check.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static int create(const char *name, const char *text)
{
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);

    if (fd >= 0 && write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        CHECK(0);
    return fd;
}

static void open_flags(void)
{
    char text[16] = "";
    struct stat st;
    int fd;

    CHECK_ERRNO(open("absent", O_RDONLY), ENOENT);
    CHECK_ERRNO(open("absent/file", O_RDONLY | O_CREAT, 0600), ENOENT);
    CHECK_ERRNO(open("", O_RDONLY), ENOENT);
    fd = open("flags", O_WRONLY | O_CREAT | O_EXCL, 0640);
    NEED(fd >= 0);
    CHECK_EQ(fstat(fd, &st), 0);
    CHECK_EQ(st.st_mode, S_IFREG | 0640);
    CHECK_EQ(write(fd, "hello", 5), 5);
    CHECK_ERRNO(read(fd, text, 1), EBADF);
    close(fd);
    CHECK_ERRNO(open("flags", O_WRONLY | O_CREAT | O_EXCL, 0640), EEXIST);
    CHECK_ERRNO(open("flags/below", O_RDONLY), ENOTDIR);
    CHECK_ERRNO(open("flags", O_RDONLY | O_DIRECTORY), ENOTDIR);
    CHECK_ERRNO(open(".", O_WRONLY), EISDIR);
    CHECK_ERRNO(open(".", O_RDWR | O_CREAT, 0600), EISDIR);
    fd = open("flags", O_RDONLY);
    CHECK_ERRNO(write(fd, "x", 1), EBADF);
    CHECK_EQ(fcntl(fd, F_GETFD), 0);
    close(fd);
    fd = open("flags", O_WRONLY | O_APPEND | O_CLOEXEC);
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
    CHECK_EQ(write(fd, "!", 1), 1);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 6);
    close(fd);
    fd = open("flags", O_RDWR | O_TRUNC);
    CHECK_EQ(fstat(fd, &st), 0);
    CHECK_EQ(st.st_size, 0);
    close(fd);
    fd = open("flags", O_PATH);
    CHECK_ERRNO(read(fd, text, 1), EBADF);
    CHECK_EQ(fstat(fd, &st), 0);
    close(fd);
    CHECK_ERRNO(close(fd), EBADF);
    CHECK_ERRNO(open("/tmp", O_TMPFILE | O_RDONLY, 0600), EINVAL);
}

static void umask_applies(void)
{
    struct stat st;
    mode_t old = umask(027);

    close(open("masked", O_WRONLY | O_CREAT, 0666));
    CHECK_EQ(stat("masked", &st), 0);
    CHECK_EQ(st.st_mode & 0777, 0640);
    CHECK_EQ(umask(old), 027);
    CHECK_EQ(chmod("masked", 04755), 0);
    CHECK_EQ(stat("masked", &st), 0);
    CHECK_EQ(st.st_mode & 07777, 04755);
}

static void positions(void)
{
    int fd = create("positions", "0123456789"), copy;
    char text[16] = "";

    NEED(fd >= 0);
    CHECK_EQ(lseek(fd, -3, SEEK_END), 7);
    CHECK_EQ(read(fd, text, 10), 3);
    CHECK(memcmp(text, "789", 3) == 0);
    CHECK_EQ(read(fd, text, 10), 0);
    CHECK_EQ(pread(fd, text, 3, 2), 3);
    CHECK(memcmp(text, "234", 3) == 0);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), 10);
    CHECK_EQ(pwrite(fd, "AB", 2, 4), 2);
    CHECK_EQ(pread(fd, text, 16, 0), 10);
    CHECK(memcmp(text, "0123AB6789", 10) == 0);
    CHECK_ERRNO(lseek(fd, -1, SEEK_SET), EINVAL);
    CHECK_ERRNO(lseek(fd, 0, 99), EINVAL);
    CHECK_ERRNO(pread(fd, text, 1, -1), EINVAL);
    copy = dup(fd);
    lseek(fd, 5, SEEK_SET);
    CHECK_EQ(lseek(copy, 0, SEEK_CUR), 5); /* a dup shares the position */
    close(copy);
    copy = open("positions", O_RDONLY);
    CHECK_EQ(lseek(copy, 0, SEEK_CUR), 0);
    close(copy);
    CHECK_EQ(read(fd, text, 0), 0);
    close(fd);
}

static void holes(void)
{
    int fd = open("holes", O_RDWR | O_CREAT | O_TRUNC, 0600);
    char text[100];
    struct stat st;

    CHECK_EQ(pwrite(fd, "start", 5, 0), 5);
    CHECK_EQ(pwrite(fd, "end", 3, 8 << 20), 3);
    CHECK_EQ(fstat(fd, &st), 0);
    CHECK_EQ(st.st_size, (8 << 20) + 3);
    CHECK(st.st_blocks * 512 < 1 << 20);
    CHECK_EQ(pread(fd, text, 100, 4 << 20), 100);
    for (int i = 0; i < 100; i++)
        CHECK_EQ(text[i], 0);
    off_t hole = lseek(fd, 0, SEEK_HOLE);
    CHECK(hole > 0 && hole <= 8 << 20);
    CHECK_EQ(lseek(fd, hole, SEEK_DATA), 8 << 20);
    CHECK_EQ(lseek(fd, 8 << 20, SEEK_HOLE), (8 << 20) + 3);
    CHECK_ERRNO(lseek(fd, 9 << 20, SEEK_DATA), ENXIO);
    CHECK_ERRNO(lseek(fd, 9 << 20, SEEK_HOLE), ENXIO);
    CHECK_EQ(ftruncate(fd, 0), 0);
    CHECK_EQ(pwrite(fd, "start", 5, 0), 5);
    CHECK_EQ(ftruncate(fd, 1 << 20), 0);
    CHECK_ERRNO(lseek(fd, 1 << 16, SEEK_DATA), ENXIO);
    CHECK_EQ(lseek(fd, 1 << 16, SEEK_HOLE), 1 << 16);
    close(fd);
}

static void truncation(void)
{
    int fd = create("trunc", "0123456789");
    char text[16];
    struct stat st;

    CHECK_EQ(ftruncate(fd, 4), 0);
    CHECK_EQ(ftruncate(fd, 8), 0);
    CHECK_EQ(pread(fd, text, 16, 0), 8);
    CHECK(memcmp(text, "0123\0\0\0\0", 8) == 0);
    CHECK_EQ(truncate("trunc", 100000), 0);
    CHECK_EQ(fstat(fd, &st), 0);
    CHECK_EQ(st.st_size, 100000);
    CHECK_ERRNO(ftruncate(fd, -1), EINVAL);
    CHECK_ERRNO(truncate(".", 0), EISDIR);
    CHECK_ERRNO(truncate("absent", 0), ENOENT);
    close(fd);
    fd = open("trunc", O_RDONLY);
    CHECK_ERRNO(ftruncate(fd, 0), EINVAL);
    close(fd);
}

static void vectors(void)
{
    int fd = open("vectors", O_RDWR | O_CREAT | O_TRUNC, 0600);
    char a[4] = "", b[8] = "";
    struct iovec out[3] = {{"one", 3}, {NULL, 0}, {"three", 5}};
    struct iovec in[2] = {{a, 3}, {b, 8}};

    CHECK_EQ(writev(fd, out, 3), 8);
    CHECK_EQ(preadv(fd, in, 2, 0), 8);
    CHECK(memcmp(a, "one", 3) == 0 && memcmp(b, "three", 5) == 0);
    CHECK_EQ(pwritev(fd, out, 1, 8), 3);
    CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
    CHECK_EQ(readv(fd, in, 2), 11);
    CHECK_ERRNO(readv(fd, in, -1), EINVAL);
    CHECK_ERRNO(readv(fd, in, 1025), EINVAL);
    CHECK_EQ(readv(fd, in, 0), 0);
    in[0].iov_len = in[1].iov_len = (size_t)1 << 63;
    CHECK_ERRNO(readv(fd, in, 2), EINVAL);
    close(fd);
}

static void large_data(void)
{
    enum { N = 5 << 20 };
    unsigned char *data = malloc(N), *back = malloc(N);
    int fd = open("large", O_RDWR | O_CREAT | O_TRUNC, 0600);
    uint32_t x = 1;

    for (int i = 0; i < N; i++)
        data[i] = (unsigned char)((x = x * 1664525 + 1013904223) >> 24);
    for (size_t done = 0; done < N;) { /* odd sizes cross every page boundary */
        size_t part = N - done < 12347 ? N - done : 12347;

        NEED(write(fd, data + done, part) == (ssize_t)part);
        done += part;
    }
    CHECK_EQ(pread(fd, back, N, 0), N);
    CHECK(memcmp(data, back, N) == 0);
    memset(back, 0, N);
    for (size_t done = 0; done < N;) {
        ssize_t n = pread(fd, back + done, 4093, (off_t)done);

        NEED(n > 0);
        done += (size_t)n;
    }
    CHECK(memcmp(data, back, N) == 0);
    close(fd);
    unlink("large");
    free(data);
    free(back);
}

static void unlinked_lives_on(void)
{
    int fd = create("doomed", "still here");
    char text[16] = "";
    struct stat st;

    CHECK_EQ(unlink("doomed"), 0);
    CHECK_ERRNO(access("doomed", F_OK), ENOENT);
    CHECK_EQ(fstat(fd, &st), 0);
    CHECK_EQ(st.st_nlink, 0);
    CHECK_EQ(pread(fd, text, 16, 0), 10);
    CHECK(strcmp(text, "still here") == 0);
    CHECK_EQ(write(fd, "!", 1), 1);
    close(fd);
    fd = open(".", O_TMPFILE | O_RDWR, 0600);
    NEED(fd >= 0);
    CHECK_EQ(write(fd, "tmp", 3), 3);
    CHECK_EQ(fstat(fd, &st), 0);
    CHECK_EQ(st.st_nlink, 0);
    close(fd);
}

static void allocation(void)
{
    int fd = create("alloc", "abc");
    struct stat st;
    char text[8];

    CHECK_EQ(fallocate(fd, 0, 0, 10000), 0);
    CHECK_EQ(fstat(fd, &st), 0);
    CHECK_EQ(st.st_size, 10000);
    CHECK_EQ(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 50000), 0);
    CHECK_EQ(fstat(fd, &st), 0);
    CHECK_EQ(st.st_size, 10000);
    CHECK_EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1, 2), 0);
    CHECK_EQ(pread(fd, text, 3, 0), 3);
    CHECK(memcmp(text, "a\0\0", 3) == 0);
    CHECK_ERRNO(fallocate(fd, 0, -1, 10), EINVAL);
    CHECK_ERRNO(fallocate(fd, 0, 0, 0), EINVAL);
    CHECK_EQ(fsync(fd), 0);
    CHECK_EQ(fdatasync(fd), 0);
    close(fd);
}

/* Nothing to write is not an error: a file or folder that is only read, as libraries do it. */
static void sync_of_readers(void)
{
    static const char *const places[] = {"/etc", "/etc/passwd", "."};
    for (int i = 0; i < 3; i++) {
        int fd = open(places[i], O_RDONLY);
        NEED(fd >= 0);
        CHECK_EQ(fsync(fd), 0);
        CHECK_EQ(fdatasync(fd), 0);
        close(fd);
    }
    int fd = open("/dev/null", O_RDWR);
    CHECK_ERRNO(fsync(fd), EINVAL);
    close(fd);
}

static void times(void)
{
    struct timespec set[2] = {{1000000, 123456789}, {2000000, 987654321}};
    struct stat before, after;
    int fd = create("times", "x");

    CHECK_EQ(futimens(fd, set), 0);
    CHECK_EQ(fstat(fd, &before), 0);
    CHECK_EQ(before.st_atim.tv_sec, 1000000);
    CHECK_EQ(before.st_mtim.tv_nsec, 987654321);
    CHECK_EQ(write(fd, "y", 1), 1);
    CHECK_EQ(fstat(fd, &after), 0);
    CHECK(after.st_mtim.tv_sec > 1000000000);
    set[0].tv_nsec = UTIME_OMIT;
    set[1].tv_nsec = UTIME_NOW;
    CHECK_EQ(utimensat(AT_FDCWD, "times", set, 0), 0);
    set[1].tv_nsec = 1000000000;
    CHECK_ERRNO(utimensat(AT_FDCWD, "times", set, 0), EINVAL);
    close(fd);
}

static void *append_lines(void *arg)
{
    int fd = open("appended", O_WRONLY | O_APPEND);
    char line[32];

    snprintf(line, sizeof line, "%ld: twenty-three chars\n", (long)arg);
    for (int i = 0; i < 500; i++)
        if (write(fd, line, strlen(line)) != (ssize_t)strlen(line))
            CHECK(0);
    close(fd);
    return NULL;
}

static void appends_do_not_mix(void)
{
    pthread_t threads[4];
    char line[64];
    int lines = 0;
    FILE *file;

    close(open("appended", O_WRONLY | O_CREAT | O_TRUNC, 0600));
    for (long i = 0; i < 4; i++)
        NEED(pthread_create(&threads[i], NULL, append_lines, (void *)i) == 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    file = fopen("appended", "r");
    while (fgets(line, sizeof line, file)) {
        lines++;
        NEED(strcmp(line + 1, ": twenty-three chars\n") == 0);
    }
    fclose(file);
    CHECK_EQ(lines, 2000);
}

static void descriptors(void)
{
    struct rlimit limit;
    int a = create("fds", "x"), b;

    b = dup2(a, 100);
    CHECK_EQ(b, 100);
    CHECK_EQ(dup2(a, a), a);
    CHECK_ERRNO(dup3(a, a, 0), EINVAL);
    CHECK_EQ(dup3(a, 101, O_CLOEXEC), 101);
    CHECK_EQ(fcntl(101, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(fcntl(a, F_DUPFD, 200), 200);
    CHECK_EQ(fcntl(a, F_DUPFD_CLOEXEC, 200), 201);
    CHECK_EQ(fcntl(201, F_GETFD), FD_CLOEXEC);
    CHECK_ERRNO(dup(999), EBADF);
    CHECK_ERRNO(dup2(a, -1), EBADF);
    CHECK_ERRNO(fcntl(a, F_DUPFD, -1), EINVAL);
    CHECK_ERRNO(fcntl(a, 9999), EINVAL);
    CHECK_EQ(fcntl(a, F_GETFL) & O_ACCMODE, O_RDWR);
    CHECK_EQ(fcntl(a, F_SETFL, O_APPEND | O_NONBLOCK), 0);
    CHECK_EQ(fcntl(100, F_GETFL) & (O_APPEND | O_NONBLOCK), O_APPEND | O_NONBLOCK);
    CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    CHECK_ERRNO(dup2(a, (int)limit.rlim_cur), EBADF);
    for (int fd = 100; fd < 202; fd++)
        close(fd);
    b = dup(a);
    CHECK(b > a);
    close(a);
    CHECK_EQ(dup(b), a); /* the lowest free number */
    close(a);
    close(b);
}

static void close_ranges(void)
{
    int a = create("range", "x");

    for (int fd = 300; fd < 310; fd++)
        CHECK_EQ(dup2(a, fd), fd);
    CHECK_EQ(syscall(SYS_close_range, 302, 305, 0), 0);
    CHECK_EQ(fcntl(301, F_GETFD), 0);
    CHECK_ERRNO(fcntl(302, F_GETFD), EBADF);
    CHECK_ERRNO(fcntl(305, F_GETFD), EBADF);
    CHECK_EQ(syscall(SYS_close_range, 306, ~0u, 4 /* CLOSE_RANGE_CLOEXEC */), 0);
    CHECK_EQ(fcntl(309, F_GETFD), FD_CLOEXEC);
    CHECK_ERRNO(syscall(SYS_close_range, 5, 4, 0), EINVAL);
    CHECK_EQ(syscall(SYS_close_range, 300, ~0u, 0), 0);
    close(a);
}

static void limit_of_descriptors(void)
{
    struct rlimit old, low;
    int fds[64], n = 0;

    getrlimit(RLIMIT_NOFILE, &old);
    low = old;
    low.rlim_cur = 32;
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
    while (n < 64 && (fds[n] = open("/dev/null", O_RDONLY)) >= 0)
        n++;
    CHECK(n < 32);
    CHECK_EQ(errno, EMFILE);
    while (n > 0)
        close(fds[--n]);
    setrlimit(RLIMIT_NOFILE, &old);
}

static void copies(void)
{
    int from = create("from", "copy these bytes"), to = create("to", "");
    char text[32] = "";
    off_t in = 5, out = 0;

    CHECK_EQ(copy_file_range(from, &in, to, &out, 5, 0), 5);
    CHECK_EQ(in, 10);
    CHECK_EQ(pread(to, text, 32, 0), 5);
    CHECK(memcmp(text, "these", 5) == 0);
    close(from);
    close(to);
}

static void send_file(void)
{
    int from = create("sfrom", "0123456789"), fds[2];
    char text[32] = "";
    off_t at = 3;

    NEED(pipe(fds) == 0);
    CHECK_EQ(sendfile(fds[1], from, &at, 4), 4);
    CHECK_EQ(at, 7);
    CHECK_EQ(read(fds[0], text, 32), 4);
    CHECK(memcmp(text, "3456", 4) == 0);
    close(from);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    enter_fresh_dir();
    promise("open obeys its flags", open_flags);
    promise("umask and chmod", umask_applies);
    promise("positions: lseek, pread, pwrite, dup", positions);
    promise("holes read as zero and are found by lseek", holes);
    promise("truncate cuts and lengthens", truncation);
    promise("readv, writev and their kin", vectors);
    promise("5 MiB come back as written", large_data);
    promise("an unlinked file lives while it is open", unlinked_lives_on);
    promise("fallocate, fsync", allocation);
    promise("fsync of what is only read", sync_of_readers);
    promise("utimensat sets times, a write updates them", times);
    promise("appends of four threads do not mix", appends_do_not_mix);
    promise("dup, dup2, dup3, fcntl", descriptors);
    promise("close_range", close_ranges);
    promise("RLIMIT_NOFILE is enforced", limit_of_descriptors);
    promise("copy_file_range", copies);
    promise("sendfile to a pipe", send_file);
    return check_end();
}
