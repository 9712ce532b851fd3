# SPDX-License-Identifier: MIT
"""What may come back for a request: at most one answer for each that was sent, and nothing else."""
import re

from conftest import framed

STATUS = re.compile(rb'HTTP/1\.[01] (\d{3}) ')
# uWSGI answers in the protocol of the request, whatever the client has written there, line feeds too:
# an answer to another one cannot be read.
REQUEST_LINE = re.compile(rb'[^\r\n ]+ [^\r\n ]+ HTTP/1\.[01]\r\n')


def http_answers(data, head):
    """The number of answers in data; None when it is something else. head: none of them need have
    the body it tells the length of."""
    count = 0
    while data:
        status = STATUS.match(data)
        if not status:
            return None
        headers, end, rest = data.partition(b'\r\n\r\n')
        if not end:
            return None
        code = int(status[1])
        length = re.search(rb'(?i)\r\ncontent-length: *(\d+)', headers)
        if code == 100:
            data = rest
            continue
        count += 1
        if length is None:
            return count if code not in (204, 304) or not rest else count + (http_answers(rest, head) or 99)
        if head and len(rest) < int(length[1]):
            return count
        if len(rest) < int(length[1]):
            return None
        data = rest[int(length[1]):] if not (head and STATUS.match(rest)) else rest
    return count


def wrong_packets(request, data):
    """Replies on a persistent socket: framed ones, and one without a frame at the end at most."""
    packets = request.data.count(b'livefuzz') + request.data.count(b'nosuch') + len(request.data) // 4
    count = 0
    while len(data) >= 4 and data[0] == 173 and data[3] in (0, 5):
        size = int.from_bytes(data[1:3], 'little')
        if data[3] == 5 or len(data) < 4 + size:
            return None
        data = data[4 + size:]
        count += 1
    return f'{count} replies to fewer packets' if count > packets else None


def wrong_variables(data, request):
    if b'\x08\0HTTP/1.1' not in request.data:
        return None
    head = b'HEAD' in request.data
    count = http_answers(data, head)
    if count is None:
        return 'a garbled or cut HTTP answer'
    return f'{count} answers to one request' if count > 1 else None


def wrong_http(data, request):
    lines = len(REQUEST_LINE.findall(request.data))
    if not REQUEST_LINE.match(request.data) or request.data.count(b'HTTP') != lines:
        return None
    count = http_answers(data, b'HEAD' in request.data)
    sent = request.data.count(b'HTTP/') if request.socket == 'http11' else 1
    if count is None:
        return 'a garbled or cut HTTP answer'
    return f'{count} answers to {sent} requests' if count > max(sent, 1) else None


def wrong(request, data):
    """What is wrong with what came back, or None."""
    if not data:
        return None
    if request.socket.startswith('http'):
        return wrong_http(data, request)
    if request.data[:1] != b'\xad':
        return None  # by its first byte a request of another plugin
    if request.socket == 'puwsgi':
        return wrong_packets(request, data)
    modifier2 = request.data[3]
    if modifier2 in (2, 3, 4):
        return wrong_variables(data, request)
    if modifier2 > 4:
        return 'an answer to an unknown modifier2'
    if modifier2 == 0:
        try:
            framed(data)
        except (AssertionError, ValueError):
            return 'a garbled packet'
    return None
