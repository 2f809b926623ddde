/* differ.h: random system calls whose answers are compared with Linux's (docs/debugging.md).
 *
 * A run is a family, a seed and a number of steps. It has a world of its own (a fresh tmpfs as its
 * root, a process, for some families a second one), and each step is one call with arguments drawn
 * from the seed and the step's number alone: steps can be left out, the others stay the same. Each
 * writes lines that must be equal on Linux and in the machine. What Linux does not answer the same
 * way each time is not drawn, or not shown; what Osprey answers otherwise on purpose is left out by
 * name, with the reason beside it (LEFT OUT).
 *
 *   main.c      runs, worlds, the log
 *   draw.c      arguments: numbers, flags, paths, descriptors; what is shown of stat and data
 *   FAMILY*.c   the calls of a family */
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A call: draws its arguments, makes it, shows it. Of the weights' sum it takes its share. */
struct op {
    void (*run)(void);
    unsigned weight;
};

enum { OP_LISTS = 3, SLOTS = 10, SLOT_FIRST = 20, UID_A = 1000, UID_B = 1001, GID_A = 2000 };
enum { PEER_OUT = 60, PROC = 61 }; /* descriptors: to the second process, the folder /proc */

/* A family: its world is made by setup() in the root of the fresh tmpfs; false: not to be had here
 * (`why` says it). The lists of ops end with a run of NULL. */
struct family {
    const char *name;
    bool (*setup)(void);
    const struct op *lists[OP_LISTS];
    bool peer;           /* one step in eight is a second process's */
    bool users;          /* one step in four is made as another user */
    void (*after)(void); /* each step, NULL: nothing */
};
extern const struct family families[];
extern const char *why;
extern int other_process; /* of the two */

/* --- the log (main.c) --- */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void begin(const char *name); /* "name(" */
void end(long result);        /* ") = RESULT", negative: the errno's name */
void arg(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* ", " where one is before */
const char *error_name(long error);

/* --- drawing (draw.c) --- */
void rnd_seed(uint64_t seed, uint64_t step);
extern bool odd_seed; /* for what does not go together with something else */
uint64_t rnd(void);
unsigned below(unsigned n);
bool chance(unsigned percent);

struct named {
    uint64_t value;
    const char *name;
};
#define N(x)                                                                                       \
    {                                                                                              \
        (uint64_t)(x), #x                                                                          \
    }
#define COUNT(a)         (sizeof(a) / sizeof((a)[0]))
#define ONE(list)        one_of(list, COUNT(list))
#define SOME(list, most) some_of(list, COUNT(list), most)
#define CHOOSE(...)      choose((const long[]){__VA_ARGS__}, COUNT(((const long[]){__VA_ARGS__})))

/* Each of these is an argument and shows itself. */
uint64_t one_of(const struct named *list, unsigned n);
uint64_t some_of(const struct named *list, unsigned n,
                 unsigned most); /* 0 to most of them, or-ed */
long choose(const long *list, unsigned n);
const char *path(void);  /* of the world; at times strange, "" or no pointer */
const char *plain(void); /* one that is in order, not shown */
int slot(void);          /* a descriptor of a slot, seldom a bad one */
int dirfd_arg(void);     /* AT_FDCWD, a slot, a bad one */
mode_t mode_arg(void);
long offset_arg(void);   /* where something may be in a file */
size_t length_arg(void); /* up to some pages */
int uid_arg(void), gid_arg(void);

extern char buffer[1 << 17]; /* for calls that read and write; filled by data_fill() */
void data_fill(size_t n);
uint64_t hash_of(const void *data, size_t n);
void show_data(const void *data, long n); /* length and hash; nothing if n < 0 */
void show_stat(const struct stat *st);

/* A system call: -1 to -4095 is an error. */
#define call(...) answer(syscall(__VA_ARGS__))
static inline long answer(long r)
{
    return r == -1 ? -errno : r;
}

#define BAD_POINTER ((void *)0x1000)

/* A new descriptor goes to a slot that is drawn (before the call: take_slot()). */
int take_slot(void);
void keep(long fd, int in_slot);
/* What the descriptor is (S_IFMT), 0: none. Whether calls on it may wait. */
mode_t type_of(int fd);
bool may_block(int fd);

/* System V objects of its own (Osprey has one set of them, but runs one world at a time). */
enum { KEY = 0x6f730000 };
bool own_ipc(void);

/* What belongs to the user `as` (main.c): 0 root; others by seteuid() or setfsuid(). */
void become(int uid, bool only_fs);
void be_root(void);

/* A fresh tmpfs as the root of this process, in a mount namespace of its own, made from the one in
 * which it is. */
bool new_root(void);

/* Give up what the host may not have: this many descriptors etc. */
void show_tree(void);
