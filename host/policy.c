#include "policy.h"

#include "say.h"

#include <fnmatch.h>
#include <string.h>

/* Never needed by a program that runs alone. */
static const char *const left_out[] = {
    "/usr/share/doc/*",
    "/usr/share/man/*",
    "/usr/share/info/*",
    "/usr/share/lintian/*",
    "/usr/share/linda/*",
    "/usr/share/bug/*",
    "/usr/share/doc-base/*",
    "/usr/share/bash-completion/*",
    "/usr/share/zsh/*",
    "/usr/share/fish/*",
    "/usr/share/applications/*",
    "/usr/share/menu/*",
    "/usr/share/pixmaps/*",
    "/usr/share/debconf/*",
    "/usr/share/apport/*",
    "/usr/share/gdb/auto-load/*",
    "/usr/share/aclocal/*",
    "/usr/share/i18n/*",
    "/usr/src/*",
    "/usr/lib/systemd/*",
    "/lib/systemd/*",
    "/usr/lib/udev/*",
    "/lib/udev/*",
    "/usr/lib/tmpfiles.d/*",
    "/usr/lib/sysusers.d/*",
    "/usr/lib/*/gconv/*", /* taken by need: host/essentials.c */
    "/usr/lib/gconv/*",
    "/usr/lib/locale/*",
    "/usr/lib/*/audit/*",
    "/usr/lib/valgrind/*",
    "/usr/lib/python3*/test/*",
    "/usr/lib/python3*/config-*",
    "/boot/*",
    "/etc/init.d/*",
    "/etc/rc*.d/*",
    "/etc/cron.*",
    "/etc/logrotate.d/*",
    "/etc/logcheck/*",
    "/etc/default/*",
    "/etc/apparmor.d/*",
    "/etc/bash_completion.d/*",
    "/etc/systemd/*",
    "/etc/udev/*",
    "/etc/apt/*",
    "/etc/dpkg/*",
    "/etc/kernel/*",
    "/etc/ld.so.conf.d/*",
    "/etc/sudoers*",
    "/var/lib/dpkg/*",
    "/var/cache/*",
    "/var/log/*",
};

/* What compilers read: comes with packages that are asked for by name. */
static const char *const development[] = {
    "/usr/include/*", "/usr/lib/*.a",           "/usr/lib/*.la",
    "/usr/lib/*.o",   "/usr/lib/*/pkgconfig/*", "/usr/share/pkgconfig/*",
};

/* Folders of configuration that are everybody's: a package's own files there are enough. */
static const char *const shared[] = {
    "/etc/alternatives", "/etc/ssl", "/etc/ssl/*", "/etc/ca-certificates*", "/etc/skel",
};

static const char *const program_folders[] = {"bin/", "sbin/", "games/"};

/* Packages that matter to installing and maintaining others. The essential ones are left out by
 * that mark. */
static const char *const maintenance[] = {
    "adduser",
    "apt",
    "ca-certificates-java",
    "cdebconf",
    "cpio",
    "debconf",
    "debconf-2.0",
    "dictionaries-common",
    "dpkg",
    "emacsen-common",
    "init-system-helpers",
    "install-info",
    "libdebconfclient0",
    "logrotate",
    "lsb-base",
    "mount",
    "netbase",
    "passwd",
    "procps",
    "sensible-utils",
    "systemd",
    "systemd-sysv",
    "sysvinit-utils",
    "tasksel",
    "ucf",
    "udev",
    "usrmerge",
    "xml-core",
    "x11-common",
};

static bool starts(const char *string, const char *with)
{
    return !strncmp(string, with, strlen(with));
}

static bool program_file(const char *path)
{
    const char *at = starts(path, "/usr/local/") ? path + 11
                     : starts(path, "/usr/")     ? path + 5
                                                 : path + 1;

    for (size_t i = 0; i < sizeof program_folders / sizeof *program_folders; i++)
        if (starts(at, program_folders[i]))
            return true;
    return false;
}

/* A library where the loader looks, not a plug-in in a folder of its own. */
static bool loader_library(const char *path)
{
    const char *base = strrchr(path, '/');
    const char *at = starts(path, "/usr/") ? path + 4 : path;

    if (!base || !starts(base, "/lib") || !strstr(base, ".so"))
        return false;
    if (!starts(at, "/lib"))
        return false;
    at += 1 + strcspn(at + 1, "/");
    if (starts(at, "/x86_64-linux-gnu/"))
        at += 17;
    return at == path + (base - path) || strstr(at, "/glibc-hwcaps/");
}

static bool locale_wanted(const char *path, const char *locale)
{
    const char *at = path + strlen("/usr/share/locale/");

    if (!locale || !strcmp(at, "locale.alias"))
        return locale != NULL;
    size_t name = strcspn(at, "/"), language = strcspn(locale, "_.@");
    return (name == strlen(locale) && !strncmp(at, locale, name)) ||
           (name == language && !strncmp(at, locale, name));
}

static bool matches(const char *const *patterns, size_t n, const char *path)
{
    for (size_t i = 0; i < n; i++)
        if (!fnmatch(patterns[i], path, 0))
            return true;
    return false;
}

bool policy_path(enum role role, const char *path, const char *locale)
{
    if (matches(left_out, sizeof left_out / sizeof *left_out, path))
        return false;
    if (role != ROLE_WHOLE && matches(development, sizeof development / sizeof *development, path))
        return false;
    if (starts(path, "/usr/share/locale/"))
        return locale_wanted(path, locale);
    if (role == ROLE_WHOLE)
        return true;
    return !program_file(path) && !loader_library(path);
}

bool policy_configuration(const char *path)
{
    char inside[PATH_MAX];

    return starts(path, "/etc/") && !matches(shared, sizeof shared / sizeof *shared, path) &&
           path_join(inside, path, "x") &&
           !matches(left_out, sizeof left_out / sizeof *left_out, inside);
}

const char *policy_family(const char *name)
{
    if (starts(name, "perl") || starts(name, "libperl5"))
        return "perl";
    if (starts(name, "python3") || starts(name, "libpython3"))
        return "python3";
    return NULL;
}

bool policy_depends(const struct package *package, const char *family)
{
    const char *own = policy_family(package->name);

    if (own && !starts(package->name, "lib"))
        return family && !strcmp(own, family);
    for (size_t i = 0; i < sizeof maintenance / sizeof *maintenance; i++)
        if (!strcmp(package->name, maintenance[i]))
            return false;
    return !package->essential;
}

char *policy_fuller(const struct package *package, unsigned n)
{
    static const char *const tails[] = {"-minimal", "-base", "-core", "-bin", "-tiny"};
    size_t size = strlen(package->name);

    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        size_t tail = strlen(tails[i]);
        if (size > tail && !strcmp(package->name + size - tail, tails[i]))
            return n ? NULL : copy_bytes(package->name, size - tail);
    }
    return NULL;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

const char *policy_companion(const char *path, unsigned n)
{
    /* Debuggers start programs, too, and do so through a shell. */
    static const char *const shells[] = {
        "sh",     "bash",     "dash",   "ksh",      "ksh93",  "mksh",  "zsh",
        "strace", "gdb",      "make",   "gmake",    "git",    "tmux",  "screen",
        "ltrace", "valgrind", "expect", "parallel", "mpirun", "cmake", "ninja"};
    static const char *const companions[] = {
        "coreutils", "findutils", "sed",          "grep",        "gawk",     "mawk",
        "diffutils", "procps",    "dash",         "debianutils", "hostname", "util-linux",
        "tar",       "gzip",      "ncurses-base", "ncurses-bin", "bash",
    };

    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
        if (!strcmp(base_name(path), shells[i]))
            return n < sizeof companions / sizeof *companions ? companions[n] : NULL;
    return NULL;
}

const char *policy_kit(const char *name, unsigned n)
{
    enum { NAMES_MAX = 5, PACKAGES_MAX = 5 };
    static const struct {
        const char *name[NAMES_MAX];
        const char *package[PACKAGES_MAX];
    } kits[] = {
        {{"make", "gmake"}, {"make", "gcc", "libc6-dev", "binutils", "/usr/bin/cc"}},
        {{"cc", "gcc", "c99", "c89"}, {"gcc", "libc6-dev", "binutils", "/usr/bin/cc"}},
        {{"g++", "c++", "CXX"},
         {"g++", "gcc", "libc6-dev", "binutils", "/usr/bin/c++"}}, /* $(CXX) */
        {{"clang", "clang++"}, {"clang", "gcc", "g++", "libc6-dev", "binutils"}},
        {{"git"}, {"git", "less"}},
        {{"gfortran"}, {"gfortran", "gcc", "libc6-dev", "binutils"}},
        {{"mpirun", "mpiexec"}, {"openmpi-bin", "openssh-client"}},
        {{"rustc", "cargo"}, {"rustc", "gcc", "libc6-dev", "binutils", "/usr/bin/cc"}},
        {{"ghc", "runghc"}, {"ghc", "gcc", "libc6-dev", "binutils", "libgmp-dev"}},
    };

    for (size_t i = 0; i < sizeof kits / sizeof *kits; i++)
        for (size_t j = 0; j < NAMES_MAX && kits[i].name[j]; j++)
            if (!strcmp(kits[i].name[j], name))
                return n < PACKAGES_MAX ? kits[i].package[n] : NULL;
    return NULL;
}

bool policy_whole(const char *name)
{
    static const char *const prefixes[] = {"gcc-", "g++-", "cpp", "clang-", "binutils"};
    size_t size = strlen(name);

    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (starts(name, prefixes[i]))
            return true;
    return size > 4 && !strcmp(name + size - 4, "-dev");
}

const char *policy_made(const char *package, unsigned n)
{
    static const char *const made[][2] = {
        {"at", "/var/spool/cron/atjobs/.SEQ"},
        {"ghc", "/var/lib/ghc"},
        {"libgdk-pixbuf-2.0-0", "/usr/lib/x86_64-linux-gnu/gdk-pixbuf-2.0/2.10.0/loaders.cache"},
        {"libglib2.0-0", "/usr/lib/x86_64-linux-gnu/gio/modules/giomodule.cache"},
        {"libglib2.0-0", "/usr/share/glib-2.0/schemas/gschemas.compiled"},
        {"shared-mime-info", "/usr/share/mime"},
        {"tex-common", "/var/lib/texmf"},
    };

    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        if (!strcmp(made[i][0], package) && !n--)
            return made[i][1];
    return NULL;
}

bool policy_reads(const char *path, enum grammar *grammar)
{
    static const char *const launchers[] = {"env",     "xargs",   "nohup",    "nice",   "timeout",
                                            "setsid",  "unshare", "setpriv",  "chrt",   "taskset",
                                            "prlimit", "runuser", "firejail", "numactl"};
    static const char *const languages[] = {"python", "perl", "ruby", "node",
                                            "lua",    "php",  "tclsh"};
    const char *name = base_name(path);

    *grammar = GRAMMAR_SHELL;
    if (policy_companion(path, 0) || policy_kit(name, 0))
        return true;
    for (size_t i = 0; i < sizeof launchers / sizeof *launchers; i++)
        if (!strcmp(launchers[i], name))
            return true;
    *grammar = GRAMMAR_STRINGS;
    for (size_t i = 0; i < sizeof languages / sizeof *languages; i++)
        if (starts(name, languages[i]))
            return true;
    return false;
}
