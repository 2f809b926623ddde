#!/bin/bash
# timeout: 600
# soak-timeout: 3600
# PostgreSQL 15: initdb, server, pgbench, a killed backend, restarts, in one machine.
. tests/system/lib.sh
INSIDE=$PWD/tests/system/inside/postgres.sh
IMAGE=(--memory 1G --add "$INSIDE")
for package in postgresql-15 postgresql-client-15 util-linux procps coreutils sed grep; do
    IMAGE+=(--package "$package")
done

# server CPUS SCALE CLIENTS TRANSACTIONS
server() {
    local cpus=$1 scale=$2 total=$(($3 * $4)) out=$WORK/postgres.out line
    osprey "${IMAGE[@]}" --cpus "$cpus" bash "$INSIDE" "${@:2}" >"$out" 2>"$WORK/postgres.err"
    while read -r line; do
        if grep -qxF "$line" "$out"; then
            ok "$cpus processors, $3 clients: $line"
        else
            echo "# wanted: $line"
            not_ok "$cpus processors, $3 clients: ${line%:*}" "$out" "$WORK/postgres.err"
        fi
    done <<END
initdb: 0
start: 0
version: 15
load: $((scale * 100000))
bench: $total/$total
sums: t
history: $total
victim: 2
recovered: 1 2
sums after the crash: t
history after the crash: $total
bench after the crash: $total/$total
stop: 0
the server is gone: 0
restart: 0
the same data: 0
sums after the restart: t
dump and restore: 1
the index holds: 0
shared memory, workers: $((scale * 100000))
last stop: 0
END
    if [ "$(tail -n 2 "$out" | paste -sd' ')" = 'last stop: 0 end' ]; then
        ok "$cpus processors, $3 clients: nothing else went wrong"
    else
        not_ok "$cpus processors, $3 clients: nothing else went wrong" "$out" "$WORK/postgres.err"
    fi
}

if [ "$SOAK" = 1 ]; then
    LIMIT=1800
    for cpus in 1 2 4; do server $cpus 4 20 200; done
else
    LIMIT=500
    server 2 1 20 5
fi
