"""compress_embed and virtual collections, compared with running the ONNX files by hand."""
import numpy as np
import pytest
from rio_cogeo.cogeo import cog_validate

import by_hand

JUNE = ['2021-06-01', '2021-07-01']


def embedded(connection, collection, path, extent=None, **arguments):
    cube = connection.load_collection(collection, spatial_extent=extent, temporal_extent=JUNE, bands=by_hand.BANDS).reduce_dimension(dimension='t', reducer='first')
    cube.process('compress_embed', data=cube, **arguments).download(path, format='GTiff')
    return by_hand.read(path)


@pytest.mark.parametrize('name', ['pca', 'conv'])
def test_equals_the_model_run_by_hand(connection, hesbaye, tmp_path, name):
    path = tmp_path / f'{name}.tif'
    values, profile, descriptions = embedded(connection, hesbaye, path, model=name)
    operator = by_hand.Operator(name)
    wanted = operator.embed(*by_hand.hesbaye_month('2021-06'), profile)
    assert np.isfinite(wanted).mean() > 0.8
    np.testing.assert_allclose(values, wanted, atol=1e-4 * max(1, np.nanmax(np.abs(wanted))), rtol=1e-4)
    assert descriptions[:2] == ('e000', 'e001')
    assert len(descriptions) == operator.manifest['output']['dimensions']
    assert profile['transform'].a == 10 * operator.manifest['patch']
    assert cog_validate(path)[0]


@pytest.mark.parametrize('name', ['pca', 'conv'])
def test_same_place_same_vector(connection, hesbaye, tmp_path, name):
    whole, large, _ = embedded(connection, hesbaye, tmp_path / 'whole.tif', model=name)
    box = {'west': 664330, 'south': 5611300, 'east': 664710, 'north': 5611800, 'crs': 32631}
    part, small, _ = embedded(connection, hesbaye, tmp_path / 'part.tif', extent=box, model=name)
    size = large['transform'].a
    column = (small['transform'].c - large['transform'].c) / size
    row = (large['transform'].f - small['transform'].f) / size
    assert column == int(column) and row == int(row)
    same = whole[:, int(row):int(row) + small['height'], int(column):int(column) + small['width']]
    np.testing.assert_array_equal(part, same)


def test_order_of_bands_does_not_matter(connection, hesbaye, tmp_path):
    straight, _, _ = embedded(connection, hesbaye, tmp_path / 'straight.tif', model='pca')
    cube = connection.load_collection(hesbaye, temporal_extent=JUNE, bands=by_hand.BANDS[::-1]).reduce_dimension(dimension='t', reducer='first')
    path = tmp_path / 'reversed.tif'
    cube.process('compress_embed', data=cube, model='pca').download(path, format='GTiff')
    np.testing.assert_array_equal(by_hand.read(path)[0], straight)


def test_prefix(connection, hesbaye, tmp_path):
    whole, _, _ = embedded(connection, hesbaye, tmp_path / 'whole.tif', model='pca')
    prefix, _, _ = embedded(connection, hesbaye, tmp_path / 'prefix.tif', model='pca', dimensions=5)
    np.testing.assert_array_equal(prefix, whole[:5])


def test_int8(connection, hesbaye, tmp_path):
    whole, _, _ = embedded(connection, hesbaye, tmp_path / 'whole.tif', model='pca')
    coded, profile, _ = embedded(connection, hesbaye, tmp_path / 'coded.tif', model='pca', quantization='int8')
    scale = np.array(by_hand.Operator('pca').manifest['quantization']['int8']['scale'])[:, None, None]
    offset = np.array(by_hand.Operator('pca').manifest['quantization']['int8']['offset'])[:, None, None]
    assert profile['dtype'] == 'int8'
    assert profile['nodata'] == -128
    wanted = np.clip(np.round((whole - offset) / scale), -127, 127) * scale + offset
    # A value on the border of two steps may fall to either side.
    assert np.nanmax(np.abs(coded - wanted) / scale) <= 1 + 1e-6
    assert np.nanmean(np.abs(coded - wanted) / scale) < 1e-3


def test_float16(connection, hesbaye, tmp_path):
    whole, _, _ = embedded(connection, hesbaye, tmp_path / 'whole.tif', model='pca')
    half, _, _ = embedded(connection, hesbaye, tmp_path / 'half.tif', model='pca', quantization='float16')
    np.testing.assert_allclose(half, whole.astype('float16').astype('float64'), rtol=1e-3)


def test_virtual_collection(connection, tmp_path):
    """The layer gives what compress_embed gives on the raw collection, the second time out of the cache."""
    description = connection.describe_collection('EMB_SYNTHETIC_S2_PCA')
    assert description['cube:dimensions']['embedding']['type'] == 'bands'
    extent, day = synthetic_place(connection)
    layer = connection.load_collection('EMB_SYNTHETIC_S2_PCA', spatial_extent=extent, temporal_extent=day)
    raw = connection.load_collection('SYNTHETIC_S2', spatial_extent=extent, temporal_extent=day, bands=by_hand.BANDS)
    layer.reduce_dimension(dimension='t', reducer='first').download(tmp_path / 'layer.tif', format='GTiff')
    raw.process('compress_embed', data=raw, model='pca').reduce_dimension(dimension='t', reducer='first').download(tmp_path / 'raw.tif', format='GTiff')
    ours, profile, names = by_hand.read(tmp_path / 'layer.tif')
    theirs, other, _ = by_hand.read(tmp_path / 'raw.tif')
    assert profile['transform'] == other['transform']
    assert names[0] == 'e000'
    assert np.isfinite(ours).any()
    np.testing.assert_array_equal(ours, theirs)


def test_second_time_without_inference(connection):
    extent, day = synthetic_place(connection)
    layer = connection.load_collection('EMB_SYNTHETIC_S2_PCA', spatial_extent=extent, temporal_extent=day)
    counts = []
    for _ in range(2):
        job = layer.execute_batch(out_format='GTiff', title='cache')
        data = [entry.get('data') or {} for entry in job.logs()]
        counts.append(next(entry for entry in data if 'blocks_computed' in entry))
        job.delete()
    assert counts[1]['blocks_computed'] == 0
    assert counts[1]['blocks_cached'] > 0


def synthetic_place(connection):
    """A box of about 1.5 km and a day where the synthetic collection has an item."""
    item = connection.get(connection.build_url('/collections/SYNTHETIC_S2')).json()
    west, south, east, north = item['extent']['spatial']['bbox'][-1]
    start = item['extent']['temporal']['interval'][0][0][:10]
    x, y = (west + east) / 2, (south + north) / 2
    end = str(np.datetime64(start) + 1)
    return {'west': x - 0.01, 'south': y - 0.007, 'east': x + 0.01, 'north': y + 0.007}, [start, end]
