/* linux/keys_proc.c: /proc/keys, /proc/key-users, /proc/sys/kernel/keys. */
#include "core/boot.h"
#include "fs/procfs.h"
#include "lib/string.h"
#include "linux/keys.h"

/* What is left of its time, in one unit. */
static void show_time(struct text *text, const struct key *key)
{
    static const struct {
        char unit;
        unsigned seconds;
    } units[] = {{'w', 604800}, {'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};
    int64_t left = key->expiry - keys_now();
    unsigned i = 0;
    char time[16];
    if (key->flags & KEY_REVOKED || (key->expiry && left <= 0)) {
        text_printf(text, "expd ");
    } else if (!key->expiry) {
        text_printf(text, "perm ");
    } else {
        while ((uint64_t)left < units[i].seconds)
            i++;
        snprintf(time, sizeof(time), "%lu%c", left / units[i].seconds, units[i].unit);
        text_printf(text, "%4s ", time);
    }
}

static void show_key(struct text *text, const struct key *key)
{
    const char flags[] = {key->state ? 'I' : '-',
                          key->flags & KEY_REVOKED ? 'R' : '-',
                          '-',
                          key->flags & KEY_IN_QUOTA ? 'Q' : '-',
                          key->flags & KEY_BUILDING ? 'U' : '-',
                          key->state < 0 ? 'N' : '-',
                          key->flags & KEY_INVALID ? 'i' : '-',
                          0};
    char type[10];
    strlcpy(type, key->type->name, sizeof(type));
    text_printf(text, "%08x %s %5u ", (unsigned)key->serial, flags, key->refs);
    show_time(text, key);
    text_printf(text, "%08x %5d %5d %-9s ", key->perm, (int)key->uid,
                key->gid == KEY_NOBODY ? 65534 : (int)key->gid, type);
    if (key->type == &key_type_authority)
        text_printf(text, "key:%s pid:%d ci:%zu", key->name, key_authority(key)->pid, key->len);
    else
        text_put(text, key->name, strlen(key->name));
    if (key->type == &key_type_ring && !key->nlinks)
        text_printf(text, ": empty");
    else if (key->state > 0 && key->type != &key_type_authority)
        text_printf(text, ": %zu", key->type == &key_type_ring ? key->nlinks : key->len);
    text_printf(text, "\n");
}

static int show_keys(struct text *text, const struct pseudo *self)
{
    keys_lock();
    const struct key_seeker me = keys_me();
    for (struct rb_node *node = rb_first(&key_tree); node; node = rb_next(node)) {
        const struct key *key = container_of(node, struct key, node);
        if (key->refs && (key_permits(key, false, me.cred, KEY_VIEW) ||
                          (key_permits(key, true, me.cred, KEY_VIEW) && keys_possessed(&me, key))))
            show_key(text, key);
    }
    keys_unlock();
    return 0;
}

static int show_users(struct text *text, const struct pseudo *self)
{
    keys_lock();
    list_for_each_entry (struct key_user, user, &key_users, all) {
        if (!user->nkeys && user->uid)
            continue;
        unsigned of = user->uid ? 0 : KEY_LIMIT_ROOT_KEYS;
        text_printf(text, "%5u: %5u %u/%u %u/%u %zu/%u\n", user->uid, user->nkeys, user->nkeys,
                    user->npositive, user->nquota, key_settings[of], user->bytes,
                    key_settings[of + 1]);
    }
    keys_unlock();
    return 0;
}

static int show_setting(struct text *text, const struct pseudo *self)
{
    text_printf(text, "%u\n", key_settings[self->entry->arg]);
    return 0;
}

static int store_setting(const struct pseudo *self, const char *s, size_t len)
{
    uint64_t value;
    int err = proc_parse_u64(s, len, 10, INT32_MAX, &value);
    if (!err)
        key_settings[self->entry->arg] = (unsigned)value;
    return err ? -EINVAL : 0;
}

#define SETTING(n, which)                                                                          \
    {                                                                                              \
        .name = n, .mode = S_IFREG | 0644, .show = show_setting, .store = store_setting,           \
        .arg = (which)                                                                             \
    }
static const struct pseudo_entry settings[] = {
    SETTING("maxkeys", KEY_LIMIT_KEYS),
    SETTING("maxbytes", KEY_LIMIT_BYTES),
    SETTING("root_maxkeys", KEY_LIMIT_ROOT_KEYS),
    SETTING("root_maxbytes", KEY_LIMIT_ROOT_BYTES),
    SETTING("gc_delay", KEY_GC_DELAY),
    SETTING("persistent_keyring_expiry", KEY_PERSISTENT_EXPIRY),
};
static struct pseudo_entry folder = {
    .name = "keys",
    .mode = S_IFDIR | 0555,
    .table = settings,
    .ntable = ARRAY_SIZE(settings),
};
static struct pseudo_entry files[] = {PSEUDO_FILE("keys", show_keys),
                                      PSEUDO_FILE("key-users", show_users)};

static int start(void)
{
    proc_register(&files[0]);
    proc_register(&files[1]);
    pseudo_register(proc_folder("sys/kernel"), &folder);
    return 0;
}
BOOT_STEP(PHASE_BUS, "proc keys", start);
