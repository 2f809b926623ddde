/* linux/ipc.h: what System V shared memory, semaphores and message queues have in common (man 7
 * sysvipc): keys, numbers, owners. Threads only.
 *
 * Each kind has a table with one mutex over the table and its objects. No program memory is touched
 * with it held: a page fault may need it (sysv_shm.c). */
#pragma once

#include "core/mutex.h"
#include "fs/pseudo.h"
#include "linux/task.h"

enum { IPC_CREAT = 01000, IPC_EXCL = 02000, IPC_NOWAIT = 04000 };
enum { IPC_RMID, IPC_SET, IPC_STAT, IPC_INFO };
enum { IPC_PRIVATE = 0, IPC_INDEX_BITS = 15, IPC_IDS_MAX = 1 << IPC_INDEX_BITS };
enum { IPC_READ = 0444, IPC_WRITE = 0222, IPC_PERMS = 0777 };
enum { CAP_IPC_LOCK = 14, CAP_IPC_OWNER = 15 };

struct ipc_object {
    int id;
    int32_t key;
    uint32_t uid, gid, cuid, cgid, mode;
};
struct ipc_table {
    struct mutex lock;
    struct ipc_object **slots;
    unsigned size, used;
    unsigned limit; /* how many there may be; /proc/sys/kernel/...mni */
    uint16_t sequence;
};
/* struct ipc64_perm */
struct ipc_perm {
    int32_t key;
    uint32_t uid, gid, cuid, cgid, mode;
    uint16_t seq, pad;
    uint64_t unused[2];
};
_Static_assert(sizeof(struct ipc_perm) == 48, "uapi ipcbuf.h");

/* All with table->lock held. */
struct ipc_object *ipc_find_key(struct ipc_table *table, int32_t key);
/* By number, or by place in the table (the *_STAT commands); NULL: none. */
struct ipc_object *ipc_find(struct ipc_table *table, int id);
struct ipc_object *ipc_at(struct ipc_table *table, int index);
/* The same with the checks for a command: IPC_READ needed or not. -EINVAL, -EACCES. */
int ipc_look(struct ipc_table *table, int id, bool by_index, bool need_read,
             struct ipc_object **found);
/* Fill in owner, mode and number: 0, -ENOSPC, -ENOMEM. */
int ipc_add(struct ipc_table *table, struct ipc_object *object, int32_t key, unsigned flags);
void ipc_remove(struct ipc_table *table, struct ipc_object *object);
int ipc_highest(const struct ipc_table *table); /* the last place in use; -1: none */
/* The *get calls. make() allocates the kind's object and links it with ipc_add(); check() says
 * whether an existing one fits. The number, or an error. Takes the lock. */
struct ipc_get {
    int (*make)(struct ipc_get *get, struct ipc_object **made);
    int (*check)(struct ipc_get *get, struct ipc_object *object);
    int32_t key;
    unsigned flags;
    uint64_t size;
};
int64_t ipc_get(struct ipc_table *table, struct ipc_get *get);

/* May the caller do this (bits of IPC_READ, IPC_WRITE)? 0, -EACCES. */
int ipc_permission(const struct ipc_object *object, unsigned want);
bool ipc_is_owner(const struct ipc_object *object); /* for IPC_SET and IPC_RMID */
void ipc_perm_out(const struct ipc_object *object, struct ipc_perm *perm);
int ipc_perm_set(struct ipc_object *object, const struct ipc_perm *perm);
int64_t ipc_now(void); /* seconds */

/* A number in /proc/sys/kernel between 0 and a bound; arg is the address of one of these. */
struct ipc_limit {
    uint64_t value, max;
};
int ipc_show_limit(struct text *text, const struct pseudo *self);
int ipc_store_limit(const struct pseudo *self, const char *text, size_t len);
#define IPC_LIMIT(file, limit)                                                                     \
    {                                                                                              \
        .name = (file), .mode = S_IFREG | 0644, .show = ipc_show_limit, .store = ipc_store_limit,  \
        .arg = (uintptr_t) & (limit)                                                               \
    }
/* Put files into /proc/sys/kernel, and one into /proc/sysvipc. At boot. */
void ipc_register(struct pseudo_entry *limits, unsigned n, struct pseudo_entry *list);
