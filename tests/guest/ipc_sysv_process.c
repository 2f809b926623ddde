// System V IPC between processes: what fork shares, what an exit takes back.
#include "check.h"
#include "own_ipc.h"

#include <signal.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>

union semun {
    int val;
};

static int op(int id, int number, int change, int flags)
{
    struct sembuf buf = {(unsigned short)number, (short)change, (short)flags};
    return semop(id, &buf, 1);
}

static void end_well(pid_t child)
{
    int status = -1;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
}

static unsigned long attached(int id)
{
    struct shmid_ds ds = {};
    CHECK_EQ(shmctl(id, IPC_STAT, &ds), 0);
    return ds.shm_nattch;
}

/* Somebody who looks at a process (in /proc) may hold its memory a moment longer than it lives. */
static void attached_becomes(int id, unsigned long n)
{
    for (int i = 0; i < 30000 && attached(id) != n; i++)
        sleep_ms(1);
    CHECK_EQ(attached(id), n);
}

static void memory_is_shared(void)
{
    int id = shmget(IPC_PRIVATE, 8192, 0600), pipes[2];
    volatile int *at = shmat(id, NULL, 0);
    NEED((void *)at != (void *)-1 && pipe(pipes) == 0);
    at[0] = 1;
    pid_t child = fork();
    if (child == 0) {
        char c;
        bool ok = at[0] == 1 || at[0] == 2; /* the parent may be there first */
        at[1024] = 77;
        close(pipes[1]);
        (void)!read(pipes[0], &c, 1);
        _exit(ok && at[0] == 2 ? 0 : 1);
    }
    CHECK_EQ(attached(id), 2);
    at[0] = 2;
    close(pipes[1]);
    end_well(child);
    CHECK_EQ(at[1024], 77);
    attached_becomes(id, 1);
    struct shmid_ds ds;
    CHECK_EQ(shmctl(id, IPC_STAT, &ds), 0);
    CHECK_EQ(ds.shm_lpid, child);
    CHECK_EQ(shmctl(id, IPC_RMID, NULL), 0);
    CHECK_EQ(shmdt((void *)at), 0);
    CHECK_ERRNO(shmctl(id, IPC_STAT, &ds), EINVAL);
    close(pipes[0]);
}

static void killed_process_detaches(void)
{
    int id = shmget(IPC_PRIVATE, 4096, 0600), status;
    pid_t child = fork();
    if (child == 0) {
        *(char *)shmat(id, NULL, 0) = 5;
        for (;;)
            pause();
    }
    attached_becomes(id, 1);
    CHECK_EQ(shmctl(id, IPC_RMID, NULL), 0);
    kill(child, SIGKILL);
    CHECK_EQ(waitpid(child, &status, 0), child);
    for (int i = 0; i < 30000 && shmctl(id, IPC_STAT, &(struct shmid_ds){}) == 0; i++)
        sleep_ms(1);
    CHECK_ERRNO(shmctl(id, IPC_STAT, &(struct shmid_ds){}), EINVAL);
}

static void undone_at_exit(void)
{
    int id = semget(IPC_PRIVATE, 2, 0600);
    CHECK_EQ(semctl(id, 0, SETVAL, (union semun){.val = 1}), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(op(id, 0, -1, SEM_UNDO) || op(id, 1, 3, SEM_UNDO) || op(id, 1, 4, 0));
    end_well(child);
    CHECK_EQ(semctl(id, 0, GETVAL), 1);
    CHECK_EQ(semctl(id, 1, GETVAL), 4);
    CHECK_EQ(semctl(id, 1, GETPID), child);

    child = fork(); /* dies with it, while we wait */
    if (child == 0) {
        op(id, 0, -1, SEM_UNDO);
        op(id, 1, 1, 0);
        for (;;)
            pause();
    }
    CHECK_EQ(op(id, 1, -5, 0), 0);
    CHECK_EQ(semctl(id, 0, GETVAL), 0);
    kill(child, SIGKILL);
    CHECK_EQ(op(id, 0, -1, 0), 0);
    waitpid(child, NULL, 0);
    CHECK_EQ(semctl(id, 0, IPC_RMID), 0);
}

static void not_inherited(void)
{
    int id = semget(IPC_PRIVATE, 1, 0600);
    CHECK_EQ(op(id, 0, 3, SEM_UNDO), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    end_well(child);
    CHECK_EQ(semctl(id, 0, GETVAL), 3);
    CHECK_EQ(semctl(id, 0, IPC_RMID), 0);
}

static void messages_pass(void)
{
    enum { N = 2000 };
    struct {
        long type;
        int number;
    } m;
    int there = msgget(IPC_PRIVATE, 0600), back = msgget(IPC_PRIVATE, 0600);
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < N; i++) {
            if (msgrcv(there, &m, sizeof(int), 0, 0) != sizeof(int) || m.number != i)
                _exit(1);
            m.type = i + 1;
            m.number = i * 2;
            if (msgsnd(back, &m, sizeof(int), 0))
                _exit(2);
        }
        _exit(0);
    }
    for (int i = 0; i < N; i++) {
        m.type = 1 + i % 3;
        m.number = i;
        CHECK_EQ(msgsnd(there, &m, sizeof(int), 0), 0);
        if (i % 2)
            continue;
        CHECK_EQ(msgrcv(back, &m, sizeof(int), i + 1, 0), sizeof(int));
        CHECK_EQ(m.number, i * 2);
    }
    end_well(child);
    CHECK_EQ(msgctl(there, IPC_RMID, NULL), 0);
    CHECK_EQ(msgctl(back, IPC_RMID, NULL), 0);
}

int main(void)
{
    own_ipc();
    promise("an attachment is the child's too", memory_is_shared);
    promise("a killed process detaches; a removed segment goes then", killed_process_detaches);
    promise("SEM_UNDO takes effect at the end, also by a signal, and lets waiters on",
            undone_at_exit);
    promise("what is to be undone is not a child's", not_inherited);
    promise("messages go to and fro", messages_pass);
    return check_end();
}
