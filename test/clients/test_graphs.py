"""Realistic graphs on real data, against the same computation by hand (graphs.py)."""
import csv
import json

import numpy as np
import pytest
import rasterio
import rasterio.warp
import xarray

import graphs


@pytest.fixture(scope='session')
def flanders(service):
    if not graphs.FLANDERS.exists():
        pytest.skip('../shared/data is absent')
    service.lamina('ingest', str(graphs.FLANDERS), '--collection', 'FLANDERS_GRAPHS')
    return 'FLANDERS_GRAPHS'


def downloaded(cube, path):
    """The values of a netCDF result in the order [t, other, y, x]."""
    cube.download(path, format='netCDF')
    with xarray.open_dataset(path, decode_times=False) as dataset:
        variables = [variable for variable in dataset.data_vars.values() if {'x', 'y'} <= set(variable.dims)]
        order = [name for name in variables[0].dims if name not in 'xy']
        arrays = [variable.transpose(*order, 'y', 'x').values.astype('float64') for variable in variables]
    return arrays[0] if len(arrays) == 1 else np.stack(arrays)


@pytest.mark.parametrize('name', graphs.RASTERS)
def test_rasters(connection, flanders, tmp_path, name):
    graph, by_hand = graphs.RASTERS[name]
    values = downloaded(graph(connection, flanders), tmp_path / 'result.nc')
    wanted = by_hand()
    values = values.reshape(wanted.shape)
    if name == 'texture':
        # Beyond the cube there is no-data, which by hand is zero.
        values, wanted = values[..., 2:-2, 2:-2], wanted[..., 2:-2, 2:-2]
    assert np.isfinite(wanted).mean() > 0.3
    np.testing.assert_array_equal(np.isnan(values), np.isnan(wanted))
    # float32 samples in the file.
    np.testing.assert_allclose(values, wanted, rtol=3e-6, atol=3e-6 * np.nanmax(np.abs(wanted)))


def test_zonal_statistics_as_csv(connection, flanders, tmp_path):
    graph, by_hand = graphs.TABLES['zonal statistics']
    path = tmp_path / 'fields.csv'
    graph(connection, flanders).download(path, format='CSV')
    rows = list(csv.DictReader(path.open()))
    wanted = by_hand()
    instants = graphs.dates(graphs.SUMMER)
    assert len(rows) == wanted.size
    value = next(column for column in rows[0] if column not in ('t', 'date', 'geometry', 'name', 'id', 'feature_index'))
    found = {(row['name'], row['t'][:19]): row[value] for row in rows}
    for i, feature in enumerate(graphs.fields()['features']):
        for j, label in enumerate(instants):
            text = found[(feature['properties']['name'], graphs.instant(label).strftime('%Y-%m-%dT%H:%M:%S'))]
            got = float(text) if text else np.nan
            np.testing.assert_allclose(got, wanted[i, j], rtol=1e-6, equal_nan=True, err_msg=f"{feature['properties']['name']} {label}")


def test_water_as_geojson(connection, flanders, tmp_path):
    graph, by_hand = graphs.TABLES['water in fields']
    path = tmp_path / 'water.geojson'
    graph(connection, flanders).download(path, format='GeoJSON')
    features = json.loads(path.read_text())['features']
    for feature, wanted in zip(features, by_hand(), strict=True):
        numbers = [value for key, value in feature['properties'].items() if key not in ('name', 'id')]
        assert len(numbers) == 1
        assert (np.nan if numbers[0] is None else numbers[0]) == pytest.approx(wanted, nan_ok=True)


def test_mosaic_across_zones(connection, service, tmp_path):
    """The western half of a scene in its own UTM zone, the eastern half warped to the next: one mosaic."""
    source = graphs.FLANDERS.parent / 'bolzano/S2_L2A_20220612_bolzano_B04B03B02B08SCL_cog.tif'
    if not source.exists():
        pytest.skip('../shared/data is absent')
    folder = tmp_path / 'halves'
    folder.mkdir()
    with rasterio.open(source) as file:
        data, transform, crs = file.read(), file.transform, file.crs
    half = data.shape[2] // 2
    write(folder / 'S2_20220612T100000_west.tif', data[:, :, :half], transform, crs)
    east = warped(data[:, :, half:], transform * transform.translation(half, 0), crs, 'EPSG:32633')
    write(folder / 'S2_20220612T100000_east.tif', *east, 'EPSG:32633')
    service.lamina('ingest', str(folder), '--collection', 'TWO_ZONES', '--bands', 'B04,B03,B02,B08,SCL')
    west, south, right, north = transform.c, transform.f + transform.e * 400, transform.c + transform.a * 700, transform.f
    cube = connection.load_collection('TWO_ZONES', bands=['B04'], spatial_extent={'west': west + 2000, 'south': south, 'east': right - 1000, 'north': north - 1000, 'crs': 'EPSG:32632'})
    path = tmp_path / 'mosaic.tif'
    cube.resample_spatial(resolution=10, projection=32632, method='near').reduce_dimension(dimension='t', reducer='first').download(path, format='GTiff')
    with rasterio.open(path) as file:
        values, grid = file.read(1, masked=True).filled(0), file.transform
    assert grid.a == 10
    # By hand: pixels of the west as they are; those of the east warped there and back, nearest both times.
    column, row = round((grid.c - transform.c) / 10), round((transform.f - grid.f) / 10)
    wanted = data[0, row:row + values.shape[0], column:column + values.shape[1]]
    edge = half - column
    np.testing.assert_array_equal(values[:, :edge - 1], wanted[:, :edge - 1])
    back, _ = rasterio.warp.reproject(east[0][0], np.zeros_like(wanted), src_transform=east[1], src_crs='EPSG:32633', dst_transform=grid, dst_crs=crs, resampling=rasterio.warp.Resampling.nearest, src_nodata=0, dst_nodata=0, tolerance=0)
    assert (values[:, edge + 1:] == back[:, edge + 1:]).mean() > 0.999
    # No hole but where the warped half itself has none of its pixels.
    assert (back[(values == 0) & (wanted > 0)] == 0).all(), 'the border of the zones has holes'
    assert ((values == 0) & (wanted > 0)).sum() < 10


def warped(data, transform, crs, target):
    height, width = data.shape[1:]
    bounds = rasterio.transform.array_bounds(height, width, transform)
    grid, columns, rows = rasterio.warp.calculate_default_transform(crs, target, width, height, *bounds, resolution=10)
    out = np.zeros((len(data), rows, columns), dtype=data.dtype)
    rasterio.warp.reproject(data, out, src_transform=transform, src_crs=crs, dst_transform=grid, dst_crs=target, resampling=rasterio.warp.Resampling.nearest, src_nodata=0, dst_nodata=0, tolerance=0)
    return out, grid


def write(path, data, transform, crs):
    with rasterio.open(path, 'w', driver='GTiff', width=data.shape[2], height=data.shape[1], count=len(data), dtype=data.dtype, crs=crs, transform=transform, nodata=0) as file:
        file.write(data)
