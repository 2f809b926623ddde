/* man 2 ustat */
#include "abi.h"

struct ustat_answer {
    int tfree;
    long tinode;
    char fname[6], fpack[6];
};

static void results(void)
{
    struct ustat_answer answer;
    struct stat st;

    NEED(stat("/proc", &st) == 0);
    memset(&answer, 0xff, sizeof answer);
    CHECK_EQ(CALL(ustat, st.st_dev, &answer), 0);
    CHECK(answer.fname[0] == 0 && answer.fpack[0] == 0);
    CHECK_ERRNO(CALL(ustat, 0xfffff, &answer), EINVAL);
    CHECK_ERRNO(CALL(ustat, st.st_dev, BAD), EFAULT);
}

int main(void)
{
    promise("ustat: results and errors", results);
    return check_end();
}
