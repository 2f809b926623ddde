"""An HTTP client that checks every answer: http_check.py PORT CONNECTIONS REQUESTS [FOLDER].

Asks for PATH?n and compares status, length and body. With FOLDER: its files, by name. Without: what
tests/system/net/ servers answer: /N gives N bytes of a known pattern. Half of the connections are
kept alive, the others are made anew for each request; one more sends its requests in a row before
it reads (pipelining)."""
import http.client, os, random, socket, sys, threading

port, connections, requests = map(int, sys.argv[1:4])
folder = sys.argv[4] if len(sys.argv) > 4 else None


def pattern(n):
    return (b"0123456789abcdefghijklmnopqrstuvwxyz\n" * (n // 37 + 1))[:n]


def choose(r):
    if folder:
        name = r.choice(sorted(os.listdir(folder)))
        with open(os.path.join(folder, name), "rb") as f:
            return "/" + name, f.read()
    n = r.choice([0, 1, 100, 1460, 5000, 100000, r.randrange(300000)])
    return f"/{n}", pattern(n)


def work(number, failures):
    r = random.Random(number)
    connection = None
    try:
        for i in range(requests):
            path, wanted = choose(r)
            if connection is None:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=200)
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200 or body != wanted:
                raise ValueError(f"{path}: status {answer.status}, {len(body)} of {len(wanted)} bytes")
            if number % 2:
                connection.close()
                connection = None
    except Exception as e:
        failures.append(f"connection {number}, request {i}: {e!r}")


def in_a_row(failures):
    r = random.Random(99)
    asked = [choose(r) for _ in range(10)]
    try:
        s = socket.create_connection(("127.0.0.1", port), timeout=200)
        s.sendall(b"".join(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % p.encode() for p, _ in asked))
        f = s.makefile("rb")
        for path, wanted in asked:
            status = f.readline()
            length = None
            while (line := f.readline().strip()):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            if b" 200 " not in status or length is None or f.read(length) != wanted:
                raise ValueError(f"{path}: {status!r}, length {length}")
    except Exception as e:
        failures.append(f"requests in a row: {e!r}")


failures = []
threads = [threading.Thread(target=work, args=(i, failures)) for i in range(connections)]
if os.environ.get("PIPELINE", "1") == "1":
    threads.append(threading.Thread(target=in_a_row, args=(failures,)))
[t.start() for t in threads]
[t.join() for t in threads]
print("\n".join(failures))
sys.exit(bool(failures))
