# wait -n, wait -p, many children. A child is gone before bash waits for any: bash 5.2 overlooks one that
# ends just while wait -n begins, and waits for the others (on Linux as well, once in some hundred times).
gone() { while kill -0 "$1" 2>/dev/null; do :; done; }
mkfifo first second third
(read -r x <second; exit 3) & pids=($!); (read -r x <first; exit 4) & pids=($! "${pids[@]}"); (read -r x <third; exit 5) & pids+=($!)
for gate in first second third; do
    echo go >$gate; gone "${pids[0]}"; pids=("${pids[@]:1}"); wait -n; echo $?
done
wait -n; echo "none $?"
(read -r x <first) & one=$!; (exit 9) & two=$!; gone $two
wait -n -p who $one $two; s=$?; [ "$who" = $two ] && echo "second first, $s"; echo go >first; wait
for i in {1..30}; do (exit $i) & pids+=($!); done; sum=0
for p in "${pids[@]}"; do wait $p; sum=$((sum + $?)); done; echo $sum
n=0; pids=(); for i in {1..12}; do (sleep 0.0$((RANDOM % 9 + 1))) & pids+=($!); done
for p in "${pids[@]}"; do gone $p; done; while wait -n; do n=$((n + 1)); done; echo $n
