# SPDX-License-Identifier: MIT
"""A real nginx in front of a uwsgi socket."""
import contextlib
import subprocess

from conftest import listens, poll

# Each document bridge at the URL of its name.
BRIDGES = """
pid nginx.pid;
error_log error.log;
events {}
http {
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    client_max_body_size 0;
    client_body_timeout 2;
    uwsgi_request_buffering off;
    server {
        listen unix:front;
        uwsgi_param PATH_INFO $document_uri;
        uwsgi_param REQUEST_METHOD $request_method;
        uwsgi_param REQUEST_URI $request_uri;
        uwsgi_param SERVER_PROTOCOL $server_protocol;
        uwsgi_param CONTENT_TYPE $content_type;
        uwsgi_param CONTENT_LENGTH $content_length;
        uwsgi_modifier1 173;
        location = /xmlrpc { uwsgi_modifier2 3; uwsgi_pass unix:backend; }
        location = /jsonrpc { uwsgi_modifier2 4; uwsgi_pass unix:backend; }
    }
}
"""


@contextlib.contextmanager
def nginx(directory, conf, ready):
    """Runs nginx with this configuration in a directory of its own, once ready() is true."""
    directory.mkdir(exist_ok=True)
    log = directory / 'log'
    (directory / 'nginx.conf').write_text(conf)
    with open(log, 'wb') as output:
        process = subprocess.Popen(['nginx', '-p', f'{directory}/', '-c', directory / 'nginx.conf',
                                    '-g', 'daemon off; master_process off;'],
                                   stdin=subprocess.DEVNULL, stdout=output, stderr=output)

    def is_ready():
        assert process.poll() is None, log.read_text()
        return ready()

    try:
        poll(is_ready, what=f'start of nginx, see {log}')
        yield
    finally:
        process.terminate()
        process.wait(30)


@contextlib.contextmanager
def bridges(directory, backend, listen=None, ready=None):
    """nginx before the document bridges of a server's uwsgi socket; the path of its own socket."""
    front = directory / 'front'
    conf = BRIDGES.replace('unix:backend', f'unix:{backend}')
    conf = conf.replace('unix:front', listen or f'unix:{front}')
    with nginx(directory, conf, ready or (lambda: listens(front))):
        yield str(front)
