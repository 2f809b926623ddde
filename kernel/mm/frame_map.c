/* From the loader's memory map to the spans of usable RAM: plain arithmetic on ranges. */
#include "core/boot.h"
#include "mm/frame.h"

enum { LOW_UNUSED = 0x10000, LOW_END = 0x100000, SPANS = 2 * BOOT_MEMORY_RANGES };

struct spans {
    struct frame_span at[SPANS];
    unsigned n;
};

static void span_insert(struct spans *spans, unsigned i, paddr_t start, paddr_t end)
{
    if (start >= end || spans->n == SPANS)
        return;
    for (unsigned j = spans->n++; j > i; j--)
        spans->at[j] = spans->at[j - 1];
    spans->at[i] = (struct frame_span){start, end};
}

/* Cut [start, end) out of all spans; what is left stays in its place, a span may become empty. */
static void spans_cut(struct spans *spans, paddr_t start, paddr_t end)
{
    for (unsigned i = 0; i < spans->n; i++) {
        struct frame_span *span = &spans->at[i];
        paddr_t old_end = span->end;
        if (old_end <= start || span->start >= end)
            continue;
        span->end = MAX(span->start, start);
        span_insert(spans, i + 1, end, old_end);
    }
}

static paddr_t range_end(const struct memory_range *range)
{
    paddr_t end = range->start + range->size;
    return end < range->start || end > FRAME_LIMIT ? FRAME_LIMIT : end;
}

/* Keep the spans sorted by their start, so that low memory is found first. */
static void spans_add_sorted(struct spans *spans, paddr_t start, paddr_t end)
{
    unsigned i = 0;
    while (i < spans->n && spans->at[i].start < start)
        i++;
    span_insert(spans, i, start, end);
}

unsigned frame_usable_spans(const struct memory_range *map, unsigned nmap,
                            const struct frame_span *taken, unsigned ntaken, struct frame_span *out,
                            unsigned max)
{
    static struct spans spans; /* boot only: too large for a stack */
    unsigned n = 0;

    spans.n = 0;
    for (unsigned i = 0; i < nmap; i++) {
        if (map[i].type != MEMORY_RAM)
            continue;
        paddr_t start = ALIGN_UP(map[i].start, PAGE_SIZE);
        paddr_t end = ALIGN_DOWN(range_end(&map[i]), PAGE_SIZE);
        if (map[i].start >= FRAME_LIMIT || start >= end)
            continue;
        spans_cut(&spans, start, end); /* told twice */
        spans_add_sorted(&spans, start, end);
    }
    for (unsigned i = 0; i < nmap; i++)
        if (map[i].type != MEMORY_RAM && map[i].size && map[i].start < FRAME_LIMIT)
            spans_cut(&spans, ALIGN_DOWN(map[i].start, PAGE_SIZE),
                      ALIGN_UP(range_end(&map[i]), PAGE_SIZE));
    for (unsigned i = 0; i < ntaken; i++)
        if (taken[i].start < taken[i].end)
            spans_cut(&spans, ALIGN_DOWN(taken[i].start, PAGE_SIZE),
                      ALIGN_UP(taken[i].end, PAGE_SIZE));
    spans_cut(&spans, 0, LOW_UNUSED);

    for (int low = 0; low < 2; low++)
        for (unsigned i = 0; i < spans.n && n < max; i++) {
            paddr_t start = low ? spans.at[i].start : MAX(spans.at[i].start, (paddr_t)LOW_END);
            paddr_t end = low ? MIN(spans.at[i].end, (paddr_t)LOW_END) : spans.at[i].end;
            if (start < end)
                out[n++] = (struct frame_span){start, end};
        }
    return n;
}
