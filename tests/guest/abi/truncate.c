/* man 2 truncate */
#include "abi.h"
#include <signal.h>
#include <sys/resource.h>

static void results(void)
{
    struct stat st;
    char text[8] = "xxxxxxx";

    close(file_with("file", "0123456789"));
    CHECK_EQ(CALL(truncate, "file", 3), 0);
    CHECK(stat("file", &st) == 0 && st.st_size == 3);
    CHECK_EQ(CALL(truncate, "file", 6), 0); /* zeros, not what was there */
    CHECK_EQ(read(open("file", O_RDONLY), text, 8), 6);
    CHECK(memcmp(text, "012\0\0\0x", 7) == 0);
    CHECK_EQ(symlink("file", "link"), 0);
    CHECK_EQ(CALL(truncate, "link", 0), 0);
    CHECK(stat("file", &st) == 0 && st.st_size == 0);
}

static void errors(void)
{
    CHECK_ERRNO(CALL(truncate, "absent", 0), ENOENT);
    CHECK_ERRNO(CALL(truncate, ".", 0), EISDIR);
    CHECK_ERRNO(CALL(truncate, "file", -1l), EINVAL);
    CHECK_ERRNO(CALL(truncate, BAD, 0), EFAULT);
    CHECK_ERRNO(CALL(truncate, "file/x", 0), ENOTDIR);
    CHECK_EQ(mkfifo("fifo", 0600), 0);
    CHECK_ERRNO(CALL(truncate, "fifo", 0), EINVAL);
}

static void limits(void)
{
    struct rlimit limit = {100, 100};

    signal(SIGXFSZ, SIG_IGN);
    CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    CHECK_EQ(CALL(truncate, "file", 100), 0);
    CHECK_ERRNO(CALL(truncate, "file", 101), EFBIG);
    chmod(".", 0755);
    become_nobody();
    CHECK_ERRNO(CALL(truncate, "file", 0), EACCES);
}

int main(void)
{
    enter_fresh_dir();
    promise("truncate: results", results);
    promise("truncate: errors", errors);
    promise_apart("truncate keeps to limits and permissions", limits);
    return check_end();
}
