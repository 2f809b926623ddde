/* Random bytes, a line of them every 20 ms, until the machine is ended. */
#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

int main(void)
{
    uint64_t v[2];

    while (getrandom(v, sizeof(v), 0) == sizeof(v)) {
        printf("draw %016lx%016lx\n", v[0], v[1]);
        fflush(stdout);
        usleep(20000);
    }
    return 1;
}
