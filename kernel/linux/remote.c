/* linux/remote.c: memory of another process, as debuggers and process_vm_readv(2) want it. */
#include "lib/string.h"
#include "linux/patch.h"
#include "linux/ptrace.h"
#include "mm/frame.h"

static bool allowed(struct address_space *space, uintptr_t addr, bool write, bool force)
{
    const struct mapping *mapping;
    bool ok = false;

    read_lock(&space->lock);
    mapping = address_space_find(space, addr);
    if (mapping && mapping->start <= addr) {
        if (mapping->prot & (write ? PROT_WRITE : PROT_READ))
            ok = true;
        else if (force)
            ok = write ? !(mapping->flags & MAP_SHARED) : mapping->max_prot & PROT_READ;
    }
    read_unlock(&space->lock);
    return ok;
}

/* Within one page. */
static bool move(struct address_space *space, uintptr_t addr, void *to, const void *from, size_t n,
                 bool force)
{
    paddr_t frame;
    char *bytes;

    if (addr >= USER_END || !allowed(space, addr, from, force) ||
        address_space_pin(space, addr, from, &frame) < 0)
        return false;
    bytes = (char *)phys_to_virt(frame) + (addr & ~PAGE_MASK);
    if (from) {
        memcpy(bytes, from, n);
    } else {
        memcpy(to, bytes, n);
        patch_hide(space, addr, to, n);
    }
    frame_put(frame);
    return true;
}

static size_t move_all(struct address_space *space, uintptr_t addr, char *to, const char *from,
                       size_t n, bool force)
{
    size_t done = 0;

    while (done < n) {
        size_t part = MIN(n - done, PAGE_SIZE - ((addr + done) & ~PAGE_MASK));

        if (!move(space, addr + done, to ? to + done : NULL, from ? from + done : NULL, part,
                  force))
            break;
        done += part;
    }
    return done;
}

size_t remote_read(struct address_space *space, uintptr_t addr, void *buf, size_t n, bool force)
{
    return move_all(space, addr, buf, NULL, n, force);
}

size_t remote_write(struct address_space *space, uintptr_t addr, const void *buf, size_t n,
                    bool force)
{
    patch_restore(space, addr, n);
    return move_all(space, addr, NULL, buf, n, force);
}
