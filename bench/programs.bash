# shellcheck shell=bash
# programs.bash: the root of the machines that run programs with many processes and files
# (bench/inside.sh). Sourced by bench/run; $B is its folder.

PG=/usr/lib/postgresql/15

# A server's data, made here once: scale 1.
make_data() {
    local run=$PWD/$B/programs/run
    rm -rf $B/programs/data "$run" && mkdir -p "$run" $B/programs/data
    chown postgres:postgres "$run" $B/programs/data && chmod 755 $B/programs
    as_postgres() { setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }
    (
        cd / && umask 077
        as_postgres $PG/bin/initdb -D "$1" -A trust --no-locale -E UTF8 --wal-segsize=4 &&
            as_postgres $PG/bin/pg_ctl -s -w -D "$1" -l "$run/log" start -o "-k $run -c listen_addresses=" &&
            as_postgres $PG/bin/pgbench -q -i -s 1 -h "$run" postgres
        as_postgres $PG/bin/pg_ctl -s -w -D "$1" -m fast stop
    ) >&2
}

# programs_image: $B/programs.image for Osprey and $B/programs.cpio, the same tree, for Linux.
programs_image() {
    local dir=$PWD/$B/programs include=/usr/lib/gcc/x86_64-linux-gnu/12/include
    mkdir -p "$dir"
    gcc -O2 -static -o "$dir/spent" bench/spent.c && cp bench/inside.sh "$dir" || return 1
    cat >"$dir/hello.c" <<'END'
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int compare(const void *a, const void *b) { return strcmp(*(char **)a, *(char **)b); }

int main(int argc, char **argv)
{
    qsort(argv + 1, argc - 1, sizeof(*argv), compare);
    for (int i = 1; i < argc; i++)
        printf("%d %s\n", i, argv[i]);
    return ferror(stdout) ? errno : 0;
}
END
    [ -e "$dir/data/postgresql.conf" ] || make_data "$dir/data" || return 1
    ./osprey build -o "$dir.image" --no-files --workdir / --add "$dir" --add /usr/bin/gcc --add "$(gcc -print-prog-name=cc1)" \
        --add /usr/bin/as --package libc6-dev --package linux-libc-dev --add "$include" --add /bin/busybox --add $PG/bin/postgres --add $PG/bin/psql --add $PG/bin/pgbench --add $PG/lib/plpgsql.so \
        --add $PG/lib/dict_snowball.so --add /usr/share/postgresql/15 --add /usr/share/zoneinfo/Etc \
        --add /usr/bin/find --add /usr/bin/xargs --add /usr/bin/sort --add /usr/bin/setpriv --package coreutils \
        --add /etc/passwd --add /etc/group --add /etc/nsswitch.conf /bin/bash "$dir/inside.sh" "$dir" || return 1
    [ "$quick" = 1 ] && return
    rm -rf "$dir.tree" && fsck.erofs --extract="$dir.tree" --preserve "$dir.image" >&2 || return 1
    mkdir -p "$dir.tree"/{proc,sys,dev,tmp}
    cat >"$dir.tree/init" <<END
#!/bin/bash
export PATH=/usr/bin:/bin
b=/bin/busybox
\$b mount -t proc proc /proc; \$b mount -t devtmpfs dev /dev; \$b mount -t sysfs sys /sys
\$b mkdir -p /dev/shm; \$b mount -t tmpfs shm /dev/shm
/bin/bash $dir/inside.sh $dir
echo b >/proc/sysrq-trigger
END
    chmod +x "$dir.tree/init"
    (cd "$dir.tree" && find . | cpio --quiet -o -H newc) >"$dir.cpio"
}
