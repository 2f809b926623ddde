#!/bin/bash
# docs/abi.md says what the kernel's own table says.
cd "$(dirname "$0")/../.." || exit 1
make -s build/osprey.elf build/abi_table >/dev/null || { echo "not ok - kernel builds"; exit 1; }
if diff <(build/abi_table build/osprey.elf) docs/abi.md; then
    echo "ok - docs/abi.md is the kernel's own table"
else
    echo "not ok - docs/abi.md is out of date: make abi"
    exit 1
fi
