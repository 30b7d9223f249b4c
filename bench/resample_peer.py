"""The GDAL side of bench/resample.ts: JSON lines in, milliseconds out, results as raw float64."""
import json
import sys
import time

import numpy as np
from rasterio.enums import Resampling
from rasterio.transform import Affine
from rasterio.warp import reproject


def transform(grid):
    return Affine(grid["stepX"], 0, grid["originX"], 0, -grid["stepY"], grid["originY"])


for line in sys.stdin:
    task = json.loads(line)
    source, target = task["source"], task["target"]
    samples = np.fromfile(task["input"], dtype="uint16").reshape(task["bands"], source["height"], source["width"])
    start, used = time.perf_counter(), time.process_time()
    out = np.zeros((task["bands"], target["height"], target["width"]), "uint16")
    reproject(
        samples, out, src_transform=transform(source), src_crs=source["crs"], dst_transform=transform(target), dst_crs=target["crs"],
        src_nodata=0, dst_nodata=0, resampling=getattr(Resampling, task["method"]), num_threads=1, warp_mem_limit=512,
    )
    ms, cpu = (time.perf_counter() - start) * 1000, (time.process_time() - used) * 1000
    out.astype("float64").tofile(task["output"])
    print(json.dumps({"ms": ms, "cpu": cpu}), flush=True)
