#include "quote.h"

#include <string.h>

static bool plain(const char *word, const char *also)
{
    if (!*word)
        return false;
    for (; *word; word++) {
        bool letter = (*word >= 'a' && *word <= 'z') || (*word >= 'A' && *word <= 'Z');
        bool digit = *word >= '0' && *word <= '9';
        if (!letter && !digit && !strchr(also, *word))
            return false;
    }
    return true;
}

static void kernel_char(struct text *line, unsigned char c)
{
    if (c == '"' || c == '\\')
        text_format(line, "\\%c", c);
    else if (c == '\n')
        text_str(line, "\\n");
    else if (c == '\t')
        text_str(line, "\\t");
    else if (c < ' ' || c >= 127)
        text_format(line, "\\x%02x", c);
    else
        text_char(line, (char)c);
}

void quote_kernel(struct text *line, const char *word)
{
    if (line->size)
        text_char(line, ' ');
    if (plain(word, "_@%+=:,./-!#$&'()*;<>?[]^`{|}~")) {
        text_str(line, word);
        return;
    }
    text_char(line, '"');
    for (; *word; word++)
        kernel_char(line, (unsigned char)*word);
    text_char(line, '"');
}

void quote_shell(struct text *line, const char *word)
{
    if (line->size)
        text_char(line, ' ');
    if (plain(word, "_@%+=:,./-")) {
        text_str(line, word);
        return;
    }
    text_char(line, '\'');
    for (; *word; word++) {
        if (*word == '\'')
            text_str(line, "'\\''");
        else
            text_char(line, *word);
    }
    text_char(line, '\'');
}
