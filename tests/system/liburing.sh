#!/bin/bash
# Programs that use Debian's liburing. Its own tests need its source package:
# `apt-get source liburing`, build test/, run each with `osprey run`.
. tests/system/lib.sh
S=tests/system/programs

if [ ! -e /usr/include/liburing.h ]; then
    skip liburing "liburing-dev is not installed"
    exit 0
fi
build liburing sh -c 'gcc -O2 -o $OUT '$S'/liburing.c -luring' || exit 0
build liburing-static sh -c 'gcc -O2 -static -o $OUT '$S'/liburing.c -luring' || exit 0
"$PROGRAMS/liburing" >/dev/null
if [ $? = 77 ]; then
    skip liburing "no io_uring on the host to compare with"
    exit 0
fi
for mode in plain sqpoll; do
    same -n "liburing $mode" -o --cpus=2 "$PROGRAMS/liburing" $mode
    same -n "liburing static $mode" "$PROGRAMS/liburing-static" $mode
done
