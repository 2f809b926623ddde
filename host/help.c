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
    "  osprey help [run|build|cmdline|passthrough]    the options\n"
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

static const char cmdline_help[] =
    "osprey cmdline IMAGE          print the command line inside an image of any format\n"
    "osprey cmdline IMAGE 'LINE'   put another one in its place\n"
    "\n"
    "IMAGE is what `osprey build` wrote, a folder for netboot and firecracker. Words of the "
    "kernel,\n"
    "then -- and the program with its arguments: docs/host-guest.md.\n";

static const char passthrough_help[] =
    "osprey passthrough [--dry-run] [--back] ADDR\n"
    "\n"
    "Gives the PCI device at ADDR (03:00.0; lspci -D lists them) to the kernel's driver vfio-pci, "
    "so\n"
    "that `osprey run --device ADDR` can give it to a VM. This takes root and an IOMMU.\n"
    "\n"
    "  --back      give it back to its own driver\n"
    "  --dry-run   print what would be written, and stop\n";

bool help(const char *topic)
{
    if (!topic) {
        fputs(overview, stdout);
        return true;
    }
    if (!strcmp(topic, "cmdline") || !strcmp(topic, "passthrough")) {
        fputs(topic[0] == 'c' ? cmdline_help : passthrough_help, stdout);
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
