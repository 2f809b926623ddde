#!/bin/bash
# timeout: 600
# Whatever a program uses up: it is refused with an errno or ended with one line and 137, soon; no
# hang, no panic. (memory.sh has the everyday cases.)
. tests/system/lib.sh
build exhaust sh -c 'gcc -O2 -Wall -static -pthread -o $OUT tests/system/programs/exhaust.c'

# spent KIND CPUS STATUS PATTERN: status, and the pattern in the one line that is written.
spent() {
    local name="$1 on $2 processors" status
    timeout 240 "$OSPREY" run --timeout 200 --cpus "$2" --memory 48M "$PROGRAMS/exhaust" "$1" \
        </dev/null >"$WORK/said" 2>&1
    status=$?
    grep -v '^Killed$\|^Bus error$' "$WORK/said" >"$WORK/lines"
    if [ $status -eq "$3" ] && [ "$(wc -l <"$WORK/lines")" -eq 1 ] && grep -q "$4" "$WORK/lines"; then
        ok "$name: $4"
    else
        echo "# status $status, wanted $3 and one line with: $4"
        not_ok "$name" "$WORK/said"
    fi
}

killed='^osprey: program: out of memory: killed'
for cpus in 1 2 4; do
    for kind in touch threads-touch threads populate shared sparse-2m read heap; do
        spent $kind $cpus 137 "$killed"
    done
    for call in pipe:pipes socketpair:sockets eventfd:events epoll_create:epolls; do
        spent "${call#*:}" $cpus 3 "^${call%:*}: Cannot allocate memory after some"
    done
done
spent sparse-1g 2 137 "$killed"
spent lock 2 3 '^mlock: .* after some'
spent mappings 2 3 '^mmap: Cannot allocate memory after some'
spent few-events 2 3 '^eventfd: Too many open files after some'
spent file 2 3 '^write: No space left on device after some'
spent files 2 3 '^open: .* after some'
spent mapped-file 2 135 'SIGBUS'
