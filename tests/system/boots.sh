#!/bin/bash
# timeout: 900
# soak-timeout: 7200
# Many boots in a row, without a hang or a wrong byte.
. tests/system/lib.sh
LIMIT=200
build exceptions sh -c 'g++ -O2 -std=c++17 -pthread -o $OUT tests/system/programs/exceptions.cc'

# boots CPUS TIMES
boots() {
    local i bad=0 status text
    for i in $(seq "$2"); do
        text=$(osprey --cpus "$1" /bin/echo "boot $i on $1" 2>"$WORK/err" </dev/null)
        status=$?
        if [ $status -ne 0 ] || [ "$text" != "boot $i on $1" ] || [ -s "$WORK/err" ]; then
            bad=$((bad + 1))
            echo "# boot $i: status $status, output \"$text\""
            tail -n 20 "$WORK/err" | sed 's/^/# /'
        fi
    done
    check "$2 boots on $1 processors" [ $bad -eq 0 ]
}

if [ "$SOAK" = 1 ]; then
    for cpus in 1 2 4; do boots $cpus 200; done
    for i in $(seq 50); do same -n "threads and exceptions, run $i" -o --cpus=4 "$PROGRAMS/exceptions"; done
else
    boots 1 8
    boots 2 6
    boots 4 6
fi
