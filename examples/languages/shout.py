import uwsgi


def shout(name):
    """Calls a function of Lua, by its name, which is bytes here."""
    return uwsgi.call(b'greet', name).upper()


uwsgi.register_rpc('shout', shout)
