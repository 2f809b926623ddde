/* man 2 time */
#include "abi.h"

static void results(void)
{
    time_t now = 0, before = time(NULL), said = CALL(time, &now);

    CHECK(said == now && now >= before && now < before + 60);
    CHECK(CALL(time, NULL) >= now);
    CHECK_ERRNO(CALL(time, BAD), EFAULT);
}

int main(void)
{
    promise("time: results and errors", results);
    return check_end();
}
