#include "core/boot.h"
#include "core/log.h"
#include "lib/cmdline.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "arch/x86_64/memory_map.h"
#include "core/memory.h"

/* The words of one command line: one after another, each ended by 0. */
struct words {
    char *text;
    unsigned count, program; /* index of the first word behind `--` */
};

enum { SMALL = 4096, ARGS_INLINE = 64 };

/* Most command lines fit here; longer ones move to the heap once there is one. */
static char small[SMALL];
static struct words lines[2]; /* the image's, then the real one: later words win */
static uint64_t used[2][4];   /* of the first 256 words of each: somebody asked for it */
static char **arguments;
static unsigned nargs;

static const char *next_word(const char *word)
{
    return word + strlen(word) + 1;
}

/* Does word spell `name` or `name=value`? The value, or NULL. */
static const char *value_of(const char *word, const char *name)
{
    size_t n = strlen(name);
    if (strncmp(word, name, n))
        return NULL;
    return word[n] == '=' ? word + n + 1 : word[n] == 0 ? word + n : NULL;
}

const char *boot_param_nth(const char *name, unsigned n)
{
    for (unsigned l = 0; l < ARRAY_SIZE(lines); l++) {
        const char *word = lines[l].text;
        for (unsigned i = 0; i < lines[l].program; i++, word = next_word(word)) {
            const char *value = value_of(word, name);
            if (!value)
                continue;
            if (i < 256)
                used[l][i / 64] |= 1ull << i % 64;
            if (n-- == 0)
                return value;
        }
    }
    return NULL;
}

const char *boot_param(const char *name)
{
    const char *last = NULL, *value;
    for (unsigned n = 0; (value = boot_param_nth(name, n)); n++)
        last = value;
    return last;
}

uint64_t boot_param_u64(const char *name, uint64_t fallback)
{
    const char *text = boot_param(name);
    uint64_t value;
    if (!text)
        return fallback;
    if (parse_u64(text, 0, &value)) {
        log_warning("command line: %s=%s is no number", name, text);
        return fallback;
    }
    return value;
}

void boot_params_report_unused(void)
{
    for (unsigned l = 0; l < ARRAY_SIZE(lines); l++) {
        const char *word = lines[l].text;
        for (unsigned i = 0; i < lines[l].program && i < 256; i++, word = next_word(word))
            if (!(used[l][i / 64] >> i % 64 & 1))
                log_notice("command line: %s is unknown", word);
    }
}

static int split(struct words *words, const char *text, size_t len)
{
    char *out = len < SMALL && lines[1].text != small ? small : core_alloc(len + 1);
    if (!out)
        return -ENOMEM;
    int n = cmdline_split(text, len, out, len + 1, &words->program);
    if (n < 0) {
        if (out != small)
            core_free(out);
        words->program = 0;
        return n;
    }
    words->text = out;
    words->count = n;
    return 0;
}

int boot_params_prepend(const char *text, size_t len)
{
    return len > BOOT_CMDLINE_MAX ? -E2BIG : split(&lines[0], text, len);
}

static int build_arguments(const struct words *words)
{
    arguments = core_alloc((words->count - words->program + 1) * sizeof(*arguments));
    if (!arguments)
        return -ENOMEM;
    char *word = words->text;
    for (unsigned i = 0; i < words->count; i++, word += strlen(word) + 1)
        if (i >= words->program)
            arguments[nargs++] = word;
    return 0;
}

char *const *boot_argv(unsigned *argc)
{
    const struct words *words = lines[1].count > 0 ? &lines[1] : &lines[0];
    if (words->count == words->program)
        words = &lines[0];
    if (!arguments && build_arguments(words)) {
        *argc = 0;
        return NULL;
    }
    *argc = nargs;
    return arguments;
}

static int parse_command_line(void)
{
    if (boot_info.cmdline) {
        int err = split(&lines[1], phys_to_virt(boot_info.cmdline), boot_info.cmdline_len);
        if (err)
            log_err("command line: unreadable (error %d)", -err);
    }
    log_level = boot_param_u64("loglevel", log_level);
    return 0;
}
BOOT_STEP(PHASE_ARCH, "command line", parse_command_line);
