# SPDX-License-Identifier: MIT
"""What a large document costs: the peak memory of a worker that serves one, beyond what it had
before, as a multiple of the document. Run by hand, after make:

    python3 bench/body_memory.py [MB]

The document is a system.multicall or a batch of calls with base64 arguments of 65,535 bytes."""
import base64
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'tests/e2e'))
from conftest import HTTP, Server  # noqa: E402

ARGUMENT = base64.b64encode(bytes(range(256)) * 255 + bytes(255)).decode()
PER_CALL = 50  # arguments of one call


def xmlrpc(calls):
    value = f'<value><base64>{ARGUMENT}</base64></value>'
    call = ('<value><struct><member><name>methodName</name><value>count</value></member>'
            '<member><name>params</name><value><array><data>' + value * PER_CALL +
            '</data></array></value></member></struct></value>')
    return ('<?xml version="1.0"?><methodCall><methodName>system.multicall</methodName><params>'
            '<param><value><array><data>' + call * calls +
            '</data></array></value></param></params></methodCall>').encode()


def jsonrpc(calls):
    call = {'jsonrpc': '2.0', 'method': 'count', 'params': [{'base64': ARGUMENT}] * PER_CALL, 'id': 1}
    return json.dumps([call] * calls).encode()


def memory(pid, name):
    """A line of /proc/PID/status, in bytes."""
    for line in Path(f'/proc/{pid}/status').read_text().splitlines():
        if line.startswith(name + ':'):
            return int(line.split()[1]) * 1024
    raise KeyError(name)


def chunks(document):
    return (document[i:i + 65536] for i in range(0, len(document), 65536))


def measure(directory, modifier2, content_type, document, chunked):
    server = Server(directory, [HTTP, ('http-socket-modifier1', 173),
                                ('http-socket-modifier2', modifier2), ('rpc-max-body', 1 << 30),
                                ('rpc-max-batch', 1000)])
    server.start()
    try:
        pid, = server.worker_pids()
        Path(f'/proc/{pid}/clear_refs').write_text('5')  # VmHWM starts again
        before = memory(pid, 'VmRSS')
        connection = server.connection(socket=0)
        connection.request('POST', '/', chunks(document) if chunked else document,
                           {'Content-Type': content_type}, encode_chunked=chunked)
        response = connection.getresponse()
        answer = response.read()
        connection.close()
        assert response.status == 200 and b'50' in answer and b'ault' not in answer, answer[:200]
        return memory(pid, 'VmHWM') - before
    finally:
        server.stop()


def main():
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    calls = max(1, round(size * 1e6 / (len(ARGUMENT) * PER_CALL)))
    print('bridge    body       MB   peak   times the body')
    for name, modifier2, content_type, build in (('XML-RPC', 3, 'text/xml', xmlrpc),
                                                 ('JSON-RPC', 4, 'application/json', jsonrpc)):
        document = build(calls)
        for chunked in (False, True):
            with tempfile.TemporaryDirectory() as directory:
                grown = measure(directory, modifier2, content_type, document, chunked)
            print(f'{name:9} {"chunked" if chunked else "length":9} {len(document) / 1e6:5.1f} '
                  f'{grown / 1e6:6.1f}   {grown / len(document):.2f}')


main()
