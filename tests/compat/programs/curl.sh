# SPDX-License-Identifier: GPL-2.0-or-later
# curl: HTTP with a name and without, an error of the server, no server, TFTP, and a name that nobody knows.
# needs: curl python3 dnsmasq
. "${0%/*}/support/common.sh"
mkdir files && seq 20000 >files/numbers
serve python3 -m http.server --bind "$here" --directory files 8000
serve_names --enable-tftp --tftp-root="$PWD/files"
await tcp 8000 && await udp 69
curl -sS "http://$here:8000/numbers" | md5sum
curl -sS "http://known.example:8000/numbers" | md5sum
curl -sS -I "http://$here:8000/numbers" | grep -i '^content'
curl -sS -o /dev/null -w '%{http_code} %{size_download} %{num_connects}\n' "http://$here:8000/nothing"
# Two at a time into two files: on one pipe their blocks would come in any order.
curl -sS --no-progress-meter --parallel -o first "http://$here:8000/numbers" -o second "http://known.example:8000/numbers"
md5sum first second
curl -sS "tftp://$here/numbers" | md5sum
for url in "http://$here:8001/" http://unknown.example/ "tftp://$here/nothing" "file://$PWD/nothing"; do
  curl -sS --max-time 5 "$url" 2>&1 | sed -E 's/after [0-9]+ ms/after T ms/' || echo "exit ${PIPESTATUS[0]}"
done
