/* A wire between two network interfaces that is as bad as it is told to be: it loses, reorders,
 * duplicates, delays and damages Ethernet frames, by a seed. It looks at nothing and changes
 * nothing but the one bit of a frame that it damages.
 *
 * relay [OPTION]... END END
 *   END             tap:NAME     a tap device, which is made
 *                   packet:NAME  an interface that is there (QEMU's tap)
 *   --seed N        the same decisions for the same frames (default 1)
 *   --loss P, --reorder P, --duplicate P, --corrupt P
 *                   so many of a hundred frames, each way
 *   --delay MS      every frame, each way
 *   --queue N       frames that may be under way each way (default 20000); more are lost
 *   --ready FILE    is made when both ends are open
 *
 * Ends by SIGTERM or SIGINT and says what it did. Whatever arrives in one order leaves in that
 * order, except for what is reordered: that comes 1 to 8 ms late. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FRAME_MAX = 65536 + 64, PER_HUNDRED = 1000000 };

struct frame {
    uint64_t due; /* nanoseconds */
    uint64_t number;
    unsigned len;
    uint8_t *bytes;
};

/* One way: frames from one end on their way to the other, a heap with the earliest first. */
struct way {
    int from, to;
    uint64_t state; /* of the random numbers */
    uint64_t numbered, seen, lost, reordered, duplicated, corrupted, overrun, passed;
    struct frame *heap;
    unsigned n;
};

static unsigned loss, reorder, duplicate, corrupt; /* parts of PER_HUNDRED */
static uint64_t delay_ns;
static unsigned queue_max = 20000;
static volatile sig_atomic_t stopped;

static void stop(int signal)
{
    stopped = signal;
}

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t number(struct way *way) /* splitmix64 */
{
    uint64_t z = way->state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static bool chance(struct way *way, unsigned parts)
{
    return number(way) % PER_HUNDRED < parts;
}

/* --- the two ends */

static int open_tap(const char *name)
{
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);

    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0)
        die(name);
    return fd;
}

static int open_packet(const char *name)
{
    struct sockaddr_ll address = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(ETH_P_ALL),
        .sll_ifindex = (int)if_nametoindex(name),
    };
    struct packet_mreq all = {.mr_ifindex = address.sll_ifindex, .mr_type = PACKET_MR_PROMISC};
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL)), size = 16 << 20, on = 1;

    if (fd < 0 || !address.sll_ifindex ||
        bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        die(name);
    setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all));
    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
    return fd;
}

static int open_end(const char *end)
{
    if (strncmp(end, "tap:", 4) == 0)
        return open_tap(end + 4);
    if (strncmp(end, "packet:", 7) == 0)
        return open_packet(end + 7);
    fprintf(stderr, "relay: %s: tap:NAME or packet:NAME\n", end);
    exit(2);
}

/* --- frames under way */

static bool earlier(const struct frame *a, const struct frame *b)
{
    return a->due != b->due ? a->due < b->due : a->number < b->number;
}

static void swap(struct frame *a, struct frame *b)
{
    struct frame c = *a;

    *a = *b;
    *b = c;
}

static void enqueue(struct way *way, const uint8_t *bytes, unsigned len, uint64_t due)
{
    unsigned i = way->n;

    if (way->n == queue_max) {
        way->overrun++;
        return;
    }
    way->n++;
    way->heap[i] = (struct frame){due, way->numbered++, len, malloc(len)};
    if (!way->heap[i].bytes)
        die("memory");
    memcpy(way->heap[i].bytes, bytes, len);
    for (; i && earlier(&way->heap[i], &way->heap[(i - 1) / 2]); i = (i - 1) / 2)
        swap(&way->heap[i], &way->heap[(i - 1) / 2]);
}

static void drop_first(struct way *way)
{
    free(way->heap[0].bytes);
    way->heap[0] = way->heap[--way->n];
    for (unsigned i = 0, child; (child = 2 * i + 1) < way->n; i = child) {
        if (child + 1 < way->n && earlier(&way->heap[child + 1], &way->heap[child]))
            child++;
        if (!earlier(&way->heap[child], &way->heap[i]))
            break;
        swap(&way->heap[child], &way->heap[i]);
    }
}

/* What happens to one frame. Each decision takes its number, whatever the others were. */
static void take_frame(struct way *way, uint8_t *bytes, unsigned len)
{
    uint64_t due = now_ns() + delay_ns, late = 1000000 + number(way) % 7000000,
             bit = number(way) % (len * 8u);
    bool gone = chance(way, loss), behind = chance(way, reorder), twice = chance(way, duplicate),
         damaged = chance(way, corrupt);

    way->seen++;
    if (gone) {
        way->lost++;
        return;
    }
    if (damaged) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        way->corrupted++;
    }
    if (behind) {
        due += late;
        way->reordered++;
    }
    enqueue(way, bytes, len, due);
    if (twice) {
        enqueue(way, bytes, len, due);
        way->duplicated++;
    }
}

static void take_in(struct way *way)
{
    static uint8_t bytes[FRAME_MAX];

    for (int i = 0; i < 256; i++) {
        ssize_t n = read(way->from, bytes, sizeof(bytes));

        if (n <= 0)
            return;
        take_frame(way, bytes, (unsigned)n);
    }
}

/* Send what is due; when the next frame is, or UINT64_MAX. *blocked: the other end takes none now.
 */
static uint64_t let_out(struct way *way, bool *blocked)
{
    uint64_t now = now_ns();

    *blocked = false;
    while (way->n && way->heap[0].due <= now) {
        ssize_t n = write(way->to, way->heap[0].bytes, way->heap[0].len);

        if (n < 0 && (errno == EAGAIN || errno == ENOBUFS)) {
            *blocked = true;
            return now + 1000000;
        }
        /* Anything else (the interface is down, the frame too long): as on a wire, nobody is told.
         */
        if (n >= 0)
            way->passed++;
        drop_first(way);
    }
    return way->n ? way->heap[0].due : UINT64_MAX;
}

static void run(struct way ways[2])
{
    while (!stopped) {
        struct pollfd fds[2] = {{.fd = ways[0].from, .events = POLLIN},
                                {.fd = ways[1].from, .events = POLLIN}};
        uint64_t next = UINT64_MAX, now;
        struct timespec span = {1, 0};

        for (int i = 0; i < 2; i++) {
            bool blocked;
            uint64_t at = let_out(&ways[i], &blocked);

            next = at < next ? at : next;
        }
        now = now_ns();
        if (next < now + 1000000000u)
            span = (struct timespec){0, next > now ? (long)(next - now) : 0};
        if (ppoll(fds, 2, &span, NULL) < 0 && errno != EINTR)
            die("ppoll");
        for (int i = 0; i < 2; i++)
            if (fds[i].revents)
                take_in(&ways[i]);
    }
}

/* --- the command */

static unsigned parts(const char *text)
{
    double value = atof(text);

    if (value < 0 || value > 100) {
        fprintf(stderr, "relay: %s: not a percentage\n", text);
        exit(2);
    }
    return (unsigned)(value * (PER_HUNDRED / 100.0) + 0.5);
}

static void report(const struct way *way, const char *name)
{
    printf("%s: %lu frames: %lu passed, %lu lost, %lu reordered, %lu duplicated, %lu corrupted, "
           "%lu overrun\n",
           name, way->seen, way->passed, way->lost, way->reordered, way->duplicated, way->corrupted,
           way->overrun);
}

static void open_way(struct way *way, int from, int to, uint64_t seed)
{
    *way = (struct way){.from = from, .to = to, .state = seed};
    way->heap = malloc((queue_max + 1u) * sizeof(*way->heap));
    if (!way->heap)
        die("memory");
}

int main(int argc, char **argv)
{
    const char *ends[2] = {NULL, NULL}, *ready = NULL;
    struct sigaction action = {.sa_handler = stop};
    uint64_t seed = 1;
    struct way ways[2];
    int n = 0, fds[2];

    for (int i = 1; i < argc; i++) {
        const char *option = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";

        if (option[0] != '-') {
            if (n < 2)
                ends[n] = option;
            n++;
            continue;
        }
        i++;
        if (strcmp(option, "--seed") == 0)
            seed = strtoull(value, NULL, 0);
        else if (strcmp(option, "--loss") == 0)
            loss = parts(value);
        else if (strcmp(option, "--reorder") == 0)
            reorder = parts(value);
        else if (strcmp(option, "--duplicate") == 0)
            duplicate = parts(value);
        else if (strcmp(option, "--corrupt") == 0)
            corrupt = parts(value);
        else if (strcmp(option, "--delay") == 0)
            delay_ns = (uint64_t)(atof(value) * 1e6);
        else if (strcmp(option, "--queue") == 0)
            queue_max = (unsigned)atoi(value);
        else if (strcmp(option, "--ready") == 0)
            ready = value;
        else
            n = 3;
    }
    if (n != 2 || !queue_max) {
        fprintf(stderr, "relay: two ends are wanted; see relay.c\n");
        return 2;
    }
    for (int i = 0; i < 2; i++)
        fds[i] = open_end(ends[i]);
    open_way(&ways[0], fds[0], fds[1], seed);
    open_way(&ways[1], fds[1], fds[0], seed ^ 0x5851f42d4c957f2du);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    if (ready)
        close(open(ready, O_CREAT | O_WRONLY, 0666));
    run(ways);
    report(&ways[0], ends[0]);
    report(&ways[1], ends[1]);
    return 0;
}
