"""The openEO Python client finds its way: versions, collections, processes, formats, account."""
import openeo
import pytest
import requests

from conftest import PASSWORD, USER


def test_versions(service):
    versions = requests.get(f'{service.url}/.well-known/openeo', timeout=10).json()['versions']
    assert {v['api_version'] for v in versions} == {'1.2.0', '1.3.0'}
    for version in versions:
        assert version['url'].startswith(service.url)
        capabilities = requests.get(version['url'], timeout=10).json()
        assert capabilities['api_version'] == version['api_version']
        assert capabilities['production'] == version['production']
        assert openeo.connect(version['url']).capabilities().api_version() == version['api_version']


def test_discovers_from_the_root(connection, service):
    assert connection.root_url.startswith(f'{service.url}/openeo/1.')


def test_collections(connection):
    ids = connection.list_collection_ids()
    assert {'SYNTHETIC_S2', 'EMB_SYNTHETIC_S2_PCA'} <= set(ids)
    synthetic = connection.describe_collection('SYNTHETIC_S2')
    assert 'synthetic' in synthetic['title'].lower()
    assert 'synthetic' in synthetic['description'].lower()
    assert 'synthetic' in [keyword.lower() for keyword in synthetic['keywords']]
    assert synthetic['cube:dimensions']['bands']['type'] == 'bands'


def test_client_reads_the_metadata(connection):
    raw = connection.load_collection('SYNTHETIC_S2')
    assert {'B02', 'B04', 'B08', 'B12'} <= set(raw.metadata.band_names)
    assert 't' in raw.metadata.dimension_names()
    layer = connection.load_collection('EMB_SYNTHETIC_S2_PCA')
    assert layer.metadata.band_names[:2] == ['e000', 'e001']


def test_processes(connection):
    processes = {process['id']: process for process in connection.list_processes()}
    assert {'load_collection', 'save_result', 'ndvi', 'mean', 'compress_embed'} <= set(processes)
    assert [parameter['name'] for parameter in processes['compress_embed']['parameters']] == ['data', 'model', 'quantization', 'dimensions', 'options']


def test_file_formats(connection):
    assert {'GTiff', 'PNG', 'JSON', 'netCDF'} <= set(connection.list_output_formats())


def test_account(connection):
    assert connection.describe_account()['user_id'] == USER


def test_wrong_password(service):
    with pytest.raises(openeo.rest.OpenEoApiError) as refused:
        openeo.connect(service.url).authenticate_basic(USER, PASSWORD + 'x')
    assert refused.value.code == 'CredentialsInvalid'
    assert refused.value.http_status_code == 403


def test_no_login(service):
    with pytest.raises(openeo.rest.OpenEoApiError) as refused:
        openeo.connect(service.url).describe_account()
    assert refused.value.code == 'AuthenticationRequired'
