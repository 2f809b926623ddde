#!/bin/bash
# timeout: 600
# What cannot run ends with one clear line and the right status, and never hangs.
. tests/system/lib.sh
RUN="$OSPREY run --timeout 200"

build hello-static sh -c 'gcc -O2 -static -o $OUT tests/system/programs/hello.c'
build hello-dynamic sh -c 'gcc -O2 -pie -fPIE -o $OUT tests/system/programs/hello.c'

# refused NAME STATUS PATTERN COMMAND...: as ends, and on standard error it is one line.
refused() {
    ends "$@"
    check "$1: in one line" [ "$(grep -c . "$WORK/ends.err")" -eq 1 ]
}

refused 'no such program' 127 'not found|no such' $RUN no-such-program-anywhere
refused 'no such path' 127 'not found|no such' $RUN /nonexistent/program
refused 'a folder' 126 'director|folder' $RUN /usr/bin/
cp "$PROGRAMS/hello-static" "$WORK/noexec" && chmod -x "$WORK/noexec"
refused 'not executable' 126 'permission|not executable' $RUN "$WORK/noexec"
echo 'just text' >"$WORK/text" && chmod +x "$WORK/text"
refused 'a text file' 126 'format|not an ELF|script|exec' $RUN "$WORK/text"
: >"$WORK/empty" && chmod +x "$WORK/empty"
refused 'an empty file' 126 'format|not an ELF|empty|exec' $RUN "$WORK/empty"
printf '#!/nonexistent/interpreter\n' >"$WORK/noint" && chmod +x "$WORK/noint"
refused 'a script without its interpreter' 127 'interpreter' $RUN "$WORK/noint"

# change FILE OFFSET BYTES: overwrite bytes in a copy of the static hello.
change() {
    cp "$PROGRAMS/hello-static" "$WORK/$1"
    printf "$3" | dd of="$WORK/$1" bs=1 seek="$2" conv=notrunc status=none
}
change arm 18 '\xb7\x00'
refused 'an ELF file for another machine' 126 'machine|aarch64|x86-64|architecture|ELF' $RUN "$WORK/arm"
change thirty-two 4 '\x01'
refused 'an ELF file of class 32' 126 '32|class|x86-64|ELF' $RUN "$WORK/thirty-two"
change bigend 5 '\x02'
refused 'an ELF file of the other byte order' 126 'endian|byte order|x86-64|ELF' $RUN "$WORK/bigend"
change object 16 '\x01\x00'
refused 'an object file' 126 'ELF|exec' $RUN "$WORK/object"
for size in 10 63 64 100 1000; do
    head -c $size "$PROGRAMS/hello-static" >"$WORK/cut-$size" && chmod +x "$WORK/cut-$size"
    refused "an ELF file cut at $size bytes" 126 'ELF|truncated|short' $RUN "$WORK/cut-$size"
done
cp "$PROGRAMS/hello-dynamic" "$WORK/nolib"
sed -i 's/libc\.so\.6/libq.so.6/' "$WORK/nolib"
ends 'a missing shared library' 127 'libq\.so\.6' $RUN "$WORK/nolib"
cp "$PROGRAMS/hello-dynamic" "$WORK/noldso"
sed -i 's/ld-linux-x86-64/ld-linuq-x86-64/' "$WORK/noldso"
ends 'a missing ELF interpreter' 127 'ld-linuq|interpreter' $RUN "$WORK/noldso"

head -c 100000 /dev/urandom >"$WORK/image"
refused 'a corrupt image' 125 'image|erofs' $RUN --image "$WORK/image" /bin/true
: >"$WORK/image0"
refused 'an empty image' 125 'image|erofs' $RUN --image "$WORK/image0" /bin/true
refused 'a missing image' 125 'image|no such' $RUN --image /nonexistent/image /bin/true
refused 'a missing root folder' 125 'root|no such' $RUN --root /nonexistent/root /bin/true
refused 'an unknown option' 125 'option' $RUN --no-such-option /bin/true
refused 'an unknown command' 125 'command|unknown|usage' $OSPREY no-such-command
refused 'an option without its value' 125 'option|argument|value|memory' $OSPREY run --memory
for memory in 0 x -5 12Q 1K; do
    refused "--memory $memory" 125 'memory' $RUN --memory "$memory" /bin/true
done
for cpus in 0 65 x; do
    refused "--cpus $cpus" 125 'cpus|processors' $RUN --cpus "$cpus" /bin/true
done
refused '--machine of another world' 125 'machine' $RUN --machine amiga /bin/true
refused 'no program at all' 125 'program|usage|missing' $OSPREY run
refused 'QEMU missing' 125 'qemu' env OSPREY_QEMU=/nonexistent/qemu "$BUILD/host/osprey" run /bin/true
status=$(timeout 240 $RUN --memory 2M /bin/true >"$WORK/ends.out" 2>"$WORK/ends.err"; echo $?)
check 'too little memory is an error in words' \
    sh -c "[ $status -ne 0 ] && [ $status -ne 124 ] && grep -qi memory '$WORK/ends.err'"
ends '--timeout ends the machine with 124' 124 '' "$OSPREY" run --timeout 3 /bin/sleep 100

# A bit flipped anywhere in the first kilobyte: any end but a hang or a panic of the kernel.
n=5
[ "$SOAK" = 1 ] && n=500
bad=0
/usr/bin/python3 - "$PROGRAMS/hello-static" "$WORK" $n <<'END'
import random, sys
data = open(sys.argv[1], "rb").read()
random.seed(7)
for i in range(int(sys.argv[3])):
    copy = bytearray(data)
    copy[random.randrange(16, 1024)] ^= 1 << random.randrange(8)
    open(f"{sys.argv[2]}/flip{i}", "wb").write(copy)
END
for i in $(seq 0 $((n - 1))); do
    chmod +x "$WORK/flip$i"
    timeout 240 $RUN "$WORK/flip$i" >/dev/null 2>"$WORK/flip.err" </dev/null
    case $? in 121 | 124 | 137) bad=$((bad + 1)) && cp "$WORK/flip$i" "$WORK/flip.err" "$BUILD/tests/" ;; esac
    rm -f "$WORK/flip$i"
done
check "$n programs with a flipped bit neither hang nor panic" [ $bad -eq 0 ]
