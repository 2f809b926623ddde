/* man 2 set_tid_address */
#include "abi.h"
#include <linux/futex.h>

static void results(void)
{
    int *word = shared_memory(4096);
    pid_t pid;

    NEED(word && (pid = start()) >= 0);
    if (pid == 0) {
        *word = 77;
        _exit(CALL(set_tid_address, word) != getpid());
    }
    CHECK_EQ(end_of(pid), 0);
    CHECK_EQ(*word, 77); /* cleared for sharers of the memory only */
}

int main(void)
{
    promise("set_tid_address returns the thread's id", results);
    return check_end();
}
