#!/bin/bash
# timeout: 300
# Keys by keyctl (Debian's keyutils): keyrings and their permissions, and keys that the kernel has made by
# /sbin/request-key with Debian's rules.
. tests/system/lib.sh
for program in keyctl /sbin/request-key; do
    command -v $program >"$WORK/which" || { skip keys "no $program (package keyutils)" && exit 0; }
done

cat >"$WORK/script.sh" <<'END'
say() { echo "== $*"; "$@" 2>&1 || echo "status $?"; }
one=$(keyctl add user one first @s)
say keyctl print $one
say keyctl describe $one
say keyctl update $one 'second value'
say keyctl print %user:one
echo -n 'by a pipe' | keyctl padd user piped @s >/dev/null
say keyctl pipe %user:piped
echo
ring=$(keyctl newring ring @s)
say keyctl link $one $ring
say keyctl list $ring
say keyctl rdescribe $ring
keyctl show @s | sed 's/.*: //' | sort
say keyctl search @s user one
say keyctl request user one
say keyctl search @s user absent
say keyctl unlink $one $ring
say keyctl unlink $one $ring
say keyctl move $one @s $ring
say keyctl list $ring
say keyctl add logon word:it secret $ring
say keyctl print %logon:word:it
say keyctl restrict_keyring $ring
say keyctl add user more x $ring
say keyctl setperm $one 0x3f000000
say keyctl chown $one 1000
say keyctl chgrp $one 1000
say keyctl rdescribe $one
say keyctl timeout $one 1000
say keyctl revoke $one
say keyctl print $one
say keyctl request2 user debug:ask info @s
say keyctl print %user:debug:ask
say keyctl request2 user debug:loop:it 'through cat' @s
say keyctl print %user:debug:loop:it
say keyctl request2 user debug:negate:it negate @s
say keyctl request2 user debug:rejected rejected @s
say keyctl request2 user nobody:asks info @s
say keyctl purge user
say keyctl clear @s
say keyctl list @s
say keyctl session named keyctl rdescribe @s
END
cat >"$WORK/wanted" <<'END'
Joined session keyring: N
== keyctl print N
first
== keyctl describe N
N: alswrv-----v------------     0     0 user: one
== keyctl update N second value
== keyctl print %user:one
second value
== keyctl pipe %user:piped
by a pipe
== keyctl link N N
== keyctl list N
1 key in keyring:
N: --alswrv     0     0 user: one
== keyctl rdescribe N
keyring;0;0;3f010000;ring
Keyring
_ses
one
one
piped
ring
== keyctl search @s user one
N
== keyctl request user one
N
== keyctl search @s user absent
keyctl_search: Required key not available
status 1
== keyctl unlink N N
== keyctl unlink N N
keyctl_unlink: No such file or directory
status 1
== keyctl move N @s N
== keyctl list N
1 key in keyring:
N: --alswrv     0     0 user: one
== keyctl add logon word:it secret N
N
== keyctl print %logon:word:it
keyctl_read_alloc: Operation not supported
status 1
== keyctl restrict_keyring N
== keyctl add user more x N
add_key: Operation not permitted
status 1
== keyctl setperm N 0x3f000000
== keyctl chown N N
== keyctl chgrp N N
== keyctl rdescribe N
user;N;N;3f000000;one
== keyctl timeout N N
== keyctl revoke N
== keyctl print N
keyctl_read_alloc: Key has been revoked
status 1
== keyctl request2 user debug:ask info @s
N
== keyctl print %user:debug:ask
Debug info
== keyctl request2 user debug:loop:it through cat @s
N
== keyctl print %user:debug:loop:it
through cat
== keyctl request2 user debug:negate:it negate @s
request_key: Required key not available
status 1
== keyctl request2 user debug:rejected rejected @s
request_key: Key was rejected by service
status 1
== keyctl request2 user nobody:asks info @s
request_key: Required key not available
status 1
== keyctl purge user
purged 6 keys
== keyctl clear @s
== keyctl list @s
keyring is empty
== keyctl session named keyctl rdescribe @s
Joined session keyring: N
keyring;0;0;3f130000;named
END

osprey --cpus 2 --package keyutils --package coreutils --package bash --package sed --add "$WORK/script.sh" \
    keyctl session - bash "$WORK/script.sh" >"$WORK/out" 2>&1 </dev/null
# Numbers of keys are drawn: up to ten digits, with blanks before.
sed -E 's/\b[0-9]{4,}\b/N/g; s/^ *N/N/' "$WORK/out" >"$WORK/said"
check 'keyctl and request-key' diff "$WORK/wanted" "$WORK/said"
