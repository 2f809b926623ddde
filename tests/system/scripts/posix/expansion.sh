v=path/to/file.tar.gz; unset u; e=
echo "${v#*/}" "${v##*/}" "${v%.*}" "${v%%.*}" "${#v}"
echo "${u-unset}" "${e-empty}" "${e:-empty}" "${u+set}" "${v+set}" "${u:=given}" "$u"
(unset q; : "${q:?is needed}") 2>&1 | sed 's/.*: q/q/'
echo "status kept"
set -- "a b" c ""; echo $# "$*" "$@"; IFS=-; echo "$*"; unset IFS
for x in "$@"; do printf '<%s>' "$x"; done; echo
shift 2; echo $#
mkdir d; cd d; touch a1 a2 b1 .hidden 'sp ace'; echo *; echo a* [b-z]* .h* no*; echo "a*"; cd ..
echo ~root "$HOME" | sed "s,$HOME,HOME,g"
IFS=:; for p in a:b::c; do echo "[$p]"; done; p=a:b::c; for x in $p; do echo "($x)"; done
case foo.c in *.h) echo h;; *.c|*.cc) echo c;; esac
case '*' in '*') echo star;; esac
printf '%s %5d|%-5s|%05.1f %x %o %c %%\n' s 42 ab 3.14159 255 8 z
printf '%s-%s\n' 1 2 3
echo "$0" | sed 's,.*/,,'
