/* hands.h: processes or threads of a family that make calls which may wait.
 *
 * A hand makes one call at a time. After each step hands_settle() waits until every hand sleeps in
 * its call or has come back from it, and shows who has. Which of several sleepers goes on first is
 * what Linux promises, or not drawn. */
#pragma once

#include "families.h"

enum { HANDS = 3, HAND_ARGS = 7, HAND_FIRST = 40 /* descriptors: commands to the hands */ };

struct job {
    long (*run)(struct job *);
    long a[HAND_ARGS];
    char in[1024];  /* what pointers of a[] point to */
    char said[200]; /* by run(): shown with the result */
};

/* Before the first: processes of their own, or threads of this one. */
void hands_setup(bool threads);
bool hand_busy(int hand); /* in its call */
bool hand_there(int hand);
pid_t hand_id(int hand); /* 0: none */
int hand_of(pid_t id);   /* -1: none of them */
/* Made where it is not there yet; busy hands are not asked. */
void hand_call(int hand, const struct job *job);
/* Ends an idle or a sleeping one (processes only): SIGKILL, or exit for idle ones. */
void hand_end(int hand, bool kill);
void hand_interrupt(int hand); /* a signal with a handler */
void hands_settle(void);
