# How "uwsgi --build-plugin" builds this plugin. Without its library the XML-RPC bridge is left out, or
# the nodes spoken to in TLS.
import os
import struct
import subprocess


def pkg_config(flag, package):
    try:
        out = subprocess.run(['pkg-config', flag, package], stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return out.decode().split()


NAME = 'rpc'
CFLAGS = ['-std=gnu11', '-fvisibility=hidden', '-fno-plt'] + os.environ.get('RPC_CFLAGS', '').split()
LDFLAGS = ['-Wl,-Bsymbolic'] + os.environ.get('RPC_LDFLAGS', '').split()
LIBS = []
GCC_LIST = [
    'rpc_plugin',
    'rpc_routing',
    'rpc_wire',
    'server/answer',
    'server/body',
    'server/bridges',
    'server/build',
    'server/browsers',
    'server/client',
    'server/connection',
    'server/core',
    'server/coro',
    'server/greenlets',
    'server/persistent',
    'server/http',
    'server/language',
    'server/log',
    'server/lua',
    'server/lua_api',
    'server/metrics',
    'server/options',
    'server/outcome',
    'server/packets',
    'server/remote',
    'server/ruby',
    'server/table',
    'server/targets',
    'server/wait',
    'server/variables',
    'client/client',
    'client/drive',
    'client/exchange',
    'client/gather',
    'client/kept',
    'client/lists',
    'client/node',
    'client/opts',
    'client/reply',
    'client/tls',
    'client/tls_none',
    'parse/access',
    'parse/bytes',
    'parse/chunked',
    'parse/coding',
    'parse/field',
    'parse/discover',
    'parse/framing',
    'parse/json',
    'parse/json_chars',
    'parse/json_walk',
    'parse/jsonrpc',
    'parse/media',
    'parse/netstring',
    'parse/number',
    'parse/origin',
    'parse/path',
    'parse/template',
    'parse/typed',
]

XMLRPC = ['parse/xmlrpc', 'parse/xmlrpc_calls', 'parse/xmlrpc_charset', 'parse/xmlrpc_parse',
          'parse/xmlrpc_scalar', 'parse/xmlrpc_tape', 'parse/xmlrpc_value']

# uWSGI's own header includes zlib's; where pkg-config is missing, the linker finds it anyway.
CFLAGS += pkg_config('--cflags', 'zlib') or []
LIBS += pkg_config('--libs', 'zlib') or ['-lz']

# Where the processor has no atomic operations of 64 bit, as on armel and mipsel, gcc calls a library's.
if struct.calcsize('P') == 4:
    LIBS += ['-Wl,--push-state,--as-needed', '-latomic', '-Wl,--pop-state']

xml_flags = pkg_config('--cflags', 'libxml-2.0')
if xml_flags is not None and 'libxml-2.0' not in os.environ.get('RPC_WITHOUT', ''):
    CFLAGS += xml_flags + ['-DRPC_XMLRPC']
    LIBS += pkg_config('--libs', 'libxml-2.0')
    GCC_LIST += XMLRPC

tls_flags = pkg_config('--cflags', 'openssl')
if tls_flags is not None and 'openssl' not in os.environ.get('RPC_WITHOUT', ''):
    CFLAGS += tls_flags + ['-DRPC_TLS']
    LIBS += pkg_config('--libs', 'openssl')
else:
    print('*** rpc: without OpenSSL (libssl-dev) there are no nodes in TLS ***')
