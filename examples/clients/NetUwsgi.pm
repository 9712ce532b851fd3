# SPDX-License-Identifier: MIT
# uwsgi_rpc as the CPAN module Net::uwsgi has it, without the rest of that module:
#     use NetUwsgi; print uwsgi_rpc('127.0.0.1:3031', 'hello', 'world');
# It reads until the server closes. Other than there, a result may be longer than 65535 bytes.
package NetUwsgi;
use strict;
use warnings;
use Exporter 'import';
use IO::Socket::IP;
use IO::Socket::UNIX;

our @EXPORT = qw(uwsgi_rpc);

# Calls NAME at NODE, "host:port" or the path of a UNIX socket. Name, arguments and result are byte
# strings. Dies when there is no answer.
sub uwsgi_rpc {
    my ($node, @items) = @_;
    my $body = join '', map { pack 'v/a*', $_ } grep { length } @items;
    die "Error: name and arguments are over 65535 bytes\n" if length $body > 65535;
    my $socket = $node =~ /:/ ? IO::Socket::IP->new($node) : IO::Socket::UNIX->new($node);
    die "Error: cannot connect to $node: $!\n" unless $socket;
    local $SIG{PIPE} = 'IGNORE';
    print {$socket} pack('CvC', 173, length $body, 0), $body;
    $socket->flush;
    my $reply = do { local $/; <$socket> } // '';
    die "Error: no answer from $node\n" if length $reply < 4;
    my ($modifier1, $size, $modifier2) = unpack 'CvC', $reply;
    my $start = 4;
    if ($modifier2 == 5) {    # a dictionary, and the result behind it
        $start += $size;
        ($size) = substr($reply, 4, $size) =~ /CONTENT_LENGTH..(\d+)/s or die "Error: no length\n";
    }
    die "Error: invalid uwsgi packet\n" if $modifier1 != 173 || $modifier2 !~ /^[05]$/;
    die "Error: truncated answer\n" if length $reply < $start + $size;
    return substr $reply, $start, $size;
}

1;
