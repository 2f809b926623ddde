/* man 2 fgetxattr */
#include "abi.h"
#include <sys/socket.h>
#include <sys/xattr.h>

static void results(void)
{
    char value[8];
    int fd = file_with("file", "");

    if (setxattr("file", "user.a", "abc", 3, 0) != 0 && errno == EOPNOTSUPP)
        SKIP("this file system has none");
    NEED(getxattr("file", "user.a", NULL, 0) == 3);
    CHECK_EQ(CALL(fgetxattr, fd, "user.a", value, 8), 3);
    CHECK_ERRNO(CALL(fgetxattr, fd, "user.b", value, 8), ENODATA);
    CHECK_ERRNO(CALL(fgetxattr, BAD_FD, "user.a", value, 8), EBADF);
    CHECK_ERRNO(CALL(fgetxattr, open("file", O_PATH), "user.a", value, 8), EBADF);
}

/* Is the name among those that a list holds, each with its zero? A security module may add some. */
static bool lists(const char *list, long size, const char *name)
{
    for (const char *at = list; at < list + size; at += strlen(at) + 1)
        if (!strcmp(at, name))
            return true;
    return false;
}

/* A socket says what protocol it is of (strace -yy asks for that). */
static void sockets(void)
{
    static const struct {
        int family, type, protocol;
        const char *name;
    } kinds[] = {{AF_INET, SOCK_STREAM, 0, "TCP"},
                 {AF_INET, SOCK_DGRAM, 0, "UDP"},
                 {AF_INET6, SOCK_STREAM, 0, "TCPv6"},
                 {AF_INET6, SOCK_DGRAM, 0, "UDPv6"},
                 {AF_UNIX, SOCK_STREAM, 0, "UNIX-STREAM"},
                 {AF_UNIX, SOCK_DGRAM, 0, "UNIX"},
                 {AF_UNIX, SOCK_SEQPACKET, 0, "UNIX"},
                 {AF_NETLINK, SOCK_RAW, 0, "NETLINK"},
                 {AF_INET, SOCK_RAW, 1, "RAW"},
                 {AF_INET6, SOCK_RAW, 58, "RAWv6"},
                 {AF_PACKET, SOCK_RAW, 0, "PACKET"}};
    static const char attribute[] = "system.sockprotoname";

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        int fd = socket(kinds[i].family, kinds[i].type, kinds[i].protocol);
        long size = (long)strlen(kinds[i].name) + 1;
        char value[32] = "", list[256], path[40];

        if (fd < 0) {
            CHECK(kinds[i].family != AF_UNIX);
            continue; /* no such family, or no right to it */
        }
        CHECK_EQ(CALL(fgetxattr, fd, attribute, value, sizeof value), size);
        CHECK(!strcmp(value, kinds[i].name));
        CHECK_EQ(CALL(fgetxattr, fd, attribute, NULL, 0), size);
        CHECK_ERRNO(CALL(fgetxattr, fd, attribute, value, 2), ERANGE);
        CHECK_ERRNO(CALL(fgetxattr, fd, "system.other", value, 8), EOPNOTSUPP);
        CHECK_ERRNO(CALL(fgetxattr, fd, "user.a", value, 8), ENODATA);
        CHECK_ERRNO(CALL(fsetxattr, fd, attribute, "a", 1, 0), EOPNOTSUPP);
        CHECK_ERRNO(CALL(fremovexattr, fd, attribute), EOPNOTSUPP);
        long all = CALL(flistxattr, fd, list, sizeof list);
        CHECK(all >= (long)sizeof attribute && lists(list, all, attribute));
        CHECK_EQ(CALL(flistxattr, fd, NULL, 0), all);
        CHECK_ERRNO(CALL(flistxattr, fd, list, all - 1), ERANGE);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        CHECK_EQ(CALL(getxattr, path, attribute, value, sizeof value), size);
        close(fd);
    }
}

int main(void)
{
    enter_fresh_dir();
    promise("fgetxattr: results and errors", results);
    promise("fgetxattr: sockets name their protocol", sockets);
    return check_end();
}
