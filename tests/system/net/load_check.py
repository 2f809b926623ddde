"""Load for a while on a machine that runs redis-server, nginx and programs/flooded.c, by their ports on this
host: load_check.py SECONDS REDIS HTTP STATE FILE. Afterwards it has as many sockets, threads and free memory
as before. Prints the results."""
import subprocess, sys, time

from machine import State, result, settled

seconds, redis, http, state, path = float(sys.argv[1]), *sys.argv[2:]
BACK = 2 << 10  # KiB that may be missing afterwards: programs keep what they have freed
bad = []


def look():
    return State(("127.0.0.1", int(state)))


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    lines = [line for line in (done.stdout + done.stderr).splitlines()
             if "Error" in line or "error" in line or "Non-2xx" in line or "WARNING: Could not" in line]
    if done.returncode or lines:
        bad.append(f"{' '.join(words)}: status {done.returncode}, {lines[:3]}")
    return done.stdout


def rate(text, word):
    return next((line.split()[-1] for line in text.splitlines() if word in line), "none")


def turn(length):
    """Some seconds of each."""
    n = max(200, int(length * 400))
    lines = run("redis-benchmark", "-p", redis, "-n", str(n), "-c", "20", "-t", "set,get,incr,lpush,lrange_100",
                "--csv").splitlines()
    run("redis-benchmark", "-p", redis, "-n", str(n * 4), "-c", "20", "-P", "16", "-t", "set,get", "-q")
    keep = run("wrk", "-t", "1", "-c", "20", "--timeout", "60s", "-d", f"{length:.0f}s", f"http://127.0.0.1:{http}/{path}")
    once = run("wrk", "-t", "1", "-c", "20", "--timeout", "60s", "-d", f"{length:.0f}s", "-H", "Connection: close",
               f"http://127.0.0.1:{http}/{path}")
    run("redis-cli", "-p", redis, "flushall")
    run("redis-cli", "-p", redis, "memory", "purge")
    return f"{len(lines)} tests of redis, wrk {rate(keep, 'Requests/sec')} and {rate(once, 'Requests/sec')} a second"


turn(2)  # what is made once
before = settled(look, look(), 0, 5)[1]
print("#", "at the start:", before.what(), flush=True)
began, turns, told = time.monotonic(), 0, 0
while time.monotonic() < began + seconds:
    said = turn(min(20, seconds / 4))
    turns += 1
    if time.monotonic() > told + 300:
        told = time.monotonic()
        print("#", f"{told - began:.0f} s: {said}; {look().what()}", flush=True)
good, after = settled(look, before, BACK)
print("#", f"at the end, after {time.monotonic() - began:.0f} s and {turns} rounds:", after.what())
result("no request fails", not bad, *bad[:10])
result("as many sockets, threads and as much memory as before", good)
