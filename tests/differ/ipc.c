// System V IPC: what is common, messages, shared memory; and the hands.
//
// LEFT OUT: numbers of objects and the highest index in use (Linux goes round), times, shm_lpid of
// a child that ended, shm_dtime (which Linux sets when a part is unmapped as well), which of
// several senders to a full queue goes on first; segments at address 0.
#include "ipc.h"

#include <stdlib.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>

enum { PAGE = 4096, ARENA_PAGES = 24 };
#define ARENA ((char *)0x100000000000)

int ipc_ids[KINDS][IDS];
static int gone[KINDS]; // an id that was

static long control(int kind, int id, int cmd, void *arg)
{
    return kind == SEMS     ? call(SYS_semctl, id, 0, cmd, arg)
           : kind == QUEUES ? call(SYS_msgctl, id, cmd, arg)
                            : call(SYS_shmctl, id, cmd, arg);
}

/* Osprey has one set of objects, and the last world's hands may be about to end. */
static void clean(void)
{
    struct shm_info info;
    union {
        struct semid_ds sem;
        struct msqid_ds msg;
        struct shmid_ds shm;
    } stat;
    static const int any[KINDS] = {SEM_STAT_ANY, MSG_STAT_ANY, SHM_STAT_ANY};
    for (int kind = 0; kind < KINDS; kind++)
        for (int i = 0; i < 200; i++) {
            long id = control(kind, i, any[kind], &stat);
            if (id >= 0)
                control(kind, (int)id, IPC_RMID, NULL);
        }
    for (int i = 0; i < 5000 && shmctl(0, SHM_INFO, (void *)&info) >= 0 && info.used_ids; i++)
        usleep(1000);
    mqueue_clean();
}

static void told(int sig, siginfo_t *info, void *context)
{
    (void)context;
    say(" <%d code=%d value=%d from %s>", sig, info->si_code, info->si_value.sival_int,
        who_is(info->si_pid));
}

bool ipc_setup(void)
{
    if (!own_ipc())
        return why = "no IPC namespace of its own", false;
    for (int fd = 3; fd < PEER_OUT; fd++)
        close(fd);
    hands_setup(false);
    clean();
    for (int kind = 0; kind < KINDS; kind++) {
        gone[kind] = -1;
        for (int i = 0; i < IDS; i++)
            ipc_ids[kind][i] = -1;
    }
    for (int i = 0; i < 2; i++) {
        ipc_ids[SEMS][i] = (int)call(SYS_semget, KEY + 1 + i, 3, IPC_CREAT | 0666);
        ipc_ids[QUEUES][i] = (int)call(SYS_msgget, KEY + 1 + i, IPC_CREAT | 0666);
        ipc_ids[SEGMENTS][i] = (int)call(SYS_shmget, KEY + 1 + i, 3 * PAGE, IPC_CREAT | 0666);
    }
    sigaction(SIGUSR1, &(struct sigaction){.sa_sigaction = told, .sa_flags = SA_SIGINFO}, NULL);
    mqueue_setup();
    setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){8 * PAGE, 8 * PAGE});
    return true;
}

const char *who_is(pid_t pid)
{
    static const char *const names[HANDS] = {"hand 0", "hand 1", "hand 2"};
    int hand = hand_of(pid);
    return pid == getpid() ? "own" : pid == 0 ? "0" : hand >= 0 ? names[hand] : "other";
}

int hand_arg(void)
{
    int hand = chance(25) ? (int)below(HANDS) : -1;
    if (hand >= 0 && hand_busy(hand))
        hand = -1;
    arg(hand < 0 ? "here" : "hand %d", hand);
    return hand;
}

void do_job(int hand, struct job *job)
{
    if (hand >= 0) {
        hand_call(hand, job);
        say(") ...");
        return;
    }
    job->said[0] = 0;
    end(job->run(job));
    say("%s", job->said);
}

int id_arg(int kind)
{
    int i = (int)below(IDS);
    if (ipc_ids[kind][i] < 0 && chance(80))
        i = (int)below(IDS);
    if (chance(96)) {
        arg("id %d%s", i, ipc_ids[kind][i] < 0 ? " (none)" : "");
        return ipc_ids[kind][i] < 0 ? 0x7ffffff0 : ipc_ids[kind][i];
    }
    if (chance(50))
        return (int)CHOOSE(-1, 0x7fffffff, INT32_MIN);
    arg("gone");
    return gone[kind] < 0 ? 0x7ffffff0 : gone[kind];
}

void end_id(int kind, long result, int in)
{
    if (result < 0)
        return end(result);
    for (int i = 0; i < IDS; i++)
        if (ipc_ids[kind][i] == result) {
            say(") = id %d", i);
            return;
        }
    if (ipc_ids[kind][in] >= 0)
        control(kind, ipc_ids[kind][in], IPC_RMID, NULL);
    ipc_ids[kind][in] = (int)result;
    say(") = new id %d", in);
}

static void op_get(void)
{
    static const struct named flags[] = {N(IPC_CREAT), N(IPC_CREAT), N(IPC_CREAT | IPC_EXCL),
                                         N(IPC_EXCL), N(IPC_NOWAIT)};
    int kind = (int)below(KINDS), in = (int)below(IDS), key = KEY + 1 + (int)below(3);
    static const char *const names[KINDS] = {"semget", "msgget", "shmget"};
    begin(names[kind]);
    if (chance(15))
        key = IPC_PRIVATE;
    arg("key %d", key ? key - KEY : 0);
    int how = (int)SOME(flags, 2), mode = (int)mode_arg() & 0777;
    if (chance(40))
        how |= IPC_CREAT, mode |= 0600, arg("and creat");
    switch (kind) {
    case SEMS:
        return end_id(
            kind,
            call(SYS_semget, key, CHOOSE(0, 1, 2, 3, 3, 3, 3, 3, 4, 32000, 32001, -1), how | mode),
            in);
    case QUEUES:
        return end_id(kind, call(SYS_msgget, key, how | mode), in);
    default:
        return end_id(kind,
                      call(SYS_shmget, key,
                           CHOOSE(0, 1, 4096, 4097, 12288, 12288, 12288, 40960, -1, 1l << 62),
                           how | mode),
                      in);
    }
}

static void show_perm(const struct ipc_perm *perm)
{
    say(" {key %d %u:%u %u:%u %o", perm->__key == 0 ? 0 : perm->__key - KEY, perm->uid, perm->gid,
        perm->cuid, perm->cgid, perm->mode);
}

static void show_ds(int kind, const void *ds)
{
    const struct semid_ds *sem = ds;
    const struct msqid_ds *msg = ds;
    const struct shmid_ds *shm = ds;
    show_perm(ds);
    if (kind == SEMS)
        say(" n=%lu otime=%d ctime=%d}", (long)sem->sem_nsems, sem->sem_otime != 0,
            sem->sem_ctime != 0);
    if (kind == QUEUES)
        say(" n=%lu bytes=%lu of %lu from %s to %s stime=%d rtime=%d ctime=%d}",
            (long)msg->msg_qnum, (long)msg->__msg_cbytes, (long)msg->msg_qbytes,
            who_is(msg->msg_lspid), who_is(msg->msg_lrpid), msg->msg_stime != 0,
            msg->msg_rtime != 0, msg->msg_ctime != 0);
    if (kind == SEGMENTS)
        say(" size=%zu attached=%lu by %s atime=%d ctime=%d}", shm->shm_segsz,
            (long)shm->shm_nattch, who_is(shm->shm_cpid), shm->shm_atime != 0, shm->shm_ctime != 0);
}

/* The place in the kernel's table: STAT by place. */
static int place_of(int kind, int id)
{
    char ds[256];
    static const int any[KINDS] = {SEM_STAT_ANY, MSG_STAT_ANY, SHM_STAT_ANY};
    for (int i = 0; i < 200; i++)
        if (control(kind, i, any[kind], ds) == id)
            return i;
    return -1;
}

static void op_stat(void)
{
    static const int commands[KINDS][4] = {{IPC_STAT, SEM_STAT, SEM_STAT_ANY, IPC_STAT},
                                           {IPC_STAT, MSG_STAT, MSG_STAT_ANY, IPC_STAT},
                                           {IPC_STAT, SHM_STAT, SHM_STAT_ANY, IPC_STAT}};
    char ds[256] = {0};
    int kind = (int)below(KINDS), which = (int)below(4);
    begin("stat");
    arg("%d, %d", kind, commands[kind][which]);
    int id = id_arg(kind);
    int of = which == 1 || which == 2 ? place_of(kind, id) : id;
    long r = control(kind, of, commands[kind][which], chance(96) ? ds : BAD_POINTER);
    if (of != id || which % 3)
        r = r == id ? 0 : r;
    end(r);
    if (r == 0)
        show_ds(kind, ds);
}

static void op_set(void)
{
    union {
        struct semid_ds sem;
        struct msqid_ds msg;
        struct shmid_ds shm;
    } ds;
    memset(&ds, 0, sizeof(ds));
    int kind = (int)below(KINDS);
    begin("set");
    arg("%d", kind);
    int id = id_arg(kind);
    struct ipc_perm *perm = (struct ipc_perm *)&ds;
    perm->uid = (uid_t)(chance(70) ? (arg("-"), 0) : uid_arg());
    perm->gid = (gid_t)(chance(70) ? (arg("-"), 0) : gid_arg());
    perm->mode = mode_arg() | 0200;
    if (kind == QUEUES)
        ds.msg.msg_qbytes = (msglen_t)CHOOSE(16384, 16384, 100, 8192, 16385, 0, 20);
    end(control(kind, id, IPC_SET, chance(96) ? (void *)&ds : BAD_POINTER));
}

static void op_remove(void)
{
    int kind = (int)below(KINDS);
    begin("remove");
    arg("%d", kind);
    int id = id_arg(kind);
    long r = control(kind, id, IPC_RMID, NULL);
    end(r);
    for (int i = 0; i < IDS && r == 0; i++)
        if (ipc_ids[kind][i] == id)
            gone[kind] = id, ipc_ids[kind][i] = -1;
}

static void op_info(void)
{
    static const int commands[KINDS][2] = {
        {IPC_INFO, SEM_INFO}, {IPC_INFO, MSG_INFO}, {IPC_INFO, SHM_INFO}};
    union {
        struct seminfo sem;
        struct msginfo msg;
        struct shminfo shm;
        struct shm_info total;
    } to;
    memset(&to, 0, sizeof(to));
    int kind = (int)below(KINDS), which = (int)below(2);
    begin("info");
    arg("%d, %d", kind, commands[kind][which]);
    int id = chance(95) ? 0 : id_arg(kind);
    long r = control(kind, id, commands[kind][which], chance(96) ? (void *)&to : BAD_POINTER);
    end(r < 0 ? r : 0);
    if (r < 0)
        return;
    if (kind == SEGMENTS && which)
        say(" %d %lu %lu %lu", to.total.used_ids, to.total.shm_tot, to.total.shm_rss,
            to.total.shm_swp);
    else if (kind == SEGMENTS)
        say(" %lu %lu %lu %lu %lu", to.shm.shmmax, to.shm.shmmin, to.shm.shmmni, to.shm.shmseg,
            to.shm.shmall);
    else if (kind == QUEUES)
        say(" %d %d %d %d %d %d %d %u", to.msg.msgpool, to.msg.msgmap, to.msg.msgmax, to.msg.msgmnb,
            to.msg.msgmni, to.msg.msgssz, to.msg.msgtql, to.msg.msgseg);
    else
        say(" %d %d %d %d %d %d %d %d %d %d", to.sem.semmap, to.sem.semmni, to.sem.semmns,
            to.sem.semmnu, to.sem.semmsl, to.sem.semopm, to.sem.semume, to.sem.semusz,
            to.sem.semvmx, to.sem.semaem);
}

static void op_odd_command(void)
{
    int kind = (int)below(KINDS);
    begin("ctl");
    arg("%d", kind);
    int id = id_arg(kind);
    end(control(kind, id, (int)CHOOSE(-1, 4, 5, 99, 0x7fffffff, 10, 21), NULL));
}

// --- messages ---

static const long types[] = {1, 1, 2, 3, 5, 0, -1, INT64_MAX};
static const long wanted[] = {0, 0, 1, 2, 5, -1, -2, -5, INT64_MAX, INT64_MIN, -INT64_MAX};

static long run_call(struct job *job)
{
    return call(job->a[0], job->a[1], job->a[2], job->a[3], job->a[4], job->a[5], job->a[6]);
}

static void op_msgsnd(void)
{
    struct job job = {.run = run_call};
    struct {
        long type;
        char text[9000];
    } *message = (void *)buffer;
    begin("msgsnd");
    int hand = hand_arg();
    if (hand > 0)
        hand = -1, say(" alone");
    int id = id_arg(QUEUES);
    long type = choose(types, COUNT(types));
    size_t size = (size_t)CHOOSE(0, 1, 8, 100, 1000, 4048, 8000, 8192, 8193, -1);
    data_fill(sizeof(*message));
    message->type = type;
    bool wait = hand >= 0 && chance(80);
    void *from = chance(97) ? (void *)message : (arg("BAD"), BAD_POINTER);
    memcpy(job.a, (long[]){SYS_msgsnd, id, (long)from, (long)size, wait ? 0 : IPC_NOWAIT, 0, 0},
           sizeof(job.a));
    if (hand >= 0 && from == message) { // its memory is a copy of its own
        memcpy(job.in, message, sizeof(job.in));
        job.a[2] = (long)job.in;
        if (size > sizeof(job.in) - 8 && size < 9000)
            job.a[3] = 1000, say(" short");
    }
    do_job(hand, &job);
}

static long run_msgrcv(struct job *job)
{
    static struct {
        long type;
        char text[9000];
    } message;
    message.type = 0;
    void *to = job->a[2] ? (void *)job->a[2] : (void *)&message;
    long r = call(SYS_msgrcv, job->a[1], to, job->a[3], job->a[4], job->a[5]);
    if (r >= 0)
        sprintf(job->said, " type %ld %08x", message.type, (unsigned)hash_of(message.text, r));
    return r;
}

static void op_msgrcv(void)
{
    static const struct named flags[] = {N(MSG_NOERROR), N(MSG_NOERROR), N(MSG_EXCEPT), N(MSG_COPY),
                                         N(0x8000)};
    struct job job = {.run = run_msgrcv};
    begin("msgrcv");
    int hand = hand_arg(), id = id_arg(QUEUES);
    size_t size = (size_t)CHOOSE(0, 1, 100, 8192, 8192, 8192, 9000, -1);
    long type = choose(wanted, COUNT(wanted));
    int how = (int)SOME(flags, 2);
    bool wait = hand >= 0 && chance(80);
    void *to = chance(97) ? NULL : (arg("BAD"), BAD_POINTER);
    memcpy(job.a, (long[]){0, id, (long)to, (long)size, type, how | (wait ? 0 : IPC_NOWAIT), 0},
           sizeof(job.a));
    do_job(hand, &job);
}

// --- shared memory ---

static char *arena_arg(void)
{
    if (chance(12)) {
        arg("NULL");
        return NULL;
    }
    long page = below(ARENA_PAGES), odd = chance(80) ? 0 : chance(50) ? 1 : 4095;
    if (chance(4)) {
        static const long far[] = {4096, 4097, 0x7ffffffff000, -4096, INT64_MIN, 0x7ffffffec000};
        return (char *)choose(far, COUNT(far));
    }
    arg("page %ld+%ld", page, odd);
    return ARENA + page * PAGE + odd;
}

static void op_shmat(void)
{
    static const struct named flags[] = {N(SHM_RND),  N(SHM_RND),   N(SHM_REMAP), N(SHM_RDONLY),
                                         N(SHM_EXEC), N(SHM_REMAP), N(1),         N(IPC_NOWAIT)};
    begin("shmat");
    int id = id_arg(SEGMENTS);
    char *at = arena_arg();
    long r = call(SYS_shmat, id, at, SOME(flags, 2));
    char *got = (char *)r;
    if (r < 0 && r > -4096) {
        end(r);
    } else if (got >= ARENA && got < ARENA + ARENA_PAGES * PAGE) {
        say(") = page %ld", (got - ARENA) / PAGE);
    } else {
        say(") = elsewhere");
        shmdt(got);
    }
}

static void op_shmdt(void)
{
    begin("shmdt");
    end(call(SYS_shmdt, arena_arg()));
}

static void op_touch(void)
{
    int ends[2];
    begin("touch");
    char *at = ARENA + (long)below(ARENA_PAGES) * PAGE;
    arg("page %ld", (at - ARENA) / PAGE);
    if (pipe2(ends, O_NONBLOCK) != 0)
        return;
    char byte = (char)below(100);
    if (write(ends[1], &byte, 1) != 1)
        return;
    long put = chance(50) ? call(SYS_read, ends[0], at, 1) : -99;
    while (read(ends[0], &byte, 1) == 1)
        ;
    long got = call(SYS_write, ends[1], at, 1);
    byte = 0;
    if (read(ends[0], &byte, 1) < 0)
        byte = 0;
    close(ends[0]);
    close(ends[1]);
    say(") put=%ld got=%ld %d", put, got, byte);
}

static void op_protect(void)
{
    begin("mprotect");
    char *at = ARENA + (long)below(ARENA_PAGES) * PAGE;
    arg("page %ld", (at - ARENA) / PAGE);
    end(call(SYS_mprotect, at, PAGE, CHOOSE(PROT_READ, PROT_READ | PROT_WRITE, PROT_NONE)));
}

static void op_unmap(void)
{
    begin("munmap");
    char *at = ARENA + (long)below(ARENA_PAGES) * PAGE;
    arg("page %ld", (at - ARENA) / PAGE);
    end(call(SYS_munmap, at, PAGE * CHOOSE(1, 1, 2, 5)));
}

static void op_shm_lock(void)
{
    begin("shmctl");
    int id = id_arg(SEGMENTS);
    end(call(SYS_shmctl, id, CHOOSE(SHM_LOCK, SHM_UNLOCK), NULL));
}

// --- the hands ---

static void op_hand(void)
{
    begin("hand");
    int hand = (int)below(HANDS);
    arg("%d", hand);
    bool with_kill = chance(50);
    if (!hand_there(hand))
        return end(0);
    if (hand_busy(hand) && chance(60)) {
        arg("interrupt");
        hand_interrupt(hand);
        return end(0);
    }
    arg(with_kill ? "kill" : "end");
    hand_end(hand, with_kill);
    end(0);
}

const struct op sysv_ops[] = {
    {op_get, 18},   {op_stat, 8},        {op_set, 5},     {op_remove, 3},
    {op_info, 4},   {op_odd_command, 1}, {op_msgsnd, 18}, {op_msgrcv, 18},
    {op_shmat, 10}, {op_shmdt, 6},       {op_touch, 4},   {op_protect, 1},
    {op_unmap, 2},  {op_shm_lock, 2},    {op_hand, 6},    {NULL, 0},
};
