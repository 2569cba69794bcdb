# SPDX-License-Identifier: GPL-2.0-or-later
# strace sees the same datagrams leave, in the same order, from a program with threads' and children's calls.
# needs: strace /usr/bin/python3
. "${0%/*}/support/common.sh"
cat >send.py <<'END'
import os, socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("192.0.2.1", 7000))
for i in range(4):
    s.sendto(b"%d" % i, ("192.0.2.1", 7001 + i % 2))
t = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
t.connect(("192.0.2.1", 7000))
t.send(b"a")
os.write(t.fileno(), b"b")
t.sendmsg([b"c", b"d"])
if os.fork() == 0:
    t.send(b"child")
    os._exit(0)
print(os.wait()[1])
END
strace -f -qq -o trace -e trace=sendto,sendmsg,sendmmsg,write -e signal=none /usr/bin/python3 send.py
sed -E 's/^[0-9]+ +//' trace
strace -c -o /dev/null /bin/true && echo counted
