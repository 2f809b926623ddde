#!/bin/bash
# timeout: 600
# soak-timeout: 3600
# Floods over a tap in a network namespace of the test's own: SYNs from beyond the link and from on
# it, datagrams to a closed port, fragments that never complete, peers that do not read. A few
# seconds of each; in the soak a minute, on one processor and on two.
. tests/system/lib.sh
. tests/system/net/namespace.bash
LIMIT=500 seconds=3 cpus=2
[ "$SOAK" = 1 ] && LIMIT=1700 seconds=60 cpus="1 2"

MAC=52:54:00:12:34:58 GUEST=10.78.0.2 HERE=10.78.0.1
build flood sh -c 'gcc -O2 -Wall -Wextra -o $OUT tests/system/flood.c' || exit 0
build flooded sh -c 'gcc -O2 -Wall -Wextra -static -o $OUT tests/system/programs/flooded.c' || exit 0
make_space "$NS"
ip -n "$NS" tuntap add dev wire mode tap
ip -n "$NS" addr add $HERE/24 dev wire
ip -n "$NS" link set wire txqueuelen 10000 up
# A thousand connections that nobody reads are to be stopped by the VM's buffers, not by Linux's.
within sysctl -qw net.ipv4.tcp_wmem='4096 16384 65536'

for n in $cpus; do
    background within "$OSPREY" run --timeout $LIMIT --memory 128M --cpus "$n" --net tap=wire --mac $MAC \
        --ip $GUEST/24,$HERE "$PROGRAMS/flooded" 7000 </dev/null >"$WORK/vm.out" 2>"$WORK/vm.err"
    vm=$!
    if until_true 200 within bash -c "exec 3<>/dev/tcp/$GUEST/7003"; then
        within timeout $LIMIT python3 tests/system/net/flood_check.py $GUEST 7000 $seconds "$PROGRAMS/flood" wire $MAC \
            2>"$WORK/check.err" | sed -u "s/^\(ok\|not ok\) - /&$n CPUs: /"
        status=${PIPESTATUS[0]}
        [ $status -eq 0 ] || { not_ok "$n CPUs: the check comes to its end" "$WORK/check.err" "$WORK/vm.err" && stop $vm; }
    else
        not_ok "$n CPUs: the machine answers" "$WORK/vm.err" "$WORK/vm.out"
    fi
    wait $vm
    status=$?
    check "$n CPUs: the machine ends as it should ($status)" [ $status -eq 0 ]
done
