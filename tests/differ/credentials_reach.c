// What a process may do to files, to others, to the system.
#include "credentials.h"

#include <linux/capability.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>

// --- files ---

static void shut(long fd)
{
    end(fd < 0 ? fd : 0);
    if (fd >= 0)
        close((int)fd);
}

static void show_mode(const char *path)
{
    struct stat st;
    if (stat(path, &st) == 0)
        say(" %o %u %u", st.st_mode, st.st_uid, st.st_gid);
}

static void open_file(void)
{
    static const struct named flags[] = {N(O_RDONLY), N(O_WRONLY), N(O_RDWR), N(O_PATH), N(3)};
    static const struct named more[] = {N(O_CREAT),     N(O_TRUNC),   N(O_NOATIME), N(O_EXCL),
                                        N(O_DIRECTORY), N(O_TMPFILE), N(O_NOFOLLOW)};
    begin("open");
    const char *path = draw_file();
    uint64_t how = ONE(flags);
    if (chance(40))
        how |= SOME(more, 2);
    shut(call(SYS_openat, AT_FDCWD, path, how, mode_arg()));
    show_mode(path);
}

static void access_file(void)
{
    begin("faccessat2");
    const char *path = draw_file();
    long mode = CHOOSE(0, 1, 2, 4, 3, 5, 6, 7, 8, -1);
    end(call(SYS_faccessat2, AT_FDCWD, path, mode, CHOOSE(0, 0, AT_EACCESS, 1)));
}

static void change_file(void)
{
    char value[64];
    begin("change");
    const char *path = draw_file();
    switch (below(11)) {
    case 0:
        arg("chmod"), end(call(SYS_chmod, path, mode_arg()));
        break;
    case 1:
        arg("chown"), end(call(SYS_chown, path, draw_id(), draw_id()));
        break;
    case 2:
        arg("truncate"), end(call(SYS_truncate, path, 10));
        break;
    case 3:
        arg("utime now"), end(call(SYS_utimensat, AT_FDCWD, path, NULL, 0));
        break;
    case 4: {
        const struct timespec times[2] = {{1, 0}, {2, 0}};
        arg("utime");
        end(call(SYS_utimensat, AT_FDCWD, path, times, 0));
        break;
    }
    case 5:
    case 6: {
        static const char *const names[] = {"user.a", "trusted.a", "security.a", "other.a"};
        const char *name = names[below(4)];
        bool set = chance(60);
        arg("%s %s", set ? "set" : "get", name);
        end(set ? call(SYS_setxattr, path, name, "x", 1, 0)
                : call(SYS_getxattr, path, name, value, sizeof(value)));
        break;
    }
    case 7:
        arg("link"), end(call(SYS_link, path, draw_file()));
        break;
    case 8:
        arg("unlink"), end(call(SYS_unlink, path));
        break;
    case 9: {
        mode_t mode = mode_arg() & 07777;
        uint64_t type = (uint64_t)CHOOSE(S_IFREG, S_IFIFO, S_IFCHR, S_IFBLK, S_IFDIR);
        arg("mknod");
        end(call(SYS_mknod, path, mode | type, 0));
        break;
    }
    default: {
        int fd = open(path, O_WRONLY | O_APPEND | O_NONBLOCK);
        arg("write");
        end(fd < 0 ? -errno : call(SYS_write, fd, "x", 1));
        close(fd);
    }
    }
    show_mode(path);
}

static void folder(void)
{
    begin("folder");
    const char *path = draw_file();
    char copy[60];
    strcpy(copy, path);
    switch (below(4)) {
    case 0:
        arg("mkdir"), end(call(SYS_mkdir, copy, mode_arg())), show_mode(copy);
        break;
    case 1:
        arg("rmdir"), end(call(SYS_rmdir, copy));
        break;
    case 2:
        arg("rename"), end(call(SYS_rename, copy, draw_file()));
        break;
    default: {
        char cwd[100];
        arg("chdir");
        end(call(SYS_chdir, copy));
        long r = call(SYS_getcwd, cwd, sizeof(cwd));
        say(" %s", r < 0 ? error_name(-r) : cwd);
        if (chdir("/") != 0)
            say(" /: %s", error_name(errno));
    }
    }
}

const struct op reach_file_ops[] = {
    {open_file, 12}, {access_file, 6}, {change_file, 16}, {folder, 6}, {NULL, 0},
};

// --- processes ---

static int draw_target(void)
{
    int pid = actor_pid(another_actor());
    return pid ? pid : 0x3ffffff;
}

static void through_pidfd(int pid, const struct iovec *remote)
{
    int fd = (int)call(SYS_pidfd_open, pid, 0);
    if (fd < 0)
        return end(fd);
    switch (below(3)) {
    case 0:
        arg("pidfd_getfd"), shut(call(SYS_pidfd_getfd, fd, 2, 0));
        break;
    case 1:
        arg("pidfd_send_signal"), end(call(SYS_pidfd_send_signal, fd, 0, NULL, 0));
        break;
    default:
        arg("process_madvise");
        end(call(SYS_process_madvise, fd, remote, 1, 20 /* cold */, 0));
    }
    close(fd);
}

static void seize(int pid)
{
    arg("ptrace");
    long r = call(SYS_ptrace, PTRACE_SEIZE, pid, 0, 0);
    end(r);
    if (r == 0) { // it goes only from a stop
        int status;
        ptrace(PTRACE_INTERRUPT, pid, 0, 0);
        waitpid(pid, &status, __WALL);
        ptrace(PTRACE_DETACH, pid, 0, 0);
    }
}

static void to_process(void)
{
    static char here[8], value = 1;
    struct iovec local = {here, 8}, remote = {here, 8};
    struct rlimit old, *now = NULL;
    uint64_t cpus[16] = {0};
    begin("process");
    int pid = draw_target();
    switch (below(17)) {
    case 0:
        arg("kill");
        return end(call(SYS_kill, pid, 0));
    case 1:
        arg("tgkill");
        return end(call(SYS_tgkill, pid, pid, 0));
    case 2:
        arg("sched_setaffinity");
        sched_getaffinity(0, sizeof(cpus), (cpu_set_t *)cpus);
        return end(call(SYS_sched_setaffinity, pid, sizeof(cpus), cpus));
    case 3:
        arg("setpriority to 19");
        return end(
            call(SYS_setpriority, PRIO_PROCESS, pid, 19l)); // LEFT OUT: which error comes first
    case 4:
        arg("sched_setscheduler");
        return end(call(SYS_sched_setscheduler, pid, CHOOSE(0, 3, 5), &(int){0}));
    case 5:
        arg("ioprio_set");
        return end(call(SYS_ioprio_set, 1, pid, CHOOSE(0x4004, 0x2004)));
    case 6:
        arg("getpgid");
        return end(call(SYS_getpgid, pid) < 0 ? -errno : 0);
    case 7:
        if (chance(50)) {
            now = &old, arg("set");
            prlimit(getpid(), RLIMIT_NOFILE, NULL, &old);
        }
        arg("prlimit");
        return end(call(SYS_prlimit64, pid, RLIMIT_NOFILE, now, &old));
    case 8:
        arg("process_vm_readv");
        return end(call(SYS_process_vm_readv, pid, &local, 1, &remote, 1, 0));
    case 9:
        arg("kcmp");
        return end(call(SYS_kcmp, pid, getpid(), KCMP_VM, 0, 0) < 0 ? -errno : 0);
    case 10:
    case 11:
        return through_pidfd(pid, &remote);
    case 12: {
        void *head;
        size_t size;
        arg("get_robust_list");
        return end(call(SYS_get_robust_list, pid, &head, &size));
    }
    case 13:
        return seize(pid);
    case 14:
        arg("sched_getattr");
        return end(call(SYS_sched_getattr, pid, cpus, 48, 0));
    case 15:
        arg("migrate_pages");
        return end(call(SYS_migrate_pages, pid, 1, &value, &value));
    default: {
        siginfo_t info = {.si_code = (int)CHOOSE(SI_QUEUE, SI_USER, SI_TKILL)};
        arg("rt_sigqueueinfo");
        return end(call(SYS_rt_sigqueueinfo, pid, 0, &info));
    }
    }
}

// LEFT OUT: "fdinfo", whose folder others may list here; "stack", which the host may not have;
// "attr", "timers", "clear_refs".
static void proc_file(void)
{
    static const char *const names[] = {
        "environ",
        "maps",
        "smaps",
        "exe",
        "cwd",
        "root",
        "fd",
        "fd/2",
        "stat",
        "io",
        "limits",
        "auxv",
        "mem",
        "syscall",
        "status",
        "task",
        "comm",
        "pagemap",
        "ns/mnt",
        "wchan",
        "mounts",
        "oom_score_adj",
        "coredump_filter",
        "timerslack_ns",
        "cmdline",
        "personality",
        "map_files",
        "oom_score",
    };
    char path[60], text[500];
    struct stat st;
    begin("proc");
    int pid = actor_pid(another_actor());
    const char *name = names[below(COUNT(names))];
    arg("%s", name);
    if (!pid)
        return end(0);
    sprintf(path, "%d/%s", pid, name);
    bool link = strcmp(name, "exe") == 0 || strcmp(name, "cwd") == 0 || strcmp(name, "root") == 0 ||
                strcmp(name, "fd/2") == 0 || strcmp(name, "ns/mnt") == 0;
    if (link) {
        long r = call(SYS_readlinkat, PROC, path, text, sizeof(text));
        end(r < 0 ? r : 0);
    } else {
        bool store = strcmp(name, "comm") == 0 || strcmp(name, "oom_score_adj") == 0 ||
                     strcmp(name, "timerslack_ns") == 0 || strcmp(name, "mem") == 0;
        // LEFT OUT: opening for writing, with CAP_DAC_OVERRIDE, what nothing can be written to
        long fd = call(SYS_openat, PROC, path, store ? CHOOSE(O_RDONLY, O_WRONLY) : O_RDONLY);
        end(fd < 0 ? fd : 0);
        if (fd >= 0) {
            long r = call(SYS_read, fd, text, sizeof(text));
            if (strcmp(name, "mem") != 0)
                say(" read=%s", r < 0 ? error_name(-r) : r ? "some" : "0");
            close((int)fd);
        }
    }
    if (fstatat(PROC, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
        say(" %o %u %u", link && st.st_uid ? 0 : st.st_mode, st.st_uid, st.st_gid);
}

// --- the system: what is asked for is refused in any case ---

static void of_system(void)
{
    begin("system");
    struct timespec bad = {0, -1};
    switch (below(14)) {
    case 0:
        arg("sethostname");
        return end(call(SYS_sethostname, "x", -1));
    case 1:
        arg("setdomainname");
        return end(call(SYS_setdomainname, "x", 65));
    case 2:
        arg("chroot");
        return end(call(SYS_chroot, "/"));
    case 3:
        arg("mount");
        return end(call(SYS_mount, "x", "/none", "tmpfs", 0, NULL));
    case 4:
        arg("mount");
        return end(call(SYS_mount, "x", "/0.9", "none-such", 0, NULL));
    case 5:
        arg("umount");
        return end(call(SYS_umount2, chance(50) ? "/none" : "/0.9", 0));
    case 6:
        arg("setns");
        return end(call(SYS_setns, -1, 0));
    case 7:
        arg("reboot");
        return end(call(SYS_reboot, 1, 2, 3, 4));
    case 8:
        arg("acct");
        return end(call(SYS_acct, "/none/such"));
    case 9:
        arg("clock_settime");
        return end(call(SYS_clock_settime, 0, &bad));
    case 10:
        arg("vmsplice");
        return end(call(SYS_vmsplice, -1, NULL, 0, 0));
    case 11:
        arg("unshare");
        return end(call(SYS_unshare, CLONE_NEWNS));
    case 12:
        arg("mlockall");
        return end(call(SYS_mlockall, 8));
    default:
        arg("pivot_root");
        return end(call(SYS_pivot_root, "/none", "/none"));
    }
}

static void socket_option(void)
{
    static const struct named options[] = {N(SO_RCVBUFFORCE), N(SO_SNDBUFFORCE), N(SO_MARK),
                                           N(SO_PRIORITY), N(SO_DEBUG)};
    begin("setsockopt");
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    uint64_t option = ONE(options);
    int value = (int)CHOOSE(1, 6, 7, 5000);
    end(call(SYS_setsockopt, fd, SOL_SOCKET, option, &value, sizeof(value)));
    close(fd);
}

static void send_credentials(void)
{
    struct ucred ids = {.pid = chance(80) ? getpid() : getppid()};
    char control[CMSG_SPACE(sizeof(ids))] = {0}, byte;
    struct iovec iov = {&byte, 1};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof(control)};
    int ends[2], on = 1;
    begin("SCM_CREDENTIALS");
    arg(ids.pid == getpid() ? "own" : "parent");
    ids.uid = draw_id(), ids.gid = draw_id();
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) != 0)
        return end(-errno);
    setsockopt(ends[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_CREDENTIALS, c->cmsg_len = CMSG_LEN(sizeof(ids));
    memcpy(CMSG_DATA(c), &ids, sizeof(ids));
    if (chance(20))
        m.msg_control = NULL, m.msg_controllen = 0, arg("none");
    end(call(SYS_sendmsg, ends[0], &m, 0));
    m.msg_control = control, m.msg_controllen = sizeof(control);
    if (call(SYS_recvmsg, ends[1], &m, MSG_DONTWAIT) == 1 && (c = CMSG_FIRSTHDR(&m))) {
        memcpy(&ids, CMSG_DATA(c), sizeof(ids));
        say(" %s %u %u", ids.pid == getpid() ? "own" : "other", ids.uid, ids.gid);
    }
    socklen_t size = sizeof(ids);
    if (getsockopt(ends[0], SOL_SOCKET, SO_PEERCRED, &ids, &size) == 0)
        say(" peer %u %u", ids.uid, ids.gid);
    close(ends[0]);
    close(ends[1]);
}

const struct op reach_process_ops[] = {
    {to_process, 30},   {proc_file, 20},       {of_system, 10},
    {socket_option, 3}, {send_credentials, 6}, {NULL, 0},
};
