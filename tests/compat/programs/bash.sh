# SPDX-License-Identifier: GPL-2.0-or-later
# bash: job control, here-documents, a pipe that breaks, and datagrams by /dev/udp to where nobody listens.
. "${0%/*}/support/common.sh"
cat <<<"here-string"
words=({a..e}{1..3})
printf '%s\n' "${words[@]}" | sort -r | head -n 2
(exit 3) || echo "exit $?"
yes 2>/dev/null | head -n 1 || echo "exit ${PIPESTATUS[*]}"
sleep 0 & wait $!
read -r line < <(echo "from a process substitution")
echo "$line"
echo "to stderr" >&2
exec 5<>"/dev/udp/$here/9"
for ((i = 0; i < 3; ++i)); do echo "datagram $i" >&5 || echo "refused"; done 2>&1 | sort
exec 5>&-
no_such_command || echo "exit $?"
