# SPDX-License-Identifier: MIT
# JSON::RPC::Legacy::Client: what it makes of the JSON-RPC bridge at the URL given. It is older than
# version 2.0, whose member it has to be given.
use strict;
use warnings;
use JSON::RPC::Legacy::Client;
use MIME::Base64;

my $client = JSON::RPC::Legacy::Client->new;
my $id = 0;

sub call {
    my ($method, @params) = @_;
    return $client->call($ARGV[0],
        {jsonrpc => '2.0', id => ++$id, method => $method, params => \@params});
}

print call('hello', 'big', 'world')->result, "\n";
my $coded = call('first', {base64 => encode_base64("\0\xff\x80", '')})->result;
print unpack('H*', decode_base64($coded->{base64})), "\n";
my $failed = call('nosuch');
print $failed->is_error ? $failed->content->{error}{code} : 'no error', "\n";
print call('echo', 1, JSON::true, 1.5, 'text')->result, "\n";
my $none = $client->call($ARGV[0], {jsonrpc => '2.0', method => 'hello', params => []});
print defined $none ? 'answered' : 'not answered: ' . $client->status_line, "\n";
