# SPDX-License-Identifier: MIT
# The functions every language registers, in Perl.
use strict;
use warnings;

my %functions = (
    echo   => sub { join '', map { length($_) . ":$_," } @_ },
    count  => sub { scalar @_ },
    empty  => sub { '' },
    one    => sub { '1' },
    big    => sub { 'x' x 102400 },
    fail   => sub { die "refused by perl_fail\n" },
    call   => sub { uwsgi::call(@_) },
    remote => sub { uwsgi::rpc(@_) },
);

uwsgi::register_rpc("perl_$_", $functions{$_}) for sort keys %functions;

sub { [200, ['Content-Type' => 'text/plain'], ['perl']] };
