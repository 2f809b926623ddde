#include "drivers/virtio/mmio_discover.h"

#include "lib/errno.h"
#include "lib/string.h"

static unsigned digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10u : 255;
}

/* A number of digits in base 16 (0x...) or 10 at *p, which moves behind it. */
static bool number(const char **p, uint64_t *value)
{
    const char *s = *p;
    unsigned base = 10;
    if (s[0] == '0' && (s[1] | 0x20) == 'x') {
        base = 16;
        s += 2;
    }
    const char *start = s;
    for (*value = 0; digit_value(*s) < base; s++) {
        unsigned digit = digit_value(*s);
        if (*value > (UINT64_MAX - digit) / base)
            return false;
        *value = *value * base + digit;
    }
    *p = s;
    return s != start;
}

int mmio_parse_word(const char *word, struct mmio_place *place)
{
    uint64_t size, address, irq, id;
    if (!number(&word, &size))
        return -EINVAL;
    if (*word && strchr("kKmMgG", *word))
        word++;
    if (*word++ != '@' || !number(&word, &address) || *word++ != ':' || !number(&word, &irq))
        return -EINVAL;
    if (*word == ':' && (word++, !number(&word, &id)))
        return -EINVAL;
    if (*word || !size || !address || irq > UINT32_MAX)
        return -EINVAL;
    *place = (struct mmio_place){.address = address, .gsi = irq};
    return 0;
}

static uint32_t le32(const uint8_t *p)
{
    return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Resource descriptors (ACPI 6.5, 6.4): large ones have bit 7 set and a length of two bytes. */
enum {
    MEMORY32_FIXED = 0x86,
    MEMORY32_FIXED_LEN = 9,
    EXTENDED_INTERRUPT = 0x89,
    INTERRUPT_EDGE = 2,
    INTERRUPT_LOW = 4,
};

static bool has_descriptor(const uint8_t *p, size_t left, uint8_t type, unsigned len)
{
    return left >= 3 + len && p[0] == type && p[2] == 0 && p[1] >= len;
}

/* The device's resources stand within a short way behind its _HID. */
static bool scan_resources(const uint8_t *p, size_t len, struct mmio_place *place)
{
    *place = (struct mmio_place){};
    for (size_t i = 0; i < len; i++) {
        size_t left = len - i;
        if (!place->address && has_descriptor(p + i, left, MEMORY32_FIXED, MEMORY32_FIXED_LEN) &&
            p[i + 1] == MEMORY32_FIXED_LEN) {
            place->address = le32(p + i + 4);
            i += 2 + MEMORY32_FIXED_LEN;
        } else if (place->address && has_descriptor(p + i, left, EXTENDED_INTERRUPT, 6) &&
                   p[i + 4] >= 1) {
            place->level = !(p[i + 3] & INTERRUPT_EDGE);
            place->active_low = p[i + 3] & INTERRUPT_LOW;
            place->flags_known = true;
            place->gsi = le32(p + i + 5);
            return true;
        }
    }
    return false;
}

bool mmio_scan_aml(const uint8_t *aml, size_t len, size_t *at, struct mmio_place *place)
{
    enum { HID_LEN = 9, REACH = 128 };
    const uint8_t *found;
    while (*at <= len && (found = memmem(aml + *at, len - *at, "LNRO0005", HID_LEN))) {
        *at = found - aml + HID_LEN;
        if (scan_resources(aml + *at, MIN(len - *at, (size_t)REACH), place))
            return true;
    }
    return false;
}
