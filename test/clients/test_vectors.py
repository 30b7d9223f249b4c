"""Vector cubes with the openEO Python client, compared with rasterio, shapely and numpy."""
import io
import json

import numpy as np
import openeo
import pandas
import pyarrow.parquet
import pytest
import rasterio.features
import rasterio.warp
import shapely
import shapely.geometry
from rasterio.transform import xy

import by_hand

PERIOD = ['2021-05-01', '2021-08-01']
MONTHS = ['2021-05', '2021-06', '2021-07']
BANDS = ['B04', 'B08']


def utm(*features):
    """Features in the system of the data, as clients write it: a member `crs`."""
    return {
        'type': 'FeatureCollection',
        'crs': {'type': 'name', 'properties': {'name': 'EPSG:32631'}},
        'features': [{'type': 'Feature', 'id': name, 'properties': {'crop': crop, 'year': 2021}, 'geometry': geometry} for name, crop, geometry in features],
    }


def polygon(*rings):
    return {'type': 'Polygon', 'coordinates': [[*ring, ring[0]] for ring in map(list, rings)]}


def box(west, south, east, north):
    return [[west, south], [east, south], [east, north], [west, north]]


# The data begin at 664000 / 5612120, in pixels of 10 m.
FIELDS = utm(
    ('triangle', 'maize', polygon([[664101, 5612003], [664398, 5612021], [664307, 5611702]])),
    ('ring', 'beet', polygon(box(664502, 5611403, 664797, 5611698), box(664601, 5611501, 664703, 5611607))),
    ('parts', 'grass, cut', {'type': 'MultiPolygon', 'coordinates': [polygon(box(664003, 5612041, 664044, 5612088))['coordinates'], polygon(box(664703, 5612003, 664797, 5612097))['coordinates']]}),
    ('overlap', 'maize', polygon(box(664602, 5611302, 664888, 5611559))),
    ('over the edge', 'wood', polygon(box(663802, 5611152, 664107, 5611348))),
    ('tiny', 'shed', polygon(box(664211, 5611511, 664213, 5611513))),
)


def pixels():
    """[month, band, y, x] as float64, NaN where there is no data, and the transform."""
    months = [by_hand.hesbaye_month(month) for month in MONTHS]
    return np.array([[samples[by_hand.BANDS.index(band)].astype('float64') for band in BANDS] for samples, _ in months]), months[0][1]


def mask_of(geometry, transform, shape=(100, 100)):
    """True for pixels whose centre lies in the geometry: GDAL's rule, as rasterio gives it."""
    return rasterio.features.geometry_mask([geometry], shape, transform, invert=True)


def zonal(reduce, geometries):
    """[geometry, month, band]"""
    values, transform = pixels()
    out = np.full((len(geometries), *values.shape[:2]), np.nan)
    for i, geometry in enumerate(geometries):
        mask = mask_of(geometry, transform)
        if mask.any():
            out[i] = reduce(values[:, :, mask], axis=-1)
    return out


@pytest.fixture
def cube(connection, hesbaye):
    return connection.load_collection(hesbaye, temporal_extent=PERIOD, bands=BANDS)


def shapes(features=FIELDS):
    return [feature['geometry'] for feature in features['features']]


def downloaded(cube, path, **options):
    cube.download(path, **options)
    return path


@pytest.mark.parametrize('reducer, by_numpy', [('mean', np.nanmean), ('median', np.nanmedian), ('max', np.nanmax), ('sd', lambda v, axis: np.nanstd(v, axis=axis, ddof=1)), ('sum', np.nansum)])
def test_zonal_statistics_as_json(cube, tmp_path, reducer, by_numpy):
    result = json.loads(downloaded(cube.aggregate_spatial(FIELDS, reducer=reducer), tmp_path / 'zones.json', format='JSON').read_text())
    assert result['dims'] == ['geometry', 't', 'bands']
    assert result['coords']['geometry']['data'] == ['triangle', 'ring', 'parts', 'overlap', 'over the edge', 'tiny']
    np.testing.assert_allclose(np.array(result['data'], dtype='float64'), zonal(by_numpy, shapes()), rtol=1e-13)


def test_zonal_statistics_as_csv(cube, tmp_path):
    table = pandas.read_csv(downloaded(cube.aggregate_spatial(FIELDS, reducer='mean'), tmp_path / 'zones.csv', format='CSV'))
    assert list(table.columns) == ['geometry', 'crop', 'year', 't', 'B04', 'B08']
    assert list(table.geometry[::3]) == [feature['id'] for feature in FIELDS['features']]
    assert table.crop[6] == 'grass, cut'
    np.testing.assert_allclose(table[BANDS].to_numpy().reshape(6, 3, 2), zonal(np.nanmean, shapes()), rtol=1e-13)


def test_zonal_statistics_as_geojson(cube, tmp_path):
    result = json.loads(downloaded(cube.aggregate_spatial(FIELDS, reducer='mean'), tmp_path / 'zones.geojson', format='GeoJSON').read_text())
    expected = zonal(np.nanmean, shapes())
    for i, (feature, given) in enumerate(zip(result['features'], FIELDS['features'], strict=True)):
        assert feature['id'] == given['id']
        assert feature['properties']['crop'] == given['properties']['crop']
        values = [[feature['properties'][f'{month}-01_{band}'] for band in BANDS] for month in MONTHS]
        np.testing.assert_allclose(np.array(values, dtype='float64'), expected[i], rtol=1e-13)
        in_degrees = shapely.geometry.shape(rasterio.warp.transform_geom('EPSG:32631', 'EPSG:4326', given['geometry']))
        assert shapely.hausdorff_distance(shapely.geometry.shape(feature['geometry']), in_degrees) < 1e-9


def test_zonal_statistics_as_geoparquet(cube, tmp_path):
    path = downloaded(cube.aggregate_spatial(FIELDS, reducer='mean'), tmp_path / 'zones.parquet', format='Parquet')
    table = pyarrow.parquet.read_table(path)
    geo = json.loads(table.schema.metadata[b'geo'])
    assert geo['columns']['geometry']['geometry_types'] == ['MultiPolygon', 'Polygon']
    frame = table.to_pandas()
    assert list(frame.id[::3]) == [feature['id'] for feature in FIELDS['features']]
    assert [str(date)[:7] for date in frame.datetime[:3]] == MONTHS
    np.testing.assert_allclose(frame[BANDS].to_numpy().reshape(6, 3, 2), zonal(np.nanmean, shapes()), rtol=1e-13)
    for wkb, given in zip(frame.geometry[::3], FIELDS['features'], strict=True):
        in_degrees = shapely.geometry.shape(rasterio.warp.transform_geom('EPSG:32631', 'EPSG:4326', given['geometry']))
        assert shapely.hausdorff_distance(shapely.from_wkb(wkb), in_degrees) < 1e-9


def test_counts(connection, cube, tmp_path):
    counted = cube.process('aggregate_spatial', {
        'data': cube, 'geometries': FIELDS, 'target_dimension': 'facts',
        'reducer': {'process_graph': {'min': {'process_id': 'min', 'arguments': {'data': {'from_parameter': 'data'}}, 'result': True}}},
    })
    result = json.loads(downloaded(counted, tmp_path / 'facts.json', format='JSON').read_text())
    data = np.array(result['data'], dtype='float64')
    assert result['dims'] == ['geometry', 't', 'bands', 'facts']
    np.testing.assert_array_equal(data[..., 0], zonal(np.nanmin, shapes()))
    np.testing.assert_array_equal(data[..., 1], np.nan_to_num(zonal(lambda v, axis: np.full(v.shape[:-1], v.shape[-1]), shapes())))
    np.testing.assert_array_equal(data[..., 2], np.nan_to_num(zonal(lambda v, axis: np.isfinite(v).sum(axis=axis), shapes())))


def test_polygons_in_degrees(cube, tmp_path):
    """A pixel counts when its centre, seen in longitude and latitude, lies in the polygon."""
    ring = [[5.3195, 50.6301], [5.3322, 50.6322], [5.3298, 50.6371], [5.3211, 50.6362], [5.3195, 50.6301]]
    values, transform = pixels()
    rows, columns = np.mgrid[0:100, 0:100]
    eastings, northings = xy(transform, rows.ravel(), columns.ravel())
    longitudes, latitudes = rasterio.warp.transform('EPSG:32631', 'EPSG:4326', eastings, northings)
    mask = shapely.intersects_xy(shapely.Polygon(ring), longitudes, latitudes).reshape(100, 100)
    table = pandas.read_csv(downloaded(cube.aggregate_spatial({'type': 'Polygon', 'coordinates': [ring]}, reducer='mean'), tmp_path / 'one.csv', format='CSV'))
    np.testing.assert_allclose(table[BANDS], np.nanmean(values[:, :, mask], axis=-1), rtol=1e-13)


def test_lines_and_points(cube, tmp_path):
    values, transform = pixels()
    line = [[664013, 5612103], [664487, 5611811], [664922, 5611207]]
    point = [664321.5, 5611678.5]
    rows, columns = np.mgrid[0:100, 0:100]
    cells = shapely.box(664000 + columns * 10, 5612110 - rows * 10, 664010 + columns * 10, 5612120 - rows * 10)
    crossed = shapely.intersects(cells, shapely.LineString(line))
    features = utm(('line', '', {'type': 'LineString', 'coordinates': line}), ('point', '', {'type': 'Point', 'coordinates': point}))
    table = pandas.read_csv(downloaded(cube.aggregate_spatial(features, reducer='mean'), tmp_path / 'lines.csv', format='CSV'))
    np.testing.assert_allclose(table[BANDS][:3], np.nanmean(values[:, :, crossed], axis=-1), rtol=1e-13)
    np.testing.assert_array_equal(table[BANDS][3:], values[:, :, 44, 32])


def test_mask_polygon_and_load_in_polygons(connection, cube, hesbaye, tmp_path):
    values, transform = pixels()
    shape = shapes()[1]
    mask = mask_of(shape, transform)
    masked = cube.max_time().mask_polygon({'crs': FIELDS['crs'], **shape})
    samples, _, _ = by_hand.read(downloaded(masked, tmp_path / 'masked.tif', format='GTiff'))
    np.testing.assert_array_equal(samples, np.where(mask, np.nanmax(values, axis=0), np.nan))
    loaded = connection.load_collection(hesbaye, spatial_extent={'crs': FIELDS['crs'], **shape}, temporal_extent=PERIOD, bands=BANDS).max_time()
    samples, profile, _ = by_hand.read(downloaded(loaded, tmp_path / 'loaded.tif', format='GTiff'))
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    inside = np.where(mask, np.nanmax(values, axis=0), np.nan)[:, rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1]
    np.testing.assert_array_equal(samples, inside)
    assert (profile['transform'].c, profile['transform'].f) == (664000 + 10 * columns[0], 5612120 - 10 * rows[0])


def test_batch_job_knows_where_it_lies(cube):
    job = cube.aggregate_spatial(FIELDS, reducer='mean').create_job(out_format='GeoJSON')
    job.start_and_wait(print=lambda *_: None, max_poll_interval=1)
    document = job.get_results().get_metadata()
    in_degrees = [shapely.geometry.shape(rasterio.warp.transform_geom('EPSG:32631', 'EPSG:4326', shape)) for shape in shapes()]
    every = shapely.unary_union(in_degrees)
    np.testing.assert_allclose(document['bbox'], every.bounds, atol=1e-9)
    assert shapely.geometry.shape(document['geometry']).buffer(1e-9).contains(every)
    assert list(document['assets']) == ['result.geojson']


def geometry_result(connection, graph, tmp_path):
    path = tmp_path / 'geometries.geojson'
    connection.download({**graph, 'save': {'process_id': 'save_result', 'arguments': {'data': {'from_node': 'last'}, 'format': 'GeoJSON'}, 'result': True}}, path)
    return json.loads(path.read_text())['features']


def test_buffers_agree_with_shapely(connection, tmp_path):
    graph = {
        'load': {'process_id': 'load_geojson', 'arguments': {'data': FIELDS}},
        'last': {'process_id': 'vector_buffer', 'arguments': {'geometries': {'from_node': 'load'}, 'distance': -20}},
    }
    for feature, shape in zip(geometry_result(connection, graph, tmp_path), shapes(), strict=True):
        expected = shapely.geometry.shape(shape).buffer(-20)
        if expected.is_empty:
            assert feature['geometry'] is None
            continue
        found = shapely.geometry.shape(rasterio.warp.transform_geom('EPSG:4326', 'EPSG:32631', feature['geometry'], precision=-1))
        assert shapely.symmetric_difference(found, expected).area < 1e-3 * expected.area


def test_relations_agree_with_shapely(connection, tmp_path):
    base = polygon(box(664500, 5611400, 664900, 5612050))
    for relation in ['intersects', 'disjoint', 'within', 'overlaps']:
        graph = {
            'load': {'process_id': 'load_geojson', 'arguments': {'data': FIELDS}},
            'base': {'process_id': 'load_geojson', 'arguments': {'data': {'crs': FIELDS['crs'], **base}}},
            'last': {'process_id': 'filter_vector', 'arguments': {'data': {'from_node': 'load'}, 'geometries': {'from_node': 'base'}, 'relation': relation}},
        }
        expected = [feature['id'] for feature in FIELDS['features'] if getattr(shapely.geometry.shape(feature['geometry']), relation)(shapely.geometry.shape(base))]
        assert [feature['id'] for feature in geometry_result(connection, graph, tmp_path)] == expected, relation


def test_formats_for_pixels_refuse_geometries(cube, tmp_path):
    with pytest.raises(openeo.rest.OpenEoApiError, match=r'FormatUnsuitable.*GeoJSON, CSV, Parquet'):
        cube.aggregate_spatial(FIELDS, reducer='mean').download(tmp_path / 'no.tif', format='GTiff')


def test_pixels_as_csv(cube, tmp_path):
    values, transform = pixels()
    table = pandas.read_csv(downloaded(cube.filter_bbox(west=664000, south=5612090, east=664040, north=5612120, crs=32631), tmp_path / 'pixels.csv', format='CSV'))
    assert list(table.columns) == ['t', 'y', 'x', 'B04', 'B08']
    np.testing.assert_array_equal(table[BANDS].to_numpy().reshape(3, 3, 4, 2), values[:, :, :3, :4].transpose(0, 2, 3, 1))
    assert list(table.x[:4]) == [664005, 664015, 664025, 664035] and table.y[0] == 5612115
