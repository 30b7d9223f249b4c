"""The numpy side of bench/arrays.ts: JSON lines in, milliseconds out, results as raw float64."""
import json
import sys
import time
import warnings

import numpy as np

warnings.simplefilter("ignore")

for line in sys.stdin:
    task = json.loads(line)
    stored = np.fromfile(task["input"], dtype="uint16").reshape(task["shape"])
    # Masked float input is what a reader (rasterio, xarray) hands over: making it is not timed.
    data = np.where(stored == 0, np.nan, stored.astype("float32")).astype("float32")
    start = time.perf_counter()
    if task["what"] == "NDVI mean":
        red, nir = data[:, 0], data[:, 1]
        result = np.nanmean((nir - red) / (nir + red), axis=0)
    else:
        result = np.nanmedian(data[:, 0], axis=0)
    ms = (time.perf_counter() - start) * 1000
    result.astype("float64").tofile(task["output"])
    print(json.dumps({"ms": ms}), flush=True)
