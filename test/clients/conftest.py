"""A running service for the tests with real clients: `lamina serve` on a free port and an empty data directory."""
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import openeo
import pytest
import requests

ROOT = Path(__file__).resolve().parents[2]
NODE = ROOT / 'node_modules/.bin/node'
SHARED = ROOT.parent / 'shared/data'
USER, PASSWORD = 'test', 'test-password'
# May write items.
EDITOR = 'editor'

# Signed links carry a query; GDAL must not look for files beside them.
os.environ['GDAL_DISABLE_READDIR_ON_OPEN'] = 'EMPTY_DIR'


class Service:
    """The service under test, and the command line on the same data."""

    def __init__(self, data: Path, settings=None):
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            port = free.getsockname()[1]
        self.url = f'http://127.0.0.1:{port}'
        self.data = data
        # Settings of whoever runs the tests must not reach the service.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith('LAMINA_')}
        self.environment = {
            **inherited,
            'PATH': f'{NODE.parent}:{inherited["PATH"]}',
            'LAMINA_PORT': str(port),
            'LAMINA_DATA': str(data),
            'LAMINA_BASIC_USERS': f'{USER}:{PASSWORD},{EDITOR}:{PASSWORD}',
            'LAMINA_EDITORS': EDITOR,
            **(settings or {}),
        }
        self.log = open(data.parent / 'service.log', 'w')
        self.process = subprocess.Popen(
            [NODE, 'bin/lamina.mjs', 'serve'], cwd=ROOT, env=self.environment, stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True)

    def wait_until_ready(self, seconds=120):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            if 'Lamina is ready' in self.printed() and self.is_healthy():
                return
            time.sleep(0.2)
        raise RuntimeError(f'The service did not get ready:\n{self.printed()}')

    def printed(self):
        return Path(self.log.name).read_text()

    def is_healthy(self):
        try:
            return requests.get(f'{self.url}/health', timeout=2).status_code == 200
        except requests.ConnectionError:
            return False

    def lamina(self, *arguments):
        """Runs the command line against the data of the service; gives what it printed."""
        done = subprocess.run([NODE, 'bin/lamina.mjs', *arguments], cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self.log.close()


@pytest.fixture(scope='session')
def service(tmp_path_factory):
    running = Service(tmp_path_factory.mktemp('lamina') / 'data')
    try:
        running.wait_until_ready()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope='session')
def connection(service):
    """The openEO Python client, logged in."""
    return openeo.connect(service.url).authenticate_basic(USER, PASSWORD)


@pytest.fixture(scope='session')
def hesbaye(service):
    """Id of a collection of real Sentinel-2 composites: 12 months, 100 × 100 pixels, nine bands."""
    folder = SHARED / 'hesbaye/s2'
    if not folder.exists():
        pytest.skip('../shared/data is absent')
    printed = service.lamina('ingest', str(folder), '--collection', 'HESBAYE_S2')
    assert re.search(r'HESBAYE_S2: 12 items', printed), printed
    return 'HESBAYE_S2'
