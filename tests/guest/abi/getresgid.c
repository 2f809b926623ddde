/* man 2 getresgid */
#include "abi.h"

static void bad_addresses(void)
{
    gid_t id;

    CHECK_ERRNO(CALL(getresgid, BAD, &id, &id), EFAULT);
    CHECK_ERRNO(CALL(getresgid, &id, BAD, &id), EFAULT);
    CHECK_ERRNO(CALL(getresgid, &id, &id, KERNEL), EFAULT);
}

static void results(void)
{
    gid_t r = 9, e = 9, s = 9;

    CHECK_EQ(CALL(setresgid, 11, 12, 13), 0);
    CHECK_EQ(CALL(getresgid, &r, &e, &s), 0);
    CHECK(r == 11 && e == 12 && s == 13);
}

int main(void)
{
    promise("getresgid: errors", bad_addresses);
    promise_apart("getresgid gives real, effective and saved group", results);
    return check_end();
}
