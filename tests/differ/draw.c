// What calls are made of, and what is shown of their answers.
#include "differ.h"

#include <dirent.h>
#include <sys/sysmacros.h>

char buffer[1 << 17];
static uint64_t state;
bool odd_seed;

void rnd_seed(uint64_t seed, uint64_t step)
{
    odd_seed = seed & 1;
    state = seed * 0x9e3779b97f4a7c15 ^ (step + 1) * 0xd1b54a32d192ed03;
    rnd();
}

uint64_t rnd(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15; // splitmix64
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

unsigned below(unsigned n)
{
    return (rnd() >> 16) % n;
}

bool chance(unsigned percent)
{
    return below(100) < percent;
}

uint64_t one_of(const struct named *list, unsigned n)
{
    const struct named *one = &list[below(n)];
    arg("%s", one->name);
    return one->value;
}

uint64_t some_of(const struct named *list, unsigned n, unsigned most)
{
    uint64_t value = 0;
    unsigned count = below(most + 1);
    if (count == 0)
        arg("0");
    for (unsigned i = 0; i < count; i++) {
        const struct named *one = &list[below(n)];
        if (i == 0)
            arg("%s", one->name);
        else
            say("|%s", one->name);
        value |= one->value;
    }
    return value;
}

long choose(const long *list, unsigned n)
{
    long value = list[below(n)];
    arg("%ld", value);
    return value;
}

// --- names ---

static const char *const names[] = {"a", "b", "c", "d", "e", "l", "m", "x", "p", "s", "n", "z"};

static const char *name(void)
{
    return names[below(COUNT(names))];
}

static char paths[4][5000];
static unsigned next_path;

const char *plain(void)
{
    char *text = paths[next_path++ % 4];
    unsigned depth = below(10);
    strcpy(text, name());
    if (depth > 5)
        sprintf(text, "%s/%s", chance(70) ? "d" : "m", name());
    if (depth > 8)
        sprintf(text, "d/e/%s", name());
    return text;
}

static void decorate(char *text)
{
    static const char *const before[] = {"/", "./", "../", "//", "d/../", "x/", "a/", "/d/"};
    static const char *const after[] = {"/", "/.", "/..", "//", "/./", "/../d"};
    char copy[1000];
    strcpy(copy, text);
    if (chance(50))
        sprintf(text, "%s%s", before[below(COUNT(before))], copy);
    else
        strcat(text, after[below(COUNT(after))]);
}

static const char *strange(void)
{
    static const char *const some[] = {"",     ".",  "..", "/",  "/.", "d/.",
                                       "d/..", "m/", "l/", "z/", "./", "x/.."};
    char *text = paths[next_path++ % 4];
    unsigned which = below(20);
    if (which < 12) {
        strcpy(text, some[which]);
        arg("\"%s\"", text);
    } else if (which < 17) {
        static const int lengths[] = {254, 255, 256, 4095, 4096};
        int n = lengths[which - 12];
        memset(text, 'q', n);
        for (int i = 199; n > 256 && i < n; i += 200)
            text[i] = '/';
        text[n] = 0;
        arg("\"q*%d\"", n);
    } else {
        arg("%s", which == 19 ? "NULL" : "BAD");
        return which == 19 ? NULL : BAD_POINTER;
    }
    return text;
}

const char *path(void)
{
    if (chance(6))
        return strange();
    char *text = (char *)plain();
    if (chance(12))
        decorate(text);
    arg("\"%s\"", text);
    return text;
}

// --- numbers ---

int slot(void)
{
    int fd = SLOT_FIRST + (int)below(SLOTS);
    if (chance(2))
        fd = chance(50) ? -1 : 99;
    arg("%d", fd);
    return fd;
}

int dirfd_arg(void)
{
    if (chance(75)) {
        arg("CWD");
        return AT_FDCWD;
    }
    return slot();
}

mode_t mode_arg(void)
{
    static const mode_t modes[] = {0,    0777, 0644, 0600,  0755,   04755,  02755, 01775,
                                   0070, 0007, 0444, 06777, 010644, 040777, 0111,  02644};
    mode_t mode = modes[below(COUNT(modes))];
    arg("%#o", mode);
    return mode;
}

long offset_arg(void)
{
    static const long offsets[] = {0, 0, 1, 100, 4095, 4096, 4097, 8192, 10000, 65536, 100000};
    static const long far[] = {-1, -4096, INT64_MAX, INT64_MAX - 4095, 1l << 32, INT64_MIN};
    long at = chance(96) ? offsets[below(COUNT(offsets))] : far[below(COUNT(far))];
    arg("%ld", at);
    return at;
}

size_t length_arg(void)
{
    static const size_t lengths[] = {0, 1, 7, 100, 4095, 4096, 4097, 5000, 8192, 20000, 65536};
    size_t n = lengths[below(COUNT(lengths))];
    arg("%zu", n);
    return n;
}

int uid_arg(void)
{
    return (int)CHOOSE(0, UID_A, UID_B, -1, 12345);
}

int gid_arg(void)
{
    return (int)CHOOSE(0, UID_A, GID_A, -1, 12345);
}

void data_fill(size_t n)
{
    uint64_t word = rnd();
    for (size_t i = 0; i < n && i < sizeof(buffer); i++)
        buffer[i] = (char)(word >> i % 8 * 8) + (char)(i >> 8);
}

// --- what is shown ---

uint64_t hash_of(const void *data, size_t n)
{
    const unsigned char *at = data;
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ at[i]) * 0x100000001b3;
    return hash;
}

void show_data(const void *data, long n)
{
    if (n > 0)
        say(" {%ld bytes %08x}", n, (unsigned)hash_of(data, n));
}

/* LEFT OUT: times of pipes, devices (what is read there), links (what follows them). */
static void show_time(const char *what, const struct timespec *t)
{
    if (t->tv_sec < 1000000000)
        say(" %s=%ld.%09ld", what, (long)t->tv_sec, t->tv_nsec);
}

void show_stat(const struct stat *st)
{
    say(" {%o n=%lu %u:%u", st->st_mode, (long)st->st_nlink, st->st_uid, st->st_gid);
    if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
        say(" dev=%u,%u", major(st->st_rdev), minor(st->st_rdev));
    say(" size=%ld", (long)st->st_size);
    if (S_ISREG(st->st_mode)) // LEFT OUT: Linux uses a page for a long symbolic link
        say(" blocks=%ld", (long)st->st_blocks);
    if (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode)) {
        show_time("atime", &st->st_atim);
        show_time("mtime", &st->st_mtim);
    }
    say("}");
}

// --- descriptors ---

int take_slot(void)
{
    return SLOT_FIRST + (int)below(SLOTS);
}

void keep(long fd, int in_slot)
{
    if (fd < 0)
        return;
    say(" -> %d", in_slot);
    if (fd == in_slot)
        return;
    int cloexec = fcntl((int)fd, F_GETFD) & FD_CLOEXEC ? O_CLOEXEC : 0;
    if (dup3((int)fd, in_slot, cloexec) < 0)
        say(" dup3: %s", error_name(errno));
    close((int)fd);
}

mode_t type_of(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 ? st.st_mode & S_IFMT : 0;
}

bool may_block(int fd)
{
    mode_t type = type_of(fd);
    return (type == S_IFIFO || type == S_IFSOCK || type == S_IFCHR) &&
           !(fcntl(fd, F_GETFL) & O_NONBLOCK);
}
