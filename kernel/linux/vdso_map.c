#include "core/boot.h"
#include "core/cpu.h"
#include "core/random.h"
#include "linux/task.h"
#include "linux/vdso/vdso.h"
#include "mm/frame.h"
#include "lib/string.h"

/* ELF-64 fields of the image that are read here (gABI, 4 and 5). */
enum {
    E_PHOFF = 32,
    E_PHNUM = 56,
    PH_SIZE = 56,
    PT_DYNAMIC = 2,
    DT_HASH = 4,
    DT_STRTAB = 5,
    DT_SYMTAB = 6,
    SYM_SIZE = 24
};

extern const uint8_t vdso_image[], vdso_image_end[];

static int vdso_page(struct mem_object *object, uint64_t index, bool write, paddr_t *frame,
                     bool *writable)
{
    if (vdso_image + index * PAGE_SIZE >= vdso_image_end)
        return -EFAULT;
    *frame = virt_to_phys(vdso_image + index * PAGE_SIZE);
    *writable = false;
    return 0;
}

static void forever(struct mem_object *object)
{
}

static const struct mem_object_ops vdso_ops = {.page = vdso_page, .get = forever, .put = forever};
static struct mem_object vdso_object;

static uint64_t get64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

/* The image is our own: linked at 0, addresses are offsets. */
static uint64_t symbol_offset(const char *wanted)
{
    const uint8_t *headers = vdso_image + get64(vdso_image + E_PHOFF);
    const uint8_t *dynamic = NULL, *hash = NULL, *symbols = NULL;
    const char *strings = NULL;
    for (unsigned i = 0; i < vdso_image[E_PHNUM]; i++)
        if (headers[i * PH_SIZE] == PT_DYNAMIC)
            dynamic = vdso_image + get64(headers + i * PH_SIZE + 8);
    for (const uint8_t *d = dynamic; d && get64(d); d += 16) {
        const uint8_t *value = vdso_image + get64(d + 8);
        if (get64(d) == DT_HASH)
            hash = value;
        else if (get64(d) == DT_STRTAB)
            strings = (const char *)value;
        else if (get64(d) == DT_SYMTAB)
            symbols = value;
    }
    if (!hash || !strings || !symbols)
        return 0;
    uint32_t count = ((const uint32_t *)hash)[1];
    for (uint32_t i = 1; i < count; i++) {
        uint32_t name;
        memcpy(&name, symbols + i * SYM_SIZE, 4);
        if (!strcmp(strings + name, wanted))
            return get64(symbols + i * SYM_SIZE + 8);
    }
    return 0;
}

uintptr_t vdso_map(struct process *process)
{
    static uint64_t sigreturn;
    if (!vdso_object.ops) {
        mem_object_init(&vdso_object, &vdso_ops);
        sigreturn = symbol_offset("__vdso_rt_sigreturn");
    }
    struct map_request request = {
        .length = ALIGN_UP(vdso_image_end - vdso_image, PAGE_SIZE),
        .prot = PROT_READ | PROT_EXEC,
        .max_prot = PROT_READ | PROT_WRITE | PROT_EXEC,
        .flags = MAP_PRIVATE,
        .object = &vdso_object,
        .label = "[vdso]",
    };
    ssize_t at = address_space_map(process->space, &request);
    if (at < 0)
        return 0;
    process->vdso = at;
    process->vdso_sigreturn = at + sigreturn;
    return at;
}
