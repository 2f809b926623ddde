# Job control in a script: set -m, fg, bg, jobs, stop and continue. (No terminal needed.)
set -m
sleep 0.3 & jobs; fg >/dev/null; echo "fg $?"
sleep 50 & p=$!; kill -STOP $p; sleep 0.2; jobs | sed 's/  */ /g'
bg >/dev/null; sleep 0.1; jobs | sed 's/  */ /g'; kill %1; wait %1; echo "terminated $?"
sleep 50 & a=$!; sleep 51 & b=$!; jobs %1 | sed 's/  */ /g'; jobs -p | wc -l; kill %?51; wait $b; echo $?; disown %1; jobs; kill $a
# Each job has a process group of its own.
sh -c 'echo $(($(ps -o pgid= -p $$) == $$))' & wait
set +m; sh -c 'echo $(($(ps -o pgid= -p $$) == $$))' & wait
set -m; (sleep 60 | sleep 61) & g=$!; sleep 0.1; kill -TERM -- -$g; wait $g; echo "group $?"
sh -c 'kill -STOP $$; echo continued' & p=$!; sleep 0.3; jobs -s | wc -l; kill -CONT $p; sleep 0.2; wait $p; echo $?
suspend_test() { sleep 0.2; echo ran; }; suspend_test & fg >/dev/null
