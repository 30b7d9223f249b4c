"""The same warp by GDAL and by Lamina: grids, cases and both ways to run them."""
import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rasterio.enums import Resampling
from rasterio.transform import Affine
from rasterio.warp import reproject

from conftest import NODE, ROOT

GDAL = {
    'near': Resampling.nearest, 'bilinear': Resampling.bilinear, 'cubic': Resampling.cubic, 'cubicspline': Resampling.cubic_spline,
    'lanczos': Resampling.lanczos, 'average': Resampling.average, 'mode': Resampling.mode, 'min': Resampling.min, 'max': Resampling.max,
    'med': Resampling.med, 'q1': Resampling.q1, 'q3': Resampling.q3, 'sum': Resampling.sum, 'rms': Resampling.rms,
}
PICKING = ['near', 'mode', 'min', 'max', 'med', 'q1', 'q3']
KERNELS = ['bilinear', 'cubic', 'cubicspline', 'lanczos']
METHODS = list(GDAL)


@dataclass(frozen=True)
class Grid:
    crs: str
    west: float
    north: float
    step_x: float
    step_y: float
    width: int
    height: int

    @property
    def transform(self):
        return Affine(self.step_x, 0, self.west, 0, -self.step_y, self.north)

    def wire(self):
        return {'crs': self.crs, 'originX': self.west, 'originY': self.north, 'stepX': self.step_x, 'stepY': self.step_y, 'width': self.width, 'height': self.height}


@dataclass(frozen=True)
class Case:
    name: str
    samples: np.ndarray
    nodata: float | None
    source: Grid
    target: Grid
    tile: int | None = None
    # Destination pixels per source pixel, for GDAL, which otherwise guesses from the shapes of the windows it works on.
    scale: tuple[float, float] | None = None


# GDAL puts positions between three that it computes, a thousandth of a pixel beside; in rows of so few it computes all.
EXACT_COLUMNS = 5
EMPTY = -1e30


def by_gdal(case: Case, method: str):
    """Values as float64 and a mask of no-data, computed from float64 samples: rounding is for the comparison."""
    # Band by band: rasterio takes pixels for valid that only some bands have.
    out = np.stack([one_band(case, method, band) for band in case.samples.astype('float64')])
    return out, out == EMPTY


def one_band(case: Case, method: str, samples):
    source, target = case.source, case.target
    if source.crs == target.crs:
        return warped(case, method, samples, source.transform, target.transform, target.width)
    if method == 'sum':
        return sum_of_strips(case, samples)
    # GDAL goes through the rows of the target.
    strips = [(first, min(EXACT_COLUMNS, target.width - first)) for first in range(0, target.width, EXACT_COLUMNS)]
    return np.hstack([warped(case, method, samples, source.transform, target.transform * Affine.translation(first, 0), width) for first, width in strips])


def sum_of_strips(case: Case, samples):
    """For sums GDAL goes through the rows of the source; and sums of parts add up."""
    parts = []
    for first in range(0, case.source.width, EXACT_COLUMNS):
        strip = samples[:, first:first + EXACT_COLUMNS]
        if np.all(strip == case.nodata):
            continue
        parts.append(warped(case, 'sum', strip, case.source.transform * Affine.translation(first, 0), case.target.transform, case.target.width))
    parts = np.ma.masked_equal(parts, EMPTY)
    return parts.sum(axis=0).filled(EMPTY)


def warped(case: Case, method: str, samples, source_transform, target_transform, width):
    options = {} if case.scale is None else {'XSCALE': str(case.scale[0]), 'YSCALE': str(case.scale[1])}
    if case.source.crs != case.target.crs:
        # Narrow strips get too few neighbours by themselves.
        options['SOURCE_EXTRA'] = '64'
    out = np.full((case.target.height, width), EMPTY)
    reproject(
        np.ascontiguousarray(samples), out, src_transform=source_transform, src_crs=case.source.crs, src_nodata=case.nodata,
        dst_transform=target_transform, dst_crs=case.target.crs, dst_nodata=EMPTY, resampling=GDAL[method], warp_mem_limit=2048, **options)
    return out


def by_lamina(pairs, folder: Path):
    """Results of many (case, method) pairs by one process."""
    jobs = []
    for i, (case, method) in enumerate(pairs):
        samples = folder / f'{i}.samples'
        samples.write_bytes(np.ascontiguousarray(case.samples).tobytes())
        jobs.append({
            'samples': str(samples), 'dtype': str(case.samples.dtype), 'nodata': case.nodata, 'bands': case.samples.shape[0],
            'source': case.source.wire(), 'target': case.target.wire(), 'method': method, 'out': str(folder / str(i)), **({'tile': case.tile} if case.tile else {})})
    (folder / 'cases.json').write_text(json.dumps(jobs))
    done = subprocess.run([NODE, str(Path(__file__).with_name('warp_by_lamina.ts')), str(folder / 'cases.json')], cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    results = []
    for i, (case, _) in enumerate(pairs):
        shape = (case.samples.shape[0], case.target.height, case.target.width)
        results.append((np.fromfile(folder / f'{i}.values', 'float64').reshape(shape), np.fromfile(folder / f'{i}.nulls', 'uint8').reshape(shape) == 1))
    return results
