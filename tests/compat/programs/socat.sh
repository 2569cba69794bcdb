# SPDX-License-Identifier: GPL-2.0-or-later
# socat: UDP relayed to UDP and to a child process, in blocks.
# needs: socat
. "${0%/*}/support/common.sh"
seq 100000 100570 >data
serve socat UDP4-LISTEN:7000,bind="$here",fork UDP4:"$here":7001
serve socat UDP4-RECVFROM:7001,bind="$here",fork EXEC:cat
await udp 7000
await udp 7001
echo one | socat -t 2 - UDP4:"$here":7000
serve socat -u UDP4-RECV:7002,bind="$here" OPEN:received,creat,append
await udp 7002
socat -u -b 40 OPEN:data UDP4-SENDTO:"$here":7002
for ((i = 0; i < 100; ++i)); do if cmp -s data received; then break; fi; sleep 0.05; done
cmp data received && echo same
echo x | socat -u - UDP4:"$here":7003,nonsense 2>&1 | sed 's/.*socat[^ ]* //' || echo "exit ${PIPESTATUS[1]}"
