#!/bin/bash
# timeout: 900
# Shells and programs that start others: as on the host, on 1, 2 and 4 processors.
. tests/system/lib.sh
LIMIT=300
TOOLS=(-o --package=make -o --package=dash)

pipelines='ls / | wc -l >/dev/null; echo $(echo a; echo b) | tr a-z A-Z
seq 1 100 | sort -rn | head -3; printf "%s\n" c a b | sort | uniq -c | sed "s/^ *//"
echo "one two three" | awk "{print \$2, NF}"; false | true; echo $?
x=$(seq 1 5 | while read -r n; do echo $((n * n)); done | paste -sd+); echo "$x = $((x))"'
background='sleep 0.2 & p=$!; wait $p; echo "ended $?"
(exit 7) & wait $!; echo $?
sleep 30 & kill $!; wait $! 2>/dev/null; echo $?
for i in 1 2 3; do (sleep 0.0$i; exit $i) & done; wait; echo all'
traps='trap "echo usr1" USR1; kill -USR1 $$; trap "echo bye" EXIT
(trap "echo inner" EXIT; exit 3); echo $?; trap "" TERM; kill $$; echo alive'
documents='cat <<X; cat <<"Y"
sum $((1 + 2)) $(echo inner)
X
as it $stands
Y
set -- a "b c" d; for w; do echo "<$w>"; done; f() { return 4; }; f; echo $?'

for cpus in 1 2 4; do
    for shell in bash dash; do
        for script in pipelines background traps documents; do
            same -n "$shell: $script, $cpus processors" -o --cpus=$cpus $shell -c "${!script}"
        done
    done
done

same -n 'bash: arrays, process substitution, co-processes' bash -c '
diff <(seq 3) <(seq 4); a=(x y z); echo "${a[@]:1}" "${#a[@]}"
coproc cat; echo there >&"${COPROC[1]}"; read -r back <&"${COPROC[0]}"; echo "$back"
mapfile -t lines < <(printf "1\n2\n"); echo "${#lines[@]}"; set -o pipefail; false | true; echo $?'
same -n 'find, xargs, sort over 300 files' -o --cpus=2 bash -c '
cd "$(mktemp -d)"; for i in $(seq 300); do echo "$i" >"f$i"; done
find . -type f -print0 | xargs -0 -P4 -n20 cat | sort -n | md5sum
find . -name "f1*" | wc -l; grep -l "^29" f* | sort | head -3; rm -r ./*; ls | wc -l'
same -n 'a script that runs itself' bash -c '
f=$(mktemp); printf "#!/bin/sh\n[ \$1 -gt 0 ] && \$0 \$((\$1 - 1)); echo \$1\n" >"$f"; chmod +x "$f"; "$f" 5'
same -n 'statuses: not found, not executable, killed' bash -c '
nosuchprogram 2>/dev/null; echo $?; /etc/passwd 2>/dev/null; echo $?; { sh -c "kill -9 \$\$"; } 2>/dev/null; echo $?'
for cpus in 1 4; do
    same -n "python3: subprocess, $cpus processors" -o --cpus=$cpus -o --package=coreutils \
        /usr/bin/python3 -c '
import subprocess, os, signal
print(subprocess.run(["echo", "a b"], capture_output=True, text=True).stdout)
print(subprocess.check_output("echo $((6 * 7)); exit 0", shell=True))
print(subprocess.run("exit 3", shell=True).returncode, subprocess.getoutput("seq 3 | tac"))
p = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
print(len(p.communicate(b"x" * 300000)[0]), p.returncode)
p = subprocess.Popen(["sleep", "60"], start_new_session=True)
os.killpg(p.pid, signal.SIGTERM); print(p.wait())
try: subprocess.run(["sleep", "60"], timeout=0.3)
except subprocess.TimeoutExpired: print("timeout")
try: subprocess.run(["/no/such"])
except FileNotFoundError as e: print(e)
print(os.system("true"), os.popen("echo popen").read())
r, w = os.pipe(); pid = os.fork()
if pid == 0: os.write(w, b"child"); os._exit(9)
print(os.read(r, 9), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))'
    same -n "python3: multiprocessing, $cpus processors" -o --cpus=$cpus /usr/bin/python3 -c '
import multiprocessing as m, concurrent.futures as c, os
def square(x): return x * x
def put(q, l, v):
    for i in range(100):
        with l: v.value += 1
    q.put(os.getpid() != os.getppid())
if __name__ == "__main__":
    with m.Pool(4) as pool: print(pool.map(square, range(20)))
    q, l, v = m.Queue(), m.Lock(), m.Value("i", 0)
    ps = [m.Process(target=put, args=(q, l, v)) for _ in range(3)]
    [p.start() for p in ps]; print([q.get() for _ in ps]); [p.join() for p in ps]
    print(v.value, [p.exitcode for p in ps])
    with c.ProcessPoolExecutor(2) as e: print(sum(e.map(square, range(100))))
    a, b = m.Pipe(); p = m.Process(target=a.send, args=({"k": [1, 2]},)); p.start()
    print(b.recv()); p.join()'
done
same -n 'perl: fork, system, pipes' -o --package=coreutils perl -e '
$| = 1; my $pid = fork; if (!$pid) { exit 5 } waitpid $pid, 0; print $? >> 8, "\n";
print `echo back; echo ticks`; system("sh", "-c", "exit 3"); print $? >> 8, "\n";
open my $to, "|-", "sort" or die; print $to "b\na\n"; close $to;
my @p = map { my $n = $_; my $p = fork; exit $n unless $p; $p } 1 .. 5;
my $sum = 0; for (@p) { waitpid $_, 0; $sum += $? >> 8 } print "$sum\n"'
if command -v make >/dev/null; then
    printf 'all: a b c\n\t@cat a b c\na b c:\n\t@sleep 0.1; echo "made $@" >$@\nclean:\n\trm -f a b c\n' \
        >"$WORK/Makefile"
    same -n 'make -j3 with sh' "${TOOLS[@]}" -o --add="$WORK/Makefile" bash -c "
cd \"\$(mktemp -d)\" && cp $WORK/Makefile . && make -s -j3 && ls | sort && make -s clean && ls"
else
    skip 'make -j3 with sh' 'no make'
fi
check 'ps shows the family' bash -c "timeout 300 $OSPREY run bash -c 'sleep 50 & until grep -q sleep /proc/\$!/comm; do :; done; ps -e -o pid,ppid,comm' |
    awk '\$3 == \"sleep\" && \$2 == 1 { found = 1 } END { exit !found }'"
check 'children end with process 1' bash -c "[ \"\$(timeout 300 $OSPREY run bash -c 'sleep 1000 & echo bye')\" = bye ]"
