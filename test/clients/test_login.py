"""Logging in with OpenID Connect: the openEO Python client, its flows, and a provider with real signatures."""
import json
import re
import socket
import subprocess
from html import unescape
from urllib.parse import urljoin

import openeo
import pytest
import requests

from conftest import NODE, ROOT, Service


@pytest.fixture(scope='module')
def issuer():
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([NODE, 'test/clients/oidc-provider.ts', str(port)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope='module')
def guarded(issuer, tmp_path_factory):
    """A service that knows its users from the provider only."""
    folder = tmp_path_factory.mktemp('oidc')
    device = ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token']
    providers = [{'id': 'idp', 'title': 'Provider of the tests', 'issuer': issuer, 'scopes': ['openid', 'profile'], 'default_clients': [{'id': 'people', 'grant_types': device}]}]
    (folder / 'oidc.json').write_text(json.dumps(providers))
    running = Service(folder / 'data', {'LAMINA_OIDC_FILE': str(folder / 'oidc.json'), 'LAMINA_BASIC_AUTH': 'off', 'LAMINA_BASIC_USERS': ''})
    try:
        running.wait_until_ready()
        yield running
    finally:
        running.stop()


def test_a_machine_logs_in_with_client_credentials(guarded):
    connection = openeo.connect(guarded.url).authenticate_oidc_client_credentials(client_id='machine', client_secret='machine-secret')
    assert connection.describe_account()['user_id'] == 'idp~machine'
    assert connection.execute({'add': {'process_id': 'add', 'arguments': {'x': 1, 'y': 2}, 'result': True}}) == 3


@pytest.mark.parametrize('client', [None, 'opaque'])
def test_a_person_logs_in_with_the_device_flow(guarded, client, monkeypatch, tmp_path):
    """With the client that the service names, whose tokens are JWTs, and with one whose tokens are opaque."""
    monkeypatch.setenv('OPENEO_CONFIG_HOME', str(tmp_path))
    connection = openeo.connect(guarded.url)
    shown = []

    def show(text, **_):
        shown.append(str(text))
        link = re.search(r'https?://\S+user_code=[\w-]+', str(text))
        if link:
            confirm(link.group(), 'ann')

    connection.authenticate_oidc_device(client_id=client, use_pkce=False, store_refresh_token=False, display=show, max_poll_time=60)
    assert shown
    account = connection.describe_account()
    assert account['user_id'] == 'idp~ann'
    if client == 'opaque':
        assert account['name'] == 'ann of the tests'
    assert connection.list_jobs() == []


def test_nobody_logs_in_with_a_password(guarded):
    assert requests.get(f'{guarded.url}/openeo/1.3/credentials/basic', auth=('test', 'test-password')).status_code == 501
    capabilities = requests.get(f'{guarded.url}/openeo/1.3/').json()
    assert '/credentials/basic' not in [endpoint['path'] for endpoint in capabilities['endpoints']]


def confirm(link, name):
    """What a person does in the browser: opens the link, logs in, agrees."""
    browser = requests.Session()
    page = browser.get(link)
    for _ in range(6):
        form = re.search(r'<form[^>]*action="([^"]+)"[^>]*>(.*?)</form>', page.text, re.S)
        if not form:
            break
        fields = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*?value="([^"]*)"', form.group(2)))
        if 'name="login"' in form.group(2):
            fields.update(login=name, password='anything')
        page = browser.post(urljoin(page.url, unescape(form.group(1))), data=fields)
        assert page.status_code == 200, page.text
    assert re.search('success', page.text, re.I), page.text
