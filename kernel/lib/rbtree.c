/* Red-black tree with parent pointers (Cormen et al., Introduction to Algorithms, chapter 13;
 * leaves are NULL and black). */
#include "lib/rbtree.h"

static bool is_red(const struct rb_node *node)
{
    return node && node->red;
}

static void update_path(struct rb_tree *tree, struct rb_node *node)
{
    if (!tree->update)
        return;
    for (; node; node = node->parent)
        tree->update(node);
}

/* Put `new` where `old` hangs below its parent. */
static void replace_child(struct rb_tree *tree, struct rb_node *parent, struct rb_node *old,
                          struct rb_node *new)
{
    if (!parent)
        tree->root = new;
    else if (parent->left == old)
        parent->left = new;
    else
        parent->right = new;
    if (new)
        new->parent = parent;
}

/* The right child of `top` takes its place. */
static void rotate_left(struct rb_tree *tree, struct rb_node *top)
{
    struct rb_node *up = top->right;

    top->right = up->left;
    if (up->left)
        up->left->parent = top;
    replace_child(tree, top->parent, top, up);
    up->left = top;
    top->parent = up;
    if (tree->update) {
        tree->update(top);
        tree->update(up);
    }
}

static void rotate_right(struct rb_tree *tree, struct rb_node *top)
{
    struct rb_node *up = top->left;

    top->left = up->right;
    if (up->right)
        up->right->parent = top;
    replace_child(tree, top->parent, top, up);
    up->right = top;
    top->parent = up;
    if (tree->update) {
        tree->update(top);
        tree->update(up);
    }
}

/* node and parent are red: recolour upwards or rotate once or twice. */
static void fix_insert(struct rb_tree *tree, struct rb_node *node)
{
    struct rb_node *parent;

    while ((parent = node->parent) && parent->red) {
        struct rb_node *grand = parent->parent; /* exists: a red node is not the root */
        bool left = grand->left == parent;
        struct rb_node *uncle = left ? grand->right : grand->left;

        if (is_red(uncle)) {
            parent->red = uncle->red = false;
            grand->red = true;
            node = grand;
            continue;
        }
        if (left) {
            if (parent->right == node) {
                rotate_left(tree, parent);
                parent = node;
            }
            rotate_right(tree, grand);
        } else {
            if (parent->left == node) {
                rotate_right(tree, parent);
                parent = node;
            }
            rotate_left(tree, grand);
        }
        parent->red = false;
        grand->red = true;
        break;
    }
    tree->root->red = false;
}

void rb_insert(struct rb_tree *tree, struct rb_node *node, struct rb_node *parent,
               struct rb_node **link)
{
    node->parent = parent;
    node->left = node->right = NULL;
    node->red = parent != NULL;
    *link = node;
    update_path(tree, node);
    if (parent)
        fix_insert(tree, node);
}

/* The subtree `node` (may be NULL) below parent lacks one black node. */
static void fix_remove(struct rb_tree *tree, struct rb_node *parent, struct rb_node *node)
{
    while (parent && !is_red(node)) {
        bool left = parent->left == node;
        struct rb_node *sibling = left ? parent->right : parent->left;

        if (sibling->red) {
            sibling->red = false;
            parent->red = true;
            if (left)
                rotate_left(tree, parent);
            else
                rotate_right(tree, parent);
            sibling = left ? parent->right : parent->left;
        }
        if (!is_red(sibling->left) && !is_red(sibling->right)) {
            sibling->red = true;
            node = parent;
            parent = node->parent;
            continue;
        }
        if (left) {
            if (!is_red(sibling->right)) {
                sibling->left->red = false;
                sibling->red = true;
                rotate_right(tree, sibling);
                sibling = parent->right;
            }
            sibling->right->red = false;
        } else {
            if (!is_red(sibling->left)) {
                sibling->right->red = false;
                sibling->red = true;
                rotate_left(tree, sibling);
                sibling = parent->left;
            }
            sibling->left->red = false;
        }
        sibling->red = parent->red;
        parent->red = false;
        if (left)
            rotate_left(tree, parent);
        else
            rotate_right(tree, parent);
        return;
    }
    if (node)
        node->red = false;
}

/* Unlink a node with two children: its successor takes its place and colour. Returns whether a
 * black node is missing, and where. */
static bool unlink_inner(struct rb_tree *tree, struct rb_node *node, struct rb_node **parent,
                         struct rb_node **child)
{
    struct rb_node *next = node->right;
    bool was_black;

    while (next->left)
        next = next->left;
    was_black = !next->red;
    *child = next->right;
    if (next->parent == node) {
        *parent = next;
    } else {
        *parent = next->parent;
        replace_child(tree, next->parent, next, next->right);
        next->right = node->right;
        next->right->parent = next;
    }
    replace_child(tree, node->parent, node, next);
    next->left = node->left;
    next->left->parent = next;
    next->red = node->red;
    return was_black;
}

void rb_remove(struct rb_tree *tree, struct rb_node *node)
{
    struct rb_node *parent, *child;
    bool was_black;

    if (node->left && node->right) {
        was_black = unlink_inner(tree, node, &parent, &child);
    } else {
        parent = node->parent;
        child = node->left ? node->left : node->right;
        was_black = !node->red;
        replace_child(tree, parent, node, child);
    }
    update_path(tree, parent);
    if (was_black)
        fix_remove(tree, parent, child);
}

void rb_updated(struct rb_tree *tree, struct rb_node *node)
{
    update_path(tree, node);
}

struct rb_node *rb_first(const struct rb_tree *tree)
{
    struct rb_node *node = tree->root;

    while (node && node->left)
        node = node->left;
    return node;
}

struct rb_node *rb_last(const struct rb_tree *tree)
{
    struct rb_node *node = tree->root;

    while (node && node->right)
        node = node->right;
    return node;
}

struct rb_node *rb_next(const struct rb_node *node)
{
    if (node->right) {
        node = node->right;
        while (node->left)
            node = node->left;
        return (struct rb_node *)node;
    }
    while (node->parent && node->parent->right == node)
        node = node->parent;
    return node->parent;
}

struct rb_node *rb_prev(const struct rb_node *node)
{
    if (node->left) {
        node = node->left;
        while (node->right)
            node = node->right;
        return (struct rb_node *)node;
    }
    while (node->parent && node->parent->left == node)
        node = node->parent;
    return node->parent;
}
