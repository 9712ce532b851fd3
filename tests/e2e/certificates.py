# SPDX-License-Identifier: MIT
"""Certificates made on the spot by the openssl command: a CA, another one, and what they sign."""
import subprocess
from pathlib import Path

import pytest

HERE = 'DNS:localhost,IP:127.0.0.1,IP:::1'
# name: (CA, subjectAltName, days it is valid)
CERTIFICATES = {
    'good': ('ca', HERE, 2),
    'named': ('ca', 'DNS:elsewhere.example,IP:192.0.2.1', 2),
    'foreign': ('other', HERE, 2),
    'expired': ('ca', HERE, 0),
    'caller': ('ca', 'DNS:caller.example', 2),
}


def openssl(directory, *arguments):
    made = subprocess.run(['openssl', *arguments], cwd=directory, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    assert made.returncode == 0, made.stdout


class Certificates:
    """Files in PEM, by name: ca and other, the CAs, and NAME.pem with NAME.key for the others."""

    def __init__(self, directory):
        self.directory = Path(directory)
        for name in ('ca', 'other'):
            openssl(directory, 'req', '-x509', *self.new_key(name), '-out', f'{name}.pem', '-days', '2',
                    '-subj', f'/CN={name}')
        for name, (ca, names, days) in CERTIFICATES.items():
            (self.directory / f'{name}.ext').write_text(f'subjectAltName={names}\n')
            openssl(directory, 'req', *self.new_key(name), '-out', f'{name}.csr', '-subj', f'/CN={name}')
            openssl(directory, 'x509', '-req', '-in', f'{name}.csr', '-CA', f'{ca}.pem', '-CAkey', f'{ca}.key',
                    '-set_serial', str(len(name)), '-days', str(days), '-extfile', f'{name}.ext',
                    '-out', f'{name}.pem')

    @staticmethod
    def new_key(name):
        return ('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', f'{name}.key')

    def pem(self, name):
        return str(self.directory / f'{name}.pem')

    def key(self, name):
        return str(self.directory / f'{name}.key')

    def socket(self, name='good', client_ca=None):
        """A suwsgi-socket with this certificate; client_ca: it demands one of its callers."""
        more = f',HIGH,!{self.pem(client_ca)}' if client_ca else ''
        return 'suwsgi-socket', f'127.0.0.1:0,{self.pem(name)},{self.key(name)}{more}'

    def options(self, name=None):
        """What a caller is told: the CA, and the certificate it shows."""
        own = [('rpc-tls-cert', self.pem(name)), ('rpc-tls-key', self.key(name))] if name else []
        return [('rpc-tls-ca', self.pem('ca')), *own]


@pytest.fixture(scope='session')
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp('certificates'))


def node_of(server, socket=0, host='127.0.0.1'):
    return f'ssl:{host}:{server.sockets[socket][1]}'
