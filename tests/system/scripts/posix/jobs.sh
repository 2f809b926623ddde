# Background jobs without job control.
sleep 0.1 & a=$!; (sleep 0.2; exit 3) & b=$!; (exit 5) & c=$!
wait $a; echo $?; wait $b; echo $?; wait $c; echo $?; wait; echo "all $?"
wait 99999 2>/dev/null; echo "no child $?"
for i in 1 2 3 4 5 6 7 8 9 10; do (echo $i >r$i) & done; wait; cat r? r10 | sort -n | tr '\n' ' '; echo
i=0; while [ $i -lt 50 ]; do true & i=$((i + 1)); done; wait; echo fifty
x=$(sleep 0.1 & echo sub); echo "$x"
mkfifo gate; { read -r x <gate; echo late; } & echo early; echo go >gate; wait
(sh -c 'echo grandchild; : >came' &); until [ -e came ]; do sleep 0.02; done
n=$(sh -c 'sleep 100 >/dev/null & echo $!'); kill -0 $n && echo alive; kill $n
cat </dev/null & wait $!; echo "stdin $?"
