// args: @DATA@
/* Mapped files: private copies, shared writes, the end of the file, memfd, the image's files. */
#include "check.h"
#include "fault.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { PAGE = 4096 };

static const char *data_dir;

static int make_file(const char *name, size_t size, char fill)
{
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
    char block[PAGE];

    memset(block, fill, sizeof block);
    for (size_t done = 0; done < size;) {
        size_t part = size - done < PAGE ? size - done : PAGE;

        if (write(fd, block, part) != (ssize_t)part)
            return -1;
        done += part;
    }
    return fd;
}

static char *map_fd(int fd, size_t size, int flags)
{
    return mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);
}

static void private_copies(void)
{
    int fd = make_file("private", 3 * PAGE, 'a');
    char *one = map_fd(fd, 3 * PAGE, MAP_PRIVATE), *two = map_fd(fd, 3 * PAGE, MAP_PRIVATE);
    char byte;

    NEED(one != MAP_FAILED && two != MAP_FAILED);
    CHECK_EQ(one[PAGE], 'a');
    one[PAGE] = 'b';
    CHECK_EQ(two[PAGE], 'a');
    CHECK_EQ(pread(fd, &byte, 1, PAGE), 1);
    CHECK_EQ(byte, 'a');
    CHECK_EQ(one[PAGE + 1], 'a');
    CHECK_EQ(one[PAGE], 'b');
    munmap(one, 3 * PAGE);
    munmap(two, 3 * PAGE);
    close(fd);
}

static void shared_is_one(void)
{
    int fd = make_file("shared", 2 * PAGE, 'a');
    char *one = map_fd(fd, 2 * PAGE, MAP_SHARED), *two = map_fd(fd, 2 * PAGE, MAP_SHARED);
    char byte;

    NEED(one != MAP_FAILED && two != MAP_FAILED);
    one[10] = 'x';
    CHECK_EQ(two[10], 'x');
    CHECK_EQ(pread(fd, &byte, 1, 10), 1);
    CHECK_EQ(byte, 'x');
    CHECK_EQ(pwrite(fd, "y", 1, PAGE), 1);
    CHECK_EQ(one[PAGE], 'y');
    CHECK_EQ(msync(one, 2 * PAGE, MS_SYNC), 0);
    close(fd); /* a mapping outlives its descriptor */
    one[11] = 'z';
    CHECK_EQ(two[11], 'z');
    munmap(one, 2 * PAGE);
    munmap(two, 2 * PAGE);
}

static void private_sees_writes_until_copied(void)
{
    int fd = make_file("seen", PAGE, 'a');
    char *at = map_fd(fd, PAGE, MAP_PRIVATE);

    CHECK_EQ(at[0], 'a');
    CHECK_EQ(pwrite(fd, "q", 1, 0), 1);
    CHECK_EQ(at[0], 'q'); /* as on Linux: the page is the file's until it is written */
    at[1] = 'w';
    CHECK_EQ(pwrite(fd, "r", 1, 0), 1);
    CHECK_EQ(at[0], 'q');
    munmap(at, PAGE);
    close(fd);
}

static void shared_anonymous(void)
{
    char *at = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char *copy;

    NEED(at != MAP_FAILED);
    CHECK_EQ(at[5], 0);
    at[5] = 1;
    copy = mremap(at, 0, 4 * PAGE, MREMAP_MAYMOVE); /* size 0 duplicates a shared mapping */
    NEED(copy != MAP_FAILED);
    CHECK_EQ(copy[5], 1);
    copy[6] = 2;
    CHECK_EQ(at[6], 2);
    munmap(copy, 4 * PAGE);
    munmap(at, 4 * PAGE);
}

static void end_of_file(void)
{
    int fd = make_file("short", PAGE + 100, 'e');
    char *at = map_fd(fd, 3 * PAGE, MAP_SHARED);
    siginfo_t info;

    CHECK_EQ(at[PAGE + 99], 'e');
    CHECK_EQ(at[PAGE + 100], 0);
    CHECK_EQ(at[2 * PAGE - 1], 0);
    CHECK_EQ(catch_fault(touch_read, at + 2 * PAGE, &info), SIGBUS);
    CHECK_EQ(info.si_code, BUS_ADRERR);
    CHECK(info.si_addr == at + 2 * PAGE);
    CHECK_EQ(ftruncate(fd, 3 * PAGE), 0);
    CHECK_EQ(catch_fault(touch_read, at + 2 * PAGE, NULL), 0);
    CHECK_EQ(at[2 * PAGE], 0);
    CHECK_EQ(ftruncate(fd, 10), 0);
    CHECK_EQ(catch_fault(touch_read, at + PAGE, NULL), SIGBUS);
    CHECK_EQ(at[9], 'e');
    CHECK_EQ(at[10], 0);
    munmap(at, 3 * PAGE);
    close(fd);
}

static void permissions(void)
{
    int fd = make_file("perm", PAGE, 'a');
    int reader = open("perm", O_RDONLY), writer = open("perm", O_WRONLY);

    CHECK_ERRNO((long)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, reader, 0), EACCES);
    CHECK_ERRNO((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, writer, 0), EACCES);
    CHECK_ERRNO((long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 1), EINVAL);
    CHECK((long)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, reader, 0) != -1);
    char *at = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, reader, 0);
    CHECK_ERRNO(mprotect(at, PAGE, PROT_READ | PROT_WRITE), EACCES);
    munmap(at, PAGE);
    close(reader);
    close(writer);
    close(fd);
    fd = open("/tmp", O_RDONLY | O_DIRECTORY);
    CHECK_ERRNO((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0), ENODEV);
    close(fd);
}

static void read_into_mapping(void)
{
    int fd = make_file("self", 4 * PAGE, 's');
    char *at = map_fd(fd, 4 * PAGE, MAP_SHARED);

    memset(at, 't', PAGE);
    CHECK_EQ(pread(fd, at + PAGE, PAGE, 0), PAGE); /* from the file into itself */
    CHECK_EQ(at[PAGE + 5], 't');
    CHECK_EQ(pwrite(fd, at + 2 * PAGE, PAGE, 0), PAGE);
    CHECK_EQ(at[7], 's');
    munmap(at, 4 * PAGE);
    close(fd);
}

static void memfd(void)
{
    int fd = memfd_create("name", MFD_CLOEXEC);
    char *at;

    NEED(fd >= 0);
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    CHECK_EQ(ftruncate(fd, 2 * PAGE), 0);
    at = map_fd(fd, 2 * PAGE, MAP_SHARED);
    NEED(at != MAP_FAILED);
    strcpy(at, "shared by memfd");
    char text[16];
    CHECK_EQ(pread(fd, text, 16, 0), 16);
    CHECK(strcmp(text, "shared by memfd") == 0);
    munmap(at, 2 * PAGE);
    close(fd);
    CHECK_ERRNO(memfd_create("x", 0x8000), EINVAL);
}

/* A file of the image is mapped in place: a private write must not reach the image. */
static void image_file(void)
{
    char path[512];
    int fd;
    char *one, *two;

    snprintf(path, sizeof path, "%s/pages", data_dir);
    fd = open(path, O_RDONLY);
    NEED(fd >= 0);
    one = map_fd(fd, 3 * PAGE, MAP_PRIVATE);
    two = map_fd(fd, 3 * PAGE, MAP_PRIVATE);
    NEED(one != MAP_FAILED && two != MAP_FAILED);
    CHECK_EQ(one[0], 'A');
    CHECK_EQ(one[PAGE], 'B');
    CHECK_EQ(one[2 * PAGE], 'C'); /* the tail: 100 bytes, then zeros */
    CHECK_EQ(one[2 * PAGE + 99], 'C');
    CHECK_EQ(one[2 * PAGE + 100], 0);
    one[PAGE] = '!';
    CHECK_EQ(two[PAGE], 'B');
    munmap(one, 3 * PAGE);
    one = map_fd(fd, 3 * PAGE, MAP_PRIVATE);
    CHECK_EQ(one[PAGE], 'B');
    munmap(one, 3 * PAGE);
    one = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, PAGE);
    CHECK_EQ(one[0], 'B');
    munmap(one, PAGE);
    munmap(two, 3 * PAGE);
    close(fd);
}

static void own_executable(void)
{
    int fd = open("/proc/self/exe", O_RDONLY);
    struct stat st;
    char *at;

    NEED(fd >= 0);
    NEED(fstat(fd, &st) == 0);
    at = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    NEED(at != MAP_FAILED);
    CHECK(memcmp(at, "\177ELF", 4) == 0);
    CHECK_EQ(munmap(at, st.st_size), 0);
    close(fd);
}

int main(int argc, char **argv)
{
    data_dir = argc > 1 ? argv[1] : "tests/guest/data";
    promise("a file of the image can be mapped; private writes stay private", image_file);
    promise("the executable can be mapped through /proc/self/exe", own_executable);
    enter_fresh_dir();
    promise("MAP_PRIVATE copies on write", private_copies);
    promise("MAP_SHARED is one memory with the file", shared_is_one);
    promise("MAP_PRIVATE shows the file until written", private_sees_writes_until_copied);
    promise("shared anonymous memory can be doubled by mremap", shared_anonymous);
    promise("beyond the end of the file: zeros, then SIGBUS", end_of_file);
    promise("mappings keep to how the file was opened", permissions);
    promise("read and write with a buffer mapped from the same file", read_into_mapping);
    promise("memfd_create makes a file that can be mapped", memfd);
    return check_end();
}
