#!/bin/bash
# Twenty-five programs of coreutils and more, unmodified.
. tests/system/lib.sh

seq 1 1000 >"$WORK/numbers"
printf 'pear 3\napple 1\nfig 2\nplum 5\napple 1\n' >"$WORK/fruit"
printf 'apple red\nfig brown\npear green\n' >"$WORK/colours"
for i in $(seq 1 200); do echo "The quick brown fox jumps over the lazy dog, time $i."; done >"$WORK/text"
head -c 100000 /dev/zero | tr '\0' 'x' >"$WORK/long"

same /bin/echo -e 'hello\tworld' 'two  blanks' ''
same /bin/cat -A "$WORK/fruit"
same /usr/bin/head -n 3 "$WORK/numbers"
same /usr/bin/tail -c 20 "$WORK/numbers"
same /usr/bin/wc "$WORK/text" "$WORK/numbers"
same /usr/bin/sort -k2n -k1 "$WORK/fruit"
same /usr/bin/uniq -c -i "$WORK/fruit"
same /usr/bin/cut -d' ' -f2,4-6 "$WORK/text"
same /usr/bin/paste "$WORK/fruit" "$WORK/colours"
same -i "$WORK/text" /usr/bin/tr a-z A-Z
same /usr/bin/seq -f %05.1f 1 0.5 20
same /usr/bin/sha256sum "$WORK/text" "$WORK/long"
same /usr/bin/md5sum "$WORK/text" /nonexistent
same /usr/bin/cksum "$WORK/long"
same /usr/bin/base64 "$WORK/text"
same /usr/bin/od -t x1z -N 100 "$WORK/text"
same /usr/bin/expr 6 '*' 7
same /usr/bin/factor 1234567890123456789 18446744073709551557
same /usr/bin/printf '%s %d %x %.3f\n' text 42 255 3.14159
same /usr/bin/nl -ba "$WORK/fruit"
same /usr/bin/fold -s -w 30 "$WORK/text"
same /usr/bin/fmt -w 60 "$WORK/text"
same /usr/bin/tac "$WORK/numbers"
same /usr/bin/join "$WORK/colours" "$WORK/colours"
same /usr/bin/comm "$WORK/fruit" "$WORK/colours"
same /bin/ls -la /nonexistent
same /bin/ls "$WORK/text"
same /usr/bin/stat -c '%n %s %F %a' "$WORK/text"
same /bin/date -u -d @1700000000 +%FT%T
same /usr/bin/basename /a/b/c.txt .txt
same /usr/bin/realpath -m /usr/../bin/./x
same /usr/bin/readlink -f /bin/sh
same /usr/bin/test 3 -lt 2
same /bin/false
same /usr/bin/numfmt --to=iec 1234567890
same /usr/bin/tsort "$WORK/colours"
same /usr/bin/shuf --random-source="$WORK/long" "$WORK/numbers"
same /bin/dd if="$WORK/long" bs=1000 count=3 skip=2 status=none
same /bin/cp -v "$WORK/text" /tmp/copy-$$
check 'mkdir -pv /tmp/a/b/c' [ "$(osprey /bin/mkdir -pv /tmp/a/b/c | wc -l)" -eq 3 ]
same /usr/bin/split --filter= /nonexistent
same -n 'sort of 1000 numbers by two threads' /usr/bin/sort --parallel=2 -S 1M -rn "$WORK/numbers"
same /usr/bin/id
same /bin/uname -m -s -o
same /usr/bin/pr -h title -l 30 "$WORK/fruit" --date-format=x
rm -f /tmp/copy-$$
