"""Every raster format with its options over HTTP, read by independent readers and compared with the source pixels."""
import json
import zipfile

import numpy as np
import pytest
import rasterio
import xarray
from PIL import Image
from rio_cogeo.cogeo import cog_validate

import by_hand

JUNE = ['2021-06-01', '2021-07-01']
SUMMER = ['2021-06-01', '2021-09-01']


@pytest.fixture
def june(connection, hesbaye):
    return connection.load_collection(hesbaye, temporal_extent=JUNE, bands=['B04', 'B03', 'B02'])


@pytest.fixture
def summer(connection, hesbaye):
    return connection.load_collection(hesbaye, temporal_extent=SUMMER, bands=['B04', 'B08'])


def by_hand_series(band):
    return np.array([by_hand.hesbaye_month(month)[0][by_hand.BANDS.index(band)] for month in ('2021-06', '2021-07', '2021-08')])


def test_listing(connection):
    listed = connection.get('/file_formats').json()
    assert {'GTiff', 'netCDF', 'Zarr', 'Parquet', 'PNG', 'JPEG', 'JSON', 'CovJSON'} <= set(listed['output'])
    for formats in listed.values():
        for name, described in formats.items():
            assert described['gis_data_types'], name
            for parameter, schema in described['parameters'].items():
                assert {'type', 'description'} <= set(schema), (name, parameter)


@pytest.mark.parametrize('name', ['GTiff', 'netCDF', 'Zarr', 'PNG', 'JPEG', 'JSON', 'CovJSON'])
def test_unknown_option(june, tmp_path, name):
    with pytest.raises(Exception, match="'no_such_option' is not an option of .*filename_prefix"):
        june.download(tmp_path / 'x', format=name, options={'no_such_option': 1})


def test_geotiff_options(june, tmp_path):
    path = tmp_path / 'june.tif'
    june.download(path, format='GTiff', options={'compress': 'zstd', 'tile_size': 128, 'nodata': 0, 'bands_metadata': {'B04': {'SCALE': 0.0001}}, 'file_metadata': {'title': 'June'}})
    assert cog_validate(path)[0]
    with rasterio.open(path) as file:
        assert (file.profile['compress'], file.profile['blockxsize'], file.nodata) == ('zstd', 128, 0)
        assert file.descriptions == ('B04', 'B03', 'B02')
        assert file.scales[0] == 0.0001 and file.tags()['title'] == 'June'
        samples, transform = by_hand.hesbaye_month('2021-06')
        assert file.transform == transform and file.crs.to_epsg() == 32631
        np.testing.assert_array_equal(file.read(), np.nan_to_num(samples[[2, 1, 0]]).astype('uint16'))


def test_geotiff_batch_per_band_and_date(connection, summer):
    job = summer.save_result('GTiff', {'separate_asset_per_band': True, 'filename_prefix': 'S2'}).create_job()
    job.start_and_wait()
    assets = {asset.key: asset for asset in job.get_results().get_assets()}
    wanted = {f'S2_{month}-01_{band}.tif' for month in ('2021-06', '2021-07', '2021-08') for band in ('B04', 'B08')}
    assert wanted <= set(assets)
    described = assets['S2_2021-07-01_B08.tif'].metadata
    pixels = by_hand_series('B08')[1]
    assert described['proj:code'] == 'EPSG:32631' and described['proj:shape'] == [100, 100]
    (band,) = described['bands']
    assert band['name'] == 'B08'
    assert band['statistics']['minimum'] == np.nanmin(pixels) and band['statistics']['maximum'] == np.nanmax(pixels)
    assert band['statistics']['mean'] == pytest.approx(np.nanmean(pixels, dtype='float64'), rel=1e-9)


def test_classes_as_palette(connection, hesbaye, tmp_path):
    path = tmp_path / 'classes.tif'
    cube = connection.load_collection(hesbaye, temporal_extent=JUNE, bands=['B08']).reduce_dimension(dimension='t', reducer='first')
    (cube > 3000).download(path, format='GTiff', options={'colormap': {'0': '#aa0000', '1': [0, 0.5, 0]}})
    with rasterio.open(path) as file:
        assert file.dtypes == ('uint8',) and file.colorinterp[0].name == 'palette'
        assert file.colormap(1)[0][:3] == (170, 0, 0) and file.colormap(1)[1][:3] == (0, 128, 0)
        np.testing.assert_array_equal(file.read(1), by_hand.hesbaye_month('2021-06')[0][6] > 3000)


def test_netcdf(summer, tmp_path):
    path = tmp_path / 'summer.nc'
    summer.download(path, format='netCDF', options={'chunk_size': 64, 'complevel': 1, 'dtype': 'float32'})
    with xarray.open_dataset(path, decode_coords='all') as data:
        assert 'crs' in data.coords and data.B04.encoding['chunksizes'][-2:] == (64, 64) and data.B04.encoding['complevel'] == 1
        assert [str(t)[:10] for t in data.t.values] == ['2021-06-01', '2021-07-01', '2021-08-01']
        for band in ('B04', 'B08'):
            np.testing.assert_array_equal(data[band].values, by_hand_series(band))


def test_zarr(summer, tmp_path):
    zarr = pytest.importorskip('zarr')
    path = tmp_path / 'summer.zarr.zip'
    summer.download(path, format='Zarr', options={'chunk_size': 32, 'shard_size': 64})
    store = zarr.storage.ZipStore(path, mode='r')
    group = zarr.open_group(store, mode='r')
    assert group.metadata.consolidated_metadata is not None
    assert group['data'].chunks[-2:] == (32, 32) and group['data'].shards[-2:] == (64, 64)
    with xarray.open_zarr(store, consolidated=True) as data:
        np.testing.assert_array_equal(data['data'].sel(bands='B08').values, by_hand_series('B08'))
    assert 'zarr.json' in zipfile.ZipFile(path).namelist()


def test_png_with_a_colormap(connection, hesbaye, tmp_path):
    path = tmp_path / 'nir.png'
    connection.load_collection(hesbaye, temporal_extent=JUNE, bands=['B08']).download(path, format='PNG', options={'min': 1000, 'max': 5000, 'colormap': ['#000000', '#ffffff']})
    shown = np.asarray(Image.open(path).convert('RGBA')).astype(float)
    pixels = by_hand.hesbaye_month('2021-06')[0][6]
    valid = ~np.isnan(pixels)
    assert (shown[..., 3] == np.where(valid, 255, 0)).all()
    assert np.abs(shown[..., 0] - np.clip((pixels - 1000) / 4000, 0, 1) * 255)[valid].max() <= 1


def test_jpeg(june, tmp_path):
    path = tmp_path / 'june.jpg'
    june.download(path, format='JPEG', options={'min': 0, 'max': 3000, 'quality': 95})
    picture = Image.open(path)
    assert picture.format == 'JPEG' and picture.size == (100, 100)
    wanted = np.clip(by_hand.hesbaye_month('2021-06')[0][[2, 1, 0]] / 3000 * 255, 0, 255).transpose(1, 2, 0)
    assert np.nanmean(np.abs(np.asarray(picture).astype(float) - wanted)) < 4


def test_covjson(summer, tmp_path):
    models = pytest.importorskip('covjson_pydantic.coverage')
    path = tmp_path / 'summer.covjson'
    summer.download(path, format='CovJSON')
    coverage = models.Coverage.model_validate_json(path.read_text())
    assert coverage.domain.domainType.value == 'Grid'
    assert (coverage.domain.axes.x.start, coverage.domain.axes.y.start, coverage.domain.axes.x.num) == (664005, 5612115, 100)
    assert [t.isoformat()[:10] for t in coverage.domain.axes.t.values] == ['2021-06-01', '2021-07-01', '2021-08-01']
    assert coverage.domain.referencing[0].system.id == 'http://www.opengis.net/def/crs/EPSG/0/32631'
    for band in ('B04', 'B08'):
        values = np.array([np.nan if v is None else v for v in coverage.ranges[band].values], dtype='float32').reshape(coverage.ranges[band].shape)
        np.testing.assert_array_equal(values, by_hand_series(band))


def test_json(june, tmp_path):
    path = tmp_path / 'june.json'
    june.download(path, format='JSON')
    array = xarray.DataArray.from_dict(json.loads(path.read_text()))
    assert list(array.bands.values) == ['B04', 'B03', 'B02'] and float(array.x[0]) == 664005
    values = array.sel(bands='B03').squeeze().transpose('y', 'x').values.astype('float32')
    np.testing.assert_array_equal(values, by_hand.hesbaye_month('2021-06')[0][1])
