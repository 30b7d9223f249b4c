"""Secondary web services with the openEO client: processes published as maps, their tiles compared with numpy, WMTS opened by GDAL."""
import io
import math
import shutil
import subprocess

import numpy as np
import openeo
import pyproj
import pytest
import requests
from openeo.rest import OpenEoApiError
from PIL import Image

import by_hand

MONTH = '2021-06'
# The middle of the composites, and a zoom at which their pixels are larger than those of a tile.
CENTRE = pyproj.Transformer.from_crs(32631, 4326, always_xy=True).transform(664_500, 5_611_620)
ZOOM = 15


def tile_at(longitude, latitude, zoom):
    size = 2 ** zoom
    return int((longitude + 180) / 360 * size), int((1 - math.asinh(math.tan(math.radians(latitude))) / math.pi) / 2 * size)


X, Y = tile_at(*CENTRE, ZOOM)


def tile_url(template, x=X, y=Y, zoom=ZOOM):
    return template.replace('{z}', str(zoom)).replace('{x}', str(x)).replace('{y}', str(y))


def picture(url, **query):
    """The tile as [row, column, red green blue alpha]."""
    answer = requests.get(url, params=query, timeout=60)
    assert answer.status_code == 200, answer.text
    return np.asarray(Image.open(io.BytesIO(answer.content)).convert('RGBA'))


def sampled(values, transform, x=X, y=Y, zoom=ZOOM, size=256):
    """
    What lies under the middles of a tile's pixels: values [row, column] of a raster in EPSG:32631, NaN outside
    of it; and a mask of those that are well inside of a pixel of the raster, where rounding decides nothing.
    """
    edge = 2 * 20_037_508.342789244 / 2 ** zoom
    east = -20_037_508.342789244 + x * edge + (np.arange(size) + 0.5) * edge / size
    north = 20_037_508.342789244 - y * edge - (np.arange(size) + 0.5) * edge / size
    columns, rows = np.meshgrid(east, north)
    there = pyproj.Transformer.from_crs(3857, 32631, always_xy=True).transform(columns, rows)
    column, row = (there[0] - transform.c) / transform.a, (there[1] - transform.f) / transform.e
    inside = (column >= 0) & (row >= 0) & (column < values.shape[1]) & (row < values.shape[0])
    found = np.full(inside.shape, np.nan)
    found[inside] = values[row[inside].astype(int), column[inside].astype(int)]
    sure = (np.abs(column % 1 - 0.5) < 0.45) & (np.abs(row % 1 - 0.5) < 0.45)
    return found, sure


def assert_grey(shown, wanted, low, high, sure):
    """Grey from low to high, transparent where nothing is, compared where it is sure which pixel is meant."""
    shade = np.clip(np.round((wanted - low) / (high - low) * 255), 0, 255)
    seen = sure & ~np.isnan(wanted)
    assert seen.sum() > 20_000
    np.testing.assert_array_equal(shown[..., 3][sure], np.where(np.isnan(wanted), 0, 255)[sure])
    for channel in range(3):
        assert np.abs(shown[..., channel].astype(float) - shade)[seen].max() <= 1


@pytest.fixture(scope='module')
def month(hesbaye):
    samples, transform = by_hand.hesbaye_month(MONTH)
    return dict(zip(by_hand.BANDS, samples)), transform


def ndvi_of(connection, hesbaye, extent=None):
    cube = connection.load_collection(hesbaye, spatial_extent=extent, temporal_extent=[f'{MONTH}-01', f'{MONTH}-30'], bands=['B04', 'B08'], fetch_metadata=True)
    return cube.ndvi(red='B04', nir='B08').reduce_dimension(dimension='t', reducer='max')


def test_types_are_listed(connection):
    types = connection.list_service_types()
    assert set(types) == {'XYZ', 'WMTS', 'TileJSON'}
    assert all('visibility' in each['configuration'] for each in types.values())


def test_index_is_a_map(connection, hesbaye, month):
    bands, transform = month
    service = connection.create_service(ndvi_of(connection, hesbaye).flat_graph(), type='xyz', title='NDVI', configuration={'min': -0.2, 'max': 0.9})
    try:
        described = service.describe_service()
        assert described['title'] == 'NDVI' and described['enabled'] and described['type'] == 'XYZ'
        assert service.service_id in [each['id'] for each in connection.list_services()]
        shown = picture(tile_url(described['url']))
        wanted, sure = sampled(by_hand.ndvi(bands['B04'], bands['B08']), transform)
        assert_grey(shown, wanted, -0.2, 0.9, sure)
        assert requests.get(tile_url(described['url']), timeout=60).headers['lamina-cache'] == 'hit'
        # Beside it there is nothing.
        assert picture(tile_url(described['url'], x=X + 5))[..., 3].max() == 0

        # The client has no method for it yet.
        change = {'configuration': {'min': -0.2, 'max': 0.9, 'colormap': ['#000000', '#00ff00']}}
        connection.request('patch', f'/services/{service.service_id}', json=change, expected_status=204)
        again = picture(tile_url(service.describe_service()['url']))
        assert again[..., [0, 2]].max() == 0
        np.testing.assert_allclose(again[..., 1][again[..., 3] > 0], shown[..., 1][again[..., 3] > 0], atol=1)
        assert [entry['level'] for entry in service.logs()] == ['info', 'info']
    finally:
        service.delete_service()
    assert requests.get(tile_url(described['url']), timeout=60).status_code == 404
    with pytest.raises(OpenEoApiError) as error:
        service.describe_service()
    assert error.value.code == 'ServiceNotFound'


def test_true_colour_of_an_extent_is_a_jpeg(connection, hesbaye, month):
    bands, transform = month
    extent = {'west': 664_200, 'east': 664_800, 'south': 5_611_320, 'north': 5_611_920, 'crs': 32631}
    cube = connection.load_collection(hesbaye, spatial_extent=extent, temporal_extent=[f'{MONTH}-01', f'{MONTH}-30'], bands=['B02', 'B03', 'B04'])
    saved = cube.save_result(format='JPEG', options={'bands': ['B04', 'B03', 'B02'], 'min': 0, 'max': 2550, 'background': '#ff00ff', 'quality': 100})
    service = connection.create_service(saved.flat_graph(), type='xyz', configuration={'visibility': 'public'})
    try:
        shown = picture(tile_url(service.describe_service()['url']))
        for channel, band in enumerate(['B04', 'B03', 'B02']):
            wanted, sure = sampled(bands[band], transform)
            # Well inside, where the blocks of the JPEG hold no background.
            centre = np.zeros_like(sure)
            centre[118:138, 118:138] = True
            error = np.abs(shown[..., channel] - np.clip(wanted / 10, 0, 255))[sure & centre]
            assert error.size > 100 and error.mean() < 4
        assert np.abs(picture(tile_url(service.describe_service()['url'], x=X + 5)).astype(int) - [255, 0, 255, 255]).max() <= 2
    finally:
        service.delete_service()


def test_embeddings_of_a_process_are_a_map(connection, hesbaye):
    cube = connection.load_collection(hesbaye, spatial_extent=None, temporal_extent=[f'{MONTH}-01', f'{MONTH}-30'])
    embedded = cube.process('compress_embed', data=cube, model='pca')
    service = connection.create_service(embedded.flat_graph(), type='tilejson', configuration={'visibility': 'public'})
    try:
        described = requests.get(service.describe_service()['url'], timeout=60).json()
        assert described['tilejson'] == '3.0.0'
        shown = picture(tile_url(described['tiles'][0]))
        assert (shown[..., 3] == 255).sum() > 20_000
        assert len(np.unique(shown[..., :3].reshape(-1, 3), axis=0)) > 20
    finally:
        service.delete_service()


def test_dates_of_a_wmts(connection, hesbaye):
    cube = connection.load_collection(hesbaye, spatial_extent=None, temporal_extent=['2021-05-01', '2021-08-01'], bands=['B08'])
    service = connection.create_service(cube.flat_graph(), type='wmts', title='Near infrared', configuration={'visibility': 'public', 'min': 0, 'max': 5100})
    try:
        url = service.describe_service()['url']
        capabilities = requests.get(f'{url}?service=WMTS&request=GetCapabilities', timeout=60).text
        for day in ['2021-05-01', '2021-06-01', '2021-07-01']:
            assert f'<Value>{day}</Value>' in capabilities
        samples, transform = by_hand.hesbaye_month('2021-05')
        shown = picture(f'{url}/{service.service_id}/1.0.0/default/2021-05-01/EPSG:3857/{ZOOM}/{Y}/{X}.png')
        wanted, sure = sampled(samples[by_hand.BANDS.index('B08')], transform)
        assert_grey(shown, wanted, 0, 5100, sure)
    finally:
        service.delete_service()


def test_wmts_is_read_by_gdal(connection, hesbaye, month, tmp_path):
    if shutil.which('gdal_translate') is None:
        pytest.skip('gdal_translate is absent')
    bands, transform = month
    service = connection.create_service(ndvi_of(connection, hesbaye).flat_graph(), type='wmts', configuration={'min': -1, 'max': 1, 'maxzoom': ZOOM})
    try:
        url = service.describe_service()['url']
        name = f'WMTS:{url}/1.0.0/WMTSCapabilities.xml,layer={service.service_id},tilematrixset=EPSG:3857'
        told = subprocess.run(['gdalinfo', name], capture_output=True, text=True, timeout=60, cwd=tmp_path)
        assert told.returncode == 0 and 'Pseudo-Mercator' in told.stdout, told.stderr
        edge = 2 * 20_037_508.342789244 / 2 ** ZOOM
        west, north = -20_037_508.342789244 + X * edge, 20_037_508.342789244 - Y * edge
        window = [str(number) for number in (west, north, west + edge, north - edge)]
        done = subprocess.run(['gdal_translate', '-q', '-of', 'PNG', '-projwin', *window, name, tmp_path / 'tile.png'], capture_output=True, text=True, timeout=120, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        shown = np.asarray(Image.open(tmp_path / 'tile.png').convert('RGBA'))
        assert shown.shape[:2] == (256, 256)
        wanted, sure = sampled(by_hand.ndvi(bands['B04'], bands['B08']), transform)
        assert_grey(shown, wanted, -1, 1, sure)
    finally:
        service.delete_service()


def test_private_map_is_for_who_has_its_url(service, connection, hesbaye):
    made = connection.create_service(ndvi_of(connection, hesbaye).flat_graph(), type='xyz')
    try:
        url = made.describe_service()['url']
        assert requests.get(tile_url(url), timeout=60).status_code == 200
        plain = tile_url(f'{service.url}/services/{made.service_id}/tiles/{{z}}/{{x}}/{{y}}.png')
        assert requests.get(plain, timeout=60).status_code == 404
        assert requests.get(plain, headers={'Authorization': f'Bearer {connection.auth.bearer}'}, timeout=60).status_code == 200
    finally:
        made.delete_service()


def test_what_is_no_map_is_refused(connection, hesbaye):
    number = {'add': {'process_id': 'add', 'arguments': {'x': 1, 'y': 2}, 'result': True}}
    graph = ndvi_of(connection, hesbaye).flat_graph()
    for arguments, code in [
        ({'graph': number, 'type': 'xyz'}, 'ProcessGraphInvalid'),
        ({'graph': graph, 'type': 'wms'}, 'ServiceUnsupported'),
        ({'graph': graph, 'type': 'xyz', 'configuration': {'colours': 3}}, 'ServiceConfigUnsupported'),
        ({'graph': graph, 'type': 'xyz', 'configuration': {'max': 'high'}}, 'ServiceConfigInvalid'),
        ({'graph': graph, 'type': 'xyz', 'plan': 'golden'}, 'BillingPlanInvalid'),
    ]:
        with pytest.raises(OpenEoApiError) as error:
            connection.create_service(**arguments)
        assert error.value.code == code


def test_results_of_a_job_are_a_map(connection, hesbaye, month):
    """Computed beforehand, shown afterwards."""
    bands, transform = month
    job = ndvi_of(connection, hesbaye).save_result(format='GTiff').create_job()
    job.start_and_wait(connection_retry_interval=1, max_poll_interval=1, print=lambda *_: None)
    graph = {'load': {'process_id': 'load_result', 'arguments': {'id': job.job_id}, 'result': True}}
    service = connection.create_service(graph, type='xyz', configuration={'min': -1, 'max': 1})
    try:
        shown = picture(tile_url(service.describe_service()['url']))
        wanted, sure = sampled(by_hand.ndvi(bands['B04'], bands['B08']), transform)
        assert_grey(shown, wanted, -1, 1, sure)
        assert picture(tile_url(service.describe_service()['url'], x=X + 5))[..., 3].max() == 0
    finally:
        service.delete_service()
        job.delete_job()


def test_uploaded_file_is_a_map(connection, hesbaye):
    samples, transform = by_hand.hesbaye_month(MONTH)
    uploaded = connection.upload_file(by_hand.HESBAYE / f'S2_L2A_{MONTH}-01.tif', 'maps/scene.tif')
    graph = {'load': {'process_id': 'load_uploaded_files', 'arguments': {'paths': ['maps/scene.tif'], 'format': 'GTiff'}, 'result': True}}
    service = connection.create_service(graph, type='xyz', configuration={'bands': ['B08'], 'min': 0, 'max': 5100})
    try:
        shown = picture(tile_url(service.describe_service()['url']))
        wanted, sure = sampled(samples[by_hand.BANDS.index('B08')], transform)
        assert_grey(shown, wanted, 0, 5100, sure)
        bounds = service.describe_service()['attributes']['bounds']
        assert bounds[0] < CENTRE[0] < bounds[2] and bounds[2] - bounds[0] < 0.05
        assert picture(tile_url(service.describe_service()['url'], x=X + 5))[..., 3].max() == 0
    finally:
        service.delete_service()
        uploaded.delete()
