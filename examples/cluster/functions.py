"""What the nodes of the cluster can do."""
import os

import uwsgi

NAME = os.environ['NODE_NAME'].encode()


def whoami(*args):
    """The name of the node that was asked."""
    return NAME


def add(*args):
    return str(sum(int(arg) for arg in args)).encode()


uwsgi.register_rpc('whoami', whoami)
uwsgi.register_rpc('add', add)
