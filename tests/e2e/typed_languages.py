# SPDX-License-Identifier: MIT
"""The languages of examples/typed: what uWSGI takes to load the functions there."""
import dataclasses
import subprocess

from conftest import ROOT
from polyglot import BY_TITLE, PRESENT, UWSGI_JAR, build_javascript

TYPED = ROOT / 'examples' / 'typed'
GSON_JAR = '/usr/share/java/gson.jar'


def load(option, source):
    return lambda directory: [('pythonpath', TYPED)] * (option == 'wsgi-file') + [(option, TYPED / source)]


def load_javascript(directory):
    plugin, _ = build_javascript(directory)
    return [plugin, ('js-load', TYPED / 'typed.js'), ('js-load', TYPED / 'functions.js')]


def compile_java(directory):
    subprocess.run(['javac', '-cp', f'{UWSGI_JAR}:{GSON_JAR}', '-d', directory, TYPED / 'Typed.java',
                    TYPED / 'Functions.java'], check=True)
    return [*(('jvm-classpath', path) for path in (UWSGI_JAR, GSON_JAR, directory)), ('jvm-class', 'Functions')]


def load_lua(language):
    """As for the other tests, but with these functions."""
    return lambda directory: [(option, TYPED / 'functions.lua' if option == 'lua' else value)
                              for option, value in language.load(directory)]


def typed(title, loader, *packages):
    language = BY_TITLE[title]
    return dataclasses.replace(language, load=loader, packages=(*language.packages, *packages))


LANGUAGES = [
    typed('Python 3', load('wsgi-file', 'functions.py')),
    typed('Perl', load('psgi', 'functions.pl')),
    typed('Ruby', load('rack', 'functions.ru')),
    *(typed(title, load_lua(BY_TITLE[title]), 'lua-cjson') for title in ('Lua 5.1', 'Lua 5.2', 'LuaJIT')),
    typed('JavaScript', load_javascript),
    typed('Java', compile_java, 'libgoogle-gson-java'),
]
LANGUAGES = [language for language in LANGUAGES if language.title in {one.title for one in PRESENT}]
