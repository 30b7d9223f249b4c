"""The rio-tiler side of bench/tiles.ts: makes the COG, then renders tiles; JSON lines in and out."""
import base64
import json
import sys
import time

import numpy as np
import rasterio
from rasterio.shutil import copy
from rasterio.io import MemoryFile
from rasterio.transform import from_origin
from rio_tiler.io import Reader


def make(path, scene, size):
    with rasterio.open(scene) as source:
        picture = source.read([1, 2, 3])
    pair = np.concatenate([picture, picture[:, :, ::-1]], axis=2)
    four = np.concatenate([pair, pair[:, ::-1]], axis=1)
    times = (1, -(-size // four.shape[1]), -(-size // four.shape[2]))
    pixels = np.tile(four, times)[:, :size, :size]
    with MemoryFile() as memory:
        with memory.open(
            driver="GTiff", width=size, height=size, count=3, dtype="uint16", nodata=0,
            crs="EPSG:32632", transform=from_origin(600000, 5200000, 10, 10), BIGTIFF="YES",
        ) as target:
            target.write(pixels)
        with memory.open() as source:
            copy(source, path, driver="COG", compress="deflate", predictor="yes", blocksize=512, overview_resampling="average")
    return {}


opened = {}


def tile(path, address, warm):
    start = time.perf_counter()
    if warm:
        reader = opened.setdefault(path, Reader(path)) if path not in opened else opened[path]
        image = reader.tile(address["x"], address["y"], address["z"], indexes=(1, 2, 3))
    else:
        with Reader(path) as reader:
            image = reader.tile(address["x"], address["y"], address["z"], indexes=(1, 2, 3))
    image.rescale([(0, 3000)] * 3)
    png = image.render(img_format="PNG", zlevel=1)
    return (time.perf_counter() - start) * 1000, png


for line in sys.stdin:
    task = json.loads(line)
    if "make" in task:
        answer = make(task["make"], task["scene"], task["size"])
    else:
        ms, png = tile(task["path"], task["tile"], task["warm"])
        answer = {"ms": ms}
        if task.get("png"):
            answer["png"] = base64.b64encode(png).decode()
    print(json.dumps(answer), flush=True)
