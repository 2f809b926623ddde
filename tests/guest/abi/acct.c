/* man 2 acct, man 5 acct */
#include "abi.h"
#include <sys/acct.h>
#include <sys/mman.h>

static bool absent(void)
{
    return CALL(acct, NULL) < 0 && (errno == ENOSYS || (errno == EPERM && !inside_osprey()));
}

static void ends(void *status)
{
    _exit((int)(long)status);
}

/* What is said of the process; false: nothing. */
static bool find(const char *file, pid_t pid, struct acct_v3 *record)
{
    int fd = open(file, O_RDONLY);
    bool found = false;

    while (!found && read(fd, record, sizeof(*record)) == (ssize_t)sizeof(*record))
        found = (pid_t)record->ac_pid == pid;
    close(fd);
    return found;
}

static void records(void)
{
    struct acct_v3 r;
    time_t before = time(NULL);
    pid_t exits, killed;
    float elapsed;
    int fd;

    if (absent())
        SKIP("a kernel without CONFIG_BSD_PROCESS_ACCT");
    fd = creat("log", 0600);
    NEED(fd >= 0 && CALL(acct, "log") == 0);
    exits = fork();
    if (exits == 0)
        ends((void *)7);
    CHECK_EQ(end_of(exits), 7);
    killed = fork();
    if (killed == 0) {
        raise(SIGKILL);
        _exit(0);
    }
    waitpid(killed, NULL, 0);
    CHECK_EQ(CALL(acct, NULL), 0);
    NEED(find("log", exits, &r));
    CHECK(r.ac_version == 3 && r.ac_flag & AFORK && !(r.ac_flag & AXSIG));
    CHECK(r.ac_exitcode == 7 << 8 && r.ac_ppid == (uint32_t)getpid() && r.ac_uid == getuid());
    CHECK(r.ac_btime + 2 >= before && r.ac_btime <= time(NULL) + 1);
    memcpy(&elapsed, &r.ac_etime, sizeof(elapsed));
    CHECK(elapsed >= 0 && elapsed < 100 * 600);
    CHECK(!strncmp(r.ac_comm, "acct", 4));
    NEED(find("log", killed, &r));
    CHECK(r.ac_flag & AXSIG && (r.ac_exitcode & 0x7f) == SIGKILL);
}

static void stays_off(void)
{
    struct acct_v3 r;
    pid_t pid;

    if (absent())
        SKIP("a kernel without CONFIG_BSD_PROCESS_ACCT");
    close(creat("quiet", 0600));
    NEED(CALL(acct, "quiet") == 0 && CALL(acct, NULL) == 0);
    pid = fork();
    if (pid == 0)
        _exit(0);
    CHECK_EQ(end_of(pid), 0);
    CHECK(!find("quiet", pid, &r));
}

static void errors(void)
{
    if (absent())
        SKIP("a kernel without CONFIG_BSD_PROCESS_ACCT");
    CHECK_ERRNO(CALL(acct, "nothing"), ENOENT);
    CHECK_ERRNO(CALL(acct, ""), ENOENT);
    CHECK_ERRNO(CALL(acct, "."), EISDIR);
    CHECK_ERRNO(CALL(acct, "/dev/null"), EACCES);
    CHECK_ERRNO(CALL(acct, BAD), EFAULT);
    become_nobody();
    CHECK_ERRNO(CALL(acct, NULL), EPERM);
    CHECK_ERRNO(CALL(acct, "log"), EPERM);
}

int main(void)
{
    enter_fresh_dir();
    promise("acct: a record of each process", records);
    promise("acct: off again", stays_off);
    promise_apart("acct: errors", errors);
    return check_end();
}
