#include "debian.h"

#include "say.h"

#include <stdlib.h>
#include <string.h>

#define STATUS_FILE "/var/lib/dpkg/status"
#define LIST_FOLDER "/var/lib/dpkg/info"

struct debian {
    const struct root *root;
    struct package *package;
    size_t count;
    size_t room;
    struct map by_name; /* real names, then provided ones */
    struct map by_path;
    bool paths_read;
};

/* One stanza of the status file while it is read. */
struct stanza {
    struct text name, architecture, source, depends, provides;
    bool installed;
    bool essential;
    bool same; /* Multi-Arch: same, whose list file's name has the architecture */
};

static void stanza_field(struct stanza *stanza, const char *line, size_t size)
{
    static const struct {
        const char *name;
        size_t field;
    } texts[] = {
        {"Package: ", offsetof(struct stanza, name)},
        {"Architecture: ", offsetof(struct stanza, architecture)},
        {"Source: ", offsetof(struct stanza, source)},
        {"Depends: ", offsetof(struct stanza, depends)},
        {"Pre-Depends: ", offsetof(struct stanza, depends)},
        {"Provides: ", offsetof(struct stanza, provides)},
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t skip = strlen(texts[i].name);
        if (size <= skip || memcmp(line, texts[i].name, skip))
            continue;
        struct text *text = (struct text *)((char *)stanza + texts[i].field);
        if (text->size)
            text_char(text, ',');
        text_add(text, line + skip, size - skip);
    }
    stanza->installed |= size == 28 && !memcmp(line, "Status: install ok installed", 28);
    stanza->installed |= size == 25 && !memcmp(line, "Status: hold ok installed", 25);
    stanza->essential |= size == 14 && !memcmp(line, "Essential: yes", 14);
    stanza->same |= size == 16 && !memcmp(line, "Multi-Arch: same", 16);
}

static void add_provided(struct debian *debian, const char *provides, long number)
{
    char name[128];
    bool alternative;

    while (depends_next(&provides, name, &alternative))
        if (map_get(&debian->by_name, name) < 0)
            map_put(&debian->by_name, copy(name), number);
}

static bool wanted(const struct stanza *stanza)
{
    return stanza->installed && stanza->name.size && stanza->architecture.size &&
           (!strcmp(stanza->architecture.data, "amd64") ||
            !strcmp(stanza->architecture.data, "all")) &&
           !strpbrk(stanza->name.data, "/");
}

static void map_list(struct debian *debian, struct package *package, bool same)
{
    char *path = formatted(LIST_FOLDER "/%s%s.list", package->name, same ? ":amd64" : "");

    package->list = root_map(debian->root, path, &package->list_size);
    free(path);
}

static void stanza_end(struct debian *debian, struct stanza *stanza, struct words *provides)
{
    if (wanted(stanza)) {
        if (debian->count == debian->room) {
            debian->room = debian->room ? 2 * debian->room : 512;
            debian->package = remake(debian->package, debian->room, sizeof(struct package));
        }
        struct package *package = &debian->package[debian->count++];
        *package =
            (struct package){.name = copy(stanza->name.data), .essential = stanza->essential};
        package->source = copy(stanza->source.size ? stanza->source.data : package->name);
        package->source[strcspn(package->source, " ")] = 0;
        package->depends = copy(stanza->depends.size ? stanza->depends.data : "");
        package->list = stanza->same ? ":" : NULL; /* mapped when it is needed */
        map_put(&debian->by_name, package->name, (long)debian->count - 1);
        words_add(provides, stanza->provides.size ? stanza->provides.data : "");
    }
    text_free(&stanza->name);
    text_free(&stanza->architecture);
    text_free(&stanza->source);
    text_free(&stanza->depends);
    text_free(&stanza->provides);
    *stanza = (struct stanza){0};
}

static void read_status(struct debian *debian, const char *data, size_t size)
{
    struct stanza stanza = {0};
    struct words provides = {0};

    for (size_t at = 0; at < size;) {
        const char *end = memchr(data + at, '\n', size - at);
        size_t length = end ? (size_t)(end - data) - at : size - at;
        if (!length)
            stanza_end(debian, &stanza, &provides);
        else
            stanza_field(&stanza, data + at, length);
        at += length + 1;
    }
    stanza_end(debian, &stanza, &provides);
    for (size_t i = 0; i < provides.count; i++)
        add_provided(debian, provides.item[i], (long)i);
    words_free(&provides);
}

struct debian *debian_open(const struct root *root)
{
    struct debian *debian = make(sizeof *debian);
    size_t size;
    const char *status = root_map(root, STATUS_FILE, &size);

    debian->root = root;
    if (status)
        read_status(debian, status, size);
    root_unmap(status, size);
    for (size_t i = 0; i < debian->count; i++)
        map_list(debian, &debian->package[i], debian->package[i].list != NULL);
    return debian;
}

/* The path without /usr if a top-level folder of the same name may be a link into it. */
static const char *merged(const char *path)
{
    if (strncmp(path, "/usr/", 5))
        return path;
    if (!strncmp(path + 5, "bin/", 4) || !strncmp(path + 5, "sbin/", 5) ||
        !strncmp(path + 5, "lib", 3))
        return path + 4;
    return path;
}

static void read_paths(struct debian *debian)
{
    debian->paths_read = true;
    for (size_t i = 0; i < debian->count; i++) {
        char path[PATH_MAX];
        size_t cursor = 0;
        while (package_path(&debian->package[i], &cursor, path)) {
            const char *key = merged(path);
            if (map_get(&debian->by_path, key) < 0)
                map_put(&debian->by_path, copy(key), (long)i);
        }
    }
}

struct package *debian_owner(struct debian *debian, const char *path)
{
    if (!debian->paths_read)
        read_paths(debian);
    long number = map_get(&debian->by_path, merged(path));
    return number < 0 ? NULL : &debian->package[number];
}

struct package *debian_package(struct debian *debian, const char *name)
{
    long number = map_get(&debian->by_name, name);

    return number < 0 ? NULL : &debian->package[number];
}

/* Past one "(>= 1.0)", "[amd64]" or "<!nocheck>". */
static const char *skip_group(const char *at)
{
    const char *end = strchr(at, *at == '(' ? ')' : *at == '[' ? ']' : '>');

    return end ? end + 1 : at + strlen(at);
}

bool depends_next(const char **cursor, char name[128], bool *alternative)
{
    const char *at = *cursor;
    size_t size;

    *alternative = false;
    for (;;) {
        at += strspn(at, " \t\n");
        if (!*at)
            break;
        if (*at == ',' || *at == '|') {
            *alternative = *at++ == '|';
        } else if (strchr("([<", *at)) {
            at = skip_group(at);
        } else {
            size = strcspn(at, " \t\n,|([<");
            const char *word = at;
            at += size;
            size_t bare = strcspn(word, ":");
            size = bare < size ? bare : size;
            if (!size || size >= 128)
                continue;
            memcpy(name, word, size);
            name[size] = 0;
            *cursor = at;
            return true;
        }
    }
    *cursor = at;
    return false;
}

bool package_path(const struct package *package, size_t *cursor, char path[PATH_MAX])
{
    while (*cursor < package->list_size) {
        const char *line = package->list + *cursor;
        const char *end = memchr(line, '\n', package->list_size - *cursor);
        size_t size = end ? (size_t)(end - line) : package->list_size - *cursor;
        *cursor += size + 1;
        if (size < 2 || size >= PATH_MAX || line[0] != '/' || memchr(line, 0, size))
            continue;
        memcpy(path, line, size);
        path[size] = 0;
        return true;
    }
    return false;
}
