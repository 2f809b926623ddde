#!/usr/bin/python3
"""Run QEMU, look at its screen and press its keys: screen.py text|pixels STEP... -- QEMU ARGS...

A step `see:TEXT` waits until the screen has the text, `type:TEXT` presses keys, `key:NAMES` one combination of
QEMU's names, `end` waits for QEMU's end. The text screen is read at 0xb8000; pixels are read by QEMU's screendump
and compared with the letters of kernel/drivers/console/font.c."""
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time

LIMIT = 120
NAMES = {" ": "spc", "\n": "ret", "-": "minus", "=": "equal", "/": "slash", ".": "dot", ";": "semicolon",
         "'": "apostrophe", ",": "comma", "\\": "backslash", "$": "shift-4", "|": "shift-backslash", '"': "shift-apostrophe",
         "(": "shift-9", ")": "shift-0", "*": "shift-8", "+": "shift-equal", ">": "shift-dot", "_": "shift-minus",
         "%": "shift-5", "[": "bracket_left", "]": "bracket_right", "!": "shift-1"}


class Machine:
    def __init__(self, arguments, folder):
        self.folder = folder
        path = folder + "/qmp"
        self.process = subprocess.Popen(["qemu-system-x86_64", "-qmp", "unix:%s,server=on,wait=on" % path] + arguments,
                                        stdin=subprocess.DEVNULL)
        self.socket = socket.socket(socket.AF_UNIX)
        for _ in range(LIMIT * 10):
            try:
                self.socket.connect(path)
                break
            except OSError:
                time.sleep(0.1)
        self.file = self.socket.makefile("rw")
        self.file.readline()
        self.ask("qmp_capabilities")

    def ask(self, command, **arguments):
        self.file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.file.flush()
        while True:
            answer = json.loads(self.file.readline() or "{\"error\": \"QEMU is gone\"}")
            if "return" in answer or "error" in answer:
                return answer

    def press(self, names):
        keys = [{"type": "qcode", "data": name} for name in names.split("-")]
        self.ask("send-key", **{"keys": keys, "hold-time": 20})
        time.sleep(0.06)

    def until_shows(self, kind, text):
        for _ in range(LIMIT * 4):
            screen = getattr(self, kind)()
            if text in screen:
                return
            time.sleep(0.25)
        sys.exit("not seen: %s\n%s" % (text, screen))

    def text(self):
        file = self.folder + "/text"
        if "error" in self.ask("pmemsave", val=0xb8000, size=4000, filename=file):
            return ""
        with open(file, "rb") as screen:
            cells = screen.read()
        return "\n".join(cells[i:i + 160:2].decode("cp437").rstrip() for i in range(0, 4000, 160))

    def pixels(self):
        file = self.folder + "/dump"
        if "error" in self.ask("screendump", filename=file):
            return ""
        with open(file, "rb") as dump:
            if dump.readline() != b"P6\n":
                return ""
            width, height = map(int, dump.readline().split())
            dump.readline()
            data = dump.read()
        letters = font()
        lines = []
        for top in range(0, height - 15, 16):
            line = ""
            for left in range(0, width - 7, 8):
                rows = []
                for y in range(top, top + 16):
                    at = (y * width + left) * 3
                    cell = data[at:at + 24]
                    rows.append(sum(128 >> x for x in range(8) if cell[3 * x:3 * x + 3] != b"\0\0\0"))
                line += letters.get(bytes(rows), "\N{REPLACEMENT CHARACTER}")
            lines.append(line.rstrip())
        return "\n".join(lines)


def font():
    source = open("kernel/drivers/console/font.c").read()
    rows = "".join(re.findall(r'"([0-9a-v]{8,})"', source))
    digit = "0123456789abcdefghijklmnopqrstuv".index
    return {bytes(digit(rows[i + y // 2]) << 2 for y in range(16)): chr(32 + i // 8) for i in range(0, len(rows), 8)}


def main():
    split = sys.argv.index("--")
    kind, steps, arguments = sys.argv[1], sys.argv[2:split], sys.argv[split + 1:]
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(arguments, folder)
        try:
            for step in steps:
                word, _, rest = step.partition(":")
                if word == "type":
                    for i, c in enumerate(rest):
                        machine.press(NAMES.get(c, "shift-" + c.lower() if c.isupper() else c))
                        # Not faster than it is read: the keyboard keeps a few keys only.
                        machine.until_shows(kind, rest[:i + 1].rstrip())
                elif word == "key":
                    machine.press(rest)
                elif word == "end":
                    machine.process.wait(LIMIT)
                else:
                    machine.until_shows(kind, rest)
        finally:
            if machine.process.poll() is None:
                machine.process.kill()
            machine.process.wait()


main()
