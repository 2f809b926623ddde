# runit's runsvdir: starts services, restarts what dies, sv controls them.
# packages: runit
cat >"$WORK/script" <<'END'
mkdir -p /srv/sv/a /srv/sv/b
printf '#!/bin/sh\nexec sleep 10000\n' >/srv/sv/a/run
printf '#!/bin/sh\necho x >>/srv/count\nexec sleep 0.1\n' >/srv/sv/b/run
chmod +x /srv/sv/*/run
runsvdir /srv/sv &
d=$!
until sv status /srv/sv/a | grep -q ^run: && [ "$(wc -l </srv/count)" -gt 1 ]; do sleep 0.1; done 2>/dev/null
sv -w 60 down /srv/sv/a | sed 's/:.*//'
sv -w 60 up /srv/sv/a | sed 's/:.*//'
sv -w 60 force-stop /srv/sv/b | sed 's/:.*//'
kill -HUP $d
wait $d
echo "ended $?"
END
inside 'services' --cpus 2 --package runit --package coreutils --package grep --package sed bash "$WORK/script" <<'END'
ok
ok
ok
ended 111
END
