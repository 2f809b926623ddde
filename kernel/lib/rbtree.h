/* lib/rbtree.h: intrusive balanced binary tree (red-black), with an optional augmentation.
 * No locking of its own; any context. */
#pragma once

#include "lib/types.h"

struct rb_node {
    struct rb_node *parent, *left, *right;
    bool red;
};

struct rb_tree {
    struct rb_node *root;
    /* Recompute what the node keeps about its subtree from its children; NULL: nothing. */
    void (*update)(struct rb_node *node);
};

/* Link node below parent at *link (found by the caller's search), rebalance. */
void rb_insert(struct rb_tree *tree, struct rb_node *node, struct rb_node *parent,
               struct rb_node **link);
void rb_remove(struct rb_tree *tree, struct rb_node *node);

/* The node's own key data changed: bring the augmentation up to the root up to date. */
void rb_updated(struct rb_tree *tree, struct rb_node *node);

struct rb_node *rb_first(const struct rb_tree *tree);
struct rb_node *rb_last(const struct rb_tree *tree);
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);
