# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Bursts from programs that send what they read: burst.sh ADDRESS PORT MODE FLOWS DATAGRAMS. Modes: nc, socat and
# socat_connected. Waits for no answer. (bash's own /dev/udp is no mode: it writes to a duplicate of the socket's
# descriptor, which the library leaves alone.)
set -euo pipefail
address=$1 port=$2 mode=$3 flows=$4 datagrams=$5

# The lab's mark: "ctgt", which flow, which datagram of it; both below 256.
marks() { # FLOW
  local index flow
  printf -v flow %02x "$1"
  for ((index = 0; index < datagrams; ++index)); do
    # The format is meant to change.
    # shellcheck disable=SC2059
    printf "ctgt\\0\\0\\0\\x$flow\\0\\0\\0\\x$(printf %02x "$index")"
  done
}

# A pipe that keeps its writes apart (O_DIRECT, pipe(2)), so that each mark is a datagram to a program that reads all it
# can get.
packets() {
  perl -MFcntl -e '
    fcntl(STDOUT, F_SETFL, O_WRONLY | O_DIRECT) or die "fcntl: $!";
    while (read(STDIN, my $mark, 12)) { syswrite(STDOUT, $mark) }'
}

for ((flow = 0; flow < flows; ++flow)); do
  case "$mode" in
    nc) marks "$flow" | packets | nc -u -q 0 "$address" "$port" ;;
    socat) marks "$flow" | socat -u -b 12 - "UDP4-SENDTO:$address:$port" ;;
    socat_connected) marks "$flow" | socat -u -b 12 - "UDP4:$address:$port" ;;
  esac
done
