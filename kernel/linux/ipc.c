#include "linux/ipc.h"

#include "fs/procfs.h"
#include "lib/string.h"
#include "linux/path.h"
#include "mm/heap.h"

/* --- the table --- */

struct ipc_object *ipc_find_key(struct ipc_table *table, int32_t key)
{
    for (unsigned i = 0; i < table->size; i++)
        if (table->slots[i] && table->slots[i]->key == key)
            return table->slots[i];
    return NULL;
}

struct ipc_object *ipc_at(struct ipc_table *table, int index)
{
    return index >= 0 && (unsigned)index < table->size ? table->slots[index] : NULL;
}

struct ipc_object *ipc_find(struct ipc_table *table, int id)
{
    struct ipc_object *object = id < 0 ? NULL : ipc_at(table, id % IPC_IDS_MAX);

    return object && object->id == id ? object : NULL;
}

int ipc_look(struct ipc_table *table, int id, bool by_index, bool need_read,
             struct ipc_object **found)
{
    *found = by_index ? ipc_at(table, id) : ipc_find(table, id);
    if (!*found)
        return -EINVAL;
    return need_read ? ipc_permission(*found, IPC_READ) : 0;
}

static int grow(struct ipc_table *table)
{
    unsigned size = table->size ? table->size * 2 : 16;
    struct ipc_object **slots = krealloc(table->slots, size * sizeof(*slots));

    if (!slots)
        return -ENOMEM;
    memset(slots + table->size, 0, (size - table->size) * sizeof(*slots));
    table->slots = slots;
    table->size = size;
    return 0;
}

int ipc_add(struct ipc_table *table, struct ipc_object *object, int32_t key, unsigned flags)
{
    const struct credentials *cred = &current_task()->cred;
    unsigned index = 0;

    if (table->used >= table->limit)
        return -ENOSPC;
    while (index < table->size && table->slots[index])
        index++;
    if (index == table->size && grow(table) < 0)
        return -ENOMEM;
    object->key = key;
    object->mode = flags & IPC_PERMS;
    object->uid = object->cuid = cred->euid;
    object->gid = object->cgid = cred->egid;
    object->id = (int)((unsigned)table->sequence << IPC_INDEX_BITS | index);
    table->sequence = (table->sequence + 1) & (INT32_MAX >> IPC_INDEX_BITS);
    table->slots[index] = object;
    table->used++;
    return 0;
}

void ipc_remove(struct ipc_table *table, struct ipc_object *object)
{
    table->slots[object->id % IPC_IDS_MAX] = NULL;
    table->used--;
}

int ipc_highest(const struct ipc_table *table)
{
    int index = (int)table->size - 1;

    while (index >= 0 && !table->slots[index])
        index--;
    return index;
}

static int64_t get_locked(struct ipc_table *table, struct ipc_get *get)
{
    struct ipc_object *object = get->key != IPC_PRIVATE ? ipc_find_key(table, get->key) : NULL;
    int err;

    if (!object) {
        if (get->key != IPC_PRIVATE && !(get->flags & IPC_CREAT))
            return -ENOENT;
        err = get->make(get, &object);
        return err < 0 ? err : object->id;
    }
    if ((get->flags & IPC_CREAT) && (get->flags & IPC_EXCL))
        return -EEXIST;
    err = get->check(get, object);
    if (!err)
        err = ipc_permission(object, get->flags);
    return err < 0 ? err : object->id;
}

int64_t ipc_get(struct ipc_table *table, struct ipc_get *get)
{
    mutex_lock(&table->lock);
    int64_t id = get_locked(table, get);
    mutex_unlock(&table->lock);
    return id;
}

/* --- owners --- */

static bool in_group(const struct credentials *cred, uint32_t gid)
{
    return cred->egid == gid || cred_has_group(cred, gid);
}

int ipc_permission(const struct ipc_object *object, unsigned want)
{
    const struct credentials *cred = &current_task()->cred;
    unsigned granted = object->mode;

    want = (want >> 6 | want >> 3 | want) & 7;
    if (cred->euid == object->cuid || cred->euid == object->uid)
        granted >>= 6;
    else if (in_group(cred, object->cgid) || in_group(cred, object->gid))
        granted >>= 3;
    return want & ~granted && !capable(CAP_IPC_OWNER) ? -EACCES : 0;
}

bool ipc_is_owner(const struct ipc_object *object)
{
    uint32_t me = current_task()->cred.euid;

    return me == object->cuid || me == object->uid || capable(CAP_SYS_ADMIN);
}

void ipc_perm_out(const struct ipc_object *object, struct ipc_perm *perm)
{
    *perm = (struct ipc_perm){
        .key = object->key,
        .uid = object->uid,
        .gid = object->gid,
        .cuid = object->cuid,
        .cgid = object->cgid,
        .mode = object->mode,
        .seq = (uint16_t)(object->id >> IPC_INDEX_BITS),
    };
}

int ipc_perm_set(struct ipc_object *object, const struct ipc_perm *perm)
{
    if (perm->uid == UINT32_MAX || perm->gid == UINT32_MAX)
        return -EINVAL;
    object->uid = perm->uid;
    object->gid = perm->gid;
    object->mode = (object->mode & ~(uint32_t)IPC_PERMS) | (perm->mode & IPC_PERMS);
    return 0;
}

int64_t ipc_now(void)
{
    return clock_realtime() / 1000000000;
}

/* --- /proc --- */

static struct pseudo_entry sysvipc = {.name = "sysvipc", .mode = S_IFDIR | 0555};

int ipc_show_limit(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%lu\n", ((struct ipc_limit *)self->entry->arg)->value);
    return 0;
}

int ipc_store_limit(const struct pseudo *self, const char *text, size_t len)
{
    struct ipc_limit *limit = (struct ipc_limit *)self->entry->arg;
    char digits[24];
    uint64_t value;

    while (len && (text[len - 1] == '\n' || text[len - 1] == ' '))
        len--;
    if (!len || len >= sizeof(digits))
        return -EINVAL;
    memcpy(digits, text, len);
    digits[len] = 0;
    if (parse_u64(digits, 10, &value) < 0 || value > limit->max)
        return -EINVAL;
    limit->value = value;
    return 0;
}

void ipc_register(struct pseudo_entry *limits, unsigned n, struct pseudo_entry *list)
{
    struct pseudo_entry *folder = proc_folder("sys/kernel");

    if (!sysvipc.registered)
        proc_register(&sysvipc);
    for (unsigned i = 0; i < n; i++)
        pseudo_register(folder, &limits[i]);
    pseudo_register(&sysvipc, list);
}
