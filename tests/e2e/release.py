# SPDX-License-Identifier: MIT
"""The release of Debian that the tests run on: what it has, by packages.txt, and what it cannot do."""
import platform
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def codename():
    try:
        return platform.freedesktop_os_release().get('VERSION_CODENAME', 'unknown')
    except OSError:
        return 'unknown'


RELEASE = codename()
NO_PLUGIN = "this release's uWSGI has no such plugin"
GREENLET_ENDS = "this release's greenlet plugin ends its worker, at start or after an answer"
ASYNCIO_ENDS = "this release's asyncio plugin ends its worker at start: Python finds no stack to look at"
PYPY_FAILS = "this release's PyPy plugin has no struct of the name that its own `uwsgi.register_rpc` looks for"
# Plugins of uWSGI that a release has and that do not work there.
BROKEN = {'trixie': {'greenlet_python3': GREENLET_ENDS, 'asyncio_python3': ASYNCIO_ENDS,
                     'pypy3': PYPY_FAILS}}.get(RELEASE, {})


def lacks(package):
    """Whether packages.txt gives a package to other releases only."""
    lines = [line.split() for line in (ROOT / 'packages.txt').read_text().splitlines()]
    releases = [line[2:] for line in lines if line[1:2] == [package] and not line[0].startswith('#')]
    return bool(releases) and all(releases) and RELEASE not in sum(releases, [])


def package_here(names):
    """The one of 'NAME | NAME' that this release has; '' if it has none."""
    return next((name for name in names.split(' | ') if not lacks(name)), '')
