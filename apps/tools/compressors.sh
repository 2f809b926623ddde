# pigz, lbzip2, zstd, 7z with threads, GNU parallel, xargs -P, jq, flock.
# packages: jq parallel pigz lbzip2 p7zip-full zstd perl
# limit: 600
script 'as here' --cpus 2 --memory 1G <<'END'
echo '{"a":[1,2,{"b":null}]}' | jq -c '.a|map(type)'
seq 1 20 | parallel -j4 -k echo n{}
seq 1 100 | xargs -P4 -n5 echo | sort | md5sum
seq 1 300000 > big; pigz -p4 -k big; pigz -dc big.gz | md5sum; gzip -dc big.gz | md5sum
lbzip2 -n4 -k big; lbzip2 -dc big.bz2 | md5sum
zstd -T2 -q big -o big.zst; zstd -dc big.zst | md5sum
7z a -mmt2 -bd a.7z big >/dev/null && 7z t a.7z | grep -i everything; rm big; 7z x -bd a.7z >/dev/null; md5sum big
(flock -x 9; echo locked) 9>l; flock -n l echo two
END
