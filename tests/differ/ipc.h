/* ipc.h: what the calls of the ipc family share: hands that make the same calls, and wait. */
#pragma once

#include "hands.h"

enum { IDS = 4 };
enum { SEMS, QUEUES, SEGMENTS, KINDS };

extern int ipc_ids[KINDS][IDS];

int id_arg(int kind); /* an argument: one of the ids, seldom one that is none */
/* What a *get call answers: known ids by their place. */
void end_id(int kind, long result, int in);
const char *who_is(pid_t pid);
/* A call that may wait: made by a hand that is free, or here (then `calm` is to see to it that it
 * does not). -1: here. */
int hand_arg(void);
void do_job(int hand, struct job *job);
extern const struct op sysv_ops[], sems_ops[], mqueue_ops[];
void mqueue_clean(void), mqueue_setup(void);
