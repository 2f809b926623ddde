// sources: kernel/net/netlink_message.c kernel/net/inet_diag_filter.c kernel/net/address.c
// sources: kernel/lib/string.c kernel/lib/format.c
// flags: -Ikernel -fno-builtin -w
/* Messages of netlink and their attributes, read and written; the programs by which sockets are
 * chosen; and mutants of all of them. */
#include "lib/errno.h"
#include "net/inet_diag_filter.h"
#include "net/netlink_message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

static void check(int ok, const char *what)
{
    printf("%s - %s\n", ok ? "ok" : "not ok", what);
    failures += !ok;
}

/* --- messages */

static void round_trip(void)
{
    uint8_t buf[512];
    struct nl_out out = {.buf = buf, .size = sizeof(buf)};
    struct nl_message m;
    struct nl_attr attrs[8];
    size_t at = 0;
    char name[16];

    memset(buf, 0xee, sizeof(buf));
    uint8_t *fixed = nl_begin(&out, 20, 5, 77, 1234, 3);
    memcpy(fixed, "abc", 3);
    nl_put_u32(&out, 1, 0xdeadbeef);
    nl_put_text(&out, 2, "eth0");
    size_t nest = nl_nest(&out, 3 | NLA_F_NESTED);
    nl_put_u8(&out, 4, 9);
    nl_nest_end(&out, nest);
    nl_put_u16(&out, 5, 513);
    check(nl_end(&out) && out.len % 4 == 0, "a message is written");
    nl_begin(&out, 3, 2, 77, 1234, 4);
    check(nl_end(&out), "and another behind it");
    check(nl_next(buf, out.len, &at, &m) && m.type == 20 && m.flags == 5 && m.seq == 77 &&
              m.port == 1234 && !memcmp(m.payload, "abc\0", 4),
          "its header is read");
    check(!nl_attrs(m.payload, m.len, 3, attrs, 8, NULL, true, NULL) &&
              nl_u32(&attrs[1]) == 0xdeadbeef && nl_text(&attrs[2], name, sizeof(name)) &&
              !strcmp(name, "eth0") && nl_u16(&attrs[5]) == 513 && !attrs[6].data &&
              attrs[2].data[4] == 0,
          "its attributes are read");
    struct nl_attr inner[8];
    check(!nl_attrs(attrs[3].data, attrs[3].len, 0, inner, 8, NULL, true, NULL) &&
              nl_u8(&inner[4]) == 9,
          "and those inside one");
    check(nl_next(buf, out.len, &at, &m) && m.type == 3 && m.len == 4 &&
              !nl_next(buf, out.len, &at, &m),
          "the second message, and no third");
    check(!nl_text(&attrs[2], name, 4) && nl_text(&attrs[7], name, 1) && !name[0],
          "a text that does not fit, and one that is not there");
}

static void limits(void)
{
    uint8_t buf[64], guard[64];
    struct nl_out out = {.buf = buf, .size = 40};
    int ok = 1;

    memset(buf, 0x55, sizeof(buf));
    memset(guard, 0x55, sizeof(guard));
    nl_begin(&out, 16, 0, 0, 0, 8);
    nl_put_u32(&out, 1, 1);
    check(nl_end(&out) && out.len == 32, "what fits");
    nl_begin(&out, 16, 0, 0, 0, 8);
    nl_put_u64(&out, 1, 1);
    memset(nl_reserve(&out, 2, 200), 1, 200);
    check(!nl_end(&out) && out.len == 32 && !memcmp(buf + 40, guard, 24),
          "what does not fit vanishes");
    for (size_t size = 0; size < 64; size++) {
        out = (struct nl_out){.buf = malloc(size ? size : 1), .size = size};
        nl_begin(&out, 16, 0, 0, 0, 12);
        nl_put(&out, 1, guard, 5);
        size_t nest = nl_nest(&out, 2);
        nl_put_u16(&out, 1, 2);
        nl_nest_end(&out, nest);
        ok &= nl_end(&out) == (size >= 52);
        free(out.buf);
    }
    check(ok, "buffers of every size");
}

static void refusals(void)
{
    static const uint8_t least[4] = {[1] = 4};
    uint8_t unknown[] = {4, 0, 9, 0}, shorter[] = {6, 0, 1, 0, 1, 2, 0, 0},
            rest[] = {8, 0, 1, 0, 1, 2, 3, 4, 2, 0};
    struct nl_attr attrs[4];
    const char *why = NULL;

    check(nl_attrs(unknown, 4, 0, attrs, 4, NULL, true, &why) == -EINVAL && why &&
              !nl_attrs(unknown, 4, 0, attrs, 4, NULL, false, NULL),
          "unknown attributes are refused by strict readers only");
    check(nl_attrs(shorter, 8, 0, attrs, 4, least, false, &why) == -ERANGE,
          "attributes that are too short");
    check(nl_attrs(rest, 10, 0, attrs, 4, NULL, true, &why) == -EINVAL &&
              !nl_attrs(rest, 10, 0, attrs, 4, NULL, false, NULL) && attrs[1].len == 4,
          "what is behind the last attribute");
}

static void mutants(void)
{
    int ok = 1;

    srand(4);
    for (int i = 0; i < 200000; i++) {
        size_t n = rand() % 120, at = 0;
        uint8_t *data = malloc(n ? n : 1);
        struct nl_message m;
        struct nl_attr attrs[6];
        for (size_t k = 0; k < n; k++)
            data[k] = rand() % 3 ? rand() % 24 : 0;
        for (int steps = 0; nl_next(data, n, &at, &m); steps++) {
            ok &= m.raw >= data && m.raw + m.raw_len <= data + n && at <= n && steps < 10;
            nl_attrs(m.payload, m.len, rand() % 40, attrs, 6, NULL, rand() % 2, NULL);
            for (int t = 0; t < 6; t++)
                ok &= !attrs[t].data || (attrs[t].data >= m.payload &&
                                         attrs[t].data + attrs[t].len <= m.payload + m.len);
        }
        free(data);
    }
    check(ok, "mutants do no harm");
}

/* --- choosing sockets */

static struct diag_subject subject;

static int runs(const uint8_t *code, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    if (len)
        memcpy(copy, code, len);
    int result = diag_filter_check(copy, len, false);
    if (!result)
        result = diag_filter_run(copy, len, &subject);
    free(copy);
    return result;
}

static void filters(void)
{
    /* "sport = :80" and "dport >= 1000", both, as ss compiles them */
    static const uint8_t both[] = {11, 8, 20, 0, 0, 0, 80, 0, 4, 8, 12, 0, 0, 0, 0xe8, 3};
    /* dst 10.0.2.0/24 with any port */
    static const uint8_t host[] = {8, 16, 20, 0, 2, 24, 0, 0, 0xff, 0xff, 0xff, 0xff, 10, 0, 2, 0};
    static const uint8_t loop[] = {11, 8, 0, 0, 0, 0, 80, 0};
    static const uint8_t beyond[] = {11, 8, 64, 0, 0, 0, 80, 0};
    static const uint8_t cut[] = {8, 12, 16, 0, 2, 24, 0, 0, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t between[] = {0, 4, 0, 0, 1, 4, 6, 0, 0, 4, 0, 0};

    subject = (struct diag_subject){.local = inet_v4(0x0f02000a),
                                    .remote = inet_v4(0x0202000a),
                                    .local_port = 80,
                                    .remote_port = 4000};
    check(runs(both, sizeof(both)) == 1, "both conditions hold");
    subject.local_port = 81;
    check(runs(both, sizeof(both)) == 0, "the first does not");
    subject.local_port = 80;
    subject.remote_port = 999;
    check(runs(both, sizeof(both)) == 0, "the second does not");
    check(runs(host, sizeof(host)) == 1, "a prefix of addresses");
    subject.remote = inet_v4(0x0203000a);
    check(runs(host, sizeof(host)) == 0, "an address outside of it");
    subject.v6 = true;
    subject.remote = inet_v4(0x0202000a);
    check(runs(host, sizeof(host)) == 1, "mapped addresses of IPv6 sockets");
    check(runs(NULL, 0) == 1, "no condition");
    check(runs(loop, sizeof(loop)) == -EINVAL && runs(beyond, sizeof(beyond)) == -EINVAL &&
              runs(cut, sizeof(cut)) == -EINVAL && runs(between, sizeof(between)) == -EINVAL &&
              runs(both, 3) == -EINVAL,
          "programs that do not end, or lead outside");
}

static void filter_mutants(void)
{
    int ran = 0, ok = 1;

    srand(6);
    for (int i = 0; i < 400000; i++) {
        size_t n = (rand() % 12) * 4;
        uint8_t code[48];
        for (size_t k = 0; k < n; k++) {
            static const uint8_t common[] = {0, 4, 8, 12, 16, 20, 2, 10, 11, 7, 0, 0};
            code[k] = rand() % 8 ? common[rand() % 12] : (uint8_t)rand();
        }
        int result = runs(code, n);
        ran += result >= 0;
        ok &= result == 0 || result == 1 || result == -EINVAL || result == -EPERM;
    }
    check(ok && ran > 1000, "mutants of programs end");
}

int main(void)
{
    round_trip();
    limits();
    refusals();
    mutants();
    filters();
    filter_mutants();
    return failures > 0;
}
