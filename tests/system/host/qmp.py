#!/usr/bin/env python3
"""qmp.py SOCKET COMMAND[=JSON]... : talk to QEMU's monitor.

Each command's answer is printed as a line of JSON. `until=COMMAND:KEY:LOW:HIGH` repeats a command
until the number in its answer lies in the range."""
import json
import socket
import sys
import time

LIMIT = 180  # seconds


def connect(path):
    end = time.monotonic() + LIMIT
    while True:
        try:
            s = socket.socket(socket.AF_UNIX)
            s.connect(path)
            return s.makefile("rw")
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def ask(stream, command, arguments=None):
    stream.write(json.dumps({"execute": command, "arguments": arguments or {}}) + "\n")
    stream.flush()
    while True:
        answer = json.loads(stream.readline())
        if "return" in answer or "error" in answer:
            return answer


def until(stream, words):
    command, key, low, high = words.split(":")
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        value = ask(stream, command).get("return", {}).get(key)
        if value is not None and int(low) <= value <= int(high):
            return value
        time.sleep(0.05)
    sys.exit("%s: %s stays %s" % (command, key, value))


def main():
    stream = connect(sys.argv[1])
    stream.readline()
    ask(stream, "qmp_capabilities")
    for word in sys.argv[2:]:
        command, _, rest = word.partition("=")
        if command == "until":
            print(until(stream, rest))
        else:
            print(json.dumps(ask(stream, command, json.loads(rest) if rest else None)))
        sys.stdout.flush()


main()
