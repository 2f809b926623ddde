/* A library of the program's own, found by RUNPATH or opened by dlopen. */
#include <stdio.h>

__thread int greetings;

void greet(const char *name)
{
    printf("greeting %d to %s\n", ++greetings, name);
}
