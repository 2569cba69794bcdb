# SPDX-License-Identifier: GPL-2.0-or-later
# passt carries a virtual machine's datagrams, with a seccomp filter that allows no pauses: to a server, and to where no
# neighbour answers, so that they stay in the stack. The machine is a program that speaks Ethernet to it.
# needs: passt setpriv ip socat /usr/bin/python3
. "${0%/*}/support/common.sh"
ip link delete compat0 2>/dev/null || true
ip -batch - <<'END'
link add compat0 type veth peer name compat1
address add 198.51.100.2/24 dev compat0
link set compat0 up
link set compat1 up
route add default via 198.51.100.1
END
serve socat UDP4-RECVFROM:7000,bind="$here",fork EXEC:cat
await udp 7000
as_user passt -f -s "$PWD/passt.socket" >passt.log 2>&1 &
passt=$!
for ((i = 0; i < 200; ++i)); do if [ -S passt.socket ]; then break; fi; sleep 0.05; done
cat >machine.py <<'END'
import socket, struct
def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
def frame(source, target, port, payload):
    ends = socket.inet_aton(source) + socket.inet_aton(target)
    udp = struct.pack("!HHHH", port, 7000, 8 + len(payload), 0) + payload
    pseudo = ends + struct.pack("!BBH", 0, socket.IPPROTO_UDP, len(udp))
    udp = udp[:6] + struct.pack("!H", checksum(pseudo + udp)) + udp[8:]
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 1, 0, 64, socket.IPPROTO_UDP, 0)
    ip = ip[:10] + struct.pack("!H", checksum(ip + ends)) + ends
    ethernet = b"\x9a\x55\x9a\x55\x9a\x55" + b"\x02\x00\x00\x00\x00\x01" + b"\x08\x00" + ip + udp
    return struct.pack("!I", len(ethernet)) + ethernet
machine = socket.socket(socket.AF_UNIX)
machine.settimeout(5)
machine.connect("passt.socket")
def burst(target, port):
    for number in range(4):
        machine.sendall(frame("198.51.100.2", target, port, b"datagram %02d!" % number))
burst("198.51.100.99", 5000)
burst("192.0.2.1", 5001)
def exactly(size):
    data = b""
    while len(data) < size:
        part = machine.recv(size - len(data))
        if not part:
            raise SystemExit("passt is gone")
        data += part
    return data
heard = []
while len(heard) < 4:
    data = exactly(struct.unpack("!I", exactly(4))[0])
    if data[12:14] == b"\x08\x00" and data[23] == socket.IPPROTO_UDP:
        heard.append(data[42:])
print(sorted(heard))
END
/usr/bin/python3 machine.py || echo "exit $?"
kill "$passt" 2>/dev/null || true
wait "$passt" || echo "passt: exit $?"
