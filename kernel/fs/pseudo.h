/* fs/pseudo.h: file systems whose files are made when they are read (procfs, sysfs).
 *
 * A file is described by a constant table entry and up to two numbers (a process, a thread, a
 * descriptor); nothing else is kept. Callbacks run in threads and may sleep. */
#pragma once

#include "fs/vfs.h"

struct pseudo_entry;

/* One file: its entry and what it is about (numbers are inherited from the folder). */
struct pseudo {
    const struct pseudo_entry *entry;
    uint64_t key, subkey;
};

struct pseudo_entry {
    const char *name;
    uint16_t mode;    /* S_IFREG | 0444, S_IFDIR | 0555, S_IFLNK | 0777 */
    uint8_t ntable;   /* a folder's */
    uint8_t flags;    /* INODE_* */
    uint32_t sibling; /* kept by pseudo_register() */
    uint64_t arg;     /* the entry's own */
    union {           /* mode tells which */
        struct {
            /* Files: the whole text. Links: the target. Negative errno: what read or open gives. */
            int (*show)(struct text *text, const struct pseudo *self);
            /* A write, whole at a time; text is NUL-terminated. 0 or a negative errno. */
            int (*store)(const struct pseudo *self, const char *text, size_t len);
        };
        struct {
            const struct pseudo_entry *table; /* a folder's fixed entries */
            uint32_t registered;              /* kept by pseudo_register() */
            uint32_t groups;                  /* and by pseudo_register_group() */
        };
    };
    const struct pseudo_special *special; /* NULL: none */
};

/* What few entries have. */
struct pseudo_special {
    /* Owner and mode, where they are not root's and the table's. */
    void (*attr)(const struct pseudo *self, struct attributes *attr);
    bool (*allows)(const struct pseudo *self); /* see struct inode_ops */
    /* Folders: entries that come and go, behind the others. lookup: fill *child (entry, keys) for
     * the name, or -ENOENT. next: the first one with a number > *cursor (start: 0): its name, its
     * number in *cursor, *child; false: no more. */
    int (*lookup)(const struct pseudo *self, const char *name, struct pseudo *child);
    bool (*next)(const struct pseudo *self, uint64_t *cursor, char name[NAME_MAX + 1],
                 struct pseudo *child);
    /* Files that can be waited for: hook the caller up (fs/vfs.h, file_ops.poll); the POLL* bits
     * that hold. *seen is the open file's: 0 at first. NULL: poll(2) finds it always ready. */
    unsigned (*poll)(const struct pseudo *self, struct poll_table *table, unsigned *seen);
    /* Files with operations of their own: called by open; sets file->ops and file->data. */
    int (*open)(const struct pseudo *self, struct file *file);
    /* Magic links. */
    int (*follow)(const struct pseudo *self, struct path *place);
};
/* In a table outside of functions. */
#define PSEUDO_SPECIAL(...) (&(const struct pseudo_special){__VA_ARGS__})

/* Entries that a folder is given as a whole. */
struct pseudo_group {
    const struct pseudo_entry *entries;
    unsigned count;
    const struct pseudo_group *next; /* kept by pseudo_register_group() */
};

/* Supplied by procfs.c: the owner of what has INODE_OWNED; attr->mode is set. */
extern void (*pseudo_owner_hook)(const struct pseudo *self, struct attributes *attr);
/* Supplied by linux/: whether the caller may open a file, or follow a link, with
 * INODE_GUARDED. 0, -EACCES. */
extern int (*pseudo_guard_hook)(const struct pseudo *self);

#define PSEUDO_FILE(file_name, show_fn)                                                            \
    {                                                                                              \
        .name = (file_name), .mode = S_IFREG | 0444, .show = (show_fn)                             \
    }

/* Add an entry, or many, to a folder: all of them static memory of the kernel. At boot only. */
void pseudo_register(struct pseudo_entry *folder, struct pseudo_entry *entry);
void pseudo_register_group(struct pseudo_entry *folder, struct pseudo_group *group);
/* The registered folder at a path like "sys/kernel" below folder, or NULL. */
struct pseudo_entry *pseudo_folder(struct pseudo_entry *folder, const char *path);
/* A file system of such files below root. */
int pseudo_mount(const struct fs_type *type, const struct pseudo_entry *root, struct super **super);
/* What an open folder of such a file system is; NULL for other files. Valid while it is open. */
const struct pseudo *pseudo_of_folder(const struct file *file);
/* "123" as a number > 0; 0 for anything else. */
uint64_t pseudo_number(const char *name);
