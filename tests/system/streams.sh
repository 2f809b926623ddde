#!/bin/bash
# timeout: 900
# Standard input, output and error: bytes, ends, order, amounts.
. tests/system/lib.sh
LIMIT=240

check 'echo 1+1 | osprey run bc' [ "$(echo 1+1 | osprey /usr/bin/bc)" = 2 ]

/usr/bin/python3 -c "
import sys
block = bytes((i * 7 + (i >> 8)) & 255 for i in range(1 << 20))
for i in range(${STREAM_MIB:-100}): sys.stdout.buffer.write(i.to_bytes(4, 'big') + block[4:])" >"$WORK/big"
osprey /bin/cat <"$WORK/big" >"$WORK/copy"
check '100 MiB through cat, file to file' cmp "$WORK/big" "$WORK/copy"
rm -f "$WORK/copy"
sum=$(sha256sum <"$WORK/big")
check '100 MiB into sha256sum through a pipe' \
    [ "$(cat "$WORK/big" | osprey /usr/bin/sha256sum)" = "$sum" ]
check '100 MiB out of head through a pipe' \
    [ "$(osprey /usr/bin/head -c 104857600 /dev/zero | sha256sum)" = "$(head -c 104857600 /dev/zero | sha256sum)" ]
rm -f "$WORK/big"

check 'yes | head -1 ends' [ "$(osprey /usr/bin/yes | head -1)" = y ]
osprey /usr/bin/yes 2>"$WORK/err" | head -1 >/dev/null
check 'the writer into a closed pipe ends as by SIGPIPE' [ "${PIPESTATUS[0]}" -eq 141 ]

cat >"$WORK/both.py" <<'END'
import sys
for i in range(1000):
    sys.stdout.write(f"out {i}\n")
    sys.stderr.write(f"err {i}\n")
sys.exit(5)
END
same -n '1000 lines each on stdout and stderr stay apart and in order' /usr/bin/python3 "$WORK/both.py"

same -n 'empty input is end of file' /usr/bin/wc
printf 'no newline' >"$WORK/line"
same -n 'input without a last newline' -i "$WORK/line" /bin/cat
printf '\000\001\377\n\r\n\t\033[0m' >"$WORK/bytes"
same -n 'every kind of byte' -i "$WORK/bytes" /usr/bin/od -c
same -n 'every kind of byte out' -i "$WORK/bytes" /bin/cat

osprey /bin/echo to-full >/dev/full 2>"$WORK/err"
check 'output that cannot be written is an error' [ $? -eq 125 ]
check 'and is said' grep -q 'cannot write standard output: No space left' "$WORK/err"
(osprey /bin/echo to-closed >&-) 2>/dev/null
check 'a closed stdout is no hang' [ $? -ne 124 ]
check 'a program that does not read its input ends all the same' \
    sh -c "head -c 20000000 /dev/zero | timeout 240 $OSPREY run --timeout 200 /bin/true"

# Slow input arrives as it comes: the program answers each line before the next is sent.
cat >"$WORK/talk.py" <<'END'
import subprocess, sys, os
p = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
for i in range(20):
    p.stdin.write(b"%d * 3\n" % i)
    line = p.stdout.readline()
    assert line == b"%d\n" % (i * 3), line
p.stdin.close()
assert p.stdout.read() == b""
sys.exit(p.wait())
END
check 'a dialogue line by line over pipes' \
    timeout 240 /usr/bin/python3 "$WORK/talk.py" "$OSPREY" run --timeout 200 /usr/bin/bc

check 'lines of the kernel and of the program do not mix' [ "$(osprey --strace /bin/busybox ash -c \
    'i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo line $i; done' 2>&1 |
    tee "$WORK/mixed" | grep -cvE '^(line [0-9]+|osprey: .*)$')$(grep -c ^line "$WORK/mixed")" = 0300 ]
check 'arguments arrive as they are' [ "$(osprey /usr/bin/printf '<%s>' '' 'a b' '"q"' "it's" \
    'back\slash' '$HOME' 'ünï' '--' $'tab\there' $'new\nline')" = \
    "$(/usr/bin/printf '<%s>' '' 'a b' '"q"' "it's" 'back\slash' '$HOME' 'ünï' '--' $'tab\there' $'new\nline')" ]
mapfile -t many < <(seq 1 2000)
check '2000 arguments' [ "$(osprey /bin/echo "${many[@]}" | md5sum)" = "$(echo "${many[@]}" | md5sum)" ]
check 'a variable of the environment' \
    [ "$(osprey --env 'NAME=a "quoted" value' --env EMPTY= /usr/bin/printenv NAME EMPTY)" = 'a "quoted" value' ]
check 'the last of several values of a variable' \
    [ "$(osprey --env X=1 --env XY=2 --env X=3 /usr/bin/env | grep -c ^X)$(
        osprey --env X=1 --env XY=2 --env X=3 /usr/bin/printenv X XY | paste -sd,)" = 23,2 ]
osprey_build() { timeout 300 "$OSPREY" build "$@"; }
check 'osprey build keeps an image with a variable' \
    osprey_build --env X=1 --env Y=1 -o "$WORK/image" /usr/bin/printenv X Y
check 'a variable of the run replaces that of the image' \
    [ "$(osprey --env X=2 --image "$WORK/image" | paste -sd,)" = 2,1 ]
check '/dev/stdin, /dev/stdout and /dev/stderr open anew' \
    [ "$(seq 3 | osprey /bin/cp /dev/stdin /dev/stdout | paste -sd,)$(
        seq 3 | osprey /bin/cp /dev/stdin /dev/stderr 2>&1 >"$WORK/empty" | paste -sd,)" = 1,2,31,2,3 ]
check 'the working directory' [ "$(osprey --workdir /usr/bin /bin/pwd)" = /usr/bin ]
for n in 0 1 2 42 126 127 128 255; do
    osprey /bin/busybox ash -c "exit $n" 2>/dev/null
    check "exit status $n" [ $? -eq $n ]
done
