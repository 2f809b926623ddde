// System V message queues: types, sizes, full queues, waits (man 2 msgget, msgop, msgctl).
#include "check.h"
#include "own_ipc.h"

#include <pthread.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/syscall.h>

struct packet {
    long type;
    char text[9000];
};

static int fresh(void)
{
    int id = msgget(IPC_PRIVATE, 0600);
    CHECK(id >= 0);
    return id;
}

static int send_text(int id, long type, const char *text, int flags)
{
    struct packet packet = {.type = type};
    strcpy(packet.text, text);
    return msgsnd(id, &packet, strlen(text), flags);
}

/* Is this the next one of the type? */
static bool next_is(int id, long type, int flags, long want_type, const char *want)
{
    struct packet packet;
    ssize_t n = msgrcv(id, &packet, sizeof(packet.text), type, flags | IPC_NOWAIT);
    return n == (ssize_t)strlen(want) && packet.type == want_type &&
           memcmp(packet.text, want, (size_t)n) == 0;
}

static void gone(int id)
{
    CHECK_EQ(msgctl(id, IPC_RMID, NULL), 0);
}

static void getting(void)
{
    key_t key = 0x05b00000 + getpid();
    struct msqid_ds ds;
    CHECK_ERRNO(msgget(key, 0), ENOENT);
    int id = msgget(key, IPC_CREAT | IPC_EXCL | 0640);
    NEED(id >= 0);
    CHECK_EQ(msgget(key, IPC_CREAT | 0600), id);
    CHECK_ERRNO(msgget(key, IPC_CREAT | IPC_EXCL), EEXIST);
    CHECK_EQ(msgctl(id, IPC_STAT, &ds), 0);
    CHECK_EQ(ds.msg_perm.mode, 0640);
    CHECK_EQ(ds.msg_qnum, 0);
    CHECK(ds.msg_qbytes >= 1024);
    CHECK_EQ(ds.msg_stime, 0);
    CHECK_EQ(ds.msg_lspid, 0);
    gone(id);
    CHECK_ERRNO(msgctl(id, IPC_STAT, &ds), EINVAL);
    CHECK_ERRNO(send_text(id, 1, "x", 0), EINVAL);
}

static void types(void)
{
    int id = fresh();
    static const struct {
        long type;
        const char *text;
    } sent[] = {{3, "three"}, {1, "one"}, {2, "two"}, {1, "one again"}, {5, "five"}, {2, ""}};
    for (int i = 0; i < 6; i++)
        CHECK_EQ(send_text(id, sent[i].type, sent[i].text, 0), 0);
    CHECK(next_is(id, 2, 0, 2, "two"));
    CHECK(next_is(id, -2, 0, 1, "one"));
    CHECK(next_is(id, 0, 0, 3, "three"));
    CHECK(next_is(id, 1, MSG_EXCEPT, 5, "five"));
    CHECK_ERRNO(msgrcv(id, &(struct packet){}, 100, 7, IPC_NOWAIT), ENOMSG);
    CHECK(next_is(id, -9, 0, 1, "one again"));
    CHECK(next_is(id, 0, 0, 2, ""));
    CHECK_ERRNO(msgrcv(id, &(struct packet){}, 100, 0, IPC_NOWAIT), ENOMSG);
    gone(id);
}

static void sizes(void)
{
    int id = fresh();
    struct packet packet = {};
    CHECK_EQ(send_text(id, 4, "longer than that", 0), 0);
    CHECK_ERRNO(msgrcv(id, &packet, 6, 0, 0), E2BIG);
    CHECK_EQ(msgrcv(id, &packet, 6, 0, MSG_NOERROR), 6);
    CHECK(strcmp(packet.text, "longer") == 0);
    CHECK_ERRNO(send_text(id, 0, "x", 0), EINVAL);
    CHECK_ERRNO(send_text(id, -1, "x", 0), EINVAL);
    packet.type = 1;
    CHECK_ERRNO(msgsnd(id, &packet, 8193, 0), EINVAL);
    CHECK_ERRNO(msgsnd(id, (void *)8, 1, 0), EFAULT);
    CHECK_ERRNO(msgrcv(id, &packet, (size_t)-1, 0, 0), EINVAL);
    CHECK_EQ(send_text(id, 1, "lost", 0), 0);
    CHECK_ERRNO(msgrcv(id, (void *)8, 10, 0, 0), EFAULT);
    CHECK_ERRNO(msgrcv(id, &packet, 10, 0, IPC_NOWAIT), ENOMSG);
    gone(id);
}

static void copying(void)
{
    int id = fresh();
    struct packet packet = {};
    CHECK_EQ(send_text(id, 4, "first", 0), 0);
    CHECK_EQ(send_text(id, 5, "second", 0), 0);
    ssize_t n = msgrcv(id, &packet, 100, 1, MSG_COPY | IPC_NOWAIT);
    if (n < 0 && errno == ENOSYS)
        SKIP("this kernel has no MSG_COPY");
    CHECK_EQ(n, 6);
    CHECK(packet.type == 5 && strcmp(packet.text, "second") == 0);
    CHECK_ERRNO(msgrcv(id, &packet, 100, 2, MSG_COPY | IPC_NOWAIT), ENOMSG);
    CHECK_ERRNO(msgrcv(id, &packet, 100, 0, MSG_COPY), EINVAL);
    CHECK_ERRNO(msgrcv(id, &packet, 100, 0, MSG_COPY | MSG_EXCEPT | IPC_NOWAIT), EINVAL);
    CHECK(next_is(id, 0, 0, 4, "first"));
    CHECK(next_is(id, 0, 0, 5, "second"));
    gone(id);
}

static int shared;

struct call {
    long type;
    int flags;
    ssize_t result;
    int error;
    atomic_int tid; /* when it is about to wait */
    struct packet packet;
};

static void *run_receive(void *arg)
{
    struct call *call = arg;
    atomic_store(&call->tid, (int)syscall(SYS_gettid));
    call->result =
        msgrcv(shared, &call->packet, sizeof(call->packet.text), call->type, call->flags);
    call->error = errno;
    return NULL;
}

static void *run_send(void *arg)
{
    struct call *call = arg;
    call->packet.type = call->type;
    atomic_store(&call->tid, (int)syscall(SYS_gettid));
    call->result = msgsnd(shared, &call->packet, 8000, 0);
    call->error = errno;
    return NULL;
}

static void waiting(void)
{
    static struct call a, b;
    pthread_t ta, tb;
    a = (struct call){.type = 7};
    b = (struct call){.type = -5};
    shared = fresh();
    pthread_create(&ta, NULL, run_receive, &a);
    pthread_create(&tb, NULL, run_receive, &b);
    until_asleep(&a.tid);
    until_asleep(&b.tid);
    CHECK_EQ(send_text(shared, 6, "for nobody", 0), 0);
    CHECK_EQ(send_text(shared, 5, "for b", 0), 0);
    pthread_join(tb, NULL);
    CHECK_EQ(b.result, 5);
    CHECK(memcmp(b.packet.text, "for b", 5) == 0);
    CHECK_EQ(send_text(shared, 7, "for a", 0), 0);
    pthread_join(ta, NULL);
    CHECK_EQ(a.result, 5);
    CHECK(next_is(shared, 0, 0, 6, "for nobody"));
    gone(shared);
}

static void full(void)
{
    static struct call call;
    struct packet packet = {.type = 1};
    struct msqid_ds ds;
    pthread_t thread;
    call = (struct call){.type = 3};
    shared = fresh();
    CHECK_EQ(msgctl(shared, IPC_STAT, &ds), 0);
    ds.msg_qbytes = 10000;
    CHECK_EQ(msgctl(shared, IPC_SET, &ds), 0);
    CHECK_EQ(msgsnd(shared, &packet, 8000, 0), 0);
    CHECK_ERRNO(msgsnd(shared, &packet, 2001, IPC_NOWAIT), EAGAIN);
    CHECK_EQ(msgsnd(shared, &packet, 2000, IPC_NOWAIT), 0);
    pthread_create(&thread, NULL, run_send, &call);
    until_asleep(&call.tid);
    CHECK_EQ(msgctl(shared, IPC_STAT, &ds), 0);
    CHECK_EQ(ds.msg_qnum, 2);
    CHECK_EQ(ds.__msg_cbytes, 10000);
    CHECK_EQ(msgrcv(shared, &packet, 8000, 0, 0), 8000);
    pthread_join(thread, NULL);
    CHECK_EQ(call.result, 0);
    CHECK_EQ(msgctl(shared, IPC_STAT, &ds), 0);
    CHECK_EQ(ds.msg_qnum, 2);
    CHECK_EQ(ds.msg_lspid, getpid());
    CHECK_EQ(ds.msg_lrpid, getpid());
    gone(shared);
}

static void removal(void)
{
    static struct call call;
    pthread_t thread;
    call = (struct call){.type = 1};
    shared = fresh();
    pthread_create(&thread, NULL, run_receive, &call);
    until_asleep(&call.tid);
    gone(shared);
    pthread_join(thread, NULL);
    CHECK_EQ(call.result, -1);
    CHECK_EQ(call.error, EIDRM);
}

static void nothing(int signo __attribute__((unused)))
{
}

static void signals(void)
{
    static struct call call;
    pthread_t thread;
    struct sigaction action = {.sa_handler = nothing, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);
    call = (struct call){.type = 1};
    shared = fresh();
    pthread_create(&thread, NULL, run_receive, &call);
    until_asleep(&call.tid);
    pthread_kill(thread, SIGUSR1);
    pthread_join(thread, NULL);
    CHECK_EQ(call.result, -1);
    CHECK_EQ(call.error, EINTR);
    gone(shared);
}

static void information(void)
{
    int id = fresh();
    struct msginfo info;
    struct msqid_ds ds;
    bool found = false;
    CHECK_EQ(send_text(id, 1, "abc", 0), 0);
    int last = msgctl(0, IPC_INFO, (struct msqid_ds *)&info);
    CHECK(last >= 0);
    CHECK(info.msgmax >= 8192 && info.msgmnb >= 16384);
    CHECK_EQ(msgctl(0, MSG_INFO, (struct msqid_ds *)&info), last);
    CHECK(info.msgpool >= 1 && info.msgmap >= 1 && info.msgtql >= 3);
    for (int i = 0; i <= last; i++)
        found |= msgctl(i, MSG_STAT, &ds) == id && ds.msg_qnum == 1;
    CHECK(found);
    found = false;
    char line[256];
    FILE *file = fopen("/proc/sysvipc/msg", "r");
    NEED(file);
    while (fgets(line, sizeof(line), file)) {
        int key, number, mode, bytes, n;
        found |= sscanf(line, "%d %d %d %d %d", &key, &number, &mode, &bytes, &n) == 5 &&
                 number == id && mode == 600 && bytes == 3 && n == 1;
    }
    CHECK(found);
    fclose(file);
    file = fopen("/proc/sys/kernel/msgmax", "r");
    NEED(file);
    int most = 0;
    CHECK(fscanf(file, "%d", &most) == 1 && most == info.msgmax);
    fclose(file);
    gone(id);
}

int main(void)
{
    own_ipc();
    promise("a key gives one queue, made when asked", getting);
    promise("receivers choose by type: equal, lowest up to, all but", types);
    promise("sizes are checked; MSG_NOERROR cuts", sizes);
    promise("MSG_COPY looks without taking", copying);
    promise("a receiver waits for its type", waiting);
    promise("a full queue makes senders wait", full);
    promise("removing a queue ends waits with EIDRM", removal);
    promise("a signal ends a wait, whatever SA_RESTART says", signals);
    promise("IPC_INFO, MSG_INFO, MSG_STAT and /proc tell of it", information);
    return check_end();
}
