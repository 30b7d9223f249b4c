"""The user's files with the openEO Python client: upload, list, download, delete, load, and results among them."""
import json

import numpy as np
import openeo
import pystac
import pytest
import requests

import by_hand
from conftest import SHARED

SUMMER = ['2021-06-01', '2021-09-01']


@pytest.fixture
def files(connection):
    """Uploads under a path; everything is deleted afterwards."""
    def upload(source, path):
        return connection.upload_file(source, path)
    yield upload
    for file in connection.list_files():
        file.delete()


@pytest.fixture(scope='module')
def scenes():
    folder = SHARED / 'hesbaye/s2'
    if not folder.exists():
        pytest.skip('../shared/data is absent')
    return sorted(folder.glob('*.tif'))


def listed(connection):
    return [str(file.path) for file in connection.list_files()]


def loaded(connection, paths, format, **options):
    return connection.datacube_from_process('load_uploaded_files', paths=[str(p) for p in paths], format=format, options=options)


def test_files_come_and_go(connection, files, scenes, tmp_path):
    scene = scenes[7]
    sent = files(scene, 'my scenes/höhe/scene.tif')
    assert sent.metadata['size'] == scene.stat().st_size
    assert listed(connection) == ['my scenes/höhe/scene.tif']
    got = connection.get_file('my scenes/höhe/scene.tif').download(tmp_path / 'got.tif')
    assert got.read_bytes() == scene.read_bytes()
    connection.get_file('my scenes/höhe/scene.tif').delete()
    assert listed(connection) == []
    storage = connection.describe_account()['storage']
    assert storage['free'] == storage['quota'] > 0


def test_geotiff_files_are_a_cube_of_dates(connection, files, scenes, tmp_path):
    june, july = (next(scene for scene in scenes if f'2021-{month}' in scene.name) for month in ('06', '07'))
    for scene in (june, july):
        files(scene, f'hesbaye/{scene.name}')
    cube = loaded(connection, [f'hesbaye/{june.name}', f'hesbaye/{july.name}'], 'GTiff')
    path = tmp_path / 'max.tif'
    cube.filter_bands(['B04', 'B08']).reduce_dimension(dimension='t', reducer='max').download(path, format='GTiff')
    values, _, names = by_hand.read(path)
    first, second = by_hand.hesbaye_month('2021-06')[0], by_hand.hesbaye_month('2021-07')[0]
    assert names == ('B04', 'B08')
    np.testing.assert_array_equal(values[0], np.maximum(first[2], second[2]))
    np.testing.assert_array_equal(values[1], np.maximum(first[6], second[6]))


def test_a_batch_job_reads_them_too(connection, files, scenes, tmp_path):
    scene = next(scene for scene in scenes if '2021-07' in scene.name)
    files(scene, scene.name)
    job = loaded(connection, [scene.name], 'GTiff').filter_bands(['B08']).save_result('netCDF').create_job()
    job.start_and_wait(print=lambda _: None, max_poll_interval=1)
    [asset] = job.get_results().get_assets()
    saved = asset.download(tmp_path / 'result.nc')
    job.delete()
    # What the service wrote, it reads.
    connection.upload_file(saved, 'again.nc')
    again = tmp_path / 'again.tif'
    loaded(connection, ['again.nc'], 'netCDF').download(again, format='GTiff')
    values, _, names = by_hand.read(again)
    assert names == ('B08',)
    np.testing.assert_array_equal(values[0], by_hand.hesbaye_month('2021-07')[0][6])


def test_geojson_is_a_vector_cube(connection, files, tmp_path):
    features = [{'type': 'Feature', 'id': name, 'properties': {'area': area}, 'geometry': {'type': 'Point', 'coordinates': [x, 50.6]}} for name, area, x in (('a', 2, 5.3), ('b', 3.5, 5.31))]
    source = tmp_path / 'places.geojson'
    source.write_text(json.dumps({'type': 'FeatureCollection', 'features': features}))
    files(source, 'places.geojson')
    graph = loaded(connection, ['places.geojson'], 'GeoJSON', properties=['area'])
    path = tmp_path / 'result.json'
    graph.download(path, format='JSON')
    document = json.loads(path.read_text())
    assert document['coords']['geometry']['data'] == ['a', 'b']
    assert np.ravel(document['data']).tolist() == [2, 3.5]


def test_strangers_read_nothing(connection, service, files, tmp_path):
    source = tmp_path / 'mine.txt'
    source.write_text('mine')
    files(source, 'mine.txt')
    assert requests.get(f'{service.url}/openeo/1.3/files/mine.txt', timeout=30).status_code == 401
    with pytest.raises(openeo.rest.OpenEoApiError) as missing:
        loaded(connection, ['../user-other/mine.txt'], 'GTiff').download(tmp_path / 'x.tif', format='GTiff')
    assert missing.value.code == 'FileNotFound'


def test_results_are_exported_to_the_files(connection, files, hesbaye, service, tmp_path):
    saved = connection.load_collection(hesbaye, temporal_extent=SUMMER, bands=['B04', 'B08']).save_result('GTiff')
    named = saved.process('stac_modify', data=saved, changes={'id': 'summer', 'properties': {'title': 'Summer', 'license': 'CC-BY-4.0'}})
    job = named.process('export_workspace', data=named, workspace='user', merge='results/summer').create_job()
    job.start_and_wait(print=lambda _: None, max_poll_interval=1)
    job.delete()
    paths = listed(connection)
    assert len(paths) == 7 and 'results/summer/collection.json' in paths
    for file in connection.list_files():
        file.download(tmp_path / file.path)
    collection = pystac.Collection.from_file(str(tmp_path / 'results/summer/collection.json'))
    assert (collection.title, collection.license) == ('Summer', 'CC-BY-4.0')
    items = sorted(collection.get_items(), key=lambda item: item.datetime)
    assert [item.datetime.strftime('%Y-%m') for item in items] == ['2021-06', '2021-07', '2021-08']
    values, _, names = by_hand.read(items[1].assets['data'].get_absolute_href())
    assert names == ('B04', 'B08')
    np.testing.assert_array_equal(values[0], by_hand.hesbaye_month('2021-07')[0][2])
    # And loaded again as files of the user.
    tif = [path for path in paths if path.endswith('.tif') and '2021-07' in path]
    back = tmp_path / 'back.tif'
    loaded(connection, tif, 'GTiff').download(back, format='GTiff')
    np.testing.assert_array_equal(by_hand.read(back)[0][0], values[0])
