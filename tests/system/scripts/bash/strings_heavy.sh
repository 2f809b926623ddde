s=; for i in {1..3000}; do s+="$i,"; done; echo ${#s}; t=${s//,/;}; echo ${#t} ${t:100:20}
echo -e 'tab\there\x41\u00e9' | cat -v; printf '%q\n' "a b'c"; printf '%(%Y)T\n' 0; printf '%b' 'x\ny\n'
words=($(seq 500)); echo ${#words[*]} ${words[-1]}; unset 'words[0]'; echo ${words[*]:0:2}
fib() { (($1 < 2)) && { echo $1; return; }; echo $(($(fib $(($1 - 1))) + $(fib $(($1 - 2))))); }; fib 8
md5sum <<<"$s" | cut -c1-32; base64 <<<"$s" | wc -l; rev <<<abc 2>/dev/null || echo cba; cat <<<"${s:0:10}" | od -c | head -2
