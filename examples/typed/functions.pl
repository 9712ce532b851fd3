# SPDX-License-Identifier: MIT
# Typed functions in Perl.
use strict;
use warnings;
use utf8;
use File::Basename 'dirname';
use lib dirname(__FILE__);
use Typed;

typed add => ['x', 'y'], sub { $_[0] + $_[1] };

typed user => ['id'], sub {
    my ($id) = @_;
    die { code => 404, message => 'no such user', data => { id => $id } } if $id != 1;
    return { id => $id, name => 'Zoë' };
};

typed echo => ['value'], sub { $_[0] };

typed total => ['items'], sub {
    my $total = 0;
    $total += $_->{price} * $_->{count} for @{ $_[0] };
    return $total;
};

typed boom => [], sub { die "boom\n" };

# Not JSON, whatever rpc-json says of it.
uwsgi::register_rpc('text', sub { 'text' });

sub { [200, ['Content-Type' => 'text/plain'], ['typed']] };
