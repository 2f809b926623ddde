a=(x "y z" w); echo "${a[1]}" "${#a[@]}" "${a[@]:1:2}" "${!a[@]}"; a+=(more); a[9]=nine; echo "${!a[@]}"
declare -A m=([k]=v [two words]=2); for k in "${!m[@]}"; do echo "$k=${m[$k]}"; done | sort
mapfile -t l < <(seq 5); echo "${l[@]}" "${#l[@]}"; readarray -n 2 r <<<$'p\nq\nr'; printf '%s' "${r[@]}"
s="hello world"; echo "${s/o/0}" "${s//o/0}" "${s^^}" "${s:6}" "${s: -5:3}" "${s@Q}"
[[ $s =~ ^(h[a-z]+)\ (w.*)$ ]] && echo "${BASH_REMATCH[2]} ${BASH_REMATCH[1]}"
[[ $s == h*d && ! $s < a ]] && echo glob
printf -v out '%03d' 7; echo "$out"; echo {a..e} {1..10..3} {x,y}{1,2}
declare -i n=5; n+=3; echo $n $((n ** 3)) $((16#ff)); ((n > 7)) && echo arithmetic
for ((i = 0; i < 3; i++)); do echo -n "$i "; done; echo
f() { local -n ref=$1; ref=changed; }; f s; echo "$s"
shopt -s nullglob extglob
echo no*such; case abc in @(abc|d)) echo ext;; esac
echo "$RANDOM" | grep -cE '^[0-9]+$'; echo $BASH_SUBSHELL $(echo $BASH_SUBSHELL); echo "${PIPESTATUS[@]}"
