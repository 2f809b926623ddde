#include "essentials.h"

#include "say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GCONV        "/usr/lib/x86_64-linux-gnu/gconv"
#define CERTIFICATES "/etc/ssl/certs"

static const struct {
    const char *path;
    mode_t mode;
} folders[] = {
    {"/dev", 0755},     {"/etc", 0755},       {"/home", 0755},      {"/mnt", 0755},
    {"/proc", 0555},    {"/root", 0700},      {"/run", 0755},       {"/sys", 0555},
    {"/tmp", 01777},    {"/usr", 0755},       {"/var", 0755},       {"/opt", 0755},
    {"/srv", 0755},     {"/var/tmp", 01777},  {"/var/lib", 0755},   {"/run/lock", 01777},
    {"/var/log", 0755}, {"/var/cache", 0755}, {"/var/spool", 0755},
};

static const char *const files[] = {
    "/etc/passwd",     "/etc/group",    "/etc/nsswitch.conf",
    "/etc/localtime",  "/etc/timezone", "/etc/host.conf",
    "/etc/gai.conf",   "/etc/services", "/etc/protocols",
    "/etc/os-release", "/etc/inputrc",  "/etc/debian_version",
    "/etc/mime.types", "/etc/mtab",     "/bin",
    "/sbin",           "/lib",          "/lib64",
    "/etc/shells",     "/etc/rpc",      "/etc/networks",
    "/etc/login.defs", "/var/run",      "/var/lock",
};

void essentials_folders(struct tree *tree)
{
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (!tree_has(tree, folders[i].path))
            tree_folder(tree, folders[i].path, folders[i].mode);
}

static void add_time_zone(struct tree *tree)
{
    const char *zone = getenv("TZ");
    char path[PATH_MAX];

    if (!zone || !*zone || strstr(zone, ".."))
        return;
    zone += *zone == ':';
    if (path_join(path, "/usr/share/zoneinfo", zone))
        tree_add(tree, path, NULL, NULL);
}

static void add_terminal(struct tree *tree)
{
    static const char *const places[] = {"/etc/terminfo", "/lib/terminfo", "/usr/share/terminfo"};
    const char *name = getenv("TERM");

    if (!name || !*name || strchr(name, '/') || *name == '.')
        return;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char *path = formatted("%s/%c/%s", places[i], *name, name);
        tree_add(tree, path, NULL, NULL);
        free(path);
    }
}

/* Add what setlocale(3) reads for one value of a locale variable. */
static void add_locale(struct tree *tree, const char *value)
{
    if (!*value || !strcmp(value, "C") || !strcmp(value, "POSIX") || strchr(value, '/'))
        return;
    if (!strncasecmp(value, "C.UTF", 5)) {
        tree_add_all(tree, "/usr/lib/locale/C.utf8", UINT64_MAX);
        return;
    }
    char *path = formatted("/usr/lib/locale/%.*s.utf8", (int)strcspn(value, ".@"), value);
    tree_add_all(tree, path, UINT64_MAX);
    free(path);
    tree_add(tree, "/usr/lib/locale/locale-archive", NULL, NULL);
    tree_add(tree, "/etc/locale.alias", NULL, NULL);
}

static void add_locales(struct tree *tree)
{
    extern char **environ;

    for (char **variable = environ; *variable; variable++)
        if (!strncmp(*variable, "LC_", 3) || !strncmp(*variable, "LANG=", 5))
            add_locale(tree, strchr(*variable, '=') + 1);
}

/* The modules that glibc's main list of character sets names ("module FROM TO FILE COST"). */
static void add_listed_modules(struct tree *tree)
{
    char from[128], to[128], file[128];
    size_t size;
    const char *list = root_map(&tree->root, GCONV "/gconv-modules", &size);
    char *text = copy_bytes(list ? list : "", size);

    root_unmap(list, size);
    for (char *save, *line = strtok_r(text, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        if (sscanf(line, "module %127s %127s %127s", from, to, file) != 3 || strchr(file, '/'))
            continue;
        char *path = formatted(GCONV "/%s.so", file);
        tree_add(tree, path, NULL, NULL);
        free(path);
    }
    free(text);
}

static void add_character_sets(struct tree *tree, const char *program)
{
    const char *base = strrchr(program, '/');

    tree_add(tree, GCONV "/gconv-modules", NULL, NULL);
    tree_add(tree, GCONV "/gconv-modules.cache", NULL, NULL);
    add_listed_modules(tree);
    if (base && !strcmp(base, "/iconv"))
        tree_add_all(tree, GCONV, UINT64_MAX);
}

static bool uses_tls(const struct tree *tree)
{
    for (size_t i = 0; i < tree->count; i++)
        if (strstr(tree->entry[i].path, "/libssl.so") ||
            strstr(tree->entry[i].path, "/libgnutls.so"))
            return true;
    return false;
}

static void add_certificates(struct tree *tree)
{
    tree_add_all(tree, CERTIFICATES, UINT64_MAX);
    for (size_t i = 0; i < tree->count; i++) {
        const char *path = tree->entry[i].path; /* stays when the list of entries moves */
        if (tree->entry[i].target && !strncmp(path, CERTIFICATES "/", sizeof CERTIFICATES))
            tree_add(tree, path, NULL, NULL);
    }
}

/* Whether a word stands in a text like /etc/hosts, comments left out. */
static bool names(const char *text, const char *word)
{
    size_t size = strlen(word);
    bool comment = false;

    for (const char *at = text; *at;) {
        size_t n = strcspn(at, " \t\n");
        comment |= *at == '#';
        if (!comment && n == size && !memcmp(at, word, size))
            return true;
        at += n;
        if (*at == '\n')
            comment = false;
        at += *at != 0;
    }
    return false;
}

/* The host's names, and the VM's own as Debian has it. */
static void add_hosts(struct tree *tree, const char *hostname)
{
    size_t size;
    const char *file = root_map(&tree->root, "/etc/hosts", &size);
    char *known = copy_bytes(file ? file : "", file ? size : 0);
    struct text text = {0};

    root_unmap(file, size);
    tree_watch(tree, "/etc/hosts");
    if (!names(known, "localhost"))
        text_str(&text, "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
    if (!names(known, hostname))
        text_format(&text, "127.0.1.1\t%s\n", hostname);
    text_str(&text, known);
    tree_file(tree, "/etc/hosts", 0644, text.data, text.size);
    text_free(&text);
    free(known);
}

/* The name servers depend on the network that the image is run with: /proc/net/pnp names those of
 * the kernel's configuration in the syntax of resolv.conf. What the user has named stays. */
static void add_names(struct tree *tree, const char *hostname)
{
    hostname = hostname ? hostname : "osprey";
    if (!tree_has(tree, "/etc/hosts"))
        add_hosts(tree, hostname);
    if (!tree_has(tree, "/etc/resolv.conf"))
        tree_link(tree, "/etc/resolv.conf", "/proc/net/pnp");
    if (!tree_has(tree, "/etc/hostname")) {
        char *line = formatted("%s\n", hostname);
        tree_file(tree, "/etc/hostname", 0644, line, strlen(line));
        free(line);
    }
}

/* Who was logged in and when: here nobody ever was. */
static void add_logins(struct tree *tree)
{
    static const char *const logs[] = {"/run/utmp", "/var/log/wtmp", "/var/log/btmp",
                                       "/var/log/lastlog"};

    for (size_t i = 0; i < sizeof logs / sizeof *logs; i++)
        if (!tree_has(tree, logs[i]))
            tree_file(tree, logs[i], strstr(logs[i], "btmp") ? 0660 : 0664, "", 0);
}

void essentials_add(struct tree *tree, const struct closure *closure, const char *program,
                    const char *hostname)
{
    add_names(tree, hostname);
    add_logins(tree);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        tree_add(tree, files[i], NULL, NULL);
    add_time_zone(tree);
    add_terminal(tree);
    add_locales(tree);
    if (closure_mentions(closure, "iconv_open"))
        add_character_sets(tree, program);
    if (uses_tls(tree))
        add_certificates(tree);
    else if (closure_mentions(closure, "ca-certificates.crt"))
        tree_add(tree, CERTIFICATES "/ca-certificates.crt", NULL, NULL);
    essentials_folders(tree);
}
