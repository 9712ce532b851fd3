# SPDX-License-Identifier: MIT
"""The languages whose functions are in languages/: what uWSGI takes to load each of them."""
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from conftest import PLUGINS, ROOT, UWSGI
from release import BROKEN, package_here

SOURCES = Path(__file__).resolve().parent / 'languages'
UWSGI_JAR = '/usr/share/java/uwsgi.jar'
FUNCTIONS = ('echo', 'count', 'empty', 'one', 'big', 'fail', 'call', 'remote')
JAVA_BYTES = ("uWSGI's JVM plugin makes a Java string of each argument: text in UTF-8 arrives as it "
              'is, other bytes do not, and a NUL ends it')


@dataclass(frozen=True)
class Language:
    title: str
    prefix: str
    packages: tuple  # each by its names in the releases, 'NAME | NAME'
    plugin: str   # '' for one that its options load
    load: object  # load(directory) gives uWSGI's options; it may compile there
    limits: dict = field(default_factory=dict)  # case: the reason it cannot be

    def name(self, function):
        return f'{self.prefix}_{function}'


def compile_c(directory):
    library = Path(directory) / 'languages.so'
    subprocess.run([os.environ.get('CC', 'cc'), '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC',
                    '-o', library, SOURCES / 'c.c'], check=True)
    return [('dlopen', library), *(('symcall-register-rpc', f'c_{name} c_{name}')
                                   for name in FUNCTIONS)]


def compile_java(directory):
    subprocess.run(['javac', '-cp', UWSGI_JAR, '-d', directory, SOURCES / 'Functions.java'],
                   check=True)
    return [('jvm-classpath', UWSGI_JAR), ('jvm-classpath', directory), ('jvm-class', 'Functions')]


def build_javascript(directory):
    """uWSGI has no JavaScript plugin that builds today; the host is one of the examples."""
    subprocess.run([UWSGI, '--build-plugin', ROOT / 'examples' / 'javascript'], cwd=directory,
                   check=True, env=dict(os.environ, PYTHON='/usr/bin/python3', LD_PRELOAD=''))
    return [('plugin', f'{directory}/javascript_plugin.so'), ('js-load', SOURCES / 'javascript.js')]


def load_file(option, source):
    return lambda directory: [(option, SOURCES / source)]


def load_luajit(directory):
    """uWSGI looks for a struct of the file's name, and Debian's is named after Lua."""
    plugin = Path(directory) / 'lua_plugin.so'
    plugin.symlink_to(f'{PLUGINS}/luajit_plugin.so')
    return [('plugin', plugin), ('lua', SOURCES / 'lua.lua')]


def load_pypy(_):
    """Where Debian has what its plugin loads, as its README says."""
    there = Path(PLUGINS, 'pypy')
    return [('pypy-lib', there / 'libpypy3-c.so'), ('pypy-home', there / 'home'),
            ('pypy-setup', there / 'pypy_setup.py'), ('pypy-exec', SOURCES / 'pypy.py')]


LANGUAGES = [
    Language('Python 3', 'python', ('uwsgi-plugin-python3',), 'python3',
             load_file('wsgi-file', 'python.py')),
    Language('Python 3, `@rpc`', 'decorated', ('uwsgi-plugin-python3',
                                                 'python3-uwsgidecorators | uwsgi-plugin-python3'),
             'python3', load_file('wsgi-file', 'decorated.py')),
    Language('PyPy 3', 'pypy', ('uwsgi-plugin-pypy3', 'pypy3'), 'pypy3', load_pypy),
    Language('Perl', 'perl', ('uwsgi-plugin-psgi',), 'psgi', load_file('psgi', 'perl.pl')),
    Language('Lua 5.1', 'lua', ('uwsgi-plugin-lua5.1',), 'lua51', load_file('lua', 'lua.lua')),
    Language('Lua 5.2', 'lua', ('uwsgi-plugin-lua5.2',), 'lua52', load_file('lua', 'lua.lua')),
    Language('LuaJIT', 'lua', ('uwsgi-plugin-luajit',), '', load_luajit),
    Language('Ruby', 'ruby', ('uwsgi-plugin-rack-ruby3.1 | uwsgi-plugin-ruby',), 'rack',
             load_file('rack', 'ruby.ru')),
    Language('Java', 'java', ('uwsgi-plugin-jvm-openjdk-17 | uwsgi-plugin-java',
                              'openjdk-17-jdk-headless | openjdk-21-jdk-headless'),
             'jvm_openjdk17' if package_here('uwsgi-plugin-jvm-openjdk-17') else 'jvm',
             compile_java, {'every byte': JAVA_BYTES}),
    Language('JavaScript', 'javascript', ('duktape-dev',), '', build_javascript),
    Language('C', 'c', ('uwsgi-core',), 'symcall', compile_c),
]
BY_TITLE = {language.title: language for language in LANGUAGES}
ABSENT = [language for language in LANGUAGES if not all(map(package_here, language.packages))]
FAILING = [language for language in LANGUAGES if language not in ABSENT and language.plugin in BROKEN]
PRESENT = [language for language in LANGUAGES if language not in ABSENT + FAILING]


def require(*packages):
    """Skips a test for want of a Debian package, loudly; where everything is to run, it fails."""
    missing = [package for package in packages if not installed(package_here(package))]
    if missing:
        reason = 'missing Debian packages: ' + ' '.join(missing)
        if os.environ.get('CI') == 'true':
            pytest.fail(reason)
        pytest.skip(reason)


def installed(package):
    if not shutil.which('dpkg-query'):
        return True
    status = subprocess.run(['dpkg-query', '-W', '-f', '${Status}', package], check=False,
                            capture_output=True, text=True).stdout
    return status.endswith('ok installed')


def is_refused(plugin, directory):
    """Whether uWSGI ends at once, for want of a plugin."""
    result = subprocess.run([UWSGI, '--need-plugin', plugin, '--socket', f'{directory}/socket'],
                            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    return result.returncode != 0 and 'unable to load plugin' in result.stdout + result.stderr


def loaded(languages, directory):
    """The plugins and the options of a server with these languages."""
    require(*(package for language in languages for package in language.packages))
    plugins = list(dict.fromkeys(language.plugin for language in languages if language.plugin))
    return plugins, [option for language in languages for option in language.load(directory)]
