# SPDX-License-Identifier: GPL-2.0-or-later
# Bursts from IO::Socket::INET: burst.pl ADDRESS PORT MODE FLOWS DATAGRAMS. Modes: connected (send and syswrite in
# turn), unconnected. Prints answered=N.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;

my ($address, $port, $mode, $flows, $datagrams) = @ARGV;
my $to = sockaddr_in($port, inet_aton($address));
my $answered = 0;
for my $flow (0 .. $flows - 1) {
    my @peer = $mode eq 'connected' ? (PeerAddr => $address, PeerPort => $port) : ();
    my $socket = IO::Socket::INET->new(Proto => 'udp', @peer) or die "socket: $@";
    for my $index (0 .. $datagrams - 1) {
        my $mark = pack('a4NN', 'ctgt', $flow, $index);    # the lab's: which flow, which datagram of it
        my $sent =
            $mode ne 'connected' ? $socket->send($mark, 0, $to)
          : $index % 2           ? syswrite($socket, $mark)
          :                        $socket->send($mark);
        die "send: $!" unless defined $sent;
    }
    my $readable = IO::Select->new($socket);
    for (1 .. $datagrams) {
        last unless $readable->can_read(1);
        $socket->recv(my $data, 2048);
        ++$answered;
    }
}
print "answered=$answered\n";
