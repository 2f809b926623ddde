/* host/cache.h: images and plans kept in ${XDG_CACHE_HOME:-~/.cache}/osprey.
 *
 * images/HASH.erofs is an image named by what is in it. plans/HASH says for a request (options,
 * arguments, environment) which image it led to and in what state everything was that was looked
 * at, so that the same request need not be worked out again. Several commands may use the cache
 * at once: files appear by rename(2), and one image is made under a lock.
 */
#pragma once

#include "sha256.h"
#include "tree.h"

/* What a request led to. */
struct plan {
    char image[PATH_MAX]; /* the image's file */
    char *path;           /* of the program in the image */
    struct words argv;
};

/* The cache's folder, made if need be; ends the command if that is not possible. */
const char *cache_folder(void);

/* The plan for a request, if there is one and nothing changed since and its image still exists,
 * which then counts as just used. */
bool plan_load(struct plan *plan, const char *request);

/* Keep a plan. Failure to write it only costs time later, and is not told. */
void plan_store(const struct plan *plan, const char *request, const struct tree *tree);

/* The file of the image with this content, made if it is not there. When images have grown
 * beyond 4 GiB, the ones unused for longest go. */
void cache_image(const struct tree *tree, char file[PATH_MAX]);

/* The hash that names the tree's content. */
void tree_name(const struct tree *tree, char name[33]);
