#!/bin/bash
# timeout: 600
# The end of memory ends the program with a message, never the machine with a hang.
. tests/system/lib.sh
build eat sh -c 'gcc -O2 -static -o $OUT tests/system/programs/eat.c'

ends 'out of memory kills with a message and 137' 137 'memory|killed' \
    "$OSPREY" run --timeout 200 --memory 64M "$PROGRAMS/eat"
ends 'the same on 4 processors' 137 'memory|killed' \
    "$OSPREY" run --timeout 200 --cpus 4 --memory 96M "$PROGRAMS/eat"
check 'what fits runs through' [ "$(osprey --memory 256M "$PROGRAMS/eat" 200)" = 'all touched' ]
check '3 GiB of 4 can be touched' [ "$(LIMIT=500 osprey --memory 4G "$PROGRAMS/eat" 3000)" = 'all touched' ]
ends 'a tmpfs that fills up says so' 1 'no space left' \
    "$OSPREY" run --timeout 200 --memory 64M /bin/dd if=/dev/zero of=/tmp/full bs=1M
