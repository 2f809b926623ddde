#include "drivers/pci/window.h"

#include "lib/string.h"

/* Address space descriptors: a tag, two bytes of length, the type (0: memory), two bytes of flags,
 * then granularity, minimum, maximum, translation, length, of 4 or 8 bytes each. */
enum {
    DWORD_SPACE = 0x87,
    DWORD_LEN = 23,
    QWORD_SPACE = 0x8a,
    QWORD_LEN = 43,
    HEAD = 3,
    FIELDS = 6, /* from the tag's end: type and flags end here */
    REACH = 65536
};

static uint64_t number(const uint8_t *p, unsigned size)
{
    uint64_t v = 0;
    memcpy(&v, p, size);
    return v;
}

/* Is there a range of memory at p, as wide as it says? */
static bool read_space(const uint8_t *p, size_t left, struct pci_window *window)
{
    enum { MEMORY = 0, LOW = 0x100000 };
    unsigned size = left && p[0] == DWORD_SPACE ? 4 : left && p[0] == QWORD_SPACE ? 8 : 0;
    unsigned len = size == 4 ? DWORD_LEN : QWORD_LEN;
    if (!size || left < HEAD + len || number(p + 1, 2) < len || number(p + 1, 2) > len + 64 ||
        p[HEAD] != MEMORY)
        return false;
    uint64_t min = number(p + FIELDS + size, size), max = number(p + FIELDS + 2 * size, size);
    uint64_t translation = number(p + FIELDS + 3 * size, size);
    uint64_t length = number(p + FIELDS + 4 * size, size);
    if (min < LOW || max <= min || translation || length != max - min + 1)
        return false;
    *window = (struct pci_window){min, max + 1};
    return true;
}

/* EISAID("PNP0A03") and EISAID("PNP0A08") as they stand in the tables, or the same as text. */
static bool is_host_bridge(const uint8_t *p, size_t left)
{
    static const char text[] = "PNP0A0";
    enum { ID_LEN = 4, TEXT_LEN = sizeof(text) - 1 };
    if (left > TEXT_LEN && memcmp(p, text, TEXT_LEN) == 0)
        return p[TEXT_LEN] == '3' || p[TEXT_LEN] == '8';
    return left >= ID_LEN && p[0] == 0x41 && p[1] == 0xd0 && p[2] == 0x0a &&
           (p[3] == 0x03 || p[3] == 0x08);
}

bool pci_scan_window(const uint8_t *aml, size_t len, size_t *at, struct pci_window *window)
{
    size_t named = 0;
    bool seen = false;
    for (size_t i = 0; i < len; i++) {
        if (is_host_bridge(aml + i, len - i)) {
            named = i;
            seen = true;
        }
        if (i < *at || !seen || i - named > REACH || !read_space(aml + i, len - i, window))
            continue;
        *at = i + HEAD;
        return true;
    }
    return false;
}

paddr_t pci_scan_ecam(const uint8_t *aml, size_t len)
{
    enum { NAME_LEN = 4, ARGUMENTS_MOST = 7, RETURN = 0xa4, DWORD = 0x0c, QWORD = 0x0e };
    static const char name[] = "_CBA";
    for (size_t i = 0; i + NAME_LEN < len; i++) {
        if (memcmp(aml + i, name, NAME_LEN) != 0)
            continue;
        const uint8_t *p = aml + i + NAME_LEN;
        size_t left = len - i - NAME_LEN;
        if (left > 2 && p[0] <= ARGUMENTS_MOST && p[1] == RETURN) {
            p += 2;
            left -= 2;
        }
        unsigned size = left && p[0] == DWORD ? 4 : left && p[0] == QWORD ? 8 : 0;
        if (size && left > size)
            return number(p + 1, size) & ~(paddr_t)0xfffff;
    }
    return 0;
}
