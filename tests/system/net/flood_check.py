"""Floods at a machine that runs programs/flooded.c: flood_check.py ADDRESS PORT SECONDS FLOOD INTERFACE MAC.

While frames of one kind come in, connections that were there go on and memory keeps within bounds; when
it is over, everything that the flood took is free again. Prints the results. Whatever has to happen has
some minutes; how fast it happens is not judged."""
import resource, socket, struct, subprocess, sys, threading, time

from machine import State, result, settled

address, port, seconds, flood, interface, mac = sys.argv[1:]
port, seconds = int(port), float(seconds)
ECHO, SINK, SOURCE, STATE, END = range(port, port + 5)
PATIENCE = 200
files, files_most = resource.getrlimit(resource.RLIMIT_NOFILE)  # a login's 1024 are too few for the long form
if files < 4096:
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096 if files_most == -1 else min(4096, files_most), files_most))
MORE, BACK = 24 << 10, 2 << 10  # KiB: what a flood may take, what may be missing afterwards: receive
# buffers that rest are spread over the pages of all that there were, two in a page, 512 of them at most


def connect(to):
    return socket.create_connection((address, to), timeout=PATIENCE)


def look():
    return State((address, STATE), PATIENCE)


def glance():
    """While frames get lost. The machine gives a new connection up when the end of its handshake is lost twice
    (tcp_synack_retries), and who only listens never hears of that: not for long, then, and None."""
    try:
        return State((address, STATE), 5)
    except (OSError, EOFError):
        return None


class Talk:
    """Connections that were there before, each asked in turn."""

    def __init__(self, n):
        self.all = [connect(ECHO) for _ in range(n)]
        self.turns = 0

    def once(self):
        s = self.all[self.turns % len(self.all)]
        self.turns += 1
        message = b"%08d" % self.turns * 8
        s.sendall(message)
        got = b""
        while len(got) < len(message):
            part = s.recv(len(message) - len(got))
            if not part:
                raise EOFError("the connection has ended")
            got += part
        if got != message:
            raise ValueError(f"{got!r} instead of {message!r}")


def leaves_nothing(name, before):
    good, now = settled(look, before, BACK, PATIENCE)
    result(f"{name}: nothing of it stays", good,
           f"{name}: before {before.what()}", f"{name}: after  {now.what()}")
    return now


def flooded(name, kind, rate, talk, to, least_turns=0, during=lambda: None):
    """One flood, until the time is over and there were so many turns; (state before, after, memory of fragments).
    What it keeps from getting through comes when it is over: the wire drops what it has no room for."""
    before = look()
    least, fragments, looked, failure, turns = before.free, 0, 0, None, talk.turns
    sender = subprocess.Popen([flood, interface, kind, mac, address, str(to), str(rate)],
                              stdout=subprocess.PIPE, text=True)
    began = time.monotonic()
    end = threading.Timer(seconds if not least_turns else seconds + PATIENCE, sender.terminate)
    end.start()
    try:
        while sender.poll() is None:
            talk.once()
            during()
            if time.monotonic() > looked + 1:
                now = glance()
                if now:
                    least, fragments = min(least, now.free), max(fragments, now.memory_of_fragments())
                looked = time.monotonic()
            if least_turns and time.monotonic() > began + seconds and talk.turns >= turns + least_turns:
                break
    except (OSError, EOFError, ValueError) as e:
        failure = e
    end.cancel()
    sender.terminate()
    sent = sender.communicate()[0].strip()
    result(f"{name}: connections that were there go on", failure is None and talk.turns >= turns + least_turns,
           f"{name}: {sent}; {talk.turns - turns} answers in the meantime" + (f"; then {failure!r}" if failure else ""))
    result(f"{name}: memory keeps within bounds", before.free - least < MORE,
           f"{name}: {before.free} KiB free before, {least} at least, fragments {fragments} bytes")
    return before, leaves_nothing(name, before), fragments


def counted(before, after, key):
    return after.counters[key] - before.counters[key]


def slow_readers(name, to, n, act):
    """n connections on which one side does not read."""
    before = look()
    idle = []
    for _ in range(n):
        s = connect(to)
        s.setblocking(False)
        act(s)
        idle.append(s)
        talk.once()
    least = look()
    for _ in range(20):
        talk.once()
        [act(s) for s in idle]
        now = look()
        least = min(least, now, key=lambda state: state.free)
    # TCP may hold a quarter of memory (tcp_mem); each connection has itself and its first few KiB beyond that.
    result(f"{name}: memory keeps within bounds", before.free - least.free < before.free // 4 + 16 * n,
           f"{name}: {n} connections, {before.free} KiB free before, {least.free} at least; "
           f"TCP {least.sockets['TCP']}, dropped {counted(before, least, 'TcpExtTCPRcvQDrop')}")
    [reset(s) for s in idle]
    leaves_nothing(name, before)


def reset(s):
    """End a connection whose queues are full."""
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def push(s):
    try:
        while s.send(b"y" * 65536) > 0:
            pass
    except BlockingIOError:
        pass


def new_connection():
    with connect(ECHO) as s:
        s.sendall(b"new")
        if s.recv(3) != b"new":
            raise EOFError("a new connection ends")


# All that is made once is made before anything is counted.
talk = Talk(8)
for _ in range(50):
    talk.once()
slow = 300 if seconds < 10 else 1000  # more than the receive buffers of the machine's card


def warm():
    some = [connect(to) for to in (SINK, SOURCE) for _ in range(slow)]
    for s in some[:slow]:
        s.setblocking(False)
        push(s)
    look()
    [reset(s) for s in some]


warm()
time.sleep(1)
begin = look()
print("#", "at the start:", begin.what())

before, after, _ = flooded("SYN flood", "syn", 3000, talk, ECHO, 20, new_connection)
result("SYN flood: cookies go out and come back",
       counted(before, after, "TcpExtSyncookiesSent") > 0 and counted(before, after, "TcpExtSyncookiesRecv") > 0,
       *(f"{k}: {counted(before, after, k)}" for k in
         ("TcpExtSyncookiesSent", "TcpExtSyncookiesRecv", "TcpExtSyncookiesFailed", "TcpPassiveOpens")))
flooded("SYN flood from the link", "near", 3000, talk, ECHO, 20, new_connection)
before, after, _ = flooded("100,000 datagrams/s to a closed port", "udp", 100000, talk, ECHO + 100)
result("a closed port: seen, and answered no more often than agreed",
       counted(before, after, "UdpNoPorts") > 100 and
       0 < counted(before, after, "IcmpOutDestUnreachs") < counted(before, after, "UdpNoPorts"),
       *(f"{k}: {counted(before, after, k)}" for k in ("UdpNoPorts", "IcmpOutDestUnreachs")))
before, after, fragments = flooded("fragments that never complete", "fragment", 5000, talk, ECHO, 20)
result("fragments: kept, within 4 MiB, and given up", 0 < fragments < 5 << 20 and
       counted(before, after, "IpReasmFails") > 0 and counted(before, after, "IpReasmOKs") == 0,
       f"memory {fragments}, " + ", ".join(f"{k}: {counted(before, after, k)}" for k in
                                          ("IpReasmReqds", "IpReasmFails", "IpReasmTimeout")))
slow_readers("nobody reads there", SINK, slow, push)
slow_readers("nobody reads here", SOURCE, slow, lambda s: None)
leaves_nothing("after all of it", begin)
for _ in range(16):
    talk.once()
result("after all of it: the first connections are still there", True)
[s.close() for s in talk.all]
connect(END).close()
