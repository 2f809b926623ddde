# A script that starts itself, and many short processes.
cat >self <<'X'
#!/bin/sh
[ "$1" -gt 0 ] && "$0" $(($1 - 1))
echo "level $1"
X
chmod +x self; ./self 8
i=0; while [ $i -lt 40 ]; do /bin/true; i=$((i + 1)); done; echo $i
i=0; while [ $i -lt 40 ]; do (:); i=$((i + 1)); done; echo $i
( ( ( (echo deep; exit 3); exit 4); exit 5); exit 6); echo $?
sh -c 'sh -c "sh -c \"echo three; exit 2\"; exit \$?"; exit $?'; echo $?
