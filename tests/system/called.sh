#!/bin/bash
# timeout: 900
# What a program starts comes into the image by itself: compilers for make, what scripts name,
# the folder that make and git work in. Nothing but PROGRAM and ARGS is given here.
. tests/system/lib.sh
LIMIT=400
case $OSPREY in /*) ;; *) OSPREY=$PWD/$OSPREY ;; esac

# project FOLDER: a small C project: two objects, a library, a header, libm.
project() {
    mkdir -p "$1" && cd "$1" || exit 2
    printf '%s\n' 'CFLAGS = -O1 -Wall' 'LDLIBS = -lm' 'prog: main.o part.o libown.a' \
        '	$(CC) -o $@ $^ $(LDLIBS)' 'libown.a: own.o' '	$(AR) rcs $@ $^' 'main.o: part.h' \
        'clean:' '	rm -f *.o *.a prog' >Makefile
    echo 'int part(int), own(int);' >part.h
    printf '#include "part.h"\nint part(int x) { return x * 7; }\n' >part.c
    printf '#include "part.h"\nint own(int x) { return x + 11; }\n' >own.c
    printf '%s\n' '#include "part.h"' '#include <math.h>' '#include <stdio.h>' \
        'int main(int c, char **v) { printf("%s %d %.3f\n", v[0], part(c) + own(c), sqrt(c + 1.0)); }' \
        >main.c
}

(
    project "$WORK/project"
    same -n "sh -c 'make -j2' in a C project" \
        sh -c 'make -s -j2 && ./prog && ls && make -s clean && ls'
    same -n "make by itself" make -s -B -j2
    make -s clean
    cd .. || exit 2
    same -n 'make -C from another folder' \
        bash -c 'make -s -C project && project/prog && make -s -C project clean'
    same -n 'cd and make' bash -c 'cd project && make -s && ./prog && make -s clean'
    cd project || exit 2
    same -n 'gcc and the program that it made' \
        sh -c 'gcc -O2 -o one main.c part.c own.c -lm && ./one; rm -f one'
    git init -q . && git add . && git -c user.name=a -c user.email=a@b commit -q -m first
    same -n 'git log, status, grep in a work tree' \
        bash -c 'echo more >>part.c; git status --short; git log --format=%s; git grep -n sqrt; git checkout -q part.c'
    cd .. || exit 2
    ends 'git clone' 0 'Cloning into' "$OSPREY" run git clone "$WORK/project" "$WORK/copy"
    same -n 'git clone, commit, log' bash -c "git clone -q '$WORK/project' copy && cd copy &&
echo x >x && git add x && git -c user.name=a -c user.email=a@b commit -q -m second &&
git log --format=%s && git fsck --strict && cd .. && rm -r copy"
)
(
    mkdir -p "$WORK/scripts" && cd "$WORK/scripts" || exit 2
    printf '%s\n' 'import os, subprocess' 'print(subprocess.run(["seq", "3"], capture_output=True).stdout)' \
        'print(subprocess.getoutput("echo a b | tr a-z A-Z | xxd"))' \
        'print(os.system("sort -r /etc/hosts | wc -l >/dev/null"))' \
        'print(os.popen("sqlite3 :memory: '"'select 6 * 7'"'").read())' >starts.py
    same -n 'python3 script.py that starts programs' /usr/bin/python3 starts.py
    printf '%s\n' 'print `seq 2`; system("bc --version | head -n 1"); open F, "-|", "xz", "--version";' \
        'print <F>;' >starts.pl
    same -n 'perl script that starts programs' perl starts.pl
    printf '%s\n' '#!/bin/bash' 'echo "6 * 7" | bc' 'if true; then x=$(sqlite3 :memory: "select 1"); fi' \
        'echo "$x" | zstd -q | zstd -qd' './inner.sh data.txt' >outer.sh
    printf '%s\n' '#!/usr/bin/env bash' 'gawk "{ print NF }" data.txt | xxd; perl -e "print 1 + 1"' \
        >inner.sh
    echo 'a b c' >data.txt
    chmod +x ./*.sh
    same -n 'a script that runs another' ./outer.sh
    same -n 'bash with a script and xargs' bash -c 'echo 9 4 | xargs -n1 timeout 300 ./inner.sh'
)
printf 'ls -d /usr/bin/gawk\necho a b | awk "{ print \\$2 }"; seq 12 | sort -n | tail -1; exit 3\n' \
    >"$WORK/input"
same -n 'bash with its commands on stdin' -i "$WORK/input" bash
