# Loops, functions, conditions, local state.
for i in 1 2 3 4 5; do [ $i = 2 ] && continue; [ $i = 4 ] && break; echo $i; done
i=0; until [ $i -ge 3 ]; do i=$((i + 1)); done; echo $i
for i in a b; do for j in 1 2; do [ $j = 2 ] && continue 2; echo $i$j; done; done
f() { [ $1 -le 1 ] && { echo 1; return; }; echo $(( $1 * $(f $(( $1 - 1 ))) )); }; f 6
g() { local x=5 2>/dev/null || x=5; x=6; return 7; }; x=1; g; echo $? $x
set -e; (false; echo not reached) || echo "errexit in || is off"; set +e
sh -ec 'false; echo no'; echo "errexit $?"
sh -uc 'echo $undefined' 2>/dev/null; echo "nounset $(($? > 0))"
if [ -d / ] && [ ! -f / ] && [ 3 -gt 2 ] && [ a != b ] && [ -n x ] && [ -z "" ]; then echo test; fi
[ -r /etc/passwd -a -x /bin/sh ] && echo modes
eval 'y="a b"; echo $y'; eval "for k in 1 2; do echo \$k; done"
alias_test() { echo fn; }; alias_test; unset -f alias_test; alias_test 2>/dev/null || echo unset $?
. /dev/stdin <<X
echo sourced
X
readonly r=1; (r=2) 2>/dev/null || echo readonly
export E1=env; sh -c 'echo $E1'; E2=once sh -c 'echo $E2'; echo "[$E2]"
getopts ab:c opt -b arg -c; echo $opt $OPTARG; command -v cd; type cd
umask 027; touch u; ls -l u | cut -c1-10; umask
times >/dev/null && echo times; ulimit -n >/dev/null && echo ulimit
exec sh -c 'echo replaced $0 $1' a b
