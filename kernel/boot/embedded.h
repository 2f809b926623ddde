/* boot/embedded.h: what `osprey build --format elf` puts behind the kernel in one file: the root
 * image and a command line. The command finds the struct by its magic (host/elf_image.c). */
#pragma once

#include "core/boot.h"

/* Into *info: the root image unless the loader brought one, and the image's own command line. */
void embedded_take(struct boot_info *info);
