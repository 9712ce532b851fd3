# SPDX-License-Identifier: MIT
"""Scripted nodes: each listens in a thread of the test and treats every connection as its script
says. They count the connections and the calls they have received."""
import contextlib
import fcntl
import socket
import struct
import termios
import threading

from conftest import packet, poll

HEADER = struct.Struct('<BHB')
LONG_REPLY = 5


def read_exactly(conn, size):
    data = b''
    while len(data) < size:
        chunk = conn.recv(size - len(data))
        if not chunk:
            return None
        data += chunk
    return data


def read_call(conn):
    """The items of the next array packet; None at the end of the connection."""
    header = read_exactly(conn, HEADER.size)
    if header is None:
        return None
    modifier1, size, modifier2 = HEADER.unpack(header)
    assert (modifier1, modifier2) == (173, 0)
    body = read_exactly(conn, size)
    items = []
    while body:
        length, = struct.unpack('<H', body[:2])
        items.append(body[2:2 + length])
        body = body[2 + length:]
    return items


def reply(result):
    return HEADER.pack(173, len(result), 0) + result


def long_reply(result, *lengths):
    """A reply with a dictionary before its result; lengths: the values of its CONTENT_LENGTH keys."""
    pairs = [item for length in lengths for item in ('CONTENT_LENGTH', length)]
    return packet(*pairs, modifier2=LONG_REPLY) + result


class Node:
    """A listening socket; script(node, conn, call) deals with each call that arrives, and its
    connection is closed when the script returns False."""

    def __init__(self, script, address=None, family=socket.AF_INET):
        self.script = script
        self.connections = 0
        self.calls = []
        self.stopped = threading.Event()
        self.lock = threading.Lock()
        self.open = set()
        self.threads = []
        if address is None:
            address = ('::1' if family == socket.AF_INET6 else '127.0.0.1', 0)
        else:
            family = socket.AF_UNIX
        self.listener = socket.socket(family)
        self.listener.bind(address)
        name = self.listener.getsockname()
        if family == socket.AF_UNIX:
            self.name = '@' + name[1:].decode() if isinstance(name, bytes) else name
        else:
            self.name = f'[{name[0]}]:{name[1]}' if family == socket.AF_INET6 else '%s:%d' % name
        if script is not None:
            self.listener.listen(512)
            self.run(self.accept)

    def run(self, target, *args):
        thread = threading.Thread(target=target, args=args, daemon=True)
        self.threads.append(thread)
        thread.start()

    def accept(self):
        while not self.stopped.is_set():
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                self.open.add(conn)
            self.run(self.serve, conn)

    def serve(self, conn):
        with contextlib.suppress(OSError), conn:
            while (call := read_call(conn)) is not None:
                with self.lock:
                    self.calls.append(call)
                if self.script(self, conn, call) is False:
                    break
        with self.lock:
            self.open.discard(conn)

    def wait(self, seconds):
        """A script's pause, over at once when the node is stopped."""
        self.stopped.wait(seconds)

    def hang_up(self):
        """Closes the connections that are open, as an idle timeout would."""
        with self.lock:
            for conn in self.open:
                with contextlib.suppress(OSError):
                    conn.shutdown(socket.SHUT_RDWR)

    def stop(self):
        self.stopped.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.hang_up()
        for thread in self.threads:
            thread.join(10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Relay(Node):
    """Stands before a real node and counts the connections made to it."""

    def __init__(self, address):
        super().__init__(closes)
        self.address = address

    def serve(self, conn):
        with contextlib.suppress(OSError), conn, socket.create_connection(self.address) as upstream:
            self.run(self.pump, upstream, conn)
            self.pump(conn, upstream)
        with self.lock:
            self.open.discard(conn)

    @staticmethod
    def pump(source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                target.sendall(data)
        for sock in (source, target):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


# --- scripts: what a node does with a call -------------------------------------------------------

def answers(result=b'good'):
    """Answers and waits for the next call on the connection."""
    return lambda node, conn, call: conn.sendall(reply(result))


def answers_once(result=b'good'):
    """Answers and closes, as a node on a plain socket does."""
    def script(node, conn, call):
        # The end goes with the answer: on a connection that seems open the next call could be lost.
        conn.sendall(reply(result), socket.MSG_MORE)
        conn.shutdown(socket.SHUT_WR)
        return False
    return script


def answers_after(seconds, result=b'late'):
    def script(node, conn, call):
        node.wait(seconds)
        conn.sendall(reply(result))
    return script


def closes(node, conn, call):
    return False


def says_nothing(node, conn, call):
    node.wait(60)
    return False


def sends_one_byte_a_second(node, conn, call):
    for byte in reply(b'a reply that takes its time'):
        if node.stopped.is_set():
            break
        conn.sendall(bytes([byte]))
        node.wait(1)
    return False


def sends(data, then=closes):
    """Sends these bytes, whatever they are, and goes on as then says."""
    def script(node, conn, call):
        conn.sendall(data)
        return then(node, conn, call)
    return script


def unread(conn):
    """The bytes sent that the other side has not yet: acknowledged, or read from a UNIX socket."""
    return struct.unpack('i', fcntl.ioctl(conn, termios.TIOCOUTQ, bytes(4)))[0]


def resets(node, conn, call):
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    # what was sent gets there before the reset does
    poll(lambda: not unread(conn))
    return False


def refuser():
    """A node that refuses: its address is taken, and nobody listens there."""
    return Node(None)


# name: (script, HTTP status of a route that calls it, status in the log), for a short deadline
BAD = {
    'says nothing': (says_nothing, 504, 'node-timeout'),
    'one byte a second': (sends_one_byte_a_second, 504, 'node-timeout'),
    'closes': (closes, 502, 'node-closed'),
    'closes within the header': (sends(b'\xad\x05'), 502, 'node-closed'),
    'closes after the header': (sends(HEADER.pack(173, 5, 0)), 502, 'node-closed'),
    'announces 2^63, sends ten, waits': (
        sends(long_reply(b'x' * 10, 1 << 63), says_nothing), 504, 'node-timeout'),
    'announces 2^63, sends ten, closes': (
        sends(long_reply(b'x' * 10, 1 << 63)), 502, 'node-closed'),
    'announces 1 GB, sends ten, closes': (
        sends(long_reply(b'x' * 10, 1 << 30)), 502, 'node-closed'),
    'announces 2^64': (sends(long_reply(b'x' * 10, 1 << 64)), 502, 'node-garbled'),
    'dict without CONTENT_LENGTH': (
        sends(packet('CONTENT_TYPE', '10', modifier2=LONG_REPLY) + b'x' * 10), 502, 'node-garbled'),
    'CONTENT_LENGTH with letters': (sends(long_reply(b'x' * 10, '10x')), 502, 'node-garbled'),
    'CONTENT_LENGTH empty': (sends(long_reply(b'x' * 10, '')), 502, 'node-garbled'),
    'CONTENT_LENGTH negative': (sends(long_reply(b'x' * 10, '-1')), 502, 'node-garbled'),
    'CONTENT_LENGTH twice': (sends(long_reply(b'x' * 10, 10, 5)), 502, 'node-garbled'),
    'dict cut short': (
        sends(HEADER.pack(173, 6, LONG_REPLY) + b'\x0e\0CONT' + b'x' * 10), 502, 'node-garbled'),
    'wrong modifier1': (sends(HEADER.pack(0, 5, 0) + b'hello'), 502, 'node-garbled'),
    'wrong modifier2': (sends(HEADER.pack(173, 5, 1) + b'hello'), 502, 'node-garbled'),
    'HTTP': (sends(b'HTTP/1.0 200 OK\r\n\r\nhello'), 502, 'node-garbled'),
    'resets': (resets, 502, 'node-closed'),
    'resets within the body': (sends(reply(b'x' * 100)[:50], resets), 502, 'node-closed'),
    'closes within a long body': (sends(long_reply(b'x' * 70000, 140000)), 502, 'node-closed'),
    'answers after the deadline': (answers_after(3), 504, 'node-timeout'),
}
