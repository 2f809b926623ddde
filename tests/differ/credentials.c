// Users, groups and capabilities of processes: how they change, what they let through.
#include "credentials.h"
#include "families.h"

#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#define CAP(x)                                                                                     \
    {                                                                                              \
        1ull << (x), #x                                                                            \
    }

static const int ids[] = {0, UID_A, UID_B, GID_A, -1, 12345, 65534};

// --- programs: PROGRAM is in the world as each of these ---

static const struct program {
    const char *name;
    int uid, gid;
    mode_t mode;
    uint32_t version; // of the file's capabilities
    bool effective;
    uint64_t permitted, inheritable;
    uint32_t root;
} programs[] = {
    {"/plain", 0, 0, 0755, 0, 0, 0, 0, 0},
    {"/unread", 0, 0, 0711, 0, 0, 0, 0, 0},
    {"/suidroot", 0, 0, 04755, 0, 0, 0, 0, 0},
    {"/suida", UID_A, 0, 04755, 0, 0, 0, 0, 0},
    {"/suidb", UID_B, GID_A, 06711, 0, 0, 0, 0, 0},
    {"/sgid", 0, GID_A, 02755, 0, 0, 0, 0, 0},
    {"/sgidnox", 0, GID_A, 02745, 0, 0, 0, 0, 0},
    {"/ownera", UID_A, UID_A, 0700, 0, 0, 0, 0, 0},
    {"/group", 0, GID_A, 0750, 0, 0, 0, 0, 0},
    {"/cap", 0, 0, 0755, 2, true, 1 << CAP_CHOWN | 1 << CAP_NET_ADMIN, 0, 0},
    {"/capsilent", 0, 0, 0755, 2, false, 1 << CAP_CHOWN | 1 << CAP_KILL, 0, 0},
    {"/capinherit", 0, 0, 0755, 2, true, 0, 1 << CAP_KILL | 1 << CAP_SETPCAP, 0},
    {"/capsuid", UID_A, 0, 04755, 2, true, 1 << CAP_SYS_NICE, ~0u, 0},
    {"/caproot", 0, 0, 04755, 2, true, 1 << CAP_CHOWN, 0, 0},
    {"/cap3", 0, 0, 0755, 3, true, 1ull << CAP_SYSLOG | 1 << CAP_FOWNER, 0, 0},
    {"/cap3other", 0, 0, 0755, 3, true, 1 << CAP_FOWNER, 0, UID_A},
    {"/captoomuch", 0, 0, 0755, 2, true, 1 << CAP_SYS_RESOURCE | 1, 0, 0},
    {"/script", UID_A, GID_A, 06755, 0, 0, 0, 0, 0},
    {"/script2", 0, 0, 0711, 0, 0, 0, 0, 0},
};

const char *draw_program(void)
{
    const char *name = programs[below(COUNT(programs))].name;
    arg("%s", name);
    return name;
}

static long set_capabilities(const char *path, const struct program *p)
{
    struct vfs_ns_cap_data data = {0};
    size_t size = p->version == 3 ? sizeof(data) : sizeof(struct vfs_cap_data);
    data.magic_etc = p->version << VFS_CAP_REVISION_SHIFT | p->effective;
    for (int i = 0; i < 2; i++) {
        data.data[i].permitted = (uint32_t)(p->permitted >> 32 * i);
        data.data[i].inheritable = (uint32_t)(p->inheritable >> 32 * i);
    }
    data.rootid = p->root;
    return call(SYS_setxattr, path, "security.capability", &data, size, 0);
}

static bool make_program(const struct program *p)
{
    int to = open(p->name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (strncmp(p->name, "/script", 7) == 0) {
        const char *text = p->mode & S_ISUID ? "#!/plain --helper\n" : "#!/suidroot --helper\n";
        if (write(to, text, strlen(text)) < 0)
            return false;
    } else {
        int from = openat(PROC, "self/exe", O_RDONLY);
        while (sendfile(to, from, NULL, 1 << 20) > 0)
            ;
        close(from);
    }
    return fchown(to, p->uid, p->gid) == 0 && fchmod(to, p->mode) == 0 && close(to) == 0 &&
           (!p->version || set_capabilities(p->name, p) == 0);
}

// --- files to reach ---

static const mode_t modes[] = {0600, 0060, 0006, 0000, 0644, 0660, 04755, 02755, 02711};
static const mode_t dir_modes[] = {0700, 0070, 01777, 02775, 0711};
static const int owners[][2] = {{0, 0}, {UID_A, GID_A}, {UID_B, UID_A}, {0, GID_A}};

static bool make_file(unsigned o, unsigned m)
{
    char name[40];
    sprintf(name, "/%u.%u", o, m);
    if (m < COUNT(modes))
        close(creat(name, 0));
    else
        mkdir(name, 0);
    return chown(name, owners[o][0], owners[o][1]) == 0 &&
           chmod(name, m < COUNT(modes) ? modes[m] : dir_modes[m - COUNT(modes)]) == 0;
}

const char *draw_file(void)
{
    static char name[40];
    unsigned o = below(COUNT(owners)), m = below(COUNT(modes) + COUNT(dir_modes));
    if (m < COUNT(modes) || chance(50))
        sprintf(name, "/%u.%u", o, m);
    else
        sprintf(name, "/%u.%u/x", o, m);
    arg("%s", name);
    return name;
}

bool credentials_setup(void)
{
    for (unsigned i = 0; i < COUNT(programs); i++)
        if (!make_program(&programs[i]))
            return why = "no capabilities of files", false;
    for (unsigned o = 0; o < COUNT(owners); o++)
        for (unsigned m = 0; m < COUNT(modes) + COUNT(dir_modes); m++)
            make_file(o, m);
    actors_start(NULL);
    return true;
}

static void show_rest(void)
{
    int sig = -1;
    prctl(PR_GET_PDEATHSIG, &sig);
    say(" dumpable=%d bits=%#x keep=%d death=%d", prctl(PR_GET_DUMPABLE), prctl(PR_GET_SECUREBITS),
        prctl(PR_GET_KEEPCAPS), sig);
}

// --- ids ---

int draw_id(void)
{
    int id = ids[below(COUNT(ids))];
    arg("%d", id);
    return id;
}

static void set_ids(void)
{
    static const struct {
        const char *name;
        int number, nargs;
    } calls[] = {
        {"setuid", SYS_setuid, 1},       {"setgid", SYS_setgid, 1},
        {"setreuid", SYS_setreuid, 2},   {"setregid", SYS_setregid, 2},
        {"setresuid", SYS_setresuid, 3}, {"setresgid", SYS_setresgid, 3},
        {"setfsuid", SYS_setfsuid, 1},   {"setfsgid", SYS_setfsgid, 1},
    };
    unsigned which = below(COUNT(calls));
    begin(calls[which].name);
    int a = draw_id(), b = calls[which].nargs > 1 ? draw_id() : 0;
    int c = calls[which].nargs > 2 ? draw_id() : 0;
    end(call(calls[which].number, a, b, c));
    show_rest();
}

static void set_groups(void)
{
    gid_t groups[8], got[40] = {0};
    begin("setgroups");
    int n = (int)below(6);
    for (int i = 0; i < n; i++)
        groups[i] = draw_id();
    long count = chance(90) ? (arg("%d", n), n) : CHOOSE(-1, 65537, 1 << 30);
    end(call(SYS_setgroups, count, chance(95) ? groups : BAD_POINTER));
    say(" ");
    begin("getgroups");
    count = CHOOSE(0, 0, 40, 40, 1, 2, -1, 65537);
    long r = call(SYS_getgroups, count, chance(95) ? got : BAD_POINTER);
    end(r);
    for (int i = 0; count && i < r; i++)
        say(" %d", (int)got[i]);
}

static void get_ids(void)
{
    int v[3] = {-7, -7, -7};
    bool user = chance(50);
    begin(user ? "getresuid" : "getresgid");
    void *bad = chance(10) ? BAD_POINTER : &v[1];
    end(call(user ? SYS_getresuid : SYS_getresgid, &v[0], bad, &v[2]));
    say(" %d %d %d; %ld %ld %ld %ld", v[0], v[1], v[2], call(SYS_getuid), call(SYS_geteuid),
        call(SYS_getgid), call(SYS_getegid));
}

// --- capabilities ---

static const struct named some_caps[] = {
    CAP(CAP_CHOWN),           CAP(CAP_DAC_OVERRIDE),
    CAP(CAP_DAC_READ_SEARCH), CAP(CAP_FOWNER),
    CAP(CAP_FSETID),          CAP(CAP_KILL),
    CAP(CAP_SETGID),          CAP(CAP_SETUID),
    CAP(CAP_SETPCAP),         CAP(CAP_NET_ADMIN),
    CAP(CAP_SYS_CHROOT),      CAP(CAP_SYS_PTRACE),
    CAP(CAP_SYS_ADMIN),       CAP(CAP_SYS_NICE),
    CAP(CAP_SYS_RESOURCE),    CAP(CAP_MKNOD),
    CAP(CAP_LEASE),           CAP(CAP_SETFCAP),
    CAP(CAP_SYSLOG),          CAP(CAP_CHECKPOINT_RESTORE),
};

static uint64_t draw_caps(uint64_t of)
{
    switch (below(4)) {
    case 0:
        arg("all");
        return of;
    case 1:
        return of & ~SOME(some_caps, 4);
    default:
        return SOME(some_caps, 6);
    }
}

static void set_caps(void)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {0};
    syscall(SYS_capget, &head, data);
    uint64_t all = data[0].permitted | (uint64_t)data[1].permitted << 32;
    begin("capset");
    uint64_t p = draw_caps(all), e = draw_caps(chance(80) ? p : all), i = draw_caps(all);
    if (chance(60))
        e &= p;
    for (int at = 0; at < 2; at++)
        data[at].effective = (uint32_t)(e >> 32 * at),
        data[at].permitted = (uint32_t)(p >> 32 * at),
        data[at].inheritable = (uint32_t)(i >> 32 * at);
    if (chance(10))
        head.version = (uint32_t)CHOOSE(0x19980330, 0x20071026, 0, -1);
    if (chance(10))
        head.pid = chance(50) ? actor_pid(another_actor()) : (int)CHOOSE(-1, 1, 0x3ffffff);
    end(call(SYS_capset, &head, chance(97) ? data : NULL));
    say(" version=%#x", head.version);
    show_rest();
}

static void get_caps(void)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    memset(data, 0x55, sizeof(data));
    begin("capget");
    if (chance(30))
        head.version = (uint32_t)CHOOSE(0x19980330, 0x20071026, 0, -1);
    if (chance(50))
        head.pid = chance(70) ? actor_pid(another_actor()) : (int)CHOOSE(-1, 0x3ffffff);
    end(call(SYS_capget, &head, chance(90) ? data : NULL));
    say(" version=%#x", head.version);
    for (int i = 0; i < 2; i++)
        say(" %x/%x/%x", data[i].effective, data[i].permitted, data[i].inheritable);
}

static void controls(void)
{
    static const struct named options[] = {
        N(PR_CAPBSET_READ),     N(PR_CAPBSET_DROP),   N(PR_CAP_AMBIENT),  N(PR_CAP_AMBIENT),
        N(PR_CAP_AMBIENT),      N(PR_SET_KEEPCAPS),   N(PR_SET_KEEPCAPS), N(PR_GET_KEEPCAPS),
        N(PR_SET_SECUREBITS),   N(PR_SET_SECUREBITS), N(PR_SET_DUMPABLE), N(PR_SET_NO_NEW_PRIVS),
        N(PR_GET_NO_NEW_PRIVS), N(PR_SET_PDEATHSIG),
    };
    long a[4] = {0};
    begin("prctl");
    uint64_t option = ONE(options);
    switch (option) {
    case PR_CAPBSET_READ:
    case PR_CAPBSET_DROP:
        a[0] = chance(80) ? (long)below(41) : CHOOSE(41, 63, 64, -1);
        break;
    case PR_CAP_AMBIENT:
        a[0] = CHOOSE(1, 2, 2, 2, 3, 4, 0, 5);
        a[1] = a[0] == 4 && chance(90) ? 0 : chance(90) ? (long)below(41) : CHOOSE(41, -1);
        break;
    case PR_SET_SECUREBITS:
        a[0] = chance(95) ? (long)(rnd() >> 20 & (chance(50) ? 0x55 : 0xff)) : CHOOSE(0x100, -1);
        break;
    case PR_SET_PDEATHSIG:
        a[0] = CHOOSE(SIGKILL, 0, 64, 65, -1);
        break;
    default:
        a[0] = CHOOSE(0, 1, 1, 2, 3);
    }
    arg("%ld", a[0]);
    arg("%ld", a[1]);
    if (chance(5))
        a[1 + below(3)] = 1, arg("more");
    end(call(SYS_prctl, option, a[0], a[1], a[2], a[3]));
    show_rest();
}

// --- execve ---

static void execute(void)
{
    begin("execve");
    const char *first = draw_program(), *next = draw_program();
    char *argv[] = {(char *)first, "--helper", "word", chance(40) ? (char *)next : NULL, NULL};
    int fd = chance(20) ? open(first, O_RDONLY | (chance(50) ? O_CLOEXEC : O_PATH)) : AT_FDCWD;
    show_run(fd, fd >= 0 ? "" : first, argv, fd >= 0 ? AT_EMPTY_PATH : 0);
    close(fd);
}

static void change_program(void)
{
    begin("change");
    const struct program *p = &programs[below(COUNT(programs))];
    struct program other = programs[below(COUNT(programs))];
    char data[64];
    arg("%s", p->name);
    switch (below(7)) {
    case 0:
        arg("chmod"), end(call(SYS_chmod, p->name, mode_arg() | 0111));
        break;
    case 1:
        arg("chown"), end(call(SYS_chown, p->name, draw_id(), draw_id()));
        break;
    case 2:
        arg("%s's", other.name), end(set_capabilities(p->name, &other));
        break;
    case 3:
        other.version = (uint32_t)CHOOSE(1, 2, 3, 4);
        other.effective = (int)CHOOSE(0, 1);
        other.root = (uint32_t)CHOOSE(0, UID_A);
        other.permitted = draw_caps(~0ull);
        end(set_capabilities(p->name, &other));
        break;
    case 4:
        arg("remove"), end(call(SYS_removexattr, p->name, "security.capability"));
        break;
    case 5: {
        int fd = open(p->name, O_WRONLY | O_APPEND);
        arg("write");
        end(fd < 0 ? -errno : call(SYS_write, fd, "\n", 1));
        close(fd);
        break;
    }
    default:
        arg("truncate"), end(call(SYS_truncate, p->name, 2000000));
        break;
    }
    struct stat st;
    long n = call(SYS_getxattr, p->name, "security.capability", data, sizeof(data));
    if (stat(p->name, &st) == 0)
        say(" %o %u %u xattr %ld", st.st_mode, st.st_uid, st.st_gid, n);
    show_data(data, n);
}

/* They lose what they are in time. */
static void op_restore(void)
{
    const struct program *p = &programs[below(COUNT(programs))];
    unsigned o = below(COUNT(owners)), m = below(COUNT(modes) + COUNT(dir_modes));
    unlink(p->name);
    say("restore %s %d", p->name, make_program(p));
    say(" file %d", make_file(o, m));
}

static const struct op change_ops[] = {
    {set_ids, 30}, {set_groups, 6}, {get_ids, 3}, {set_caps, 16},
    {get_caps, 4}, {controls, 30},  {NULL, 0},
};

static void change(void)
{
    run_one(change_ops);
}

static void op_change(void)
{
    if (actor_does(change))
        show_status(actor_now);
}

static void op_execute(void)
{
    actor_does(execute);
}

static void op_change_program(void)
{
    actor_does(change_program);
}

static void reach(void)
{
    run_one(chance(50) ? reach_file_ops : reach_process_ops);
}

static void op_reach(void)
{
    actor_does(reach);
}

const struct op credentials_ops[] = {
    {op_change, 50},   {op_execute, 14}, {op_change_program, 6}, {op_reach, 40}, {op_restore, 4},
    {actor_leaves, 6}, {NULL, 0},
};
