/* host/calls.h: which programs and files the text of a script or a makefile names.
 *
 * A guess, made to bring too much rather than too little: what a word names is for the caller to
 * find out. Pure; a text may hold any bytes.
 */
#pragma once

#include "text.h"

enum grammar {
    GRAMMAR_SHELL,
    GRAMMAR_MAKE,
    GRAMMAR_STRINGS, /* another language: what stands in quotes is a command's line or a word of
                        it, if the text starts programs at all */
};

struct calls {
    struct words programs;  /* words where a command stands; each one once */
    struct words files;     /* the other words */
    struct words folders;   /* where `cd`, `-C` and `-I` lead, and what git clones */
    struct words libraries; /* NAME of -lNAME */
    struct words keys;      /* what is in these lists: a letter for the list and the word */
    struct map seen;        /* these keys */
    bool starts;            /* a text in another language starts programs */
    bool moved;             /* `cd` was met */
    bool makes_here;        /* make was called, and not behind a `cd` */
    bool git_here;          /* git was, for something else than a clone */
};

/* Add what the text names. Words of more than 255 bytes and those behind the first 10,000 are
 * passed over. */
void calls_scan(struct calls *calls, enum grammar grammar, const char *text, size_t size);

void calls_free(struct calls *calls);
