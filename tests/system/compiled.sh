#!/bin/bash
# timeout: 900
# Programs built here in every way of linking, and by every compiler at hand.
. tests/system/lib.sh
S=tests/system/programs
LIMIT=300

# each NAME OPTION... -- COMMAND...: build, then compare with the host.
each() {
    local name=$1 options=()
    shift
    while [ "$1" != -- ]; do options+=("$1") && shift; done
    shift
    build "$name" "$@" && same -n "$name ${options[*]}" "${options[@]}" "$PROGRAMS/$name" one 'two words'
}

# sees_processors N: what runtime.NumCPU() and GOMAXPROCS say.
sees_processors() { [ "$(osprey "--cpus=$1" --memory=512M "$PROGRAMS/cgo" cpus)" = "$1 $1" ]; }

each hello-dynamic -- sh -c 'gcc -O2 -pie -fPIE -o $OUT '$S/hello.c
each hello-static -- sh -c 'gcc -O2 -static -o $OUT '$S/hello.c
each hello-static-pie -- sh -c 'gcc -O2 -static-pie -fPIE -o $OUT '$S/hello.c
each hello-fixed-address -- sh -c 'gcc -O2 -no-pie -fno-pie -o $OUT '$S/hello.c
each hello-musl-static -- sh -c 'musl-gcc -O2 -static -o $OUT '$S/hello.c
each hello-musl-dynamic -- sh -c 'musl-gcc -O2 -o $OUT '$S/hello.c
each hello-high-address -- sh -c 'gcc -O2 -static -no-pie -Wl,-Ttext-segment=0x10000000 -o $OUT '$S/hello.c
each hello-big-alignment -- sh -c 'gcc -O2 -pie -fPIE -Wl,-z,max-page-size=0x200000 -o $OUT '$S/hello.c
each hello-joined-segments -- sh -c 'gcc -O2 -static -Wl,-z,noseparate-code -o $OUT '$S/hello.c
each exceptions -o --cpus=2 -- sh -c 'g++ -O2 -std=c++17 -pthread -o $OUT '$S/exceptions.cc
each exceptions-static -o --cpus=4 -- sh -c 'g++ -O2 -std=c++17 -static -pthread -o $OUT '$S/exceptions.cc

if command -v /usr/bin/go >/dev/null; then
    go=$(command -v /usr/bin/go)
    for cpus in 1 2 4; do
        each goroutines -o --cpus=$cpus -o --memory=512M -- env CGO_ENABLED=0 GO111MODULE=off \
            GOCACHE="$PWD/$BUILD/tests/go" HOME=/tmp sh -c "$go"' build -o $OUT '$S/goroutines.go
    done
    for cpus in 1 2 4; do
        each cgo -o --cpus=$cpus -o --memory=512M -o --add=/bin/sleep -o --add=/bin/cat -- env GO111MODULE=off \
            GOCACHE="$PWD/$BUILD/tests/go" HOME=/tmp sh -c "$go"' build -o $OUT '$S/cgo.go
        check "Go sees $cpus processors" sees_processors $cpus
    done
else
    skip goroutines 'no /usr/bin/go'
fi
if [ -x /usr/bin/rustc ]; then
    for cpus in 1 2; do
        each threads-rust -o --cpus=$cpus -- sh -c '/usr/bin/rustc -O -o $OUT '$S/threads.rs
    done
else
    skip threads-rust 'no /usr/bin/rustc'
fi

build libgreet.so sh -c 'gcc -O2 -shared -fPIC -o $OUT '$S/libgreet.c
# shellcheck disable=SC2016
each uselib-runpath -- sh -c 'gcc -O2 -o $OUT '$S/uselib.c' -L'"$PROGRAMS"' -Wl,-rpath,\$ORIGIN -l:libgreet.so'
build plugins sh -c 'gcc -O2 -pthread -o $OUT '$S/plugins.c' -ldl'
same -n 'dlopen of a library named on the command line' "$PROGRAMS/plugins" "$PROGRAMS/libgreet.so"
same -n 'dlopen of what is missing' "$PROGRAMS/plugins" /nonexistent.so

printf '#!/usr/bin/perl -w\nprint "script ", join(",", @ARGV), "\\n"; exit 4;\n' >"$WORK/script"
printf '#!/bin/busybox ash\necho "shell script $# $1"\nexit 5\n' >"$WORK/shell"
chmod +x "$WORK/script" "$WORK/shell"
same -n 'a script with #! and arguments' "$WORK/script" a 'b c'
same -n 'a script of busybox ash' "$WORK/shell" a 'b c'
