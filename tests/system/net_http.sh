#!/bin/bash
# timeout: 900
# soak-timeout: 3600
# HTTP servers of the runtimes: python3 with asyncio and with threads, node, Java, Go; every body is
# compared, over connections that stay and ones that come and go.
. tests/system/lib.sh
. tests/system/net/lib.bash
LIMIT=300
N=$PWD/tests/system/net
connections=6 requests=12
[ "$SOAK" = 1 ] && connections=40 requests=500

# http NAME TRANSPORT CPUS OPTIONS... PROGRAM ARGS...: the program serves on its port 8000.
http() {
    local name="$1, $2, $3 CPUs" transport=$2 cpus=$3
    shift 3
    start_vm --nic "$transport" --cpus "$cpus" -p 8000 "$@" ||
        { not_ok "$name starts" "$WORK/vm.err" && return; }
    until_works curl -sf -o /dev/null "http://127.0.0.1:${ports[8000]}/1" ||
        { not_ok "$name answers" "$WORK/vm.err" "$WORK/vm.out" && stop_vm && return; }
    serves "$name: every answer is right" \
        python3 "$N/http_check.py" "${ports[8000]}" $connections $requests
    stop_vm
}

build serve-go go build -o "$PROGRAMS/serve-go" "$N/serve.go" || exit 0
mkdir -p "$WORK/java"
javac -d "$WORK/java" "$N/Serve.java" || not_ok 'Serve.java compiles'

# runtimes TRANSPORT CPUS
runtimes() {
    http 'python3 asyncio' "$1" "$2" /usr/bin/python3 "$N/serve_asyncio.py"
    http 'python3 threads' "$1" "$2" /usr/bin/python3 "$N/serve_threads.py"
    http 'node' "$1" "$2" --memory 600M /usr/bin/node "$N/serve.js"
    http 'Java' "$1" "$2" --memory 700M --add "$WORK/java" \
        /usr/lib/jvm/java-17-openjdk-amd64/bin/java -cp "$WORK/java" Serve
    http 'Go' "$1" "$2" "$PROGRAMS/serve-go"
}

if [ "$SOAK" = 1 ]; then
    for transport in $TRANSPORTS; do
        for cpus in 1 2; do
            runtimes $transport $cpus
        done
    done
else
    http 'python3 asyncio' mmio 1 /usr/bin/python3 "$N/serve_asyncio.py"
    http 'python3 threads' modern 2 /usr/bin/python3 "$N/serve_threads.py"
    http 'node' packed 2 --memory 600M /usr/bin/node "$N/serve.js"
    http 'Java' legacy 2 --memory 700M --add "$WORK/java" \
        /usr/lib/jvm/java-17-openjdk-amd64/bin/java -cp "$WORK/java" Serve
    http 'Go' e1000e 2 "$PROGRAMS/serve-go"
fi
