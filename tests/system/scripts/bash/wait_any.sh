# wait -n, wait -p, many children.
mkfifo first second third
(read -r x <second; exit 3) & (read -r x <first; exit 4) & (read -r x <third; exit 5) &
for gate in first second third; do echo go >$gate; wait -n; echo $?; done; wait -n; echo "none $?"
(read -r x <first) & one=$!; (exit 9) & two=$!
wait -n -p who $one $two; s=$?; [ "$who" = $two ] && echo "second first, $s"; echo go >first; wait
for i in {1..30}; do (exit $i) & pids+=($!); done; sum=0
for p in "${pids[@]}"; do wait $p; sum=$((sum + $?)); done; echo $sum
n=0; for i in {1..12}; do (sleep 0.0$((RANDOM % 9 + 1))) & done; while wait -n; do n=$((n + 1)); done; echo $n
