import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.util.concurrent.Executors;

public class Serve {
    public static void main(String[] args) throws Exception {
        byte[] pattern = "0123456789abcdefghijklmnopqrstuvwxyz\n".getBytes();
        HttpServer server = HttpServer.create(new InetSocketAddress("0.0.0.0", 8000), 64);
        server.createContext("/", exchange -> {
            int n = Integer.parseInt(exchange.getRequestURI().getPath().substring(1));
            byte[] body = new byte[n];
            for (int i = 0; i < n; i++) body[i] = pattern[i % pattern.length];
            exchange.sendResponseHeaders(200, n == 0 ? -1 : n);
            try (var out = exchange.getResponseBody()) {
                out.write(body);
            }
        });
        server.setExecutor(Executors.newFixedThreadPool(4));
        server.start();
    }
}
