#!/bin/bash
# timeout: 1200
# A terminal on standard input: line editing, keys that signal, window size.
. tests/system/lib.sh
timeout 1100 /usr/bin/python3 tests/system/terminal.py "$OSPREY"
