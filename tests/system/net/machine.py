"""What a machine that runs programs/flooded.c tells of itself."""
import re, socket, time

FAMILIES = ("TCP", "UDP", "RAW", "FRAG")


def result(name, good, *why):
    for line in why:
        print("#", line)
    print("ok -" if good else "not ok -", name, flush=True)


class State:
    """At one moment, by the port where it tells."""

    def __init__(self, ends, patience=200):
        text = ""
        with socket.create_connection(ends, timeout=patience) as s:
            while "== /end\n" not in text:
                part = s.recv(65536)
                if not part:
                    raise EOFError("the machine says no more")
                text += part.decode()
        self.free = int(re.search(r"MemFree: +(\d+)", text)[1])
        self.threads = int(self.part(text, "/proc/loadavg").split()[3].split("/")[1])
        self.sockets = {m[1]: m[2].strip()
                        for m in re.finditer(r"^(\w+): (.*)", self.part(text, "/proc/net/sockstat"), re.M)}
        self.counters = {}
        for name in ("snmp", "netstat"):
            for names, values in re.findall(r"^(\w+:.*)\n(\w+:.*)", self.part(text, "/proc/net/" + name), re.M):
                group = names.split(":")[0]
                for key, value in list(zip(names.split(), values.split()))[1:]:
                    self.counters[group + key] = int(value)

    @staticmethod
    def part(text, name):
        return text.split(f"== {name}\n")[1].split("==")[0]

    def what(self):
        return f"free {self.free} KiB, threads {self.threads}, " + ", ".join(
            f"{k} {self.sockets[k]}" for k in FAMILIES)

    def numbers(self, family):
        return [int(n) for n in re.findall(r"\d+", self.sockets[family])]

    def memory_of_fragments(self):
        return self.numbers("FRAG")[-1]

    def no_more_than(self, before, kib):
        """Are no more sockets and threads there than before, and no more than so many KiB gone? What is in
        TIME_WAIT goes by itself."""
        def numbers(state):
            return [n for k in FAMILIES for n in re.findall(r"\d+", re.sub(r"tw \d+", "", state.sockets[k]))]
        return self.free + kib >= before.free and self.threads <= before.threads and all(
            int(n) <= int(most) for n, most in zip(numbers(self), numbers(before)))


def settled(look, before, kib, patience=200):
    """Wait until the machine is as before, or the time is over: (it is, its state)."""
    end = time.monotonic() + patience
    while True:
        now = look()
        good = now.no_more_than(before, kib)
        if good or time.monotonic() > end:
            return good, now
        time.sleep(0.3)
