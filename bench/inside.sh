#!/bin/bash
# inside.sh DIR: in the machine, the same script in Osprey and in Linux: programs with many processes
# and files, each once to warm up. DIR has what bench/programs.bash has put there.
dir=$1
bin=/usr/lib/postgresql/15/bin
export PATH=/usr/bin:/bin LC_ALL=C PGHOST=/tmp/run PGDATABASE=postgres PGUSER=postgres
spent() { "$dir/spent" "$@" >/tmp/out; }
# twice NAME COUNT COMMAND...: the second time counts.
twice() {
    "${@:3}" >/tmp/out 2>&1
    spent "$@"
}

mkdir /tmp/many && cd /tmp/many || exit
for i in {0..99}; do
    mkdir "$i"
    for j in {0..99}; do : >"$i/file$j"; done
done
twice find_10000 1 find /tmp/many -type f -size 0 -newer "$dir/spent"
[ "$(wc -l </tmp/out)" -eq 10000 ] || echo "find: $(wc -l </tmp/out)"
twice find_exec 100 find /tmp/many -name file1 -exec /bin/true '{}' ';'
twice gcc_c 1 gcc -O2 -c -o /tmp/hello.o "$dir/hello.c"
twice pipeline 1 bash -c "find /tmp/many -type f | xargs -n 100 -P 4 echo | sort | wc -l"

cp -a "$dir/data" /tmp/data && mkdir /tmp/run && chown postgres:postgres /tmp/run
setpriv --reuid=postgres --regid=postgres --clear-groups $bin/postgres -D /tmp/data -k /tmp/run -c listen_addresses= -c autovacuum=off -c jit=off \
    >/tmp/log 2>&1 &
server=$!
for ((i = 0; i < 600; i++)); do
    $bin/psql -X -A -t -c 'SELECT 1' >/tmp/out 2>&1 && break
    sleep 0.1
done
twice pgbench_select 1000 $bin/pgbench -n -S -c 4 -t 250
twice pgbench_write 400 $bin/pgbench -n -c 4 -t 100
kill -INT $server
wait $server
grep -E 'ERROR|FATAL|PANIC' /tmp/log
