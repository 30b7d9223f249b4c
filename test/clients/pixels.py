"""Two readers of the same item."""
import numpy as np
import odc.stac
import rasterio


def assert_odc_stac_reads_what_rasterio_reads(item):
    """Of the first band of the first image of an item; gives its pixels."""
    key = next(name for name, asset in item.assets.items() if 'tiff' in (asset.media_type or '') and asset.has_role('data'))
    with rasterio.open(item.assets[key].href) as file:
        expected, transform, crs = file.read(1), file.transform, file.crs
    loaded = odc.stac.load([item], resolution=abs(transform.a), crs=str(crs), chunks=None)
    values = loaded[next(iter(loaded.data_vars))].isel(time=0)
    left, top = float(values.x[0]) - transform.a / 2, float(values.y[0]) - transform.e / 2
    column, row = round((transform.c - left) / transform.a), round((transform.f - top) / transform.e)
    window = values.values[row:row + expected.shape[0], column:column + expected.shape[1]]
    assert window.shape == expected.shape
    np.testing.assert_array_equal(window.astype(expected.dtype), expected)
    return expected
