#include "loader/loader.h"

#include "lib/endian.h"

void params_set32(struct handed_over *h, unsigned offset, uint32_t value)
{
    put_le32(h->params + offset, value);
}

void params_set64(struct handed_over *h, unsigned offset, uint64_t value)
{
    put_le64(h->params + offset, value);
}

uint32_t params_get32(const struct handed_over *h, unsigned offset)
{
    return get_le32(h->params + offset);
}

int params_add_range(struct handed_over *h, uint64_t start, uint64_t size, uint32_t type)
{
    unsigned n = h->params[P_MAP_COUNT];
    uint8_t *entry = h->params + P_MAP + n * 20;

    if (n >= MAP_MAX)
        return -1;
    put_le64(entry, start);
    put_le64(entry + 8, size);
    put_le32(entry + 16, type);
    h->params[P_MAP_COUNT] = (uint8_t)(n + 1);
    return 0;
}

void params_set_root(struct handed_over *h, uint64_t start, uint64_t size)
{
    params_set32(h, P_ROOT, (uint32_t)start);
    params_set32(h, P_ROOT_HIGH, (uint32_t)(start >> 32));
    params_set32(h, P_ROOT_SIZE, (uint32_t)size);
    params_set32(h, P_ROOT_SIZE_HIGH, (uint32_t)(size >> 32));
}

void params_set_cmdline(struct handed_over *h, uint64_t address)
{
    params_set32(h, P_CMDLINE, (uint32_t)address);
    params_set32(h, P_CMDLINE_HIGH, (uint32_t)(address >> 32));
}

void params_set_screen(struct handed_over *h, uint64_t base, uint32_t pitch, uint32_t width,
                       uint32_t height, uint8_t depth, const uint8_t colours[6])
{
    if (width > UINT16_MAX || height > UINT16_MAX || pitch > UINT16_MAX)
        return;
    h->params[P_SCREEN + 0x0f] = 0x70;
    put_le32(h->params + P_SCREEN + 0x12, width | height << 16);
    h->params[P_SCREEN + 0x16] = depth;
    put_le32(h->params + P_SCREEN + 0x18, (uint32_t)base);
    put_le32(h->params + P_SCREEN + 0x3a, (uint32_t)(base >> 32));
    put_le32(h->params + P_SCREEN + 0x24, pitch);
    for (unsigned i = 0; i < 6; i++)
        h->params[P_SCREEN + 0x26 + i] = colours[i ^ 1]; /* bits first */
}

void params_set_tsc(struct handed_over *h, uint64_t tsc)
{
    if (params_get32(h, LOADER_TSC_AT) == LOADER_TSC_MARK)
        return;
    params_set32(h, LOADER_TSC_AT, LOADER_TSC_MARK);
    params_set64(h, LOADER_TSC_AT + 8, tsc);
}

bool params_is_ram(const struct handed_over *h, uint64_t start, uint64_t size)
{
    uint64_t at = start, end = start + size;
    bool further = true;

    while (at < end && further) { /* ranges may follow each other */
        further = false;
        for (unsigned i = 0; i < h->params[P_MAP_COUNT] && i < MAP_MAX; i++) {
            const uint8_t *entry = h->params + P_MAP + i * 20;
            uint64_t first = get_le64(entry), n = get_le64(entry + 8);

            if (get_le32(entry + 16) != 1 || at < first || at - first >= n)
                continue;
            at = n > UINT64_MAX - first ? UINT64_MAX : first + n;
            further = true;
        }
    }
    return at >= end;
}
