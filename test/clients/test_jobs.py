"""The life of a batch job, with the openEO Python client."""
import time

import numpy as np
import openeo
import pytest
import requests

import by_hand

SUMMER = ['2021-06-01', '2021-09-01']


@pytest.fixture
def cube(connection, hesbaye):
    return connection.load_collection(hesbaye, temporal_extent=SUMMER, bands=['B04', 'B08']).mean_time()


def wait(job, *wanted, seconds=120):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        status = job.status()
        if status in wanted:
            return status
        assert status not in ('error', 'canceled'), job.logs()
        time.sleep(0.3)
    raise TimeoutError(f'{job.job_id} is still {status}')


def test_life_cycle(connection, cube, tmp_path):
    job = cube.create_job(out_format='GTiff', title='Summer mean', description='red and near infrared')
    assert job.status() == 'created'
    with pytest.raises(openeo.rest.OpenEoApiError) as early:
        job.get_results().get_metadata()
    assert early.value.code in ('JobNotStarted', 'JobNotFinished')
    assert job.job_id in [entry['id'] for entry in connection.list_jobs()]

    job.start()
    wait(job, 'finished')
    description = job.describe()
    assert description['title'] == 'Summer mean'
    assert description['progress'] == 100
    assert description['process']['process_graph']

    results = job.get_results()
    metadata = results.get_metadata()
    assert metadata['stac_version'] == '1.1.0'
    (path,) = [file for file in results.download_files(tmp_path, include_stac_metadata=False) if str(file).endswith('.tif')]
    values, _, names = by_hand.read(path)
    stack = [by_hand.hesbaye_month(month)[0] for month in ('2021-06', '2021-07', '2021-08')]
    np.testing.assert_allclose(values[0], np.nanmean(np.array(stack, dtype='float64')[:, 2], axis=0), rtol=1e-6)
    assert names == ('B04', 'B08')

    entries = job.logs()
    assert entries and all(isinstance(entry['id'], str) for entry in entries)
    later = job.logs(offset=entries[0]['id'])
    assert [entry['id'] for entry in later] == [entry['id'] for entry in entries[1:]]

    job.delete()
    with pytest.raises(openeo.rest.OpenEoApiError) as gone:
        job.describe()
    assert gone.value.code == 'JobNotFound'


def test_assets_answer_range_and_head(cube):
    job = cube.execute_batch(out_format='GTiff')
    (asset,) = [asset for asset in job.get_results().get_assets() if asset.key.endswith('.tif')]
    head = requests.head(asset.href, timeout=10)
    assert head.status_code == 200
    assert head.headers['Accept-Ranges'] == 'bytes'
    size = int(head.headers['Content-Length'])
    part = requests.get(asset.href, headers={'Range': 'bytes=0-3'}, timeout=10)
    assert part.status_code == 206
    assert part.headers['Content-Range'] == f'bytes 0-3/{size}'
    assert part.content[:2] == b'II'
    assert requests.get(asset.href.replace('signature=', 'signature=0').replace('sig=', 'sig=0') + 'x', timeout=10).status_code in (403, 404, 410)
    job.delete()


def test_metadata_of_embeddings(connection, hesbaye):
    cube = connection.load_collection(hesbaye, temporal_extent=['2021-06-01', '2021-07-01'], bands=by_hand.BANDS)
    job = cube.process('compress_embed', data=cube, model='pca', quantization='int8').execute_batch(out_format='GTiff')
    metadata = job.get_results().get_metadata()
    properties = metadata.get('properties', metadata)
    text = str(metadata)
    assert 'emb:quantization' in text
    assert 'sha256:' in text
    assert [link for link in metadata['links'] if link['rel'] == 'derived_from']
    assert properties
    job.delete()


def test_cancel(connection, hesbaye):
    cube = connection.load_collection(hesbaye, bands=by_hand.BANDS)
    job = cube.process('compress_embed', data=cube, model='conv').create_job(out_format='netCDF')
    job.start()
    job.stop()
    deadline = time.monotonic() + 60
    while job.status() in ('queued', 'running') and time.monotonic() < deadline:
        time.sleep(0.3)
    assert job.status() in ('created', 'canceled', 'finished')
    job.delete()


def test_failed_job_says_why(connection, hesbaye):
    cube = connection.load_collection(hesbaye, temporal_extent=['2021-06-01', '2021-07-01'], bands=['B04'])
    job = cube.process('compress_embed', data=cube, model='pca').create_job(out_format='GTiff')
    job.start()
    deadline = time.monotonic() + 60
    while job.status() != 'error' and time.monotonic() < deadline:
        time.sleep(0.3)
    assert job.status() == 'error'
    (entry, *_) = [entry for entry in job.logs() if entry['level'] == 'error']
    assert entry['code'] == 'OperatorBandsMissing'
    assert 'B02' in entry['message']
    job.delete()


def test_restart_discards_old_results(cube):
    job = cube.execute_batch(out_format='GTiff')
    job.start()
    wait(job, 'finished')
    assert job.get_results().get_assets()
    job.delete()
