#!/usr/bin/env python3
"""Shorten a run of which Linux and Osprey say different things: minimize.py PROGRAM FAMILY SEED STEPS

Steps draw their arguments from the seed and their number alone, so that some can be left out. The steps up to the
first line that differs are cut down as long as the last step's lines still differ. Prints what is left, on both.
OSPREY names the command (./osprey), OPTIONS more of its options."""
import os
import re
import subprocess
import sys

program, family, seed, steps = sys.argv[1:5]
osprey = [os.environ.get("OSPREY", "./osprey"), "run", "--timeout", "300", *os.environ.get("OPTIONS", "").split(), program]
BATCH = 64


def output(command, args):
    got = subprocess.run([*command, "--families", family, "--seeds", seed, "--steps", steps, *args],
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return got.stdout.decode(errors="replace")


def spelled(kept):
    """A list of steps as --keep wants it."""
    parts, i = [], 0
    while i < len(kept):
        j = i
        while j + 1 < len(kept) and kept[j + 1] == kept[j] + 1:
            j += 1
        parts.append(str(kept[i]) if i == j else f"{kept[i]}-{kept[j]}")
        i = j + 1
    return ",".join(parts)


def differing(candidates):
    """The first of the candidates whose last step still differs, or None."""
    for start in range(0, len(candidates), BATCH):
        args = [x for kept in candidates[start:start + BATCH] for x in ("--keep", spelled(kept))]
        pair = [re.split(r"^keep\n", output(command, args), flags=re.M)[1:] for command in ([program], osprey)]
        for i, (here, there) in enumerate(zip(*pair)):
            if here != there:
                return candidates[start + i]
    return None


def first_difference():
    number = -1
    for here, there in zip(*(output(command, ["--log"]).splitlines() for command in ([program], osprey))):
        found = re.match(r"(\d+) ", here)
        if found:
            number = int(found[1])
        if here != there:
            return number
    return None


def minimized(last):
    kept, size = list(range(last + 1)), max(1, last // 2)
    while True:
        head = kept[:-1]
        smaller = [head[:i] + head[i + size:] + [last] for i in range(0, len(head), size)]
        better = differing(smaller)
        if better is not None:
            kept = better
            size = min(size, max(1, (len(kept) - 1) // 2))
        elif size == 1:
            return kept
        else:
            size = max(1, size // 2)


last = first_difference()
if last is None:
    print("no difference")
    sys.exit(0)
kept = minimized(last)
for who, command in (("Linux", [program]), ("Osprey", osprey)):
    print(f"--- {who}: steps {spelled(kept)} of {family}, seed {seed}")
    lines = []
    for i in range(len(kept)):
        lines += ["--keep", spelled(kept[:i + 1])]
    print(output(command, lines).replace("keep\n", ""), end="")
