// What is told of files: inotify, leases; signals of descriptors.
//
// LEFT OUT: truncate() and what else waits for a lease; dnotify.
#include "events.h"

#include <signal.h>
#include <sys/inotify.h>

bool show_inotify(const char *data, long n)
{
    for (long at = 0; at < n;) {
        const struct inotify_event *e = (const void *)(data + at);
        say(" {%d %#x %s \"%s\" %u}", e->wd, e->mask, e->cookie ? "cookie" : "-",
            e->len ? e->name : "", e->len);
        at += (long)(sizeof(*e) + e->len);
    }
    return true;
}

static void op_inotify(void)
{
    begin("inotify_init1");
    int to = take_slot();
    long r = call(SYS_inotify_init1, chance(93) ? IN_NONBLOCK : CHOOSE(1, O_CLOEXEC, -1));
    end(r);
    keep(r, to);
}

static int an_inotify(void)
{
    int some[SLOTS], n = 0;
    char name[40], link[100];
    for (int fd = SLOT_FIRST; fd < SLOT_FIRST + SLOTS; fd++) {
        memset(link, 0, sizeof(link));
        snprintf(name, sizeof(name), "self/fd/%d", fd);
        if (readlinkat(PROC, name, link, sizeof(link) - 1) > 0 && strstr(link, "inotify"))
            some[n++] = fd;
    }
    if (n == 0 || chance(4))
        return slot();
    int fd = some[below(n)];
    arg("%d", fd);
    return fd;
}

static void op_add_watch(void)
{
    static const struct named masks[] = {N(IN_ACCESS),      N(IN_MODIFY),        N(IN_ATTRIB),
                                         N(IN_CLOSE_WRITE), N(IN_CLOSE_NOWRITE), N(IN_OPEN),
                                         N(IN_MOVED_FROM),  N(IN_MOVED_TO),      N(IN_CREATE),
                                         N(IN_DELETE),      N(IN_DELETE_SELF),   N(IN_MOVE_SELF),
                                         N(IN_ALL_EVENTS),  N(IN_ALL_EVENTS),    N(IN_ALL_EVENTS)};
    static const struct named flags[] = {N(IN_MASK_ADD), N(IN_MASK_CREATE), N(IN_ONLYDIR),
                                         N(IN_ONESHOT),  N(IN_EXCL_UNLINK), N(IN_DONT_FOLLOW),
                                         N(IN_UNMOUNT),  N(IN_Q_OVERFLOW),  N(IN_IGNORED),
                                         N(IN_ISDIR),    N(0x800000)};
    begin("inotify_add_watch");
    int fd = an_inotify();
    const char *name = chance(30) ? (arg("/"), "/") : path();
    unsigned mask = (unsigned)SOME(masks, 3);
    mask |= (unsigned)SOME(flags, 2);
    end(call(SYS_inotify_add_watch, fd, name, mask));
}

static void op_rm_watch(void)
{
    begin("inotify_rm_watch");
    int fd = an_inotify();
    end(call(SYS_inotify_rm_watch, fd, CHOOSE(1, 2, 3, 4, 5, 0, -1)));
}

static void op_change(void)
{
    begin("change");
    const char *name = path();
    switch (below(9)) {
    case 0:
        return end(call(SYS_unlink, name));
    case 1:
        return end(call(SYS_mkdir, name, 0755));
    case 2:
        return end(call(SYS_rmdir, name));
    case 3:
        return end(call(SYS_chmod, name, 0755));
    case 4:
        return end(call(SYS_utimensat, AT_FDCWD, name, NULL, 0));
    case 5:
        return end(call(SYS_link, name, path()));
    case 6:
        return end(call(SYS_symlink, "a", path()));
    case 7:
        return end(call(SYS_mknod, name, CHOOSE(S_IFIFO, S_IFREG) | 0644, 0));
    }
    long fd = call(SYS_open, name, O_CREAT | O_EXCL | O_RDWR, 0644);
    end(fd < 0 ? fd : 0);
    keep(fd, take_slot());
}

static void op_rename(void)
{
    begin("renameat2");
    const char *from = path(), *to = path();
    end(call(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, CHOOSE(0, 0, 0, 1, 2)));
}

static void op_owner(void)
{
    begin("F_SETOWN");
    int fd = slot();
    switch (below(4)) {
    case 0:
        return end(call(SYS_fcntl, fd, F_SETOWN,
                        chance(50)   ? getpid()
                        : chance(50) ? -getpid()
                                     : 0));
    case 1:
        arg("SIG");
        end(call(SYS_fcntl, fd, F_SETSIG, CHOOSE(0, SIGIO, SIGUSR1, 40, 41, 65, -1)));
        break;
    case 2: {
        int who[2] = {(int)CHOOSE(0, 1, 2, 3), getpid()};
        return end(call(SYS_fcntl, fd, 15 /* F_SETOWN_EX */, who));
    }
    default:
        end(call(SYS_fcntl, fd, F_GETOWN, 0) == getpid());
    }
    say(" %ld", call(SYS_fcntl, fd, F_GETSIG, 0));
}

static void op_lease(void)
{
    begin("F_SETLEASE");
    int fd = slot();
    if (chance(70))
        end(call(SYS_fcntl, fd, F_SETLEASE,
                 CHOOSE(F_RDLCK, F_WRLCK, F_UNLCK, F_RDLCK, F_WRLCK, 7)));
    else
        end(0);
    say(" %ld", call(SYS_fcntl, fd, F_GETLEASE, 0));
}

const struct op events_told_ops[] = {
    {op_inotify, 3}, {op_add_watch, 12}, {op_rm_watch, 3}, {op_change, 10},
    {op_rename, 5},  {op_owner, 4},      {op_lease, 4},    {NULL, 0},
};
