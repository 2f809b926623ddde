# Traps and signals.
trap 'echo usr1' USR1; kill -USR1 $$; echo after
trap 'echo exit $?' EXIT
(trap 'echo inner exit' EXIT; exit 3); echo "sub $?"
trap '' TERM; kill -TERM $$; echo immune
sh -c 'kill -TERM $$; echo child immune too'
trap - TERM
sh -c 'kill -TERM $$' ; echo "child $?"
trap 'echo int; n=1' INT; n=0; kill -INT $$; echo "n=$n"
sleep 5 & p=$!; kill -KILL $p; wait $p 2>/dev/null; echo "killed $?"
sh -c 'trap "echo got term; exit 9" TERM; echo ready; while :; do sleep 0.05; done' >log & p=$!
while [ ! -s log ]; do sleep 0.05; done; kill -TERM $p; wait $p; echo "handled $?"; cat log
trap 'echo waiting was interrupted' USR2
(sleep 0.2; kill -USR2 $$) & q=$!; sleep 30 & s=$!; wait $s; echo "wait > 128: $(($? > 128))"; kill $s; wait $q
trap 'echo hup; trap - HUP' HUP; kill -HUP $$
f() { trap 'echo in function' USR1; }; f; kill -USR1 $$
for i in 1 2 3 4 5; do kill -USR1 $$; done
trap | grep -c USR
exit 6
