# SPDX-License-Identifier: GPL-2.0-or-later
# python3: threads, subprocesses, TLS-free HTTP, UDP echo from many sockets, an unhandled exception.
# needs: /usr/bin/python3
. "${0%/*}/support/common.sh"
cat >program.py <<'END'
import concurrent.futures, multiprocessing, os, select, socket, subprocess, sys, threading
here = "192.0.2.1"
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind((here, 7000))
def echo():
    while True:
        data, peer = server.recvfrom(2048)
        server.sendto(data, peer)
threading.Thread(target=echo, daemon=True).start()
def talk(number):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        if number % 2:
            s.connect((here, 7000))
            sent = [s.send(b"%d.%d" % (number, i)) for i in range(4)]
        else:
            sent = [s.sendto(b"%d.%d" % (number, i), (here, 7000)) for i in range(4)]
        return sent, [s.recv(2048) for _ in range(4)]
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    for answer in pool.map(talk, range(32)):
        print(answer)
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
print(s.sendmsg([b"a", b"bc"], [], 0, ("2001:db8::1", 7001)))
s.connect(("2001:db8::1", 7001))
for _ in range(3):
    try:
        print(s.send(b"x"))
    except OSError as error:
        print(error)
for bad in ((here, 0), ("255.255.255.255", 9)):
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", bad)
    except OSError as error:
        print(error)
try:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x" * 70000, (here, 9))
except OSError as error:
    print(error)
print(subprocess.run(["sh", "-c", "echo child; exit 4"], capture_output=True))
with multiprocessing.get_context("fork").Pool(2) as pool:
    print(pool.map(talk, range(2)))
pid = os.fork()
if pid == 0:
    os.write(1, b"forked\n")
    os._exit(5)
print(os.waitpid(pid, 0)[1])
sys.stdout.flush()
raise SystemError("not handled")
END
/usr/bin/python3 -u program.py || echo "exit $?"
