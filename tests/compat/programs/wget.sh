# SPDX-License-Identifier: GPL-2.0-or-later
# wget: a file, a tree, an error of the server, no server.
# needs: wget python3
. "${0%/*}/support/common.sh"
mkdir -p files/more && seq 20000 >files/numbers && echo deep >files/more/file
serve python3 -m http.server --bind "$here" --directory files 8000
await tcp 8000
wget -nv -O got "http://compat.example:8000/numbers" 2>&1 | sed -E 's/^[0-9-]+ [0-9:]+ //'
md5sum <got
wget -q -r -np "http://$here:8000/" && find "$here:8000" -type f | sort
wget -q -O- "http://$here:8000/nothing" || echo "exit $?"
wget -q -O- --tries=1 "http://$here:8001/" || echo "exit $?"
