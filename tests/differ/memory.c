// Calls that make, change and end areas of memory.
#include "memory.h"

#include <linux/memfd.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/sysmacros.h>

int shared_ids[SHARED];

char *place(void)
{
    static char *const far[] = {(char *)-4096, (char *)0x7ffffffff000, (char *)0x800000000000,
                                (char *)0x7fffffffe000};
    if (chance(2)) {
        char *at = far[below(COUNT(far))];
        arg("%p", (void *)at);
        return at;
    }
    unsigned page = below(PAGES), odd = chance(3) ? 1 + below(PAGE - 1) : 0;
    if (odd)
        arg("%u+%u", page, odd);
    else
        arg("%u", page);
    return ARENA + page * PAGE + odd;
}

size_t extent(void)
{
    static const size_t odd[] = {0, 1, 5000, PAGE - 1, 1ul << 47, -1ul, -4096ul, -8191ul};
    if (chance(6)) {
        size_t n = odd[below(COUNT(odd))];
        arg("%#lx", n);
        return n;
    }
    unsigned n = 1 + below(chance(80) ? 6 : 20);
    arg("%up", n);
    return (size_t)n * PAGE;
}

void show_place(const void *at)
{
    long off = (const char *)at - ARENA;
    if (off < -AROUND * PAGE || off >= AROUND * PAGE)
        say("elsewhere");
    else if (off % PAGE)
        say("%ld+%ld", off / PAGE, off % PAGE);
    else
        say("%ld", off / PAGE);
}

void end_place(long result, size_t n)
{
    if (result < 0 && result > -4096)
        return end(result);
    say(") = page ");
    show_place((void *)result);
    if (labs((char *)result - ARENA) >= AROUND * PAGE)
        munmap((void *)result, n);
}

void clear_arena(void)
{
    munmap(ARENA - AROUND * PAGE, 2 * AROUND * PAGE);
}

static void fill_file(const char *name, size_t n)
{
    int fd = open(name, O_CREAT | O_RDWR | O_TRUNC, 0666);
    for (size_t i = 0; i < n; i++)
        buffer[i] = (char)(i % PAGE == 0 ? 0xc3 : i / PAGE * 16 + i);
    if (write(fd, buffer, n) != (ssize_t)n)
        abort();
    close(fd);
}

static void at_slot(int fd, int number)
{
    dup2(fd, SLOT_FIRST + number);
    close(fd);
}

/* What the calls begin with, and begin with again. */
static void lay_out(void)
{
    int ends[2];
    clear_arena();
    munlockall();
    fill_file("a", 5 * PAGE);
    fill_file("b", 3 * PAGE + 100);
    chmod("b", 0644);
    at_slot(open("a", O_RDWR), 0);
    at_slot(open("a", O_RDONLY), 1);
    at_slot(open("b", O_RDWR), 2);
    at_slot(open("a", O_WRONLY), 3);
    at_slot(memfd_create("m", MFD_ALLOW_SEALING), 4);
    if (ftruncate(SLOT_FIRST + 4, 4 * PAGE) != 0 || pipe2(ends, O_NONBLOCK) != 0)
        abort();
    at_slot(ends[0], 5);
    at_slot(ends[1], 6);
    at_slot(open("d", O_RDONLY), 7);
    at_slot(open("b", O_RDONLY), 8);
    at_slot(open("a", O_PATH), 9);
    mmap(ARENA + 4 * PAGE, 8 * PAGE, PROT_READ | PROT_WRITE,
         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    mmap(ARENA + 16 * PAGE, 4 * PAGE, PROT_READ | PROT_WRITE,
         MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    mmap(ARENA + 24 * PAGE, 6 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, SLOT_FIRST,
         0);
    mmap(ARENA + 34 * PAGE, 6 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, SLOT_FIRST,
         PAGE);
}

bool memory_setup(void)
{
    if (!own_ipc())
        return why = "no IPC namespace of its own", false;
    for (int i = 1; i < 3; i++)
        shmctl(shmget(KEY + i, 0, 0), IPC_RMID, NULL);
    mkdir("d", 0755);
    setrlimit(RLIMIT_STACK, &(struct rlimit){8 << 20, 8 << 20});
    setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){16 * PAGE, 16 * PAGE});
    for (int i = 0; i < SHARED; i++)
        shared_ids[i] = -1;
    for (int fd = 3; fd < SLOT_FIRST; fd++)
        close(fd);
    lay_out();
    return true;
}

static void op_renew(void)
{
    be_root();
    say("renew");
    lay_out();
}

// --- areas ---

/* LEFT OUT: PROT_EXEC alone, which processors with protection keys take at its word. */
static const struct named protections[] = {N(PROT_READ | PROT_WRITE),
                                           N(PROT_READ | PROT_WRITE),
                                           N(PROT_READ | PROT_WRITE),
                                           N(PROT_READ),
                                           N(PROT_NONE),
                                           N(PROT_WRITE),
                                           N(PROT_READ | PROT_EXEC),
                                           N(PROT_READ | PROT_WRITE | PROT_EXEC)};

static const struct named extra[] = {N(MAP_GROWSDOWN), N(MAP_LOCKED),    N(MAP_NORESERVE),
                                     N(MAP_POPULATE),  N(MAP_NONBLOCK),  N(MAP_STACK),
                                     N(MAP_POPULATE),  N(MAP_DENYWRITE), N(MAP_SYNC),
                                     N(MAP_POPULATE),  N(MAP_EXECUTABLE)};

static void op_mmap(void)
{
    static const struct named where[] = {N(MAP_FIXED), N(MAP_FIXED), N(MAP_FIXED),
                                         N(MAP_FIXED_NOREPLACE), N(0)};
    static const struct named how[] = {N(MAP_PRIVATE), N(MAP_PRIVATE), N(MAP_SHARED), N(MAP_SHARED),
                                       N(MAP_SHARED_VALIDATE)};
    begin("mmap");
    char *at = place();
    size_t n = extent();
    uint64_t prot = ONE(protections);
    if (chance(3))
        arg("odd"), prot |= (uint64_t)CHOOSE(PROT_GROWSDOWN, PROT_GROWSUP, 8, 0x100);
    uint64_t flags = ONE(where) | ONE(how) | SOME(extra, 2);
    bool anonymous = chance(50);
    if (chance(2))
        flags &= ~(uint64_t)MAP_TYPE, arg("no type");
    if (anonymous)
        arg("MAP_ANONYMOUS"), flags |= MAP_ANONYMOUS;
    int fd = anonymous && chance(80) ? (arg("-1"), -1) : slot();
    long off = chance(95) ? CHOOSE(0, 0, 0, PAGE, 2 * PAGE, 4 * PAGE, 5 * PAGE, 8 * PAGE)
                          : CHOOSE(1, -PAGE, INT64_MAX, INT64_MAX - 4095, 1l << 43);
    end_place(call(SYS_mmap, at, n, prot, flags, fd, off), n);
}

/* Where the kernel likes: what the call says of it. */
static void op_mmap_free(void)
{
    static const struct named flags[] = {N(MAP_32BIT), N(MAP_GROWSDOWN), N(MAP_STACK),
                                         N(MAP_NORESERVE), N(MAP_HUGETLB)};
    begin("mmap");
    arg("NULL");
    size_t n = extent();
    uint64_t how = SOME(flags, 2);
    if (how & MAP_HUGETLB) // LEFT OUT: how many huge pages there are is the host's
        n = chance(50) ? 0 : -1ul, arg("n=%ld", (long)n);
    long r = call(SYS_mmap, NULL, n, PROT_READ, how | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    end_place(r, n);
    if (r > 0)
        say(" %s", r < 1l << 32 ? "low" : "high");
}

static void op_munmap(void)
{
    begin("munmap");
    char *at = place();
    end(call(SYS_munmap, at, extent()));
}

static void op_mprotect(void)
{
    static const struct named odd[] = {N(PROT_GROWSDOWN), N(PROT_GROWSUP), N(8), N(0x10), N(-1ul)};
    begin("mprotect");
    char *at = place();
    size_t n = extent();
    uint64_t prot = ONE(protections);
    if (chance(6))
        prot |= ONE(odd);
    end(call(SYS_mprotect, at, n, prot));
}

static bool areas_in(const char *at, size_t n);

static void op_mremap(void)
{
    static const struct named flags[] = {N(0),
                                         N(MREMAP_MAYMOVE),
                                         N(MREMAP_MAYMOVE),
                                         N(MREMAP_MAYMOVE | MREMAP_FIXED),
                                         N(MREMAP_MAYMOVE | MREMAP_FIXED),
                                         N(MREMAP_MAYMOVE | MREMAP_FIXED),
                                         N(MREMAP_FIXED),
                                         N(MREMAP_MAYMOVE | MREMAP_DONTUNMAP),
                                         N(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP),
                                         N(MREMAP_DONTUNMAP),
                                         N(8)};
    begin("mremap");
    char *at = place();
    size_t old = extent(), new = chance(40) ? (arg("same"), old) : extent();
    uint64_t how = ONE(flags);
    char *to = how & MREMAP_FIXED ? place() : NULL;
    if (how & MREMAP_DONTUNMAP)
        munlockall(); // LEFT OUT: Linux takes the lock away from all of the area, and counts on
    if (areas_in(at, old)) // LEFT OUT: since Linux 6.17 it moves several areas at once
        old = PAGE, new = chance(50) ? PAGE : 2 * PAGE, say(" %zu", new);
    end_place(call(SYS_mremap, at, old, new, how, to), new);
}

static void op_remap_pages(void)
{
    begin("remap_file_pages");
    char *at = place();
    size_t n = extent();
    uint64_t prot = chance(90) ? 0 : ONE(protections);
    long page = CHOOSE(0, 1, 2, 4, 100);
    end(call(SYS_remap_file_pages, at, n, prot, page, CHOOSE(0, 0, MAP_NONBLOCK, MAP_PRIVATE)));
}

// --- what is known of them ---

static void op_madvise(void)
{
    // LEFT OUT: names (CONFIG_ANON_VMA_NAME is not everywhere); both of MADV_FREE and MADV_PAGEOUT,
    // which together free pages by chance; what 6.1 does not have (MADV_COLLAPSE does nothing with
    // areas as small as these).
    static const struct named advice[] = {N(MADV_NORMAL),
                                          N(MADV_RANDOM),
                                          N(MADV_SEQUENTIAL),
                                          N(MADV_WILLNEED),
                                          N(MADV_DONTNEED),
                                          N(MADV_DONTNEED),
                                          N(MADV_REMOVE),
                                          N(MADV_DONTFORK),
                                          N(MADV_DOFORK),
                                          N(MADV_DONTDUMP),
                                          N(MADV_DODUMP),
                                          N(MADV_WIPEONFORK),
                                          N(MADV_KEEPONFORK),
                                          N(MADV_COLD),
                                          N(MADV_POPULATE_READ),
                                          N(MADV_POPULATE_READ),
                                          N(MADV_POPULATE_WRITE),
                                          N(MADV_DONTNEED_LOCKED),
                                          N(MADV_PAGEOUT),
                                          N(5),
                                          N(1000),
                                          N(-1)};
    begin("madvise");
    char *at = place();
    size_t n = extent();
    if (n == 1ul << 47) // what lies beyond the arena is the program's own
        n = -1ul;
    end(call(SYS_madvise, at, n, ONE(advice)));
}

static void op_mincore(void)
{
    static unsigned char in[AROUND];
    begin("mincore");
    char *at = place();
    size_t n = extent();
    memset(in, 2, sizeof(in));
    long r = n > sizeof(in) * PAGE && n < 1ul << 48 ? -E2BIG : call(SYS_mincore, at, n, in);
    end(r);
    if (r == 0 && n)
        say(" ");
    for (size_t i = 0; r == 0 && i < (n + PAGE - 1) / PAGE; i++)
        say("%d", in[i]);
}

static void op_mlock(void)
{
    begin("mlock2");
    char *at = place();
    size_t n = extent();
    end(call(SYS_mlock2, at, n, CHOOSE(0, 0, 1, 1, 2)));
}

static void op_munlock(void)
{
    begin("munlock");
    char *at = place();
    end(call(SYS_munlock, at, extent()));
}

static void op_mlockall(void)
{
    static const struct named how[] = {N(MCL_CURRENT), N(MCL_FUTURE), N(MCL_ONFAULT), N(8)};
    if (chance(50)) {
        begin("munlockall");
        return end(call(SYS_munlockall));
    }
    begin("mlockall");
    uint64_t flags = SOME(how, 2);
    bool may = geteuid() == 0; // LEFT OUT: how much the program itself takes is each system's own
    end(may ? call(SYS_mlockall, flags) : 0);
}

static void op_msync(void)
{
    static const struct named how[] = {N(MS_ASYNC), N(MS_SYNC), N(MS_INVALIDATE), N(8)};
    begin("msync");
    char *at = place();
    size_t n = extent();
    end(call(SYS_msync, at, n, SOME(how, 2)));
}

static void op_brk(void)
{
    begin("brk");
    char *now = sbrk(0);
    long by = CHOOSE(0, 1, PAGE, 20000, 1l << 46, 1l << 47, -(1l << 46));
    char *r = (char *)call(SYS_brk, now + by);
    end(r - now);
    if (r > now) {
        say(" %d", now[0] + r[-1]);
        r[-1] = 1;
    }
    say(" %ld", (long)((char *)call(SYS_brk, now) - now));
}

// --- System V segments ---

static void op_shmget(void)
{
    static const struct named flags[] = {N(IPC_CREAT), N(IPC_EXCL), N(0600), N(0666)};
    unsigned in = below(SHARED);
    begin("shmget");
    long key = CHOOSE(IPC_PRIVATE, KEY + 1, KEY + 2), n = CHOOSE(PAGE, 2 * PAGE, 5000, 1, 0, -1);
    long r = call(SYS_shmget, key, n, SOME(flags, 3));
    end(r < 0 ? r : 0);
    if (r >= 0) {
        say(" -> #%u", in);
        shared_ids[in] = (int)r;
    }
}

static void op_shmat(void)
{
    static const struct named flags[] = {N(SHM_RDONLY), N(SHM_RND), N(SHM_REMAP), N(SHM_EXEC),
                                         N(SHM_REMAP)};
    unsigned of = below(SHARED);
    begin("shmat");
    arg("#%u", of);
    char *at = chance(95) ? place() : (arg("NULL"), NULL);
    long r = call(SYS_shmat, shared_ids[of], at, SOME(flags, 2));
    if (r > 0 && labs((char *)r - ARENA) >= AROUND * PAGE)
        shmdt((void *)r);
    end_place(r, 0);
}

static void op_shmdt(void)
{
    begin("shmdt");
    end(call(SYS_shmdt, place()));
}

static void op_shmctl(void)
{
    static const struct named commands[] = {N(IPC_STAT), N(IPC_STAT),   N(IPC_RMID), N(SHM_LOCK),
                                            N(IPC_SET),  N(SHM_UNLOCK), N(99)};
    struct shmid_ds ds = {.shm_perm = {.uid = 1, .gid = 2}};
    unsigned of = below(SHARED);
    begin("shmctl");
    arg("#%u", of);
    uint64_t command = ONE(commands);
    if (command == IPC_SET)
        ds.shm_perm.mode = (unsigned short)CHOOSE(0600, 0666, 0);
    long r = call(SYS_shmctl, shared_ids[of], command, &ds);
    end(r);
    if (r == 0 && command == IPC_STAT)
        // LEFT OUT: shm_lpid, where a child that ends is not counted as the last
        say(" {%o %u:%u size=%zu attached=%lu}", ds.shm_perm.mode, ds.shm_perm.uid, ds.shm_perm.gid,
            ds.shm_segsz, (long)ds.shm_nattch);
}

// --- views ---

/* A line of maps: whether it concerns the arena. */
struct area {
    long first, end, offset;
    char rights[5], name[100];
    long anonymous;
    char flags[200];
};

static bool parse_area(const char *line, struct area *area)
{
    unsigned long from, to, off;
    memset(area, 0, sizeof(*area));
    if (sscanf(line, "%lx-%lx %4s %lx %*s %*s %99[^\n]", &from, &to, area->rights, &off,
               area->name) < 4)
        return false;
    area->first = ((long)from - (long)ARENA) / PAGE;
    area->end = ((long)to - (long)ARENA) / PAGE;
    area->offset = (long)off / PAGE;
    return true;
}

static bool near(const struct area *area)
{
    return area->end > -AROUND && area->first < AROUND;
}

/* LEFT OUT: where areas of one kind meet, systems join them as they like. */
static bool joins(const struct area *a, const struct area *b)
{
    return a->end == b->first && strcmp(a->rights, b->rights) == 0 &&
           strcmp(a->name, b->name) == 0 && strcmp(a->flags, b->flags) == 0 &&
           (a->name[0] != '/' || a->offset + a->end - a->first == b->offset);
}

static void show_area(const struct area *area, bool numbers)
{
    if (area->end == area->first)
        return;
    say("\n  %ld-%ld %s %ld %s", area->first, area->end, area->rights, area->offset, area->name);
    if (!numbers)
        return;
    // LEFT OUT: how many pages of a file one fault maps; a page that is only read takes room on
    // Osprey when other CPUs are at work in the space.
    if (area->name[0] == '/')
        say(" anon=%ld", area->anonymous);
    say("%s", area->flags);
}

/* Those flags that say what the program has asked for. LEFT OUT: large pages, which since Linux
 * 6.7 MAP_STACK refuses. */
static void pick_flags(struct area *area, const char *text)
{
    static const char wanted[] = "rd wr ex sh mr mw me ms gd lo sr rr dc de ht wf dd ";
    for (; text[0] && text[1]; text += text[2] ? 3 : 2) {
        char two[4] = {text[0], text[1], ' ', 0};
        if (strstr(wanted, two))
            sprintf(area->flags + strlen(area->flags), " %.2s", two);
    }
}

/* The lines of a file of /proc, in memory that is there: after mlockall() more may not be had. */
static char *proc_text(const char *name)
{
    static char text[1 << 18];
    size_t used = 0;
    int fd = openat(PROC, name, O_RDONLY);
    for (ssize_t n = 1; fd >= 0 && n > 0; used += n > 0 ? (size_t)n : 0)
        n = read(fd, text + used, sizeof(text) - 1 - used);
    text[used] = 0;
    close(fd);
    return text;
}

static char *next_line(char **text)
{
    char *line = *text;
    if (!line || !*line)
        return NULL;
    *text = strchrnul(line, '\n');
    if (**text)
        *(*text)++ = 0;
    return line;
}

void show_arena(bool numbers)
{
    static struct area last, now;
    char *line, *text = proc_text(numbers ? "self/smaps" : "self/maps");
    memset(&last, 0, sizeof(last));
    bool inside = false, more = true;
    while (more) {
        more = (line = next_line(&text));
        if (more && !(line[0] >= 'A' && line[0] <= 'Z')) {
            inside = parse_area(line, &now) && near(&now);
            if (!inside || numbers)
                continue;
        } else if (inside && more) {
            sscanf(line, "Anonymous: %ld", &now.anonymous);
            if (strncmp(line, "VmFlags: ", 9) != 0)
                continue;
            pick_flags(&now, line + 9);
        }
        if (!inside || !more)
            continue;
        if (joins(&last, &now)) {
            last.end = now.end;
            last.anonymous += now.anonymous;
        } else {
            show_area(&last, numbers);
            last = now;
        }
    }
    show_area(&last, numbers);
}

/* Whether the range begins in one area and ends in another (or might: what is private Linux joins
 * only as far as its pages have one origin). */
static bool areas_in(const char *at, size_t n)
{
    struct area area;
    long first = (at - ARENA) / PAGE, end = first + (long)(n / PAGE + (n % PAGE != 0));
    bool more = false;
    char *text = proc_text("self/maps");
    for (char *line; (line = next_line(&text));)
        if (parse_area(line, &area) && near(&area) && area.first < end && area.end > first)
            more |= area.first > first || area.end < end || area.rights[3] == 'p';
    return more;
}

bool shows(const char *at, int fd, long offset, size_t n)
{
    struct stat st;
    char *text = proc_text("self/maps");
    for (char *line; fstat(fd, &st) == 0 && (line = next_line(&text));) {
        unsigned long from, to, off, ino;
        unsigned dev[2];
        if (sscanf(line, "%lx-%lx %*s %lx %x:%x %lu", &from, &to, &off, &dev[0], &dev[1], &ino) ==
                6 &&
            ino == st.st_ino && makedev(dev[0], dev[1]) == st.st_dev &&
            from < (unsigned long)at + n && to > (unsigned long)at &&
            labs((long)at - (long)from + (long)off - offset) < (long)n)
            return true;
    }
    return false;
}

static void op_maps(void)
{
    be_root();
    say("maps");
    show_arena(false);
}

static void op_smaps(void)
{
    be_root();
    say("smaps");
    show_arena(true);
}

const struct op memory_ops[] = {
    {op_mmap, 24},    {op_mmap_free, 2}, {op_munmap, 6}, {op_mprotect, 12},   {op_mremap, 12},
    {op_madvise, 18}, {op_mincore, 5},   {op_mlock, 6},  {op_munlock, 3},     {op_mlockall, 2},
    {op_msync, 3},    {op_brk, 2},       {op_shmget, 4}, {op_shmat, 5},       {op_shmdt, 3},
    {op_shmctl, 4},   {op_maps, 8},      {op_smaps, 4},  {op_remap_pages, 2}, {op_renew, 2},
    {NULL, 0},
};
