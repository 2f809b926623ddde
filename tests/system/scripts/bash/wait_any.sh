# wait -n, wait -p, many children.
(sleep 0.4; exit 3) & (sleep 0.1; exit 4) & (sleep 0.7; exit 5) &
wait -n; echo $?; wait -n; echo $?; wait -n; echo $?; wait -n; echo "none $?"
sleep 0.3 & one=$!; (sleep 0.1; exit 9) & two=$!
wait -n -p who $one $two; s=$?; [ "$who" = $two ] && echo "second first, $s"; wait
for i in {1..30}; do (exit $i) & pids+=($!); done; sum=0
for p in "${pids[@]}"; do wait $p; sum=$((sum + $?)); done; echo $sum
n=0; for i in {1..12}; do (sleep 0.0$((RANDOM % 9 + 1))) & done; while wait -n; do n=$((n + 1)); done; echo $n
