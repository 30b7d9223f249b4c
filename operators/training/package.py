"""Writes what stands beside a model: operator.json, golden.json and report.json, all computed by running model.onnx itself."""
import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from . import evaluate, tiles

_BANDS = (
    ("B02", "blue", 0.490),
    ("B03", "green", 0.560),
    ("B04", "red", 0.665),
    ("B05", "rededge071", 0.704),
    ("B06", "rededge075", 0.740),
    ("B07", "rededge078", 0.783),
    ("B08", "nir", 0.842),
    ("B11", "swir16", 1.610),
    ("B12", "swir22", 2.190),
)
#: Digital number put where there is no data: about the median of the training tiles over all bands, so it looks like nothing in particular.
FILL = 1500
_GOLDEN_TOLERANCE = 1e-4


def package(folder: Path, base: dict, decode: Callable[[np.ndarray], np.ndarray], training_notes: dict) -> None:
    """
    `base` holds name, version, title, description, halo, output of the manifest. `decode` turns an embedding
    [dimension, row, column] into digital numbers [band, row * 8, column * 8], for the reconstruction figures.
    """
    model = folder / "model.onnx"
    session = evaluate.open_session(model)
    vectors = np.concatenate([evaluate.embed(session, t).reshape(base["output"]["dimensions"], -1) for t in tiles.training_tiles().values()], axis=1)
    manifest = {
        **{key: base[key] for key in ("name", "version", "title", "description")},
        "license": "Apache-2.0",
        "kind": "onnx",
        "model": {"file": model.name, "sha256": _sha256(model), "opset": 17, "input": "pixels", "output": "embedding"},
        "input": {
            "bands": [{"name": n, "common_name": c, "center_wavelength": w} for n, c, w in _BANDS],
            "fill": FILL,
            "gsd": 10,
            "gsd_range": [5, 20],
        },
        "patch": evaluate.PATCH,
        "halo": base["halo"],
        "output": base["output"],
        "min_valid": 0.5,
        "quantization": {"int8": _int8(vectors)},
        "rgb": _rgb(vectors),
        "golden": "golden.json",
    }
    _write(folder / "operator.json", manifest)
    _write(folder / "golden.json", _golden(session, base["halo"]))
    _write(folder / "report.json", _report(session, manifest, vectors.mean(axis=1), decode, training_notes, model))


def _int8(vectors: np.ndarray) -> dict:
    """
    One step per dimension: the middle 99.9 % of the training embeddings on -127..127, with room on both sides for
    places unlike them (open water, deserts), which a few training places cannot show.
    """
    low, high = np.percentile(vectors, [0.05, 99.95], axis=1)
    scale = np.maximum((high - low) * 1.8 / 254, 1e-6)
    return {"scale": _digits(scale), "offset": _digits((low + high) / 2)}


def _rgb(vectors: np.ndarray) -> dict:
    """The first three principal axes of the training embeddings; the sign makes the largest weight positive."""
    mean = vectors.mean(axis=1)
    _, axes = np.linalg.eigh(np.cov(vectors.astype(np.float64)))
    components = axes[:, ::-1][:, :3].T
    components *= np.sign(components[np.arange(3), np.abs(components).argmax(axis=1)])[:, None]
    low, high = np.percentile(components @ (vectors - mean[:, None]), [2, 98], axis=1)
    return {"mean": _digits(mean), "components": [_digits(c) for c in components], "low": _digits(low), "high": _digits(high)}


def golden_input(bands: int, rows: int, columns: int, seed: int, low: int, high: int) -> np.ndarray:
    """Whole numbers in low..high-1 from a linear congruential generator modulo 2^32, in row-major order [band, row, column]."""
    values = np.empty(bands * rows * columns, dtype=np.float32)
    state = seed
    for i in range(len(values)):
        state = (state * 1664525 + 1013904223) % 2**32
        values[i] = low + state * (high - low) // 2**32
    return values.reshape(bands, rows, columns)


def _golden(session, halo: int) -> dict:
    """Plain vegetation-like noise, a wide rectangle, and a block that is clipped at both ends."""
    cases = []
    for rows, columns, seed, low, high in ((1, 1, 1, 900, 1300), (2, 3, 2, 300, 4000), (3, 1, 3, 0, 24000)):
        size = (rows * evaluate.PATCH + 2 * halo, columns * evaluate.PATCH + 2 * halo)
        vectors = evaluate.embed(session, golden_input(len(_BANDS), *size, seed, low, high))
        cases.append({
            "rows": size[0], "columns": size[1], "seed": seed, "low": low, "high": high,
            "shape": list(vectors.shape), "expected": [float(f"{v:.8g}") for v in vectors.ravel()],
        })
    return {
        "generator": "state = (state * 1664525 + 1013904223) mod 2^32, starting from seed; "
        "value = low + floor(state * (high - low) / 2^32); row-major [band, row, column]",
        "tolerance": _GOLDEN_TOLERANCE,
        "cases": cases,
    }


def _report(session, manifest: dict, center: np.ndarray, decode, training_notes: dict, model: Path) -> dict:
    halo = manifest["halo"]
    scale, offset = (np.array(manifest["quantization"]["int8"][key]) for key in ("scale", "offset"))
    held_out = tiles.held_out_tiles()
    together = np.concatenate([evaluate.embed_inner(session, tile, halo).reshape(len(center), -1) for tile in held_out.values()], axis=1)
    stored, clamped = evaluate.quantise_int8(together, scale, offset)
    half = together.astype(np.float16).astype(np.float32)
    first = next(iter(held_out.values()))
    return {
        "operator": f"{manifest['name']}:{manifest['version']}",
        "model": {"bytes": model.stat().st_size, "sha256": manifest["model"]["sha256"]},
        "training": {**training_notes, "tiles": sorted(tiles.training_tiles()), "held_out": sorted(held_out), "left_out": list(tiles.LEFT_OUT)},
        "fidelity": {
            "tiles": sorted(held_out),
            "vectors": together.shape[1],
            "int8": {**evaluate.fidelity(together, stored, center), "clamped": round(clamped, 6)},
            "float16": evaluate.fidelity(together, half, center),
        },
        "reconstruction": {
            "unit": "dB, peak 10000, nine bands; places the operator has not seen",
            "held_out_place": _reconstruction(session, manifest, held_out, decode),
            "terramesh": _reconstruction(session, manifest, {name: tile for name, (tile, _) in tiles.labelled_tiles().items()}, decode),
        },
        "land_cover": _land_cover(session, halo),
        "seams": {"tile": next(iter(held_out)), "largest_difference": evaluate.seams(session, first, halo)},
        "size": _size(manifest["output"]["dimensions"]),
    }


def _reconstruction(session, manifest: dict, unseen: dict, decode) -> dict:
    """PSNR of each tile without its margin, and the mean of the tiles."""
    margin = slice(evaluate.MARGIN, -evaluate.MARGIN)
    scale, offset = (np.array(manifest["quantization"]["int8"][key]) for key in ("scale", "offset"))
    rows = {}
    for name, tile in unseen.items():
        inner = tile[:, margin, margin]
        vectors = evaluate.embed_inner(session, tile, manifest["halo"])
        means = evaluate.band_statistics(inner)[: len(_BANDS)].repeat(evaluate.PATCH, axis=1).repeat(evaluate.PATCH, axis=2)
        decoded = {"float32": decode(vectors), "int8": decode(evaluate.quantise_int8(vectors, scale, offset)[0]), "band_means_only": means}
        if manifest["output"]["prefix_truncatable"]:
            decoded |= {f"first_{k}": decode(np.where(np.arange(len(vectors))[:, None, None] < k, vectors, 0)) for k in (4, 8, 16)}
        rows[name] = {key: round(evaluate.psnr(inner, pixels), 2) for key, pixels in decoded.items()}
    keys = next(iter(rows.values())).keys()
    return {"mean": {key: round(float(np.mean([row[key] for row in rows.values()])), 2) for key in keys}, "tiles": rows}


def _land_cover(session, halo: int) -> dict:
    """Probes on the places of TerraMesh; a tile is mirrored at its edge to give edge patches their halo."""
    labelled = tiles.labelled_tiles()
    labels = [codes for _, codes in labelled.values()]
    statistics = [evaluate.band_statistics(tile) for tile, _ in labelled.values()]
    return {
        "tiles": sorted(labelled),
        "method": "majority label of 8 x 8 patches, purity 0.6 and more; a checkerboard of 560 m divides training from test, both ways round, "
        "mean of the two. Halos reach across its lines: features of test patches near them include some training pixels, labels do not.",
        "embedding": evaluate.probe([embed_padded(session, tile, halo) for tile, _ in labelled.values()], labels),
        "baseline_band_mean": evaluate.probe([s[: len(_BANDS)] for s in statistics], labels),
        "baseline_band_mean_std": evaluate.probe(statistics, labels),
    }


def embed_padded(session, tile: np.ndarray, halo: int) -> np.ndarray:
    return evaluate.embed(session, evaluate.pad(tile, halo))


def _size(dimensions: int) -> dict:
    raw = evaluate.PATCH**2 * len(_BANDS) * 2
    return {
        "raw_bytes_per_patch": raw,
        "ratio_to_uint16": {"float32": raw / (4 * dimensions), "float16": raw / (2 * dimensions), "int8": raw / dimensions},
        "note": "before any entropy coding of either side; container headers not counted",
    }


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _digits(values: np.ndarray) -> list[float]:
    return [float(f"{v:.7g}") for v in values]


def _write(path: Path, content: dict) -> None:
    """Indented JSON with lists of numbers on one line."""
    text = json.dumps(content, indent=2, ensure_ascii=False)
    text = re.sub(r"\[\s+(-?[\d.e+\-]+(?:,\s+-?[\d.e+\-]+)*)\s+\]", lambda m: "[" + re.sub(r"\s+", " ", m[1]) + "]", text)
    path.write_text(text + "\n")


