/* A program in as few words as possible; built in many ways of linking. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int zeroed[1000];
static const char *const words[] = {"hello", "from", "main"};

__attribute__((constructor)) static void before(void)
{
    zeroed[0]++;
}

static void after(void)
{
    puts("atexit");
}

int main(int argc, char **argv)
{
    atexit(after);
    for (int i = 0; i < 3; i++)
        printf("%s ", words[i]);
    printf("%d %d %.3f %s\n", argc, zeroed[0] + zeroed[999], strtod("2.5", NULL) * 2,
           argc > 1 ? argv[argc - 1] : "-");
    return argc;
}
