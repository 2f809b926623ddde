#!/bin/sh
# symbols.sh ELF: print, as assembly, the table of function names that core/symbols.c reads.
set -eu
nm "$1" | LC_ALL=C sort | awk '
    BEGIN { n = 0 }
    $3 == "__text_start" { base = $1 }
    ($2 == "t" || $2 == "T") && $3 !~ /^(__text|entry_text)/ { address[n] = $1; name[n++] = $3 }
    END {
        print ".section .symbols, \"a\"\n.balign 4\n.globl symbol_offsets, symbol_names, symbol_count"
        print "symbol_count: .long " n "\nsymbol_offsets:"
        for (i = 0; i < n; i++) print ".long 0x" address[i] " - 0x" base
        print "symbol_names:"
        for (i = 0; i < n; i++) print ".asciz \"" name[i] "\""
        print ".section .note.GNU-stack, \"\", @progbits"
    }'
