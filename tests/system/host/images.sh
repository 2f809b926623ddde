#!/bin/sh
# What goes into an image: images are taken apart again and their programs run in them by chroot.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1
unset TZ LC_ALL
export LANG=C.UTF-8

if [ "$(id -u)" != 0 ]; then
    echo "skip - programs run in their images # chroot needs root"
    exit 0
fi

# unpack PROGRAM ARGS...: ./root becomes the content of its image; false if that fails
unpack() {
    rm -rf root
    "$osprey" build -o image "$@" && fsck.erofs --extract=root image >/dev/null || return 1
    mknod -m 666 root/dev/null c 1 3
}

# inside PROGRAM ARGS...: run it in ./root, in the folder of the same name as this one
cat >jail.py <<'P'
import os, sys, warnings
here = os.getcwd()
os.chroot("root")
os.chdir(here)
os.execvp(sys.argv[1], sys.argv[1:])
P
inside() { /usr/bin/python3 jail.py "$@"; }

# runs WHAT NEEDED PROGRAM ARGS...: same output in the image as on the host; skipped if NEEDED
# is not installed.
runs() {
    what=$1 needed=$2
    shift 2
    if [ ! -e "$needed" ]; then
        echo "skip - $what # no $needed"
        return
    fi
    unpack "$@" || { not_ok "$what" "no image"; return; }
    same "$what" "$("$@" 2>&1)" "$(inside "$@" 2>&1)"
}

runs "a program of coreutils" /usr/bin/sort /usr/bin/sort --version
unpack /bin/echo hello
same "nothing else of coreutils comes with it, only a shell" "dash echo sh" "$(ls root/usr/bin | paste -sd" ")"
[ "$(stat -c %s image)" -lt 4000000 ] && ok "in less than 4 MB" ||
    not_ok "in less than 4 MB" "$(find root -size +100k)"
same "the command line is inside" 1 "$(grep -c -- ' -- /bin/echo hello$' root/.osprey/cmdline)"
same "no shadow" "" "$(find root -name '*shadow*')"
same "folders of every system" "" "$(for d in tmp dev proc sys run var/tmp root home etc; do
    [ -d root/$d ] || echo $d; done)"
same "/tmp is everybody's" 1777 "$(stat -c %a root/tmp)"
for f in passwd group nsswitch.conf localtime; do
    [ -e /etc/$f ] || continue
    cmp -s /etc/$f root/etc/$f && ok "/etc/$f" || not_ok "/etc/$f"
done
same "/etc/hosts has what the host's has" "$(sort -u /etc/hosts)" "$(sort -u /etc/hosts root/etc/hosts |
    grep -vE '	(osprey|localhost ip6-localhost ip6-loopback|localhost)$' | sort -u - /etc/hosts)"
same "and the machine's own name" 1 "$(grep -cw osprey root/etc/hosts)"
same "/etc/hostname" osprey "$(cat root/etc/hostname)"
same "name servers are the kernel's to name" /proc/net/pnp "$(readlink root/etc/resolv.conf)"
unpack --hostname box /bin/echo hello
same "--hostname in /etc/hosts and /etc/hostname" "1 box" "$(grep -cw box root/etc/hosts) $(cat root/etc/hostname)"
unpack --add /etc/hosts /bin/echo hello
cmp -s /etc/hosts root/etc/hosts && ok "--add /etc/hosts" || not_ok "--add /etc/hosts"

runs "python3 with modules of its dependencies" /usr/bin/python3 /usr/bin/python3 -c \
    'import ssl,sqlite3,asyncio,mmap,curses,decimal,ctypes
print(ssl.OPENSSL_VERSION, len(ssl.create_default_context().get_ca_certs()))'
runs "perl with modules" /usr/bin/perl perl -MPOSIX -MData::Dumper -MEncode -MSocket -e \
    'print Dumper([POSIX::floor(2.5), encode("latin1", "\x{e9}")])'
runs "openssl with its configuration" /usr/bin/openssl openssl version -a
runs "openssl with a provider that it opens at run time" /usr/bin/openssl \
    openssl list -providers -provider legacy
runs "lua" /usr/bin/lua5.4 lua5.4 -e 'print(string.format("%5.2f", math.pi))'
runs "gawk through alternatives" /usr/bin/gawk awk 'BEGIN { print toupper("x"), length("é") }'
runs "bc" /usr/bin/bc bc --version
runs "sqlite3" /usr/bin/sqlite3 sqlite3 :memory: 'select sqlite_version()'
runs "xz" /usr/bin/xz xz --version
runs "the C++ library" /usr/bin/g++ g++ --version
runs "iconv with all character sets" /usr/bin/iconv iconv -l

mkdir -p sub/deep folder
echo data >sub/deep/file
echo more >folder/one
ln -s one folder/two
runs "a file named in the arguments, below the current folder" /bin/cat cat sub/deep/file
same "the current folder is where it was" "data" "$(cat "root$work/sub/deep/file")"
unpack cp sub/deep/file folder/new
same "the folder of a file that is not there yet" "1" "$([ -d "root$work/folder" ] && echo 1)"
unpack cat folder
same "a folder named in the arguments, with its links" "one more" \
    "$(readlink "root$work/folder/two") $(cat "root$work/folder/two")"
unpack dd "if=sub/deep/file" of=/dev/null
same "a file behind =" data "$(cat "root$work/sub/deep/file")"
unpack --no-files cat sub/deep/file
same "--no-files" "" "$(ls "root$work")"
unpack --add folder true
same "--add" more "$(cat "root$work/folder/one")"
unpack --package bc true 2>/dev/null && same "--package" bc "$(ls root/usr/bin | grep '^bc$')"
mkdir big
truncate -s 300M big/hole
unpack ls big 2>err
same "a folder above 256 MiB is left out, and that is told" "1 " \
    "$(grep -c "big: holds more than the 256 MiB" err) $(ls "root$work/big")"
rm -rf big

printf '#!/bin/cat\nscript\n' >script
chmod +x script
runs "a script's interpreter" /bin/cat ./script
same "its arguments are put right" 1 "$(grep -c " -- /bin/cat $work/script\$" root/.osprey/cmdline)"
printf '#!/usr/bin/env -S cat -n\nscript\n' >script
unpack ./script 2>/dev/null
same "#!/usr/bin/env" 1 "$(grep -c " -- cat -n $work/script\$" root/.osprey/cmdline)"

if command -v gcc >/dev/null; then
    mkdir -p lib
    echo 'int f(void){return 42;}' >f.c
    cat >main.c <<'C'
#include <stdio.h>
int f(void);
int main(void)
{
    printf("%d\n", f());
    return 0;
}
C
    gcc -shared -fPIC -o lib/libforty.so -Wl,-soname,libforty.so f.c
    for tags in --enable-new-dtags --disable-new-dtags; do
        # shellcheck disable=SC2016
        gcc -o forty main.c -Llib -lforty -Wl,$tags,-rpath,'$ORIGIN/lib'
        unpack ./forty
        cmp -s lib/libforty.so "root$work/lib/libforty.so" &&
            ok "a library beside the program ($tags)" ||
            not_ok "a library beside the program ($tags)"
    done
    gcc -shared -fPIC -o lib/libmiddle.so -Wl,-soname,libmiddle.so,--no-as-needed f.c -Llib -lforty
    # shellcheck disable=SC2016
    gcc -o forty main.c -Llib -Wl,--no-as-needed -lmiddle -lforty -Wl,--enable-new-dtags,-rpath,'$ORIGIN/lib'
    unpack ./forty
    cmp -s lib/libforty.so "root$work/lib/libforty.so" &&
        ok "a library that only the program says where to find, needed by another one" ||
        not_ok "a library that only the program says where to find, needed by another one"
    gcc -o forty main.c -Llib -lforty
    unpack --env "LD_LIBRARY_PATH=$work/lib" ./forty
    same "LD_LIBRARY_PATH" 42 "$(LD_LIBRARY_PATH=$work/lib inside ./forty)"
fi
if command -v musl-gcc >/dev/null; then
    musl-gcc -o muslim main.c f.c
    runs "a program of musl" /bin/sh ./muslim
fi

# A whole folder as root: what lies behind absolute links is the folder's own.
"$osprey" build -o image cat /etc/passwd
rm -rf whole && fsck.erofs --extract=whole image >/dev/null
echo inside >whole/etc/note
ln -sf /etc/note whole/etc/link
"$osprey" build --root whole -o image cat /etc/link
rm -rf root && fsck.erofs --extract=root image >/dev/null
same "--root takes the folder whole" inside "$(chroot root /bin/cat /etc/link)"
rm -f whole/lib/x86_64-linux-gnu/libc.so.6 whole/usr/lib/x86_64-linux-gnu/libc.so.6
fails "--root: a library missing inside is told" 127 "needs the shared library libc.so.6" \
    "$osprey" run --root whole cat

# The cache
export FAKE=show
rm -rf "$XDG_CACHE_HOME"
count() { find "$XDG_CACHE_HOME/osprey/images" -name '*.erofs' | wc -l; }
"$osprey" run cat sub/deep/file >/dev/null
ls -i "$XDG_CACHE_HOME/osprey/images" >first
"$osprey" run cat sub/deep/file >/dev/null
same "the same request makes no second image" "$(cat first)" \
    "$(ls -i "$XDG_CACHE_HOME/osprey/images")"
echo changed, longer >sub/deep/file
"$osprey" run cat sub/deep/file >/dev/null
same "a changed file makes a new one" 2 "$(count)"
same "no stage is left" "" "$(ls "$XDG_CACHE_HOME/osprey" | grep stage)"
"$osprey" run cat >/dev/null
rm "$XDG_CACHE_HOME/osprey/images/"*.erofs
"$osprey" run cat >/dev/null
same "an image that was removed is made again" 1 "$(count)"
rm -rf "$XDG_CACHE_HOME"
for i in 1 2 3 4 5 6; do "$osprey" run cat sub/deep/file >"out$i" & done
wait
same "six commands at once make one image" "1 6" \
    "$(count) $(cat out1 out2 out3 out4 out5 out6 | grep -c debug_exit)"

# --dry-run
"$osprey" run --dry-run echo "it's" 'a "b"' >line
same "--dry-run prints words that a shell reads back" \
    1 "$(eval "set -- $(cat line)"; for w; do printf '%s\n' "$w"; done |
        grep -c -- "-- echo it's \"a .\"b.\"\"\$")"
finish
