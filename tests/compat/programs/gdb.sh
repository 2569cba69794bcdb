# SPDX-License-Identifier: GPL-2.0-or-later
# gdb starts programs, stops one in a send, and sees them end.
# needs: gdb /usr/bin/python3 socat
. "${0%/*}/support/common.sh"
export DEBUGINFOD_URLS=
gdb=(gdb -nx -batch -iex 'set auto-load off' -ex 'set debuginfod enabled off' -ex 'set startup-with-shell off'
  -ex 'set width 0')
normal() { sed -E 's/process [0-9]+/process N/; /^(warning: Error disabling|\[Thread debugging|Using host lib)/d'; }
printf '%s\n' 'echo from the program' 'exit 3' >script
"${gdb[@]}" -ex run -ex 'print $_exitcode' --args /bin/sh script 2>&1 | normal
cat >send.py <<'END'
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(3):
    print(s.sendto(b"datagram", ("192.0.2.1", 7000)))
END
serve socat -u UDP4-RECV:7000,bind="$here" OPEN:received,creat,append
await udp 7000
"${gdb[@]}" -ex 'catch syscall sendto' -ex run -ex 'info registers rip' -ex delete -ex continue \
  --args /usr/bin/python3 send.py 2>&1 | normal | grep -E '^([0-9]|\[Inferior)'
