#!/bin/bash
# timeout: 600
# Errors of the program: the signal's message and 128+n; with a handler the signal reaches it.
. tests/system/lib.sh

build crash sh -c 'gcc -O0 -w -fstack-protector-all -pthread -o $OUT tests/system/programs/crash.c'

# dies KIND STATUS MESSAGE
dies() {
    ends "$1 ends the program with $2" "$2" "$3" "$OSPREY" run --timeout "$LIMIT" "$PROGRAMS/crash" "$1"
}

dies null-read 139 'segmentation fault'
dies null-write 139 'segmentation fault'
dies null-call 139 'segmentation fault'
dies stack-overflow 139 'segmentation fault'
dies illegal 132 'illegal instruction'
dies divide 136 'floating.point exception'
dies abort 134 'aborted'
dies trap 133 'trap'
dies readonly 139 'segmentation fault'
dies execute-data 139 'segmentation fault'
dies beyond-file 135 'bus error'
dies smashed 134 'stack smashing detected'
dies kernel-write 139 'segmentation fault'
dies non-canonical 139 'segmentation fault'
dies thread 139 'segmentation fault'
for kind in null-read null-write null-call stack-overflow illegal divide abort trap \
    readonly execute-data beyond-file non-canonical thread; do
    same -n "$kind reaches a handler" "$PROGRAMS/crash" $kind handler
done
