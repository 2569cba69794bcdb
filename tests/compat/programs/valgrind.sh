# SPDX-License-Identifier: GPL-2.0-or-later
# valgrind finds nothing wrong with a program that sends datagrams, nor with the library in it; with threads, helgrind.
# needs: valgrind /usr/bin/perl socat
# limit: 90
. "${0%/*}/support/common.sh"
valgrind -q --error-exitcode=9 --leak-check=no /bin/echo started
cat >send.pl <<'END'
use IO::Socket::INET;
my $socket = IO::Socket::INET->new(Proto => 'udp', PeerAddr => '192.0.2.1', PeerPort => 7000) or die;
for (1 .. 4) { print $socket->send("datagram $_"), "\n" }
END
serve socat -u UDP4-RECV:7000,bind="$here" OPEN:received,creat,append
await udp 7000
valgrind -q --error-exitcode=9 --leak-check=no /usr/bin/perl send.pl
valgrind -q --tool=helgrind --error-exitcode=9 /usr/bin/perl send.pl
