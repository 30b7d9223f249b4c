"""Synchronous results, compared with numpy, in every format."""
import json
import math
import struct

import numpy as np
import pytest
import rasterio
import requests
import xarray
from rio_cogeo.cogeo import cog_validate

import by_hand

YEAR = ['2020-11-01', '2021-11-01']


@pytest.fixture
def ndvi_mean(connection, hesbaye):
    cube = connection.load_collection(hesbaye, temporal_extent=YEAR, bands=['B04', 'B08'])
    return cube.ndvi(nir='B08', red='B04').mean_time()


def ndvi_mean_by_hand():
    months = []
    for month in by_hand.hesbaye_months():
        samples, _ = by_hand.hesbaye_month(month)
        months.append(by_hand.ndvi(samples[by_hand.BANDS.index('B04')].astype('float64'), samples[by_hand.BANDS.index('B08')].astype('float64')))
    with np.errstate(all='ignore'):
        return np.nanmean(months, axis=0)


def test_validation(connection, ndvi_mean, hesbaye):
    assert connection.validate_process_graph(ndvi_mean) == []
    unknown = {'x': {'process_id': 'no_such_process', 'arguments': {}, 'result': True}}
    assert [error['code'] for error in connection.validate_process_graph(unknown)] == ['ProcessUnsupported']


def test_geotiff(ndvi_mean, tmp_path):
    path = tmp_path / 'ndvi.tif'
    ndvi_mean.download(path, format='GTiff')
    values, profile, _ = by_hand.read(path)
    _, transform = by_hand.hesbaye_month('2021-06')
    assert profile['crs'].to_epsg() == 32631
    assert profile['transform'] == transform
    np.testing.assert_allclose(values[0], ndvi_mean_by_hand(), atol=1e-6, rtol=0)
    assert cog_validate(path)[0]


def test_netcdf(ndvi_mean, tmp_path):
    path = tmp_path / 'ndvi.nc'
    ndvi_mean.download(path, format='netCDF')
    with xarray.open_dataset(path) as dataset:
        variables = [name for name, variable in dataset.data_vars.items() if {'x', 'y'} <= set(variable.dims)]
        assert len(variables) == 1
        values = dataset[variables[0]].squeeze().transpose('y', 'x')
        assert values.x.values[0] == 664005 and values.y.values[0] == 5612115
        np.testing.assert_allclose(values.values, ndvi_mean_by_hand(), atol=1e-6, rtol=0)


def test_netcdf_of_a_time_series(connection, hesbaye, tmp_path):
    path = tmp_path / 'series.nc'
    connection.load_collection(hesbaye, temporal_extent=['2021-05-01', '2021-08-01'], bands=['B04', 'B08']).download(path, format='netCDF')
    with xarray.open_dataset(path) as dataset:
        assert [str(t)[:10] for t in dataset.t.values] == ['2021-05-01', '2021-06-01', '2021-07-01']
        text = json.dumps([str(name) for name in dataset.variables] + [str(value) for value in dataset.coords.get('bands', xarray.DataArray([])).values.ravel()])
        assert 'B04' in text and 'B08' in text


def test_png(connection, hesbaye, tmp_path):
    path = tmp_path / 'picture.png'
    cube = connection.load_collection(hesbaye, temporal_extent=['2021-06-01', '2021-07-01'], bands=['B04', 'B03', 'B02']).mean_time()
    cube.download(path, format='PNG', options={'min': 0, 'max': 3000})
    head = path.read_bytes()[:24]
    assert head[:8] == b'\x89PNG\r\n\x1a\n'
    assert struct.unpack('>II', head[16:24]) == (100, 100)
    with rasterio.open(path) as picture:
        samples, _ = by_hand.hesbaye_month('2021-06')
        wanted = np.clip(samples[[2, 1, 0]] / 3000 * 255, 0, 255)
        assert np.abs(picture.read()[:3].astype(float) - wanted).max() <= 1


def test_json(connection, hesbaye, tmp_path):
    path = tmp_path / 'mean.json'
    samples, _ = by_hand.hesbaye_month('2021-06')
    cube = connection.load_collection(hesbaye, temporal_extent=['2021-06-01', '2021-07-01'], bands=['B04']).mean_time()
    cube.reduce_dimension(dimension='x', reducer='mean').reduce_dimension(dimension='y', reducer='mean').download(path, format='JSON')
    text = path.read_text()
    assert f'{np.nanmean(samples[2], dtype="float64"):.3f}' in text or np.isclose(np.nanmean(samples[2], dtype='float64'), numbers_in(json.loads(text)), rtol=1e-6).any()


def numbers_in(value):
    if isinstance(value, dict):
        return [number for item in value.values() for number in numbers_in(item)]
    if isinstance(value, list):
        return [number for item in value for number in numbers_in(item)]
    return [value] if isinstance(value, (int, float)) and not isinstance(value, bool) else []


def test_value(connection):
    assert connection.execute({'add': {'process_id': 'add', 'arguments': {'x': 3, 'y': 2.5}, 'result': True}}) == 5.5


def test_values_that_are_no_numbers_in_json(connection):
    """Python's reader gets NaN and infinities as numbers; any other client gets valid JSON."""
    graph = {'add': {'process_id': 'array_append', 'arguments': {'data': [1, None], 'value': {'from_node': 'nan'}}, 'result': True}, 'nan': {'process_id': 'nan', 'arguments': {}}}
    one, nothing, nan = connection.execute(graph)
    assert (one, nothing) == (1, None) and math.isnan(nan)
    answer = requests.post(f'{connection.build_url("/result")}', json={'process': {'process_graph': graph}}, auth=connection.auth)
    assert answer.text == '[1,null,"NaN"]'


def test_small_extent_keeps_the_grid(connection, hesbaye, tmp_path):
    path = tmp_path / 'window.tif'
    box = {'west': 664203, 'south': 5611702, 'east': 664298, 'north': 5611798, 'crs': 32631}
    connection.load_collection(hesbaye, spatial_extent=box, temporal_extent=['2021-06-01', '2021-07-01'], bands=['B08']).mean_time().download(path, format='GTiff')
    values, profile, _ = by_hand.read(path)
    samples, transform = by_hand.hesbaye_month('2021-06')
    column = (profile['transform'].c - transform.c) / 10
    row = (transform.f - profile['transform'].f) / 10
    assert column == int(column) and row == int(row)
    window = samples[6, int(row):int(row) + profile['height'], int(column):int(column) + profile['width']]
    np.testing.assert_array_equal(values[0], window)
    # The pixels whose centre lies in the box.
    assert (profile['width'], profile['height']) == (10, 10)


def test_median_composite_with_a_mask(connection, hesbaye, tmp_path):
    path = tmp_path / 'median.tif'
    cube = connection.load_collection(hesbaye, temporal_extent=['2021-04-01', '2021-10-01'], bands=['B08'])
    bright = cube > 3500
    cube.mask(bright).median_time().download(path, format='GTiff')
    values, _, _ = by_hand.read(path)
    stack = np.array([by_hand.hesbaye_month(month)[0][6] for month in by_hand.hesbaye_months() if '2021-04' <= month < '2021-10'])
    stack[stack > 3500] = np.nan
    np.testing.assert_allclose(values[0], np.nanmedian(stack, axis=0), atol=1e-3, rtol=0)
