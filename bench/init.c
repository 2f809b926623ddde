/* init.c: process 1 of the Linux guest: mounts, runs one program after another with its own
 * arguments, powers off. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    static char *const programs[] = {"/ubench", "/ubench-dynamic"};

    (void)argc;
    mount("proc", "/proc", "proc", 0, NULL);
    mount("dev", "/dev", "devtmpfs", 0, NULL);
    mount("tmp", "/tmp", "tmpfs", 0, NULL);
    for (int i = 0; i < 2; i++) {
        pid_t pid;

        if (access(programs[i], X_OK) != 0)
            continue;
        printf("program %s\n", programs[i]);
        fflush(stdout);
        pid = fork();
        if (pid == 0) {
            argv[0] = programs[i];
            execv(programs[i], argv);
            _exit(127);
        }
        waitpid(pid, NULL, 0);
    }
    puts("end");
    fflush(stdout);
    reboot(RB_AUTOBOOT);
    return 0;
}
