# SPDX-License-Identifier: GPL-2.0-or-later
# Programs in Go: linked dynamically, so that the library is loaded, but with system calls of their own, which it never
# sees. Where RES_OPTIONS is set they leave names to libc (net/conf.go), which does not say whom it asked.
# needs: gron fzf python3 dnsmasq
. "${0%/*}/support/common.sh"
serve_names
mkdir files && echo '{"numbers": [1, 2, 3], "text": "x"}' >files/data.json
serve python3 -m http.server --bind "$here" --directory files 8000
await tcp 8000
gron files/data.json
gron http://known.example:8000/data.json | gron --ungron
gron http://unknown.example:8000/data.json 2>&1 | sed "s/ on $here:53//" || echo "exit ${PIPESTATUS[0]}"
printf '%s\n' apple banana cherry | fzf --filter=an
printf '%s\n' apple | fzf --filter=zzz || echo "exit $?"
