#include "calls.h"

#include <string.h>

enum { WORD_MAX = 255, WORDS_MAX = 10000 };

/* Where a shell's text is being read. */
struct line {
    bool command;   /* the next word is a command */
    bool launched;  /* it is one after the options of a program like xargs */
    bool shell;     /* the command is a shell: a command follows -c */
    bool make;      /* the command is make */
    bool git;       /* it is git, whose own command is still to come */
    bool clone;     /* that was clone */
    bool to_folder; /* the next word is a folder */
};

static bool one_of(const char *const *list, size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(list[i], word))
            return true;
    return false;
}
#define ONE_OF(list, word) one_of(list, sizeof(list) / sizeof *(list), word)

/* Words of the language; `shell` is GNU make's function. */
static bool keyword(const char *word)
{
    static const char *const list[] = {"if",   "then",    "elif",    "else", "fi",   "do",
                                       "done", "while",   "until",   "esac", "time", "exec",
                                       "eval", "command", "builtin", "!",    "shell"};

    return ONE_OF(list, word);
}

/* Programs whose arguments are a command. */
static bool launcher(const char *word)
{
    static const char *const list[] = {
        "env",      "xargs",    "nohup",   "nice",    "timeout", "sudo",     "setsid",
        "strace",   "gdb",      "stdbuf",  "ionice",  "taskset", "chrt",     "ltrace",
        "valgrind", "parallel", "unshare", "setpriv", "runuser", "mpirun",   "ccache",
        "watch",    "unbuffer", "prlimit", "entr",    "flock",   "firejail", "numactl",
    };

    return ONE_OF(list, word);
}

static bool shell_name(const char *word)
{
    static const char *const list[] = {"sh", "bash", "dash", "ksh", "mksh", "zsh"};

    return ONE_OF(list, word);
}

static void note(struct calls *calls, struct words *list, char letter, const char *word)
{
    char key[WORD_MAX + 2] = {letter};

    strcat(key, word);
    if (calls->keys.count >= WORDS_MAX || map_get(&calls->seen, key) >= 0)
        return;
    words_add(&calls->keys, key);
    map_put(&calls->seen, calls->keys.item[calls->keys.count - 1], 0);
    words_add(list, word);
}

static void note_program(struct calls *calls, const char *word)
{
    note(calls, &calls->programs, 'p', word);
}

/* The value in NAME=VALUE, or NULL. */
static const char *assigned(const char *word)
{
    size_t size = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

    if (!size || (*word >= '0' && *word <= '9'))
        return NULL;
    size += strspn(word + size, ":?+");
    return word[size] == '=' ? word + size + 1 : NULL;
}

static void begin_command(struct calls *calls, struct line *line, const char *word)
{
    const char *base = strrchr(word, '/');

    note_program(calls, word);
    base = base ? base + 1 : word;
    line->launched = launcher(base);
    line->command = line->launched;
    line->shell = shell_name(base);
    line->make = !strcmp(base, "make") || !strcmp(base, "gmake");
    line->git = !strcmp(base, "git");
    line->to_folder = !strcmp(base, "cd");
    calls->makes_here |= line->make && !calls->moved;
    calls->moved |= line->to_folder;
}

/* What git is to do. */
static void git_command(struct calls *calls, struct line *line, const char *word)
{
    line->git = false;
    line->clone = !strcmp(word, "clone");
    calls->git_here |= !line->clone && strcmp(word, "init") != 0 && !calls->moved;
}

static void take_option(struct calls *calls, struct line *line, const char *word)
{
    if (!strcmp(word, "-C"))
        line->to_folder = true;
    else if ((line->make && word[1] == 'C') || (word[1] == 'I' && word[2]))
        note(calls, &calls->folders, 'd', word + 2);
    else if (word[1] == 'l' && word[2])
        note(calls, &calls->libraries, 'l', word + 2);
    else if (line->shell && word[1] != '-' && strchr(word, 'c'))
        line->command = true;
}

static void take_command(struct calls *calls, struct line *line, const char *word)
{
    const char *value = assigned(word);

    if (value) {
        if (*value)
            note_program(calls, value);
        return;
    }
    if (keyword(word))
        return;
    if (*word == '-' && !line->launched) { /* behind a variable that is the command */
        line->command = false;
        take_option(calls, line, word);
        return;
    }
    if (line->launched && (*word == '-' || strspn(word, "0123456789.smh") == strlen(word)))
        return;
    begin_command(calls, line, word);
}

static void take_argument(struct calls *calls, struct line *line, const char *word)
{
    if (*word == '-') {
        take_option(calls, line, word);
    } else if (line->to_folder) {
        note(calls, &calls->folders, 'd', word);
        line->to_folder = false;
    } else if (line->git) {
        git_command(calls, line, word);
    } else if (line->clone) {
        note(calls, &calls->folders, 'd', word);
    } else {
        note(calls, &calls->files, 'f', word);
    }
}

static void take_word(struct calls *calls, struct line *line, const char *text, size_t size)
{
    char word[WORD_MAX + 1];

    if (size > WORD_MAX) {
        line->command = false;
        return;
    }
    memcpy(word, text, size);
    word[size] = 0;
    if (line->command)
        take_command(calls, line, word);
    else
        take_argument(calls, line, word);
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\'' || c == '"' || !c;
}

/* What ends a word and lets a command follow. */
static bool separator(char c)
{
    return c && strchr("\n;|&(){}`", c);
}

static void scan_shell(struct calls *calls, const char *text, size_t size)
{
    struct line line = {.command = true};

    for (size_t at = 0; at < size;) {
        size_t start = at;
        if (text[at] == '\\' && at + 1 < size && text[at + 1] == '\n') {
            at += 2;
        } else if (text[at] == '#') {
            while (at < size && text[at] != '\n')
                at++;
        } else if (separator(text[at])) {
            line = (struct line){.command = true};
            at++;
        } else if (text[at] == '<' || text[at] == '>' || blank(text[at])) {
            at++;
        } else {
            while (at < size && !blank(text[at]) && !separator(text[at]) && text[at] != '<' &&
                   text[at] != '>' && (text[at] != '\\' || at == start))
                at++;
            take_word(calls, &line, text + start, at - start);
        }
    }
}

/* A recipe's line, an assignment with what is behind its sign, or another line. */
static void scan_make_line(struct calls *calls, const char *text, size_t size)
{
    const char *sign = memchr(text, '=', size);

    if (size && *text == '\t') {
        while (size && strchr("\t @-+", *text)) {
            text++;
            size--;
        }
    } else if (sign) {
        size -= (size_t)(sign + 1 - text);
        text = sign + 1;
    }
    scan_shell(calls, text, size);
}

/* The end of a line; one that ends in a backslash goes on. */
static size_t make_line(const char *text, size_t size)
{
    for (size_t at = 0; at < size; at++)
        if (text[at] == '\n' && (!at || text[at - 1] != '\\'))
            return at;
    return size;
}

static void scan_make(struct calls *calls, const char *text, size_t size)
{
    while (size) {
        size_t line = make_line(text, size), step = line < size ? line + 1 : size;
        scan_make_line(calls, text, line);
        text += step;
        size -= step;
    }
}

/* Whether a text in Python, Perl, JavaScript and the like starts programs. */
static bool starts_programs(const char *text, size_t size)
{
    static const char *const marks[] = {"subprocess", "system", "popen", "spawn",
                                        "exec",       "`",      "qx",    "child_process"};

    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (memmem(text, size, marks[i], strlen(marks[i])))
            return true;
    return false;
}

static void scan_strings(struct calls *calls, const char *text, size_t size)
{
    if (!starts_programs(text, size))
        return;
    calls->starts = true;
    for (size_t at = 0; at < size; at++) {
        if (!text[at] || !strchr("'\"`", text[at]))
            continue;
        size_t end = at + 1;
        while (end < size && text[end] != text[at] && text[end] != '\n')
            end++;
        scan_shell(calls, text + at + 1, end - at - 1);
        at = end < size && text[end] == text[at] ? end : at;
    }
}

void calls_scan(struct calls *calls, enum grammar grammar, const char *text, size_t size)
{
    if (grammar == GRAMMAR_MAKE)
        scan_make(calls, text, size);
    else if (grammar == GRAMMAR_STRINGS)
        scan_strings(calls, text, size);
    else
        scan_shell(calls, text, size);
}

void calls_free(struct calls *calls)
{
    words_free(&calls->programs);
    words_free(&calls->files);
    words_free(&calls->folders);
    words_free(&calls->libraries);
    map_free(&calls->seen);
    words_free(&calls->keys);
}
