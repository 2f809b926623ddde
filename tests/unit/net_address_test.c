// sources: kernel/net/address.c kernel/lib/string.c kernel/lib/format.c
// flags: -Ikernel -fno-builtin -w
/* Addresses as text and back: against the C library's inet_pton and inet_ntop; mutants. */
#include "net/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

static int failures;

static void check(int ok, const char *what)
{
    printf("%s - %s\n", ok ? "ok" : "not ok", what);
    failures += !ok;
}

/* The same answer as the C library's? */
static int same(const char *text)
{
    struct inet_addr a;
    uint8_t want[16] = {[10] = 0xff, [11] = 0xff};
    int v6 = strchr(text, ':') != NULL;
    int good = inet_pton(v6 ? AF_INET6 : AF_INET, text, v6 ? want : want + 12) == 1;
    int err = inet_parse(text, &a);

    if (good != !err) {
        printf("# %s: %d, not %d\n", text, !err, good);
        return 0;
    }
    if (!err && memcmp(a.bytes, want, 16)) {
        printf("# %s: another address\n", text);
        return 0;
    }
    return 1;
}

static int shown(const char *text, const char *want)
{
    struct inet_addr a;
    char buf[INET_TEXT];

    if (inet_parse(text, &a) || inet_text(&a, buf) != strlen(want) || strcmp(buf, want)) {
        printf("# %s shown as %s\n", text, buf);
        return 0;
    }
    return 1;
}

static void fixed(void)
{
    static const char *const texts[] = {"1.2.3.4",
                                        "255.255.255.255",
                                        "256.1.1.1",
                                        "1.2.3",
                                        "1.2.3.4.5",
                                        "1.2.3.4 ",
                                        "",
                                        ".",
                                        "1..2.3",
                                        "0.0.0.0",
                                        "::",
                                        "::1",
                                        "1::",
                                        ":::",
                                        ":",
                                        "1:2:3:4:5:6:7:8",
                                        "1:2:3:4:5:6:7",
                                        "1:2:3:4:5:6:7:8:9",
                                        "1:2:3:4:5:6:7::",
                                        "::2:3:4:5:6:7:8",
                                        "1::3:4:5:6:7:8",
                                        "fe80::1:2",
                                        "FE80::aBcD",
                                        "1::2::3",
                                        "::ffff:1.2.3.4",
                                        "::1.2.3.4",
                                        "1:2:3:4:5:6:1.2.3.4",
                                        "1:2:3:4:5:6:7:1.2.3.4",
                                        "::1.2.3",
                                        "12345::",
                                        "g::",
                                        "1:",
                                        ":1",
                                        "::1:",
                                        "1:2:3:4:5:6:7:",
                                        "::1.2.3.4:5",
                                        "2001:db8::1",
                                        "1:2:3:4:5:6:7:8::"};
    int ok = 1;

    for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        ok &= same(texts[i]);
    check(ok, "addresses are read as the C library reads them");
    check(shown("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1") && shown("::", "::") &&
              shown("::1", "::1") && shown("1::", "1::") &&
              shown("fe80:0:0:0:0:0:0:A", "fe80::a") &&
              shown("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7") && shown("10.0.2.15", "10.0.2.15") &&
              shown("1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"),
          "addresses are shown by RFC 5952");
}

static void prefixes(void)
{
    struct inet_addr a, b, c;

    inet_parse("10.1.2.3", &a);
    inet_parse("10.1.3.3", &b);
    inet_parse("fe80::1", &c);
    check(inet_prefix_match(&a, &b, 23) && !inet_prefix_match(&a, &b, 24) &&
              inet_prefix_match(&a, &b, 0) && inet_prefix_match(&a, &a, 32) &&
              !inet_prefix_match(&a, &c, 0),
          "prefixes of IPv4 count from its part");
    inet_parse("fe80::3", &a);
    inet_parse("ff80::3", &b);
    check(inet_prefix_match(&a, &c, 126) && !inet_prefix_match(&a, &c, 127) &&
              inet_prefix_match(&c, &c, 128) && inet_prefix_match(&c, &b, 7) &&
              !inet_prefix_match(&c, &b, 8),
          "prefixes of IPv6");
}

static void random_ones(void)
{
    int ok = 1;

    srand(5);
    for (int i = 0; i < 200000 && ok; i++) {
        char text[48];
        int len = rand() % 40;
        for (int k = 0; k < len; k++)
            text[k] = "0123456789abcdfF::::....1x"[rand() % 26];
        text[len] = 0;
        ok = same(text);
    }
    check(ok, "random texts are read as the C library reads them");
    for (int i = 0; i < 200000 && ok; i++) {
        struct inet_addr a, back;
        char buf[INET_TEXT];
        for (int k = 0; k < 16; k++)
            a.bytes[k] = rand() % 3 ? 0 : rand();
        ok = inet_text(&a, buf) < INET_TEXT && !inet_parse(buf, &back) && inet_equal(&a, &back);
    }
    check(ok, "what is shown is read again");
}

int main(void)
{
    fixed();
    prefixes();
    random_ones();
    return failures > 0;
}
