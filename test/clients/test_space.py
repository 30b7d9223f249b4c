"""Processes on neighborhoods, windows and polygons agree with numpy, through the openEO Python client."""
import json

import by_hand
import numpy as np
import pytest
from openeo.processes import process
from rasterio.features import geometry_mask

MONTH = '2021-06'


@pytest.fixture
def red(connection, hesbaye):
    """One band of one date, and what it holds."""
    samples, transform = by_hand.hesbaye_month(MONTH)
    cube = connection.load_collection(hesbaye, temporal_extent=[f'{MONTH}-01', '2021-07-01'], bands=['B04']).mean_time()
    return cube, samples[by_hand.BANDS.index('B04')].astype('float64'), transform


def computed(cube, path):
    cube.download(path, format='GTiff')
    return by_hand.read(path)


def px(**sizes):
    return [{'dimension': name, 'value': value, 'unit': 'px'} for name, value in sizes.items()]


def windows(values, size):
    """The surroundings of every pixel, NaN where there is nothing."""
    reach = size // 2
    padded = np.pad(values, reach, constant_values=np.nan)
    return np.lib.stride_tricks.sliding_window_view(padded, (size, size))


@pytest.mark.parametrize('piece', [16, 33, 64])
def test_texture_has_no_seams(red, tmp_path, piece):
    cube, values, transform = red
    kernel, size = np.ones((5, 5)).tolist(), 5

    def deviation(data):
        valid = data.apply(lambda x: x.is_valid())
        counts = valid.apply(lambda x: process('if', value=x, accept=1, reject=0)).apply_kernel(kernel)
        mean = data.apply_kernel(kernel).merge_cubes(counts, overlap_resolver='divide')
        squares = data.apply(lambda x: x * x).apply_kernel(kernel).merge_cubes(counts, overlap_resolver='divide')
        return squares.merge_cubes(mean.apply(lambda x: x * x), overlap_resolver='subtract').apply('sqrt')

    # Kilo-reflectance: squares of whole ones would cost digits in single precision.
    scaled = cube.apply(lambda x: x / 1000)
    texture = scaled.apply_neighborhood(deviation, size=px(x=piece, y=piece), overlap=px(x=2, y=2))
    found, profile, _ = computed(texture, tmp_path / 'texture.tif')
    assert profile['transform'] == transform
    expected = np.nanstd(windows(values / 1000, size), axis=(2, 3))
    np.testing.assert_allclose(found[0], expected, atol=2e-3, rtol=1e-3)


def test_every_piece_for_itself(red, tmp_path):
    cube, values, _ = red

    def centred(data):
        return data.merge_cubes(data.reduce_spatial('mean'), overlap_resolver='subtract')

    found, _, _ = computed(cube.apply_neighborhood(centred, size=px(x=30, y=40)), tmp_path / 'centred.tif')
    expected = values.copy()
    for top in range(0, 100, 40):
        for left in range(0, 100, 30):
            expected[top:top + 40, left:left + 30] -= np.nanmean(values[top:top + 40, left:left + 30])
    np.testing.assert_allclose(found[0], expected, atol=1e-3, rtol=0)


def test_windows(red, tmp_path):
    cube, values, transform = red
    coarse = cube.aggregate_spatial_window(reducer='median', size=[7, 9], boundary='pad', align='lower-right')
    found, profile, _ = computed(coarse, tmp_path / 'coarse.tif')
    padded = np.pad(values, ((8, 0), (5, 0)), constant_values=np.nan)
    expected = np.nanmedian(padded.reshape(12, 9, 15, 7), axis=(1, 3))
    np.testing.assert_allclose(found[0], expected, atol=1e-3, rtol=0)
    assert (profile['transform'].a, profile['transform'].e) == (70, -90)
    assert (profile['transform'].c, profile['transform'].f) == (transform.c - 50, transform.f + 80)


def test_all_pixels_at_once(connection, hesbaye, tmp_path):
    months = ['2021-05', '2021-06']
    cube = connection.load_collection(hesbaye, temporal_extent=['2021-05-01', '2021-07-01'], bands=['B04', 'B08']).reduce_spatial('mean')
    cube.download(tmp_path / 'means.json', format='JSON')
    expected = [np.nanmean(by_hand.hesbaye_month(month)[0][by_hand.BANDS.index(band)], dtype='float64') for month in months for band in ['B04', 'B08']]
    np.testing.assert_allclose(numbers_in(json.loads((tmp_path / 'means.json').read_text()), 4), expected, rtol=1e-6)


def numbers_in(value, count):
    """The only nested array of so many numbers in a JSON document."""
    flat = flattened(value) if isinstance(value, list) else None
    if flat is not None and len(flat) == count and all(isinstance(v, (int, float)) for v in flat):
        return flat
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return next((found for part in parts if (found := numbers_in(part, count)) is not None), None)


def flattened(value):
    return [leaf for part in value for leaf in flattened(part)] if isinstance(value, list) else [value]


def test_polygons(red, tmp_path):
    cube, values, transform = red

    def at(column, row):
        return transform.c + column * transform.a, transform.f + row * transform.e

    shapes = [
        {'type': 'Polygon', 'coordinates': [[at(3.2, 4.1), at(40.7, 9.3), at(22.4, 50.6), at(3.2, 4.1)]]},
        {'type': 'Polygon', 'coordinates': [[at(60.3, 55.2), at(95.1, 60.8), at(88.6, 93.4), at(58.9, 90.7), at(60.3, 55.2)]]},
    ]
    collection = {
        'type': 'FeatureCollection', 'crs': {'type': 'name', 'properties': {'name': 'EPSG:32631'}},
        'features': [{'type': 'Feature', 'properties': {}, 'geometry': shape} for shape in shapes],
    }

    def share(data):
        return data.merge_cubes(data.reduce_spatial('sum'), overlap_resolver='divide')

    found, _, _ = computed(cube.apply_polygon(geometries=collection, process=share), tmp_path / 'shares.tif')
    expected = np.full(values.shape, np.nan)
    for shape in shapes:
        inside = ~geometry_mask([shape], values.shape, transform)
        expected[inside] = values[inside] / np.nansum(values[inside])
    np.testing.assert_allclose(found[0], expected, atol=0, rtol=1e-5)


def reducer(name, **given):
    return {'process_graph': {'only': {'process_id': name, 'arguments': {'data': {'from_parameter': 'data'}, **given}, 'result': True}}}


def test_flattening(connection, hesbaye, tmp_path):
    months = ['2021-05', '2021-06']
    bands = ['B04', 'B08']
    cube = connection.load_collection(hesbaye, temporal_extent=['2021-05-01', '2021-07-01'], bands=bands)
    flat = cube.flatten_dimensions(dimensions=['bands', 't'], target_dimension='n')
    back = flat.unflatten_dimension(dimension='n', target_dimensions=['band', 'time'])
    # The client does not know of the new dimensions, so it can't check their names.
    nir = back.process('reduce_dimension', data=back, dimension='band', reducer=reducer('array_element', label='B08'))
    latest = nir.process('reduce_dimension', data=nir, dimension='time', reducer=reducer('last'))
    found, _, _ = computed(latest, tmp_path / 'latest.tif')
    samples, _ = by_hand.hesbaye_month(months[-1])
    np.testing.assert_allclose(found[0], samples[by_hand.BANDS.index('B08')], rtol=0, atol=0)
