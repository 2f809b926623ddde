/* net/rculist.h: lists (lib/list.h) that are changed under a lock and read under RCU. */
#pragma once

#include "core/rcu.h"
#include "lib/list.h"

static inline void rculist_add(struct list *pos, struct list *node)
{
    node->next = pos->next;
    node->prev = pos;
    pos->next->prev = node;
    rcu_store(pos->next, node);
}
static inline void rculist_add_tail(struct list *pos, struct list *node)
{
    rculist_add(pos->prev, node);
}
/* Readers that stand at the node find their way on. */
static inline void rculist_del(struct list *node)
{
    node->next->prev = node->prev;
    rcu_store(node->prev->next, node->next);
}
#define rculist_for_each(p, head)                                                                  \
    for (struct list *p = rcu_load((head)->next); p != (head); p = rcu_load(p->next))
#define rculist_for_each_entry(type, e, head, m)                                                   \
    for (type *e = list_entry(rcu_load((head)->next), type, m); &e->m != (head);                   \
         e = list_entry(rcu_load(e->m.next), type, m))
