#include "net/ip_param.h"

#include "lib/errno.h"

enum { FIELD_MAX = 80 };

/* One field, cut at the next `separator`; IPv6 addresses stand in brackets where that is ':'. */
static int next_field(const char **text, char separator, char field[FIELD_MAX])
{
    const char *end = strchr(*text, separator) ?: *text + strlen(*text);
    size_t len = (size_t)(end - *text);

    if (len >= FIELD_MAX)
        return -EINVAL;
    memcpy(field, *text, len);
    field[len] = 0;
    *text = *end ? end + 1 : NULL;
    return 0;
}

static int parse_v4(const char *field, struct inet_addr *a)
{
    int err = inet_parse(field, a);

    return err || !inet_is_v4(a) ? -EINVAL : 0;
}

/* An address that may be absent; Linux' 0.0.0.0 is as good as none. */
static int parse_optional(const char *field, struct inet_addr *a)
{
    struct inet_addr found;

    if (!*field)
        return 0;
    if (parse_v4(field, &found))
        return -EINVAL;
    if (!inet_is_any(&found))
        *a = found;
    return 0;
}

int ip_prefix_of_mask(uint32_t mask)
{
    uint32_t host = __builtin_bswap32(mask), rest = ~host;

    if (rest & (rest + 1))
        return -EINVAL;
    return rest ? __builtin_clz(rest) : 32;
}

uint32_t ip_mask_of_prefix(unsigned prefix)
{
    return prefix ? __builtin_bswap32(~0u << (32 - MIN(prefix, 32u))) : 0;
}

unsigned ip_class_prefix(uint32_t address)
{
    uint8_t first = (uint8_t)address;

    return first < 128 ? 8 : first < 192 ? 16 : 24;
}

static int parse_bits(const char *field, unsigned most, unsigned *prefix)
{
    uint64_t bits;

    if (!*field || parse_u64(field, 10, &bits) || bits > most)
        return -EINVAL;
    *prefix = (unsigned)bits;
    return 0;
}

/* ADDRESS or ADDRESS/BITS; bits 0 stays what it was where there are none. */
static int parse_client(char *field, struct ip_param *param, bool *has_prefix)
{
    char *slash = strchr(field, '/');

    if (slash) {
        *slash = 0;
        *has_prefix = true;
        if (parse_bits(slash + 1, 32, &param->prefix))
            return -EINVAL;
    }
    return parse_optional(field, &param->client);
}

static int parse_mask(const char *field, struct ip_param *param, bool *has_prefix)
{
    struct inet_addr mask;

    if (!*field)
        return 0;
    *has_prefix = true;
    if (!strchr(field, '.'))
        return parse_bits(field, 32, &param->prefix);
    int bits = parse_v4(field, &mask) ? -EINVAL : ip_prefix_of_mask(inet_v4_of(&mask));
    if (bits < 0)
        return -EINVAL;
    param->prefix = (unsigned)bits;
    return 0;
}

static int parse_mode(const char *field, enum ip_mode *mode)
{
    static const struct {
        const char *name;
        enum ip_mode mode;
    } modes[] = {{"dhcp", IP_MODE_DHCP}, {"on", IP_MODE_DHCP}, {"any", IP_MODE_DHCP},
                 {"both", IP_MODE_DHCP}, {"off", IP_MODE_OFF}, {"none", IP_MODE_OFF}};

    for (unsigned i = 0; i < ARRAY_SIZE(modes); i++) {
        if (!strcmp(field, modes[i].name)) {
            *mode = modes[i].mode;
            return 0;
        }
    }
    return -EINVAL;
}

static int parse_name(const char *field, char *name, size_t size)
{
    if (strchr(field, '/') || strchr(field, ' '))
        return -EINVAL;
    return strlcpy(name, field, size) < size ? 0 : -EINVAL;
}

static int parse_field(char *field, unsigned n, struct ip_param *param, bool *has_prefix)
{
    switch (n) {
    case 1:
        return parse_client(field, param, has_prefix);
    case 2:
        return parse_optional(field, &param->server);
    case 3:
        return parse_optional(field, &param->gateway);
    case 4:
        return parse_mask(field, param, has_prefix);
    case 5:
        return parse_name(field, param->hostname, sizeof(param->hostname));
    case 6:
        return parse_name(field, param->device, sizeof(param->device));
    case 7:
        return *field ? parse_mode(field, &param->mode) : 0;
    case 8:
    case 9:
        return parse_optional(field, &param->dns[n - 8]);
    case 10:
        return parse_optional(field, &param->ntp);
    default:
        return -EINVAL;
    }
}

/* Is it DEVICE:MODE? Linux' own form has an address, or nothing, before the first colon. */
static bool is_device_form(const char *text)
{
    struct inet_addr a;
    char first[FIELD_MAX];
    enum ip_mode mode;
    const char *rest = text;

    if (next_field(&rest, ':', first) || !rest || !*first || strchr(first, '/'))
        return false;
    return inet_parse(first, &a) && !parse_mode(rest, &mode);
}

static int parse_device_form(const char *text, struct ip_param *param, unsigned *field)
{
    char name[FIELD_MAX];

    *field = 1;
    if (next_field(&text, ':', name) || parse_name(name, param->device, sizeof(param->device)))
        return -EINVAL;
    *field = 2;
    return parse_mode(text, &param->mode);
}

int ip_param_parse(const char *text, struct ip_param *param, unsigned *field)
{
    char value[FIELD_MAX];
    bool has_prefix = false;

    *param = (struct ip_param){.mode = IP_MODE_DHCP};
    *field = 1;
    if (!strchr(text, ':') && !parse_mode(text, &param->mode)) {
        param->all = true;
        return 0;
    }
    if (is_device_form(text))
        return parse_device_form(text, param, field);
    for (; text; ++*field)
        if (next_field(&text, ':', value) || parse_field(value, *field, param, &has_prefix))
            return -EINVAL;
    if (ip_param_has(&param->client)) {
        param->mode = IP_MODE_STATIC;
        if (!has_prefix)
            param->prefix = ip_class_prefix(inet_v4_of(&param->client));
    }
    return 0;
}

static int parse_v6(const char *field, struct inet_addr *a)
{
    return inet_parse(field, a) || inet_is_v4(a) ? -EINVAL : 0;
}

/* ADDRESS/PREFIX or off. */
static int parse_v6_client(char *field, struct ip_param *param)
{
    char *slash = strchr(field, '/');

    if (!strcmp(field, "off") || !strcmp(field, "none")) {
        param->mode = IP_MODE_OFF;
        return 0;
    }
    param->mode = IP_MODE_STATIC;
    if (!slash || parse_bits(slash + 1, 128, &param->prefix))
        return -EINVAL;
    *slash = 0;
    if (parse_v6(field, &param->client) || inet_is_any(&param->client) ||
        inet_is_multicast(&param->client))
        return -EINVAL;
    return 0;
}

int ip6_param_parse(const char *text, struct ip_param *param, unsigned *field)
{
    char value[FIELD_MAX];

    *param = (struct ip_param){};
    for (*field = 1; text; ++*field) {
        if (next_field(&text, ',', value))
            return -EINVAL;
        int err = *field == 1 ? parse_v6_client(value, param)
                  : *field == 3 || (*field == 2 && param->mode == IP_MODE_OFF)
                      ? parse_name(value, param->device, sizeof(param->device))
                  : *field == 2 ? (*value ? parse_v6(value, &param->gateway) : 0)
                                : -EINVAL;
        if (err)
            return err;
    }
    return 0;
}
