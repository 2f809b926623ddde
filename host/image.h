/* host/image.h: EROFS images: make one of a tree, and look at one before it is run. */
#pragma once

#include "tree.h"

/* Write the tree as an uncompressed EROFS image of 4 KiB blocks to `file`, by mkfs.erofs from a
 * folder staged below `scratch` (an existing folder on a file system with room for it; cleaned
 * up afterwards, also when the command is ended). `name` is the 32 hexadecimal digits which become
 * the file system's UUID. Ends the command with one line when it fails. */
void image_write(const struct tree *tree, const char *file, const char *scratch, const char *name);

/* The size of an image, rounded up to 4 KiB. Ends the command with one line if the file cannot be
 * read or its superblock is not one of an image that the kernel takes. */
uint64_t image_check(const char *file);

/* The same on bytes (the first 4 KiB of a file of `size` bytes): NULL, or what is wrong. */
const char *image_fault(const void *start, size_t start_size, uint64_t size);

/* The first block of an image was changed: set its superblock's checksum right, if it has one. */
void image_seal(void *start);

/* The tool that makes images, or NULL if it is not installed. */
const char *image_tool(void);

/* Remove a stage that an ended command left behind. */
void image_remove_stage(const char *path);
