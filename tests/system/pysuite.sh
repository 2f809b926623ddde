#!/bin/bash
# timeout: 7200
# Python's own test suite (Debian: libpython3.11-testsuite), test by test as on the host: the same
# tests run, and each ends the same way. What differs is named below, with its reason.
# test_sqlite3 is not in Debian's package: python.sh has programs of its own with sqlite3.
#
# The short form takes some modules and parts of others on 2 processors, the long one (--soak) all
# on 1, 2 and 4.
. tests/system/lib.sh
LIMIT=1200
P=/usr/bin/python3
SUITE=/usr/lib/python3.11/test
RUNNER=$PWD/tests/system/programs/pytests.py
[ -e $SUITE/test_os.py ] || { skip pysuite "no $SUITE/test_os.py" && exit 0; }

# Programs that the tests start.
OPTIONS=(--memory=1500M --env=TEST_SECONDS=600 "--add=$SUITE" --add=/usr/lib/python3.11/ctypes/test --package=coreutils --package=tar)
for program in /usr/bin/env /usr/bin/zip /usr/bin/unzip /usr/bin/gzip /usr/bin/bzip2; do
    [ -x $program ] && OPTIONS+=("--add=$program")
done
# What test_ctypes looks for and loads, as far as the host has it.
FOR_CTYPES=(--add=/sbin/ldconfig --add=/etc/ld.so.cache)
for package in gcc gcc-12 binutils binutils-x86-64-linux-gnu libc6-dev libgcc-12-dev libgl1 libglu1-mesa libglx0 \
    libglvnd0 libopengl0 libx11-6 libxcb1 libxau6 libxdmcp6 libbsd0 libmd0; do
    dpkg -s "$package" >/dev/null 2>&1 && FOR_CTYPES+=("--package=$package")
done

# What ends otherwise, as `MODULE TEST OUTCOME` inside, extended regular expressions.
cat >"$WORK/otherwise" <<'END'
# fcntl(F_NOTIFY): dnotify is left out; EINVAL as on a Linux without it
test_fcntl TestFcntl.test_fcntl_64_bit error
# Of 5 GiB of files there is no room in memory
test_largefile Test(Copyfile|SocketSendfile).test_it skip
# The host may have more descriptors than the test tries to use up
test_subprocess ProcessTestCase(NoPoll)?.test_no_leaking ok
# UDP-Lite is left out
test_socket [A-Za-z]*UDPLITE.* error
END
grep -v '^#' "$WORK/otherwise" >"$WORK/otherwise.re"

# suite CPUS MODULE[:PATTERN,...]...: one machine for all of them.
suite() {
    local cpus=$1 module
    shift
    osprey "--cpus=$cpus" "${OPTIONS[@]}" $P "$RUNNER" "$@" </dev/null >"$WORK/guest" 2>"$WORK/guest.err"
    for module; do
        compare "$cpus" "$module"
    done
}

# The host's outcome of a module, once for all numbers of processors.
host_lines() {
    local file=$WORK/host.${1//[:*,]/_}
    [ -e "$file" ] || TEST_SECONDS=600 on_host env TEST_SECONDS=600 $P "$RUNNER" "$1" </dev/null >"$file" 2>"$file.err"
    lines "${1%%:*}" "$file"
}

# lines MODULE FILE: its tests and how they ended.
lines() {
    awk -v module="$1" '$1 == module {print $1, $2, $3}' "$2" | sort -u
}

# rest FILE: its lines about tests that are not known to differ.
rest() { awk 'FILENAME == ARGV[1] {known[$1 " " $2] = 1; next} !(($1 " " $2) in known)' "$WORK/known" "$1"; }

# differ: whether $WORK/a and $WORK/b, the host's and the machine's lines, are not the same.
differ() {
    # Tests that differ for a known reason are left out on both sides.
    grep -xE -f "$WORK/otherwise.re" "$WORK/b" >"$WORK/known"
    rest "$WORK/a" >"$WORK/a.rest"
    rest "$WORK/b" >"$WORK/b.rest"
    ! diff "$WORK/a.rest" "$WORK/b.rest" >"$WORK/diff" 2>&1
}

compare() {
    local cpus=$1 module=${2%%:*} name
    name="python $2 on $cpus"
    host_lines "$2" >"$WORK/a"
    lines "$module" "$WORK/guest" >"$WORK/b"
    if grep -q ' end$' "$WORK/b" && ! differ; then
        ok "$name: $(grep -c ' ok$' "$WORK/b") pass, $(grep -c ' skip$' "$WORK/b") skipped as on the host"
    else
        head -n 40 "$WORK/diff" >"$WORK/short"
        not_ok "$name" "$WORK/guest.err" "$WORK/short"
    fi
}

# Without two that compare the seconds of two looks at the clock: a second may end between them.
TIME='test_time:!*gmtime_without_arg,!*localtime_without_arg'
# Without pools started by spawn and forkserver, which take minutes each in an emulator.
POOLS='test_concurrent_futures:!*Spawn*,!*Forkserver*'
# Without UDP-Lite, which Osprey has not, and VSOCK: one of these hangs on a host that has the family.
SOCKETS='test_socket:!*VSOCK*,!*UDPLITE*'

if [ "$SOAK" = 1 ]; then
    for cpus in ${CPUS:-1 2 4}; do
        suite $cpus test_mmap test_select test_epoll test_poll test_fcntl test_pty test_wait3 test_wait4 test_fork1 \
            test_resource test_tempfile "$TIME" test_posix test_shutil test_os test_glob test_stat test_fileio \
            test_threading test_thread test_threadsignals test_queue test_selectors test_atexit test_largefile
        suite $cpus test_signal test_eintr test_faulthandler test_ssl test_sys
        plain=("${OPTIONS[@]}") OPTIONS+=("${FOR_CTYPES[@]}")
        suite $cpus test_ctypes
        OPTIONS=("${plain[@]}")
        suite $cpus test_subprocess
        suite $cpus test_io test_pathlib
        suite $cpus test_multiprocessing_fork
        suite $cpus "$POOLS"
        suite $cpus test_asyncio.test_futures test_asyncio.test_locks test_asyncio.test_queues \
            test_asyncio.test_base_events test_asyncio.test_runners test_asyncio.test_subprocess \
            test_asyncio.test_threads test_asyncio.test_unix_events test_asyncio.test_selector_events
        suite $cpus "$SOCKETS"
    done
else
    suite 2 test_mmap test_select test_epoll test_poll test_fcntl test_pty test_wait3 test_wait4 test_fork1 \
        test_resource test_tempfile "$TIME" test_threadsignals test_os test_posix test_shutil 'test_io:*CIOTest*' \
        'test_ssl:*BasicSocketTests*,*ContextTests*,*MemoryBIO*,*SSLObject*' \
        'test_threading:*ThreadTests*,*LockTests*,*ThreadJoinOnShutdown*' \
        'test_subprocess:*ProcessTestCase.test_communicate*,*RunFunc*,*test_pass_fds_inh*,*preexec*,*test_send_signal*' \
        'test_signal:*PosixTests*,*PendingSignals*,*Siginterrupt*,*WakeupSignal*' \
        'test_multiprocessing_fork:*ProcessesTestPool.test_map*,*ProcessesTestQueue*,*ProcessesTestSharedMemory.test_shared_memory_b*'
fi
