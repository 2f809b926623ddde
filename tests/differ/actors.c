// Processes that may change for good.
#include "actors.h"
#include "families.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { TO_ACTORS = 50, OWN_END = 59 }; // descriptors

struct task {
    void (*run)(void);
    uint64_t seed;
};

static pid_t *pids; // shared by all
static void (*begin_with)(void);
int actor_now;

void actors_start(void (*begin)(void))
{
    begin_with = begin;
    pids = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int fd = 3; fd < SLOT_FIRST; fd++)
        close(fd);
}

pid_t actor_pid(int i)
{
    return pids[i];
}

int another_actor(void)
{
    int i = (int)below(ACTORS);
    arg(i == actor_now ? "itself" : "actor %d", i);
    return i;
}

static void act(void)
{
    struct task task;
    prctl(PR_SET_PDEATHSIG, SIGKILL); // some of the calls take that back: then the end of the file
    if (begin_with)
        begin_with();
    while (read(OWN_END, &task, sizeof(task)) == sizeof(task)) {
        rnd_seed(task.seed, 0);
        task.run();
        if (write(OWN_END, "", 1) != 1)
            break;
    }
    _exit(0);
}

static void begin_actor(int i)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        abort();
    pid_t pid = fork();
    if (pid < 0)
        abort();
    if (pid == 0) {
        dup3(ends[1], OWN_END, O_CLOEXEC);
        close(ends[0]);
        close(ends[1]);
        for (int fd = TO_ACTORS; fd < TO_ACTORS + ACTORS; fd++)
            close(fd);
        act();
    }
    dup3(ends[0], TO_ACTORS + i, O_CLOEXEC);
    close(ends[0]);
    close(ends[1]);
    pids[i] = pid;
}

static int end_actor(int i)
{
    int status = 0;
    close(TO_ACTORS + i);
    if (waitpid(pids[i], &status, __WALL) != pids[i])
        abort();
    pids[i] = 0;
    return status;
}

bool actor_does(void (*run)(void))
{
    struct task task = {run, rnd()};
    char done;
    actor_now = (int)below(ACTORS);
    say("actor %d ", actor_now);
    if (!pids[actor_now])
        begin_actor(actor_now);
    if (write(TO_ACTORS + actor_now, &task, sizeof(task)) == sizeof(task) &&
        read(TO_ACTORS + actor_now, &done, 1) == 1)
        return true;
    say(" ended: %#x", end_actor(actor_now));
    return false;
}

void run_one(const struct op *op)
{
    unsigned sum = 0;
    for (const struct op *o = op; o->run; o++)
        sum += o->weight;
    unsigned at = below(sum);
    while (at >= op->weight)
        at -= op++->weight;
    op->run();
}

void actor_leaves(void)
{
    int i = (int)below(ACTORS);
    say("actor %d leaves", i);
    if (pids[i])
        end_actor(i);
}

// --- what /proc tells ---

void show_ids(const char *status)
{
    static const char *const lines[] = {"Uid",    "Gid",    "Groups", "CapInh",     "CapPrm",
                                        "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp"};
    for (unsigned i = 0; i < COUNT(lines); i++) {
        char start[20];
        sprintf(start, "\n%s:\t", lines[i]);
        const char *at = strstr(status, start);
        if (!at)
            say(" %s:none", lines[i]);
        for (at = at ? at + strlen(start) : "", say(" "); *at && *at != '\n'; at++)
            say("%c", *at == '\t' ? '/' : *at);
    }
}

void show_status(int actor)
{
    char name[40], text[8192];
    sprintf(name, "%d/status", pids[actor]);
    int fd = openat(PROC, name, O_RDONLY);
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    show_ids(text);
}

// --- programs ---

static void write_line(const char *text)
{
    if (write(1, text, strlen(text)) < 0)
        _exit(3);
}

/* Prints what it is, then becomes the next program, if one is named. */
int helper_main(int argc, char **argv)
{
    char text[8192], line[200];
    for (int i = 2; i < argc; i++)
        if (argv[i][0] != '/')
            write_line(" "), write_line(argv[i]);
    sprintf(line, " secure=%lu ids=%lu/%lu/%lu/%lu dumpable=%d bits=%#x keep=%d death=", //
            getauxval(AT_SECURE), getauxval(AT_UID), getauxval(AT_EUID), getauxval(AT_GID),
            getauxval(AT_EGID), prctl(PR_GET_DUMPABLE), prctl(PR_GET_SECUREBITS),
            prctl(PR_GET_KEEPCAPS));
    write_line(line);
    int sig = -1, fd = openat(PROC, "self/status", O_RDONLY);
    prctl(PR_GET_PDEATHSIG, &sig);
    sprintf(line, "%d", sig);
    write_line(line);
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    for (char *at = text + (text[n > 0 ? n : 0] = 0), *next; *at; at = next) {
        next = strchrnul(at, '\n');
        if (*next)
            *next++ = 0;
        if (strncmp(at, "Cap", 3) == 0 || strncmp(at, "Gid", 3) == 0 || strncmp(at, "Uid", 3) == 0)
            write_line(" "), write_line(strchrnul(at, '\t') + 1);
    }
    if (argc > 2 && argv[argc - 1][0] == '/') {
        write_line(" then");
        execl(argv[argc - 1], argv[argc - 1], "--helper", NULL);
        write_line(error_name(errno));
    }
    return 0;
}

void show_run(int dirfd, const char *program, char *const argv[], int flags)
{
    char text[4096], *const env[] = {"A=b", NULL};
    int ends[2], status = 0;
    size_t got = 0;
    ssize_t n;
    if (pipe(ends) != 0)
        return say(" no pipe %s", error_name(errno));
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], 1);
        close(ends[0]);
        close(ends[1]);
        syscall(SYS_execveat, dirfd, program, argv, env, flags);
        write_line(" ");
        write_line(error_name(errno));
        _exit(0);
    }
    close(ends[1]);
    while (got < sizeof(text) - 1 && (n = read(ends[0], text + got, sizeof(text) - 1 - got)) > 0)
        got += n;
    text[got] = 0;
    close(ends[0]);
    waitpid(pid, &status, 0);
    for (char *at = text; *at; at++)
        if (*at == '\t')
            *at = '/';
    say("%s%s status %#x", pid < 0 ? error_name(errno) : "", text, status);
}
