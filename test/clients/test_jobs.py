"""The life of a batch job, with the openEO Python client."""
import hashlib
import re
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
    (old,) = [asset.href for asset in job.get_results().get_assets()]
    before = job.describe()
    assert requests.get(old, timeout=10).status_code == 200
    job.start()
    wait(job, 'finished')
    after = job.describe()
    assert after['created'] == before['created'] and after['queued'] > before['queued'] and after['started'] > before['started']
    (new,) = [asset.href for asset in job.get_results().get_assets()]
    assert requests.get(new, timeout=10).status_code == 200
    assert requests.get(old, timeout=10).json()['code'] == 'ResultLinkExpired'
    # The log is that of the last run.
    assert len([entry for entry in job.logs() if entry['message'].startswith('Finished in')]) == 1
    job.delete()


def test_estimate(connection, hesbaye, cube):
    cube.execute_batch(out_format='GTiff').delete()
    # Workers write down how fast they are every few seconds.
    time.sleep(6)
    job = cube.create_job(out_format='GTiff')
    estimate = job.estimate()
    assert re.fullmatch(r'PT(\d+H)?(\d+M)?(\d+S)?', estimate['duration']), estimate
    assert job.status() == 'created'
    job.start_and_wait()
    (asset,) = job.get_results().get_assets()
    # Told from what was written before, which other tests filled with other pixels: these pack better or worse.
    assert 0.2 < estimate['size'] / asset.metadata['file:size'] < 5
    # Embeddings that nobody has computed yet: how large they are is known, how long they take may not be.
    embeddings = connection.load_collection(hesbaye, temporal_extent=['2021-08-01', '2021-09-01'], bands=by_hand.BANDS)
    other = embeddings.process('compress_embed', data=embeddings, model='pca').create_job(out_format='netCDF')
    assert other.estimate()['size'] > 0
    udf = cube.process('run_udf', data=cube, udf='const apply = ({data}) => data;', runtime='JavaScript').create_job(out_format='GTiff')
    with pytest.raises(openeo.rest.OpenEoApiError) as unknown:
        udf.estimate()
    assert (unknown.value.code, unknown.value.http_status_code) == ('EstimateComplexity', 500)
    for each in (job, other, udf):
        each.delete()


def test_logs_by_level(connection, hesbaye):
    cube = connection.load_collection(hesbaye, temporal_extent=SUMMER, bands=['B04']).mean_time()
    job = cube.create_job(out_format='GTiff', log_level='debug')
    job.start_and_wait()
    levels = ['debug', 'info', 'warning', 'error']
    logs = {level: job.logs(level=level) for level in levels}
    for i, level in enumerate(levels):
        assert {entry['level'] for entry in logs[level]} <= set(levels[i:])
    assert len(logs['debug']) > len(logs['info']) > 0
    assert logs['error'] == []
    (loaded,) = [entry for entry in logs['info'] if entry['message'].startswith('Loads')]
    assert loaded['data']['items'] == 3
    assert loaded['path'][0]['process_id'] == 'load_collection'
    (written,) = [entry for entry in logs['info'] if entry['message'].startswith('Wrote 1 file')]
    assert written['data']['samples_read'] == 3 * 100 * 100
    job.delete()


def test_partial_results_and_usage(connection, cube):
    job = cube.create_job(out_format='GTiff')
    job.start_and_wait()
    partial = connection.get(f'/jobs/{job.job_id}/results', params={'partial': 'true'}, expected_status=200).json()
    assert list(partial['assets']) == [asset.key for asset in job.get_results().get_assets()]
    description = job.describe()
    usage = description['usage']
    assert usage['input_pixel']['value'] == 3 * 2 * 100 * 100
    assert usage['cpu']['value'] > 0 and usage['cpu']['unit'] == 'cpu-seconds'
    assert usage['storage']['value'] == sum(asset['file:size'] for asset in partial['assets'].values())
    assert description['plan'] == 'free' and 'costs' not in description
    (asset,) = partial['assets'].values()
    content = requests.get(asset['href'], timeout=10).content
    assert asset['file:checksum'] == '1220' + hashlib.sha256(content).hexdigest()
    for band in asset['bands']:
        assert band['statistics']['minimum'] <= band['statistics']['mean'] <= band['statistics']['maximum']
    job.delete()


def test_budget_below_zero(connection, cube):
    for budget, code in ((-1, 'BudgetInvalid'), ('much', 'ProcessParameterInvalid')):
        with pytest.raises(openeo.rest.OpenEoApiError) as refused:
            cube.create_job(out_format='GTiff', budget=budget)
        assert refused.value.code == code
    with pytest.raises(openeo.rest.OpenEoApiError) as refused:
        cube.create_job(out_format='GTiff', plan='gold')
    assert refused.value.code == 'BillingPlanInvalid'
    assert [plan.name if hasattr(plan, 'name') else plan['name'] for plan in connection.capabilities().list_plans()] == ['free']
