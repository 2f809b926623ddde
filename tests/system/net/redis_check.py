"""A redis client that checks every answer: redis_check.py PORT SEED COUNT. Values of any bytes from
nothing to 200 KB, pipelines, several connections at once that come and go."""
import random, socket, sys, threading

port, seed, count = map(int, sys.argv[1:])


class Client:
    def __init__(self):
        self.s = socket.create_connection(("127.0.0.1", port), timeout=200)
        self.buffer = b""

    def line(self):
        while b"\r\n" not in self.buffer:
            self.more()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def more(self):
        data = self.s.recv(1 << 16)
        if not data:
            raise EOFError("closed by the server")
        self.buffer += data

    def answer(self):
        line = self.line()
        if line[:1] != b"$":
            return line
        n = int(line[1:])
        if n < 0:
            return None
        while len(self.buffer) < n + 2:
            self.more()
        value, self.buffer = self.buffer[:n], self.buffer[n + 2:]
        return value

    def send(self, *words):
        out = b"*%d\r\n" % len(words)
        for word in words:
            out += b"$%d\r\n%s\r\n" % (len(word), word)
        self.s.sendall(out)


def value(r):
    return r.randbytes(r.choice([0, 1, 10, 100, 1000, 1460, 5000, r.randrange(200000)]))


def work(number, failures):
    r = random.Random(seed * 1000 + number)
    known = {}
    c = Client()
    try:
        for turn in range(count):
            if r.random() < 0.02:
                c.s.close()
                c = Client()
            batch = []
            for _ in range(r.choice([1, 1, 2, 16])):
                key = b"%d:%d:%d" % (seed, number, r.randrange(50))
                if r.random() < 0.5:
                    known[key] = value(r)
                    batch.append((None, b"SET", key, known[key]))
                else:
                    batch.append((known.get(key), b"GET", key))
            sender = threading.Thread(target=lambda b=batch: [c.send(*x[1:]) for x in b])
            sender.start()
            for expected, what, *_ in batch:
                got = c.answer()
                good = got == (b"+OK" if what == b"SET" else expected)
                if not good:
                    raise ValueError(f"{what} answered {got!r:.60}")
            sender.join()
    except Exception as e:
        failures.append(f"client {number}: {e!r}")


failures = []
threads = [threading.Thread(target=work, args=(i, failures)) for i in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
print("\n".join(failures))
sys.exit(bool(failures))
