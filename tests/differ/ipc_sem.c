// System V semaphores.
#include "ipc.h"

#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <time.h>

enum { OPS = 5 };

/* What is in it now; as whom the call was made, so that nobody may be allowed to look. */
static void show_set(int id)
{
    say(" {");
    for (int i = 0; i < 3; i++)
        say("%ld ", call(SYS_semctl, id, i, GETVAL, 0));
    say("}");
}

static long run_semop(struct job *job)
{
    if (job->a[4] == 0)
        return call(SYS_semop, job->a[1], job->a[2], job->a[3]);
    return call(SYS_semtimedop, job->a[1], job->a[2], job->a[3], job->a[5]);
}

static void draw_sembuf(struct sembuf *op, bool wait)
{
    static const struct named flags[] = {N(SEM_UNDO), N(SEM_UNDO), N(IPC_NOWAIT), N(0x10)};
    op->sem_num = (unsigned short)(chance(97) ? below(3) : below(100));
    arg("%u", op->sem_num);
    op->sem_op = (short)(chance(90) ? CHOOSE(1, 1, 1, -1, -1, 0, 2, -2)
                                    : CHOOSE(32767, -32768, 30000, -30000));
    op->sem_flg = (short)SOME(flags, 1);
    if (!wait)
        op->sem_flg |= IPC_NOWAIT;
}

static void op_semop(void)
{
    struct job job = {.run = run_semop};
    struct sembuf *ops = (struct sembuf *)job.in;
    struct timespec *limit = (struct timespec *)(job.in + sizeof(job.in) - sizeof(*limit));
    begin("semop");
    int hand = hand_arg(), id = id_arg(SEMS);
    bool wait = hand >= 0 && chance(80);
    unsigned n = 1 + (chance(30) ? below(OPS) : 0);
    for (unsigned i = 0; i < n; i++)
        draw_sembuf(&ops[i], wait);
    if (chance(3))
        n = (unsigned)CHOOSE(0, 500, 501, -1); // 500: more than memory has is not asked for
    if (n == 500)
        n = 501;
    job.a[1] = id;
    job.a[2] = chance(98) ? (long)ops : (arg("BAD"), (long)BAD_POINTER);
    job.a[3] = n;
    if (chance(15)) {
        job.a[4] = 1;
        // A hand's does not end: it would be asleep for a moment.
        limit->tv_sec = CHOOSE(0, 0, -1) + (wait ? 100000 : 0);
        limit->tv_nsec = CHOOSE(0, 0, 1000, 1000000000, -1);
        job.a[5] = chance(95) ? (long)limit : (arg("BAD"), (long)BAD_POINTER);
    }
    do_job(hand, &job);
    if (hand < 0)
        show_set(id);
}

static void op_one(void)
{
    static const struct named commands[] = {N(GETVAL),  N(GETPID), N(GETNCNT),
                                            N(GETZCNT), N(SETVAL), N(SETVAL)};
    begin("semctl");
    int id = id_arg(SEMS);
    uint64_t command = ONE(commands);
    long number = CHOOSE(0, 0, 1, 1, 2, 2, 3, -1, 31999, 32000);
    long value = command == SETVAL ? CHOOSE(0, 0, 1, 2, 5, 32767, 32768, -1) : 0;
    long r = call(SYS_semctl, id, number, command, value);
    if (command == GETPID && r >= 0)
        say(") = %s", who_is((pid_t)r));
    else
        end(r);
}

static void op_all(void)
{
    unsigned short *values = (unsigned short *)buffer;
    begin("semctl");
    int id = id_arg(SEMS);
    bool set = chance(40);
    arg(set ? "SETALL" : "GETALL");
    long number = CHOOSE(0, 0, 5, -1);
    memset(buffer, 0, sizeof(buffer));
    for (int i = 0; set && i < 4; i++)
        values[i] = (unsigned short)(chance(97) ? below(4) : 32768);
    long r = call(SYS_semctl, id, number, set ? SETALL : GETALL,
                  chance(97) ? (void *)values : BAD_POINTER);
    end(r);
    if (r == 0)
        say(" %u %u %u %u", values[0], values[1], values[2], values[3]);
}

const struct op sems_ops[] = {{op_semop, 36}, {op_one, 14}, {op_all, 5}, {NULL, 0}};
