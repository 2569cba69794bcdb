// SPDX-License-Identifier: GPL-2.0-or-later
// Bursts from Java: Burst.java ADDRESS PORT MODE FLOWS DATAGRAMS. Modes: socket (DatagramSocket), connected and
// unconnected (DatagramChannel). Prints answered=N.
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;

public class Burst {
  // The lab's: "ctgt", which flow, which datagram of it.
  static byte[] mark(int flow, int index) {
    return ByteBuffer.allocate(12).put("ctgt".getBytes()).putInt(flow).putInt(index).array();
  }

  static int answers(DatagramSocket socket, int datagrams) throws Exception {
    socket.setSoTimeout(1000);
    for (int count = 0; count < datagrams; ++count) {
      try {
        socket.receive(new DatagramPacket(new byte[2048], 2048));
      } catch (SocketTimeoutException late) {
        return count;
      }
    }
    return datagrams;
  }

  static int bySocket(InetSocketAddress to, int flow, int datagrams) throws Exception {
    try (DatagramSocket socket = new DatagramSocket()) {
      for (int index = 0; index < datagrams; ++index) socket.send(new DatagramPacket(mark(flow, index), 12, to));
      return answers(socket, datagrams);
    }
  }

  static int byChannel(InetSocketAddress to, boolean connected, int flow, int datagrams) throws Exception {
    try (DatagramChannel channel = DatagramChannel.open()) {
      if (connected) channel.connect(to);
      for (int index = 0; index < datagrams; ++index) {
        ByteBuffer bytes = ByteBuffer.wrap(mark(flow, index));
        if (connected) channel.write(bytes); else channel.send(bytes, to);
      }
      return answers(channel.socket(), datagrams);
    }
  }

  public static void main(String[] words) throws Exception {
    InetSocketAddress to = new InetSocketAddress(words[0], Integer.parseInt(words[1]));
    int answered = 0;
    for (int flow = 0; flow < Integer.parseInt(words[3]); ++flow) {
      int datagrams = Integer.parseInt(words[4]);
      answered += words[2].equals("socket") ? bySocket(to, flow, datagrams)
          : byChannel(to, words[2].equals("connected"), flow, datagrams);
    }
    System.out.println("answered=" + answered);
  }
}
