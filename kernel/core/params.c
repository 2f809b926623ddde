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
    struct word *index;      /* of the first words */
    unsigned indexed;
    char *rest; /* where the word behind them begins */
};

/* There is no heap yet when the command line is read: words beyond these are found by walking. */
enum { INDEXED = 96 };
#define LAST UINT32_MAX
static char **arguments;
static unsigned nargs;

/* The file in the root image, the line of an image that holds the kernel as well, the loader's:
 * later words win. */
enum { OF_ROOT, OF_IMAGE, OF_LOADER, LINES };
static struct word indexes[LINES][INDEXED];
static struct words lines[LINES] = {
    {.index = indexes[OF_ROOT]}, {.index = indexes[OF_IMAGE]}, {.index = indexes[OF_LOADER]}};

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

/* A word that is not in the index, as if it were. */
static const char *read_word(const char *text, struct word *word)
{
    word->text = text;
    word->hash = hash_name(text, &word->name_len);
    word->value = text + word->name_len + (text[word->name_len] == '=');
    return word->value + strlen(word->value) + 1;
}

/* The value of the n-th word of that name (from 0), or of the last one (n: LAST); NULL: none. */
static const char *find(const char *name, unsigned n, unsigned first_line)
{
    uint32_t len, hash = hash_name(name, &len);
    const char *last = NULL;
    for (unsigned l = first_line; l < ARRAY_SIZE(lines); l++) {
        const char *text = lines[l].rest;
        for (unsigned i = 0; i < lines[l].program; i++) {
            struct word spare, *word = &lines[l].index[i];
            if (i >= lines[l].indexed) {
                word = &spare;
                text = read_word(text, word);
            }
            if (!names(word, name, hash, len))
                continue;
            word->used = true;
            last = word->value;
            if (n != LAST && n-- == 0)
                return last;
        }
    }
    return n == LAST ? last : NULL;
}

const char *boot_param_nth(const char *name, unsigned n)
{
    return find(name, n, 0);
}

const char *boot_param(const char *name)
{
    return find(name, LAST, 0);
}

__cold uint64_t boot_param_u64(const char *name, uint64_t fallback)
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
        for (unsigned i = 0; i < lines[l].indexed; i++)
            if (!lines[l].index[i].used)
                log_notice("command line: %s is unknown", lines[l].index[i].text);
}

static void index_words(struct words *words)
{
    const char *text = words->text;
    words->indexed = MIN(words->program, (unsigned)INDEXED);
    for (unsigned i = 0; i < words->indexed; i++)
        text = read_word(text, &words->index[i]);
    words->rest = (char *)text;
}

/* Split text where it stands (text[len] is there for the last word's 0). */
static int split(struct words *words, char *text, size_t len)
{
    int n = cmdline_split(text, len, text, len + 1, &words->program);
    if (n < 0) {
        words->program = 0;
        return n;
    }
    words->text = text;
    words->count = n;
    index_words(words);
    return 0;
}

__cold int boot_params_prepend(const char *text, size_t len)
{
    if (len > BOOT_CMDLINE_MAX)
        return -E2BIG;
    char *copy = core_alloc(len + 1);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, text, len);
    int err = split(&lines[OF_ROOT], copy, len);
    if (err)
        core_free(copy);
    return err;
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

/* The line whose arguments count: the last that has any. */
static unsigned argument_line(void)
{
    unsigned line = LINES - 1;

    while (line > 0 && lines[line].count <= lines[line].program)
        line--;
    return line;
}

__cold const char *boot_program(void)
{
    unsigned argc;
    char *const *argv = boot_argv(&argc);
    const char *file = NULL;
    if (boot_param("exec"))
        file = find("exec", LAST, argument_line());
    return file ?: argc ? argv[0] : NULL;
}

__cold char *const *boot_argv(unsigned *argc)
{
    if (!arguments && build_arguments(&lines[argument_line()])) {
        *argc = 0;
        return NULL;
    }
    *argc = nargs;
    return arguments;
}

void boot_cmdline_each(void (*fn)(const char *word, void *arg), void *arg)
{
    const struct words *words = &lines[OF_LOADER];
    const char *word = words->text;

    for (unsigned i = 0; i < words->count; i++, word += strlen(word) + 1) {
        if (i == words->program)
            fn("--", arg);
        fn(word, arg);
    }
}

static __cold void take_line(unsigned line, paddr_t text, size_t len)
{
    int err = text ? split(&lines[line], phys_to_virt(text), len) : 0;

    if (err)
        log_err("command line: unreadable (error %d)", -err);
}

static int parse_command_line(void)
{
    take_line(OF_IMAGE, boot_info.own_cmdline, boot_info.own_cmdline_len);
    take_line(OF_LOADER, boot_info.cmdline, boot_info.cmdline_len);
    log_level = boot_param_u64("loglevel", log_level);
    return 0;
}
BOOT_STEP(PHASE_ARCH, "command line", parse_command_line);
