mkdir -p t; cd t; i=0; while [ $i -lt 60 ]; do echo $i >f$i; i=$((i + 1)); done
find . -type f | xargs -P4 -n7 cat | sort -n | cksum
find . -name 'f1*' -print0 | xargs -0 -n1 -P3 sh -c 'echo ${0#./}' | sort | head -n 4
find . -type f -exec grep -l '^7' {} + | sort | tr '\n' ' '; echo
find . -type f -newer f30 | wc -l >/dev/null
seq 20 | xargs -n3 echo
seq 5 | xargs -I{} sh -c 'exit 1'; echo "xargs $?"
printf 'a b\n"c d"\n' | xargs printf '<%s>'; echo
find . -name 'f?' -delete; ls | wc -l; du -s . >/dev/null && echo du
