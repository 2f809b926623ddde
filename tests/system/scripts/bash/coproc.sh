coproc { while read -r x; do echo "reply $x"; done; echo closing; }
echo one >&"${COPROC[1]}"; read -r a <&"${COPROC[0]}"; echo two >&"${COPROC[1]}"; read -r b <&"${COPROC[0]}"
echo "$a, $b"; pid=$COPROC_PID; exec {COPROC[1]}>&-; read -r c <&"${COPROC[0]}"; echo "$c"; wait $pid; echo "coproc $?"
coproc BC { sed -u 's/^/> /'; }; for i in {1..20}; do echo $i >&${BC[1]}; read -r l <&${BC[0]}; done; echo "$l"
p=$BC_PID; kill $p; wait $p 2>/dev/null; echo "killed $?"
