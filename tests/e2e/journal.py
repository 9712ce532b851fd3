# SPDX-License-Identifier: MIT
"""A function for the nodes of the cluster tests that writes down each of its executions."""
import os
import time

import uwsgi

JOURNAL = os.environ['JOURNAL']


def work(number):
    with open(JOURNAL, 'ab', buffering=0) as journal:
        journal.write(number + b'\n')
    time.sleep(0.02)
    return b'done ' + number


uwsgi.register_rpc('work', work)
