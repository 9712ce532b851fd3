#!/usr/bin/env python3
"""Checks the house, from the includes: no two source files need each other, directly or in a ring,
and nothing pure reaches uWSGI's header. A source file is FILE.c with its FILE.h."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PURE = ('parse', 'client', 'cli')
PURE_TOP = ('rpc', 'rpc_wire')  # by agreement at the top, where others know uWSGI
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)


def sources():
    for folder in ('.', 'parse', 'client', 'server', 'cli'):
        yield from sorted((ROOT / folder).glob('*.[ch]'))


def room(path):
    return str(path.relative_to(ROOT).with_suffix(''))


def read_includes():
    """What each room includes: rooms of the house, and system headers in angle brackets."""
    rooms = {}
    for path in sources():
        needs = rooms.setdefault(room(path), set())
        for bracket, name in INCLUDE.findall(path.read_text()):
            here = (path.parent / name).resolve()
            if bracket == '"' and not here.exists():
                here = (ROOT / name).resolve()
            needs.add(room(here) if bracket == '"' else f'<{name}>')
        needs.discard(room(path))
    return rooms


def reach(rooms, start):
    """What a room needs, directly and through others, each with the way there."""
    ways = {start: [start]}
    for way in (todo := [[start]]):
        for need in sorted(rooms.get(way[-1], ())):
            if need == start:
                return ways, way + [need]
            if need not in ways:
                ways[need] = way + [need]
                todo.append(ways[need])
    return ways, None


def main():
    rooms, faults = read_includes(), []
    for name in sorted(rooms):
        ways, ring = reach(rooms, name)
        if ring and min(ring) == name:
            faults.append(f'need each other: {" -> ".join(ring)}')
        pure = name.split('/')[0] in PURE if '/' in name else name in PURE_TOP
        for known in ways:
            if pure and (known == '<uwsgi.h>' or known.startswith('server/')):
                faults.append(f'is pure, but knows uWSGI: {" -> ".join(ways[known])}')
                break
    for fault in faults:
        print(f'house: {fault}', file=sys.stderr)
    if not faults:
        print(f'house: {len(rooms)} source files, none needs another that needs it, '
              'and nothing pure knows uWSGI')
    return bool(faults)


sys.exit(main())
