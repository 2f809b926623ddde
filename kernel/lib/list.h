/* lib/list.h: intrusive doubly linked list with a head node. No locking of its own. */
#pragma once

#include "lib/types.h"

struct list {
    struct list *next, *prev;
};

#define LIST_INIT(name)                                                                            \
    {                                                                                              \
        &(name), &(name)                                                                           \
    }

static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

/* Insert node after pos (at the front, where pos is the head). */
static inline void list_add(struct list *pos, struct list *node)
{
    node->next = pos->next;
    node->prev = pos;
    pos->next->prev = node;
    pos->next = node;
}

/* Insert node before pos (at the end, where pos is the head). */
static inline void list_add_tail(struct list *pos, struct list *node)
{
    list_add(pos->prev, node);
}

/* Take node out and leave it empty, so that a second removal does nothing. */
static inline void list_del(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

#define list_entry(p, t, m)    container_of(p, t, m)
#define list_first(l, t, m)    list_entry((l)->next, t, m)
#define list_for_each(p, head) for (struct list *p = (head)->next; p != (head); p = p->next)
#define list_for_each_safe(p, n, head)                                                             \
    for (struct list *p = (head)->next, *n = p->next; p != (head); p = n, n = p->next)
#define list_for_each_entry(type, e, head, m)                                                      \
    for (type *e = list_entry((head)->next, type, m); &e->m != (head);                             \
         e = list_entry(e->m.next, type, m))
