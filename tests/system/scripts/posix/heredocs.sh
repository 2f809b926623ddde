# Here-documents: quoting, tabs, several, in loops and functions, large.
name=World
cat <<X
Hello $name $((6 * 7)) $(echo sub) \$kept \\
X
cat <<'X'
Hello $name $(echo sub) \
X
cat <<-X
	tabs go $name
		both
	X
cat <<A; cat <<B
first
A
second
B
f() { cat <<X
in function $1
X
}
f one; f two
for i in 1 2 3; do cat <<X; done
loop $i
X
while read -r a b; do echo "[$b|$a]"; done <<X
1 one
2 two words
X
x=$(cat <<X
in substitution
X
)
echo "$x"
seq 1 30000 >big
body=$(cat big)
wc -c <<X
$body
X
cat <<X | tr a-z A-Z
piped $name
X
cat <<X && echo after
and
X
