/* Virtio over memory-mapped registers (virtio 1.2, 4.2; the legacy register set, version 1, 4.2.4).
 *
 * Devices are announced by words `virtio_mmio.device=SIZE@ADDR:IRQ[:ID]` of the command line, or by
 * "LNRO0005" in ACPI's DSDT. A place is often an empty slot (device 0). */

#include "arch/x86_64/acpi.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/irq.h"
#include "core/boot.h"
#include "core/log.h"
#include "drivers/mmio.h"
#include "drivers/virtio/mmio_discover.h"
#include "drivers/virtio/queue.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/karea.h"

enum {
    MAGIC = 0x000,
    VERSION = 0x004,
    DEVICE_ID = 0x008,
    VENDOR_ID = 0x00c,
    DEVICE_FEATURES = 0x010,
    DEVICE_FEATURES_SELECT = 0x014,
    DRIVER_FEATURES = 0x020,
    DRIVER_FEATURES_SELECT = 0x024,
    GUEST_PAGE_SIZE = 0x028, /* legacy */
    QUEUE_SELECT = 0x030,
    QUEUE_SIZE_MAX = 0x034,
    QUEUE_SIZE = 0x038,
    QUEUE_ALIGN = 0x03c, /* legacy */
    QUEUE_PFN = 0x040,   /* legacy */
    QUEUE_READY = 0x044,
    QUEUE_NOTIFY = 0x050,
    INTERRUPT_STATUS = 0x060,
    INTERRUPT_ACK = 0x064,
    STATUS = 0x070,
    QUEUE_DESCRIPTORS = 0x080,
    QUEUE_DRIVER = 0x090,
    QUEUE_DEVICE = 0x0a0,
    CONFIG_GENERATION = 0x0fc,
    CONFIG = 0x100
};
enum { MAGIC_VALUE = 0x74726976, LEGACY = 1, MODERN = 2 };
enum { INTERRUPT_QUEUE = 1, INTERRUPT_CONFIG = 2 };
enum { RESET_STEPS = 100000 };

struct mmio {
    struct virtio_device device;
    volatile void *regs;
    uint32_t version;
    char place[24];
};

static struct mmio *mmio(struct virtio_device *device)
{
    return container_of(device, struct mmio, device);
}
static uint32_t get(struct virtio_device *device, unsigned reg)
{
    return mmio_read32(mmio(device)->regs, reg);
}
static void set(struct virtio_device *device, unsigned reg, uint32_t value)
{
    mmio_write32(mmio(device)->regs, reg, value);
}

static uint64_t get_features(struct virtio_device *device)
{
    set(device, DEVICE_FEATURES_SELECT, 0);
    uint64_t features = get(device, DEVICE_FEATURES);
    if (mmio(device)->version == LEGACY)
        return features;
    set(device, DEVICE_FEATURES_SELECT, 1);
    return features | (uint64_t)get(device, DEVICE_FEATURES) << 32;
}

static int set_features(struct virtio_device *device, uint64_t features)
{
    if (mmio(device)->version == MODERN && !virtio_has(device, VIRTIO_F_VERSION_1))
        return -EINVAL; /* 4.2.3.1.1 */
    set(device, DRIVER_FEATURES_SELECT, 0);
    set(device, DRIVER_FEATURES, features);
    if (mmio(device)->version == LEGACY) {
        set(device, GUEST_PAGE_SIZE, PAGE_SIZE);
        return 0;
    }
    set(device, DRIVER_FEATURES_SELECT, 1);
    set(device, DRIVER_FEATURES, features >> 32);
    return 0;
}

static uint8_t get_status(struct virtio_device *device)
{
    return get(device, STATUS);
}

static void set_status(struct virtio_device *device, uint8_t status)
{
    set(device, STATUS, status);
    if (status == 0)
        for (unsigned i = 0; i < RESET_STEPS && get(device, STATUS) != 0; i++)
            cpu_pause();
}

static void read_once(struct virtio_device *device, unsigned offset, uint8_t *p, unsigned len)
{
    volatile void *regs = mmio(device)->regs;
    unsigned at = CONFIG + offset;
    if (len == 4 && IS_ALIGNED(at, 4u)) {
        uint32_t v = mmio_read32(regs, at);
        memcpy(p, &v, 4);
    } else if (len == 2 && IS_ALIGNED(at, 2u)) {
        uint16_t v = mmio_read16(regs, at);
        memcpy(p, &v, 2);
    } else {
        for (unsigned i = 0; i < len; i++)
            p[i] = mmio_read8(regs, at + i);
    }
}

/* Fields of several bytes are whole only if the generation stayed the same (2.5.1). */
static void config_read(struct virtio_device *device, unsigned offset, void *buf, unsigned len)
{
    enum { TRIES = 16 };
    bool modern = mmio(device)->version == MODERN;
    for (unsigned i = 0; i < TRIES; i++) {
        uint32_t before = modern ? get(device, CONFIG_GENERATION) : 0;
        read_once(device, offset, buf, len);
        if (!modern || get(device, CONFIG_GENERATION) == before)
            return;
    }
}

static void config_write(struct virtio_device *device, unsigned offset, const void *buf,
                         unsigned len)
{
    if (len == 4 && IS_ALIGNED(offset, 4u)) {
        uint32_t v;
        memcpy(&v, buf, 4);
        set(device, CONFIG + offset, v);
        return;
    }
    for (unsigned i = 0; i < len; i++)
        mmio_write8(mmio(device)->regs, CONFIG + offset + i, ((const uint8_t *)buf)[i]);
}

static unsigned queue_max(struct virtio_device *device, unsigned index)
{
    set(device, QUEUE_SELECT, index);
    return get(device, QUEUE_SIZE_MAX);
}

static void set64(struct virtio_device *device, unsigned reg, uint64_t value)
{
    set(device, reg, value);
    set(device, reg + 4, value >> 32);
}

static int queue_enable(struct virtio_device *device, struct virtqueue *queue)
{
    set(device, QUEUE_SELECT, queue->index);
    set(device, QUEUE_SIZE, queue->size);
    if (mmio(device)->version == LEGACY) {
        if (queue->descriptors >> PAGE_SHIFT > UINT32_MAX)
            return -ENOMEM;
        set(device, QUEUE_ALIGN, LEGACY_RING_ALIGN);
        set(device, QUEUE_PFN, queue->descriptors >> PAGE_SHIFT);
        return 0;
    }
    set64(device, QUEUE_DESCRIPTORS, queue->descriptors);
    set64(device, QUEUE_DRIVER, queue->driver_area);
    set64(device, QUEUE_DEVICE, queue->device_area);
    set(device, QUEUE_READY, 1);
    return 0;
}

static void notify(struct virtqueue *queue)
{
    set(queue->device, QUEUE_NOTIFY, queue->index);
}

/* Acknowledged before the queues are looked at: what is used after our look raises the interrupt
 * anew, be it edge or level. */
static void interrupt(void *arg)
{
    struct mmio *m = arg;
    uint32_t why = get(&m->device, INTERRUPT_STATUS);
    if (!why)
        return;
    set(&m->device, INTERRUPT_ACK, why);
    if (why & INTERRUPT_CONFIG)
        virtio_device_config_interrupt(&m->device);
    virtio_device_interrupt(&m->device);
}

static const struct virtio_transport_ops ops = {
    .name = "mmio",
    .get_features = get_features,
    .set_features = set_features,
    .get_status = get_status,
    .set_status = set_status,
    .config_read = config_read,
    .config_write = config_write,
    .queue_max = queue_max,
    .queue_enable = queue_enable,
    .notify = notify,
};

/* --- discovery ---------------------------------------------------------------------------- */

static void add_device(const struct mmio_place *place, volatile void *regs, uint32_t id)
{
    uint32_t version = mmio_read32(regs, VERSION);
    struct mmio *m = kzalloc(sizeof(*m));
    if (!m || (version != LEGACY && version != MODERN)) {
        log_warning("virtio: mmio@%#lx: version %u is not known", place->address, version);
        kfree(m);
        return;
    }
    m->regs = regs;
    m->version = version;
    m->device.ops = &ops;
    m->device.id = id;
    m->device.vendor = mmio_read32(regs, VENDOR_ID);
    m->device.transport = m;
    m->device.place = m->place;
    snprintf(m->place, sizeof(m->place), "mmio@%#lx", place->address);
    unsigned flags = place->flags_known ? (place->level ? GSI_LEVEL : GSI_EDGE) |
                                              (place->active_low ? GSI_ACTIVE_LOW : 0)
                                        : GSI_DEFAULT;
    int r = irq_gsi_request(place->gsi, flags, interrupt, m);
    if (r < 0)
        log_warning("virtio: %s: no interrupt %u (%d)", m->place, place->gsi, r);
    virtio_device_add(&m->device);
}

/* Slots lie side by side: one mapping serves all of a page. */
struct window {
    paddr_t page;
    volatile uint8_t *regs;
};

static void probe(const struct mmio_place *place, struct window *window)
{
    paddr_t page = ALIGN_DOWN(place->address, PAGE_SIZE);
    size_t offset = place->address - page;
    if (offset + CONFIG > PAGE_SIZE || !IS_ALIGNED(place->address, 4ul))
        return;
    if (page != window->page) {
        *window = (struct window){page, karea_map_device(page, PAGE_SIZE)};
        if (!window->regs)
            window->page = 0;
    }
    if (!window->regs || mmio_read32(window->regs, offset + MAGIC) != MAGIC_VALUE)
        return;
    uint32_t id = mmio_read32(window->regs, offset + DEVICE_ID);
    if (id)
        add_device(place, window->regs + offset, id);
}

/* Firecracker announces its devices twice. */
static bool on_command_line(paddr_t address)
{
    struct mmio_place place;
    const char *word;
    for (unsigned n = 0; (word = boot_param_nth("virtio_mmio.device", n)); n++)
        if (mmio_parse_word(word, &place) == 0 && place.address == address)
            return true;
    return false;
}

static int mmio_init(void)
{
    struct window window = {};
    struct mmio_place place;
    const char *word;
    for (unsigned n = 0; (word = boot_param_nth("virtio_mmio.device", n)); n++) {
        if (mmio_parse_word(word, &place) == 0)
            probe(&place, &window);
        else
            log_warning("virtio: bad virtio_mmio.device=%s", word);
    }
    size_t len, at = 0;
    const uint8_t *dsdt = acpi_table("DSDT", 0, &len);
    while (dsdt && mmio_scan_aml(dsdt, len, &at, &place))
        if (!on_command_line(place.address))
            probe(&place, &window);
    return 0;
}
BOOT_STEP(PHASE_BUS, "virtio-mmio", mmio_init);
