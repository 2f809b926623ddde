"""A memcached client that checks every answer: memcached_check.py PORT SEED COUNT. Text protocol over
TCP with pipelines; values of any bytes; several connections."""
import random, socket, sys, threading

port, seed, count = map(int, sys.argv[1:])


def work(number, failures):
    r = random.Random(seed * 100 + number)
    known = {}
    try:
        s = socket.create_connection(("127.0.0.1", port), timeout=200)
        f = s.makefile("rb")
        for turn in range(count):
            sets, gets = {}, []
            for _ in range(r.choice([1, 4, 20])):
                key = b"k%d-%d" % (number, r.randrange(60))
                sets[key] = r.randbytes(r.choice([0, 1, 100, 1400, r.randrange(100000)]))
            out = b"".join(b"set %s 0 0 %d\r\n%s\r\n" % (k, len(v), v) for k, v in sets.items())
            threading.Thread(target=s.sendall, args=(out,)).start()
            for _ in sets:
                if (got := f.readline()) != b"STORED\r\n":
                    raise ValueError(f"set answered {got!r:.60}")
            known.update(sets)
            gets = r.sample(sorted(known), min(10, len(known))) + [b"never"]
            s.sendall(b"get " + b" ".join(gets) + b"\r\n")
            for key in gets[:-1]:
                head = f.readline().split()
                value = f.read(int(head[3]) + 2)[:-2]
                if head[1] != key or value != known[key]:
                    raise ValueError(f"get {key} answered {head}")
            if (got := f.readline()) != b"END\r\n":
                raise ValueError(f"get ended with {got!r:.60}")
    except Exception as e:
        failures.append(f"client {number}: {e!r}")


failures = []
threads = [threading.Thread(target=work, args=(i, failures)) for i in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
print("\n".join(failures))
sys.exit(bool(failures))
