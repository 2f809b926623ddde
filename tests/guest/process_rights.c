/* What ids and capabilities let through (man 7 capabilities, man 2 execve, man 5 proc). */
#include "abi/abi.h"

#include <elf.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <stddef.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/xattr.h>

enum { OTHER = 4321 };
static const uint32_t caps[5] = {0x02000001, 1 << CAP_CHOWN, 0, 0, 0};

static uint64_t effective(void)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {0};
    syscall(SYS_capget, &head, data);
    return data[0].effective | (uint64_t)data[1].effective << 32;
}

/* What this program answers when it is executed with a word. */
static int answer(const char *word)
{
    return strcmp(word, "caps") == 0 ? effective() == 1 << CAP_CHOWN : prctl(PR_GET_DUMPABLE) + 40;
}

/* A copy of this program. */
static int copy(const char *name, mode_t mode)
{
    int from = open("/proc/self/exe", O_RDONLY), to = open(name, O_CREAT | O_WRONLY, 0600);
    while (sendfile(to, from, NULL, 1 << 20) > 0)
        ;
    close(from);
    return fchmod(to, mode) == 0 && close(to) == 0 ? 0 : -1;
}

/* What another user's execution ends with. */
static int executed(const char *name, const char *word)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        if (setresgid(OTHER, OTHER, OTHER) != 0 || setresuid(OTHER, OTHER, OTHER) != 0)
            _exit(90);
        execl(name, name, word, NULL);
        _exit(91);
    }
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void unreadable(void)
{
    CHECK_EQ(copy("unread", 0711), 0);
    CHECK_EQ(executed("./unread", "dumpable"), 40);
}

/* A program that ends with prctl(PR_GET_DUMPABLE) + 40; interp: another file runs in its place. */
struct tiny {
    Elf64_Ehdr head;
    Elf64_Phdr phdrs[2];
    char interp[16];
    unsigned char code[21];
};

static void tiny(const char *name, uintptr_t at, const char *interp, mode_t mode)
{
    struct tiny file = {
        .head = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                 .e_type = ET_EXEC,
                 .e_machine = EM_X86_64,
                 .e_version = EV_CURRENT,
                 .e_entry = at + offsetof(struct tiny, code),
                 .e_phoff = offsetof(struct tiny, phdrs),
                 .e_ehsize = sizeof(Elf64_Ehdr),
                 .e_phentsize = sizeof(Elf64_Phdr),
                 .e_phnum = interp ? 2 : 1},
        .phdrs = {{.p_type = PT_LOAD,
                   .p_flags = PF_R | PF_X,
                   .p_vaddr = at,
                   .p_filesz = sizeof(file),
                   .p_memsz = sizeof(file),
                   .p_align = 4096},
                  {.p_type = PT_INTERP, .p_offset = offsetof(struct tiny, interp)}},
        /* mov $157,%eax; mov $3,%edi; syscall; lea 40(%rax),%edi; mov $60,%al; syscall */
        .code = {0xb8, 157, 0, 0, 0, 0xbf, 3, 0, 0, 0, 0x0f, 0x05, 0x8d, 0x78, 40, 0xb0, 60, 0x0f,
                 0x05},
    };
    file.phdrs[1].p_filesz = interp ? strlen(interp) + 1 : 0;
    strcpy(file.interp, interp ?: "");
    int fd = open(name, O_CREAT | O_WRONLY, 0600);
    CHECK_EQ(write(fd, &file, sizeof(file)), sizeof(file));
    CHECK(fchmod(fd, mode) == 0 && close(fd) == 0);
}

static void unreadable_interpreter(void)
{
    tiny("open", 0x20000000, NULL, 0755);
    tiny("closed", 0x20000000, NULL, 0711);
    tiny("by_open", 0x10000000, "open", 0755);
    tiny("by_closed", 0x10000000, "closed", 0755);
    CHECK_EQ(executed("./open", ""), 41);
    CHECK_EQ(executed("./closed", ""), 40);
    CHECK_EQ(executed("./by_open", ""), 41);
    CHECK_EQ(executed("./by_closed", ""), 40);
}

static void file_capabilities(void)
{
    char got[24];
    CHECK_EQ(copy("caps", 0755), 0);
    CHECK_EQ(executed("./caps", "caps"), 0);
    NEED(setxattr("caps", "security.capability", caps, sizeof(caps), 0) == 0);
    CHECK_EQ(executed("./caps", "caps"), 1);
    CHECK_ERRNO(setxattr("caps", "security.capability", caps, 12, 0), EINVAL);
    int fd = open("caps", O_WRONLY | O_APPEND);
    CHECK_EQ(write(fd, "\n", 1), 1);
    CHECK_ERRNO(getxattr("caps", "security.capability", got, sizeof(got)), ENODATA);
    close(fd);
    CHECK_EQ(executed("./caps", "caps"), 0);
    CHECK(setxattr("caps", "security.capability", caps, sizeof(caps), 0) == 0 &&
          chown("caps", -1, OTHER) == 0);
    CHECK_ERRNO(getxattr("caps", "security.capability", got, sizeof(got)), ENODATA);
}

static void lost(void)
{
    int sig = -1;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    CHECK_EQ(setfsuid(OTHER), 0);
    CHECK(prctl(PR_GET_PDEATHSIG, &sig) == 0 && sig == 0);
    CHECK_EQ(prctl(PR_GET_DUMPABLE), 0);
    CHECK_EQ(syscall(SYS_setresuid, -1, -1, -1), 0);
    CHECK_EQ(setfsuid(-1), OTHER);
}

static void keepcaps_locked(void)
{
    NEED(prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS_LOCKED) == 0);
    CHECK_ERRNO(prctl(PR_SET_KEEPCAPS, 1), EPERM);
    CHECK_EQ(prctl(PR_GET_KEEPCAPS), 0);
}

/* Of the parent, which has more rights. */
static void others_files(void)
{
    char name[60], text[200];
    pid_t parent = getppid();
    CHECK_EQ(setresuid(OTHER, OTHER, OTHER), 0);
    sprintf(name, "/proc/%d/smaps", parent);
    CHECK_ERRNO(open(name, O_RDONLY), EACCES);
    sprintf(name, "/proc/%d/exe", parent);
    CHECK_ERRNO(readlink(name, text, sizeof(text)), EACCES);
    prctl(PR_SET_DUMPABLE, 1);
    int fd = open("/proc/self/environ", O_RDONLY);
    CHECK(fd >= 0); /* its own user's */
    struct stat st;
    CHECK(fstat(fd, &st) == 0 && st.st_uid == OTHER);
    CHECK_ERRNO(prlimit(parent, 99, NULL, NULL), EPERM);
}

/* Rights that the caller has not guard their holder. */
static void more_rights(void)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {0};
    CHECK_EQ(syscall(SYS_capset, &head, none), 0);
    CHECK_ERRNO(syscall(SYS_setpriority, 0, getppid(), 19), EPERM);
    CHECK_ERRNO(syscall(SYS_ioprio_set, 1, getppid(), 0x4004), EPERM);
}

static void set_id_of_others(void)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct some[2] = {
        {.effective = 1 << CAP_CHOWN, .permitted = 1 << CAP_CHOWN}};
    close(open("suid", O_CREAT | O_WRONLY, 0755));
    CHECK(chown("suid", OTHER, OTHER) == 0 && chmod("suid", 04755) == 0);
    CHECK_EQ(syscall(SYS_capset, &head, some), 0);
    CHECK_ERRNO(chown("suid", 0, 0), EPERM); /* it would lose its bit */
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return answer(argv[1]);
    enter_fresh_dir();
    chmod(".", 0755);
    promise_apart("a program that cannot be read is executed, and not dumpable", unreadable);
    promise_apart("nor is one whose interpreter cannot be read", unreadable_interpreter);
    promise_apart("capabilities of a file are won, and lost by a write", file_capabilities);
    promise_apart("who changes ids is not dumpable, and gets no signal of the parent's death",
                  lost);
    promise_apart("a locked bit stays", keepcaps_locked);
    promise_apart("/proc tells of one's own memory only", others_files);
    promise_apart("who has more rights is left alone", more_rights);
    promise_apart("CAP_CHOWN takes no set-user-ID bit away", set_id_of_others);
    return check_end();
}
