# Jetty 9 on Java 17: files, many clients.
# packages: jetty9 openjdk-17-jre-headless apache2-utils
# limit: 400
mkdir -p "$WORK/base/webapps/root" "$WORK/base/start.d" && echo hello >"$WORK/base/webapps/root/index.html"
printf -- '--module=http\n--module=deploy\njetty.http.port=8080\n' >"$WORK/base/start.d/s.ini"
machine -p 8080 --cpus 2 --memory 1536M --package jetty9 --package libjetty9-java --package openjdk-17-jre-headless --add "$WORK/base" \
    java -XX:TieredStopAtLevel=1 -Djetty.home=/usr/share/jetty9 -Djetty.base="$WORK/base" -jar /usr/share/jetty9/start.jar
url=http://127.0.0.1:${ports[8080]}
answers curl -sf -m 60 "$url/"
says 'a page' hello curl -s "$url/"
check 'many clients' sh -c "ab -q -n 500 -c 16 '$url/' | grep -q 'Failed requests: *0\$'"
finishes 143
