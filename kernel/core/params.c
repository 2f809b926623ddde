#include "core/boot.h"
#include "core/log.h"
#include "lib/cmdline.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "arch/x86_64/memory_map.h"
#include "core/memory.h"

/* One word in front of `--`: `name` or `name=value`. */
struct word {
    const char *text, *value; /* value: behind the =, or the 0 at the end */
    uint32_t hash, name_len;  /* of the name */
    bool used;                /* somebody asked for it */
};

/* The words of one command line: one after another, each ended by 0. */
struct words {
    char *text;
    unsigned count, program; /* index of the first word behind `--` */
    struct word *index;      /* of the first `program` words */
};

enum { SMALL = 4096, SMALL_WORDS = 64 };

/* Most command lines fit here; longer ones move to the heap once there is one. */
static char small[SMALL];
static struct word small_index[SMALL_WORDS];
static struct words lines[2]; /* the image's, then the real one: later words win */
static char **arguments;
static unsigned nargs;

static uint32_t hash_name(const char *name, uint32_t *len)
{
    uint32_t hash = 0;
    const char *p = name;
    for (; *p && *p != '='; p++)
        hash = hash * 31 + (uint8_t)*p;
    *len = p - name;
    return hash;
}

static bool names(const struct word *word, const char *name, uint32_t hash, uint32_t len)
{
    return word->hash == hash && word->name_len == len && !memcmp(word->text, name, len);
}

const char *boot_param_nth(const char *name, unsigned n)
{
    uint32_t len, hash = hash_name(name, &len);
    for (unsigned l = 0; l < ARRAY_SIZE(lines); l++)
        for (unsigned i = 0; i < lines[l].program; i++) {
            struct word *word = &lines[l].index[i];
            if (!names(word, name, hash, len))
                continue;
            word->used = true;
            if (n-- == 0)
                return word->value;
        }
    return NULL;
}

const char *boot_param(const char *name)
{
    uint32_t len, hash = hash_name(name, &len);
    const char *last = NULL;
    for (unsigned l = 0; l < ARRAY_SIZE(lines); l++)
        for (unsigned i = 0; i < lines[l].program; i++)
            if (names(&lines[l].index[i], name, hash, len)) {
                lines[l].index[i].used = true;
                last = lines[l].index[i].value;
            }
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
    for (unsigned l = 0; l < ARRAY_SIZE(lines); l++)
        for (unsigned i = 0; i < lines[l].program; i++)
            if (!lines[l].index[i].used)
                log_notice("command line: %s is unknown", lines[l].index[i].text);
}

static void index_words(struct words *words)
{
    const char *text = words->text;
    for (unsigned i = 0; i < words->program; i++) {
        struct word *word = &words->index[i];
        word->text = text;
        word->hash = hash_name(text, &word->name_len);
        word->value = text + word->name_len + (text[word->name_len] == '=');
        text = word->value + strlen(word->value) + 1;
    }
}

/* Places for text and index, the static ones if they are free and large enough. */
static int make_room(struct words *words, size_t len)
{
    bool free = !lines[0].text && !lines[1].text;
    words->text = free && len < SMALL ? small : core_alloc(len + 1);
    return words->text ? 0 : -ENOMEM;
}

static int split(struct words *words, const char *text, size_t len)
{
    int err = make_room(words, len);
    if (err)
        return err;
    int n = cmdline_split(text, len, words->text, len + 1, &words->program);
    words->count = n < 0 ? 0 : n;
    if (n < 0)
        words->program = 0;
    words->index = words->text == small && words->program <= SMALL_WORDS
                       ? small_index
                       : core_alloc(words->program * sizeof(*words->index) + 1);
    if (!words->index) {
        words->program = words->count = 0;
        return -ENOMEM;
    }
    index_words(words);
    return n < 0 ? n : 0;
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
