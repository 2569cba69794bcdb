# SPDX-License-Identifier: GPL-2.0-or-later
# dig, host and nslookup: many threads and their own event loop; a batch of queries, a server that is not there.
# needs: dig host nslookup dnsmasq
. "${0%/*}/support/common.sh"
serve_names
normal() { sed -E '/^;; (Query time|WHEN|MSG SIZE)/d; s/, id: [0-9]+/, id: N/; s/^; COOKIE: .*/; COOKIE/'; }
dig @"$here" known.example A | normal
dig @"$here" +short known.example A known.example AAAA long.example TXT
dig @2001:db8::1 +short known.example AAAA
printf '%s.known.example A\n' host{1..30} >names
dig @"$here" +short -f names | sort | uniq -c
dig @"$here" +tries=1 +time=1 -p 5399 known.example | normal || echo "exit ${PIPESTATUS[0]}"
host -t A known.example "$here" | sed 's/#.*//'
host unknown.example "$here" || echo "exit $?"
nslookup -type=AAAA known.example "$here"
