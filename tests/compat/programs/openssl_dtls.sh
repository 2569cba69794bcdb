# SPDX-License-Identifier: GPL-2.0-or-later
# openssl: a DTLS handshake and data over UDP.
# needs: openssl
. "${0%/*}/support/common.sh"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key -out certificate -days 2 \
  -subj /CN=compat.example 2>/dev/null
mkfifo words && exec 5<>words
openssl s_server -dtls1_2 -4 -accept "$here:4433" -cert certificate -key key -quiet <words >heard 2>server.log &
await udp 4433
{
  echo "from the client"
  for ((i = 0; i < 100; ++i)); do
    if [ -s heard ]; then break; fi
    sleep 0.05
  done
} | openssl s_client -dtls1_2 -4 -connect "$here:4433" -CAfile certificate 2>&1 |
  grep -E '^(subject|Verification|New, |Server Temp Key|DONE)'
cat heard
