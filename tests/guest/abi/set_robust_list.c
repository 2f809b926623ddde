/* man 2 set_robust_list */
#include "abi.h"
#include <linux/futex.h>
#include <stddef.h>

static void results(void)
{
    static struct robust_list_head head = {{&head.list}, 0, NULL};
    void *got = NULL;
    size_t size = 0;

    CHECK_EQ(CALL(set_robust_list, &head, sizeof head), 0);
    CHECK(CALL(get_robust_list, 0, &got, &size) == 0 && got == &head);
    CHECK_ERRNO(CALL(set_robust_list, &head, sizeof head - 1), EINVAL);
    CHECK_EQ(CALL(set_robust_list, NULL, sizeof head), 0); /* none any more */
}

struct held {
    struct robust_list_head head;
    uintptr_t next; /* an entry */
    uint32_t word;
};

/* What becomes of a word that a thread holds when it ends; nothing follows its entry that could be
 * read. */
static uint32_t after_the_end(bool pending)
{
    struct held *held = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (held == MAP_FAILED)
        return 0;
    pid_t pid = start();
    if (pid == 0) {
        held->head.futex_offset = offsetof(struct held, word) - offsetof(struct held, next);
        held->head.list.next = (void *)((uintptr_t)&held->next | 1); /* with inheritance */
        held->head.list_op_pending = pending ? (void *)&held->next : NULL;
        held->next = (uintptr_t)BAD;
        held->word = (uint32_t)CALL(gettid) | FUTEX_WAITERS;
        _exit(CALL(set_robust_list, &held->head, sizeof held->head) ? 1 : 0);
    }
    CHECK_EQ(end_of(pid), 0);
    return held->word == ((uint32_t)pid | FUTEX_WAITERS) ? 1 : held->word;
}

static void pending(void)
{
    CHECK_EQ(after_the_end(false), FUTEX_WAITERS | FUTEX_OWNER_DIED);
    CHECK_EQ(after_the_end(true), 1); /* left for last, which does not come */
}

int main(void)
{
    promise_apart("set_robust_list: results and errors", results);
    promise("set_robust_list: an entry that is pending", pending);
    return check_end();
}
