import uwsgi


def hello_world():
    return b"Hello World"


uwsgi.register_rpc("hello", hello_world)
