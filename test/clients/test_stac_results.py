"""Results of batch jobs in the STAC catalog: their user finds them with pystac-client, and nobody else does."""
import numpy as np
import openeo
import pystac_client
import pytest
import rasterio

from conftest import EDITOR, PASSWORD
from pixels import assert_odc_stac_reads_what_rasterio_reads


@pytest.fixture(scope='module')
def job(connection):
    cube = connection.load_collection('SYNTHETIC_S2', bands=['B04', 'B08']).mean_time()
    return cube.execute_batch(out_format='GTiff', title='Mean of all times', print=lambda line: None, max_poll_interval=1)


def catalog_of(service, connection=None):
    headers = {} if connection is None else {'Authorization': f'Bearer {connection.auth.bearer}'}
    return pystac_client.Client.open(f'{service.url}/stac', headers=headers)


def results_in(catalog, job):
    return list(catalog.search(collections=['job-results'], query={'lamina:job': {'eq': job.job_id}}).items())


def test_their_user_finds_and_opens_them(service, connection, job, tmp_path):
    catalog = catalog_of(service, connection)
    assert 'job-results' in [collection.id for collection in catalog.get_collections()]
    (item,) = results_in(catalog, job)
    assert item.collection_id == 'job-results' and item.properties['lamina:job'] == job.job_id
    pixels = assert_odc_stac_reads_what_rasterio_reads(item)
    (path,) = [path for path in job.get_results().download_files(tmp_path, include_stac_metadata=False) if str(path).endswith('.tif')]
    with rasterio.open(path) as file:
        np.testing.assert_array_equal(file.read(1), pixels)
    assert np.isfinite(pixels).any()


def test_they_are_searched_with_everything_else(service, connection, job):
    (item,) = results_in(catalog_of(service, connection), job)
    both = catalog_of(service, connection).search(collections=['SYNTHETIC_S2', 'job-results'], bbox=item.bbox, sortby='-properties.datetime', limit=3)
    assert {'SYNTHETIC_S2', 'job-results'} == {found.collection_id for found in both.items()}


@pytest.mark.parametrize('who', ['a visitor', 'another user'])
def test_nobody_else_does(service, job, who):
    other = None if who == 'a visitor' else openeo.connect(service.url).authenticate_basic(EDITOR, PASSWORD)
    catalog = catalog_of(service, other)
    assert 'job-results' not in [collection.id for collection in catalog.get_collections()]
    assert results_in(catalog, job) == []
    assert all(item.collection_id != 'job-results' for item in catalog.search(query={'lamina:job': {'eq': job.job_id}}, max_items=5).items())


def test_they_go_with_the_job(service, connection):
    job = connection.load_collection('SYNTHETIC_S2', bands=['B04']).max_time().execute_batch(out_format='GTiff', print=lambda line: None, max_poll_interval=1)
    assert len(results_in(catalog_of(service, connection), job)) == 1
    job.delete()
    assert results_in(catalog_of(service, connection), job) == []
