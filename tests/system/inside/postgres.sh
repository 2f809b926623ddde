#!/bin/bash
# postgres.sh SCALE CLIENTS TRANSACTIONS: a PostgreSQL server from initdb to the second clean stop.
# Runs in the machine as root; the server runs as user postgres. Prints lines of results.
set -u
scale=$1 clients=$2 transactions=$3
bin=/usr/lib/postgresql/15/bin
top=$(mktemp -d)
chmod 755 "$top"
mkdir "$top/run" && chown postgres:postgres "$top" "$top/run"
cd "$top" || exit
export PGHOST=$top/run PGDATABASE=postgres PGUSER=postgres

as_postgres() { setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }
sql() { as_postgres $bin/psql -X -A -t -c "$1"; }
start() {
    as_postgres $bin/pg_ctl -s -w -t 300 -D "$top/data" -l "$top/log" start \
        -o "-c listen_addresses='' -k $PGHOST -c max_connections=$((clients + 10)) -c autovacuum_naptime=1"
}
stop() { as_postgres $bin/pg_ctl -s -w -t 300 -D "$top/data" -m fast stop; }
# What pgbench promises: every transaction moves the same amount in all four tables.
sums() {
    sql "SELECT (SELECT sum(abalance) FROM pgbench_accounts) = (SELECT sum(delta) FROM pgbench_history)
        AND (SELECT sum(bbalance) FROM pgbench_branches) = (SELECT sum(delta) FROM pgbench_history)
        AND (SELECT sum(tbalance) FROM pgbench_tellers) = (SELECT sum(delta) FROM pgbench_history)"
}
bench() {
    as_postgres $bin/pgbench -n -c "$clients" -j 2 -t "$transactions" 2>bench.err |
        sed -n 's/^number of transactions actually processed: //p'
}
step() { echo "$1: $2"; }

as_postgres $bin/initdb -D "$top/data" -A trust --no-locale -E UTF8 >initdb.out 2>&1
step initdb $?
start
step start $?
step version "$(sql 'SHOW server_version' | cut -d. -f1)"
as_postgres $bin/pgbench -q -i -s "$scale" >init.out 2>&1
step load "$(sql 'SELECT count(*) FROM pgbench_accounts')"
step bench "$(bench)"
step sums "$(sums)"
step history "$(sql 'SELECT count(*) FROM pgbench_history')"

# A backend dies by SIGKILL in the midst of work: the server ends the others and recovers by itself.
sql 'SELECT pg_sleep(100)' >victim.out 2>&1 &
waiter=$!
victim=
while [ -z "$victim" ]; do
    victim=$(sql "SELECT pid FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()")
done
kill -9 "$victim"
wait $waiter
step victim "$?"
for ((i = 0; i < 1500; i++)); do
    [ "$(sql 'SELECT 1' 2>/dev/null)" = 1 ] && break
    sleep 0.1
done
step recovered "$(grep -c 'terminated by signal 9: Killed' log) $(grep -c 'database system is ready' log)"
step 'sums after the crash' "$(sums)"
step 'history after the crash' "$(sql 'SELECT count(*) FROM pgbench_history')"
step 'bench after the crash' "$(bench)"
sum=$(sql 'SELECT md5(string_agg(aid || $$:$$ || abalance, $$,$$ ORDER BY aid)) FROM pgbench_accounts')

stop
step stop $?
for ((i = 0; i < 1500; i++)); do # what says that it has stopped is not yet its end
    pgrep postgres >/dev/null || break
    sleep 0.1
done
step 'the server is gone' "$(pgrep -c postgres)"
start
step restart $?
[ "$(sql 'SELECT md5(string_agg(aid || $$:$$ || abalance, $$,$$ ORDER BY aid)) FROM pgbench_accounts')" = "$sum" ]
step 'the same data' $?
step 'sums after the restart' "$(sums)"
step 'dump and restore' "$(as_postgres $bin/pg_dump -t pgbench_branches | grep -c '^COPY')"
sql 'CREATE EXTENSION amcheck' >/dev/null 2>&1 &&
    sql "SELECT bt_index_check('pgbench_accounts_pkey', true)" >/dev/null
step 'the index holds' $?
step 'shared memory, workers' "$(sql 'SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0;
    SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SELECT count(*) FROM pgbench_accounts' | tail -1)"
stop
step 'last stop' $?
grep -E 'PANIC|FATAL|could not' log | grep -vE 'terminating (connection|autovacuum process|background worker)|in recovery mode|starting up|not yet accepting|shutting down' |
    sed 's/^[^A-Z]*//' | head -n 5 | sed "s,^,unexpected: ,"
echo end
