"""Operators that are published while the service runs: seen by pystac-client, run by the openEO client, fetched by a machine of their own."""
import hashlib
import json
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pystac_client
import pytest
import requests
from conftest import NODE, ROOT


def until(look, seconds=30):
    """What `look` gives as soon as it gives something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError('it did not happen in time')


@pytest.fixture(scope='module')
def publish(service, tmp_path_factory):
    """Publishes the shipped pca as another version of 'spectral'."""
    def as_version(version):
        folder = tmp_path_factory.mktemp('package')
        for name in ['model.onnx', 'golden.json', 'card.md']:
            shutil.copy(ROOT / 'operators/pca' / name, folder)
        manifest = json.loads((ROOT / 'operators/pca/operator.json').read_text())
        (folder / 'operator.json').write_text(json.dumps({**manifest, 'name': 'spectral', 'version': version}))
        service.lamina('operator', 'publish', str(folder), '--by', 'pytest')
        until(lambda: version in requests.get(f'{service.url}/operators/spectral', timeout=10).json().get('versions', []))
    for version in ['1.9.0', '1.10.0', '2.0.0-rc1']:
        as_version(version)


def embedded(connection, model):
    cube = connection.load_collection('SYNTHETIC_S2', temporal_extent=['2023-04-01', '2023-05-01'])
    answer = json.loads(cube.process('compress_embed', data=cube, model=model).save_result('JSON').download())
    return np.array(answer['data'], dtype='float64')


def test_stac_shows_every_version_and_where_its_archive_is(service, publish):
    catalog = pystac_client.Client.open(f'{service.url}/stac')
    found = until(lambda: {item.id: item for item in catalog.search(collections=['operators'], query={'lamina:operator': {'eq': 'spectral'}}).items()})
    assert sorted(found) == ['spectral-1.10.0', 'spectral-1.9.0', 'spectral-2.0.0-rc1']
    archive = found['spectral-1.10.0'].assets['archive']
    content = requests.get(archive.href, timeout=30).content
    assert archive.extra_fields['file:checksum'] == '1220' + hashlib.sha256(content).hexdigest()
    assert found['spectral-2.0.0-rc1'].properties['experimental'] is True


def test_the_latest_release_runs_and_gives_the_vectors_of_its_model(connection, publish):
    np.testing.assert_array_equal(embedded(connection, 'spectral'), embedded(connection, 'pca'))
    parameter = next(p for p in connection.describe_process('compress_embed')['parameters'] if p['name'] == 'model')
    assert 'spectral' in json.dumps(parameter)


def test_a_rollback_moves_the_latest_and_no_pin(service, publish):
    version = lambda reference: requests.get(f'{service.url}/operators/{reference}', timeout=10).json()['version']
    pinned = requests.get(f'{service.url}/operators/spectral', timeout=10).json()['reference']
    assert version('spectral') == '1.10.0'
    assert service.lamina('operator', 'rollback', 'spectral', '--reason', 'a test') == 'spectral:latest is 1.9.0 again\n'
    until(lambda: version('spectral') == '1.9.0')
    assert version(pinned) == '1.10.0'


def test_another_machine_needs_nothing_but_a_directory_of_files(service, publish, tmp_path):
    environment = {'PATH': service.environment['PATH'], 'LAMINA_DATA': str(tmp_path / 'data'), 'LAMINA_OPERATORS': str(service.data / 'objects')}
    done = subprocess.run([NODE, ROOT / 'bin/lamina.mjs', 'operator', 'pull', 'spectral:1.10'], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    folder = Path(done.stdout.splitlines()[1])
    assert json.loads((folder / 'operator.json').read_text())['version'] == '1.10.0'
    sums = next((service.data / 'objects').glob('operators/library/spectral/versions/1.10.0'))
    assert subprocess.run(['sha256sum', '-c', 'SHA256SUMS'], cwd=sums, capture_output=True, timeout=30).returncode == 0
