#!/bin/bash
# timeout: 300
# The tools that read /proc and /sys: ps, top, free, pmap, lsof and their like, run in the machine.
. tests/system/lib.sh

tools=(ps top free vmstat lslocks flock pmap lsof uptime w pgrep pkill pstree fuser ss slabtop pwdx pidof prlimit
    lscpu findmnt nproc sleep head tail grep)
add=()
missing=()
for tool in "${tools[@]}"; do
    path=$(command -v "$tool") && add+=(--add "$path") || missing+=("$tool")
done

cat >"$WORK/script.sh" <<'END'
# part NAME COMMAND...: its output between two lines, its status behind.
part() {
    local name=$1
    shift
    echo "=== $name"
    "$@" 2>&1
    echo "=== status $?"
}
begun() { until grep -q "$1" "/proc/$2/comm"; do :; done; } # until it has become that program
export -f begun
sleep 1000 &
child=$!
begun sleep $child
exec 5</etc/passwd
part head-cmdline head /proc/cmdline
part ps ps -ef
part ps-aux ps aux
part ps-threads ps -eLo pid,tid,stat,comm
part ps-tree bash -c 'sleep 1001 & begun sleep $!; ps -e --forest -o pid,ppid,args; kill $!'
part ps-format ps -o pid,pgid,sess,rss,vsz,nlwp,psr,ni,pri,cls,etimes,comm -p $child
part top top -b -n1
part free free -k
part vmstat vmstat
part vmstat-s vmstat -s
part pmap pmap $child
part pmap-x pmap -x $child
part pmap-X pmap -X $child
part uptime uptime
part w w
part pgrep pgrep -l sleep
part pstree pstree -p
part lsof lsof -p $$
part fuser fuser -v /etc/passwd
part pwdx pwdx $child
part pidof pidof sleep
part prlimit prlimit --pid $child
part lscpu lscpu
part findmnt findmnt /sys/fs/cgroup
part nproc nproc
part lslocks flock /tmp/locked lslocks -o COMMAND,TYPE,MODE,PATH
part ss-everything ss -a
part vmstat-forks vmstat -f
part vmstat-twice vmstat 1 2
part slabtop slabtop -o
part pkill pkill sleep
wait $child
echo "=== killed $?"
END
osprey --cpus 2 "${add[@]}" bash "$WORK/script.sh" </dev/null >"$WORK/out" 2>"$WORK/err"
check 'the script comes to its end' grep -qx '=== killed 143' "$WORK/out"

# says PART PATTERN...: the part ended with 0 and has a line for each pattern.
says() {
    local name=$1 pattern
    shift
    sed -n "/^=== $name\$/,/^=== status/p" "$WORK/out" >"$WORK/part"
    if [[ " ${missing[*]} " == *" ${name%%-*} "* ]]; then
        skip "$name" 'not installed'
        return
    fi
    for pattern; do
        grep -qE -- "$pattern" "$WORK/part" || { echo "# no line like: $pattern" && not_ok "$name" "$WORK/part" && return; }
    done
    grep -qx '=== status 0' "$WORK/part" && ok "$name" || not_ok "$name" "$WORK/part"
}
says head-cmdline '^[^ ].* -- .*bash .*/script.sh$'
says ps '^root +1 +0 .* bash ' '^root +[0-9]+ +1 .* sleep 1000$'
says ps-aux '^root +1 +[0-9.]+ +[0-9.]+ +[1-9][0-9]+ +[1-9][0-9]+ .* bash ' 'S +[0-9:]+ +0:00 sleep 1000'
says ps-threads '^ +1 +1 Ss? +bash$' ' R[a-z+]* +ps$'
says ps-tree '^ +1 +0 bash' '\\_ sleep 1001'
says ps-format '^ +[0-9]+ +1 +1 +[1-9][0-9]+ +[1-9][0-9]+ +1 +[01] +0 +19 +TS +[0-9]+ sleep$'
says top '^Tasks: +[0-9]+ total' '^%Cpu' '^MiB Mem : +[1-9]' ' bash$' ' top$'
says free '^Mem: +[1-9][0-9]+ +[1-9][0-9]+ +[1-9][0-9]+' '^Swap: +0'
says vmstat '^ *[0-9]+ +[0-9]+ +0 +[1-9]'
says vmstat-s 'K total memory' 'CPU context switches' 'forks$'
says pmap 'ld-linux-x86-64.so.2' '\[ stack \]' 'total +[1-9][0-9]+K'
says pmap-x 'total kB +[1-9][0-9]+ +[1-9][0-9]+ +[1-9]'
says pmap-X 'libc.so.6' '\[stack\]' '\[heap\]|ld-linux'
says uptime 'up +[0-9]+ min.*load average: [0-9.]+, [0-9.]+, [0-9.]+'
says w 'load average'
says pgrep '^[0-9]+ sleep$'
says pstree '^bash\(1\)-' 'sleep\([0-9]+\)'
says lsof '^bash +1 +root +cwd +DIR' ' txt +REG .*/bash$' ' mem +REG .*libc.so.6$' ' 5r +REG .*/etc/passwd$'
says fuser '/etc/passwd: +root +1 f.* bash'
says pwdx '^[0-9]+: /'
says pidof '^[0-9]+$'
says prlimit '^NOFILE ' '^CORE +max core file size +0'
says lscpu '^CPU\(s\): +2' '^Architecture: +x86_64' '^On-line CPU\(s\) list: +0,?-?1'
says findmnt '^/sys/fs/cgroup +cgroup2 +cgroup2 '
says nproc '^2$'
says slabtop 'Active'
says lslocks '^flock +FLOCK +WRITE +/tmp/locked$'
says ss-everything '^Netid '
grep -q RTNETLINK "$WORK/part" && not_ok 'ss asks nothing that is not answered' "$WORK/part"
says vmstat-forks '^ +[1-9][0-9]+ forks$'
says vmstat-twice '^( *[0-9]+){11} +[1-9][0-9]*( +[0-9]+){5}$'
says pkill 'pkill'
