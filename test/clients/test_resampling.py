"""
Resampling against GDAL's warper: the same samples from one grid to another, cell by cell.

Methods that pick a sample must agree bit for bit, those that compute one to a millionth. GDAL computes in
float64 here; Lamina's integers are its rounded numbers. Cells at the edge of the source are left to another
test: GDAL's result there depends on how it cuts its work.
"""
import numpy as np
import pytest
import rasterio
from rasterio.warp import transform

from conftest import SHARED
from warping import KERNELS, METHODS, PICKING, Case, Grid, by_gdal, by_lamina

UTM = 'EPSG:32631'
SOURCE = Grid(UTM, 600_000, 5_600_000, 10, 10, 64, 60)
# GDAL leaves weights undivided whose sum is within 1e-5 of one, which those of lanczos are now and then.
TOLERANCE = {'lanczos': 1.1e-5}


def window(step_x, step_y, east=0.0, south=0.0):
    width, height = int((640 - east) // step_x), int((600 - south) // step_y)
    return Grid(UTM, SOURCE.west + east, SOURCE.north - south, step_x, step_y, width, height)


SAME_CRS = {
    'half': window(5, 5), 'finer': window(4, 4, 0.3, 0.7), 'moved': window(10, 10, 3.3, 2.1), 'finer, moved': window(7, 7, 1.7, 2.9),
    'hardly coarser': window(10.4, 10.4, 0.7, 1.3), 'one and a half': window(15, 15), 'odd': window(17, 17, 2, 3), 'double': window(20, 20),
    'triple': window(30, 30), 'two and a half': window(25, 25, 1.3, 0), 'coarse': window(37.3, 37.3, 4, 5), 'oblong': window(15, 40, 2.2, 1),
    'finer across, coarser down': window(4, 33, 1.1, 2),
}
# Metres and degrees per cell: cells of about half to four times the source's.
OTHER_CRS = [('EPSG:3857', 16), ('EPSG:3857', 40), ('EPSG:32632', 5), ('EPSG:32632', 20), ('EPSG:4326', 0.00012), ('EPSG:4326', 0.00048)]


def projected(source: Grid, crs: str, step: float) -> Grid:
    west, south, east, north = rasterio.warp.transform_bounds(
        source.crs, crs, source.west, source.north - source.height * source.step_y, source.west + source.width * source.step_x, source.north)
    return Grid(crs, west, north, step, step, int((east - west) / step) + 1, int((north - south) / step) + 1)


def raster(dtype: str, holes: bool, bands=2):
    """Waves and noise; with holes single samples and a whole rectangle are missing."""
    random = np.random.default_rng(11)
    y, x = np.mgrid[0:SOURCE.height, 0:SOURCE.width]
    waves = np.array([100 + 50 * np.sin(x / 5 + band) + 40 * np.cos(y / 7) + random.normal(0, 10, x.shape) for band in range(bands)])
    is_float = dtype.startswith('float')
    samples = waves.astype(dtype) if is_float else np.clip(np.round(waves * (1 if dtype == 'uint8' else 20)), 1, None).astype(dtype)
    if not holes:
        return samples, None
    nodata = -9999 if is_float else 0
    missing = random.random(samples.shape) < 0.08
    missing[:, 10:18, 12:25] = True
    samples[missing] = nodata
    return samples, nodata


def classes():
    return np.random.default_rng(3).integers(1, 6, (1, SOURCE.height, SOURCE.width)).astype('uint8')


def scale_of(source: Grid, target: Grid):
    """Source cells per target cell in the middle; nearly whole numbers count as whole."""
    column, row = target.width // 2, target.height // 2
    xs = [target.west + (column + i) * target.step_x for i in (0, 1, 0)]
    ys = [target.north - (row + i) * target.step_y for i in (0, 0, 1)]
    if source.crs != target.crs:
        xs, ys = transform(target.crs, source.crs, xs, ys)
    x, y = [(v - source.west) / source.step_x for v in xs], [(source.north - v) / source.step_y for v in ys]
    ratios = np.hypot(x[1] - x[0], x[2] - x[0]), np.hypot(y[2] - y[0], y[1] - y[0])
    return tuple(1 if r <= 1 else round(r) if abs(r - round(r)) < 0.05 else r for r in ratios)


def case(name, samples, nodata, source, target, tile=None):
    return Case(name, samples, nodata, source, target, tile, tuple(1 / s for s in scale_of(source, target)))


@pytest.fixture(scope='session')
def cases():
    """Finer and coarser, in the same reference system (read in tiles of 23 cells) and in three others."""
    made = []
    for dtype in ('float32', 'int16'):
        for holes in (False, True):
            samples, nodata = raster(dtype, holes)
            name = f'{dtype} with holes' if holes else dtype
            made += [case(f'{name}, {shape}', samples, nodata, SOURCE, target, 23) for shape, target in SAME_CRS.items()]
            if dtype == ('float32' if holes else 'int16'):
                made += [case(f'{name}, {crs} by {step}', samples[:1], nodata, SOURCE, projected(SOURCE, crs, step)) for crs, step in OTHER_CRS]
    made += [case(f'classes, {shape}', classes(), None, SOURCE, target, 23) for shape, target in SAME_CRS.items()]
    return made


def has_right_gdal(case: Case, method: str):
    """GDAL does not follow its own formulas everywhere (docs/adr/0025)."""
    scale = scale_of(case.source, case.target)
    if method == 'cubicspline':
        # Its spline is not cut off at its end, which shows when a coarser cell is no whole number of cells wide.
        return all(s == round(s) for s in scale)
    if method == 'lanczos':
        # On a coarser grid a cell weighs nearly everything whose centre is that of the target's cell.
        return case.source.crs != case.target.crs or not any(s > 1 and s % 2 == 1 for s in scale)
    if method == 'sum' and case.source.crs != case.target.crs:
        # Its sums of narrow strips, which are the only exact ones, lose cells at the strips' edges on a finer grid.
        return min(scale) >= 1 and max(scale) > 1
    return True


def inner(case: Case, method: str):
    """Cells of the target all of whose neighbourhood lies in the source."""
    source, target = case.source, case.target
    reach = {'bilinear': 1, 'cubic': 2, 'cubicspline': 2, 'lanczos': 3}.get(method, 0)
    margin = reach * max(scale_of(source, target)) + 1e-6
    inside = np.ones((target.height, target.width), bool)
    for dx, dy in [(0, 0), (1, 0), (1, 1), (0, 1)]:
        x, y = np.meshgrid(target.west + (np.arange(target.width) + dx) * target.step_x, target.north - (np.arange(target.height) + dy) * target.step_y)
        if source.crs != target.crs:
            flat = transform(target.crs, source.crs, x.ravel(), y.ravel())
            x, y = (np.reshape(v, x.shape) for v in flat)
        column, row = (x - source.west) / source.step_x, (source.north - y) / source.step_y
        inside &= (column >= margin) & (row >= margin) & (column <= source.width - margin) & (row <= source.height - margin)
    return inside


def complaints(case: Case, method: str, lamina, gdal):
    """What is wrong, as a text; empty when nothing is."""
    (values, empty), (expected, missing) = lamina, gdal
    where = np.broadcast_to(inner(case, method), values.shape)
    assert where.any(), f'{case.name}: nothing to compare'
    there = where & ~empty & ~missing
    if method == 'lanczos':
        # Next to holes its weights cancel out: whether anything is left hangs on the last digit.
        differing = np.mean((empty != missing)[where])
        return f'{differing:.1%} of the no-data differ' if differing > 2e-4 else far_off(case, method, values[there], expected[there])
    if method == 'sum' and case.source.crs != case.target.crs:
        # GDAL leaves out slivers of cells, and a cell that has nothing but a sliver is empty.
        sums, wanted = np.where(empty, 0, values)[where], np.where(missing, 0, expected)[where]
        off = np.abs(sums - wanted) / np.abs(wanted).max()
        return '' if off.max() < 1e-5 else f'sums differ by {off.max()} of the largest'
    if np.any((empty != missing)[where]):
        return f'no-data differs in {np.sum((empty != missing)[where])} cells'
    return far_off(case, method, values[there], expected[there])


def far_off(case: Case, method: str, values, expected):
    if method in PICKING:
        return '' if np.array_equal(values, expected) else f'{np.sum(values != expected)} of {values.size} cells differ'
    allowed = TOLERANCE.get(method, 1e-6) * np.maximum(1, np.abs(expected))
    dtype = case.samples.dtype
    if not np.issubdtype(dtype, np.floating) and method != 'sum':
        expected = np.clip(expected, np.iinfo(dtype).min, np.iinfo(dtype).max)
        allowed = allowed + 0.5
    off = np.abs(values - expected) - allowed
    return '' if np.all(off <= 0) else f'{np.sum(off > 0)} of {values.size} cells differ, by {np.abs(values - expected).max()} at most'


def compare(cases, method, folder):
    chosen = [case for case in cases if has_right_gdal(case, method)]
    results = by_lamina([(case, method) for case in chosen], folder)
    found = [(case.name, complaints(case, method, result, by_gdal(case, method))) for case, result in zip(chosen, results)]
    return [f'{name}: {text}' for name, text in found if text]


@pytest.mark.parametrize('method', METHODS)
def test_synthetic_rasters(method, cases, tmp_path):
    assert compare(cases, method, tmp_path) == []


@pytest.mark.parametrize('method', METHODS)
def test_real_rasters(method, tmp_path):
    """A month of Sentinel-2 and a scene of another zone, coarser, finer and into other reference systems."""
    made = []
    for path, size in ((SHARED / 'hesbaye/s2', 90), (SHARED / 'bolzano/S2_L2A_sample.tif', 120)):
        if not path.exists():
            pytest.skip('../shared/data is absent')
        with rasterio.open(sorted(path.glob('*.tif'))[6] if path.is_dir() else path) as file:
            samples = file.read([1, 2], window=((0, size), (0, size)))
            step = file.transform.a
            source = Grid(str(file.crs), file.transform.c, file.transform.f, step, step, size, size)
            nodata = file.nodata
        for target in (Grid(source.crs, source.west + 3.7, source.north - 4.9, 24, 24, size * 10 // 24 - 1, size * 10 // 24 - 1), projected(source, 'EPSG:3857', 35), projected(source, 'EPSG:4326', 0.00021)):
            made.append(case(f'{path.stem} to {target.crs}', samples, nodata, source, target))
    assert compare(made, method, tmp_path) == []


@pytest.mark.parametrize('method', METHODS)
def test_tiles_have_no_seams(method, tmp_path):
    """Whatever windows a result is read in, every cell has the same bits."""
    samples, nodata = raster('float32', True)
    for target in (SAME_CRS['odd'], projected(SOURCE, 'EPSG:3857', 23)):
        whole, *cut = by_lamina([(Case('', samples, nodata, SOURCE, target, tile), method) for tile in (None, 7, 16)], tmp_path)
        for values, empty in cut:
            assert np.array_equal(empty, whole[1])
            assert np.array_equal(values[~empty], whole[0][~empty])


def test_sums_keep_the_total(tmp_path):
    """Askew cells share source cells between them: nothing is lost and nothing counted twice."""
    samples, _ = raster('float64', False)
    target = projected(SOURCE, 'EPSG:3035', 33)
    (values, empty), = by_lamina([(Case('', samples, None, SOURCE, target), 'sum')], tmp_path)
    assert np.sum(values[~empty]) == pytest.approx(samples.sum(), rel=1e-6)
