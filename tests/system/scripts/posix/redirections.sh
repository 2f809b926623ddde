# exec and redirections of every kind.
exec 3>out 4<&0; echo three >&3; echo more >&3; exec 3>&-; cat out
echo closed 2>/dev/null >&3 || echo "bad descriptor"
{ echo o; echo e >&2; } >both 2>&1; cat both
{ echo o; echo e >&2; } 2>err >out; echo "out: $(cat out) err: $(cat err)"
echo append >>out; echo again >>out; wc -l <out
exec 5<out; read -r first <&5; read -r second <&5; echo "$first,$second"; exec 5<&-
: >empty; [ -s empty ] || echo empty
set -C; echo x >out 2>/dev/null || echo noclobber; echo forced >|out; set +C; cat out
cat <out - <<X
stdin is the last
X
{ echo swapped >&2; } 3>&1 1>&2 2>&3 3>&-
( exec >sub; echo to sub ); cat sub
exec 6<>rw; echo 123456789 >&6; exec 6<&-; exec 6<>rw; read -r x <&6; echo "$x"; exec 6>&-
f() { echo "$1"; echo "$1 err" >&2; }; f one >o1 2>e1; cat o1 e1
for i in 1 2; do echo "$i"; done >loop; cat loop
while read -r l; do read -r k <&7 && echo "$l$k"; done <loop 7<loop
echo to /dev/fd >/dev/fd/1; echo err >/dev/stderr 2>&1
cat /dev/fd/3 3<loop
exec 4<&-
cat nothere 2>/dev/null || echo "no file $?"
