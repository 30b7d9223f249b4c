"""Layers as remote scientists meet them: published by hand, written to files, read by the tools they have."""
import json
import time

import numpy as np
import pystac_client
import pytest
import rasterio
import requests

import by_hand
from conftest import PASSWORD, USER

BOX = (5.941, 50.602, 5.985, 50.633)


@pytest.fixture(scope='module')
def token(service):
    given = requests.get(f'{service.url}/openeo/1.2/credentials/basic', auth=(USER, PASSWORD), timeout=10)
    return {'Authorization': f'Bearer basic//{given.json()["access_token"]}'}


def definition(layer, source, **more):
    graph = {
        'load': {'process_id': 'load_collection', 'arguments': {
            'id': source, 'spatial_extent': {'from_parameter': 'spatial_extent'}, 'temporal_extent': {'from_parameter': 'temporal_extent'}, 'bands': by_hand.BANDS}},
        'embed': {'process_id': 'compress_embed', 'arguments': {'data': {'from_node': 'load'}, 'model': {'from_parameter': 'operator'}}, 'result': True},
    }
    return {
        'type': 'Collection', 'stac_version': '1.1.0', 'stac_extensions': [], 'id': layer, 'title': layer, 'description': f'Embeddings of {source}.', 'license': 'CC0-1.0',
        'extent': {'spatial': {'bbox': [[-180, -90, 180, 90]]}, 'temporal': {'interval': [[None, None]]}}, 'links': [],
        'lamina:layer': {'operator': 'pca', 'process_graph': graph, **more},
    }


@pytest.fixture(scope='module')
def layer(service, token, hesbaye):
    """A layer of the real composites, published over HTTP; a moving 'pca' is pinned."""
    body = definition('HESBAYE_PCA', hesbaye, views=['float32', 'int8', 'int8_power2', 'int8_per_vector', 'binary'])
    made = requests.post(f'{service.url}/stac/collections', json=body, headers=token, timeout=30)
    assert made.status_code == 201, made.text
    described = requests.get(f'{service.url}/stac/collections/HESBAYE_PCA', timeout=10).json()
    assert described['lamina:layer']['operator'].startswith('pca@sha256:')
    return 'HESBAYE_PCA'


@pytest.fixture(scope='module')
def files(service, token, layer):
    """A year of the layer in every format; gives the items of the files."""
    asked = requests.post(f'{service.url}/layers/{layer}/materialisations', json={'formats': ['GTiff', 'Zarr', 'Parquet']}, headers=token, timeout=10)
    assert asked.status_code == 201, asked.text
    address = asked.json()['href']
    for _ in range(600):
        state = requests.get(address, timeout=10).json()
        if state['status'] in ('finished', 'error'):
            break
        time.sleep(0.2)
    assert state['status'] == 'finished', state
    catalog = pystac_client.Client.open(f'{service.url}/stac')
    found = list(catalog.search(collections=[f'{layer}.files'], limit=50).items())
    assert len(found) == 13
    return found


def test_equal_values_in_all_three_formats(files, tmp_path):
    import duckdb
    import geopandas
    import xarray

    whole = next(item for item in files if 'zarr' in item.assets)
    store = xarray.open_zarr(whole.assets['zarr'].href, consolidated=True)
    dated = sorted((item for item in files if 'embeddings' in item.assets), key=lambda item: item.datetime)
    table = tmp_path / 'vectors.parquet'
    table.write_bytes(requests.get(whole.assets['vectors'].href, timeout=30).content)
    frame = geopandas.read_parquet(table)
    assert frame.crs == 'OGC:CRS84'
    counted = dict(duckdb.sql(f"select datetime, count(*) from '{table}' group by datetime").fetchall())
    assert store.sizes['t'] == len(dated) == 12
    for index, item in enumerate(dated):
        with rasterio.open(item.assets['embeddings'].href) as file:
            vectors = file.read()
            assert (file.crs.to_epsg(), file.transform.a) == (32631, 80)
        np.testing.assert_array_equal(store['embeddings'][index].values, vectors)
        rows = frame[frame.datetime == item.datetime]
        valid = np.isfinite(vectors[0])
        assert counted.get(item.datetime, 0) == len(rows) == valid.sum()
        if not valid.any():
            continue
        flat = vectors.reshape(vectors.shape[0], -1).T
        flat = flat[np.isfinite(flat[:, 0])]
        assert sorted(map(bytes, np.stack(rows.embedding.values).astype('float32'))) == sorted(map(bytes, np.ascontiguousarray(flat)))
    assert [link.target.rsplit('/', 1)[-1] for link in dated[0].links if link.rel == 'derived_from'] != []


def test_later_requests_read_the_files(connection, service, layer, files, tmp_path):
    path = tmp_path / 'june.tif'
    connection.load_collection(layer, temporal_extent=['2021-06-01', '2021-07-01']).download(path, format='GTiff')
    item = next(item for item in files if item.datetime and item.datetime.month == 6 and 'embeddings' in item.assets)
    with rasterio.open(path) as asked, rasterio.open(item.assets['embeddings'].href) as file:
        window = rasterio.windows.from_bounds(*asked.bounds, file.transform)
        np.testing.assert_array_equal(asked.read(), file.read(window=window))
    stats = json.loads(service.lamina('layer', 'stats', layer, '--json'))
    assert 'filed' in json.dumps(stats)


@pytest.mark.parametrize('view', ['int8', 'int8_power2', 'int8_per_vector', 'binary'])
def test_views_are_chosen_when_loading(connection, layer, tmp_path, view):
    cube = connection.load_collection(layer, temporal_extent=['2021-06-01', '2021-07-01'])
    whole, coded = tmp_path / 'whole.tif', tmp_path / f'{view}.tif'
    cube.download(whole, format='GTiff')
    viewed = cube.process('embedding_quantize', data=cube, quantization=view)
    result = viewed.save_result(format='GTiff').create_job(title=view).start_and_wait(show_error_logs=False).get_results()
    for asset in result.get_assets():
        asset.download(tmp_path / asset.key)
    named = next(asset.key for asset in result.get_assets() if not asset.key.endswith('_scale.tif'))
    with rasterio.open(whole) as file:
        vectors = file.read().astype('float64')
    with rasterio.open(tmp_path / named) as file:
        codes, stored = file.read(), file.dtypes[0]
        scale, offset = np.array(file.scales)[:, None, None], np.array(file.offsets)[:, None, None]
        valid = codes != file.nodata
    assert stored == ('uint8' if view == 'binary' else 'int8')
    there = np.isfinite(vectors)
    np.testing.assert_array_equal(valid, there)
    if view == 'int8':
        decoded = codes * scale + offset
        assert np.abs(decoded - vectors)[there].max() <= np.broadcast_to(scale, vectors.shape)[there].max() * 0.51 + np.abs(vectors[there]).max() * 0.05
    if view == 'int8_per_vector':
        with rasterio.open(tmp_path / named.replace('.tif', '_scale.tif')) as file:
            scales = file.read(1)
        decoded = codes * scales[None]
        assert np.nanmax(np.abs(decoded - vectors) / scales[None]) <= 0.51


def test_odc_stac_does_not_see_that_it_is_virtual(service, layer):
    odc_stac = pytest.importorskip('odc.stac')
    catalog = pystac_client.Client.open(f'{service.url}/stac')
    items = list(catalog.search(collections=[layer], datetime='2021-06-01/2021-06-30').items())
    assert len(items) == 1
    # Without the STAC 1.0 fields of bands, odc-stac calls them by their number.
    loaded = odc_stac.load(items, bands=[f'embeddings.{i}' for i in (1, 2, 32)], chunks={})
    with rasterio.open(items[0].assets['embeddings'].href) as file:
        wanted, bounds = file.read(), file.transform
    assert loaded.odc.geobox.transform == bounds
    for band in (1, 2, 32):
        np.testing.assert_array_equal(loaded[f'embeddings.{band}'].isel(time=0).values, wanted[band - 1])


def test_own_grid(connection, layer, tmp_path):
    cube = connection.load_collection(layer, temporal_extent=['2021-06-01', '2021-07-01'])
    path = tmp_path / 'mercator.tif'
    cube.resample_spatial(resolution=100, projection=3035, method='bilinear').download(path, format='GTiff')
    with rasterio.open(path) as file:
        assert (file.crs.to_epsg(), file.transform.a, file.transform.c % 100, file.transform.f % 100) == (3035, 100, 0, 0)
        assert np.isfinite(file.read(1)).mean() > 0.3
    with pytest.raises(Exception, match="vectors can't be interpolated"):
        cube.resample_spatial(resolution=10).download(tmp_path / 'fine.tif', format='GTiff')


@pytest.mark.parametrize('change, message', [
    (lambda d: d['lamina:layer']['process_graph']['embed']['arguments'].update(model='nothing'), '/lamina:layer/process_graph/embed/arguments/model'),
    (lambda d: d['lamina:layer'].update(cache={'max_bytes': 100}), '/lamina:layer/cache/max_bytes'),
    (lambda d: d['lamina:layer'].update(grid={'crs': 'EPSG:32631', 'resolution': 0.3}), '/lamina:layer/grid'),
    (lambda d: d['lamina:layer']['process_graph']['load']['arguments'].update(id='BROKEN'), 'BROKEN'),
    (lambda d: d['lamina:layer']['process_graph']['load']['arguments'].update(bands=['B02', 'B03']), 'B04'),
    (lambda d: d['lamina:layer'].update(colour='red'), '/lamina:layer/colour'),
])
def test_wrong_definitions_are_refused_as_a_whole(service, token, hesbaye, change, message):
    body = definition('BROKEN', hesbaye)
    change(body)
    refused = requests.post(f'{service.url}/stac/collections', json=body, headers=token, timeout=30)
    assert refused.status_code == 400, refused.text
    assert message in refused.json().get('message', refused.json().get('description', '')), refused.text
    assert requests.get(f'{service.url}/stac/collections/BROKEN', timeout=10).status_code == 404
