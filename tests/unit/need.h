/* need.h: for unit tests that end at the first thing that is wrong. */
#ifndef NEED_H
#define NEED_H

#include <stdio.h>

/* <stdlib.h> and some headers of the kernel do not agree. */
void exit(int status) __attribute__((noreturn));

#define NEED(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            printf("not ok - %s:%d: %s\n", __FILE__, __LINE__, #cond);                             \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

#endif
