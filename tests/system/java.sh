#!/bin/bash
# timeout: 2400
# Java 17: 200 threads, the collectors, faults in compiled code that become exceptions, overflow of
# the stack, processes by each way of starting them, files, signals, what it learns of the machine.
# The short form takes each part once, the long one all on 1, 2 and 4 processors.
. tests/system/lib.sh
LIMIT=1200
JDK=/usr/lib/jvm/java-17-openjdk-amd64
CLASSES=$PWD/$BUILD/tests/system/programs/java
[ -x $JDK/bin/javac ] || { skip java "no $JDK/bin/javac" && exit 0; }

source=tests/system/programs/java/Runtimes.java
if [ $source -nt "$CLASSES/Runtimes.class" ]; then
    mkdir -p "$CLASSES"
    $JDK/bin/javac -nowarn -d "$CLASSES" $source >"$WORK/javac.log" 2>&1 ||
        { not_ok 'Runtimes.java compiles' "$WORK/javac.log" && exit 0; }
fi

# java CPUS OPTIONS... PART...: output, errors and status as on the host.
java() {
    local cpus=$1
    shift
    # shellcheck disable=SC2048,SC2086  # the parts are words
    same -n "java $* on $cpus" -o --memory=900M -o "--cpus=$cpus" -o "--add=$CLASSES" -o --package=coreutils \
        $JDK/bin/java -cp "$CLASSES" "${@:1:$#-1}" Runtimes ${*: -1}
}

# machine CPUS MEMORY: processors and heap are those of the virtual machine. The heap is a quarter
# of MemTotal, which is without the image.
machine() {
    local heap
    osprey "--cpus=$1" "--memory=$2M" "--add=$CLASSES" $JDK/bin/java -XshowSettings:system -XX:+PrintFlagsFinal -cp "$CLASSES" \
        Runtimes machine >"$WORK/machine" 2>"$WORK/machine.err" || return 1
    grep -E '^processors|^machine|^cpu time' "$WORK/machine"
    heap=$(awk '$2 == "MaxHeapSize" {print int($4 / 1048576)}' "$WORK/machine")
    grep -qx "processors $1" "$WORK/machine" && grep -qx 'machine true true true true true Linux' "$WORK/machine" &&
        grep -qx 'cpu time true true' "$WORK/machine" && [ "$heap" -ge $(($2 / 8)) ] && [ "$heap" -le $(($2 / 3)) ]
}

# Tools that attach to a virtual machine from beside it, over its Unix socket.
attach() {
    # shellcheck disable=SC2016
    osprey --cpus=2 --memory=900M "--add=$CLASSES" --package=coreutils --package=procps --package=openjdk-17-jre-headless --package=openjdk-17-jdk-headless /bin/bash -c '
        cd /tmp; J='$JDK'/bin
        $J/java -Xmx48m -XX:+UseSerialGC -cp "$0" Runtimes wait >/tmp/log & pid=$!
        until grep -q waiting /tmp/log || ! kill -0 $pid; do sleep 0.1; done
        $J/jcmd $pid VM.version | head -n 2; $J/jcmd $pid Thread.print | grep -c \"worker-
        $J/jstack $pid | grep -A 2 \"main\" ; $J/jps | grep -c Runtimes
        kill -QUIT $pid; until grep -q "Full thread dump" /tmp/log || ! kill -0 $pid; do sleep 0.1; done; echo dumped
        kill $pid; wait $pid; echo $?' "$CLASSES" >"$WORK/attach" 2>&1
    cat "$WORK/attach"
    grep -q '^OpenJDK 64-Bit Server VM version 17' "$WORK/attach" && grep -qx 5 "$WORK/attach" &&
        grep -q 'java.lang.Thread.State: TIMED_WAITING' "$WORK/attach" && grep -qx dumped "$WORK/attach" &&
        [ "$(tail -n 1 "$WORK/attach")" = 143 ]
}

if [ "$SOAK" = 1 ]; then
    for cpus in 1 2 4; do
        for collector in Serial Parallel G1 Z; do
            java $cpus -XX:+Use${collector}GC -Xmx128m 'nulls overflow jit threads collect exit'
        done
        java $cpus -Xcomp -XX:TieredStopAtLevel=1 -Xmx64m 'nulls overflow'
        java $cpus -Xint -Xmx64m 'nulls overflow threads'
        for launch in POSIX_SPAWN VFORK FORK; do
            java $cpus -Xmx64m -Djdk.lang.Process.launchMechanism=$launch processes
        done
        java $cpus -Xmx64m 'files signals'
        check "java sees $cpus processors and a quarter of the memory" machine $cpus 800
    done
else
    java 2 -XX:+UseG1GC -Xmx64m 'nulls overflow jit threads'
    java 4 -XX:+UseZGC -Xmx128m 'threads collect'
    java 1 -XX:+UseSerialGC -Xmx64m 'nulls processes files signals exit'
    java 2 -Xmx64m -Djdk.lang.Process.launchMechanism=VFORK processes
    check 'java sees the processors and a quarter of the memory' machine 4 800
fi
same -n 'java by its link in /usr/bin' -o --memory=700M /usr/bin/java -version
check 'jcmd, jstack and SIGQUIT show the threads of a running program' attach
