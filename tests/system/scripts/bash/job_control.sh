# Job control in a script: set -m, fg, bg, jobs, stop and continue. (No terminal needed.)
set -m
state() { until [ "$(ps -o state= -p $1)" = $2 ]; do sleep 0.02; done; } # until it is in it
sleep 2 & jobs; fg >/dev/null; echo "fg $?"
sleep 50 & p=$!; kill -STOP $p; state $p T; jobs | sed 's/  */ /g'
bg >/dev/null; state $p S; jobs | sed 's/  */ /g'; kill %1; wait %1; echo "terminated $?"
sleep 50 & a=$!; sleep 51 & b=$!; jobs %1 | sed 's/  */ /g'; jobs -p | wc -l; kill %?51; wait $b; echo $?; disown %1; jobs; kill $a
# Each job has a process group of its own.
sh -c 'echo $(($(ps -o pgid= -p $$) == $$))' & wait
set +m; sh -c 'echo $(($(ps -o pgid= -p $$) == $$))' & wait
set -m; (sleep 60 | sleep 61) & g=$!; sleep 0.1; kill -TERM -- -$g; wait $g; echo "group $?"
sh -c 'kill -STOP $$; echo continued; : >on' & p=$!; state $p T; jobs -s | wc -l; kill -CONT $p; until [ -e on ]; do sleep 0.02; done; wait $p; echo $?
suspend_test() { sleep 2; echo ran; }; suspend_test & fg >/dev/null
