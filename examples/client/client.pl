use strict;
no warnings 'redefine';

*uwsgi::rpc = sub { uwsgi::call('net.call', @_) };    # the stock client's place is taken

sub netstrings { join '', map { length($_) . ":$_," } @_ }

# One call: its result, or how it failed.
uwsgi::register_rpc('perl_ask', sub { uwsgi::rpc(@_) // uwsgi::call('net.outcome') });

# A call for each argument, all at once.
uwsgi::register_rpc('perl_gather', sub {
    my ($nodes, $name, @args) = @_;
    uwsgi::call('net.gather', map { netstrings($nodes, $name, $_) } @args);
});

sub { [404, [], []] };
