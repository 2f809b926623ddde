/* host/text.h: growing byte strings, lists of words, and a map from strings to numbers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes, always followed by a NUL that does not count. All zero is an empty text. */
struct text {
    char *data;
    size_t size;
    size_t room;
};

void text_add(struct text *text, const void *bytes, size_t size);
void text_str(struct text *text, const char *string);
void text_char(struct text *text, char c);
void text_format(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_free(struct text *text);

/* A list of strings that it owns, with a NULL after the last. All zero is an empty list. */
struct words {
    char **item;
    size_t count;
    size_t room;
};

void words_add(struct words *words, const char *word);
void words_addf(struct words *words, const char *format, ...) __attribute__((format(printf, 2, 3)));
void words_free(struct words *words);

/* Strings to numbers; open addressing. Keys stay the caller's. All zero is an empty map. */
struct map {
    struct map_slot *slot;
    size_t count;
    size_t room;
};

/* The number that `key` was given, or -1. */
long map_get(const struct map *map, const char *key);

/* Give `key` a number, 0 or more; the last one given counts. */
void map_put(struct map *map, const char *key, long value);
void map_free(struct map *map);
