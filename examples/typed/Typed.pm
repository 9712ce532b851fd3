# SPDX-License-Identifier: MIT
# Turns a function into a typed one: typed NAME => [PARAMETER...], sub { ... }, and rpc-json in uWSGI's
# configuration. die { code => 404, message => 'no such user', data => ... } is an error of its own.
package Typed;
use strict;
use warnings;
use Exporter 'import';
use JSON::PP;

our @EXPORT = 'typed';
my $json = JSON::PP->new->utf8->allow_nonref;

sub error_text {
    my ($code, $message, @data) = @_;
    $message = join ' ', split ' ', $message;
    utf8::encode($message);
    return join "\n", "error $code $message", map { $json->encode($_) } @data;
}

# The parameters in their order, or nothing when they are not these.
sub in_order {
    my ($params, @names) = @_;
    my $named = ref $params eq 'HASH';
    return if @names != ($named ? keys %$params : @$params);
    return if $named && grep { !exists $params->{$_} } @names;
    return $named ? [@$params{@names}] : $params;
}

sub typed {
    my ($name, $names, $function) = @_;
    uwsgi::register_rpc($name, sub {
        my $params = in_order($json->decode($_[0]), @$names)
            or return error_text(-32602, "$name takes: @$names");
        my $result = eval { $json->encode(scalar $function->(@$params)) };
        return $result if defined $result;
        return error_text(-32000, $@) if ref $@ ne 'HASH';
        return error_text(@{$@}{qw(code message)}, exists $@->{data} ? $@->{data} : ());
    });
}
1;
