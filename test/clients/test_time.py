"""Processes along time on real Sentinel-2 acquisitions, compared with xarray and numpy."""
import re

import numpy as np
import pytest
import rasterio
import xarray

import by_hand

FOLDER = by_hand.ROOT.parent / 'shared/data/flanders-timeseries'
YEAR_SECONDS = 31_557_600
INTERVAL = ['2017-09-01', '2018-09-01']


@pytest.fixture(scope='module')
def flanders(service):
    if not FOLDER.exists():
        pytest.skip('../shared/data is absent')
    printed = service.lamina('ingest', str(FOLDER), '--collection', 'FLANDERS')
    assert re.search(r'FLANDERS: 118 items', printed), printed
    return 'FLANDERS'


def acquisitions(suffix, start=INTERVAL[0], end=INTERVAL[1]):
    """Paths by instant, sorted."""
    found = {}
    for path in FOLDER.glob(f'S2_*_{suffix}.tif'):
        time = np.datetime64(re.sub(r'(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)', r'\1-\2-\3T\4:\5:\6', path.stem.split('_')[1]), 'ns')
        if np.datetime64(start) <= time < np.datetime64(end):
            found[time] = path
    return dict(sorted(found.items()))


def red_by_hand(**interval):
    """B04 over time as a DataArray, NaN for no-data."""
    paths = acquisitions('10m', **interval)
    layers = []
    for path in paths.values():
        with rasterio.open(path) as file:
            band = file.descriptions.index('B04') + 1 if 'B04' in file.descriptions else 3
            layers.append(file.read(band, masked=True).astype('float64').filled(np.nan))
    return xarray.DataArray(np.stack(layers), dims=('t', 'y', 'x'), coords={'t': list(paths)})


def load(flanders, bands=('B04',), interval=INTERVAL):
    return {'process_id': 'load_collection', 'arguments': {'id': flanders, 'spatial_extent': None, 'temporal_extent': list(interval), 'bands': list(bands)}}


def flat(node):
    return {'process_id': 'drop_dimension', 'arguments': {'data': {'from_node': node}, 'name': 'bands'}}


def computed(connection, graph, node, tmp_path):
    """The cube of a node as a DataArray."""
    path = tmp_path / 'result.nc'
    connection.download({**graph, 'save': {'process_id': 'save_result', 'arguments': {'data': {'from_node': node}, 'format': 'netCDF'}, 'result': True}}, path)
    with xarray.open_dataset(path, decode_times=False) as dataset:
        variables = [name for name, variable in dataset.data_vars.items() if {'x', 'y'} <= set(variable.dims)]
        assert len(variables) == 1
        return dataset[variables[0]].astype('float64').load()


def test_nearest_dates(connection, flanders, tmp_path):
    target = ['2018-03-01', '2018-03-09T12:00:00Z', '2018-05-05', '2018-07-20']
    graph = {
        'load': load(flanders), 'data': flat('load'),
        'other': {'process_id': 'create_data_cube', 'arguments': {}},
        'target': {'process_id': 'add_dimension', 'arguments': {'data': {'from_node': 'other'}, 'name': 't', 'label': target[0], 'type': 'temporal'}},
    }
    previous = 'target'
    for i, label in enumerate(target[1:]):
        graph[f'o{i}'] = {'process_id': 'add_dimension', 'arguments': {'data': {'from_node': 'other'}, 'name': 't', 'label': label, 'type': 'temporal'}}
        graph[f'm{i}'] = {'process_id': 'merge_cubes', 'arguments': {'cube1': {'from_node': previous}, 'cube2': {'from_node': f'o{i}'}}}
        previous = f'm{i}'
    graph['nearest'] = {'process_id': 'resample_cube_temporal', 'arguments': {'data': {'from_node': 'data'}, 'target': {'from_node': previous}}}
    found = computed(connection, graph, 'nearest', tmp_path)
    red = red_by_hand()
    times = np.array([np.datetime64(label.rstrip('Z'), 'ns') for label in target])
    np.testing.assert_array_equal(found.values, red.sel(t=times, method='nearest').values)


def test_normals_and_anomalies(connection, flanders, tmp_path):
    years = ['2017-08-01', '2018-12-01']
    graph = {
        'load': load(flanders, interval=years), 'data': flat('load'),
        'normals': {'process_id': 'climatological_normal', 'arguments': {'data': {'from_node': 'data'}, 'period': 'season', 'climatology_period': [2017, 2018]}},
        'anomaly': {'process_id': 'anomaly', 'arguments': {'data': {'from_node': 'data'}, 'normals': {'from_node': 'normals'}, 'period': 'season'}},
    }
    red = red_by_hand(start=years[0], end=years[1])
    # The winter of 2017 begins in December 2016, which is not there.
    known = red.groupby('t.season').mean()
    normals = computed(connection, graph, 'normals', tmp_path)
    np.testing.assert_allclose(normals.values, np.stack([known.sel(season=name).values for name in ('DJF', 'MAM', 'JJA', 'SON')]), rtol=1e-6)
    anomalies = computed(connection, graph, 'anomaly', tmp_path)
    np.testing.assert_allclose(anomalies.values, (red.groupby('t.season') - known).values, atol=1e-2)


def harmonic():
    """a + b cos(2πx/year) + c sin(2πx/year)"""
    def call(process, **arguments):
        return {'process_id': process, 'arguments': arguments}

    def element(index):
        return call('array_element', data={'from_parameter': 'parameters'}, index=index)

    return {'process_graph': {
        'a': element(0), 'b': element(1), 'c': element(2),
        'angle': call('multiply', x={'from_parameter': 'x'}, y=2 * np.pi / YEAR_SECONDS),
        'cos': call('cos', x={'from_node': 'angle'}), 'sin': call('sin', x={'from_node': 'angle'}),
        'bc': call('multiply', x={'from_node': 'b'}, y={'from_node': 'cos'}), 'cs': call('multiply', x={'from_node': 'c'}, y={'from_node': 'sin'}),
        'sum': {**call('sum', data=[{'from_node': 'a'}, {'from_node': 'bc'}, {'from_node': 'cs'}]), 'result': True},
    }}


def test_curves(connection, flanders, tmp_path):
    fit = {'process_graph': {'fit': {'process_id': 'fit_curve', 'arguments': {'data': {'from_parameter': 'data'}, 'parameters': [1, 1, 1], 'function': harmonic()}, 'result': True}}}
    labels = ['2018-10-01', '2018-11-01']
    graph = {
        'load': load(flanders), 'data': flat('load'),
        'fit': {'process_id': 'apply_dimension', 'arguments': {'data': {'from_node': 'data'}, 'dimension': 't', 'target_dimension': 'param', 'process': fit}},
        'predict': {'process_id': 'predict_curve', 'arguments': {'parameters': {'from_node': 'fit'}, 'function': harmonic(), 'dimension': 't', 'labels': labels}},
    }
    red = red_by_hand()
    seconds = red.t.values.astype('datetime64[s]').astype('int64').astype('float64')

    def matrix(x):
        angle = 2 * np.pi * np.asarray(x) / YEAR_SECONDS
        return np.stack([np.ones_like(angle), np.cos(angle), np.sin(angle)], axis=1)

    series = red.values.reshape(len(seconds), -1)
    expected = np.full((3, series.shape[1]), np.nan)
    for pixel in range(series.shape[1]):
        valid = np.isfinite(series[:, pixel])
        if valid.sum() >= 3:
            expected[:, pixel] = np.linalg.lstsq(matrix(seconds[valid]), series[valid, pixel], rcond=None)[0]
    found = computed(connection, graph, 'fit', tmp_path)
    np.testing.assert_allclose(found.values.reshape(3, -1), expected, rtol=1e-6, atol=1e-4)
    ahead = matrix(np.array(labels, dtype='datetime64[s]').astype('int64').astype('float64')) @ expected
    predicted = computed(connection, graph, 'predict', tmp_path)
    np.testing.assert_allclose(predicted.values.reshape(2, -1), ahead, rtol=1e-6, atol=1e-3)


def test_clouds(connection, flanders, tmp_path):
    interval = ['2018-05-01', '2018-06-01']
    graph = {
        'load': load(flanders, ['SCL'], interval),
        'clouds': {'process_id': 'cloud_detection', 'arguments': {'data': {'from_node': 'load'}, 'method': 'Sen2Cor'}},
        'cloud': {'process_id': 'filter_bands', 'arguments': {'data': {'from_node': 'clouds'}, 'bands': ['cloud']}},
        'flat': flat('cloud'),
    }
    found = computed(connection, graph, 'flat', tmp_path).values
    classes = []
    for path in acquisitions('SCL', *interval).values():
        with rasterio.open(path) as file:
            classes.append(file.read(1))
    codes = np.stack(classes)
    expected = np.where(codes == 8, 0.5, np.isin(codes, (9, 10)).astype(float))
    expected[np.isin(codes, (0, 1))] = np.nan
    np.testing.assert_array_equal(found, expected)
    assert (expected > 0).any() and (expected == 0).any()
