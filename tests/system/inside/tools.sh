#!/bin/bash
# tools.sh NAME[=ARGUMENT]...: programs of Debian at work in the machine; each part prints `NAME: STATUS`
# and what it has to say. ../toolbox.sh compares it with the same on the host.
top=$(mktemp -d)
export HOME=$top LC_ALL=C GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=C GIT_COMMITTER_EMAIL=c@example.org
export GIT_AUTHOR_DATE='2020-01-01T00:00:00Z' GIT_COMMITTER_DATE='2020-01-02T00:00:00Z'

# A small C project: N sources, a library, a program that is run.
compile() {
    local i
    for i in $(seq "$1"); do
        printf '#include <stdio.h>\n#include "all.h"\nint f%s(int x) { return x * %s + 1; }\n' "$i" "$i" >"f$i.c"
        echo "int f$i(int x);" >>all.h
    done
    printf '#include <stdio.h>\n#include "all.h"\nint main(void) { int s = 0;\n' >main.c
    for i in $(seq "$1"); do echo "s += f$i($i);"; done >>main.c
    echo 'printf("sum %d\n", s); return s & 7; }' >>main.c
    # shellcheck disable=SC2016
    printf '%s\n' 'OBJ = $(patsubst %.c,%.o,$(wildcard f*.c))' 'prog: main.o libf.a' \
        '	gcc -o $@ main.o -L. -lf' 'libf.a: $(OBJ)' '	ar rcs $@ $(OBJ)' '%.o: %.c all.h' \
        '	gcc -O2 -Wall -c -o $@ $<' 'clean:' '	rm -f *.o *.a prog' >Makefile
    make -s -j2 && ./prog
    echo "made $?"
    touch f3.c && make -j2 | wc -l && make -q && make -s clean && ls | wc -l
}

git_work() {
    git init -q -b main origin && cd origin || return
    for i in 1 2 3 4 5; do
        seq $((i * 100)) >file$i && git add . && git commit -q -m "commit $i" || return
    done
    cd .. && git clone -q origin copy 2>&1 && cd copy || return
    git checkout -q -b side HEAD~2 && echo side >side && git add side && git commit -q -m side
    git rebase -q main && git log --format='%h %s' | head -n 3
    git checkout -q main && git merge -q --no-ff -m merge side && git push -q origin main:other 2>&1
    git gc -q --prune=now 2>&1 && git fsck --strict 2>&1 && git rev-parse HEAD && git status --short | wc -l
    git diff --stat HEAD~1 | tail -n 1 && git grep -c 7 -- file1 && git stash list && git -C ../origin branch
    git bisect start -q HEAD HEAD~3 >/dev/null && git bisect run sh -c '! test -e file5' 2>&1 | grep -c 'first bad'
    git worktree add -q ../tree HEAD 2>&1 && git archive HEAD | tar t | wc -l
}

perl_fork() {
    perl -e '$| = 1; use POSIX ":sys_wait_h";
    my %kids; for my $i (1 .. 20) { my $p = fork // die; if (!$p) { select undef, undef, undef, 0.01 * ($i % 5); exit $i } $kids{$p} = $i }
    my $bad = 0; while (%kids) { my $p = wait; $bad++ if $p < 0 || ($? >> 8) != delete $kids{$p} } print "bad $bad\n";
    pipe my $r, my $w; if (!fork) { close $r; print $w "line $_\n" for 1 .. 1000; exit } close $w; my $n = () = <$r>; print "$n\n"; wait;
    my $c = 0; local $SIG{CHLD} = sub { 1 while waitpid(-1, WNOHANG) > 0; print "chld\n"; $c = 1 }; if (!fork) { exit } select undef, undef, undef, 0.05 until $c;
    $SIG{CHLD} = "DEFAULT"; my $pid = open my $kid, "-|"; if (!$pid) { print "from kid\n"; exit 3 } print <$kid>; close $kid; print $? >> 8, "\n";
    kill STOP => my $s = fork || do { sleep 10; exit }; print waitpid($s, WUNTRACED) == $s && WIFSTOPPED($?) ? "stopped\n" : "?\n";
    kill KILL => $s; waitpid $s, 0; print $? & 127, "\n"; exec "echo", "exec" if !fork; wait;
    use IPC::Open3; my $q = open3(my $in, my $out, undef, "sort"); print $in "b\na\n"; close $in; print <$out>; waitpid $q, 0;'
}

files() { # files COUNT
    seq "$1" | xargs -n 500 touch
    mkdir deep && (cd deep && seq "$1" | split -l 10 -a 4 - part) && ls deep | wc -l
    find . -type f -print0 | xargs -0 -P4 -n 400 cksum | sort | cksum
    find . -name '*9' | xargs -P4 -n 100 rm && find . -type f | wc -l
    find . -type f -printf '%s\n' | awk '{ s += $1 } END { print s }'
}

archives() {
    mkdir tree && for i in $(seq 60); do seq "$i" $((i * 30)) >tree/f$i; done
    ln -s f1 tree/link; ln tree/f2 tree/hard; mkfifo tree/fifo; chmod 640 tree/f3; touch -d 2001-01-01 tree/f4
    for z in gzip xz bzip2 zstd; do
        tar -cf - tree | $z -c >a.$z && mkdir $z && $z -dc a.$z | tar -xpf - -C $z
        diff -r --no-dereference -x fifo tree $z/tree && (cd $z && find . -type f -printf '%P %y %m %s %n\n' | grep -v tree$ | sort | cksum)
    done
    tar --sort=name --mtime=@0 --owner=0 --group=0 -czf t.tgz tree/f1 && tar -tzvf t.tgz
    (cd tree && find . -type f | sort | cpio -o --quiet -H newc --reproducible --renumber-inodes 2>/dev/null | wc -c)
}

rsync_local() {
    mkdir -p from/sub && for i in 1 2 3; do seq $i$i$i >from/f$i; done && head -c 300000 /dev/zero >from/sub/big && ln -s f1 from/l
    rsync -a from/ to/ && diff -r from to && echo same
    echo more >>from/f2 && touch -d 2002-02-02 from/f2 && rm from/f3 && rsync -a --delete --itemize-changes --omit-dir-times from/ to/ | sort && diff -r from to && echo again
    rsync -ac --no-whole-file --stats from/ to/ | grep -i 'files transferred'
}

crypto() {
    ssh-keygen -q -t ed25519 -N '' -C test -f key && ssh-keygen -l -f key.pub | awk '{ print $1, $3, $4 }'
    ssh-keygen -y -f key | cmp - key.pub && echo same key
    echo text | ssh-keygen -q -Y sign -n file -f key >sig 2>/dev/null
    echo "test $(cat key.pub)" >allowed && echo text | ssh-keygen -Y verify -f allowed -I test -n file -s sig | cut -c1-40
    head -c 200000 /dev/zero | openssl enc -aes-256-cbc -pbkdf2 -iter 100 -k secret -S 0011223344556677 | openssl enc -d -aes-256-cbc -pbkdf2 -iter 100 -k secret -S 0011223344556677 | cksum
    openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out rsa 2>/dev/null
    openssl dgst -sha256 -sign rsa -out s allowed && openssl dgst -sha256 -verify <(openssl pkey -in rsa -pubout) -signature s allowed
    openssl speed -seconds 1 -bytes 1024 -multi 2 sha1 2>/dev/null | grep -c '^sha1'
}

databases() {
    sqlite3 a.db 'PRAGMA journal_mode=WAL; CREATE TABLE t(i INTEGER PRIMARY KEY, v);'
    for p in 1 2 3 4; do
        (for i in 1 2 3 4 5; do sqlite3 -cmd '.timeout 60000' a.db "INSERT INTO t(v) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) SELECT $p FROM n"; done) &
    done
    wait
    sqlite3 a.db 'SELECT v, count(*) FROM t GROUP BY v; PRAGMA integrity_check; PRAGMA wal_checkpoint(TRUNCATE)'
    sqlite3 a.db .dump | sqlite3 b.db && sqlite3 b.db 'SELECT sum(v) FROM t'
}

redis() {
    local s=$PWD/redis.sock i
    redis-server --port 0 --unixsocket "$s" --save '' --appendonly no --dir "$PWD" --logfile log --daemonize no >/dev/null &
    local server=$!
    for ((i = 0; i < 1500; i++)); do [ "$(redis-cli -s "$s" ping 2>/dev/null)" = PONG ] && break; sleep 0.1; done
    redis-cli -s "$s" eval 'for i = 1, 20000 do redis.call("set", "k" .. i, string.rep("v", i % 100)) end return redis.call("dbsize")' 0
    redis-cli -s "$s" bgsave
    redis-cli -s "$s" eval 'for i = 1, 20000, 3 do redis.call("set", "k" .. i, "new") end return 1' 0
    for ((i = 0; i < 1500; i++)); do redis-cli -s "$s" info persistence | grep -q 'rdb_bgsave_in_progress:0' && break; sleep 0.1; done
    redis-cli -s "$s" info persistence | tr -d '\r' | grep -E 'rdb_last_bgsave_status|rdb_saves'
    redis-check-rdb dump.rdb | grep -oE 'RDB looks OK|[0-9]+ keys read'
    redis-benchmark -s "$s" -q -n 500 -c 10 -P 4 -t set,get 2>/dev/null | tr '\r' '\n' | grep -c 'requests per second'
    redis-cli -s "$s" save; redis-cli -s "$s" dbsize
    redis-cli -s "$s" shutdown nosave; wait $server; echo "server $?"
}

texts() {
    seq 5000 | awk '{ a[$1 % 7] += $1; "echo x" | getline l } END { for (i = 0; i < 7; i++) print a[i] | "sort -n"; close("sort -n"); print l; system("exit 3") }'
    seq 200 | sed -n '/5$/{N;s/\n/,/;p}' | sed '1!G;h;$!d' | head -n 3
    printf 'x=1\ny=2\n' >conf && sed -i.bak -E 's/^(x)=.*/\1=9/' conf && cat conf conf.bak
    sed 'w copy' conf | sed -e '$!{h;d}' -e 'x;G' && cat copy; echo '1 2' | busybox awk '{ print $1 + $2 | "cat"; close("cat"); printf "%c", 65 }'; echo
    seq 30000 | sort -R --random-source=/bin/sh | sort -n -S 200k --parallel=2 -T . | cksum; seq 100 | shuf -n 3 | wc -l; seq 9 >nine; split -n l/3 --filter='wc -l' nine
    tr -dc 'a-z' </dev/urandom | head -c 5000 | wc -c; comm <(seq 5) <(seq 3 7) | wc -l; join <(seq 9) <(seq 5 8) | paste -sd,
    echo 'obase=16; 255^9' | bc; m=$(printf '%s\n' 'define(`d'"'"', `$1$1'"'"')d(ab)'); echo "$m" | wc -c
}

tmux_session() {
    export TERM=xterm TMUX_TMPDIR=$PWD
    tmux -f /dev/null new-session -d -s one -n first -x 80 -y 24 'bash --norc --noprofile' || return
    wait_for() { for ((i = 0; i < 1500; i++)); do tmux capture-pane -p -t "$1" | grep -q "$2" && return; sleep 0.1; done; echo "never saw $2"; tmux capture-pane -p -t "$1"; }
    tmux send-keys -t one 'PS1=">"; echo $((6 * 7)); stty size; tty | cut -c1-9' Enter; wait_for one '^/dev/pts'
    tmux capture-pane -p -t one | grep -E '^(42|[0-9]+ [0-9]+|/dev/pts)'
    tmux split-window -h -t one 'exec cat'; tmux send-keys -t one.1 'typed to cat' Enter; wait_for one.1 'typed to cat'
    for ((i = 0; i < 1500; i++)); do [ "$(tmux display-message -p -t one.1 '#{pane_current_command}')" = cat ] && break; sleep 0.1; done
    tmux list-panes -t one -F '#{pane_index} #{pane_current_command} #{pane_width}x#{pane_height}'
    tmux send-keys -t one.0 'sleep 100' Enter; until pgrep -x -P "$(tmux display-message -p -t one.0 '#{pane_pid}')" sleep >/dev/null; do sleep 0.05; done; tmux send-keys -t one.0 C-z; wait_for one.0 Stopped
    tmux send-keys -t one.0 'kill %1; clear; echo "jobs: $(jobs -r | wc -l)"' Enter; wait_for one.0 'jobs: 0'
    tmux send-keys -t one.1 C-d; for ((i = 0; i < 1000; i++)); do [ "$(tmux list-panes -t one | wc -l)" = 1 ] && break; sleep 0.1; done
    tmux list-panes -t one | wc -l; tmux resize-window -t one -x 100 -y 30; tmux send-keys -t one 'until [ "$(stty size)" = "30 100" ]; do sleep 0.1; done; clear; stty size' Enter; wait_for one '^30 100'
    tmux new-window -d -t one -n second 'echo bye; exec sleep 100'; tmux list-windows -t one -F '#W'; wait_for one:second bye
    tmux set-buffer text && tmux show-buffer; echo; tmux kill-server; while tmux ls >/dev/null 2>&1; do sleep 0.05; done; tmux ls 2>&1 | cut -c1-9; pgrep -f 'sleep 100' -P 1 >/dev/null; :
}

for part; do
    name=${part%%=*} argument=
    [ "$name" = "$part" ] || argument=${part#*=}
    mkdir "$top/$name" && cd "$top/$name" || exit
    echo "=== $name"
    start=$EPOCHREALTIME
    (set -u; $name $argument) 2>&1 </dev/null | sed "s,$top,TOP,g"
    echo "status ${PIPESTATUS[0]}"
    end=$EPOCHREALTIME
    echo "$name $(((${end/./} - ${start/./}) / 1000)) ms" >&2
    cd "$top" && rm -rf "${top:?}/$name"
done
echo '=== end'
rm -rf "$top"
