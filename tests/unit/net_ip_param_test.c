// sources: kernel/net/ip_param.c kernel/net/address.c kernel/lib/string.c kernel/lib/format.c
// flags: -Ikernel -fno-builtin -w
/* The words ip= and ip6= as Linux spells them, what is refused, and mutants. */
#include "net/ip_param.h"

#include "lib/errno.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

static void check(int ok, const char *what)
{
    printf("%s - %s\n", ok ? "ok" : "not ok", what);
    failures += !ok;
}

static int is(const struct inet_addr *a, const char *text)
{
    char buf[INET_TEXT] = "";

    if (ip_param_has(a))
        inet_text(a, buf);
    return !strcmp(buf, text);
}

static int refused(const char *text, unsigned where)
{
    struct ip_param p;
    unsigned field;
    char *copy = strdup(text);
    int err = ip_param_parse(copy, &p, &field);

    free(copy);
    if (err != -EINVAL || field != where)
        printf("# %s: %d, field %u\n", text, err, field);
    return err == -EINVAL && field == where;
}

static void whole(void)
{
    struct ip_param p;
    unsigned field;

    check(!ip_param_parse("10.0.2.15:10.0.2.4:10.0.2.2:255.255.254.0:box:eth1:off:10.0.2.3:1.1.1.1:"
                          "9.9.9.9",
                          &p, &field) &&
              p.mode == IP_MODE_STATIC && !p.all && is(&p.client, "10.0.2.15") &&
              is(&p.server, "10.0.2.4") && is(&p.gateway, "10.0.2.2") && p.prefix == 23 &&
              !strcmp(p.hostname, "box") && !strcmp(p.device, "eth1") &&
              is(&p.dns[0], "10.0.2.3") && is(&p.dns[1], "1.1.1.1") && is(&p.ntp, "9.9.9.9"),
          "every field of ip=");
    check(!ip_param_parse("192.168.7.2", &p, &field) && p.mode == IP_MODE_STATIC &&
              p.prefix == 24 && !ip_param_parse("172.16.0.9::", &p, &field) && p.prefix == 16 &&
              !ip_param_parse("10.9.0.9", &p, &field) && p.prefix == 8,
          "without a netmask its class counts");
    check(!ip_param_parse("10.9.0.9/30::10.9.0.10", &p, &field) && p.prefix == 30 &&
              !ip_param_parse("10.9.0.9:::22", &p, &field) && p.prefix == 22,
          "bits in the place of a netmask");
    check(!ip_param_parse("::::box::dhcp", &p, &field) && p.mode == IP_MODE_DHCP && !p.all &&
              !strcmp(p.hostname, "box") && !ip_param_parse(":::::eth1", &p, &field) &&
              p.mode == IP_MODE_DHCP && !strcmp(p.device, "eth1"),
          "empty fields");
    check(!ip_param_parse(":::::eth0:none", &p, &field) && p.mode == IP_MODE_OFF,
          "autoconf none without an address");
    check(!ip_param_parse("0.0.0.0::::::dhcp", &p, &field) && p.mode == IP_MODE_DHCP,
          "0.0.0.0 is no address");
}

static void short_forms(void)
{
    struct ip_param p;
    unsigned field;

    check(!ip_param_parse("dhcp", &p, &field) && p.all && p.mode == IP_MODE_DHCP &&
              !ip_param_parse("on", &p, &field) && p.mode == IP_MODE_DHCP &&
              !ip_param_parse("any", &p, &field) && p.mode == IP_MODE_DHCP &&
              !ip_param_parse("off", &p, &field) && p.mode == IP_MODE_OFF && p.all &&
              !ip_param_parse("none", &p, &field) && p.mode == IP_MODE_OFF,
          "one word for all interfaces");
    check(!ip_param_parse("eth1:dhcp", &p, &field) && p.mode == IP_MODE_DHCP && !p.all &&
              !strcmp(p.device, "eth1") && !ip_param_parse("eth1:off", &p, &field) &&
              p.mode == IP_MODE_OFF,
          "DEVICE:dhcp");
}

static void wrong(void)
{
    check(refused("10.0.2.256", 1) && refused("10.0.2.15:x", 2) && refused("10.0.2.15::10", 3) &&
              refused("10.0.2.15:::255.0.255.0", 4) && refused("10.0.2.15:::33", 4) &&
              refused("10.0.2.15/33", 1) && refused("10.0.2.15/", 1) &&
              refused("1.2.3.4:::::averyveryverylongname", 6) && refused("1.2.3.4::::::rarp", 7) &&
              refused("1.2.3.4:::::::x", 8) && refused("1.2.3.4:::::::1.1.1.1::1.1.1.1:", 11) &&
              refused("bootp", 1) && refused("eth0:bootp", 1) && refused("", 1) == 0,
          "what is wrong is told by its field");
}

static void v6(void)
{
    struct ip_param p;
    unsigned field;

    check(!ip6_param_parse("2001:db8::2/64,2001:db8::1,eth1", &p, &field) &&
              p.mode == IP_MODE_STATIC && is(&p.client, "2001:db8::2") && p.prefix == 64 &&
              is(&p.gateway, "2001:db8::1") && !strcmp(p.device, "eth1") &&
              !ip6_param_parse("fd00::9/128", &p, &field) && p.prefix == 128 &&
              !ip6_param_parse("fd00::9/48,,eth2", &p, &field) && !strcmp(p.device, "eth2"),
          "ip6=");
    check(!ip6_param_parse("off", &p, &field) && p.mode == IP_MODE_OFF && !p.device[0] &&
              !ip6_param_parse("off,eth1", &p, &field) && !strcmp(p.device, "eth1"),
          "ip6=off");
    check(ip6_param_parse("2001:db8::2", &p, &field) && ip6_param_parse("::/64", &p, &field) &&
              ip6_param_parse("ff02::1/64", &p, &field) &&
              ip6_param_parse("fd00::1/129", &p, &field) &&
              ip6_param_parse("1.2.3.4/24", &p, &field) &&
              ip6_param_parse("fd00::1/64,1.1.1.1", &p, &field) &&
              ip6_param_parse("fd00::1/64,,eth0,x", &p, &field),
          "what ip6= refuses");
}

static void masks(void)
{
    int ok = 1;

    for (unsigned i = 0; i <= 32; i++)
        ok &= ip_prefix_of_mask(ip_mask_of_prefix(i)) == (int)i;
    check(ok && ip_prefix_of_mask(0x00ff00ff) < 0, "netmasks and prefixes");
}

static void mutants(void)
{
    static const char *const seeds[] = {
        "10.0.2.15:10.0.2.4:10.0.2.2:255.255.254.0:box:eth1:off:10.0.2.3:1.1.1.1:9.9.9.9",
        "eth1:dhcp", "2001:db8::2/64,2001:db8::1,eth1", "10.1.1.1/24::10.1.1.2"};
    int ok = 1;

    srand(3);
    for (int i = 0; i < 200000; i++) {
        const char *seed = seeds[rand() % 4];
        size_t len = strlen(seed);
        char *text = malloc(len + 1);
        memcpy(text, seed, len + 1);
        for (int k = rand() % 6; k; k--)
            text[rand() % len] = "0129:./,[]x\0e:::"[rand() % 16];
        struct ip_param p;
        unsigned field;
        int err = rand() % 2 ? ip_param_parse(text, &p, &field) : ip6_param_parse(text, &p, &field);
        ok &= err == 0 || (err == -EINVAL && field >= 1 && field <= 12);
        ok &= memchr(p.device, 0, sizeof(p.device)) && memchr(p.hostname, 0, sizeof(p.hostname));
        ok &= p.prefix <= 128;
        free(text);
    }
    check(ok, "mutants do no harm");
}

int main(void)
{
    whole();
    short_forms();
    wrong();
    v6();
    masks();
    mutants();
    return failures > 0;
}
