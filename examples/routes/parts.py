import uwsgi


def part1():
    return b'<ul>\n'


def part2():
    return b'<li>from another server</li>\n'


def part3():
    return b'</ul>\n'


for function in (part1, part2, part3):
    uwsgi.register_rpc(function.__name__, function)
