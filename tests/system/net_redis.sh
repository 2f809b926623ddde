#!/bin/bash
# timeout: 600
# soak-timeout: 5400
# redis-server under redis-benchmark's whole suite and under a client that checks every answer, on
# each way to attach the network device.
. tests/system/lib.sh
. tests/system/net/lib.bash
LIMIT=300
command -v redis-benchmark >/dev/null || { skip redis 'no redis-benchmark' && exit 0; }

# benchmark REQUESTS OPTIONS...: no error among the answers, and every test has its line.
benchmark() {
    local n=$1
    shift
    redis-benchmark -h 127.0.0.1 -p "${ports[6379]}" -n "$n" --csv "$@" >"$WORK/bench.out" 2>&1 &&
        ! grep -i 'error' "$WORK/bench.out" && [ "$(grep -c '","' "$WORK/bench.out")" -ge 19 ]
}

# All that the suite has written is there: the lists' lengths are what was pushed.
kept() {
    local n=$1 list
    list=$(redis-cli -p "${ports[6379]}" llen mylist)
    [ "$(redis-cli -p "${ports[6379]}" get counter:__rand_int__)" -ge "$n" ] &&
        [ "$list" -ge "$n" ] && [ "$(redis-cli -p "${ports[6379]}" get key:__rand_int__)" = VXK ]
}

# redis TRANSPORT CPUS REQUESTS
redis() {
    local name="redis, $1, $2 CPUs" n=$3
    start_vm --cpus "$2" --memory 256M --nic "$1" -p 6379 \
        redis-server --protected-mode no --save '' --appendonly no >/dev/null ||
        { not_ok "$name" "$WORK/vm.err" && return; }
    until_works redis-cli -p "${ports[6379]}" ping ||
        { not_ok "$name answers" "$WORK/vm.err" "$WORK/vm.out" && stop_vm && return; }
    serves "$name: every answer is right" python3 tests/system/net/redis_check.py "${ports[6379]}" "$n" 12
    if benchmark "$n" -c 20 -P "$4"; then ok "$name: redis-benchmark"; else
        not_ok "$name: redis-benchmark" "$WORK/bench.out" "$WORK/vm.err"
    fi
    if kept "$n"; then ok "$name: what it has written"; else not_ok "$name: what it has written" "$WORK/vm.err"; fi
    stop_vm
}

if [ "$SOAK" = 1 ]; then
    LIMIT=1200
    for transport in $TRANSPORTS; do
        for cpus in 1 2 4; do
            redis $transport $cpus 50000 1
            redis $transport $cpus 50000 16
        done
    done
else
    redis mmio 1 100 1
    redis legacy 2 100 1
    redis modern 1 200 16
    redis packed 2 100 1
    redis e1000 2 50 1
    redis vmxnet3 2 50 1
fi
