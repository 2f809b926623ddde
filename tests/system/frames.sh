#!/bin/bash
# What host/frames makes of a program's functions does what gcc's own did: the same source both ways, in user
# space, where the stack protector's word is at %fs:40.
. tests/system/lib.sh

make -s build/frames >/dev/null || { echo "not ok - the tool builds"; exit 1; }
cat >"$WORK/shapes.c" <<'EOF'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define FAR __attribute__((noipa))
FAR long leaf(long a) { return a * 3 + 1; }
FAR void fill(char *p, int n) { for (int i = 0; i < n; i++) p[i] = (char)(i * 7); }
FAR void touch(void *p) { __asm__ volatile("" : : "r"(p) : "memory"); }
/* Values that live over N calls, with and without a protected array of some size, and what the guard's
 * clearing of a register may serve for. */
#define PLAIN(n, ...) FAR long plain##n(long a, long b, long c, long d, long e, long f) \
    { long r = leaf(a); r += leaf(b + r); __VA_ARGS__ return r ^ leaf(r); }
PLAIN(1, ) PLAIN(2, r += leaf(c) * b;) PLAIN(3, r += leaf(c) * b; r += leaf(d) * c;)
PLAIN(4, r += leaf(c) * b; r += leaf(d) * c * a; r += leaf(e) + d;)
PLAIN(5, r += leaf(c) * b; r += leaf(d) * c * a; r += leaf(e) + d; r += leaf(f) * b * c * d * e;)
#define GUARDED(n, size, ...) FAR long guarded##n(long a, long b, long c, long d, long e, long f) \
    { char x[size] = {}; long r = 0; touch(x); fill(x + 1, size - 1); __VA_ARGS__ return r + x[size / 2]; }
GUARDED(0, 8, ) GUARDED(1, 16, r = leaf(a) + a;) GUARDED(2, 40, r = leaf(a) * b; r += leaf(b);)
GUARDED(3, 100, r = leaf(a) * b; r += leaf(b) * c; if (r & 4) return -1;)
GUARDED(4, 24, r = leaf(a) * b; r += leaf(b) * c; r += leaf(c) * d; if (r & 4) return leaf(r);)
GUARDED(5, 64, r = leaf(a) * b; r += leaf(b) * c; r += leaf(c) * d; r += leaf(d) * e * a; r -= leaf(f) * e;)
FAR void out(long a, char *p) { long v[6] = {a}; touch(v); memcpy(p, v, sizeof(v)); }
FAR int over(int n) { char x[16]; touch(x); memset(x, 1, n); touch(x); return x[3]; }
int main(int argc, char **argv)
{
    long v[6];
    if (argc > 1)
        return over(atoi(argv[1])) - 1;
    for (long i = -3; i < 40; i++) {
#define ALL(f) printf(#f " %ld\n", f(i, i * 3, i * i, 7 - i, i ^ 99, i << 5))
        ALL(plain1), ALL(plain2), ALL(plain3), ALL(plain4), ALL(plain5);
        ALL(guarded0), ALL(guarded1), ALL(guarded2), ALL(guarded3), ALL(guarded4), ALL(guarded5);
        out(i, (char *)v);
        printf("%ld %ld\n", v[0], v[5]);
    }
}
EOF
flags='-Oz -g -fno-schedule-insns2 -fno-omit-frame-pointer -fstack-protector-strong -fno-pic -fno-pie -fcf-protection=none
    -fno-asynchronous-unwind-tables -mgeneral-regs-only -w'
gcc $flags -S -o "$WORK/own.s" "$WORK/shapes.c" && gcc -no-pie -o "$WORK/own" "$WORK/own.s" || exit 1
sed 's/%fs:40/%gs:40/' "$WORK/own.s" | build/frames | sed 's/%gs:40/%fs:40/' >"$WORK/shared.s"
sed 's/%gs:40/%fs:40/' kernel/arch/x86_64/frames.S >"$WORK/frames.S"
gcc -no-pie -o "$WORK/shared" "$WORK/shared.s" "$WORK/frames.S" 2>"$WORK/said" || { cat "$WORK/said"; exit 1; }
check 'functions with shared ends give the same' cmp <("$WORK/own") <("$WORK/shared")
check 'each kind of them is there' sh -c "for f in frame_enter_3 frame_enter_5 frame_enter_guarded frame_leave_2 frame_leave_5 \
    guard_check; do grep -q \$f '$WORK/shared.s' || exit 1; done"
check 'no check is left out' [ "$(grep -c 'subq.*%fs:40' "$WORK/own.s")" -eq \
    "$(grep -c 'guard_check\|subq.*%fs:40' "$WORK/shared.s")" ]
"$WORK/shared" 16 && ok 'an array that is filled' || not_ok 'an array that is filled' /dev/null
sh -c "'$WORK/shared' 40; exit \$?" >"$WORK/said" 2>&1
check 'and one that is overrun' [ $? -eq 134 ]
