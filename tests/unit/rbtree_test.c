// sources: kernel/lib/rbtree.c
// flags: -Ikernel
/* The red-black tree against a sorted array: order, colours, parents, augmentation. */
#include "lib/rbtree.h"
#include "need.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct item {
    struct rb_node node;
    int key, weight;
    long sum; /* of weights in the subtree */
    bool in;
};

static struct item *item_of(struct rb_node *node)
{
    return container_of(node, struct item, node);
}

static long sum_of(struct rb_node *node)
{
    return node ? item_of(node)->sum : 0;
}

static void update(struct rb_node *node)
{
    item_of(node)->sum = item_of(node)->weight + sum_of(node->left) + sum_of(node->right);
}

static struct rb_tree tree = {.update = update};

/* Black height; checks colours, parents and sums. */
static int check_subtree(struct rb_node *node, struct rb_node *parent)
{
    int left, right;

    if (!node)
        return 1;
    NEED(node->parent == parent);
    NEED(!(node->red && parent && parent->red));
    left = check_subtree(node->left, node);
    right = check_subtree(node->right, node);
    NEED(left == right);
    NEED(item_of(node)->sum == item_of(node)->weight + sum_of(node->left) + sum_of(node->right));
    return left + !node->red;
}

static void check_tree(unsigned count)
{
    unsigned forward = 0, backward = 0;
    int last = -1;

    NEED(!tree.root || !tree.root->red);
    check_subtree(tree.root, NULL);
    for (struct rb_node *n = rb_first(&tree); n; n = rb_next(n), forward++) {
        NEED(item_of(n)->key >= last);
        last = item_of(n)->key;
    }
    for (struct rb_node *n = rb_last(&tree); n; n = rb_prev(n), backward++) {
        NEED(item_of(n)->key <= last);
        last = item_of(n)->key;
    }
    NEED(forward == count && backward == count);
}

static void insert(struct item *item)
{
    struct rb_node **link = &tree.root, *parent = NULL;

    while (*link) {
        parent = *link;
        link = item->key < item_of(parent)->key ? &parent->left : &parent->right;
    }
    rb_insert(&tree, &item->node, parent, link);
}

int main(void)
{
    static struct item items[300];
    unsigned count = 0;

    srand(1);
    check_tree(0);
    for (int round = 0; round < 60000; round++) {
        struct item *item = &items[rand() % (round < 30000 ? 300 : 12)];

        if (item->in && rand() % 4 == 0) {
            item->weight = rand() % 1000;
            rb_updated(&tree, &item->node);
        } else if (item->in) {
            rb_remove(&tree, &item->node);
            memset(&item->node, 0x5a, sizeof item->node);
            item->in = false;
            count--;
        } else {
            item->key = rand() % 100;
            item->weight = rand() % 1000;
            insert(item);
            item->in = true;
            count++;
        }
        if (round % 7 == 0)
            check_tree(count);
    }
    printf("rbtree_test: ok\n");
    return 0;
}
