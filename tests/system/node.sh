#!/bin/bash
# timeout: 1500
# node: compiled code and its faults, worker threads on shared memory, child processes, files,
# streams, crypto, timers. The short form leaves out what is mostly computing.
. tests/system/lib.sh
LIMIT=1200
N=/usr/bin/node
J=$PWD/tests/system/programs/node
[ -x $N ] || { skip node 'no /usr/bin/node' && exit 0; }

# node_same CPUS PROGRAM ARGS...
node_same() {
    local cpus=$1 program=$2
    shift 2
    same -n "$program $* on $cpus" -o --memory=700M -o "--cpus=$cpus" -o --package=coreutils -o --package=sed \
        -o --package=procps $N --expose-gc "$J/$program.js" "$@"
}

if [ "$SOAK" = 1 ]; then
    for cpus in 1 2 4; do
        for program in jit threads children system; do
            node_same $cpus $program
        done
    done
else
    node_same 2 jit
    node_same 4 threads
    node_same 2 children
    node_same 1 system files streams loop
fi
