"""patterns.py DISK SEED ROUNDS: write random bytes at odd places in odd sizes, and read there. The same
seed writes the same, wherever it runs."""
import os, random, sys
random.seed(int(sys.argv[2]))
fd = os.open(sys.argv[1], os.O_RDWR)
size = os.lseek(fd, 0, os.SEEK_END)
for _ in range(int(sys.argv[3])):
    n = random.choice((1, 7, 511, 512, 513, 4096, 65536, 700001))
    at = random.randrange(size - n)
    if random.randrange(2):
        at -= at % 512
    os.pwrite(fd, random.randbytes(n), at)
    assert len(os.pread(fd, n, at)) == n
os.fsync(fd)
