# SPDX-License-Identifier: GPL-2.0-or-later
# dnsmasq forwards to dnsmasq, caches the answers, and serves files by TFTP; glibc's resolver asks it.
# needs: dnsmasq dig tftp getent
. "${0%/*}/support/common.sh"
mkdir files && seq 20000 >files/numbers
serve_names --port=5300
serve "$(command -v dnsmasq)" --keep-in-foreground --conf-file=/dev/null --no-hosts --no-resolv \
  --listen-address="$here" --bind-interfaces --pid-file --user=root --server="$here#5300" \
  --enable-tftp --tftp-root="$PWD/files" --log-queries --log-facility="$PWD/queries"
await udp 53
await udp 69
for ((i = 1; i <= 40; ++i)); do dig @"$here" +short "host$((i % 20)).known.example"; done | sort | uniq -c
getent ahosts known.example | sort
getent hosts unknown.example || echo "exit $?"
tftp "$here" -m binary -c get numbers && cmp numbers files/numbers && echo "file came"
grep -c ' forwarded host' queries
grep -c ' cached host' queries
