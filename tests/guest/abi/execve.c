/* man 2 execve */
#include "abi.h"

static char *const no_env[] = {NULL};

static int run(const char *path, char *const args[], char *const env[])
{
    pid_t pid = start();

    if (pid == 0) {
        CALL(execve, path, args, env);
        _exit(200 + (errno & 31));
    }
    return end_of(pid);
}

static void results(void)
{
    char *const args[] = {"name", "child", "", "last", NULL}, *const env[] = {"A=1", NULL};

    CHECK_EQ(run("/proc/self/exe", args, env), 3);
    int script = open("script", O_CREAT | O_WRONLY, 0755);
    dprintf(script, "#!/proc/self/exe child script\nrest");
    close(script);
}

static void errors(void)
{
    char *const args[] = {"x", NULL};
    static char huge[33 * 4096 + 1];
    char *const too_long[] = {"x", huge, NULL};

    memset(huge, 'a', sizeof huge - 1);
    close(file_with("plain", "no program"));
    close(file_with("empty", ""));
    chmod("empty", 0755);
    CHECK_ERRNO(CALL(execve, "absent", args, no_env), ENOENT);
    CHECK_ERRNO(CALL(execve, "plain", args, no_env), EACCES);
    CHECK_ERRNO(CALL(execve, "empty", args, no_env), ENOEXEC);
    chmod("plain", 0755);
    CHECK_ERRNO(CALL(execve, "plain", args, no_env), ENOEXEC);
    CHECK_ERRNO(CALL(execve, ".", args, no_env), EACCES);
    CHECK_ERRNO(CALL(execve, "plain/x", args, no_env), ENOTDIR);
    CHECK_ERRNO(CALL(execve, BAD, args, no_env), EFAULT);
    CHECK_ERRNO(CALL(execve, "/proc/self/exe", BAD, no_env), EFAULT);
    CHECK_ERRNO(CALL(execve, "/proc/self/exe", args, BAD), EFAULT);
    CHECK_ERRNO(CALL(execve, "/proc/self/exe", too_long, no_env), E2BIG);
    int fd = open("script", O_CREAT | O_WRONLY | O_TRUNC, 0755);
    dprintf(fd, "#!absent-interpreter\n");
    close(fd);
    CHECK_ERRNO(CALL(execve, "script", args, no_env), ENOENT);
    fd = open("plain", O_WRONLY);
    CHECK_ERRNO(CALL(execve, "plain", args, no_env), ETXTBSY);
    close(fd);
}

static void state(void)
{
    char *const args[] = {"name", "state", NULL};
    int kept = dup2(1, 50);
    pid_t pid;

    fcntl(dup2(1, 51), F_SETFD, FD_CLOEXEC);
    NEED(kept == 50 && (pid = start()) >= 0);
    if (pid == 0) {
        sigset_t set;

        signal(SIGUSR1, SIG_IGN);
        signal(SIGUSR2, _exit);
        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigprocmask(SIG_SETMASK, &set, NULL);
        CALL(execve, "/proc/self/exe", args, no_env);
        _exit(99);
    }
    CHECK_EQ(end_of(pid), 0);
}

/* What is left after exec: 0, or which check failed. */
static int state_after(void)
{
    struct sigaction act;
    sigset_t set;

    if (fcntl(50, F_GETFD) != 0 || fcntl(51, F_GETFD) != -1)
        return 1;
    if (sigaction(SIGUSR1, NULL, &act) || act.sa_handler != SIG_IGN)
        return 2;
    if (sigaction(SIGUSR2, NULL, &act) || act.sa_handler != SIG_DFL)
        return 3;
    sigprocmask(SIG_BLOCK, NULL, &set);
    return sigismember(&set, SIGTERM) ? 0 : 4;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "state") == 0)
        return state_after();
    if (argc > 1)
        return argc == 4 && !*argv[2] && strcmp(getenv("A"), "1") == 0 ? 3 : 4;
    enter_fresh_dir();
    promise("execve hands over arguments and environment", results);
    promise("execve: errors", errors);
    promise("what stays and what goes", state);
    return check_end();
}
