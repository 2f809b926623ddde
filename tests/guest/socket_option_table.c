// cpus: 1
/* What setsockopt(2) and getsockopt(2) answer for every option of Linux 6.1 on each kind of socket,
 * as socket_option_table.h has it. Called with an argument it prints what that table is made of. */
#include "check.h"
#include "quiet_net.h"
#include <net/if.h>
#include <sys/socket.h>

static const struct kind {
    const char *name;
    int family, type, protocol;
} kinds[] = {
    {"tcp4", AF_INET, SOCK_STREAM, 0},  {"tcp6", AF_INET6, SOCK_STREAM, 0},
    {"udp4", AF_INET, SOCK_DGRAM, 0},   {"udp6", AF_INET6, SOCK_DGRAM, 0},
    {"raw4", AF_INET, SOCK_RAW, 1},     {"raw6", AF_INET6, SOCK_RAW, 58},
    {"unix", AF_UNIX, SOCK_STREAM, 0},  {"unixd", AF_UNIX, SOCK_DGRAM, 0},
    {"packet", AF_PACKET, SOCK_RAW, 0}, {"netlink", AF_NETLINK, SOCK_RAW, 0},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* One character for each call, in the order of results_of(): `.` it worked, else a letter for the
 * errno; the last is what is read after 1 was set (`*`: more than a digit, `-`: nothing). kinds: a
 * bit for each that answers so. */
static const struct row {
    uint16_t kinds, level, name;
    char results[18];
} rows[] = {
#include "socket_option_table.h"
};

static char letter(int result)
{
    static const struct {
        int number;
        char letter;
    } letters[] = {{ENOPROTOOPT, 'P'},   {EINVAL, 'I'},   {EPERM, 'E'},   {EOPNOTSUPP, 'O'},
                   {ENODEV, 'D'},        {ENOTCONN, 'C'}, {ENOBUFS, 'B'}, {EPROTO, 'T'},
                   {EADDRNOTAVAIL, 'A'}, {ENOENT, 'N'},   {ENODATA, 'd'}, {EDOM, 'M'},
                   {EMSGSIZE, 'm'},      {EFAULT, 'F'}};

    if (result >= 0)
        return '.';
    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++)
        if (letters[i].number == errno)
            return letters[i].letter;
    return '?';
}

static int open_kind(const struct kind *kind)
{
    return socket(kind->family, kind->type, kind->protocol);
}

/* A socket on which nothing has been set yet; done_with(): has something? */
static int unused[KINDS];

static int fresh(const struct kind *kind)
{
    int *fd = &unused[kind - kinds];

    if (*fd <= 0)
        *fd = open_kind(kind);
    return *fd;
}

static void done_with(const struct kind *kind, char result)
{
    if (result == '.') {
        close(unused[kind - kinds]);
        unused[kind - kinds] = 0;
    }
}

static char get_result(const struct kind *kind, int level, int name, socklen_t len)
{
    char value[64] = "";

    return letter(getsockopt(fresh(kind), level, name, value, &len));
}

static char set_result(const struct kind *kind, int level, int name, int number, socklen_t len,
                       char *read_back)
{
    int value[16] = {number}, got = 0;
    socklen_t size = sizeof got;
    int fd = fresh(kind);
    char result = letter(setsockopt(fd, level, name, value, len));

    if (read_back)
        *read_back = result != '.' || getsockopt(fd, level, name, &got, &size) ? '-'
                     : got < 0 || got > 9                                      ? '*'
                                                                               : (char)('0' + got);
    done_with(kind, result);
    return result;
}

static void results_of(const struct kind *kind, int level, int name, char results[18])
{
    static const int numbers[] = {0, 1, -1, 2, 3, 7, 255, 256, 65536};
    static const socklen_t lengths[] = {0, 1, 4, 64};
    char *to = results, read_back = '-';

    for (int i = 0; i < 4; i++)
        *to++ = get_result(kind, level, name, lengths[i]);
    for (int i = 0; i < 9; i++)
        *to++ = set_result(kind, level, name, numbers[i], 4, i == 1 ? &read_back : NULL);
    *to++ = set_result(kind, level, name, 1, 0, NULL);
    *to++ = set_result(kind, level, name, 1, 1, NULL);
    *to++ = set_result(kind, level, name, 0, 64, NULL);
    *to++ = read_back;
    *to = 0;
}

static void check_rows(void)
{
    char results[18];
    struct utsname system;
    int fd = open_kind(&kinds[8]), one = 1;

    if (fd < 0)
        SKIP("needs CAP_NET_RAW");
    bool may = setsockopt(fd, SOL_SOCKET, SO_DEBUG, &one, sizeof one) == 0;
    close(fd);
    if (!may)
        SKIP("needs CAP_NET_ADMIN");
    NEED(uname(&system) == 0);
    if (!inside_osprey()) { /* others know more options, or fewer */
        if (strncmp(system.release, "6.1.", 4) && strncmp(system.release, "6.18.", 5))
            SKIP("the table is that of Linux 6.1 and 6.18");
        fd = open_kind(&kinds[1]);
        close(fd);
        if (fd < 0)
            SKIP("no IPv6 here");
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int k = 0; k < KINDS; k++) {
            if (!(rows[i].kinds >> k & 1))
                continue;
            results_of(&kinds[k], rows[i].level, rows[i].name, results);
            if (!CHECK(strcmp(results, rows[i].results) == 0))
                printf("# %s level %d option %d: %s, not %s\n", kinds[k].name, rows[i].level,
                       rows[i].name, results, rows[i].results);
        }
}

static void print_all(void)
{
    static const struct {
        int level, most;
    } levels[] = {{1, 75},  {0, 50}, {41, 80},  {6, 37},  {17, 104},
                  {255, 8}, {58, 4}, {263, 24}, {270, 12}};
    char results[18];

    for (size_t l = 0; l < sizeof levels / sizeof levels[0]; l++)
        for (int name = 0; name <= levels[l].most; name++)
            for (int k = 0; k < KINDS; k++) {
                results_of(&kinds[k], levels[l].level, name, results);
                printf("%d %d %d %s\n", levels[l].level, name, k, results);
            }
}

int main(int argc, char **argv)
{
    quiet_net();
    if (argc > 1 && !strcmp(argv[1], "print")) {
        print_all();
        return 0;
    }
    promise("every option answers as it should", check_rows);
    return check_end();
}
