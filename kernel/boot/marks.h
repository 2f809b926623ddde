/* boot/marks.h: what our own loader leaves for the kernel beside Linux' protocol. For assembly and
 * C. */
#pragma once

/* In boot_params, where Linux has nothing that we look at: the time-stamp counter at the loader's
 * first instruction, behind a mark. */
#define LOADER_TSC_AT   0x290
#define LOADER_TSC_MARK 0x5450534f /* "OSPT", 4 bytes of 0, the counter */

/* There too, if that is: the counter where the loader began to unpack the kernel. */
#define LOADER_UNPACK_AT 0x2b0

/* There too: the disk that our loader came from, by the signature in its boot sector. */
#define LOADER_DISK_AT   0x2a0
#define LOADER_DISK_MARK 0x4450534f /* "OSPD", the signature */
