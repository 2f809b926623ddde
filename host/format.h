/* host/format.h: what `osprey build` writes: the root image alone, or something that a machine
 * boots. */
#pragma once

#include <stdbool.h>

enum format {
    FORMAT_IMAGE, /* the EROFS image for `osprey run --image` */
    FORMAT_RAW,
    FORMAT_QCOW2,
    FORMAT_VMDK,
    FORMAT_VDI,
    FORMAT_VHDX,
    FORMAT_ISO,
    FORMAT_ELF,
    FORMAT_NETBOOT,
    FORMAT_FIRECRACKER,
    FORMATS
};
extern const char *const format_names[FORMATS + 1]; /* with a NULL after the last */

/* How the kernel is packed in the formats that have it packed: LZ4 is unpacked in a tenth of the
 * time, LZMA is a quarter smaller. The default: what is loaded over a network has LZMA. */
enum compress { COMPRESS_DEFAULT, COMPRESS_LZ4, COMPRESS_LZMA, COMPRESSIONS };
extern const char *const compress_names[COMPRESSIONS + 1]; /* with a NULL after the last */

/* Is there a packed kernel in it? */
bool format_packs(enum format format);

/* The file with the kernel packed so: osprey.bin, osprey-lzma.bin. */
const char *format_kernel(enum format format, enum compress compress);

/* Make `output` of the root image and the command line; ends the command with one line when it
 * cannot. The root image's file stays. */
void format_write(enum format format, enum compress compress, const char *root, const char *cmdline,
                  const char *output);

/* A folder for a TFTP or HTTP server, made if it is missing: osprey.bin, root.erofs, cmdline,
 * boot.ipxe. */
void netboot_write(const char *kernel, const char *root, const char *cmdline, const char *folder);

/* `osprey cmdline IMAGE [LINE]`: print, or replace, the command line inside an image of any
 * format. The command's status. */
int format_cmdline(int argc, char **argv);
