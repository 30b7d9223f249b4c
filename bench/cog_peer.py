"""The GDAL side of bench/cog.ts: makes the test files, then reads windows on request.

Talks JSON lines: {"make": folder, "scene": path, "size": n} writes the files; {"read": path} reads the whole
image with one thread and answers with milliseconds and a digest of the bytes.
"""
import hashlib
import json
import sys
import time

import numpy as np
import rasterio
from rasterio.transform import from_origin


def mirror(scene, size):
    """A real scene repeated, every second copy mirrored, until it covers size × size pixels."""
    pair = np.concatenate([scene, scene[:, :, ::-1]], axis=2)
    four = np.concatenate([pair, pair[:, ::-1]], axis=1)
    tiles = (1, -(-size // four.shape[1]), -(-size // four.shape[2]))
    return np.tile(four, tiles)[:, :size, :size]


def make(folder, scene, size):
    with rasterio.open(scene) as source:
        pixels = mirror(source.read([1, 2, 3, 4]), size)
    for compression in ("deflate", "zstd"):
        with rasterio.open(
            f"{folder}/{compression}.tif", "w", driver="GTiff", width=size, height=size, count=4, dtype="uint16",
            tiled=True, blockxsize=512, blockysize=512, interleave="pixel", compress=compression, predictor=2,
            crs="EPSG:32632", transform=from_origin(600000, 5200000, 10, 10),
        ) as target:
            target.write(pixels)
    return {}


def read(path):
    start = time.perf_counter()
    with rasterio.open(path) as source:
        pixels = source.read()
    took = (time.perf_counter() - start) * 1000
    return {"ms": took, "digest": hashlib.sha256(pixels.tobytes()).hexdigest()}


with rasterio.Env(GDAL_NUM_THREADS="1"):
    for line in sys.stdin:
        task = json.loads(line)
        answer = make(task["make"], task["scene"], task["size"]) if "make" in task else read(task["read"])
        print(json.dumps(answer), flush=True)
