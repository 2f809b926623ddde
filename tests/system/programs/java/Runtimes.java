// What a Java virtual machine asks of a kernel. Runtimes PART...; the output is the same everywhere.
import java.io.*;
import java.nio.*;
import java.nio.channels.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import java.util.concurrent.locks.*;
import java.util.stream.*;

public class Runtimes {
    static class Node { Node next; int value; Node left, right; }

    // Hot code whose null check is a page fault: the handler makes an exception of SIGSEGV.
    static int walk(Node n) { return n.next.value; }

    static void nulls() {
        Node a = new Node();
        a.next = new Node();
        a.next.value = 3;
        long sum = 0;
        for (int i = 0; i < 200000; i++) sum += walk(a);
        a.next = null;
        int caught = 0, other = 0;
        for (int i = 0; i < 3000; i++) {
            try { sum += walk(i % 3 == 0 ? null : a); } catch (NullPointerException e) { caught++; }
        }
        int[] array = new int[4], zero = {0};
        for (int i = 0; i < 20000; i++) {
            try { sum += array[i % 5]; } catch (ArrayIndexOutOfBoundsException e) { other++; }
            try { sum += i / zero[0]; } catch (ArithmeticException e) { other++; } // SIGFPE
            try { sum += ((Object) (i % 7 == 0 ? "s" : (Object) i)).hashCode() + (Integer) (i % 7 == 0 ? (Object) "s" : i) * 0; }
            catch (ClassCastException e) { other++; }
        }
        System.out.println("nulls " + caught + " " + other + " " + (sum > 0));
    }

    static int depth;
    static void deeper(long a, long b) { depth++; deeper(b, a + 1); }

    static void overflow() throws Exception {
        for (int i = 0; i < 5; i++) {
            depth = 0;
            try { deeper(1, 2); } catch (StackOverflowError e) { System.out.println("overflow " + (depth > 500)); }
        }
        int[] ok = new int[1];
        Thread[] ts = new Thread[8];
        for (int i = 0; i < ts.length; i++) {
            ts[i] = new Thread(null, () -> {
                try { recurse(0); } catch (StackOverflowError e) { synchronized (ok) { ok[0]++; } }
            }, "deep", 256 << 10);
            ts[i].start();
        }
        for (Thread t : ts) t.join();
        System.out.println("overflow in threads " + ok[0]);
    }
    static int recurse(int n) { return recurse(n + 1) + recurse(n + 2); }

    static void jit() {
        long h = 0;
        for (int r = 0; r < 40; r++) {
            double[] m = new double[1000];
            for (int i = 0; i < m.length; i++) m[i] = Math.sqrt(i * r) + Math.sin(i);
            for (int i = 0; i < m.length; i++) h = h * 31 + (long) m[i];
            StringBuilder s = new StringBuilder();
            for (int i = 0; i < 300; i++) s.append(i).append(',');
            h += s.toString().hashCode();
            h += IntStream.range(0, 2000).filter(x -> x % 3 == 0).mapToLong(x -> (long) x * x).sum();
        }
        Function2[] shapes = {(a, b) -> a + b, (a, b) -> a * b, (a, b) -> a ^ b, (a, b) -> a - b};
        for (int i = 0; i < 100000; i++) h = shapes[(i / 25000) % 4].of(h, i); // becomes megamorphic: deoptimised
        System.out.println("jit " + h);
    }
    interface Function2 { long of(long a, long b); }

    static void threads() throws Exception {
        final int N = 200;
        AtomicLong sum = new AtomicLong();
        long[] plain = {0};
        ReentrantLock lock = new ReentrantLock();
        CountDownLatch all = new CountDownLatch(N);
        CyclicBarrier barrier = new CyclicBarrier(N);
        List<Thread> ts = new ArrayList<>();
        for (int i = 0; i < N; i++) {
            final int id = i;
            Thread t = new Thread(() -> {
                try {
                    all.countDown();
                    all.await();
                    for (int k = 0; k < 200; k++) {
                        sum.addAndGet(id);
                        lock.lock();
                        try { plain[0]++; } finally { lock.unlock(); }
                        synchronized (plain) { plain.notifyAll(); }
                        if (k % 50 == 0) Thread.yield();
                    }
                    barrier.await();
                } catch (Exception e) { e.printStackTrace(); }
            }, "worker-" + i);
            ts.add(t);
            t.start();
        }
        for (Thread t : ts) t.join();
        System.out.println("threads " + sum.get() + " " + plain[0]);
        ExecutorService pool = Executors.newFixedThreadPool(8);
        List<Future<Integer>> fs = new ArrayList<>();
        for (int i = 0; i < 500; i++) { final int n = i; fs.add(pool.submit(() -> n * n)); }
        long total = 0;
        for (Future<Integer> f : fs) total += f.get();
        pool.shutdown();
        System.out.println("pool " + total + " " + pool.awaitTermination(60, TimeUnit.SECONDS));
        System.out.println("parallel " + IntStream.range(0, 100000).parallel().mapToLong(x -> x % 7).sum());
        Thread parked = new Thread(() -> { LockSupport.park(); System.out.println("interrupted " + Thread.interrupted()); });
        parked.start();
        while (parked.getState() != Thread.State.WAITING) Thread.sleep(1);
        parked.interrupt();
        parked.join();
        Object monitor = new Object();
        synchronized (monitor) { monitor.wait(20); }
        ScheduledExecutorService timer = Executors.newScheduledThreadPool(1);
        System.out.println("scheduled " + timer.schedule(() -> 5, 10, TimeUnit.MILLISECONDS).get());
        timer.shutdownNow();
        CompletableFuture<String> c = CompletableFuture.supplyAsync(() -> "a").thenCombine(CompletableFuture.supplyAsync(() -> "b"), String::concat);
        System.out.println("future " + c.get());
    }

    static Node tree(int d) {
        Node n = new Node();
        n.value = d;
        if (d > 0) { n.left = tree(d - 1); n.right = tree(d - 1); }
        return n;
    }
    static int count(Node n) { return n == null ? 0 : 1 + count(n.left) + count(n.right); }

    static void collect() throws Exception {
        Node kept = tree(13);
        Map<Integer, byte[]> map = new ConcurrentHashMap<>();
        Thread[] ts = new Thread[4];
        AtomicInteger nodes = new AtomicInteger();
        for (int t = 0; t < ts.length; t++) {
            final int id = t;
            ts[t] = new Thread(() -> {
                for (int i = 0; i < 60; i++) {
                    nodes.addAndGet(count(tree(9)));
                    map.put(id * 1000 + i % 20, new byte[20000 + i]);
                }
            });
            ts[t].start();
        }
        for (Thread t : ts) t.join();
        System.gc();
        long size = map.values().stream().mapToLong(b -> b.length).sum();
        System.out.println("collect " + count(kept) + " " + nodes.get() + " " + map.size() + " " + size);
        List<byte[]> hog = new ArrayList<>();
        boolean out = false;
        try { for (int i = 0; i < 100000; i++) hog.add(new byte[1 << 20]); } catch (OutOfMemoryError e) { hog = null; out = true; }
        System.out.println("out of memory " + out + " " + count(kept));
        ByteBuffer direct = ByteBuffer.allocateDirect(5 << 20);
        direct.putLong(4 << 20, 77);
        System.out.println("direct " + direct.getLong(4 << 20));
    }

    static String read(InputStream in) throws IOException { return new String(in.readAllBytes(), StandardCharsets.UTF_8); }

    static void processes() throws Exception {
        Process p = new ProcessBuilder("sh", "-c", "echo out; echo err >&2; exit 3").start();
        System.out.print("process " + read(p.getInputStream()) + read(p.getErrorStream()));
        System.out.println(p.waitFor() + " " + p.isAlive() + " " + (p.pid() > 0));
        p = new ProcessBuilder("cat").start();
        try (OutputStream o = p.getOutputStream()) { for (int i = 0; i < 20000; i++) { o.write(("line " + i + "\n").getBytes()); if (i == 0) o.flush(); if (i == 5000) break; } }
        System.out.println("cat " + read(p.getInputStream()).length() + " " + p.waitFor());
        ProcessBuilder b = new ProcessBuilder("sh", "-c", "echo $VALUE; pwd; ls /proc/self/fd | wc -l >/dev/null").redirectErrorStream(true).directory(new File("/tmp"));
        b.environment().put("VALUE", "42");
        p = b.start();
        System.out.println("environment " + read(p.getInputStream()).replace('\n', ' ') + p.waitFor());
        try { new ProcessBuilder("/nonexistent/program").start(); } catch (IOException e) { System.out.println("missing " + e.getMessage().replaceAll(".*error=", "error=")); }
        p = new ProcessBuilder("sleep", "100").start();
        System.out.println("running " + p.waitFor(30, TimeUnit.MILLISECONDS) + " " + p.toHandle().isAlive());
        p.destroy();
        System.out.println("terminated " + p.waitFor());
        p = new ProcessBuilder("sleep", "100").start();
        System.out.println("killed " + p.destroyForcibly().waitFor());
        List<Process> many = new ArrayList<>();
        for (int i = 0; i < 10; i++) many.add(new ProcessBuilder("sh", "-c", "exit " + i).start());
        for (Process m : many) System.out.print(m.waitFor() + " ");
        System.out.println();
        System.out.println("exit " + new ProcessBuilder("true").start().onExit().get().exitValue());
        List<Process> pipe = ProcessBuilder.startPipeline(List.of(new ProcessBuilder("echo", "b\na"), new ProcessBuilder("sort")));
        System.out.println("pipeline " + read(pipe.get(1).getInputStream()).replace('\n', ' '));
        File f = File.createTempFile("java", "");
        p = new ProcessBuilder("echo", "to a file").redirectOutput(f).start();
        System.out.println("redirected " + p.waitFor() + " " + Files.readString(f.toPath()).trim() + " " + f.delete());
    }

    static void files() throws Exception {
        Path dir = Files.createTempDirectory("java");
        for (int i = 0; i < 50; i++) Files.writeString(dir.resolve("f" + i), "x".repeat(i));
        try (Stream<Path> s = Files.list(dir)) { System.out.println("files " + s.mapToLong(p -> p.toFile().length()).sum()); }
        Files.move(dir.resolve("f1"), dir.resolve("f2"), StandardCopyOption.REPLACE_EXISTING);
        Files.createSymbolicLink(dir.resolve("l"), Path.of("f3"));
        Files.createLink(dir.resolve("h"), dir.resolve("f3"));
        System.out.println(Files.readSymbolicLink(dir.resolve("l")) + " " + Files.isSameFile(dir.resolve("l"), dir.resolve("h")) + " " + Files.getAttribute(dir.resolve("h"), "unix:nlink"));
        Files.setPosixFilePermissions(dir.resolve("f4"), java.nio.file.attribute.PosixFilePermissions.fromString("r-x--x---"));
        System.out.println(java.nio.file.attribute.PosixFilePermissions.toString(Files.getPosixFilePermissions(dir.resolve("f4"))));
        Files.setLastModifiedTime(dir.resolve("f5"), java.nio.file.attribute.FileTime.fromMillis(123456789L));
        System.out.println(Files.getLastModifiedTime(dir.resolve("f5")));
        try (FileChannel c = FileChannel.open(dir.resolve("data"), StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            MappedByteBuffer m = c.map(FileChannel.MapMode.READ_WRITE, 0, 100000);
            for (int i = 0; i < 100000; i++) m.put(i, (byte) i);
            m.force();
            ByteBuffer r = ByteBuffer.allocate(4);
            c.read(r, 258);
            System.out.println("mapped " + Arrays.toString(r.array()) + " " + c.size());
            try (FileLock lock = c.lock(0, 10, false)) { System.out.println("lock " + lock.isValid()); }
            try (FileChannel to = FileChannel.open(dir.resolve("copy"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
                System.out.println("transfer " + c.transferTo(10, 50000, to) + " " + to.size());
            }
        }
        try (RandomAccessFile f = new RandomAccessFile(dir.resolve("ra").toFile(), "rw")) {
            f.setLength(10000); f.seek(9990); f.writeLong(0x1122334455667788L); f.seek(9992);
            System.out.println(Integer.toHexString(f.readInt()) + " " + f.length());
        }
        try { Files.readString(dir.resolve("none")); } catch (NoSuchFileException e) { System.out.println("missing " + e.getReason()); }
        try { Files.delete(dir); } catch (DirectoryNotEmptyException e) { System.out.println("not empty"); }
        try (WatchService w = FileSystems.getDefault().newWatchService()) {
            dir.register(w, StandardWatchEventKinds.ENTRY_CREATE);
            Files.writeString(dir.resolve("new"), "n");
            WatchKey k = w.poll(60, TimeUnit.SECONDS);
            System.out.println("watch " + k.pollEvents().stream().map(e -> e.kind() + ":" + e.context()).collect(Collectors.joining(" ")));
        }
        try (Pipe.SourceChannel in = null) { Pipe p = Pipe.open(); Selector s = Selector.open(); p.source().configureBlocking(false); p.source().register(s, SelectionKey.OP_READ);
            p.sink().write(ByteBuffer.wrap(new byte[7])); System.out.println("selector " + s.select(10000) + " " + p.source().read(ByteBuffer.allocate(99))); s.close(); }
        java.net.UnixDomainSocketAddress at = java.net.UnixDomainSocketAddress.of(dir.resolve("sock"));
        try (ServerSocketChannel server = ServerSocketChannel.open(java.net.StandardProtocolFamily.UNIX)) {
            server.bind(at);
            try (SocketChannel c = SocketChannel.open(at); SocketChannel s = server.accept()) {
                c.write(ByteBuffer.wrap("hello".getBytes())); ByteBuffer b = ByteBuffer.allocate(10); s.read(b); System.out.println("unix " + b.position());
            }
        }
        try (Stream<Path> s = Files.walk(dir)) { s.sorted(Comparator.reverseOrder()).forEach(p -> p.toFile().delete()); }
        System.out.println("gone " + !Files.exists(dir));
    }

    static void signals() throws Exception {
        SynchronousQueue<String> q = new SynchronousQueue<>();
        sun.misc.Signal s = new sun.misc.Signal("USR2");
        sun.misc.Signal.handle(s, x -> { try { q.put(x.getName() + x.getNumber()); } catch (InterruptedException e) { } });
        for (int i = 0; i < 3; i++) { sun.misc.Signal.raise(s); System.out.println("signal " + q.take()); }
        Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("hook")));
    }

    static void machine() {
        var os = (com.sun.management.OperatingSystemMXBean) java.lang.management.ManagementFactory.getOperatingSystemMXBean();
        var rt = java.lang.management.ManagementFactory.getRuntimeMXBean();
        System.out.println("processors " + Runtime.getRuntime().availableProcessors());
        System.out.println("machine " + (os.getTotalMemorySize() > 50L << 20) + " " + (os.getFreeMemorySize() > 0) + " " + (os.getProcessCpuTime() > 0)
            + " " + (os.getCommittedVirtualMemorySize() > 0) + " " + (rt.getPid() > 0) + " " + System.getProperty("os.name"));
        var t = java.lang.management.ManagementFactory.getThreadMXBean();
        System.out.println("cpu time " + (t.getCurrentThreadCpuTime() > 0) + " " + (t.getThreadCount() > 0));
    }

    static void waits() throws Exception {
        for (int i = 0; i < 5; i++) new Thread(() -> { try { Thread.sleep(600000); } catch (InterruptedException e) { } }, "worker-" + i).start();
        System.out.println("waiting");
        Thread.sleep(600000);
    }

    public static void main(String[] args) throws Exception {
        for (String part : args) {
            switch (part) {
                case "nulls": nulls(); break;
                case "overflow": overflow(); break;
                case "jit": jit(); break;
                case "threads": threads(); break;
                case "collect": collect(); break;
                case "processes": processes(); break;
                case "files": files(); break;
                case "signals": signals(); break;
                case "machine": machine(); break;
                case "wait": waits(); break;
                case "exit": System.exit(9);
            }
        }
    }
}
