#!/bin/bash
# Every way of a process to end, with threads asleep and busy.
. tests/system/lib.sh
build endings sh -c 'gcc -O2 -pthread -o $OUT tests/system/programs/endings.c'
for kind in return spinners from-thread main-first no-flush thread-exit large-status quick; do
    for cpus in 1 4; do
        same -n "$kind on $cpus processors" -o --cpus=$cpus "$PROGRAMS/endings" $kind
    done
done
ends 'SIGKILL to itself' 137 killed "$OSPREY" run --timeout "$LIMIT" "$PROGRAMS/endings" kill-thread-group
