read -r -n 3 x <<<abcdef; echo $x; read -r -d : y <<<"p:q"; echo $y; IFS=, read -ra z <<<"1,2,3"; echo "${z[@]}" ${#z[@]}
mkfifo silent; exec 9<>silent; read -t 0.2 x <&9; echo "timed out $(($? > 128))"; read -t 60 x < <(sleep 0.1; echo soon); echo "$? $x"
read -r -N 4 w <<<$'a\nbcd'; echo "${w@Q}"; read -rs -p prompt q <<<secret; echo "$q"
read -u 8 v 8<<<"from eight"; echo "$v"; if read -t 0 <<<x; then echo ready; fi
PS3='? '; select c in red green "light blue"; do echo "[$c] $REPLY"; [ "$c" = green ] && break; done <<<$'1\n7\n2' 2>&1
select d in only; do :; done <<<'' 2>&1; echo "select ends $?"
while IFS='=' read -r k v; do echo "$v<-$k"; done <<<$'a=1\nb=2=3'
exec 9<<<"third"; cat <&9; exec 9<&-
