import uwsgi

uwsgi.register_rpc('hello', lambda name: b'hello ' + name)
