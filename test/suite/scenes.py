"""Collections that the openEO test suite asks for: made up, since it names places and dates."""
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin


def sentinel2(folder: Path):
    """Two bands of 10 m in EPSG:32632 around the suite's box, every third day of June 2022 from the second on."""
    transform = from_origin(679_000, 5_152_600, 10, 10)
    for offset in range(0, 29, 3):
        day = date(2022, 6, 2) + timedelta(days=offset)
        write(folder / f'S2_{day:%Y%m%d}.tif', waves((2, 240, 260), day, low=400, high=6000).astype('uint16'), 'EPSG:32632', transform, ['B04', 'B08'])


def soil_moisture(folder: Path):
    """One band of 1 km in degrees around Vienna, once a month of 2020."""
    transform = from_origin(16, 48.5, 1 / 112, 1 / 112)
    for month in range(1, 13):
        day = date(2020, month, 5)
        write(folder / f'SSM_{day:%Y%m%d}.tif', waves((1, 68, 90), day, low=0, high=100).astype('uint8'), 'EPSG:4326', transform, ['B01'])


def waves(shape, day, low, high):
    """Smooth, different in each band and on each day, and never no-data."""
    bands, rows, columns = (np.arange(n, dtype=float) for n in shape)
    phase = day.timetuple().tm_yday / 58
    pattern = np.sin(rows[:, None] / 17 + phase) * np.cos(columns[None, :] / 23 - phase)
    # The second band is high where the first is low, as near infrared and red are over plants.
    shares = 0.5 + 0.5 * np.sin(pattern[None] * 2 + bands[:, None, None] * np.pi)
    return np.clip(low + (high - low) * shares, low + 1, high)


def write(path, data, crs, transform, names):
    count, height, width = data.shape
    with rasterio.open(path, 'w', driver='GTiff', width=width, height=height, count=count, dtype=data.dtype, crs=crs, transform=transform, tiled=True, blockxsize=128, blockysize=128, compress='deflate') as file:
        file.write(data)
        file.descriptions = names
