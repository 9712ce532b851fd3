# Calls a function of Python, which calls one of Lua.
uwsgi::register_rpc('reverse', sub { scalar reverse uwsgi::call('shout', $_[0]) });

# The last value of a PSGI file has to be its answer to requests that are no calls.
sub { [404, [], []] };
