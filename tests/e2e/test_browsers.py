# SPDX-License-Identifier: MIT
"""What pages do to the bridges in a real browser, Chromium: what counts is how often the function was
called. A page is the application's, by another name or on another port of the same server."""
import json
import xmlrpc.client

import pytest
from chromium import PATIENCE_SEC, chromium
from conftest import HTTP, TCP, WITHOUT, poll
from test_bridge_clients import require

pytestmark = [pytest.mark.alone('a browser takes what there is'), pytest.mark.xdist_group('browser')]
CALL = {'jsonrpc': '2.0', 'method': 'hit', 'params': ['a'], 'id': 1}
JSON = ('/jsonrpc', {'method': 'POST', 'headers': {'Content-Type': 'application/json'}, 'body': json.dumps(CALL)})
JSON_ANSWER = '{"jsonrpc":"2.0","result":"hit a","id":1}'
XML = ('/xmlrpc', {'method': 'POST', 'headers': {'Content-Type': 'text/xml'}, 'body': xmlrpc.client.dumps(('a',), 'hit')})
# What a form could send, too: there is no preflight.
SIMPLE = ('/jsonrpc', {'method': 'POST', 'headers': {'Content-Type': 'text/plain'}, 'body': json.dumps(CALL)})
PATH = ('/rpc/hit/a', {})
FETCH = 'fetch(arguments[0], arguments[1]).then(a => a.text()).then(arguments[2], error => arguments[2](null));'
ELEMENT = '''
    const element = document.createElement(arguments[0]);
    element.onload = element.onerror = () => arguments[2](true);
    element.src = arguments[1];
    document.body.appendChild(element);'''
FORM = '''
    const form = document.createElement('form'), field = document.createElement('input');
    [form.action, form.method, form.enctype] = arguments;
    [field.name, field.value] = ['{"jsonrpc":"2.0","method":"hit","id":1,"x":"', '"}'];
    form.appendChild(field);
    document.body.appendChild(form);
    form.submit();'''
LINK = '''
    const link = document.createElement('a');
    link.href = arguments[0];
    document.body.appendChild(link);
    link.click();'''


@pytest.fixture(scope='module')
def browser(tmp_path_factory):
    require('chromium --version && chromedriver --version && /usr/bin/python3 -c "import selenium"')
    with chromium(tmp_path_factory.mktemp('chromium')) as driver:
        yield driver


class Site:
    """A server with two ports, and the browser that looks at it."""

    def __init__(self, browser, server):
        self.browser, self.server = browser, server

    def url(self, host, path='/', port=1):
        return f'http://{host}:{self.server.sockets[port][1]}{path}'

    def show(self, host, port=1):
        """Opens a page; scripts run in it as its own."""
        self.browser.get(self.url(host, port=port))
        assert self.browser.current_url == self.url(host, port=port)

    def fetch(self, call, host='127.0.0.1', **more):
        """What a page's script gets to read, None where the browser keeps it from it."""
        path, request = call
        return self.browser.execute_async_script(FETCH, self.url(host, path), {**request, **more})

    def calls(self):
        return int(self.server.call('hits'))

    def refused(self):
        return self.server.log.count('(cross-site)')


@pytest.fixture(scope='module')
def start(browser, shared_uwsgi):
    def start(*options):
        return Site(browser, shared_uwsgi(
            TCP, HTTP, HTTP, ('threads', 4), ('plugin', 'router_uwsgi'), ('rpc-http-prefix', '/rpc'),
            ('route', '^/rpc/ uwsgi:,173,2'), ('route', '^/xmlrpc$ uwsgi:,173,3'), ('route', '^/jsonrpc$ uwsgi:,173,4'),
            *options, app='counting.py'))
    return start


@pytest.fixture(scope='module')
def closed(start):
    """No page of another origin is let in."""
    return start()


@pytest.fixture(scope='module')
def opened(start, closed):
    """The page that localhost is, on the other server, is let in."""
    return start(('rpc-origin', closed.url('localhost')[:-1]))


def test_the_address_bar(closed):
    """The result is text that is shown; with another name nothing but the name differs."""
    before = closed.calls()
    closed.browser.get(closed.url('127.0.0.1', '/rpc/hit/%C3%A9'))
    assert closed.browser.find_element('tag name', 'body').text == 'hit é'
    assert closed.browser.execute_script('return document.contentType') == 'text/plain'
    assert closed.calls() == before + 1


@pytest.mark.parametrize('host', ['127.0.0.1', 'rpc.example'])
def test_a_page_of_the_same_origin(closed, host):
    """With Sec-Fetch-Site, and by plain HTTP to a name, with which browsers do not send it."""
    closed.show(host)
    calls = [(PATH, 'hit a'), (JSON, JSON_ANSWER)] + ([] if 'libxml-2.0' in WITHOUT else [(XML, 'hit a')])
    before = closed.calls()
    for call, answer in calls:
        assert answer in closed.fetch(call, host)
    assert closed.calls() == before + len(calls)


@pytest.mark.parametrize('host, port', [('localhost', 1), ('127.0.0.1', 2), ('other.example', 1)],
                         ids=['another site', 'another port', 'plain HTTP'])
@pytest.mark.parametrize('call', [PATH, JSON, XML, SIMPLE], ids=['path', 'json', 'xml', 'without a preflight'])
@pytest.mark.parametrize('mode', ['cors', 'no-cors'])
def test_a_script_of_another_origin(closed, call, host, port, mode):
    """Neither calls nor reads, whether or not the script wants to read."""
    closed.show(host, port)
    calls, refused = closed.calls(), closed.refused()
    assert closed.fetch(call, credentials='include', mode=mode) in (None, '')
    poll(lambda: closed.refused() > refused, PATIENCE_SEC, 'a refusal')
    assert closed.calls() == calls


@pytest.mark.parametrize('tag', ['img', 'script', 'iframe', 'audio'])
def test_an_element_of_another_site(closed, tag):
    closed.show('localhost')
    calls, refused = closed.calls(), closed.refused()
    closed.browser.execute_async_script(ELEMENT, tag, closed.url('127.0.0.1', '/rpc/hit'))
    poll(lambda: closed.refused() > refused, PATIENCE_SEC, 'a refusal')
    assert closed.calls() == calls


@pytest.mark.parametrize('host', ['localhost', 'other.example'])
@pytest.mark.parametrize('path, method, enctype', [
    ('/rpc/hit', 'get', ''), ('/rpc/hit', 'post', ''), ('/jsonrpc', 'post', 'text/plain'),
    ('/xmlrpc', 'post', 'multipart/form-data')])
def test_a_form_of_another_site(closed, host, path, method, enctype):
    closed.show(host)
    calls, refused = closed.calls(), closed.refused()
    closed.browser.execute_script(FORM, closed.url('127.0.0.1', path), method, enctype)
    poll(lambda: closed.refused() > refused, PATIENCE_SEC, 'a refusal')
    assert closed.calls() == calls


def test_a_link_of_another_site(closed):
    closed.show('localhost')
    calls, refused = closed.calls(), closed.refused()
    closed.browser.execute_script(LINK, closed.url('127.0.0.1', '/rpc/hit'))
    poll(lambda: closed.refused() > refused, PATIENCE_SEC, 'a refusal')
    assert closed.calls() == calls


# --- rpc-origin, rpc-post-only ------------------------------------------------------------------------


def test_a_page_that_is_let_in(opened, closed):
    """With cookies and a header of its own, which a preflight asks about; it reads errors, too."""
    closed.show('localhost')
    before = opened.calls()
    assert opened.fetch(PATH) == 'hit a'
    headers = {'Content-Type': 'application/json', 'X-Token': 'secret'}
    assert opened.fetch(JSON, credentials='include', headers=headers) == JSON_ANSWER
    assert opened.fetch(('/rpc/hit/a', {'method': 'DELETE'})) == 'hit a'
    assert opened.calls() == before + 3
    assert opened.fetch(('/rpc/nosuch', {})) == 'no such function\n'
    assert opened.fetch(SIMPLE) == 'this bridge does not take that Content-Type\n'
    assert opened.calls() == before + 3


@pytest.mark.parametrize('host, port', [('localhost', 2), ('127.0.0.1', 1), ('other.example', 1)])
def test_nobody_else_is(opened, closed, host, port):
    closed.show(host, port)
    calls, refused = opened.calls(), opened.refused()
    for call in (PATH, JSON, SIMPLE):
        assert opened.fetch(call) is None
    poll(lambda: opened.refused() == refused + 3, PATIENCE_SEC, 'refusals')
    assert opened.calls() == calls


def test_everybody_without_cookies(start):
    site = start(('rpc-origin', '*'))
    site.show('localhost')
    before = site.calls()
    assert (site.fetch(PATH), site.fetch(JSON)) == ('hit a', JSON_ANSWER)
    assert site.calls() == before + 2
    assert site.fetch(JSON, credentials='include') is None
    assert site.calls() == before + 2


def test_plain_http_is_closed_by_post_only(start):
    """The documented limit: of an image on plain HTTP nobody says whose it is."""
    site = start(('rpc-post-only', 'true'))
    site.show('other.example')
    before = site.calls()
    site.browser.execute_async_script(ELEMENT, 'img', site.url('rpc.example', '/rpc/hit'))
    site.browser.execute_script(LINK, site.url('rpc.example', '/rpc/hit'))
    poll(lambda: site.server.log.count('(method)') == 2, PATIENCE_SEC, 'refusals')
    assert site.calls() == before
    site.show('rpc.example')
    assert site.fetch(('/rpc/hit/a', {'method': 'POST'}), 'rpc.example') == 'hit a'
    assert site.calls() == before + 1
