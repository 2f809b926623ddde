// Calls that make, change, move and end mounts.
#include "mounts.h"

#include <linux/mount.h>
#include <linux/stat.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

// linux/mount.h and sys/mount.h do not go together
#define MNT_DETACH      2
#define MNT_EXPIRE      4
#define UMOUNT_NOFOLLOW 8
#ifndef MOVE_MOUNT_BENEATH
#define MOVE_MOUNT_BENEATH 0x200
#endif
enum { CREATE_EXCL = 8 /* FSCONFIG_CMD_, Linux 6.6 */ };
int mount(const char *source, const char *on, const char *type, unsigned long flags,
          const void *data);

enum { MOUNTS_MAX = 300, MANY = 120, BASE = 62, WATCH = 63 };

/* A program that ends with its effective user: owned by root, set-uid. */
static const unsigned char program[] = {
    0x7f, 'E',  'L',  'F', 2, 1,    1,    0,    0,    0,    0,    0,    0, 0, 0,    0,    2,
    0,    62,   0,    1,   0, 0,    0,    0x78, 0,    0x40, 0,    0,    0, 0, 0,    64,   0,
    0,    0,    0,    0,   0, 0,    0,    0,    0,    0,    0,    0,    0, 0, 0,    0,    0,
    0,    64,   0,    56,  0, 1,    0,    0,    0,    0,    0,    0,    0, 1, 0,    0,    0,
    5,    0,    0,    0,   0, 0,    0,    0,    0,    0,    0,    0,    0, 0, 0x40, 0,    0,
    0,    0,    0,    0,   0, 0x40, 0,    0,    0,    0,    0,    0x88, 0, 0, 0,    0,    0,
    0,    0,    0x88, 0,   0, 0,    0,    0,    0,    0,    0,    0x10, 0, 0, 0,    0,    0,
    0,    0xb8, 107,  0,   0, 0,    0x0f, 5,    0x89, 0xc7, 0xb8, 60,   0, 0, 0,    0x0f, 5};

static void put_file(const char *name, const void *data, size_t n, mode_t mode)
{
    int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    if (fd >= 0 && write(fd, data, n) == (ssize_t)n)
        fchmod(fd, mode);
    close(fd);
}

void fill_place(const char *name)
{
    char at[100];
    static const char *const folders[] = {"x", "y", "x/x"};
    for (unsigned i = 0; i < COUNT(folders); i++) {
        snprintf(at, sizeof(at), "%s/%s", name, folders[i]);
        mkdir(at, 0755);
    }
    snprintf(at, sizeof(at), "%s/f", name);
    put_file(at, name, strlen(name), 0666);
    snprintf(at, sizeof(at), "%s/e", name);
    put_file(at, program, sizeof(program), 04755);
    snprintf(at, sizeof(at), "%s/n", name);
    mknod(at, S_IFCHR | 0666, makedev(1, 3));
    snprintf(at, sizeof(at), "%s/l", name);
    symlink("x", at);
}

/* Opened once and kept there. */
static void keep_as(int fd, int number)
{
    dup2(fd, number);
    close(fd);
}

void mounts_world(void)
{
    static const char *const folders[] = {"a", "b", "c", "t"};
    for (int fd = SLOT_FIRST; fd < SLOT_FIRST + SLOTS; fd++)
        close(fd);
    if (syscall(SYS_setns, BASE, 0) != 0 || !new_root())
        abort();
    for (unsigned i = 0; i < COUNT(folders); i++) {
        mkdir(folders[i], 0777);
        fill_place(folders[i]);
    }
    put_file("f", "f", 1, 0644);
    symlink("a", "l");
    symlink("f", "m");
    keep_as(open("a", O_RDONLY | O_DIRECTORY), SLOT_FIRST);
    keep_as(open("b/f", O_RDWR), SLOT_FIRST + 1);
    keep_as(open("c", O_PATH), SLOT_FIRST + 2);
    keep_as(openat(PROC, "self/mountinfo", O_RDONLY), WATCH);
}

bool mounts_setup(void)
{
    keep_as(openat(PROC, "self/ns/mnt", O_RDONLY), BASE);
    for (int fd = 3; fd < SLOT_FIRST; fd++)
        close(fd);
    mounts_world();
    return true;
}

const char *where(void)
{
    static const char *const folders[] = {"/a",   "/a",   "/b",   "/b",     "/c",     "/c", "/a/x",
                                          "/b/x", "/c/x", "/a/y", "/a/x/x", "/b/x/x", "/t"};
    static const char *const files[] = {"/f", "/a/f", "/b/f", "/c/x/f", "/a/e"};
    static const char *const odd[] = {"l",   "/l/x",  "m",        ".",    "..",
                                      "/",   "x",     "/nowhere", "",     "/a/",
                                      "/f/", "/a/..", "a/x/..",   "/b/l", "/c/n"};
    unsigned which = below(100);
    const char *name;
    if (which < 2) {
        arg("BAD");
        return BAD_POINTER;
    }
    if (which < 12)
        name = odd[below(COUNT(odd))];
    else if (which < 20)
        name = files[below(COUNT(files))];
    else
        name = folders[below(COUNT(folders))];
    if (name[0] == '/' && name[1] && chance(10))
        name++; // from where one is
    arg("\"%s\"", name);
    return name;
}

static uint64_t mount_id(int dirfd, const char *name, int flags)
{
    struct statx st;
    if (syscall(SYS_statx, dirfd, name, flags, STATX_MNT_ID, &st) != 0)
        return 0;
    return st.stx_mnt_id;
}

static bool is_root_mount(int dirfd, const char *name, int flags)
{
    return mount_id(dirfd, name, flags) == mount_id(AT_FDCWD, "/", 0);
}

struct shown {
    char text[1400];
    long id, parent;
    unsigned major, minor, depth;
    int group, master;
};

static struct shown all[MOUNTS_MAX];
static unsigned nall;

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct shown *)a)->text, ((const struct shown *)b)->text);
}

/* A number for each id, in the order in which they are shown. */
static unsigned number_of(long id, long *seen, unsigned *nseen)
{
    for (unsigned i = 0; i < *nseen; i++)
        if (seen[i] == id)
            return i;
    seen[*nseen] = id;
    return (*nseen)++;
}

/* LEFT OUT: numbers; the root's super block, which is the host's; propagate_from, inode64. */
static bool parse_mount(char *line, struct shown *m)
{
    char root[300], own[200], rest[500], on[300], *dash = strstr(line, " - ");
    memset(m, 0, sizeof(*m));
    if (!dash || sscanf(line, "%ld %ld %u:%u %299s %299s %199s", &m->id, &m->parent, &m->major,
                        &m->minor, root, on, own) != 7)
        return false;
    *dash = 0;
    char *at = strstr(line, "shared:");
    m->group = at ? atoi(at + 7) : 0;
    at = strstr(line, "master:");
    m->master = at ? atoi(at + 7) : 0;
    snprintf(rest, sizeof(rest), "%s", dash + 3);
    rest[strcspn(rest, "\n")] = 0;
    if ((at = strstr(rest, ",inode64")))
        memmove(at, at + 8, strlen(at + 8) + 1);
    snprintf(m->text, sizeof(m->text) - 20, "%s %s %s%s %s", on, root, own,
             strstr(line, "unbindable") ? " unbindable" : "", rest);
    return true;
}

static void read_mounts(void)
{
    static char line[2000];
    int fd = openat(PROC, "self/mountinfo", O_RDONLY);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
    nall = 0;
    while (f && nall < MOUNTS_MAX && fgets(line, sizeof(line), f))
        nall += parse_mount(line, &all[nall]);
    if (f)
        fclose(f);
    for (unsigned i = 0; i < nall; i++) {
        long parent = all[i].parent;
        for (unsigned j = 0; j < nall; j++)
            if (all[j].id == parent && j != i && all[i].depth < 100)
                all[i].depth++, parent = all[j].parent, j = -1u;
        sprintf(all[i].text + strlen(all[i].text), " %u", all[i].depth);
    }
    qsort(all, nall, sizeof(all[0]), by_text);
}

static int group_of(int dirfd, const char *name, int flags)
{
    uint64_t id = mount_id(dirfd, name, flags);
    for (unsigned i = 0; i < nall; i++)
        if (all[i].id == (long)id)
            return all[i].group;
    return 0;
}

/* LEFT OUT: what a mount gets that moves onto a peer of its own. */
static bool peers(int from, const char *name, int flags, const char *on)
{
    read_mounts();
    int group = group_of(from, name, flags);
    return group && group == group_of(AT_FDCWD, on, 0);
}

static void op_renew(void)
{
    be_root();
    say("renew");
    mounts_world();
}

// --- mount(2) ---

// LEFT OUT: MS_POSIXACL, MS_KERNMOUNT and the like, of the kernel's own; MS_MANDLOCK, of which
// Linux tells its log.
static const struct named own_flags[] = {N(0),
                                         N(0),
                                         N(MS_RDONLY),
                                         N(MS_RDONLY),
                                         N(MS_NOSUID),
                                         N(MS_NODEV),
                                         N(MS_NOEXEC),
                                         N(MS_NOATIME),
                                         N(MS_NODIRATIME),
                                         N(MS_RELATIME),
                                         N(MS_STRICTATIME),
                                         N(MS_SILENT),
                                         N(MS_SYNCHRONOUS),
                                         N(MS_DIRSYNC),
                                         N(MS_NOSYMFOLLOW),
                                         N(MS_LAZYTIME)};

static const char *options(void)
{
    // LEFT OUT: what all file systems know here, "ro", "sync" (mount(8) makes flags of them)
    static const char *const some[] = {"size=64k",
                                       "size=1m,nr_inodes=20",
                                       "mode=700",
                                       "mode=1777,uid=1000,gid=2000",
                                       "nr_inodes=8",
                                       "size=0",
                                       "size=64k,foo",
                                       "size=x",
                                       "uid=-1",
                                       "mode=8",
                                       "",
                                       ",,size=8k,",
                                       "size=8193",
                                       "mode=17777",
                                       "foo=1",
                                       "size=0x2000",
                                       "size",
                                       "nr_inodes=1k",
                                       "gid=5",
                                       "nr_blocks=4"};
    if (chance(60)) {
        arg("NULL");
        return NULL;
    }
    const char *text = some[below(COUNT(some))];
    arg("\"%s\"", text);
    return text;
}

static void op_mount(void)
{
    static const char *const types[] = {"tmpfs", "nofs", "tmpfs.x", "", "ramfs", "tmpfs", "tmpfs"};
    static const char *const sources[] = {"none", "tmp", "", "a b\\#", "tmp"};
    begin("mount");
    const char *source = sources[below(COUNT(sources))];
    bool no_source = chance(10);
    arg("%s", no_source ? "NULL" : source);
    const char *on = where();
    const char *type = chance(92) ? "tmpfs" : types[below(COUNT(types))];
    if (chance(2))
        type = NULL;
    arg("%s", type ? type : "NULL");
    if (type && strcmp(type, "ramfs") == 0) // LEFT OUT: Osprey knows it as another name of tmpfs
        type = "tmpfs";
    uint64_t flags = SOME(own_flags, 3);
    if (chance(3))
        flags |= (uint64_t)CHOOSE(1 << 31, 0xc0ed0000, 0x12340000, 1ul << 40);
    flags &=
        ~(uint64_t)(MS_KERNMOUNT | MS_MOVE | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE | MS_SHARED);
    long r = call(SYS_mount, no_source ? NULL : source, on, type, flags, options());
    end(r);
    if (r == 0 && !(flags & MS_RDONLY) && chance(90) && geteuid() == 0)
        fill_place(on);
}

static void op_bind(void)
{
    begin("bind");
    const char *from = where(), *on = where();
    uint64_t flags = MS_BIND;
    if (chance(45))
        arg("MS_REC"), flags |= MS_REC;
    if (chance(10))
        flags |= SOME(own_flags, 2);
    if (chance(3))
        arg("MS_MOVE"), flags |= MS_MOVE;
    end(call(SYS_mount, from, on, chance(95) ? NULL : BAD_POINTER, flags, NULL));
}

static void op_move(void)
{
    begin("move");
    const char *from = where(), *on = where();
    end(peers(AT_FDCWD, from, 0, on) ? 0 : call(SYS_mount, from, on, NULL, MS_MOVE, NULL));
}

static void op_remount(void)
{
    begin("remount");
    const char *on = where();
    uint64_t flags = MS_REMOUNT | SOME(own_flags, 3);
    bool bind = chance(60), plain = !bind && flags & MS_RDONLY; // LEFT OUT: which of two errors
    if (bind)
        arg("MS_BIND"), flags |= MS_BIND;
    else if (is_root_mount(AT_FDCWD, on, 0))
        return end(0); // what follows would be of little use
    end(call(SYS_mount, NULL, on, NULL, flags, plain ? NULL : options()));
}

static const struct named types[] = {N(MS_SHARED), N(MS_SHARED),  N(MS_SHARED),    N(MS_SLAVE),
                                     N(MS_SLAVE),  N(MS_PRIVATE), N(MS_UNBINDABLE)};

static void op_propagation(void)
{
    begin("propagation");
    const char *on = where();
    uint64_t flags = ONE(types);
    if (chance(30))
        arg("MS_REC"), flags |= MS_REC;
    if (chance(5))
        flags |= (uint64_t)CHOOSE(MS_SILENT, MS_RDONLY, MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_MOVE);
    end(call(SYS_mount, NULL, on, NULL, flags, NULL));
}

static void op_umount(void)
{
    static const struct named flags[] = {N(0),
                                         N(0),
                                         N(MNT_DETACH),
                                         N(MNT_DETACH),
                                         N(UMOUNT_NOFOLLOW),
                                         N(MNT_EXPIRE),
                                         N(MNT_EXPIRE),
                                         N(MNT_EXPIRE | MNT_DETACH),
                                         N(16),
                                         N(UMOUNT_NOFOLLOW | MNT_DETACH)};
    begin("umount2");
    const char *on = where();
    uint64_t how = ONE(flags);
    if (is_root_mount(AT_FDCWD, on, 0)) // LEFT OUT: of / Linux makes a remount
        return end(call(SYS_umount2, "/a/nowhere", how));
    end(call(SYS_umount2, on, how));
}

static void op_pivot_root(void)
{
    begin("pivot_root");
    const char *new = where(), *old = where();
    if (chance(60)) { // in a way that may go well
        static char below_it[200];
        snprintf(below_it, sizeof(below_it), "%s/%s", new == BAD_POINTER ? "" : new,
                 chance(50) ? "x" : "y");
        old = below_it;
        arg("\"%s\"", old);
    }
    end(call(SYS_pivot_root, new, old));
}

// --- where one is ---

static void op_chroot(void)
{
    begin("chroot");
    const char *to = where();
    if (chance(85))
        return end(call(SYS_chdir, to)), say(" chdir");
    long r = call(SYS_chroot, to);
    end(r);
    // LEFT OUT: how to get out again, to the host's own files
    call(SYS_chdir, "/");
    for (int fd = SLOT_FIRST; fd < SLOT_FIRST + SLOTS; fd++)
        close(fd);
}

static void op_cwd(void)
{
    char name[1000];
    begin("getcwd");
    long r = call(SYS_getcwd, name, sizeof(name));
    end(r);
    if (r > 0) // LEFT OUT: where the world is
        say(" %s", name[0] == '/' ? name : "unreachable");
    struct stat here, up;
    if (chance(50) && stat(".", &here) == 0 && stat("..", &up) == 0)
        say(" %s", here.st_dev == up.st_dev ? here.st_ino == up.st_ino ? "top" : "same" : "border");
    if (chance(20))
        say(" back %ld", call(SYS_chdir, "/"));
    if (chance(20))
        say(" fchdir %ld", call(SYS_fchdir, slot()));
}

// --- by descriptor ---

static void op_open_tree(void)
{
    static const struct named flags[] = {N(OPEN_TREE_CLONE), N(OPEN_TREE_CLONE),
                                         N(OPEN_TREE_CLONE), N(OPEN_TREE_CLOEXEC),
                                         N(AT_RECURSIVE),    N(AT_RECURSIVE),
                                         N(AT_EMPTY_PATH),   N(AT_SYMLINK_NOFOLLOW),
                                         N(AT_NO_AUTOMOUNT), N(4)};
    begin("open_tree");
    int in = take_slot();
    uint64_t how = SOME(flags, 2);
    int dirfd = AT_FDCWD;
    const char *name;
    if (chance(20))
        dirfd = slot(), name = chance(70) ? (how |= AT_EMPTY_PATH, "") : "x";
    else
        name = where();
    long r = call(SYS_open_tree, dirfd, name, how);
    end(r < 0 ? r : 0);
    keep(r, in);
}

static void op_move_mount(void)
{
    static const struct named flags[] = {N(MOVE_MOUNT_F_SYMLINKS),   N(MOVE_MOUNT_T_SYMLINKS),
                                         N(MOVE_MOUNT_T_EMPTY_PATH), N(MOVE_MOUNT_SET_GROUP),
                                         N(MOVE_MOUNT_BENEATH),      N(0x400)};
    begin("move_mount");
    int from = AT_FDCWD;
    const char *name = "";
    uint64_t how = chance(40) ? SOME(flags, 1) : 0;
    if (chance(70))
        from = slot(), how |= MOVE_MOUNT_F_EMPTY_PATH;
    else
        name = where();
    const char *on = where();
    if (peers(from, name, how & MOVE_MOUNT_F_EMPTY_PATH ? AT_EMPTY_PATH : 0, on))
        return end(0);
    long r = call(SYS_move_mount, from, name, AT_FDCWD, on, how);
    // LEFT OUT: why one does not go beneath another
    end(how & MOVE_MOUNT_BENEATH && r == -ELOOP ? -EINVAL : r);
}

static void op_setattr(void)
{
    static const struct named attrs[] = {N(MOUNT_ATTR_RDONLY),     N(MOUNT_ATTR_NOSUID),
                                         N(MOUNT_ATTR_NODEV),      N(MOUNT_ATTR_NOEXEC),
                                         N(MOUNT_ATTR_NOATIME),    N(MOUNT_ATTR_STRICTATIME),
                                         N(MOUNT_ATTR_NODIRATIME), N(MOUNT_ATTR_NOSYMFOLLOW),
                                         N(MOUNT_ATTR__ATIME),     N(0x100),
                                         N(MOUNT_ATTR_RDONLY),     N(0)};
    struct mount_attr attr = {0};
    begin("mount_setattr");
    const char *on = where();
    uint64_t flags = chance(30) ? (arg("AT_RECURSIVE"), AT_RECURSIVE) : 0;
    if (chance(3))
        flags |= (uint64_t)CHOOSE(AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, 1, 0x200);
    attr.attr_set = SOME(attrs, 2);
    attr.attr_clr = SOME(attrs, 2);
    if (chance(70))
        attr.attr_clr &= ~attr.attr_set;
    if (chance(30) && attr.attr_set & MOUNT_ATTR__ATIME)
        attr.attr_clr |= MOUNT_ATTR__ATIME, arg("clear times");
    if (chance(20))
        attr.propagation = ONE(types);
    size_t size = chance(95) ? sizeof(attr) : (size_t)CHOOSE(0, 31, 40, 4096, 5000);
    static char room[5000];
    memset(room, 0, sizeof(room));
    memcpy(room, &attr, sizeof(attr));
    end(call(SYS_mount_setattr, AT_FDCWD, on, flags, chance(98) ? room : BAD_POINTER, size));
}

/* Not another one for files only. */
static void own_user(void)
{
    setfsuid(geteuid());
    setfsgid(getegid());
}

static void op_fsopen(void)
{
    begin("fsopen");
    own_user(); // LEFT OUT: whose a file system is, Linux asks here
    int in = take_slot();
    long r;
    if (chance(70)) {
        static const char *const names[] = {"tmpfs", "tmpfs", "tmpfs", "tmpfs", "nofs", ""};
        const char *name = names[below(COUNT(names))];
        arg("%s", name);
        r = call(SYS_fsopen, name, CHOOSE(0, 0, FSOPEN_CLOEXEC, 2));
    } else {
        const char *name = where();
        arg("fspick");
        r = call(SYS_fspick, AT_FDCWD, name, CHOOSE(0, 0, 1, 2, 4, 0x10));
    }
    end(r < 0 ? r : 0);
    keep(r, in);
    if (r >= 0 && chance(60)) // else it seldom comes to a mount
        say(" create %ld", call(SYS_fsconfig, in, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
}

static int context(void)
{
    for (int i = 0; i < SLOTS; i++) { // one that is, if there is one
        char text[100];
        char link[40];
        snprintf(link, sizeof(link), "self/fd/%d", SLOT_FIRST + i);
        ssize_t n = readlinkat(PROC, link, text, sizeof(text) - 1);
        text[n < 0 ? 0 : n] = 0;
        if (strstr(text, "[fscontext]")) {
            arg("%d", SLOT_FIRST + i);
            return SLOT_FIRST + i;
        }
    }
    return slot();
}

static void op_fsconfig(void)
{
    static const struct named commands[] = {N(FSCONFIG_SET_FLAG),
                                            N(FSCONFIG_SET_STRING),
                                            N(FSCONFIG_SET_STRING),
                                            N(FSCONFIG_SET_STRING),
                                            N(FSCONFIG_SET_BINARY),
                                            N(FSCONFIG_SET_PATH),
                                            N(FSCONFIG_SET_FD),
                                            N(FSCONFIG_CMD_CREATE),
                                            N(FSCONFIG_CMD_CREATE),
                                            N(FSCONFIG_CMD_RECONFIGURE),
                                            N(99),
                                            N(CREATE_EXCL)};
    static const char *const keys[] = {"size", "mode", "source", "ro",   "rw",     "nr_inodes",
                                       "huge", "foo",  "",       "mand", "source", "size"};
    static const char *const values[] = {"64k", "700", "src", "1", "", "x", "8"};
    char text[300];
    begin("fsconfig");
    own_user();
    int fd = chance(80) ? context() : slot();
    uint64_t command = ONE(commands);
    const char *key = keys[below(COUNT(keys))], *value = values[below(COUNT(values))];
    long aux = 0;
    if (command < FSCONFIG_CMD_CREATE && command != 99)
        arg("%s", key), arg("%s", value);
    if (command == FSCONFIG_SET_FLAG || command >= FSCONFIG_CMD_CREATE)
        value = NULL;
    if (command >= FSCONFIG_CMD_CREATE)
        key = NULL;
    if (command == FSCONFIG_SET_BINARY)
        aux = CHOOSE(0, 3, 1 << 20, (1 << 20) + 1);
    if (command == FSCONFIG_SET_PATH)
        aux = AT_FDCWD;
    if (command == FSCONFIG_SET_FD)
        value = NULL, aux = slot();
    if (chance(5))
        aux = CHOOSE(1, -1), value = chance(50) ? value : NULL, arg("odd");
    end(call(SYS_fsconfig, fd, command, key, value, aux));
    for (long n; !type_of(fd) && (n = call(SYS_read, fd, text, sizeof(text))) > 0;) {
        if (command == FSCONFIG_SET_STRING) // LEFT OUT: of other kinds
            say(" [%.*s]", (int)(n - (text[n - 1] == '\n')), text);
    }
}

static void op_fsmount(void)
{
    static const struct named attrs[] = {N(MOUNT_ATTR_RDONLY),
                                         N(MOUNT_ATTR_NOSUID),
                                         N(MOUNT_ATTR_NOEXEC),
                                         N(MOUNT_ATTR_NOATIME),
                                         N(MOUNT_ATTR_STRICTATIME),
                                         N(0x200),
                                         N(0),
                                         N(0)};
    begin("fsmount");
    int in = take_slot();
    int fd = chance(85) ? context() : slot();
    uint64_t how = SOME(attrs, 1);
    long r = call(SYS_fsmount, fd, CHOOSE(0, 0, 0, FSMOUNT_CLOEXEC, 2), how);
    end(r < 0 ? r : 0);
    keep(r, in);
    if (r >= 0 && chance(70))
        say(" move %ld", call(SYS_move_mount, in, "", AT_FDCWD, where(), MOVE_MOUNT_F_EMPTY_PATH));
}

static void op_open(void)
{
    static const struct named flags[] = {N(O_RDONLY), N(O_PATH), N(O_RDWR), N(O_DIRECTORY)};
    begin("open");
    int in = take_slot();
    long r = chance(40) ? (call(SYS_close, in), -EBADF) : call(SYS_open, where(), ONE(flags));
    end(r < 0 ? r : 0);
    keep(r, in);
}

// --- views ---

static void op_mountinfo(void)
{
    long groups[2 * MOUNTS_MAX], devices[MOUNTS_MAX];
    unsigned ngroups = 0, ndevices = 0;
    be_root();
    say("mountinfo");
    read_mounts();
    for (unsigned i = 0; i < nall; i++) {
        struct shown *m = &all[i];
        say("\n  %s dev=%u", m->text, number_of(m->minor, devices, &ndevices));
        if (m->group)
            say(" shared=%u", number_of(m->group, groups, &ngroups));
        if (m->master)
            say(" master=%u", number_of(m->master, groups, &ngroups));
    }
    if (nall > MANY) { // they grow without end
        say("\n  many");
        mounts_world();
    }
}

/* LEFT OUT: what else tells those who watch: here trees without a name do, too. */
static void op_poll(void)
{
    struct pollfd p = {WATCH, POLLIN | POLLPRI, 0};
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_NODEV};
    begin("poll");
    const char *on = where();
    call(SYS_poll, &p, 1, 0);
    unsigned which = is_root_mount(AT_FDCWD, on, 0) ? 0 : below(4);
    long r = which == 0   ? call(SYS_mount, "x", on, "tmpfs", 0, NULL)
             : which == 1 ? call(SYS_mount, NULL, on, NULL, MS_REMOUNT | MS_BIND, NULL)
             : which == 2 ? call(SYS_umount2, on, MNT_DETACH)
                          : call(SYS_mount_setattr, AT_FDCWD, on, 0, &attr, sizeof(attr));
    end(r);
    say(" %ld", call(SYS_poll, &p, 1, 0));
    if (r == 0)
        say(" %#x", p.revents);
}

static void op_statfs(void)
{
    struct statfs st;
    begin("statfs");
    long r = chance(80) ? call(SYS_statfs, where(), &st) : call(SYS_fstatfs, slot(), &st);
    end(r);
    if (r == 0)
        say(" {%lx %ld %ld name=%ld flags=%lx}", (long)st.f_type, (long)st.f_bsize,
            (long)st.f_frsize, (long)st.f_namelen, (long)st.f_flags);
}

static void op_statx(void)
{
    struct statx st;
    begin("statx");
    const char *name = where();
    int flags = (int)CHOOSE(0, 0, AT_SYMLINK_NOFOLLOW);
    long r = call(SYS_statx, AT_FDCWD, name, flags, STATX_BASIC_STATS | STATX_MNT_ID, &st);
    end(r);
    if (r == 0)
        say(" {%o %u root=%d %s}", st.stx_mode, st.stx_uid,
            (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0,
            st.stx_mnt_id == mount_id(AT_FDCWD, "/", 0) ? "of the root" : "another");
}

const struct op mounts_ops[] = {
    {op_mount, 14},     {op_bind, 14},      {op_move, 5},   {op_remount, 6},  {op_propagation, 9},
    {op_umount, 14},    {op_pivot_root, 1}, {op_chroot, 3}, {op_cwd, 3},      {op_open_tree, 7},
    {op_move_mount, 7}, {op_setattr, 6},    {op_fsopen, 5}, {op_fsconfig, 4}, {op_fsmount, 4},
    {op_open, 4},       {op_mountinfo, 10}, {op_poll, 2},   {op_statfs, 5},   {op_statx, 6},
    {op_renew, 3},      {NULL, 0},
};
