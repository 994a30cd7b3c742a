import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executors;

/** GET /echo/ID[?ms=N]: "ID REVISION PID\n", after N ms. No stop logic: SIGTERM ends it. */
public final class Server {
    private static final String REST = " " + System.getenv().getOrDefault("RELOADD_REVISION", "0")
            + " " + ProcessHandle.current().pid() + "\n";

    private static void echo(HttpExchange exchange) throws IOException {
        String id = exchange.getRequestURI().getPath().split("/")[2];
        String query = exchange.getRequestURI().getQuery();
        if (query != null && query.startsWith("ms=")) {
            try {
                Thread.sleep(Long.parseLong(query.substring(3)));
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
        }
        byte[] line = id.concat(REST).getBytes(StandardCharsets.US_ASCII);
        exchange.sendResponseHeaders(200, line.length);
        exchange.getResponseBody().write(line);
        exchange.close();
    }

    public static void main(String[] arguments) throws IOException {
        int port = Integer.parseInt(System.getenv("PORT"));
        HttpServer server = HttpServer.create(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
        server.createContext("/echo/", Server::echo);
        server.setExecutor(Executors.newCachedThreadPool());
        server.start();
    }
}
