/* The `osprey` command: run one unmodified Linux program as a virtual machine. */

#include "format.h"
#include "gather.h"
#include "help.h"
#include "options.h"
#include "passthrough.h"
#include "run.h"
#include "say.h"
#include "tsc.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* So that no file opened later gets one of their numbers. */
static void fill_standard_files(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

static int do_run(int argc, char **argv)
{
    struct options options;

    options_parse(&options, false, argc, argv);
    return run(&options);
}

static int do_build(int argc, char **argv)
{
    struct options options;

    options_parse(&options, true, argc, argv);
    gather_build(&options);
    return 0;
}

static int do_help(int argc, char **argv)
{
    if (!help(argc ? argv[0] : NULL))
        die(STATUS_FAILED, "help: no subcommand '%s'", argv[0]);
    return 0;
}

static int do_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    print_version();
    return 0;
}

static const struct {
    const char *name;
    int (*act)(int argc, char **argv);
} commands[] = {
    {"run", do_run},
    {"build", do_build},
    {"help", do_help},
    {"--help", do_help},
    {"-h", do_help},
    {"version", do_version},
    {"--version", do_version},
    {"cmdline", format_cmdline},
    {"passthrough", passthrough},
};

int main(int argc, char **argv)
{
    tsc_start();
    fill_standard_files();
    if (argc < 2) {
        help(NULL);
        return STATUS_FAILED;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (!strcmp(argv[1], commands[i].name))
            return commands[i].act(argc - 2, argv + 2);
    die(STATUS_FAILED, "unknown subcommand '%s' (try 'osprey help')", argv[1]);
}
