/* fuzz.h: random system calls with random and boundary arguments (docs/debugging.md).
 *
 * main.c    the supervisor: starts workers, watches them, looks what is left behind
 * worker.c  a worker process: threads that call, what must not change, the log
 * args.c    one generator for each type of argument
 * rings.c   arguments of io_uring, and what lies in its rings
 * traced.c  scenes: what makes sense as a sequence of calls only (a tracer and its child, ...)
 * calls.c   the calls with the types of their arguments */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { THREADS_MAX = 4, WORKERS_MAX = 8, RING = 64, ASIDE = 128, ARGS = 6, LISTS = 3 };

struct record {
    uint8_t worker, thread;
    uint16_t nr;
    uint32_t round, number;
    int pid; /* of a child of the worker that made it; 0: the worker's own */
    uint64_t args[ARGS];
};

/* Memory that has changed, and who found it. */
struct finding {
    int pid, tid, child;
    uint64_t address, found;
};

/* What goes to the port: the rest follows from the seed. A stream of them may have lost bytes. */
struct mark {
    uint8_t magic, who; /* who: worker * 16 + thread */
    uint16_t nr;
    uint32_t round, number, first_arg;
};
enum { MARK_MAGIC = 0xa7 };

/* Shared by all processes. */
struct shared {
    uint64_t seed;
    unsigned calls_per_round, threads;
    int port; /* marks go there: QEMU's debugcon; 0: none */
    int lock; /* over the port */
    int only; /* call nothing but this; -1 */
    int supervisor;
    _Atomic int frozen; /* something was found: the rings stay as they are */
    _Atomic uint64_t calls, errors;
    struct worker {
        _Atomic int pid, broken; /* broken: 1 + what was found changed */
        _Atomic uint32_t round;
        struct finding finding;
        _Atomic uint32_t naside; /* what its children call and what scenes are made of */
        struct record aside[ASIDE];
        struct {
            _Atomic uint32_t number;
            int tid;
            struct record ring[RING];
        } threads[THREADS_MAX];
    } workers[WORKERS_MAX];
    uint32_t called[512], succeeded[512];
    uint8_t traced[65536 / 8]; /* by pid: a tracer has had it (worker.c) */
};
extern struct shared *shared;

struct random {
    uint64_t state;
};
uint64_t rnd(struct random *r);
static inline unsigned below(struct random *r, unsigned n)
{
    return rnd(r) % n;
}
static inline bool chance(struct random *r, unsigned percent)
{
    return below(r, 100) < percent;
}

/* A call: one letter for the type of each argument (args.c), of which 1 to 3 stand for lists of
 * flags, ended by END. weight: of how many chances in 16 it takes one; 0: all. */
#define END 0xdeadbeefcafeull
struct call {
    int nr;
    const char *name, *args;
    int weight;
    const uint64_t *lists[LISTS];
};
extern const struct call calls[];
extern const unsigned ncalls;

/* Numbers of the scenes among the calls. */
enum { SCENE_TRACER = 500, SCENE_LISTENER, SCENE_FIRST = SCENE_TRACER };

/* The descriptors that a worker opens now and then, two of a kind. */
enum {
    KIND_FILE,
    KIND_MEMORY,
    KIND_PIPE,
    KIND_PIPE_IN,
    KIND_SOCKET,
    KIND_DATAGRAMS,
    KIND_FREE_SOCKET,
    KIND_EPOLL,
    KIND_TIMER,
    KIND_QUEUE,
    KIND_NOTIFY,
    KIND_PROCESS,
    KIND_FOLDER,
    KIND_TERMINAL,
    KIND_RING,
    KIND_EVENTS,
    KIND_SIGNALS,
    KIND_CONTEXT, /* of fsopen */
    KIND_MOUNT,   /* detached */
    KINDS
};
extern int kinds[KINDS][2];

/* Where a worker's memory lies: fixed, so that a seed makes the same calls again. */
#define ARENA      0x100000000000ul /* read-write, then a page that is not there */
#define ARENA_SIZE 0x80000ul
#define PLAY       0x110000000000ul /* whatever calls have made of it */
#define PLAY_SIZE  0x1000000ul
#define CONSTANT   0x0f0000000000ul /* read-only, a pattern */
#define CANARY     0x0e0000000000ul /* read-write, a pattern, never an argument */
#define KEPT_SIZE  0x4000ul
#define RINGS      0x0d0000000000ul /* those of io_uring (rings.c) */
uint64_t pattern(uint64_t address);

void args_make(struct random *r, const struct call *call, unsigned thread, uint64_t args[ARGS]);

/* For generators: room in the thread's part of the arena; a structure made there, or at times a
 * bad copy of it; a value of a type by its letter. */
void *scratch(struct random *r, unsigned thread, size_t size);
uint64_t placed(struct random *r, unsigned thread, const void *made, size_t size);
uint64_t value_of(struct random *r, char letter, unsigned thread);

/* The ring number i (0, 1) is made anew and mapped: its descriptor, or negative. */
int ring_open(struct random *r, unsigned i);
uint64_t ring_params(struct random *r, unsigned thread);
uint64_t ring_filled(struct random *r, unsigned thread);
uint64_t ring_registered(struct random *r, unsigned thread);

/* A call that is part of a scene, for the log. */
void note_aside(unsigned thread, int nr, const uint64_t args[ARGS]);

/* What ptrace() said: its process may have been given to a tracer. */
void note_traced(long what, int pid, int64_t result);

/* Plays the scene and comes back; child is what a child of it does, and does not return. */
int64_t scene_play(int nr, struct random *r, unsigned thread, void (*child)(void *self),
                   void *self);

/* Runs until it is killed or has made its calls. */
void worker_run(unsigned index, uint32_t round);
