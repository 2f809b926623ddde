#include "help.h"

#include "options.h"

#include <stdio.h>
#include <string.h>

#define VERSION "0.1"

static const char overview[] =
    "Osprey runs one unmodified Linux program as a virtual machine.\n"
    "\n"
    "  osprey run [OPTIONS] PROGRAM [ARGS]            run a program of this system\n"
    "  osprey run [OPTIONS] --image FILE [PROGRAM ARGS]   run an image\n"
    "  osprey build [OPTIONS] -o FILE PROGRAM [ARGS]  make an image that runs the program\n"
    "  osprey cmdline IMAGE ['LINE']                  print or replace an image's command line\n"
    "  osprey passthrough [--back] ADDR               give a PCI device of this machine to VMs\n"
    "  osprey help [run|build]                        the options\n"
    "  osprey version\n"
    "\n"
    "The status is the program's; 121: the kernel panicked, 124: --timeout expired, 125: the\n"
    "command failed, 126: PROGRAM cannot be run, 127: PROGRAM or a library is not there.\n";

static const char run_head[] =
    "osprey run [OPTIONS] PROGRAM [ARGS]\n"
    "\n"
    "Boots a virtual machine whose only content is PROGRAM and what it needs: its libraries, the\n"
    "data of its Debian package, the files that ARGS name. -- ends the options.\n"
    "\n";

static const char build_head[] =
    "osprey build [OPTIONS] -o FILE PROGRAM [ARGS]\n"
    "\n"
    "Writes the image (an EROFS file system) that `osprey run PROGRAM ARGS` would boot.\n"
    "`osprey run --image FILE` runs it. With --format it becomes something that a machine\n"
    "boots without this command: docs/boot.md.\n"
    "\n";

bool help(const char *topic)
{
    if (!topic) {
        fputs(overview, stdout);
        return true;
    }
    bool build = !strcmp(topic, "build");
    if (!build && strcmp(topic, "run"))
        return false;
    fputs(build ? build_head : run_head, stdout);
    options_help(build);
    return true;
}

void print_version(void)
{
    puts("osprey " VERSION);
}
