/* tsc.c: prints the rate of this machine's time-stamp counter in kHz, which QEMU shows to guests:
 * a guest that finds it out by itself on a busy host may get it wrong, or give it up. */
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

static double now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
    return ts.tv_sec * 1e3 + ts.tv_nsec / 1e6;
}

int main(void)
{
    double start = now_ms(), took;
    unsigned long long first = __rdtsc(), last;

    do {
        last = __rdtsc();
        took = now_ms() - start;
    } while (took < 2000);
    printf("%.0f\n", (double)(last - first) / took);
    return 0;
}
