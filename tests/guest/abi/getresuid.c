/* man 2 getresuid */
#include "abi.h"

static void bad_addresses(void)
{
    uid_t id;

    CHECK_ERRNO(CALL(getresuid, BAD, &id, &id), EFAULT);
    CHECK_ERRNO(CALL(getresuid, &id, BAD, &id), EFAULT);
    CHECK_ERRNO(CALL(getresuid, &id, &id, KERNEL), EFAULT);
}

static void results(void)
{
    uid_t r = 9, e = 9, s = 9;

    CHECK_EQ(CALL(setresuid, 11, 12, 13), 0);
    CHECK_EQ(CALL(getresuid, &r, &e, &s), 0);
    CHECK(r == 11 && e == 12 && s == 13);
}

int main(void)
{
    promise("getresuid: errors", bad_addresses);
    promise_apart("getresuid gives real, effective and saved user", results);
    return check_end();
}
