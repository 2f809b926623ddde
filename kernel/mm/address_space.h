/* mm/address_space.h: the lower half of the page table and the mappings that fill it.
 *
 * All functions may sleep (they take the space's lock) unless they say otherwise. Addresses and
 * lengths are bytes. A CPU keeps a space loaded until a thread of another space runs there.
 */
#pragma once

#include "arch/x86_64/paging.h"
#include "core/mutex.h"
#include "core/spinlock.h"
#include "lib/list.h"
#include "lib/rbtree.h"
#include "lib/types.h"
#include "mm/annotate.h"

/* What a mapping shows: a file's pages, shared anonymous memory, a device. Embedded in its owner
 * (an inode, a shared segment), which outlives it through get/put. */
struct cpu;
struct mem_object;
struct mem_object_ops {
    /* The frame of page `index`, with a reference taken (frame_get) for the caller. write: the page
     * is about to be written through a shared mapping. *writable says whether it may be mapped
     * writable at once. 0, -EFAULT past the end (SIGBUS), -ENOMEM, -EIO. May sleep; called without
     * any lock of mm/. */
    int (*page)(struct mem_object *object, uint64_t index, bool write, paddr_t *frame,
                bool *writable);
    void (*get)(struct mem_object *object);
    void (*put)(struct mem_object *object);
    /* Pages [first, first+n) as far as they are at hand: frames[i] with a reference, or 0. For
     * mapping a fault's neighbours too, and mincore. Called with the space's lock held: may take
     * no lock under which program memory is copied. NULL: none is at hand. */
    void (*around)(struct mem_object *object, uint64_t first, unsigned n, paddr_t *frames);
    /* The object's bytes at pos as they lie in memory, *n of them in one piece: for a report when
     * all else is broken, so without locks and references. NULL: not at hand that way. */
    const void *(*peek)(struct mem_object *object, uint64_t pos, size_t *n);
    /* Make a hole (MADV_REMOVE); NULL: -EOPNOTSUPP. */
    int (*punch)(struct mem_object *object, uint64_t first, uint64_t npages);
    /* Bring dirty pages of the range to where they belong (msync); file: the mapping's, with a
     * reference. NULL: nothing to do. */
    int (*sync)(struct mem_object *object, void *file, uint64_t first, uint64_t npages);
    /* The path for /proc/self/maps, at most size bytes with 0; NULL: anonymous. */
    void (*name)(struct mem_object *object, void *file, char *buf, size_t size);
    /* Inode and device numbers for /proc/self/maps. */
    void (*identity)(struct mem_object *object, uint64_t *dev, uint64_t *ino);
    /* Its pages are for the program's own accesses only: address_space_pin(), _key(), _populate()
     * and locking in refuse, its mappings stay locked and are not dumped. */
    bool secret;
    /* How many mappings it has is told: none goes because it fits its neighbour. */
    bool counted;
};
struct mem_object {
    const struct mem_object_ops *ops;
    struct mutex lock;    /* over mappings */
    struct list mappings; /* struct mapping.object_link */
    atomic_uint unmaps;   /* counts mem_object_unmap(): a fault that met one tries again */
};
void mem_object_init(struct mem_object *object, const struct mem_object_ops *ops);
/* Take pages [first, first+n) out of every mapping (hole punching; the pages must be out of reach
 * of ops->page already). Private copies stay. No lock may be held that ops->page takes. */
void mem_object_unmap(struct mem_object *object, uint64_t first, uint64_t npages);
/* The same when the object ends before page `first` (truncate): private copies go as well. */
void mem_object_cut(struct mem_object *object, uint64_t first);

/* Protection and flags: Linux's numbers (PROT_*, MAP_*), so that linux/ hands them on. */
enum { PROT_READ = 1, PROT_WRITE = 2, PROT_EXEC = 4 };
enum {
    MAP_SHARED = 1,
    MAP_PRIVATE = 2,
    MAP_SHARED_VALIDATE = 3,
    MAP_FIXED = 0x10,
    MAP_ANONYMOUS = 0x20,
    MAP_32BIT = 0x40,
    MAP_GROWSDOWN = 0x100,
    MAP_DENYWRITE = 0x800,
    MAP_EXECUTABLE = 0x1000,
    MAP_LOCKED = 0x2000,
    MAP_NORESERVE = 0x4000,
    MAP_POPULATE = 0x8000,
    MAP_NONBLOCK = 0x10000,
    MAP_STACK = 0x20000,
    MAP_HUGETLB = 0x40000,
    MAP_SYNC = 0x80000,
    MAP_FIXED_NOREPLACE = 0x100000,
};

struct mapping {
    struct rb_node node; /* by start; augmented with the largest gap below */
    uintptr_t start, end;
    uint64_t gap, largest_gap; /* bytes free below; the most of those in the subtree */
    unsigned prot, flags; /* PROT_*, MAP_* (SHARED or PRIVATE, GROWSDOWN, STACK, LOCKED, ...) */
    unsigned max_prot;    /* mprotect may not go beyond (a file opened read-only) */
    bool no_huge, want_huge, dont_fork, wipe_on_fork, dont_dump, lock_on_fault;
    bool piece;                /* just split off: may join another though its object is counted */
    uint8_t reads;             /* MADV_NORMAL, _RANDOM, _SEQUENTIAL: told in smaps */
    struct mem_object *object; /* NULL: private anonymous */
    uint64_t object_page;      /* page of the object at start */
    void *file;                /* the struct file for name(), with a reference; opaque here */
    struct memory_policy policy;
    const char *label; /* "[heap]", "[stack]", "[vdso]" or NULL */
    struct list object_link;
    struct mapping *next_removed;
    struct address_space *space;
};

struct address_space {
    pte_t *pml4;
    struct rwlock lock; /* over the mappings; readers fault pages in */
    struct rb_tree mappings;
    unsigned nmappings;
    struct mapping *_Atomic recent;
    atomic_uint changes;      /* counts changes of the mappings (under the lock) */
    struct spinlock pte_lock; /* an entry is replaced or its frame referenced */
    atomic_uint refs;
    uint64_t number; /* no other has or had it */
    _Atomic uint64_t tlb_generation;
    _Atomic uint64_t active_cpus; /* whose TLB may hold translations */
    uintptr_t mmap_base;          /* top-down from here; */
    bool bottom_up;               /* or up (ADDR_COMPAT_LAYOUT) */
    uintptr_t brk_start, brk;
    uintptr_t start_code, end_code, start_data, end_data, start_stack;
    uintptr_t arg_start, arg_end, env_start, env_end;
    uint64_t stack_limit; /* bytes a GROWSDOWN mapping may reach */
    atomic_ulong total_pages, locked_pages, resident_pages, data_pages, peak_resident;
    atomic_ulong faults;
    unsigned shared_tables;        /* mm/share.c; under the lock for writing */
    uint64_t as_limit, data_limit; /* RLIMIT_AS, RLIMIT_DATA in bytes */
    void *_Atomic code_notes; /* linux/patch.c: what it changed in the program's code; kmalloc */
};
enum { MAPPINGS_MAX = 65530 };

/* fs/ fills these in: references of mapping.file. */
extern void (*mapping_file_get_hook)(void *file);
extern void (*mapping_file_put_hook)(void *file);

struct address_space *address_space_create(void); /* NULL: no memory; one reference */
void address_space_get(struct address_space *space);
void address_space_put(struct address_space *space);
/* Remove every mapping (execve, exit). */
void address_space_clear(struct address_space *space);
/* Use the space on this CPU from now on (execve; the scheduler does it for others). */
void address_space_activate(struct address_space *space);
/* A copy for fork(): private pages are shared until either side writes. NULL: no memory. The hook
 * copies code_notes, when all pages are shared already. */
extern int (*space_fork_hook)(struct address_space *child, struct address_space *space);
struct address_space *address_space_fork(struct address_space *space);

/* What to map. object NULL: anonymous (a MAP_SHARED one gets an object of its own). */
struct map_request {
    uintptr_t addr; /* hint, or the place with MAP_FIXED* */
    size_t length;
    unsigned prot, max_prot, flags;
    struct mem_object *object;
    uint64_t object_page;
    void *file;
    const char *label;
};
/* The address, or -EINVAL, -ENOMEM, -EEXIST (as mmap(2)). Takes a reference of the object. Old
 * mappings in the way of MAP_FIXED go. */
ssize_t address_space_map(struct address_space *space, const struct map_request *request);
int address_space_unmap(struct address_space *space, uintptr_t addr, size_t length);
int address_space_protect(struct address_space *space, uintptr_t addr, size_t length,
                          uint64_t prot); /* PROT_GROWSDOWN too */
/* mremap(2): flags MREMAP_MAYMOVE 1, FIXED 2, DONTUNMAP 4; lock_room: so many bytes more may be
 * locked. The address or a negative errno. */
ssize_t address_space_remap(struct address_space *space, uintptr_t old, size_t old_length,
                            size_t new_length, unsigned flags, uintptr_t new_addr,
                            size_t lock_room);
/* madvise(2), MADV_* by Linux's numbers; msync(2) MS_*; mlock2(2); mincore(2) into a kernel buffer:
 * may_look says whether the caller may know what of a file is in memory (else all of it is).
 */
int address_space_advise(struct address_space *space, uintptr_t addr, size_t length, int advice);
int address_space_sync(struct address_space *space, uintptr_t addr, size_t length, int flags);
int address_space_lock_pages(struct address_space *space, uintptr_t addr, size_t length, bool lock,
                             bool on_fault);
/* Make present what is locked in [start, end) and not on fault: writable private memory as if
 * written. all: go on after what cannot be. May sleep. -EAGAIN: no memory; -ENOMEM: what may not be
 * read. */
int address_space_populate_locked(struct address_space *space, uintptr_t start, uintptr_t end,
                                  bool all);
int address_space_mincore(struct address_space *space, uintptr_t addr, size_t npages, uint8_t *vec,
                          bool (*may_look)(void *file));
/* How many pages of [start, end) are locked already. */
size_t address_space_locked_in(struct address_space *space, uintptr_t start, uintptr_t end);
/* brk(2): returns the new break, the old one if it cannot be. */
uintptr_t address_space_brk(struct address_space *space, uintptr_t brk);

/* A page fault at addr. access: FAULT_*. 0: mapped, go on. Else a negative errno with *code the
 * si_code: -EFAULT (SEGV_MAPERR 1, SEGV_ACCERR 2: SIGSEGV), -EIO (BUS_ADRERR 2: SIGBUS), -ENOMEM.
 */
enum { FAULT_WRITE = 1, FAULT_EXEC = 2, FAULT_PROTECTION = 4 /* the page was present */ };
int address_space_fault(struct address_space *space, uintptr_t addr, unsigned access, int *code);

/* Make pages present (for MAP_POPULATE, mlock, and kernel code that must not fault). */
int address_space_populate(struct address_space *space, uintptr_t addr, size_t length, bool write);

/* The frame behind a program address, made present and (write) private; with a reference that the
 * caller drops with frame_put(). For code patching, futex keys of shared memory, /proc/PID/mem. */
int address_space_pin(struct address_space *space, uintptr_t addr, bool write, paddr_t *frame);
/* Change program text or read-only data (up to the end of its page) as a debugger would: private
 * copy first, other CPUs see either old or new bytes if they lie in one cache line. */
int address_space_poke(struct address_space *space, uintptr_t addr, const void *bytes, size_t n);

/* Iterate: the mapping above; NULL at the end. Caller holds space->lock. */
struct mapping *mapping_next(const struct mapping *mapping);
/* Whether they differ in nothing but place and the object's pages. Any context. */
bool mapping_same_kind(const struct mapping *a, const struct mapping *b);
/* The mapping at addr or the next one above; NULL at the end. Caller holds space->lock. */
struct mapping *address_space_find(struct address_space *space, uintptr_t addr);
/* Key of a shared futex word: same (object, offset) for every mapping of it; private: (space,
 * addr). */
struct memory_key {
    const void *owner;
    uint64_t offset;
};
int address_space_key(struct address_space *space, uintptr_t addr, struct memory_key *key);

/* After a change of page tables: this CPU and others that may hold the old translations drop them.
 */
void address_space_flush(struct address_space *space, uintptr_t start, uintptr_t end);
/* A CPU leaves idle and looks whether it slept through a flush. Interrupts off. */
void address_space_cpu_awake(struct cpu *cpu);
