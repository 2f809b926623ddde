#include "text.h"

#include "say.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void text_reserve(struct text *text, size_t more)
{
    size_t room = text->room ? text->room : 64;

    while (room - text->size <= more)
        room *= 2;
    if (room != text->room)
        text->data = remake(text->data, room, 1);
    text->room = room;
}

void text_add(struct text *text, const void *bytes, size_t size)
{
    text_reserve(text, size);
    if (size)
        memcpy(text->data + text->size, bytes, size);
    text->size += size;
    text->data[text->size] = 0;
}

void text_str(struct text *text, const char *string)
{
    text_add(text, string, strlen(string));
}

void text_char(struct text *text, char c)
{
    text_add(text, &c, 1);
}

void text_format(struct text *text, const char *format, ...)
{
    va_list args, again;

    va_start(args, format);
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    text_reserve(text, (size_t)size);
    vsnprintf(text->data + text->size, (size_t)size + 1, format, again);
    text->size += (size_t)size;
    va_end(again);
    va_end(args);
}

void text_free(struct text *text)
{
    free(text->data);
    *text = (struct text){0};
}

static void words_own(struct words *words, char *word)
{
    if (words->count + 1 >= words->room) {
        words->room = words->room ? 2 * words->room : 16;
        words->item = remake(words->item, words->room, sizeof *words->item);
    }
    words->item[words->count++] = word;
    words->item[words->count] = NULL;
}

void words_add(struct words *words, const char *word)
{
    words_own(words, copy(word));
}

void words_addf(struct words *words, const char *format, ...)
{
    char *word;
    va_list args;

    va_start(args, format);
    if (vasprintf(&word, format, args) < 0)
        die(STATUS_FAILED, "out of memory");
    va_end(args);
    words_own(words, word);
}

void words_free(struct words *words)
{
    for (size_t i = 0; i < words->count; i++)
        free(words->item[i]);
    free(words->item);
    *words = (struct words){0};
}

struct map_slot {
    const char *key;
    uint32_t hash;
    long value;
};

/* FNV-1a. */
static uint32_t hash_of(const char *key)
{
    uint32_t hash = 2166136261u;

    for (; *key; key++)
        hash = (hash ^ (unsigned char)*key) * 16777619u;
    return hash;
}

static struct map_slot *map_find(const struct map *map, const char *key, uint32_t hash)
{
    for (size_t i = hash & (map->room - 1);; i = (i + 1) & (map->room - 1)) {
        struct map_slot *slot = &map->slot[i];
        if (!slot->key || (slot->hash == hash && !strcmp(slot->key, key)))
            return slot;
    }
}

static void map_grow(struct map *map)
{
    struct map bigger = {.room = map->room ? 2 * map->room : 256, .count = map->count};

    bigger.slot = make(bigger.room * sizeof *bigger.slot);
    for (size_t i = 0; i < map->room; i++) {
        struct map_slot *old = &map->slot[i];
        if (old->key)
            *map_find(&bigger, old->key, old->hash) = *old;
    }
    free(map->slot);
    *map = bigger;
}

long map_get(const struct map *map, const char *key)
{
    if (!map->room)
        return -1;
    struct map_slot *slot = map_find(map, key, hash_of(key));
    return slot->key ? slot->value : -1;
}

void map_put(struct map *map, const char *key, long value)
{
    if (2 * (map->count + 1) > map->room)
        map_grow(map);
    uint32_t hash = hash_of(key);
    struct map_slot *slot = map_find(map, key, hash);
    map->count += !slot->key;
    *slot = (struct map_slot){.key = slot->key ? slot->key : key, .hash = hash, .value = value};
}

void map_free(struct map *map)
{
    free(map->slot);
    *map = (struct map){0};
}
