#!/bin/sh
# Every mistake is told in one line that starts with "osprey: ", with the status that a shell or
# docs/host-guest.md gives it.
. "$(dirname "$0")/lib.sh"

run() {
    what=$1 status=$2 pattern=$3
    shift 3
    fails "$what" "$status" "$pattern" "$osprey" run "$@"
}

cd "$work" || exit 1
mkdir folder tree
printf 'just text\n' >text && chmod +x text
: >empty && chmod +x empty
printf 'x\n' >plain
printf '#!/nowhere/sh\n' >lost && chmod +x lost
printf '#!./loop\n' >loop && chmod +x loop
printf '#!/usr/bin/env nowhere-at-all\n' >lostenv && chmod +x lostenv
head -c 1000 /bin/echo >short && chmod +x short
head -c 30 /bin/echo >shorter && chmod +x shorter

# change FILE OFFSET BYTE...: a copy of /bin/echo with other bytes (octal) there.
change() {
    cp /bin/echo "$1"
    at=$2
    file=$1
    shift 2
    printf "$(printf '\\%s' "$@")" | dd of="$file" bs=1 seek="$at" conv=notrunc 2>/dev/null
}
change arm 18 267 000
change i386 18 003 000
change object 16 001 000
change core 16 004 000

run "no such program in PATH: 127" 127 "nowhere-at-all: no such program in PATH" nowhere-at-all
run "no such file: 127" 127 "no such file" ./nowhere
run "a part of the path is a file: 127" 127 "not a folder" ./plain/x
run "a folder: 126" 126 "is a folder" ./folder
run "not executable: 126" 126 "not executable" ./plain
run "a text file without #!: 126" 126 "neither an ELF program nor a script" ./text
run "an empty file: 126" 126 "is empty" ./empty
run "the empty name: 127" 127 "no such program" ""
run "a script whose interpreter is missing: 127" 127 "/nowhere/sh: no such file" ./lost
run "a script that interprets itself: 126" 126 "interpret each other" ./loop
run "a script for env whose program is missing: 127" 127 "nowhere-at-all" ./lostenv
run "a truncated program: 126" 126 "truncated" ./short
run "a program that ends within its header: 126" 126 "truncated" ./shorter
run "a program for AArch64: 126" 126 "AArch64" ./arm
run "a program for i386: 126" 126 "i386" ./i386
run "an object file: 126" 126 "not a program" ./object
run "a core file: 126" 126 "not a program" ./core
lib=$(ls /lib/x86_64-linux-gnu/libm.so.6)
cp "$lib" library && chmod +x library
run "a shared library: 126" 126 "shared library" ./library

if command -v gcc >/dev/null; then
    echo 'int f(void){return 0;}' | gcc -shared -o libgone.so -x c - -Wl,-soname,libgone.so.1
    echo 'int f(void); int main(void){return f();}' | gcc -o needs -x c - -x none ./libgone.so
    rm libgone.so
    run "a missing shared library is named: 127" 127 "needs the shared library libgone.so.1" ./needs
    echo 'int main(void){return 0;}' |
        gcc -o nointerp -x c - -Wl,--dynamic-linker=/nowhere/ld.so
    run "a missing ELF interpreter is named: 127" 127 "interpreter /nowhere/ld.so" ./nointerp
else
    echo "skip - a missing shared library is named # no gcc"
fi

run "unknown option: 125" 125 "unknown option --frobnicate" --frobnicate echo
run "unknown letter: 125" 125 "unknown option -z" -z echo
run "an option without its value: 125" 125 "needs a value" --memory
run "bad size: 125" 125 "not a size" --memory lots echo
run "memory out of range: 125" 125 "between" --memory 1M echo
run "too little memory for the image: 125" 125 "too little" --memory 2M echo
run "bad number of processors: 125" 125 "1 to 64" --cpus 65 echo
run "no processors: 125" 125 "1 to 64" --cpus 0 echo
run "bad machine: 125" 125 "microvm, q35, pc" --machine vax echo
run "bad time: 125" 125 "time in seconds" --timeout soon echo
run "bad port: 125" 125 "TCP port" --gdb=0 echo
run "bad host name: 125" 125 "host name" --hostname 'a b' echo
run "bad user: 125" 125 "UID" --user root echo
run "relative working folder: 125" 125 "absolute" --workdir x echo
run "a value where none belongs: 125" 125 "takes no value" --strace=yes echo
run "no program: 125" 125 "no PROGRAM" --cpus 1
run "--image and --root together: 125" 125 "exclude" --image x --root y echo
run "a missing --add: 125" 125 "no such file" --add /nowhere echo
run "a missing --package: 125" 125 "no such package" --package nowhere echo
run "a missing kernel: 125" 125 "kernel /nowhere" --kernel /nowhere echo
run "a kernel that is none: 125" 125 "not an ELF file" --kernel /etc/passwd echo
run "a missing --root: 125" 125 "No such file" --root /nowhere /bin/sh
run "a --root without the program: 127" 127 "no such file" --root tree /bin/sh
run "a missing image: 125" 125 "No such file" --image nowhere
run "an image that is none: 125" 125 "too short" --image plain
head -c 8192 /dev/zero >zero
run "an image of zeroes: 125" 125 "not an EROFS image" --image zero
fails "unknown subcommand: 125" 125 "unknown subcommand" "$osprey" fly
fails "build without -o: 125" 125 "-o FILE" "$osprey" build echo
fails "build to a missing folder: 125" 125 "could not make the image" \
    "$osprey" build -o /nowhere/x echo
fails "QEMU missing: 125" 125 "/nowhere/qemu" env OSPREY_QEMU=/nowhere/qemu "$osprey" run echo
fails "QEMU missing from PATH: 125" 125 "install the package qemu-system-x86" \
    env OSPREY_QEMU= PATH=/nowhere "$osprey" run /bin/echo

if grep -Eqw 'vmx|svm' /proc/cpuinfo; then
    echo "skip - --accel kvm without KVM: 125 # the processor has it"
else
    run "--accel kvm without KVM: 125" 125 "--accel kvm: (the processor has no|.dev.kvm|there is no .dev.kvm)" --accel kvm echo
fi

"$osprey" build -o good.erofs /bin/echo hello
cp good.erofs damaged
printf '\377' | dd of=damaged bs=1 seek=1060 conv=notrunc 2>/dev/null
run "an image with a damaged superblock: 125" 125 "damaged" --image damaged
head -c 100000 good.erofs >cut
run "a truncated image: 125" 125 "truncated" --image cut
FAKE=broken "$osprey" run echo >"$work/out" 2>"$work/err"
same "QEMU that does not start: 125" "125 osprey: QEMU: qemu-system-x86_64: -nonsense: invalid option" \
    "$? $(head -n 1 "$work/err")"
run "a port of the host twice: 125" 125 "port 80 of this host is there twice" -p 80:1 -p 127.0.0.1:80:2 echo
finish
