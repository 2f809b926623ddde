#!/bin/sh
# run.sh SHELL SCRIPT...: run each script in an empty folder of its own and mark where its output
# begins and how it ended. Ran on the host and in the machine by ../shell_scripts.sh.
shell=$1
shift
top=$(mktemp -d)
n=0
for script; do
    n=$((n + 1))
    mkdir "$top/$n" && cd "$top/$n" || exit
    echo "=== $script"
    # shellcheck disable=SC2086
    $shell "$script" </dev/null 2>&1 | cat
    $shell -c : # the shell above may have left something behind: it would show here
done
echo '=== end'
rm -rf "$top"
