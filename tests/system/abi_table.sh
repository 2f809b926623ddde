#!/bin/bash
# docs/abi.md says what the kernel's own table says.
cd "$(dirname "$0")/../.." || exit 1
make -s build/osprey.elf build/abi_table >/dev/null || { echo "not ok - kernel builds"; exit 1; }
# Every call that answers has a program of its own in tests/guest/abi.
missing=$(awk -F'|' '/^\| [0-9]/ && $4 ~ /whole|partial/ { gsub(/ /, "", $3); print $3 }' docs/abi.md |
    while read -r call; do [ -e "tests/guest/abi/$call.c" ] || echo "$call"; done)
if [ -z "$missing" ]; then
    echo "ok - every call has its program in tests/guest/abi"
else
    echo "not ok - calls without a program in tests/guest/abi:" $missing
fi
if diff <(build/abi_table build/osprey.debug) docs/abi.md; then
    echo "ok - docs/abi.md is the kernel's own table"
else
    echo "not ok - docs/abi.md is out of date: make abi"
    exit 1
fi
