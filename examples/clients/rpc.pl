#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Calls a function of a uWSGI server: "rpc.pl HOST:PORT NAME [ARG...]" prints its result.
use strict;
use warnings;
use IO::Socket::IP;

# Calls NAME at NODE ("host:port"). Name, arguments and result are byte strings.
sub uwsgi_rpc {
    my ($node, @items) = @_;
    my $body = join '', map { pack 'v/a*', $_ } grep { length } @items;
    die "name and arguments are over 65535 bytes\n" if length $body > 65535;
    my $socket = IO::Socket::IP->new(PeerAddr => $node, Timeout => 60)
        or die "cannot connect to $node: $@\n";
    local $SIG{PIPE} = 'IGNORE';
    print {$socket} pack('CvC', 173, length $body, 0), $body;
    $socket->flush;
    my ($modifier1, $size, $modifier2) = unpack 'CvC', read_bytes($socket, 4);
    die "the node answered something else\n" if $modifier1 != 173 || $modifier2 !~ /^[05]$/;
    my $result = read_bytes($socket, $size);
    return $result if $modifier2 == 0;
    my ($length) = $result =~ /CONTENT_LENGTH..(\d+)/s or die "no length in the answer\n";
    return read_bytes($socket, $length);    # what came before is a dictionary
}

sub read_bytes {
    my ($socket, $count, $data) = @_;
    my $got = read $socket, $data, $count;
    die "the node closed the connection without an answer\n" if ($got // -1) != $count;
    return $data;
}

unless (caller) {
    binmode STDOUT;
    die "usage: rpc.pl HOST:PORT NAME [ARG...]\n" if @ARGV < 2;
    print uwsgi_rpc(@ARGV);
}
1;
