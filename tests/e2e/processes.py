# SPDX-License-Identifier: MIT
"""An application for the process models: functions of the master, of workers alone, of mules and of
spoolers."""
import os
import time

import uwsgi


def hello(*args):
    return b' '.join((b'hello',) + args)


def who(*args):
    return b'%d %d' % (uwsgi.worker_id(), os.getpid())


def mark(item):
    """Leaves the item in a file, to be found by a test that wants to know what has been called."""
    with open('marks', 'ab', buffering=0) as marks:
        marks.write(item + b'\n')
    return item


def nap(seconds, item):
    mark(item)
    time.sleep(float(seconds))
    return who()


def names(*args):
    return b' '.join(sorted(uwsgi.rpc_list()))


for function in (hello, who, mark, nap, names):
    uwsgi.register_rpc(function.__name__, function)


def own():
    if uwsgi.worker_id():
        uwsgi.register_rpc('own', who)
        uwsgi.register_rpc('only%d' % uwsgi.worker_id(), who)


# --- mules and spoolers answer through a file, which is there once it is whole -----------------------

def answer(name, value):
    with open(name + '.tmp', 'wb') as out:
        out.write(value or b'')
    os.rename(name + '.tmp', name)


def perform(words):
    """What a mule or a spooler is told to do: a local call, or one to a node."""
    if words[0] == b'call':
        return uwsgi.call(*words[1:])
    return uwsgi.rpc(*words[1:])


def mule_message(message):
    name, *words = message.split(b'|')
    answer(name.decode(), perform(words))


def spool(job):
    answer(job[b'name'].decode(), perform(job[b'words'].split(b'|')))
    return uwsgi.SPOOL_OK


def send(message):
    uwsgi.mule_msg(message)
    return b'sent'


def enqueue(name, words):
    uwsgi.spool({b'name': name, b'words': words})
    return b'spooled'


uwsgi.post_fork_hook = own
uwsgi.mule_msg_hook = mule_message
uwsgi.spooler = spool
uwsgi.register_rpc('send', send)
uwsgi.register_rpc('enqueue', enqueue)


def application(environ, start_response):
    start_response('200 OK', [])
    return [b'application']
