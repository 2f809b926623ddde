#!/bin/bash
# timeout: 900
# Debian's python3: threads, sqlite3, ssl, asyncio, mmap, signals.
. tests/system/lib.sh
LIMIT=300
P=/usr/bin/python3

same -n 'python3 --version' $P --version
same -n 'imports ssl and sqlite3' $P -c 'import ssl,sqlite3; print(1)'
same -n 'arithmetic, dicts, sorting, json, re' $P -c '
import json, re, hashlib, math, decimal, itertools, collections
print(sum(i * i for i in range(100000)), 2 ** 300, math.comb(60, 30))
print(json.dumps({"a": [1, 2.5, None, True], "b": "\u00e4"}, sort_keys=True))
print(re.sub(r"(\w+) (\w+)", r"\2 \1", "hello world"), hashlib.sha256(b"x" * 10000).hexdigest())
print(decimal.Decimal(1) / 7, collections.Counter("abracadabra").most_common(2))'
same -n 'exit status and traceback' $P -c 'import sys; sys.stdout.write("out"); raise SystemExit(42)'
same -n 'an exception goes to stderr' $P -c '1/0'
same -n 'threads with queue, lock, event and pool' -o --cpus=2 $P -c '
import threading, queue, concurrent.futures, time
q, lock, total = queue.Queue(), threading.Lock(), [0]
def work():
    while (item := q.get()) is not None:
        with lock: total[0] += item
threads = [threading.Thread(target=work) for _ in range(8)]
[t.start() for t in threads]
[q.put(i) for i in range(2000)]
[q.put(None) for _ in threads]
[t.join() for t in threads]
print(total[0])
with concurrent.futures.ThreadPoolExecutor(8) as pool: print(sum(pool.map(lambda n: n * n, range(500))))
e = threading.Event(); threading.Timer(0.05, e.set).start(); print(e.wait(20), e.wait(0))
b = threading.Barrier(4); r = []
ts = [threading.Thread(target=lambda: r.append(b.wait())) for _ in range(4)]
[t.start() for t in ts]; [t.join() for t in ts]; print(sorted(r))'
same -n 'sqlite3 in a file and in memory' $P -c '
import sqlite3, tempfile, os
path = os.path.join(tempfile.mkdtemp(), "db")
c = sqlite3.connect(path)
c.execute("create table t(a integer primary key, b text)")
with c: c.executemany("insert into t values(?, ?)", ((i, str(i * 3)) for i in range(5000)))
print(c.execute("select count(*), sum(b), max(b) from t").fetchone())
c.close(); c = sqlite3.connect(path)
print(c.execute("select b from t where a = 4321").fetchone(), c.execute("pragma integrity_check").fetchone())'
same -n 'ssl: a handshake in memory' $P -c '
import ssl
ctx = ssl.create_default_context()
print(len(ctx.get_ca_certs()) >= 0, ssl.OPENSSL_VERSION, ctx.verify_mode, ssl.HAS_TLSv1_3)
inb, outb = ssl.MemoryBIO(), ssl.MemoryBIO()
obj = ctx.wrap_bio(inb, outb, server_hostname="example.org")
try: obj.do_handshake()
except ssl.SSLWantReadError: print("hello", outb.pending > 100, outb.read()[:3])'
same -n 'asyncio: timers, tasks, queues, timeouts, executor' $P -c '
import asyncio, time
async def main():
    out, loop = [], asyncio.get_running_loop()
    start, last = loop.time(), loop.create_future()
    for n in (5, 3, 1, 4, 2): loop.call_at(start + 0.02 * n, out.append, n)
    loop.call_at(start + 0.12, last.set_result, None); await last
    print(out)
    try: await asyncio.wait_for(asyncio.sleep(30), 0.05)
    except asyncio.TimeoutError: print("timeout")
    q = asyncio.Queue()
    t = asyncio.create_task(q.get()); await q.put("item"); print(await t)
    print(await asyncio.get_running_loop().run_in_executor(None, sum, range(1000)))
    r, w = await asyncio.wait([asyncio.create_task(asyncio.sleep(0)), asyncio.create_task(asyncio.sleep(50))], return_when=asyncio.FIRST_COMPLETED)
    print(len(r), len(w)); [x.cancel() for x in w]
asyncio.run(main())'
same -n 'mmap: anonymous, of a file, resized' $P -c '
import mmap, tempfile
m = mmap.mmap(-1, 100000); m[5:10] = b"hello"; print(m[:12], m.find(b"llo"))
f = tempfile.TemporaryFile(); f.write(b"a" * 10000); f.flush()
m = mmap.mmap(f.fileno(), 0); m[100:103] = b"xyz"; m.flush(); f.seek(99); print(f.read(5), len(m))
m.resize(20000); print(m.size(), m[15000])
p = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_COPY); p[0:1] = b"!"; f.seek(0); print(f.read(1), p[0:1])
m.madvise(mmap.MADV_DONTNEED)'
same -n 'signals: handlers, alarm, itimer, wakeup, sigwait' $P -c '
import signal, os, time, threading
got = []
signal.signal(signal.SIGUSR1, lambda s, f: got.append(s))
os.kill(os.getpid(), signal.SIGUSR1); time.sleep(0.01); print(got)
signal.signal(signal.SIGALRM, lambda s, f: got.append(s)); signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
while got.count(signal.SIGALRM) < 3: signal.pause()
signal.setitimer(signal.ITIMER_REAL, 0); print(got.count(signal.SIGALRM) >= 3)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
threading.Timer(0.02, lambda: os.kill(os.getpid(), signal.SIGUSR2)).start()
print(signal.sigwait([signal.SIGUSR2])); print(signal.sigtimedwait([signal.SIGUSR2], 0.01))'
same -n 'ended by a signal of its own' $P -c 'import os, signal; os.kill(os.getpid(), signal.SIGTERM)'
same -n 'files: walk, stat, rename, links, tempfile, shutil' $P -c '
import os, tempfile, shutil, pathlib
d = tempfile.mkdtemp(); os.chdir(d)
for i in range(50): pathlib.Path(f"a/b{i % 5}").mkdir(parents=True, exist_ok=True); pathlib.Path(f"a/b{i % 5}/f{i}").write_text("x" * i)
print(sum(s.st_size for r, _, fs in os.walk("a") for s in (os.stat(os.path.join(r, f)) for f in fs)))
shutil.copytree("a", "c"); shutil.rmtree("a"); print(sorted(os.listdir("c")))
os.symlink("c", "l"); os.link("c/b0/f0", "h"); print(os.readlink("l"), os.stat("h").st_nlink, os.path.realpath("l/b1") == os.path.realpath("c/b1"))
try: os.rmdir("c")
except OSError as e: print(e.errno, e.strerror)'
same -n 'select, poll, epoll, pipes, socketpair-free event loop' $P -c '
import select, os
r, w = os.pipe(); e = select.epoll(); e.register(r, select.EPOLLIN)
print(e.poll(0), select.select([r], [w], [], 0)[1] == [w]); os.write(w, b"x" * 10); print(e.poll(1)[0][1], os.read(r, 100))
p = select.poll(); p.register(r); os.close(w); print(p.poll(0)[0][1])'
same -n 'stdin by lines' -i /etc/services $P -c '
import sys
print(sum(len(l) for l in sys.stdin), sys.stdin.isatty(), sys.getdefaultencoding())'
same -n 'ctypes calls libc' $P -c 'import ctypes; print(ctypes.CDLL(None).getpid() > 0, ctypes.CDLL("libm.so.6").abs(-3))'
same -n 'time and zones' $P -c '
import time, datetime
t = time.monotonic(); time.sleep(0.05); print(0.05 <= time.monotonic() - t < 20, datetime.datetime.fromtimestamp(0, datetime.timezone.utc), abs(time.time() - time.clock_gettime(0)) < 1)'
same -n 'faulthandler and resource limits' $P -c 'import resource, faulthandler; faulthandler.enable(); print(resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= 256, resource.getpagesize())'
