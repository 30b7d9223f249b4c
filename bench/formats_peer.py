"""The GDAL and xarray side of bench/formats.ts: writes the same pixels with the same settings.

Talks JSON lines: {"load": path, "size": n} reads the pixels; {"write": path, "format": "GTiff" or "netCDF", …}
writes them and answers with milliseconds; {"compare": [a, b]} tells whether two files hold the same values.
"""
import json
import os
import sys
import time

import numpy as np
import rasterio
import xarray
from rasterio.transform import from_origin

pixels = None


def load(path, size):
    global pixels
    pixels = np.fromfile(path, dtype="float32").reshape(size, size)
    return {}


def write_cog(path, compression, compression_level):
    size = pixels.shape[0]
    with rasterio.open(
        path, "w", driver="COG", width=size, height=size, count=1, dtype="float32", nodata=float("nan"), crs="EPSG:32632",
        transform=from_origin(600000, 6200000, 10, 10), compress=compression, level=compression_level, predictor="FLOATING_POINT",
        blocksize=512, overview_resampling="AVERAGE", num_threads="ALL_CPUS",
    ) as target:
        target.write(pixels, 1)


def write_netcdf(path, compression_level):
    size = pixels.shape[0]
    data = xarray.Dataset(
        {"data": (("y", "x"), pixels)},
        {"x": 600005 + 10.0 * np.arange(size), "y": 6199995 - 10.0 * np.arange(size)},
    )
    data.to_netcdf(path, engine="netcdf4", encoding={"data": {"zlib": True, "complevel": compression_level, "shuffle": False, "chunksizes": (256, 256)}})


def write(path, format, **options):
    if os.path.exists(path):
        os.remove(path)
    start = time.perf_counter()
    (write_cog if format == "GTiff" else write_netcdf)(path, **options)
    return {"ms": (time.perf_counter() - start) * 1000}


def values(path):
    if path.endswith(".nc"):
        with xarray.open_dataset(path) as data:
            return [data["data"].values]
    with rasterio.open(path) as file:
        overviews = file.overviews(1)
        full = [file.read(1)]
    for level in range(len(overviews)):
        with rasterio.open(path, OVERVIEW_LEVEL=level) as file:
            full.append(file.read(1))
    return full


def compare(a, b):
    first, second = values(a), values(b)
    # Means of means may differ in the last digit.
    same = len(first) == len(second) and np.array_equal(first[0], second[0], equal_nan=True)
    return {"same": bool(same and all(np.allclose(x, y, atol=1e-5, equal_nan=True) for x, y in zip(first, second)))}


for line in sys.stdin:
    task = json.loads(line)
    if "load" in task:
        answer = load(task["load"], task["size"])
    elif "compare" in task:
        answer = compare(*task["compare"])
    else:
        answer = write(task.pop("write"), task.pop("format"), **task)
    print(json.dumps(answer), flush=True)
