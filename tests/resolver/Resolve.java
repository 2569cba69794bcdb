// SPDX-License-Identifier: GPL-2.0-or-later
import java.net.InetAddress;

class Resolve {
  public static void main(String[] names) throws Exception {
    for (InetAddress address : InetAddress.getAllByName(names[0])) System.out.println(address);
  }
}
