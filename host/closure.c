#include "closure.h"

#include "elf.h"
#include "library.h"
#include "policy.h"
#include "say.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* An ELF file whose libraries are to be found. */
struct object {
    char *path;
    char *rpath; /* replaced folders: its own DT_RPATH, then its loaders' */
    bool strict; /* a missing library is an error */
};

/* A library that an object names without needing it. */
struct opened {
    char *name;
    char *path;
    struct package *owner;
    bool taken;
};

struct closure {
    struct tree *tree;
    struct debian *debian; /* NULL: no packages */
    const char *program;   /* for messages */
    const char *library_path;
    const char *family;
    const char *locale;
    struct library_search search;
    bool search_ready;

    struct object *object;
    size_t objects, objects_done, objects_room;
    struct map object_index;

    struct package **package; /* queue; package->state is its role + 1 */
    size_t packages, packages_done, packages_room;

    struct opened *opened;
    size_t opened_count, opened_room;
    struct map opened_index;
    struct words mentioned;
};

enum { LINKS_MAX = 40 };

static const char *const marks[] = {"iconv_open", "ca-certificates.crt"};

/* The language of the environment as "de_DE", without codeset; NULL for C and POSIX. */
static const char *language(void)
{
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        if (!value || !*value)
            continue;
        size_t size = strcspn(value, ".@");
        bool none = (size == 1 && *value == 'C') || (size == 5 && !strncmp(value, "POSIX", 5));
        return none || memchr(value, '/', size) ? NULL : copy_bytes(value, size);
    }
    return NULL;
}

struct closure *closure_new(struct tree *tree, const char *library_path)
{
    struct closure *closure = make(sizeof *closure);

    closure->tree = tree;
    closure->library_path = library_path;
    closure->debian = debian_open(&tree->root);
    closure->locale = language();
    tree_watch(tree, "/var/lib/dpkg/status");
    return closure;
}

static void add_package(struct closure *closure, struct package *package, enum role role);

static void add_owner(struct closure *closure, const char *path, enum role role)
{
    struct package *owner = closure->debian ? debian_owner(closure->debian, path) : NULL;

    if (owner)
        add_package(closure, owner, role);
}

static void need_search(struct closure *closure, const char *interpreter)
{
    if (!closure->search_ready)
        library_search_start(&closure->search, closure->tree, interpreter, closure->library_path);
    closure->search_ready = true;
}

static void add_object(struct closure *closure, const char *path, const char *rpath, bool strict)
{
    if (map_get(&closure->object_index, path) >= 0)
        return;
    if (closure->objects == closure->objects_room) {
        closure->objects_room = closure->objects_room ? 2 * closure->objects_room : 64;
        closure->object = remake(closure->object, closure->objects_room, sizeof *closure->object);
    }
    struct object *object = &closure->object[closure->objects];
    *object = (struct object){.path = copy(path), .rpath = copy(rpath), .strict = strict};
    map_put(&closure->object_index, object->path, (long)closure->objects++);
}

/* Whether the file starts as ELF, read only if its name or mode lets one expect it. */
static bool is_elf(struct closure *closure, const char *real, const struct stat *st)
{
    char host[PATH_MAX], head[4];
    const char *base = strrchr(real, '/');

    if (!S_ISREG(st->st_mode) || (!(st->st_mode & 0111) && !strstr(base, ".so")))
        return false;
    root_host(&closure->tree->root, real, host);
    int fd = open(host, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool elf = read(fd, head, sizeof head) == (ssize_t)sizeof head && elf_magic(head, sizeof head);
    close(fd);
    return elf;
}

static int add_file(struct closure *closure, const char *path, const char *rpath, bool strict)
{
    char real[PATH_MAX];
    struct stat st;
    int fault = tree_add(closure->tree, path, real, &st);

    if (!fault && is_elf(closure, real, &st))
        add_object(closure, path, rpath, strict);
    return fault;
}

void closure_file(struct closure *closure, const char *path)
{
    add_file(closure, path, "", false);
}

/* Python's compiled modules, which no package lists, beside those that it does. */
static void add_compiled(struct closure *closure, const char *path)
{
    char folder[PATH_MAX];
    size_t size = strlen(path);

    if (size < 4 || strcmp(path + size - 3, ".py"))
        return;
    strcpy(folder, path);
    *strrchr(folder, '/') = 0;
    if (strlen(folder) + sizeof "/__pycache__" > sizeof folder)
        return;
    strcat(folder, "/__pycache__");
    if (!tree_has(closure->tree, folder))
        tree_add_all(closure->tree, folder, UINT64_MAX);
}

/* Empty folders matter to the program's own package, and where programs keep what they write. */
static bool folder_wanted(struct closure *closure, const char *path, enum role role)
{
    char inside[PATH_MAX];

    return (role != ROLE_NEEDED || !strncmp(path, "/var/", 5)) && path_join(inside, path, "x") &&
           policy_path(role, inside, closure->locale);
}

/* What lies in a package's folder of configuration: what it was installed or set up with, such as
 * the links that choose among its modules, is in no list of files. */
static void add_configuration(struct closure *closure, const char *path)
{
    char host[PATH_MAX], below[PATH_MAX];
    struct stat st;

    root_host(&closure->tree->root, path, host);
    DIR *folder = opendir(host);
    if (!folder)
        return;
    words_add(&closure->tree->watched, path);
    for (struct dirent *d; (d = readdir(folder));) {
        if (d->d_name[0] == '.' || fstatat(dirfd(folder), d->d_name, &st, 0))
            continue;
        if (S_ISREG(st.st_mode) && (st.st_mode & 0004) && path_join(below, path, d->d_name))
            closure_file(closure, below);
    }
    closedir(folder);
}

static void add_package_path(struct closure *closure, const char *path, enum role role)
{
    char host[PATH_MAX];
    struct stat st;

    if (!policy_path(role, path, closure->locale))
        return;
    root_host(&closure->tree->root, path, host);
    if (lstat(host, &st)) /* a link to a folder is a file of the package */
        return;
    if (S_ISDIR(st.st_mode) && policy_configuration(path))
        add_configuration(closure, path);
    if (S_ISDIR(st.st_mode) && !folder_wanted(closure, path, role))
        return;
    bool configuration = !strncmp(path, "/etc/", 5);
    if ((configuration && !(st.st_mode & 0004)) || access(host, R_OK))
        return; /* what not everybody may read is a secret of the host */
    closure_file(closure, path);
    add_compiled(closure, path);
}

static void add_dependencies(struct closure *closure, const struct package *package, bool whole)
{
    const char *cursor = package->depends;
    bool alternative, satisfied = false;
    char name[128];

    while (depends_next(&cursor, name, &alternative)) {
        if (alternative && satisfied)
            continue;
        struct package *other = debian_package(closure->debian, name);
        satisfied = other != NULL;
        if (other && policy_depends(other, closure->family))
            add_package(closure, other,
                        whole && policy_whole(other->name) ? ROLE_WHOLE : ROLE_NEEDED);
    }
}

static void add_fuller(struct closure *closure, const struct package *package)
{
    char *name;

    for (unsigned n = 0; (name = policy_fuller(package, n)); n++) {
        struct package *fuller = debian_package(closure->debian, name);
        if (fuller && !strcmp(fuller->source, package->source))
            add_package(closure, fuller, ROLE_NEEDED);
        free(name);
    }
}

static void add_package(struct closure *closure, struct package *package, enum role role)
{
    static const int weight[] = {[ROLE_PROGRAM] = 2, [ROLE_NEEDED] = 1, [ROLE_WHOLE] = 3};

    if (package->state >= weight[role])
        return;
    package->state = weight[role];
    if (!closure->family && policy_family(package->name))
        closure->family = policy_family(package->name);
    if (closure->packages == closure->packages_room) {
        closure->packages_room = closure->packages_room ? 2 * closure->packages_room : 64;
        closure->package =
            remake(closure->package, closure->packages_room, sizeof *closure->package);
    }
    closure->package[closure->packages++] = package;
}

/* What an installation has made, as far as it is there. */
static void add_made(struct closure *closure, const char *package)
{
    char real[PATH_MAX];
    struct stat st;
    const char *path;

    for (unsigned n = 0; (path = policy_made(package, n)); n++)
        if (!tree_add(closure->tree, path, real, &st) && S_ISDIR(st.st_mode))
            tree_add_all(closure->tree, real, UINT64_MAX);
}

static void do_package(struct closure *closure, struct package *package)
{
    static const enum role role[] = {[1] = ROLE_NEEDED, [2] = ROLE_PROGRAM, [3] = ROLE_WHOLE};
    char path[PATH_MAX];
    size_t cursor = 0;

    add_made(closure, package->name);
    while (package_path(package, &cursor, path))
        add_package_path(closure, path, role[package->state]);
    add_dependencies(closure, package, role[package->state] == ROLE_WHOLE);
    if (role[package->state] != ROLE_NEEDED)
        add_fuller(closure, package);
}

bool closure_package(struct closure *closure, const char *name)
{
    struct package *package = debian_package(closure->debian, name);

    if (package)
        add_package(closure, package, ROLE_WHOLE);
    return package != NULL;
}

static void note_opened(struct closure *closure, const char *name, size_t size)
{
    char key[80];

    if (size < 7 || size >= sizeof key || strncmp(name, "lib", 3))
        return;
    memcpy(key, name, size);
    key[size] = 0;
    if (map_get(&closure->opened_index, key) >= 0)
        return;
    if (closure->opened_count == closure->opened_room) {
        closure->opened_room = closure->opened_room ? 2 * closure->opened_room : 64;
        closure->opened = remake(closure->opened, closure->opened_room, sizeof *closure->opened);
    }
    struct opened *opened = &closure->opened[closure->opened_count];
    *opened = (struct opened){.name = copy(key)};
    map_put(&closure->opened_index, opened->name, (long)closure->opened_count++);
}

static bool name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("_+.-", c));
}

/* Strings "libNAME.so" and "libNAME.so.N" that end in a NUL. */
static void scan_names(struct closure *closure, const char *data, size_t size)
{
    const char *end = data + size;

    for (const char *hit = data; (hit = memmem(hit, (size_t)(end - hit), ".so", 3)); hit += 3) {
        const char *start = hit, *stop = hit + 3;
        while (start > data && hit - start < 64 && name_char(start[-1]))
            start--;
        while (stop < end && stop - hit < 16 && (*stop == '.' || (*stop >= '0' && *stop <= '9')))
            stop++;
        if (stop < end && !*stop && stop[-1] != '.')
            note_opened(closure, start, (size_t)(stop - start));
    }
}

static void scan_marks(struct closure *closure, const char *path, const void *data, size_t size)
{
    if (strstr(path, "/libc.so.6")) /* it defines iconv_open */
        return;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (!closure_mentions(closure, marks[i]) && memmem(data, size, marks[i], strlen(marks[i])))
            words_add(&closure->mentioned, marks[i]);
}

bool closure_mentions(const struct closure *closure, const char *string)
{
    for (size_t i = 0; i < closure->mentioned.count; i++)
        if (!strcmp(closure->mentioned.item[i], string))
            return true;
    return false;
}

/* A library of this name that another object has loaded, as the loader takes it; NULL: none. */
static const char *loaded(const struct closure *closure, const char *name)
{
    for (size_t i = 0; i < closure->objects; i++) {
        const char *path = closure->object[i].path;
        if (closure->object[i].strict && !strcmp(strrchr(path, '/') + 1, name))
            return path;
    }
    return NULL;
}

static void add_needed(struct closure *closure, const struct object *object, const struct elf *elf,
                       const char *name, const char *rpath)
{
    const char *found = library_find(&closure->search, name, object->path, elf, rpath);

    if (!found)
        found = loaded(closure, name);
    if (!found && object->strict)
        die(STATUS_NOT_FOUND, "%s: needs the shared library %s, which is not there",
            closure->program, name);
    if (!found || !*found)
        return;
    add_file(closure, found, rpath, object->strict);
    add_owner(closure, found, ROLE_NEEDED);
}

static void do_object(struct closure *closure, struct object object)
{
    char real[PATH_MAX];
    struct stat st;
    struct elf elf;
    size_t size, cursor = 0;
    const void *data = root_map(&closure->tree->root, object.path, &size);
    const char *name;

    if (!data)
        return;
    const char *fault = elf_parse(&elf, data, size);
    if (fault && object.strict)
        die(STATUS_NOT_RUNNABLE, "%s: %s", object.path, fault);
    if (!fault) {
        need_search(closure, elf.interpreter);
        /* A program's $ORIGIN is where /proc/self/exe points, a library's where it was found. */
        if (elf.interpreter && !root_stat(&closure->tree->root, object.path, real, &st))
            object.path = real;
        char *own = elf.rpath ? library_folders(elf.rpath, object.path) : copy("");
        char *rpath = formatted("%s%s%s", own, *own && *object.rpath ? ":" : "", object.rpath);
        if (elf.interpreter)
            add_file(closure, elf.interpreter, "", false);
        while ((name = elf_needed(&elf, &cursor)))
            add_needed(closure, &object, &elf, name, rpath);
        if (closure->debian) {
            scan_names(closure, data, size);
            scan_marks(closure, object.path, data, size);
        }
        free(own);
        free(rpath);
    }
    root_unmap(data, size);
}

/* Take the libraries named in some object which a package of the closure has. True if new. */
static bool take_opened(struct closure *closure)
{
    static const struct elf no_elf;
    bool any = false;

    for (size_t i = 0; closure->search_ready && i < closure->opened_count; i++) {
        struct opened *opened = &closure->opened[i];
        if (!opened->path) {
            const char *path = library_find(&closure->search, opened->name, "/", &no_elf, NULL);
            opened->path = copy(path ? path : "");
            opened->owner = *opened->path ? debian_owner(closure->debian, opened->path) : NULL;
        }
        if (opened->taken || !opened->owner || !opened->owner->state)
            continue;
        opened->taken = any = true;
        closure_file(closure, opened->path);
    }
    return any;
}

void closure_finish(struct closure *closure)
{
    do {
        while (closure->objects_done < closure->objects ||
               closure->packages_done < closure->packages) {
            if (closure->objects_done < closure->objects)
                do_object(closure, closure->object[closure->objects_done++]);
            else
                do_package(closure, closure->package[closure->packages_done++]);
        }
    } while (closure->debian && take_opened(closure));
}

static void check_interpreter(struct closure *closure, const char *path)
{
    struct elf elf;
    size_t size;
    struct stat st;
    const void *data = root_map(&closure->tree->root, path, &size);

    if (data && !elf_parse(&elf, data, size)) {
        if (elf.interpreter && root_stat(&closure->tree->root, elf.interpreter, NULL, &st))
            die(STATUS_NOT_FOUND, "%s: its ELF interpreter %s is not there", path, elf.interpreter);
        need_search(closure, elf.interpreter);
    }
    root_unmap(data, size);
}

/* The interpreter whose name starts as a family's: /usr/bin/perl, python3.11. */
static const char *family_of(const char *path)
{
    return policy_family(strrchr(path, '/') + 1);
}

/* The packages that own the path itself and the links on the way to its end. Links in the
 * folders' names are not the program's. */
static void add_hops(struct closure *closure, const char *path)
{
    char at[PATH_MAX], folder[PATH_MAX], host[PATH_MAX], target[PATH_MAX];
    struct stat st;

    strcpy(at, path);
    for (unsigned links = 0; links < LINKS_MAX; links++) {
        char *slash = strrchr(at, '/');
        *slash = 0;
        if (root_stat(&closure->tree->root, *at ? at : "/", folder, &st))
            return;
        if (!path_join(at, folder, slash + 1))
            return;
        add_owner(closure, at, ROLE_PROGRAM);
        root_host(&closure->tree->root, at, host);
        ssize_t size = readlink(host, target, sizeof target - 1);
        if (size <= 0)
            return;
        target[size] = 0;
        if (!path_join(at, folder, target))
            return;
    }
}

void closure_called(struct closure *closure, const char *path)
{
    add_file(closure, path, "", false);
    if (closure->debian)
        add_hops(closure, path);
}

void closure_whole(struct closure *closure, const char *path)
{
    add_owner(closure, path, ROLE_WHOLE);
}

void closure_program(struct closure *closure, const char *path, const char *asked)
{
    char real[PATH_MAX];
    struct stat st;

    closure->program = copy(path);
    check_interpreter(closure, path);
    add_file(closure, path, "", true);
    add_hops(closure, path);
    add_hops(closure, asked);
    if (!closure->family && !root_stat(&closure->tree->root, path, real, &st))
        closure->family = family_of(real);
}

void closure_check(struct tree *tree, const char *path, const char *library_path)
{
    struct tree scratch;

    tree_start(&scratch, tree->root.folder);
    struct closure closure = {.tree = &scratch, .program = path, .library_path = library_path};
    check_interpreter(&closure, path);
    add_file(&closure, path, "", true);
    closure_finish(&closure);
}
