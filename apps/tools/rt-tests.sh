# hackbench, cyclictest and its family, bonnie++, dbench, stressapptest, memtester.
# packages: rt-tests bonnie++ dbench stressapptest memtester
# limit: 600
script 'as here' --cpus 2 --memory 1G <<'END'
bonnie++ -u root -d . -s 0 -n 1 -q >/dev/null 2>e; echo b $?; grep -i -E 'error|fail' e
hackbench -l 20 -g 4 | grep -c Time
hackbench -l 20 -g 4 -T -p | grep -c Time
cyclictest -l 20 -q -t2 -p 50 -i 2000 2>&1 | grep -c 'Act:'
pi_stress --duration=2 --groups=2 -q 2>&1 | tail -1 | sed 's/[0-9]//g'
signaltest -l 100 -q 2>&1 | grep -c Avg
ptsematest -l 20 -q 2>&1 | grep -c Min
svsematest -l 20 -q 2>&1 | grep -c Min; svsematest -f -l 20 -q 2>&1 | grep -c Min
sigwaittest -l 20 -q 2>&1 | grep -c Min
pmqtest -l 20 -q 2>&1 | grep -c Min
rt-migrate-test -p 1 -r 1000000 -s 1000 -l 3 2>&1 | tail -1
stressapptest -s 2 -M 32 -m 2 -W 2>&1 | grep Status
memtester 4 1 2>&1 | tail -1
dbench -c /usr/share/dbench/client.txt -t 3 2 2>&1 | grep -c Throughput
END
