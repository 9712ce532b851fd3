# SPDX-License-Identifier: MIT
"""An application that calls functions from everywhere but a request: /start/KIND/FUNCTION/COUNT has
them called, / shows what came of it, /sleep/SECONDS is a request that is in the application."""
import sys
import threading
import time

import uwsgi

answers = []


def call(kind, function, number):
    try:
        answer = uwsgi.call(function, b'%d' % number)
    except BaseException as error:
        answer = repr(error).encode()
    pending = sys.exc_info()[0]
    answers.append(b'%s %d %s %s' % (kind.encode(), number, answer or b'None',
                                     repr(pending).encode()))


def greenlet(*args):
    import gevent
    gevent.spawn_later(0.01, call, *args)


def hub_callback(*args):
    import gevent
    gevent.get_hub().loop.run_callback(call, *args)


def nested(*args):
    """A greenlet that a request waits for."""
    import gevent
    return gevent.spawn(call, *args)


def call_later(*args):
    import asyncio
    asyncio.get_event_loop().call_later(0.01, call, *args)


def task(*args):
    import asyncio

    async def coroutine():
        await asyncio.sleep(0.01)
        call(*args)

    asyncio.get_event_loop().create_task(coroutine())


def callback(*args):
    import tornado.ioloop
    tornado.ioloop.IOLoop.instance().add_callback(call, *args)


def thread(*args):
    threading.Thread(target=call, args=args).start()


def held_thread(*args):
    """With a thread state of Python's that uwsgi.call() cannot give up."""
    import ctypes

    def run():
        state = ctypes.pythonapi.PyGILState_Ensure()
        call(*args)
        ctypes.pythonapi.PyGILState_Release(state)

    threading.Thread(target=run).start()


KINDS = {function.__name__: function for function in (
    greenlet, hub_callback, nested, call_later, task, callback, thread, held_thread)}


def sleep(seconds):
    if uwsgi.loop == b'gevent':
        import gevent
        gevent.sleep(seconds)
    else:
        time.sleep(seconds)


def application(environ, start_response):
    words = environ['PATH_INFO'].split('/')[1:]
    if words[0] == 'start':
        kind, function, count = words[1:]
        waited_for = [KINDS[kind](kind, function.encode(), number) for number in range(int(count))]
        if kind == 'nested':
            import gevent
            gevent.joinall(waited_for)
    if words[0] == 'sleep':
        sleep(float(words[1]))
    start_response('200 OK', [])
    return [b'\n'.join(answers)]
