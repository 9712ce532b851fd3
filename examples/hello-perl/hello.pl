sub hello_world {
    return("hello world -- the time is: ".time());
}

uwsgi::register_rpc("hello", \&hello_world);

# The last value of a PSGI file has to be its answer to requests that are no calls.
sub { [404, [], []] };
