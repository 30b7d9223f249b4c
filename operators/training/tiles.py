"""The Sentinel-2 tiles that operators are trained and tested on.

Arrays are float32 [band, row, column] of raw digital numbers (reflectance x 10000), nine bands in the order of BANDS.
"""
from pathlib import Path

import numpy as np
import tifffile

BANDS = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B11", "B12")
_TILE_BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12")

#: This place's four seasons never enter a fit; reconstruction is measured on them.
HELD_OUT_PLACE = "0173706"
#: Nothing but cloud.
LEFT_OUT = ("0193833_0",)

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def read_tile(path: Path) -> np.ndarray:
    """One 12-band tile, reduced to the nine bands."""
    pixels = tifffile.imread(path)
    if pixels.shape[0] != len(_TILE_BANDS):
        pixels = pixels.transpose(2, 0, 1)
    return pixels[[_TILE_BANDS.index(band) for band in BANDS]].astype(np.float32)


def training_tiles() -> dict[str, np.ndarray]:
    return {name: tile for name, tile in _ssl4eo().items() if not name.startswith(HELD_OUT_PLACE)}


def held_out_tiles() -> dict[str, np.ndarray]:
    return {name: tile for name, tile in _ssl4eo().items() if name.startswith(HELD_OUT_PLACE)}


def labelled_tiles() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Places no operator has seen, with a land-cover code per pixel: {name: (tile, labels)}."""
    folder = DATA / "terramesh"
    return {
        path.stem: (read_tile(path), tifffile.imread(folder / "LULC" / path.name))
        for path in sorted((folder / "S2L2A").glob("*.tif"))
    }


def _ssl4eo() -> dict[str, np.ndarray]:
    paths = sorted((DATA / "ssl4eo-s2l2a").glob("*.tif"))
    if not paths:
        raise SystemExit(f"No training tiles in {DATA / 'ssl4eo-s2l2a'}; see operators/README.md.")
    return {path.stem: read_tile(path) for path in paths if path.stem not in LEFT_OUT}
