#!/bin/bash
# timeout: 400
# A terminal on standard input: line editing, keys that signal, window size.
. tests/system/lib.sh
timeout 380 /usr/bin/python3 tests/system/terminal.py "$OSPREY"
