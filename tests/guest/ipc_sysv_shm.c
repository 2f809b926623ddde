// System V shared memory: numbers, attaching, permissions, removal (man 2 shmget, shmop, shmctl).
#include "check.h"
#include "own_ipc.h"

#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

enum { PAGE = 4096 };

static int fresh(size_t size)
{
    int id = shmget(IPC_PRIVATE, size, IPC_CREAT | 0600);
    CHECK(id >= 0);
    return id;
}

static struct shmid_ds stat_of(int id)
{
    struct shmid_ds ds = {};
    CHECK_EQ(shmctl(id, IPC_STAT, &ds), 0);
    return ds;
}

static key_t some_key(void)
{
    return 0x05900000 + getpid();
}

static void getting(void)
{
    key_t key = some_key();
    CHECK_ERRNO(shmget(key, PAGE, 0600), ENOENT);
    int id = shmget(key, 3 * PAGE, IPC_CREAT | IPC_EXCL | 0640);
    NEED(id >= 0);
    CHECK_EQ(shmget(key, 3 * PAGE, IPC_CREAT | 0600), id);
    CHECK_EQ(shmget(key, 0, 0), id);
    CHECK_EQ(shmget(key, 1, 0), id);
    CHECK_ERRNO(shmget(key, 3 * PAGE + 1, 0), EINVAL);
    CHECK_ERRNO(shmget(key, PAGE, IPC_CREAT | IPC_EXCL), EEXIST);
    CHECK_ERRNO(shmget(IPC_PRIVATE, 0, 0600), EINVAL);
    struct shmid_ds ds = stat_of(id);
    CHECK_EQ(ds.shm_perm.mode, 0640);
    CHECK_EQ(ds.shm_perm.__key, key);
    CHECK_EQ(ds.shm_perm.cuid, geteuid());
    CHECK_EQ(ds.shm_segsz, 3 * PAGE);
    CHECK_EQ(ds.shm_nattch, 0);
    CHECK_EQ(ds.shm_cpid, getpid());
    CHECK_EQ(ds.shm_lpid, 0);
    CHECK_EQ(ds.shm_atime, 0);
    CHECK(ds.shm_ctime > 0);
    CHECK_EQ(shmctl(id, IPC_RMID, NULL), 0);
    CHECK_ERRNO(shmctl(id, IPC_RMID, NULL), EINVAL);
    CHECK_ERRNO(shmat(id, NULL, 0) == (void *)-1 ? -1 : 0, EINVAL);
    CHECK_ERRNO(shmget(key, PAGE, 0600), ENOENT);
}

static void attaching(void)
{
    int id = fresh(2 * PAGE);
    char *a = shmat(id, NULL, 0), *b = shmat(id, NULL, SHM_RDONLY);
    NEED(a != (void *)-1 && b != (void *)-1 && a != b);
    CHECK_EQ(stat_of(id).shm_nattch, 2);
    CHECK_EQ(a[0], 0);
    strcpy(a + PAGE, "seen by both");
    CHECK(strcmp(b + PAGE, "seen by both") == 0);
    CHECK_EQ(shmdt(a), 0);
    CHECK_ERRNO(shmdt(a), EINVAL);
    struct shmid_ds ds = stat_of(id);
    CHECK_EQ(ds.shm_nattch, 1);
    CHECK(ds.shm_atime > 0 && ds.shm_dtime >= ds.shm_atime);
    CHECK_EQ(ds.shm_lpid, getpid());
    CHECK_ERRNO(mprotect(b, PAGE, PROT_READ | PROT_WRITE), EACCES);
    CHECK_EQ(shmdt(b), 0);
    a = shmat(id, NULL, 0);
    CHECK(strcmp(a + PAGE, "seen by both") == 0);
    CHECK_EQ(shmdt(a), 0);
    CHECK_EQ(shmctl(id, IPC_RMID, NULL), 0);
}

static void places(void)
{
    int id = fresh(PAGE + 1);
    char *volatile hole_at =
        mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    volatile char *hole = hole_at;
    hole[5 * PAGE] = 'x';
    CHECK_ERRNO(shmat(id, hole_at + PAGE, 0) == (void *)-1 ? -1 : 0, EINVAL);
    CHECK_ERRNO(shmat(id, NULL, SHM_REMAP) == (void *)-1 ? -1 : 0, EINVAL);
    CHECK_ERRNO(shmat(id, hole_at + 1, SHM_REMAP) == (void *)-1 ? -1 : 0, EINVAL);
    CHECK(shmat(id, hole_at + PAGE, SHM_REMAP) == hole_at + PAGE);
    CHECK(shmat(id, hole_at + 4 * PAGE + 100, SHM_REMAP | SHM_RND) == hole_at + 4 * PAGE);
    CHECK_EQ(hole[5 * PAGE], 0);
    hole[PAGE] = 'y';
    CHECK_EQ(hole[4 * PAGE], 'y');
    CHECK_EQ(stat_of(id).shm_nattch, 2);
    CHECK_EQ(munmap(hole_at + 4 * PAGE, 2 * PAGE), 0);
    CHECK_EQ(stat_of(id).shm_nattch, 1);
    CHECK(shmat(id, hole_at + 4 * PAGE, 0) == hole_at + 4 * PAGE);
    CHECK_EQ(shmdt(hole_at + 4 * PAGE), 0);
    CHECK_ERRNO(shmdt(hole_at + 4 * PAGE), EINVAL);
    CHECK_ERRNO(shmdt(hole_at), EINVAL);
    CHECK_ERRNO(shmdt(hole_at + PAGE + 1), EINVAL);
    CHECK_EQ(mprotect(hole_at + 2 * PAGE, PAGE, PROT_READ), 0); /* in two pieces now */
    CHECK_EQ(stat_of(id).shm_nattch, 2);
    CHECK_EQ(shmdt(hole_at + PAGE), 0);
    CHECK_EQ(stat_of(id).shm_nattch, 0);
    CHECK_EQ(shmctl(id, IPC_RMID, NULL), 0);
}

static void removal_while_attached(void)
{
    key_t key = some_key();
    int id = shmget(key, PAGE, IPC_CREAT | 0600);
    char *a = shmat(id, NULL, 0);
    NEED(a != (void *)-1);
    strcpy(a, "still here");
    CHECK_EQ(shmctl(id, IPC_RMID, NULL), 0);
    CHECK_ERRNO(shmget(key, PAGE, 0), ENOENT);
    struct shmid_ds ds = stat_of(id);
    CHECK_EQ(ds.shm_perm.mode, 0600 | SHM_DEST);
    CHECK_EQ(ds.shm_perm.__key, IPC_PRIVATE);
    char *b = shmat(id, NULL, 0);
    NEED(b != (void *)-1);
    CHECK(strcmp(b, "still here") == 0);
    CHECK_EQ(shmdt(a), 0);
    CHECK(strcmp(b, "still here") == 0);
    CHECK_EQ(shmdt(b), 0);
    CHECK_ERRNO(shmctl(id, IPC_STAT, &ds), EINVAL);
}

static void setting(void)
{
    int id = fresh(PAGE);
    struct shmid_ds ds = stat_of(id);
    ds.shm_perm.mode = 0604 | 07000;
    ds.shm_perm.uid = 1234;
    ds.shm_segsz = 77;
    CHECK_EQ(shmctl(id, IPC_SET, &ds), geteuid() ? -1 : 0);
    if (geteuid() == 0) {
        ds = stat_of(id);
        CHECK_EQ(ds.shm_perm.mode, 0604);
        CHECK_EQ(ds.shm_perm.uid, 1234);
        CHECK_EQ(ds.shm_perm.cuid, 0);
        CHECK_EQ(ds.shm_segsz, PAGE);
    }
    CHECK_EQ(shmctl(id, SHM_LOCK, NULL), 0);
    CHECK(stat_of(id).shm_perm.mode & SHM_LOCKED);
    CHECK_EQ(shmctl(id, SHM_UNLOCK, NULL), 0);
    CHECK(!(stat_of(id).shm_perm.mode & SHM_LOCKED));
    CHECK_ERRNO(shmctl(id, 99, &ds), EINVAL);
    CHECK_ERRNO(shmctl(id, IPC_STAT, (void *)8), EFAULT);
    CHECK_EQ(shmctl(id, IPC_RMID, NULL), 0);
}

static void permissions(void)
{
    if (geteuid() != 0)
        SKIP("needs root");
    int own = fresh(PAGE), open_to_read = shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0644);
    struct shmid_ds ds;
    NEED(seteuid(1000) == 0);
    CHECK_ERRNO(shmat(own, NULL, 0) == (void *)-1 ? -1 : 0, EACCES);
    CHECK_ERRNO(shmctl(own, IPC_STAT, &ds), EACCES);
    CHECK_ERRNO(shmctl(own, IPC_RMID, NULL), EPERM);
    CHECK_ERRNO(shmat(open_to_read, NULL, 0) == (void *)-1 ? -1 : 0, EACCES);
    void *at = shmat(open_to_read, NULL, SHM_RDONLY);
    CHECK(at != (void *)-1);
    CHECK_EQ(shmdt(at), 0);
    CHECK_EQ(shmctl(open_to_read, IPC_STAT, &ds), 0);
    CHECK_ERRNO(shmctl(open_to_read, IPC_SET, &ds), EPERM);
    NEED(seteuid(0) == 0);
    CHECK_EQ(shmctl(own, IPC_RMID, NULL), 0);
    CHECK_EQ(shmctl(open_to_read, IPC_RMID, NULL), 0);
}

static void information(void)
{
    int id = fresh(5 * PAGE);
    struct shminfo limits;
    struct shm_info info;
    struct shmid_ds ds;
    bool found = false;
    int last = shmctl(0, IPC_INFO, (struct shmid_ds *)&limits);
    CHECK(last >= 0);
    CHECK_EQ(limits.shmmin, 1);
    CHECK(limits.shmmni >= 1 && limits.shmmax > 0);
    CHECK_EQ(shmctl(0, SHM_INFO, (struct shmid_ds *)&info), last);
    CHECK(info.used_ids >= 1 && info.shm_tot >= 5);
    for (int i = 0; i <= last; i++)
        found |= shmctl(i, SHM_STAT, &ds) == id && ds.shm_segsz == 5 * PAGE;
    CHECK(found);
    char line[256], *at = NULL;
    FILE *file = fopen("/proc/sysvipc/shm", "r");
    NEED(file);
    CHECK(fgets(line, sizeof(line), file) && strstr(line, "shmid") && strstr(line, "nattch"));
    while (!at && fgets(line, sizeof(line), file)) {
        int key, number;
        if (sscanf(line, "%d %d", &key, &number) == 2 && number == id)
            at = strstr(line, " 600 ");
    }
    CHECK(at != NULL);
    fclose(file);
    CHECK_EQ(shmctl(id, IPC_RMID, NULL), 0);
}

static void many(void)
{
    enum { N = 200 };
    int ids[N];
    for (int i = 0; i < N; i++) {
        ids[i] = fresh(PAGE);
        char *at = shmat(ids[i], NULL, 0);
        NEED(at != (void *)-1);
        *at = (char)i;
        CHECK_EQ(shmdt(at), 0);
    }
    for (int i = 0; i < N; i++) {
        char *at = shmat(ids[i], NULL, 0);
        CHECK_EQ(*at, (char)i);
        CHECK_EQ(shmctl(ids[i], IPC_RMID, NULL), 0);
        CHECK_EQ(shmdt(at), 0);
    }
}

int main(void)
{
    own_ipc();
    promise("a key gives one segment, made when asked, refused when too small", getting);
    promise("attachments show the same memory and are counted", attaching);
    promise("shmat takes a place; SHM_RND, SHM_REMAP; shmdt of pieces", places);
    promise("a removed segment lives until the last detaches", removal_while_attached);
    promise("IPC_SET and SHM_LOCK change what they may", setting);
    promise("mode and owner decide who may attach, look, change", permissions);
    promise("IPC_INFO, SHM_INFO, SHM_STAT and /proc/sysvipc/shm tell of it", information);
    promise("two hundred segments keep apart", many);
    return check_end();
}
