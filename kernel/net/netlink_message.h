/* net/netlink_message.h: messages of AF_NETLINK (man 7 netlink) and their attributes: read from a
 * program's bytes, and written. Pure; any context. */
#pragma once

#include "lib/types.h"

enum { /* flags of a message */
       NLM_F_REQUEST = 1,
       NLM_F_MULTI = 2,
       NLM_F_ACK = 4,
       NLM_F_ECHO = 8,
       NLM_F_DUMP_INTR = 0x10,
       NLM_F_DUMP_FILTERED = 0x20,
       NLM_F_ROOT = 0x100,
       NLM_F_MATCH = 0x200,
       NLM_F_DUMP = 0x300,
       NLM_F_REPLACE = 0x100,
       NLM_F_EXCL = 0x200,
       NLM_F_CREATE = 0x400,
       NLM_F_APPEND = 0x800,
       NLM_F_CAPPED = 0x100,
       NLM_F_ACK_TLVS = 0x200,
       NLMSG_NOOP = 1,
       NLMSG_ERROR = 2,
       NLMSG_DONE = 3,
       NLMSG_MIN_TYPE = 0x10,
       NLA_TYPE_MASK = 0x3fff,
       NLA_F_NESTED = 0x8000,
       NL_HEAD = 16, /* bytes of a header */
       NL_ATTR = 4,  /* and of an attribute's */
};

static inline size_t nl_align(size_t n)
{
    return (n + 3) & ~3ul;
}

/* --- reading */

struct nl_message {
    uint16_t type, flags;
    uint32_t seq, port;
    const uint8_t *raw; /* with its header: raw_len bytes */
    size_t raw_len;
    const uint8_t *payload; /* behind the header */
    size_t len;
};
/* The next message of `size` bytes at data, from *at on (0 at first); false: no more, or what is
 * left is none. */
bool nl_next(const uint8_t *data, size_t size, size_t *at, struct nl_message *message);

struct nl_attr {
    const uint8_t *data; /* NULL: it is not there */
    size_t len;
};
/* The last attribute of each type below `count` into attrs[], from `skip` bytes of data on (aligned
 * up). least: NULL, or how long each must be at least (-ERANGE). strict: also unknown types and
 * what is behind the last attribute are -EINVAL, and *why says so (may be NULL). */
int nl_attrs(const uint8_t *data, size_t len, size_t skip, struct nl_attr *attrs, unsigned count,
             const uint8_t *least, bool strict, const char **why);
/* Each attribute in turn: *at from 0 on; false: no more. */
bool nl_next_attr(const uint8_t *data, size_t len, size_t *at, unsigned *type,
                  struct nl_attr *attr);
/* The first bytes of an attribute as a number of this host; 0 if it is shorter. */
uint8_t nl_u8(const struct nl_attr *attr);
uint16_t nl_u16(const struct nl_attr *attr);
uint32_t nl_u32(const struct nl_attr *attr);
/* As text with its 0 in buf; false: longer than size - 1. */
bool nl_text(const struct nl_attr *attr, char *buf, size_t size);

/* --- writing */

/* Messages one after another in a buffer. Nothing is written beyond `size`; a message that does not
 * fit vanishes at nl_end(). */
struct nl_out {
    uint8_t *buf;
    size_t len, size;
    size_t start; /* of the present message */
    bool full;
};
/* Begin a message with a fixed part of n bytes, zeroed, whose address it answers: never NULL (where
 * the buffer is full it is a place that nobody reads); n up to NL_FIXED. */
enum { NL_FIXED = 256 };
void *nl_begin(struct nl_out *out, unsigned type, unsigned flags, uint32_t seq, uint32_t port,
               size_t n);
void nl_put(struct nl_out *out, unsigned type, const void *data, size_t len);
/* The same with room that the caller fills: never NULL; len up to NL_FIXED. */
void *nl_reserve(struct nl_out *out, unsigned type, size_t len);
void nl_put_u8(struct nl_out *out, unsigned type, uint8_t value);
void nl_put_u16(struct nl_out *out, unsigned type, uint16_t value);
void nl_put_u32(struct nl_out *out, unsigned type, uint32_t value);
void nl_put_u64(struct nl_out *out, unsigned type, uint64_t value);
void nl_put_text(struct nl_out *out, unsigned type, const char *text); /* with its 0 */
/* Attributes inside an attribute. */
size_t nl_nest(struct nl_out *out, unsigned type);
void nl_nest_end(struct nl_out *out, size_t nest);
/* true: the message is there. false: it did not fit, and out is as before nl_begin(). */
bool nl_end(struct nl_out *out);
