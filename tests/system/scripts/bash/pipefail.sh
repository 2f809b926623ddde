set -o pipefail; false | true; echo $?; true | (exit 3) | (exit 0); echo "$? ${PIPESTATUS[*]}"
(exit 1) | (exit 2) | (exit 3); echo "${PIPESTATUS[@]}"
shopt -s lastpipe; echo value | read -r v; echo "$v"
set -o errexit; trap 'echo "ERR at $BASH_COMMAND"' ERR; (false; true) || echo caught; trap - ERR; set +e
trap 'echo debug' DEBUG; :; trap - DEBUG
f() { trap 'echo return' RETURN; }; f; trap - RETURN
time_out=$( { time true; } 2>&1 | grep -c real ); echo $time_out
timeout 0.2 sleep 5; echo "timeout $?"; { timeout -s KILL 0.2 sleep 5; } 2>/dev/null; echo "killed $?"
timeout 5 bash -c 'exit 7'; echo $?
