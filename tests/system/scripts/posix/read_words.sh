printf 'one two  three\n' | { read -r a b; echo "$a|$b"; }
printf 'a:b:c\n' | { IFS=: read -r a b c; echo "$c$b$a"; }
printf 'back\\slash\n' | { read -r x; echo "$x"; }
printf 'joined\\\nline\n' | { read x; echo "$x"; }
printf 'no newline' | { read -r x; echo "$? $x"; }
printf '' | { read -r x; echo "eof $?"; }
seq 1000 | { s=0; while read -r n; do s=$((s + n)); done; echo $s; }
seq 10 >f; { read -r a; read -r b; cat; } <f | tr '\n' ' '; echo
mkfifo p; (for i in 1 2 3; do echo "fifo $i"; sleep 0.02; done >p) & cat p; wait
(cat p; echo reader done) & echo once >p; wait
