/* man 2 getrandom */
#include "abi.h"
#include <sys/random.h>

static void results(void)
{
    static unsigned char a[1 << 16], b[1 << 16];
    unsigned long sum = 0;

    CHECK_EQ(CALL(getrandom, a, sizeof a, 0), sizeof a);
    CHECK_EQ(CALL(getrandom, b, sizeof b, GRND_NONBLOCK), sizeof b);
    CHECK(memcmp(a, b, sizeof a) != 0);
    for (unsigned i = 0; i < sizeof a; i++)
        sum += a[i];
    CHECK(sum > 120ul * sizeof a && sum < 135ul * sizeof a);
    CHECK_EQ(CALL(getrandom, a, 16, GRND_RANDOM), 16);
    CHECK_EQ(CALL(getrandom, a, 16, GRND_INSECURE), 16);
    CHECK_EQ(CALL(getrandom, a, 0, 0), 0);
    CHECK_ERRNO(CALL(getrandom, a, 16, 8), EINVAL);
    CHECK_ERRNO(CALL(getrandom, a, 16, GRND_RANDOM | GRND_INSECURE), EINVAL);
    CHECK_ERRNO(CALL(getrandom, BAD, 16, 0), EFAULT);
    CHECK_EQ(CALL(getrandom, edge() - 5, 100, 0), 5);
}

int main(void)
{
    promise("getrandom: results and errors", results);
    return check_end();
}
