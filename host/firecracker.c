#include "firecracker.h"

#include "file.h"
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void json_string(struct text *json, const char *string)
{
    text_char(json, '"');
    for (const unsigned char *p = (const unsigned char *)string; *p; p++) {
        if (*p == '"' || *p == '\\')
            text_format(json, "\\%c", *p);
        else if (*p < ' ')
            text_format(json, "\\u%04x", *p);
        else
            text_char(json, (char)*p);
    }
    text_char(json, '"');
}

void firecracker_config(const char *kernel, const char *root, const char *command_line,
                        uint64_t memory, unsigned cpus, const struct network *network,
                        const struct disks *disks, struct text *json)
{
    text_str(json, "{\n  \"boot-source\": {\n    \"kernel_image_path\": ");
    json_string(json, kernel);
    text_str(json, ",\n    \"initrd_path\": ");
    json_string(json, root);
    text_str(json, ",\n    \"boot_args\": ");
    json_string(json, command_line);
    text_format(json,
                "\n  },\n  \"machine-config\": { \"vcpu_count\": %u, \"mem_size_mib\": %llu },\n"
                "  \"drives\": [",
                cpus, (unsigned long long)(memory >> 20));
    for (size_t i = 0; disks && i < disks->count; i++) {
        text_format(json, "%s { \"drive_id\": \"disk%zu\", \"path_on_host\": ", i ? "," : "", i);
        json_string(json, disks->item[i].file);
        text_format(json, ", \"is_root_device\": false, \"is_read_only\": %s }",
                    disks->item[i].read_only ? "true" : "false");
    }
    text_char(json, ']');
    if (network && network->mode == NET_TAP) {
        text_str(json, ",\n  \"network-interfaces\": [ { \"iface_id\": \"eth0\", "
                       "\"host_dev_name\": ");
        json_string(json, network->tap);
        if (network->has_mac)
            text_format(json, ", \"guest_mac\": \"%02x:%02x:%02x:%02x:%02x:%02x\"", network->mac[0],
                        network->mac[1], network->mac[2], network->mac[3], network->mac[4],
                        network->mac[5]);
        text_str(json, " } ]");
    }
    text_str(json, "\n}\n");
}

void firecracker_check_line(const char *line)
{
    enum { FIRECRACKER_LINE_MAX = 2048 };

    if (strlen(line) >= FIRECRACKER_LINE_MAX)
        die(STATUS_FAILED,
            "arguments and environment are too long for Firecracker: %zu bytes, at most %d",
            strlen(line), FIRECRACKER_LINE_MAX - 1);
}

void firecracker_write(const char *kernel, const char *root, const char *command_line,
                       const char *output)
{
    struct text json = {0};
    struct stat st;

    firecracker_check_line(command_line);
    if ((mkdir(output, 0777) && errno != EEXIST) || stat(root, &st))
        die(STATUS_FAILED, "%s: %s", output, strerror(errno));
    uint64_t memory = (128 << 20) + ((uint64_t)st.st_size + (1 << 20) - 1);
    firecracker_config("osprey.elf", "root.erofs", command_line, memory, 1, NULL, NULL, &json);
    put_file(output, "osprey.elf", kernel, NULL);
    put_file(output, "root.erofs", root, NULL);
    put_file(output, "config.json", NULL, json.data);
    text_free(&json);
}

/* --- its command line, changed -------------------------------------------------------------------
 */

/* The string of boot_args, between its quotes, and its end; NULL: there is none. */
static char *find_args(const struct text *json, char **end)
{
    char *p = strstr(json->data, "\"boot_args\"");

    p = p ? p + 11 + strspn(p + 11, " \t\r\n") : NULL;
    if (!p || *p++ != ':')
        return NULL;
    p += strspn(p, " \t\r\n");
    if (*p++ != '"')
        return NULL;
    for (*end = p; **end && **end != '"'; ++*end)
        if (**end == '\\' && (*end)[1])
            ++*end;
    return **end ? p : NULL;
}

/* What a JSON string says (RFC 8259, 7); what is no ASCII only in UTF-8, not as \u. */
static void unescape(const char *p, const char *end, struct text *line)
{
    static const char letters[] = "bfnrt", meant[] = "\b\f\n\r\t";
    unsigned code;

    for (; p < end; p++) {
        if (*p != '\\') {
            text_char(line, *p);
            continue;
        }
        const char *letter = strchr(letters, *++p);
        if (*p == 'u' && end - p > 4 && sscanf(p + 1, "%4x", &code) == 1) {
            text_char(line, code && code < 0x80 ? (char)code : '?');
            p += 4;
        } else {
            text_char(line, letter ? meant[letter - letters] : *p);
        }
    }
}

int firecracker_cmdline(const char *folder, const char *changed, struct text *line)
{
    char *path = formatted("%s/config.json", folder), *end;
    struct text json = access(path, F_OK) ? (struct text){0} : get_file(path);
    char *args = json.data ? find_args(&json, &end) : NULL;

    if (args && !changed)
        unescape(args, end, line);
    if (args && changed) {
        struct text out = {0};
        firecracker_check_line(changed);
        text_add(&out, json.data, (size_t)(args - 1 - json.data));
        json_string(&out, changed);
        text_str(&out, end + 1);
        replace_file(path, &out);
        text_free(&out);
    }
    text_free(&json);
    free(path);
    return args ? 0 : -1;
}

/* --- a run ---------------------------------------------------------------------------------------
 */

static volatile sig_atomic_t timed_out;
static pid_t monitor;

static void on_alarm(int number)
{
    (void)number;
    timed_out = 1;
    kill(monitor, SIGKILL);
}

static pid_t start(const char *config, int *output)
{
    extern char **environ;
    posix_spawn_file_actions_t actions;
    const char *words[] = {"firecracker", "--no-api", "--config-file", config, NULL};
    int pair[2];
    pid_t pid;

    if (pipe2(pair, O_CLOEXEC))
        die(STATUS_FAILED, "cannot make a pipe: %s", strerror(errno));
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pair[1], STDOUT_FILENO);
    int fault = posix_spawnp(&pid, words[0], &actions, NULL, (char **)(uintptr_t)words, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (fault == ENOENT)
        die(STATUS_FAILED, "firecracker is missing: install it into PATH");
    if (fault)
        die(STATUS_FAILED, "firecracker: %s", strerror(fault));
    close(pair[1]);
    *output = pair[0];
    return pid;
}

/* The kernel's last line says how the program ended: "osprey: end: exit N", "killed N". */
static bool is_end(const char *line, int *status)
{
    int number;
    bool panic = !strncmp(line, "osprey: panic: ", 15);

    if (panic)
        *status = STATUS_PANIC;
    else if (sscanf(line, "osprey: end: exit %d", &number) == 1)
        *status = number & 255;
    else if (sscanf(line, "osprey: end: killed %d", &number) == 1)
        *status = 128 + (number & 127);
    else if (sscanf(line, "osprey: end: error %d", &number) == 1)
        *status = number & 255;
    else
        return false;
    return !panic; /* that line is for people, too */
}

static int pass_on(int from)
{
    FILE *lines = fdopen(from, "r");
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    int status = -1;

    while (lines && (n = getline(&line, &room, lines)) > 0) {
        if (n > 1 && line[n - 1] == '\n' && line[n - 2] == '\r') {
            line[n - 2] = '\n';
            line[--n] = 0;
        }
        if (is_end(line, &status))
            continue;
        fwrite(line, 1, (size_t)n, strncmp(line, "osprey: ", 8) ? stdout : stderr);
        fflush(stdout);
    }
    free(line);
    if (lines)
        fclose(lines);
    return status;
}

int firecracker_run(const struct options *options, const char *kernel, const char *root,
                    const char *command_line, uint64_t memory)
{
    char config[] = "/tmp/osprey-firecracker.XXXXXX";
    struct text json = {0};
    int fd = mkstemp(config), output, status;

    firecracker_config(kernel, root, command_line, memory, options->cpus, &options->network,
                       &options->disks, &json);
    if (fd < 0 || write(fd, json.data, json.size) != (ssize_t)json.size || close(fd))
        die(STATUS_FAILED, "%s: %s", config, strerror(errno));
    text_free(&json);
    monitor = start(config, &output);
    if (options->timeout_ms) {
        signal(SIGALRM, on_alarm);
        alarm((unsigned)((options->timeout_ms + 999) / 1000));
    }
    status = pass_on(output);
    waitpid(monitor, NULL, 0);
    unlink(config);
    if (timed_out)
        return STATUS_TIMEOUT;
    if (status < 0) {
        warn("the VM ended without a status of the program");
        return STATUS_FAILED;
    }
    return status;
}
