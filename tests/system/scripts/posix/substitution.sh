# Command substitution: nesting, newlines, status, size.
echo "$(echo a; echo; echo)" end
echo `echo \`echo nested\`` "$(echo "$(echo "$(echo deep)")")"
x=$(exit 5); echo "status $?"
x=$(seq 1 50000); echo "${#x}"
echo $(printf 'a  b\n c') "$(printf 'a  b\n c')"
n=0; while [ $n -lt 60 ]; do y=$(echo $n); n=$((n + 1)); done; echo "$y"
set -- $(echo one two three); echo $# "$3"
echo "$(cat </etc/hostname >/dev/null; echo quiet)"
z=$(echo out; echo err >&2) 2>&1; echo "$z"
(x=inner; echo $x); echo "${x%%
*}"
w=$(sh -c 'kill -TERM $$' 2>/dev/null); echo "killed $?"
