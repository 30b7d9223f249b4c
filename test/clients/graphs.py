"""
Twelve graphs as people write them, each with the same computation by hand: rasterio reads, numpy computes.

A graph is a function of (connection, collection) that gives a cube; its hand-made twin gives an array in the
order of the cube's dimensions [t, bands, y, x] (those that are left). test_graphs.py compares them, bench/
runs the same graphs beside another engine.
"""
import datetime as dt
from pathlib import Path

import numpy as np
import rasterio
from openeo.processes import apply_kernel, array_interpolate_linear, if_, quantiles
from openeo.rest.datacube import DataCube

FLANDERS = Path(__file__).resolve().parents[3] / 'shared/data/flanders-timeseries'
SUMMER = ['2018-04-01', '2018-09-01']
# Scene classes that show no ground: no data, saturated, shadow, clouds (medium, high), cirrus, snow.
UNCLEAR = [0, 1, 3, 8, 9, 10, 11]
FINE = {'B02': 1, 'B03': 2, 'B04': 3, 'B08': 4}
COARSE = {'B05': 1, 'B06': 2, 'B07': 3, 'B8A': 4, 'B11': 5, 'B12': 6}


# What is read by hand.

def dates(extent):
    """Instants of the files in a left-closed interval."""
    found = sorted(path.name[3:18] for path in FLANDERS.glob('*_10m.tif'))
    return [d for d in found if extent[0] <= f'{d[:4]}-{d[4:6]}-{d[6:8]}' < extent[1]]


def band(date, name):
    """[y, x] as float64 on the 10 m grid, NaN for no-data."""
    suffix, index = ('10m', FINE[name]) if name in FINE else ('20m', COARSE[name]) if name in COARSE else ('SCL', 1)
    with rasterio.open(FLANDERS / f'S2_{date}_{suffix}.tif') as file:
        values = file.read(index, masked=True).astype('float64').filled(np.nan)
    return values if suffix == '10m' else values.repeat(2, axis=0).repeat(2, axis=1)


def series(extent, name):
    return np.stack([band(date, name) for date in dates(extent)])


def clear(extent):
    """True where the scene classification shows ground."""
    classes = np.nan_to_num(series(extent, 'SCL'))
    return ~np.isin(classes, UNCLEAR[1:])


def transform():
    with rasterio.open(next(iter(sorted(FLANDERS.glob('*_10m.tif'))))) as file:
        return file.transform


def index(a, b):
    with np.errstate(invalid='ignore', divide='ignore'):
        return (a - b) / (a + b)


def months(extent):
    """Positions of the dates of each month of an interval, in order."""
    found = [date[:6] for date in dates(extent)]
    first, last = extent[0][:7], extent[1][:7]
    names, year, month = [], int(first[:4]), int(first[5:])
    while f'{year}-{month:02}' < last:
        names.append(f'{year}{month:02}')
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return [[i for i, name in enumerate(found) if name == wanted] for wanted in names]


def quiet(function, *arguments, **options):
    """numpy's reducers warn where everything is no-data; the result is what we want."""
    import warnings
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        return function(*arguments, **options)


# The graphs.

def load(connection, collection, extent, bands) -> DataCube:
    return connection.load_collection(collection, temporal_extent=extent, bands=bands)


def masked(connection, collection, extent, bands) -> DataCube:
    classes = load(connection, collection, extent, ['SCL']).band('SCL')
    unclear = classes == UNCLEAR[1]
    for value in UNCLEAR[2:]:
        unclear = unclear | (classes == value)
    return load(connection, collection, extent, bands).mask(unclear)


def evi_composite(connection, collection):
    """Clouds masked, gaps filled along time, monthly medians of the enhanced vegetation index."""
    cube = masked(connection, collection, SUMMER, ['B02', 'B04', 'B08'])
    blue, red, nir = (cube.band(name) * 0.0001 for name in ['B02', 'B04', 'B08'])
    evi = (nir - red) * 2.5 / (nir + red * 6 - blue * 7.5 + 1)
    filled = evi.apply_dimension(dimension='t', process=array_interpolate_linear)
    return filled.aggregate_temporal_period('month', reducer='median')


def evi_composite_by_hand():
    blue, red, nir = (np.where(clear(SUMMER), series(SUMMER, name), np.nan) * 0.0001 for name in ['B02', 'B04', 'B08'])
    evi = (nir - red) * 2.5 / (nir + red * 6 - blue * 7.5 + 1)
    positions = np.array([instant(date).timestamp() for date in dates(SUMMER)])
    for y, x in np.ndindex(evi.shape[1:]):
        known = np.flatnonzero(~np.isnan(evi[:, y, x]))
        if len(known) > 1:
            between = slice(known[0], known[-1] + 1)
            evi[between, y, x] = np.interp(positions[between], positions[known], evi[known, y, x])
    return np.stack([quiet(np.nanmedian, evi[group], axis=0) for group in months(SUMMER)])


def phenology(connection, collection):
    """Monthly NDVI, and its quantiles over the year."""
    ndvi = masked(connection, collection, ['2018-01-01', '2018-11-01'], ['B04', 'B08']).ndvi(nir='B08', red='B04')
    monthly = ndvi.aggregate_temporal_period('month', reducer='median')
    return monthly.apply_dimension(dimension='t', target_dimension='quantile', process=lambda data: quantiles(data, probabilities=[0.1, 0.5, 0.9]))


def phenology_by_hand():
    year = ['2018-01-01', '2018-11-01']
    ndvi = np.where(clear(year), index(series(year, 'B08'), series(year, 'B04')), np.nan)
    monthly = np.stack([quiet(np.nanmedian, ndvi[group], axis=0) for group in months(year)])
    return quiet(np.nanquantile, monthly, [0.1, 0.5, 0.9], axis=0)


def change(connection, collection):
    """Mean NDVI of an autumn less that of the autumn before."""
    autumns = [masked(connection, collection, [f'{year}-09-01', f'{year}-11-01'], ['B04', 'B08']).ndvi(nir='B08', red='B04').reduce_dimension(dimension='t', reducer='mean') for year in (2018, 2017)]
    return autumns[0].merge_cubes(autumns[1], overlap_resolver='subtract')


def change_by_hand():
    def mean(year):
        autumn = [f'{year}-09-01', f'{year}-11-01']
        return quiet(np.nanmean, np.where(clear(autumn), index(series(autumn, 'B08'), series(autumn, 'B04')), np.nan), axis=0)
    return mean(2018) - mean(2017)


def texture(connection, collection):
    """How far each pixel is from the mean of its surroundings, piece by piece with an overlap."""
    red = load(connection, collection, ['2018-07-01', '2018-07-10'], ['B04']).reduce_dimension(dimension='t', reducer='median')
    size = [{'dimension': d, 'value': 16, 'unit': 'px'} for d in 'xy']
    overlap = [{'dimension': d, 'value': 2, 'unit': 'px'} for d in 'xy']
    kernel = [[-1 / 24] * 5 for _ in range(5)]
    kernel[2][2] = 1
    return red.apply_neighborhood(process=lambda data: apply_kernel(data, kernel=kernel), size=size, overlap=overlap)


def texture_by_hand():
    red = quiet(np.nanmedian, series(['2018-07-01', '2018-07-10'], 'B04'), axis=0)
    kernel = np.full((5, 5), -1 / 24)
    kernel[2, 2] = 1
    return convolved(red, kernel, 'constant')[None]


def smoothing(connection, collection):
    """A Gaussian kernel on one clear day."""
    cube = load(connection, collection, ['2018-06-30', '2018-07-02'], ['B08']).reduce_dimension(dimension='t', reducer='first')
    return cube.apply_kernel(kernel=gaussian().tolist(), border='replicate')


def smoothing_by_hand():
    nir = series(['2018-06-30', '2018-07-02'], 'B08')[0]
    return convolved(nir, gaussian(), 'edge')[None]


def gaussian():
    line = np.exp(-np.arange(-2, 3) ** 2 / 2)
    kernel = np.outer(line, line)
    return kernel / kernel.sum()


def convolved(image, kernel, border):
    """Correlation with a kernel of odd size."""
    margin = len(kernel) // 2
    padded = np.pad(image, margin, mode=border)
    height, width = image.shape
    return sum(kernel[dy, dx] * padded[dy:dy + height, dx:dx + width] for dy in range(len(kernel)) for dx in range(len(kernel)))


def moisture(connection, collection):
    """NDMI of a 10 m and a 20 m band, clear observations only, mean over the summer."""
    cube = masked(connection, collection, SUMMER, ['B08', 'B11'])
    nir, swir = cube.band('B08'), cube.band('B11')
    return ((nir - swir) / (nir + swir)).reduce_dimension(dimension='t', reducer='mean')


def moisture_by_hand():
    ndmi = np.where(clear(SUMMER), index(series(SUMMER, 'B08'), series(SUMMER, 'B11')), np.nan)
    return quiet(np.nanmean, ndmi, axis=0)


def clear_views(connection, collection):
    """How often the ground was seen."""
    return masked(connection, collection, SUMMER, ['B04']).reduce_dimension(dimension='t', reducer='count').band('B04')


def clear_views_by_hand():
    return (clear(SUMMER) & ~np.isnan(series(SUMMER, 'B04'))).sum(axis=0).astype('float64')


def anomalies(connection, collection):
    """Monthly NDVI against the normal of each month over both years."""
    ndvi = masked(connection, collection, ['2017-09-01', '2018-12-01'], ['B04', 'B08']).ndvi(nir='B08', red='B04')
    monthly = ndvi.aggregate_temporal_period('month', reducer='mean')
    normals = monthly.process('climatological_normal', data=monthly, period='month', climatology_period=['2017', '2018'])
    return monthly.process('anomaly', data=monthly, normals=normals, period='month')


def anomalies_by_hand():
    both = ['2017-09-01', '2018-12-01']
    ndvi = np.where(clear(both), index(series(both, 'B08'), series(both, 'B04')), np.nan)
    monthly = np.stack([quiet(np.nanmean, ndvi[group], axis=0) if group else np.full(ndvi.shape[1:], np.nan) for group in months(both)])
    calendar = (np.arange(len(monthly)) + 8) % 12
    normals = {month: quiet(np.nanmean, monthly[calendar == month], axis=0) for month in set(calendar)}
    return monthly - np.stack([normals[month] for month in calendar])


def vegetation_share(connection, collection):
    """The share of green pixels in cells of 40 m."""
    ndvi = load(connection, collection, ['2018-05-01', '2018-06-01'], ['B04', 'B08']).ndvi(nir='B08', red='B04').reduce_dimension(dimension='t', reducer='max')
    # Means of whole numbers are whole numbers, as in GDAL; those of other numbers are not.
    green = ndvi.apply(lambda x: if_(x.gt(0.6), 1, 0)) * 1.0
    return green.resample_spatial(resolution=40, method='average')


def vegetation_share_by_hand():
    may = ['2018-05-01', '2018-06-01']
    green = (quiet(np.nanmax, index(series(may, 'B08'), series(may, 'B04')), axis=0) > 0.6).astype('float64')
    origin = transform()
    # Cells of 40 m that fit the pixels: those of the lattice through the corner.
    assert origin.c % 10 == 0 and origin.f % 10 == 0
    return green.reshape(16, 4, 16, 4).mean(axis=(1, 3))


# Over polygons: tables.

def fields():
    """Three polygons in degrees, one with a hole, with names."""
    from pyproj import Transformer
    to_degrees = Transformer.from_crs('EPSG:32631', 'EPSG:4326', always_xy=True).transform
    corner = transform()

    def ring(points):
        return [list(to_degrees(corner.c + 10 * x, corner.f - 10 * y)) for x, y in points]

    shapes = {
        'triangle': [ring([(3.3, 4.1), (30.2, 8.4), (12.6, 33.3), (3.3, 4.1)])],
        'square': [ring([(35.3, 35.3), (60.2, 35.3), (60.2, 60.7), (35.3, 60.7), (35.3, 35.3)]), ring([(45.2, 45.2), (45.2, 50.3), (50.3, 50.3), (50.3, 45.2), (45.2, 45.2)])],
        'strip': [ring([(2.1, 50.6), (33.2, 58.7), (33.2, 60.9), (2.1, 52.8), (2.1, 50.6)])],
    }
    return {'type': 'FeatureCollection', 'features': [{'type': 'Feature', 'properties': {'name': name}, 'geometry': {'type': 'Polygon', 'coordinates': rings}} for name, rings in shapes.items()]}


def inside(feature):
    """The pixels whose centre lies in a polygon."""
    from rasterio.features import geometry_mask
    from rasterio.warp import transform_geom
    shape = transform_geom('EPSG:4326', 'EPSG:32631', feature['geometry'])
    return geometry_mask([shape], out_shape=(64, 64), transform=transform(), invert=True)


def zonal_statistics(connection, collection):
    """Mean NDVI of fields at each date, as a table."""
    ndvi = masked(connection, collection, SUMMER, ['B04', 'B08']).ndvi(nir='B08', red='B04')
    return ndvi.aggregate_spatial(geometries=fields(), reducer='mean')


def zonal_statistics_by_hand():
    """[geometry, t]"""
    ndvi = np.where(clear(SUMMER), index(series(SUMMER, 'B08'), series(SUMMER, 'B04')), np.nan)
    return np.stack([quiet(np.nanmean, ndvi[:, inside(feature)], axis=1) for feature in fields()['features']])


def water_in_fields(connection, collection):
    """NDWI above a threshold within a polygon, counted."""
    day = load(connection, collection, ['2018-06-30', '2018-07-02'], ['B03', 'B08']).reduce_dimension(dimension='t', reducer='first')
    ndwi = day.ndvi(nir='B03', red='B08')
    kept = ndwi.mask_polygon(fields()['features'][1]['geometry'])
    wet = kept.apply(lambda x: if_(x.gt(-0.55), 1, 0))
    return wet.aggregate_spatial(geometries=fields(), reducer='sum')


def water_in_fields_by_hand():
    day = ['2018-06-30', '2018-07-02']
    ndwi = index(series(day, 'B03')[0], series(day, 'B08')[0])
    wet = ndwi > -0.55
    kept = inside(fields()['features'][1])
    return np.array([(wet & kept & inside(feature)).sum() for feature in fields()['features']], dtype='float64')


def instant(label):
    return dt.datetime.strptime(label, '%Y%m%dT%H%M%S').replace(tzinfo=dt.timezone.utc)


RASTERS = {
    'evi composite': (evi_composite, evi_composite_by_hand),
    'phenology': (phenology, phenology_by_hand),
    'change': (change, change_by_hand),
    'texture': (texture, texture_by_hand),
    'smoothing': (smoothing, smoothing_by_hand),
    'moisture': (moisture, moisture_by_hand),
    'clear views': (clear_views, clear_views_by_hand),
    'anomalies': (anomalies, anomalies_by_hand),
    'vegetation share': (vegetation_share, vegetation_share_by_hand),
}
TABLES = {
    'zonal statistics': (zonal_statistics, zonal_statistics_by_hand),
    'water in fields': (water_in_fields, water_in_fields_by_hand),
}
