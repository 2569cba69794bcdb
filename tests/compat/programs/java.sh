# SPDX-License-Identifier: GPL-2.0-or-later
# Java: bursts from a DatagramSocket and a DatagramChannel, HTTP to itself, a child process; from source where there
# is a compiler, else java -version alone.
# needs: /usr/bin/java
# limit: 60
. "${0%/*}/support/common.sh"
quiet=(-XX:-UsePerfData -XX:TieredStopAtLevel=1)
/usr/bin/java "${quiet[@]}" -version
if ! /usr/bin/java --list-modules | grep '^jdk.compiler' >/dev/null; then exit 0; fi
cat >Program.java <<'END'
import java.net.*;
import java.net.http.*;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.util.*;
import java.util.concurrent.*;
import com.sun.net.httpserver.HttpServer;

public class Program {
  static final InetSocketAddress SERVER = new InetSocketAddress("192.0.2.1", 7000);

  static void echo(DatagramSocket socket) {
    try {
      for (;;) {
        DatagramPacket packet = new DatagramPacket(new byte[2048], 2048);
        socket.receive(packet);
        socket.send(packet);
      }
    } catch (Exception end) {
    }
  }

  static String bySocket(int number) throws Exception {
    try (DatagramSocket socket = new DatagramSocket()) {
      socket.setSoTimeout(5000);
      if (number % 2 == 0) socket.connect(SERVER);
      for (int i = 0; i < 4; ++i) {
        byte[] bytes = ("s" + i).getBytes();
        socket.send(new DatagramPacket(bytes, bytes.length, SERVER));
      }
      List<String> heard = new ArrayList<>();
      for (int i = 0; i < 4; ++i) {
        DatagramPacket packet = new DatagramPacket(new byte[2048], 2048);
        socket.receive(packet);
        heard.add(new String(packet.getData(), 0, packet.getLength()));
      }
      return heard.toString();
    }
  }

  static String byChannel(int number) throws Exception {
    try (DatagramChannel channel = DatagramChannel.open(StandardProtocolFamily.INET)) {
      boolean connected = number % 2 == 0;
      if (connected) channel.connect(SERVER);
      for (int i = 0; i < 4; ++i) {
        ByteBuffer bytes = ByteBuffer.wrap(("c" + i).getBytes());
        if (connected) channel.write(bytes); else channel.send(bytes, SERVER);
      }
      List<String> heard = new ArrayList<>();
      for (int i = 0; i < 4; ++i) {
        ByteBuffer bytes = ByteBuffer.allocate(2048);
        channel.receive(bytes);
        heard.add(new String(bytes.array(), 0, bytes.position()));
      }
      return heard.toString();
    }
  }

  public static void main(String[] words) throws Exception {
    DatagramSocket server = new DatagramSocket(SERVER);
    Thread thread = new Thread(() -> echo(server));
    thread.setDaemon(true);
    thread.start();
    ExecutorService pool = Executors.newFixedThreadPool(4);
    List<Future<String>> answers = new ArrayList<>();
    for (int i = 0; i < 16; ++i) {
      int number = i;
      answers.add(pool.submit(() -> number < 8 ? bySocket(number) : byChannel(number)));
    }
    for (Future<String> answer : answers) System.out.println(answer.get());
    pool.shutdown();
    HttpServer web = HttpServer.create(new InetSocketAddress("192.0.2.1", 8000), 0);
    web.createContext("/", exchange -> {
      exchange.sendResponseHeaders(200, 2);
      exchange.getResponseBody().write("ok".getBytes());
      exchange.close();
    });
    web.start();
    System.out.println(HttpClient.newHttpClient().send(
        HttpRequest.newBuilder(URI.create("http://192.0.2.1:8000/")).build(),
        HttpResponse.BodyHandlers.ofString()).body());
    web.stop(0);
    System.out.println(new ProcessBuilder("false").inheritIO().start().waitFor());
    System.err.println("to stderr");
    System.exit(5);
  }
}
END
/usr/bin/java "${quiet[@]}" -Djava.net.preferIPv4Stack=true Program.java || echo "exit $?"
/usr/bin/java "${quiet[@]}" Program.java || echo "exit $?"
