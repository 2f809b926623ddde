#!/bin/bash
# Addresses differ from run to run, unless norandmaps is said.
. tests/system/lib.sh
build where-pie sh -c 'gcc -O2 -pie -fPIE -o $OUT tests/system/programs/where.c'
build where-fixed sh -c 'gcc -O2 -static -no-pie -o $OUT tests/system/programs/where.c'

# differ A B WORD...: each of these lines differs between the two files.
differ() {
    local a=$1 b=$2 word
    shift 2
    for word; do
        [ -n "$(grep "^$word " "$a")" ] && [ "$(grep "^$word " "$a")" != "$(grep "^$word " "$b")" ] || return 1
    done
}

for kind in pie fixed; do
    for i in 1 2; do osprey "$PROGRAMS/where-$kind" >"$WORK/$kind.$i"; done
    for i in 3 4; do osprey --kernel-arg norandmaps "$PROGRAMS/where-$kind" >"$WORK/$kind.$i"; done
    check "$kind: heap, mappings, stack and vDSO move" \
        differ "$WORK/$kind.1" "$WORK/$kind.2" heap mapping stack vdso
    check "$kind: with norandmaps all stays" cmp "$WORK/$kind.3" "$WORK/$kind.4"
done
check 'a PIE moves' differ "$WORK/pie.1" "$WORK/pie.2" executable
check 'a fixed executable stays at its address' \
    sh -c "[ \"\$(head -1 '$WORK/fixed.1')\" = \"\$(head -1 '$WORK/fixed.2')\" ]"
