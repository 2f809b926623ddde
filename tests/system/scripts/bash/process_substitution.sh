diff <(seq 5) <(seq 2 6); echo "diff $?"
cat <(echo one) <(echo two) <(cat <(echo three))
tee >(tr a-z A-Z >up) >(wc -c >count) <<<"tee text" >/dev/null; until [ -s up ] && [ -s count ]; do sleep 0.02; done; cat up count
while read -r x; do n=$((n + x)); done < <(seq 100); echo "$n"
paste <(seq 3) <(seq 4 6) <(printf '%s\n' a b c)
exec 7< <(echo kept; echo open); read -r x <&7; read -r y <&7; echo "$x $y"; exec 7<&-
comm -12 <(seq 1 5) <(seq 3 8); sort -m <(seq 1 2 9) <(seq 2 2 8) | tr '\n' ' '; echo
{ echo err >&2; echo out; } 2> >(sed 's/^/E:/') | cat; sleep 0.2
for i in {1..40}; do cat <(echo $i) >/dev/null; done; ls /dev/fd/0
echo $(< <(echo read directly))
