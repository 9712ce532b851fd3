# SPDX-License-Identifier: MIT
# RPC::XML: what it makes of the XML-RPC bridge at the URL given.
use strict;
use warnings;
use RPC::XML;
use RPC::XML::Client;

my $client = RPC::XML::Client->new($ARGV[0]);
print $client->simple_request('hello', 'big', 'world'), "\n";
my $bytes = RPC::XML::base64->new("\0\xff\x80");
print unpack('H*', $client->simple_request('first', $bytes)), "\n";
print $client->send_request('nosuch')->code, "\n";
print $client->simple_request('echo', 1, RPC::XML::boolean->new(1), 1.5, 'text'), "\n";
my $results = $client->simple_request('system.multicall', [
    {methodName => 'hello', params => ['one']}, {methodName => 'nosuch', params => []}]);
print $results->[0][0], ' ', $results->[1]{faultCode}, "\n";
