# ZooKeeper on Java 17: its own client on the host makes and reads a node.
# packages: zookeeper openjdk-17-jre-headless
# limit: 400
printf 'tickTime=2000\ndataDir=/srv/zk\nclientPort=2181\n4lw.commands.whitelist=*\nadmin.enableServer=false\n' >"$WORK/zoo.cfg"
classes=/etc/zookeeper/conf:$(ls /usr/share/java/zookeeper.jar /usr/share/java/{slf4j-api,slf4j-simple,slf4j-log4j12,log4j-1.2,jline2,jline,commons-cli,commons-io,netty,netty-all,snappy-java,metrics-core,audience-annotations,zookeeper-jute}*.jar 2>/dev/null | paste -sd:)
machine -p 2181 --cpus 2 --memory 1G --package zookeeper --package libzookeeper-java --package openjdk-17-jre-headless --add "$WORK/zoo.cfg" \
    java -XX:TieredStopAtLevel=1 -cp "$classes" org.apache.zookeeper.server.quorum.QuorumPeerMain "$WORK/zoo.cfg"
word() { timeout 10 python3 -c 'import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5); s.sendall(sys.argv[2].encode()); print(s.makefile().read())' "${ports[2181]}" "$1"; }
ready() { word ruok | grep -qx imok; }
answers ready
cli() { timeout 120 java -cp "$classes" org.apache.zookeeper.ZooKeeperMain -timeout 60000 -server "127.0.0.1:${ports[2181]}" "$@" 2>/dev/null | tail -1; }
cli create /a one >"$WORK/create"
says 'a node' one cli get /a
finishes 143
