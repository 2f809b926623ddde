#!/bin/bash
# timeout: 900
# soak-timeout: 7200
# Many programs at work together in one machine: what they print is what they print on the host.
# make and gcc, git, perl's forks, find and xargs, archives, rsync, ssh-keygen, openssl, sqlite3,
# redis with its saving child, awk and sed, tmux. inside/tools.sh has the parts.
. tests/system/lib.sh
INSIDE=$PWD/tests/system/inside/tools.sh
IMAGE=(--memory 2G --add "$INSIDE")
for package in gcc gcc-12 cpp-12 binutils binutils-x86-64-linux-gnu libc6-dev libgcc-12-dev \
    linux-libc-dev make git perl perl-base perl-modules-5.36 findutils coreutils sed mawk gawk grep \
    diffutils tar gzip xz-utils bzip2 zstd cpio rsync openssh-client openssl sqlite3 redis-server \
    redis-tools bc tmux ncurses-base procps busybox-static bash dash util-linux; do
    IMAGE+=(--package "$package")
done

# toolbox CPUS PART...
toolbox() {
    local cpus=$1 part name host=$WORK/tools.host guest=$WORK/tools.guest
    shift
    [ -s "$host" ] || on_host bash "$INSIDE" "$@" >"$host" 2>"$WORK/host.times" </dev/null
    osprey "${IMAGE[@]}" --cpus "$cpus" bash "$INSIDE" "$@" >"$guest" 2>"$WORK/guest.times" </dev/null
    for part; do
        name=${part%%=*}
        for side in host guest; do
            sed -n "/^=== $name\$/,/^=== /p" "$WORK/tools.$side" | sed '$d' >"$WORK/part.$side"
        done
        diff -a -u "$WORK/part.host" "$WORK/part.guest" >"$WORK/part.diff"
        if [ -s "$WORK/part.host" ] && [ ! -s "$WORK/part.diff" ]; then
            ok "$cpus processors: $part"
        else
            not_ok "$cpus processors: $part" "$WORK/part.diff" "$WORK/guest.times"
        fi
    done
    check "$cpus processors: the last part has ended" grep -q '^=== end$' "$guest"
    grep -H . "$WORK/guest.times" | sed 's/.*:/# /'
}

PARTS=(git_work perl_fork archives rsync_local crypto databases redis texts tmux_session)
if [ "$SOAK" = 1 ]; then
    LIMIT=1800
    for cpus in 1 2 4; do toolbox $cpus compile=20 files=10000 "${PARTS[@]}"; done
else
    LIMIT=800
    toolbox 2 compile=4 files=1000 "${PARTS[@]}"
fi
