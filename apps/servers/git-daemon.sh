# git daemon: clone and push.
# packages: git
git init -q -b main "$WORK/r" && cp apps/servers/*.sh "$WORK/r" && git -C "$WORK/r" add . &&
    git -C "$WORK/r" -c user.name=a -c user.email=a@b commit -qm one && git clone -q --bare "$WORK/r" "$WORK/r.git"
machine -p 9418 --cpus 2 --memory 512M --package git --add "$WORK/r.git" /usr/lib/git-core/git-daemon --reuseaddr --export-all --enable=receive-pack --base-path="$WORK"
at=git://127.0.0.1:${ports[9418]}/r.git
answers git ls-remote "$at"
check 'a clone' git clone -q "$at" "$WORK/c"
check 'it is whole' diff -r -x .git "$WORK/r" "$WORK/c"
echo new >"$WORK/c/new" && git -C "$WORK/c" add . && git -C "$WORK/c" -c user.name=a -c user.email=a@b commit -qm two
check 'a push' git -C "$WORK/c" push -q origin main
says 'it has arrived' "$(git -C "$WORK/c" rev-parse HEAD)" sh -c "git ls-remote $at main | cut -f1"
finishes 143
