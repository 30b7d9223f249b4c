"""What the service should compute, done by hand: rasterio reads, numpy computes, onnxruntime embeds."""
import json
from pathlib import Path

import numpy as np
import onnxruntime
import rasterio

ROOT = Path(__file__).resolve().parents[2]
HESBAYE = ROOT.parent / 'shared/data/hesbaye/s2'
BANDS = ['B02', 'B03', 'B04', 'B05', 'B06', 'B07', 'B08', 'B11', 'B12']


def hesbaye_month(month):
    """One composite as (samples [band, row, column] as float32 with NaN for no-data, transform)."""
    with rasterio.open(HESBAYE / f'S2_L2A_{month}-01.tif') as file:
        return file.read(masked=True).astype('float32').filled(np.nan), file.transform


def hesbaye_months():
    return sorted(path.stem[-10:-3] for path in HESBAYE.glob('*.tif'))


def read(path):
    """A GeoTIFF as (values with NaN for no-data, dataset profile, band descriptions)."""
    with rasterio.open(path) as file:
        values = file.read(masked=True)
        scaled = values.astype('float64') * np.array(file.scales)[:, None, None] + np.array(file.offsets)[:, None, None]
        return np.ma.filled(scaled, np.nan), file.profile, file.descriptions


def ndvi(red, nir):
    with np.errstate(invalid='ignore', divide='ignore'):
        return (nir - red) / (nir + red)


class Operator:
    """An operator package, run directly."""

    def __init__(self, name):
        folder = ROOT / 'operators' / name
        self.manifest = json.loads((folder / 'operator.json').read_text())
        self.session = onnxruntime.InferenceSession(str(folder / self.manifest['model']['file']), providers=['CPUExecutionProvider'])

    def embed(self, pixels, transform, target):
        """
        Embeds `pixels` [band, row, column] with NaN for no-data, on the patches of the raster `target`
        (a profile with transform, width and height). Pixels outside of the array are no-data.
        """
        patch, halo = self.manifest['patch'], self.manifest['halo']
        column = (target['transform'].c - transform.c) / transform.a
        row = (target['transform'].f - transform.f) / transform.e
        assert column == round(column) and row == round(row), 'patches must start at a pixel edge'
        height, width = target['height'] * patch, target['width'] * patch
        gaps = self.window(np.isnan(pixels).any(axis=0), int(row), int(column), height, width, 0, True)
        samples = self.window(pixels, int(row), int(column), height, width, halo, np.nan)
        filled = np.where(np.isnan(samples), self.manifest['input']['fill'], samples).astype('float32')
        (vectors,) = self.session.run([self.manifest['model']['output']], {self.manifest['model']['input']: filled[None]})
        valid = 1 - gaps.reshape(target['height'], patch, target['width'], patch).mean(axis=(1, 3))
        return np.where(valid >= self.manifest['min_valid'], vectors[0], np.nan)

    @staticmethod
    def window(array, row, column, height, width, margin, outside):
        """Rows and columns of the last two axes, with a margin; what lies outside becomes `outside`."""
        result = np.full((*array.shape[:-2], height + 2 * margin, width + 2 * margin), outside, dtype=array.dtype)
        top, left = row - margin, column - margin
        bottom, right = top + result.shape[-2], left + result.shape[-1]
        inside = array[..., max(0, top):max(0, bottom), max(0, left):max(0, right)]
        y, x = max(0, -top), max(0, -left)
        result[..., y:y + inside.shape[-2], x:x + inside.shape[-1]] = inside
        return result
