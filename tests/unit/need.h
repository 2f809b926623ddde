/* need.h: for unit tests that end at the first thing that is wrong. */
#ifndef NEED_H
#define NEED_H

#include <stdio.h>
#include <stdlib.h>

#define NEED(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            printf("not ok - line %d: %s\n", __LINE__, #cond);                                     \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

#endif
