#include "net/netlink_message.h"

#include "lib/errno.h"
#include "lib/string.h"

/* --- reading
 * ----------------------------------------------------------------------------------------------------
 */

static uint16_t get16(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}
static uint32_t get32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

bool nl_next(const uint8_t *data, size_t size, size_t *at, struct nl_message *m)
{
    const uint8_t *p = data + *at;
    size_t left = *at < size ? size - *at : 0;

    if (left < NL_HEAD)
        return false;
    size_t len = get32(p);
    if (len < NL_HEAD || len > left)
        return false;
    *m = (struct nl_message){.type = get16(p + 4),
                             .flags = get16(p + 6),
                             .seq = get32(p + 8),
                             .port = get32(p + 12),
                             .raw = p,
                             .raw_len = len,
                             .payload = p + NL_HEAD,
                             .len = len - NL_HEAD};
    *at += MIN(nl_align(len), left);
    return true;
}

bool nl_next_attr(const uint8_t *data, size_t len, size_t *at, unsigned *type, struct nl_attr *attr)
{
    size_t left = *at < len ? len - *at : 0;

    if (left < NL_ATTR)
        return false;
    const uint8_t *p = data + *at;
    size_t n = get16(p);
    if (n < NL_ATTR || n > left)
        return false;
    *type = get16(p + 2) & NLA_TYPE_MASK;
    *attr = (struct nl_attr){p + NL_ATTR, n - NL_ATTR};
    *at += MIN(nl_align(n), left);
    return true;
}

static int refuse(const char **why, const char *text)
{
    if (why)
        *why = text;
    return -EINVAL;
}

int nl_attrs(const uint8_t *data, size_t len, size_t skip, struct nl_attr *attrs, unsigned count,
             const uint8_t *least, bool strict, const char **why)
{
    struct nl_attr attr;
    size_t at = nl_align(skip);
    unsigned type;

    memset(attrs, 0, count * sizeof(*attrs));
    while (nl_next_attr(data, len, &at, &type, &attr)) {
        if (type >= count) {
            if (strict)
                return refuse(why, "Unknown attribute type");
            continue;
        }
        if (least && attr.len < least[type]) {
            refuse(why, "Attribute failed policy validation");
            return -ERANGE;
        }
        attrs[type] = attr;
    }
    if (strict && at < len)
        return refuse(why, "bytes leftover after parsing attributes");
    return 0;
}

uint8_t nl_u8(const struct nl_attr *attr)
{
    return attr->data && attr->len >= 1 ? attr->data[0] : 0;
}
uint16_t nl_u16(const struct nl_attr *attr)
{
    return attr->data && attr->len >= 2 ? get16(attr->data) : 0;
}
uint32_t nl_u32(const struct nl_attr *attr)
{
    return attr->data && attr->len >= 4 ? get32(attr->data) : 0;
}

bool nl_text(const struct nl_attr *attr, char *buf, size_t size)
{
    size_t len = attr->data ? strnlen((const char *)attr->data, attr->len) : 0;

    if (len >= size)
        return false;
    memcpy(buf, attr->data ? attr->data : (const uint8_t *)"", len);
    buf[len] = 0;
    return true;
}

/* --- writing
 * ----------------------------------------------------------------------------------------------------
 */

/* What is written where there is no room. */
static uint8_t nowhere[NL_FIXED + NL_HEAD];

/* n bytes more, zeroed and aligned; NULL: full. */
static uint8_t *grow(struct nl_out *out, size_t n)
{
    size_t space = nl_align(n);

    if (out->full || space > out->size - out->len) {
        out->full = true;
        return NULL;
    }
    uint8_t *p = out->buf + out->len;
    memset(p, 0, space);
    out->len += space;
    return p;
}

void *nl_begin(struct nl_out *out, unsigned type, unsigned flags, uint32_t seq, uint32_t port,
               size_t n)
{
    uint16_t short_type = (uint16_t)type, short_flags = (uint16_t)flags;

    out->full = false;
    out->start = out->len;
    uint8_t *p = grow(out, NL_HEAD + n);
    if (!p)
        return nowhere;
    memcpy(p + 4, &short_type, 2);
    memcpy(p + 6, &short_flags, 2);
    memcpy(p + 8, &seq, 4);
    memcpy(p + 12, &port, 4);
    return p + NL_HEAD;
}

static uint8_t *put_head(struct nl_out *out, unsigned type, size_t len)
{
    uint16_t whole = (uint16_t)(NL_ATTR + len), short_type = (uint16_t)type;
    uint8_t *p = len > UINT16_MAX - NL_ATTR ? NULL : grow(out, NL_ATTR + len);

    if (!p) {
        out->full = true;
        return NULL;
    }
    memcpy(p, &whole, 2);
    memcpy(p + 2, &short_type, 2);
    return p + NL_ATTR;
}

void nl_put(struct nl_out *out, unsigned type, const void *data, size_t len)
{
    uint8_t *p = put_head(out, type, len);

    if (p && len)
        memcpy(p, data, len);
}

void *nl_reserve(struct nl_out *out, unsigned type, size_t len)
{
    return put_head(out, type, len) ?: nowhere;
}

void nl_put_u8(struct nl_out *out, unsigned type, uint8_t value)
{
    nl_put(out, type, &value, sizeof(value));
}
void nl_put_u16(struct nl_out *out, unsigned type, uint16_t value)
{
    nl_put(out, type, &value, sizeof(value));
}
void nl_put_u32(struct nl_out *out, unsigned type, uint32_t value)
{
    nl_put(out, type, &value, sizeof(value));
}
void nl_put_u64(struct nl_out *out, unsigned type, uint64_t value)
{
    nl_put(out, type, &value, sizeof(value));
}
void nl_put_text(struct nl_out *out, unsigned type, const char *text)
{
    nl_put(out, type, text, strlen(text) + 1);
}

size_t nl_nest(struct nl_out *out, unsigned type)
{
    size_t at = out->len;

    put_head(out, type, 0);
    return at;
}

void nl_nest_end(struct nl_out *out, size_t nest)
{
    uint16_t len = (uint16_t)(out->len - nest);

    if (!out->full)
        memcpy(out->buf + nest, &len, sizeof(len));
}

bool nl_end(struct nl_out *out)
{
    uint32_t len = (uint32_t)(out->len - out->start);

    if (out->full) {
        out->len = out->start;
        return false;
    }
    memcpy(out->buf + out->start, &len, sizeof(len));
    return true;
}
