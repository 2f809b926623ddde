# Pipelines: status, order, large data, closed readers.
seq 1 20000 | sort -r | head -n 3
seq 5 | while read -r n; do echo "$((n * 2))"; done | tr '\n' ' '
echo
false | true; echo "last counts $?"
true | false; echo "last counts $?"
! true; echo "not true $?"
yes | head -n 100000 | wc -l
head -c 3000000 /dev/zero | cat | cat | cat | wc -c
(exit 3) | (cat; exit 4); echo "$?"
# The writer dies by SIGPIPE and the pipeline goes on.
{ sh -c 'while :; do echo line; done' 2>/dev/null; echo "writer $?" >status; } | head -n 1; cat status
echo a | { read -r x; echo "got $x"; cat; echo end; }
ls /nonexistent/file 2>&1 | sed 's/^[^:]*: //'
printf 'b\na\nc\n' | sort | tee copy | wc -l
cat copy
