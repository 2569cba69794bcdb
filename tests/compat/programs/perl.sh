# SPDX-License-Identifier: GPL-2.0-or-later
# perl: fork, a pipe, UDP by IO::Socket::INET, signals.
# needs: /usr/bin/perl
. "${0%/*}/support/common.sh"
cat >program.pl <<'END'
use strict; use warnings; use IO::Socket::INET;
$| = 1;
my $server = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '192.0.2.1', LocalPort => 7000) or die "bind: $!";
my $child = fork // die;
if ($child == 0) {
  while (defined(my $peer = $server->recv(my $data, 2048))) { $server->send("<$data>", 0, $peer) }
  exit 0;
}
for my $round (1 .. 4) {
  my $socket = IO::Socket::INET->new(Proto => 'udp', PeerAddr => '192.0.2.1', PeerPort => 7000) or die "connect: $!";
  $socket->send("$round.$_") or die "send: $!" for 1 .. 2;
  print {$socket} "$round.print"; $socket->flush;
  syswrite($socket, "$round.syswrite") or die "write: $!";
  for (1 .. 4) { $socket->recv(my $data, 2048); print "$data\n" }
}
kill TERM => $child; waitpid $child, 0; print "child: ", $? & 127, "\n";
local $SIG{ALRM} = sub { print "alarm\n"; die "interrupted\n" };
eval { alarm 1; sleep 10 }; print $@;
print `uname -s`;
my $nobody = IO::Socket::INET->new(Proto => 'udp', PeerAddr => '192.0.2.1', PeerPort => 9);
for (1 .. 3) { print defined $nobody->send('x') ? "sent\n" : "$!\n" }
die "the end\n";
END
perl program.pl || echo "exit $?"
