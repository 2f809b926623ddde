# Engines sync, psync, vsync, pvsync2, libaio, io_uring, mmap, posixaio, splice with verification; sysbench cpu, memory, threads, mutex, fileio.
# packages: fio sysbench
# limit: 600
script 'as here' --cpus 2 --memory 1G <<'END'
for e in sync psync vsync pvsync2 libaio io_uring mmap posixaio; do
fio --name=a --ioengine=$e --size=4m --bs=4k --rw=randrw --verify=crc32c --iodepth=8 --directory=. --numjobs=2 --thread --minimal >o 2>e; echo $e $?; head -2 e; rm -f a.*
done
fio --name=a --ioengine=psync --size=4m --bs=4k --rw=randwrite --verify=md5 --numjobs=2 --directory=. --minimal >o 2>&1; echo fork $?; rm -f a.*
fio --name=a --ioengine=splice --size=4m --bs=64k --rw=write --directory=. --minimal >o 2>&1; echo splice $?;rm -f a.*
fio --name=a --ioengine=falloc --size=4m --bs=64k --rw=write --directory=. --minimal >o 2>&1; echo falloc $?;rm -f a.*
fio --name=a --ioengine=libaio --iodepth=32 --size=2m --bs=4k --rw=randread --directory=. --direct=0 --userspace_reap --minimal >o 2>&1; echo reap $?
for t in cpu memory threads mutex; do sysbench --threads=2 --time=2 --events=200 $t run 2>&1 | grep -cE 'total time:|execution time'; done
sysbench fileio --file-num=4 --file-total-size=4M prepare | grep -c Creating
sysbench fileio --file-num=4 --file-total-size=4M --file-test-mode=rndrw --threads=2 --events=500 --time=5 run | grep -cE 'reads/s|writes/s'
sysbench fileio --file-num=4 --file-total-size=4M --file-test-mode=seqrd --file-io-mode=mmap --threads=2 --events=500 --time=5 run | grep -cE 'reads/s|writes/s'
sysbench fileio --file-num=4 --file-total-size=4M --file-test-mode=rndwr --file-io-mode=async --threads=2 --events=500 --time=5 run | grep -cE 'reads/s|writes/s'
END
