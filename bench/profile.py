"""profile.py SYMBOLS BEFORE AFTER REQUESTS [LINES]: instructions per request and function, from two
copies of the file that bench/plugin/profile.c keeps. SYMBOLS is a program with a symbol table (the
kernel: build/osprey.debug) or a System.map; what lies below the kernel counts as the program's."""
import array, bisect, collections, subprocess, sys

symbols, before, after, requests = sys.argv[1:4] + [float(sys.argv[4])]
lines = int(sys.argv[5]) if len(sys.argv) > 5 else 60


def load(path):
    words = array.array("Q")
    with open(path, "rb") as file:
        words.frombytes(file.read())
    return words


def table():
    if "System.map" in symbols:
        text = open(symbols).read()
    else:
        text = subprocess.run(["nm", symbols], capture_output=True, text=True, check=True).stdout
    found = []
    for line in text.splitlines():
        word = line.split()
        if len(word) == 3 and word[1] in "tTwW":
            found.append((int(word[0], 16), word[2]))
    return sorted(found)


names = table()
addresses = [address for address, _ in names]
first, last = load(before), load(after)
count, entered = collections.Counter(), collections.Counter()
for i in range(0, len(last), 3):
    times = last[i + 2] - first[i + 2]
    if times <= 0:
        continue
    address = last[i]
    if address < 1 << 63:
        count["(program)"] += times * last[i + 1]
        continue
    at = bisect.bisect_right(addresses, address) - 1
    count[names[at][1]] += times * last[i + 1]
    if addresses[at] == address:
        entered[names[at][1]] += times
print("%9.1f in all" % (sum(count.values()) / requests))
for name, n in count.most_common(lines):
    print("%9.1f %s (%.2f calls)" % (n / requests, name, entered[name] / requests))
